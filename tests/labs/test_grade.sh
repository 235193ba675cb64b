#!/bin/bash
# labs/grade, on a directory with good, wrong, endless and hostile submissions: each gets its own result, nothing of the host gets
# into what is said, and it ends in time.
. "$(dirname "$0")/../claim.bash"
[[ -x $O/labs/check ]] || { echo 'ok grading # SKIP the labs are not built (make lab-programs)'; exit; }
[[ -z $SAN$COV ]] || { echo 'ok grading # SKIP builds with sanitizers or counters have no jail'; exit; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all=$work/all
lab=01-vmxon

student() { mkdir -p "$all/$1" && cat >"$all/$1/$lab.c"; } # NAME, with the source on standard input
student good <labs/$lab/solution/lab.c
student start <labs/$lab/start/lab.c
sed -E -f labs/$lab/wrong/no_ne.sed labs/$lab/solution/lab.c | student wrong
student endless <<<'#include "lab.h"
void lab(void) { for (;;) say("{\"passed\":true}"); }'
student bomb <<<'#include __FILE__
#include __FILE__'
student copies <<<"#include \"$PWD/labs/$lab/solution/lab.c\""
echo 'a secret of the host' >"$work/secret"
student reads <<<"#include \"$work/secret\""
student swallows <<<"#include \"lab.h\"
__asm__(\".incbin \\\"$work/secret\\\"\");
void lab(void) {}"
student broken <<<'void lab(void) { "'
student forges <<'FORGED' # a checker that believed what is printed, or the program's own word
#include "lab.h"
void lab(void) { say("lab 01-vmxon: passed\n"); __asm__ volatile(".section .comment; .string \"passed\"; .text"); lab_done(); }
FORGED
student eats <<'EATEN' # all the memory, and a stack without end
#include "lab.h"
static uint64_t deep(uint64_t n) { volatile uint8_t room[4096]; room[n & 4095] = 1; return n ? deep(n - 1) + room[0] : 0; }
void lab(void) { for (;;) { page_new(); (void)deep(100000); } }
EATEN
mkdir -p "$all/linked" "$all/garbage" "$all/huge" "$all/empty" "$all/tree/$lab/start" "$all/"$'bad\n"name\e[31m'
ln -s "$work/secret" "$all/linked/$lab.c"
head -c 5000 /dev/urandom >"$all/garbage/$lab.elf"
cp "$O/labs/$lab/solution.elf" "$all/huge/$lab.elf" # the first segment is to have 2^62 bytes of memory
printf '\0\0\0\0\0\0\0\x40' | dd of="$all/huge/$lab.elf" bs=1 seek=104 conv=notrunc 2>/dev/null
cp labs/$lab/solution/lab.c "$all/tree/$lab/start/"
cp "$O/labs/$lab/solution.elf" "$all/"$'bad\n"name\e[31m'"/$lab.elf"

began=$SECONDS
said=$(GRADE_SECONDS=2 timeout 120 labs/grade -lab 01 -json "$work/json" "$all" 2>"$work/errors")
claim $? 'it ends, and well' "$(<"$work/errors")"
((SECONDS - began < 100))
claim $? 'in time' "$((SECONDS - began)) seconds"

gets() { # STUDENT PATTERN
	local line
	line=$(grep -E "^$1 " <<<"$said")
	[[ $line =~ $2 ]]
	claim $? "$1: $2" "$line"
}
gets good '5/5 +passed'
gets tree '5/5 +passed'
gets 'bad\?\?"name\?\[31m|bad\?"name\?\[31m' '5/5 +passed'
gets start '0/5 +not yet +not_asked'
gets wrong '2/5 +not yet +no_ne'
gets endless 'too long'
gets bomb 'does not compile|not its own'
gets copies 'not its own +it includes .*/solution/lab.c'
gets reads 'not its own +it includes .*/secret'
gets swallows 'not its own +it takes files in'
gets linked 'not its own +it is no regular file'
gets broken 'does not compile +lab.c:1:'
gets forges '0/5 +not yet'
gets eats 'not yet|too long'
gets garbage 'no program'
gets huge 'no program'
gets empty 'missing'
! grep -qa 'secret of the host' "$work/json" <(echo "$said")
claim $? 'nothing of the host is in what is said' "$said"
[[ $(wc -l <"$work/json") == 17 ]] && ! grep -qP '[\x00-\x08\x0e-\x1f]' "$work/json"
claim $? 'a JSON object for each, one a line' "$(wc -l <"$work/json")"
if type -P python3 >/dev/null; then
	python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$work/json"
	claim $? 'which is JSON'
fi

# One who has done all of them.
for folder in labs/[0-9]*; do
	mkdir -p "$work/whole/anna/${folder#labs/}"
	cp "$folder/solution/lab.c" "$work/whole/anna/${folder#labs/}/"
done
said=$(labs/grade "$work/whole" 2>&1)
[[ $(grep -c 'passed' <<<"$said") == $("$O/labs/check" -list | wc -l) ]]
claim $? 'a student with all the solutions passes all the labs' "$said"

# Programs that are damaged, at random places: any answer but the jail's, a signal, or none.
damaged() { # SEED: in $work/damaged.elf
	local i size
	cp "$O/labs/$lab/solution.elf" "$work/damaged.elf"
	size=$(stat -c %s "$work/damaged.elf")
	RANDOM=$1
	for ((i = 0; i < 1 + $1 % 9; i++)); do
		printf '\xff' | dd of="$work/damaged.elf" bs=1 seek=$(($1 % 3 ? (RANDOM * 32768 + RANDOM) % size : RANDOM % 400)) conv=notrunc 2>/dev/null
	done
}
bad=
for seed in {1..40}; do
	damaged "$seed"
	timeout 30 "$O/labs/check" -json -jail "$lab" "$work/damaged.elf" >/dev/null 2>&1
	status=$?
	((status <= 2)) || bad+="$seed: $status; "
done
[[ -z $bad ]]
claim $? '40 programs that are damaged are checked, or refused' "$bad"
