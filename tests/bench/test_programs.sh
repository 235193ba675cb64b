#!/bin/bash
# What make bench stands on: the table of small programs is whole, the programs do what it says, and the meter takes their time.
. "$(dirname "$0")/../claim.bash"
folder=tests/bench/programs
table=$folder/programs.tsv
work=$O/tests/bench/programs
rm -rf "$work"
mkdir -p "$work"

# --- the table ---
rows() { grep -v '^#' "$table"; }
bad=$(rows | awk -F '\t' 'NF != 5 || $1 !~ /^[a-z0-9_]+$/ || $2 !~ /^(tune|judge)$/ || $3 !~ /^[1-9][0-9]*$/ { print $1 }')
[[ -z $bad ]]
claim $? "each row has a name, a half, a limit, a command and a text" "$bad"
twice=$(rows | cut -f 1 | sort | uniq -d)
[[ -z $twice ]]
claim $? "no name is there twice" "$twice"
count() { rows | cut -f 2 | grep -cx "$1"; }
[[ $(count tune) == "$(count judge)" && $(count tune) -ge 20 ]]
claim $? "half of the programs are to tune by, half to judge by" "$(count tune) and $(count judge)"
unknown=
for name in $(rows | sed -n 's/.*\tprograms \([a-z_]*\)\t.*/\1/p'); do
	grep -q "X($name)" "$folder/programs.h" || unknown+="$name "
done
[[ -z $unknown ]]
claim $? "our own programs are there" "$unknown"

# --- the programs, on this machine ---
if [[ $(uname -m) == x86_64 ]]; then
	${CC:-gcc} -std=gnu2x -O1 -ffp-contract=off -pthread -o "$work/programs" "$folder"/*.c -lm
	silent=
	for name in queens bodies legendre strings signals modified generated; do
		[[ $("$work/programs" "$name") =~ ^[0-9]+$ ]] || silent+="$name "
	done
	[[ -z $silent ]]
	claim $? "a program prints a number" "$silent"
else
	echo "ok a program prints a number # SKIP the host is not an x86-64 processor"
fi

# --- the meter, with a script for an emulator ---
${CC:-gcc} -std=gnu2x -O1 -o "$work/meter" tests/bench/meter.c
"$work/meter" "$work/out" - true
if [[ $? == 2 ]]; then
	echo "ok the meter takes a program's time # SKIP there is no pseudo-terminal here"
	exit
fi
cat >"$work/emulator" <<'END'
printf 'booting\n@begin quick 5\nsome words\n\033[K42\n@end quick 0\n@begin failing 5\n@end failing 3\n'
printf '@begin busy 5\n'
for ((i = 0; i < 200000; i++)); do :; done
printf '7\n@end busy 0\n@begin endless 1\n'
while :; do :; done
END
"$work/meter" "$work/out" - bash "$work/emulator"
[[ $(sed -n 1p "$work/out" | cut -f 1,3,4) == $'quick\t0\t42' ]]
claim $? "the last line that a program prints is its result" "$(sed -n 1p "$work/out")"
[[ $(sed -n 2p "$work/out" | cut -f 1,3) == $'failing\t3' ]]
claim $? "a program's status is told" "$(sed -n 2p "$work/out")"
(($(sed -n 3p "$work/out" | cut -f 2) >= 20000))
claim $? "a busy program takes time" "$(sed -n 3p "$work/out")"
[[ $(sed -n 4p "$work/out") == $'endless\tover' ]]
claim $? "a program that takes longer than its limit ends the emulator" "$(cat "$work/out")"
"$work/meter" "$work/out" - bash -c 'printf "@begin one 5\n"; sleep 0.3; exit 1'
[[ $(cat "$work/out") == $'one\tlost' ]]
claim $? "a program that its emulator did not survive is told" "$(cat "$work/out")"
mkfifo "$work/pipe"
"$work/meter" "$work/out" "$work/pipe" bash -c "printf '@begin one 5\n1\n@end one 0\n@done\n' >'$work/pipe'; sleep 60"
[[ $(cut -f 1,3,4 "$work/out") == $'one\t0\t1' ]]
claim $? "the serial port may be a named pipe, and the end is the end" "$(cat "$work/out")"
