#!/bin/bash
# The labs: each solution passes, each starting point gets the answer that its lab names, each wrong solution its own one.
. "$(dirname "$0")/../claim.bash"
check=$O/labs/check
[[ -x $check ]] || { echo 'ok labs # SKIP they are not built (make lab-programs)'; echo 1..1; exit; }

answer() { # LAB PROGRAM: the answer's name, or "passed"
	local said
	said=$("$check" -json "$1" "$2" 2>&1)
	case $said in
	*'"passed":true'*) echo passed ;;
	*'"answer":"'*) said=${said#*'"answer":"'} && echo "${said%%'"'*}" ;;
	*) echo "nothing: $said" ;;
	esac
}

labs=0
while IFS=$'\t' read -r lab start title; do
	((labs++))
	built=$O/labs/$lab
	said=$(answer "$lab" "$built/solution.elf")
	[[ $said == passed ]]
	claim $? "$lab: the solution passes" "$said"
	said=$(answer "$lab" "$built/start.elf")
	[[ $said == "$start" ]]
	claim $? "$lab: the starting point gets: $start" "$said"
	for change in "labs/$lab"/wrong/*.sed; do
		name=${change##*/} name=${name%.sed}
		said=$(answer "$lab" "$built/wrong/$name.elf")
		[[ $said == "$name" ]]
		claim $? "$lab: a wrong solution gets: $name" "$said"
		! cmp -s "$built/wrong/$name.c" "labs/$lab/solution/lab.c"
		claim $? "$lab: $name.sed changes the solution"
	done
	for part in README.md Makefile start/lab.c solution/lab.c; do
		[[ -e labs/$lab/$part ]] || claim 1 "$lab has a $part"
	done
	# A mistake that a student can make has a student who makes it.
	without=$(sed -nE 's/^MISTAKE\([0-9]+, (\w+),.*/\1/p' "labs/$lab/claims.def" | while read -r name; do
		[[ -e labs/$lab/wrong/$name.sed || $name == "$start" ]] || echo "$name"
	done)
	[[ -z $without ]]
	claim $? "$lab: every mistake of its table has a wrong solution" "$without"
done < <("$check" -list)
((labs >= 12))
claim $? "$labs labs, 12 at least"
