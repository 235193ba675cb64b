#!/bin/bash
# savevm, loadvm, -loadvm, info snapshots: the machine goes on as it would have, in this process and in another one; files are there
# as a whole or not at all; what cannot be read is refused, and the machine is as before.
. "$(dirname "$0")/lib.bash"

turtles=(-kernel "$O/turtles.elf" -append depth=3 -m 64 -device isa-debug-exit,iobase=0xf4,iosize=0x04)
rm -rf "${dir:?}"/*
commands() { # LINE...: the monitor's, on a turtles of its own
	vmxray "${turtles[@]}" -S < <(printf "%s\n" "$@" quit)
}
says() { # NAME TEXT
	[[ $out == *"$2"* ]]
	claim $? "$1" "it said: $out; $err"
}

vmxray "${turtles[@]}" -hash </dev/null
whole=$(grep '^hash ' <<<"$err") said=$out ended=$status
commands 'run-to 3000000' 'savevm '"$dir/a" 'run-to 5000000' hash
at=$(grep '^hash ' <<<"$out")
says 'savevm tells where it is' 'Step 3000000 is in '

vmxray -loadvm "$dir/a" -hash </dev/null
[[ $(grep '^hash ' <<<"$err") == "$whole" && $status == "$ended" && $said == *"$out" && -n $out ]]
claim $? 'a fresh process ends as the run that was saved' "$err"
vmxray -loadvm "$dir/a" -steps 5000000 -hash </dev/null
[[ $(grep '^hash ' <<<"$err") == "$at" ]]
claim $? 'and has the same hash on the way' "$err, not $at"
(cd "$dir" && echo 'info snapshots' >x && cp a b && printf 'no' >c)
commands "loadvm $dir/a" 'run-to 5000000' hash 'goto 4000000' 'run-to 5000000' 'savevm '"$dir/d" "loadvm $dir/a" 'savevm '"$dir/e" history 'goto 100'
[[ $(grep '^hash ' <<<"$out") == "$at" ]]
claim $? 'loadvm in another run: the same' "$out"
says 'its past begins there' 'The past is kept from step 3000000 to step 3000000.'
says 'and what was before is gone' 'step 100 is not kept; the past goes from step 3000000'
cmp -s "$dir/a" "$dir/e"
claim $? 'saved again it is the same file'
commands 'history' 'run-to 2000000' hash "loadvm $dir/c" hash "loadvm $dir/gone" hash 'goto 1000' 'goto 2000000' hash
[[ $(grep -c '^hash ' <<<"$out") == 4 && $(grep '^hash ' <<<"$out" | sort -u | wc -l) == 1 ]]
claim $? 'what cannot be read changes nothing, nor the past' "$out"
says 'and is told' 'it is no file of vmxray'

# Damage in the middle: what was loaded so far is undone.
size=$(stat -c %s "$dir/a")
head -c $((size * 2 / 3)) "$dir/a" >"$dir/short"
for history in 512M 0; do
	vmxray "${turtles[@]}" -S -history $history < <(printf '%s\n' 'run-to 2000000' hash "loadvm $dir/short" hash 'run-to 5000000' hash quit)
	mapfile -t hashes < <(grep '^hash ' <<<"$out")
	[[ ${#hashes[@]} == 3 && ${hashes[0]} == "${hashes[1]}" && ${hashes[2]} == "$at" && $out == *'short: at byte '* ]]
	claim $? "-history $history: a file that ends too early is undone, and the run goes on" "$out"
done
vmxray -loadvm "$dir/short" </dev/null
[[ $status == 1 && -z $out && $err == *'short: at byte '*'it ends within this frame'* ]]
claim $? '-loadvm of it ends with a word that says where' "$status $err"

# Another machine.
refused 'an option that says another machine' 'processors: 2 here, 1 there; leave -smp out' -loadvm "$dir/a" -smp 2
refused 'and a kernel' 'leave out -kernel' -loadvm "$dir/a" -kernel x
vmxray -loadvm "$dir/a" -m 64 -smp 1 -cpu server -seed 1 -steps 3000001 </dev/null
ends 'options that say the same are welcome' 6
vmxray -kernel "$O/turtles.elf" -m 128 -S < <(printf '%s\n' "loadvm $dir/a" hash quit)
says 'loadvm of another machine is refused, with what differs' 'a is of another machine: bytes of RAM: 134217728 here, 67108864 there'

# A folder of them.
commands "info snapshots $dir" 'info snapshots /nowhere'
says 'info snapshots lists them' 'a                        step        3000000     0.003 s     64 MBytes of RAM,  1 CPU '
[[ $out != *$'\nc '* && $out == *'/nowhere: No such file or directory'* ]]
claim $? 'and nothing else' "$out"

# Files.
commands 'run-to 1000' "savevm $dir/c" "savevm $dir" "savevm $dir/nowhere/x" 'savevm /dev/null' savevm loadvm
for text in 'c: it is there already, and is something else' 'it is there already, and is no file' 'No such file or directory' \
	'/dev/null: it is there already, and is no file' 'savevm where?' 'loadvm what?'; do says "refused: $text" "$text"; done
[[ $(<"$dir/c") == no ]]
claim $? 'what was there is there'
ln -s a "$dir/link"
commands 'run-to 1000' "savevm $dir/link"
[[ -L $dir/link && $(head -c 12 "$dir/a" | tail -c 4) == snap ]] && ! cmp -s "$dir/a" "$dir/b"
claim $? 'a link stays a link, and what it leads to is written'
cp "$dir/b" "$dir/a"
(
	ulimit -f 16
	vmxray "${turtles[@]}" -S -serial null < <(printf '%s\n' 'run-to 3000000' "savevm $dir/a" hash quit)
	says 'a full disk is told' 'cannot be written: File too large'
)
cmp -s "$dir/a" "$dir/b" && [[ $(echo "$dir"/*.part) == "$dir/*.part" ]]
claim $? 'and what was there is there, and nothing is left over' "$(echo "$dir"/*)"
name=$dir/$'evil\e[2J\nname'
vmxray "${turtles[@]}" -S < <(printf '%s\n' "run-to 1000" "savevm $dir/"$'evil\e[2Jname' "info snapshots $dir" quit)
[[ $out != *$'\e[2J'* && -e $dir/$'evil\e[2Jname' ]]
claim $? 'names are escaped where they are printed'

# A recording is no snapshot, nor the reverse. What was altered by hand before is no matter of what is loaded, nor of an earlier moment.
vmxray "${turtles[@]}" -steps 1000 -record "$dir/recording" </dev/null
commands "savevm $dir/first" 'run-to 100' 'set rax = 1' 'goto 0' 'goto 100' "loadvm $dir/first"
[[ $(grep '^step ' <<<"$out") == *'step 0 '*'step 100 '*'step 0 '*'(past: the end is step 100)'$'\n'*'(altered since step 100)'*'step 0 '* && $(grep -c altered <<<"$out") == 1 ]]
claim $? 'altered is what is altered there' "$out"
refused 'a recording is no snapshot' 'it is a recording, no snapshot: -replay opens it' -loadvm "$dir/recording"
refused 'a snapshot is no recording' 'it is a snapshot, no recording: -loadvm opens it' -replay "$dir/first"
