#!/bin/bash
# The pages of docs/ and the README tell the truth: links lead somewhere, options and commands that they name exist, and what they
# show is what happens.
#
# Of an indented block that begins with `$ COMMAND` each command is carried out, in a folder of its own with the tree's files
# at hand, and what stands below it must come in that order; `...` stands for any lines. `$ make TARGET` is not carried out: the
# target must be there. The tour is a transcript of tests/monitor, which compares it, and test_report there judges the reports.
. "$(dirname "$0")/../claim.bash"
dir=$PWD/$O/tests/docs/pages
rm -rf "$dir"
mkdir -p "$dir/o"
for file in *; do [[ $file == o ]] || ln -sf "$PWD/$file" "$dir/$file"; done
for file in "$PWD/$O"/{vmxray,turtles.elf} "$PWD/$GUESTS"; do ln -sf "$file" "$dir/o/${file##*/}"; done
[[ $VMXRAY == /* ]] || VMXRAY=$PWD/$VMXRAY
mapfile -t pages < <(ls README.md docs/*.md docs/*/*.md)

# --- links ---
for page in "${pages[@]}"; do
	lost=
	while read -r link; do
		[[ $link == http* || $link == '#'* ]] || [[ -e ${page%/*}/${link%%#*} || ( $page != */* && -e ${link%%#*} ) ]] || lost+="$link "
	done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//')
	[[ -z $lost ]]
	claim $? "$page: links lead somewhere" "$lost"
done
unlinked=
for page in docs/*.md docs/internals/*.md; do
	grep -qF "${page##*/})" README.md docs/*.md docs/internals/overview.md || unlinked+="$page "
done
[[ -z $unlinked ]]
claim $? 'every page is linked from another' "$unlinked"

# --- names ---
# Of a path in backticks: it is there, from the top or below a folder; with * or DIR it is a pattern. What begins
# with etc/ is a file of fw_cfg, which firmware reads.
for page in "${pages[@]}"; do
	lost=
	while read -r path; do
		[[ $path == o/* || $path == etc/* || $path == *[*A-Z]* || -e $path ]] || compgen -G "*/$path*" >/dev/null ||
			compgen -G "*/*/$path*" >/dev/null || compgen -G "$path.*" >/dev/null || lost+="$path "
	done < <(grep -oE '`[a-z_]+/[A-Za-z0-9_/.*-]+`' "$page" | tr -d '`' | sort -u)
	[[ -z $lost ]]
	claim $? "$page: files exist" "$lost"
done
help=$("$VMXRAY" -help)
for page in "${pages[@]}"; do
	[[ $page == docs/internals/* ]] && continue
	unknown=
	while read -r option; do
		grep -qE -- "^  $option([ =]|\$)" <<<"$help" || unknown+="$option "
	done < <(grep -oE '(^|[ (])`-[a-z][a-z-]*[ `=]' "$page" | grep -oE -- '-[a-z][a-z-]*' | sort -u)
	[[ -z $unknown ]]
	claim $? "$page: options exist" "$unknown"
done
commands=$(sed -n 's/^COMMAND([A-Z]*, *"\([^"]*\)".*/\1/p; s/^ALIAS("\([^"]*\)".*/\1/p' monitor/session/command.def)
unknown=
while read -r word; do
	grep -qxF -- "$word" <<<"$commands" || unknown+="$word "
done < <(sed -n '/^| trouble/,/^$/p' docs/monitor.md | tail -n +3 | cut -d '|' -f 3 | grep -oE '`[a-z-]+[ `]' | tr -d '` ' | sort -u)
[[ -z $unknown ]]
claim $? 'docs/monitor.md: the commands that answer exist' "$unknown"

# --- what is shown ---
targets() { # PAGE: of `$ make TARGET ...`
	sed -n 's/^    \$ make \([a-z-]*\).*/\1/p; s/^    make \([a-z-]*\)  .*/\1/p' "$1" | sort -u
}
for page in "${pages[@]}"; do
	for target in $(targets "$page"); do
		grep -qE "^\.PHONY:.*\b$target\b|^$target:" Makefile tests/guests/*.mk tests/guests/*/*.mk tests/*/rules.mk web/web.mk labs/labs.mk
		claim $? "$page: make $target is there"
	done
done

# What stands below a command, line by line, among what it said: the first line that does not come in order.
missing() { # SAID WANTED
	awk 'NR == FNR { said[++n] = $0; next }
		$0 == "..." || $0 == "" { next }
		{ while (++at <= n && said[at] != $0); if (at > n) { print; exit } }' "$1" "$2"
}
carry_out() { # PAGE COMMAND: what is wanted in $dir/wanted
	local lost status
	(cd "$dir" && timeout --kill-after=5 120 bash -c "$2") 2>&1 </dev/null | tr -d '\r' >"$dir/said"
	status=${PIPESTATUS[0]}
	lost=$(missing "$dir/said" "$dir/wanted")
	[[ -z $lost && $status == 0 ]]
	claim $? "$1: $2" "status $status; it does not say: $lost"
}
for page in "${pages[@]}"; do
	[[ $page == docs/tour.md || $page == docs/reports.md ]] && continue # tests/monitor judges these
	command=
	while IFS= read -r line; do
		if [[ $line == '    $ '* ]]; then
			[[ -z $command ]] || carry_out "$page" "$command"
			command=${line#'    $ '}
			[[ $command == make* ]] && command=
			: >"$dir/wanted"
		elif [[ $command && $line == '    '* ]]; then
			printf '%s\n' "${line#    }" >>"$dir/wanted"
		elif [[ $command ]]; then
			carry_out "$page" "$command"
			command=
		fi
	done <"$page"
	[[ -z $command ]] || carry_out "$page" "$command"
done
