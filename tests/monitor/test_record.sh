#!/bin/bash
# -record and -replay: what was typed, with the time that passed in between, comes again at the same places, and every run ends
# with the hash that it had; whoever writes a recording may be killed at any moment; disks fill up.
. "$(dirname "$0")/lib.bash"

debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
echo=$(guest echo) wait=$(guest wait) spin=$(guest spin) flood=$(guest flood)
rm -rf "$dir"/files
mkdir "$dir/files"
file=$dir/files/run

# Replays a recording without a person, and compares with the run: its output and its hash.
replays() { # NAME FILE OUTPUT HASH OPTION...
	local name=$1 recording=$2 wanted=$3 hash=$4
	shift 4
	vmxray -replay "$recording" -hash "$@" </dev/null
	[[ $out == "$wanted" && $err == *"$hash" && $hash == hash* ]]
	claim $? "$name" "status $status: ${out:0:100}; $err; wanted $hash"
}

# ---- runs that end by themselves --------------------------------------------------------------------------------------

for guest in "$echo" "$wait"; do
	name=${guest##*/}
	vmxray -kernel "$guest" $debug_exit -record "$file" -hash < <(sleep 0.3; printf 'ab'; sleep 0.3; printf 'cq')
	ends "$name: recorded" 1
	replays "$name: typed with pauses" "$file" abc "$err"
	ends "$name: and it ends as it ended" 1
	hash=$err
	for option in -stats '-history 16M' '-single-step=0:50' '-drop-derived-every 100k' "-trace exits=$dir/files/trace" -sandbox=off; do
		vmxray -replay "$file" -hash $option </dev/null
		[[ $out == abc && $err == *"$hash"* ]]
		claim $? "$name: the same with $option" "$err"
	done
	vmxray -replay "$file" -S -x <(printf '%s\n' continue hash) -monitor none </dev/null
	[[ $out == *'The run is over: the guest wrote 0'*"${hash%$'\n'*}"* ]]
	claim $? "$name: under the monitor it ends as it ended" "$out"
done
vmxray -kernel "$(guest reset)" -steps 300k -record "$file,hashes=10k" -hash </dev/null
replays 'a guest that resets' "$file" "$out" "$err"
vmxray -kernel "$(guest triple_fault)" -smp 3 -m 64 -seed 7 -cpu x86-64-v2,-sse4_2 -append x -rtc base=2001-02-03 -device pc-testdev \
	-fw_cfg opt/a,string=b -fw_cfg opt/c,file=README.md -steps 5k -record "$file" -hash </dev/null
replays 'a machine with other options' "$file" "$out" "$(grep ^hash <<<"$err")"
vmxray -kernel "$spin" -serial stdio -serial null -serial "file:$dir/files/serial" -steps 20k -record "$file" -hash </dev/null
replays 'several serial ports' "$file" "$out" "$err"
replays 'one of them somewhere else' "$file" '' "$err" -serial null
refused 'more serial ports than it has' 'has 3 serial ports, and 4 were named' -replay "$file" -serial null -serial null -serial null -serial null

# What ended the run that was recorded ends what goes on from there; history says where in a replay one is.
vmxray -kernel "$O/turtles.elf" -append depth=1 -m 64 -record "$file" </dev/null
vmxray -replay "$file,at=1000" -S -serial null < <(printf '%s\n' history 'goto end' history live quit)
[[ $out == *'now, in a replay: '*'now, the end of the recording.'*'The run is over: the guest powered off.'* && $out != *stuck* ]]
claim $? 'live after a power-off: the run is over' "$out"

# Another machine takes the run's place: the recording ends before it, which is said. One that could not be loaded changes nothing.
printf '%s\n' 'run-to 50000' 'set rbx = 5' "savevm $dir/saved" quit >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none </dev/null
head -c 3000 "$dir/saved" >"$dir/torn"
for options in '' '-history 0'; do
	printf '%s\n' 'run-to 1000' hash "loadvm $dir/torn" 'run-to 2000' hash "loadvm $dir/saved" 'run-to 60000' quit >"$dir/script"
	vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none -record "$file" $options </dev/null
	hash=$(grep '^hash 2000' <<<"$out")
	[[ $hash && $(grep -c 'the recording ends at step 2000: a snapshot was loaded' <<<"$err") == 1 ]]
	claim $? "loadvm${options:+ with $options}: the recording ends, which is said" "$out; $err"
	replays 'and its replay ends there' "$file" '' "$hash" -serial null
done

# ---- of a machine that has run before -----------------------------------------------------------------------------------

printf '%s\n' 'run-to 60000' 'set rbx = 6' 'mark six' 'run-to 70000' hash quit >"$dir/script"
vmxray -loadvm "$dir/saved" -serial null -S -x "$dir/script" -monitor none -record "$file" </dev/null
hash=$(grep '^hash 70000' <<<"$out")
replays 'recorded from a snapshot on' "$file" '' "$hash" -serial null
vmxray -replay "$file,at=six" -S -x <(printf '%s\n' 'print rbx' 'goto 50001' 'print rbx' 'reverse-step 2' 'goto 0' hash) -serial null -monitor none </dev/null
[[ $hash && $out == *'= 0x6 '*'step 50001 '*'= 0x5 '*'reverse-step: '*'step 0 is not kept; the past goes from step 50000 to'*'hash 50001'* || $out == *'= 0x6 '*'step 50001 '*'= 0x5 '*'step 49999 is not kept'*'step 0 is not kept; the past goes from step 50000 to step 70000'*'hash 50001 '* ]]
claim $? 'its past begins where the snapshot was' "$out $err"
refused 'a step before it' 'neither such a step, from 50000 up to 70000' -replay "$file,at=49999"
size=$(stat -c %s "$file")
for at in 300 3000 $((size / 2)); do
	head -c "$at" "$file" >"$dir/files/cut"
	refused "cut off after $at bytes, before its run begins" 'it ends before the run begins' -replay "$dir/files/cut"
done

# At a prompt: all of the past, wherever one is, and what comes then.
printf '%s\n' 'run-to 1000' 'set rbx = 0x11' 'run-to 3000' 'mark here' 'set rbx = 0x33' 'run-to 4000' 'goto 2000' "record $file" record \
	"record $dir/files/other" 'goto end' 'run-to 5000' 'set rcx = 2' 'run-to 7000' hash 'record off' 'run-to 8000' record quit >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none </dev/null
hash=$(grep '^hash 7000' <<<"$out")
[[ $hash && $out == *"The run is recorded in $file, from step 0 on."*"The run is recorded in $file."*"record: it is recorded in $file; record off ends that"*'The recording ends here; '*'The run is not recorded. '* && ! -e $dir/files/other ]]
claim $? 'record at a prompt' "$out $err"
replays 'and its replay is the whole run' "$file" '' "$hash" -serial null
vmxray -replay "$file,at=end" -S -x <(printf '%s\n' hash 'print rcx' 'goto here' 'print rbx' 'goto 1500' 'print rbx' "record $dir/files/other") -serial null -monitor none </dev/null
[[ $out == *"$hash"*'= 0x2 '*'step 3000 '*'= 0x33 '*'step 1500 '*'= 0x11 '*'record: a recording is replayed'* ]]
claim $? 'with what was done before record was said, and marks' "$out $err"
printf '%s\n' 'run-to 4000' 'set rbx = 0x44' "record $file,hashes=500,checkpoints=16M" 'run-to 6000' hash quit >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none -history 0 </dev/null
[[ $out == *"is recorded in $file, from step 4000 on."* ]]
claim $? 'record without a past' "$out $err"
replays 'and what comes then is replayed' "$file" '' "$(grep '^hash 6000' <<<"$out")" -serial null
printf '%s\n' 'run-to 1000' "loadvm $dir/saved" 'run-to 51000' "record $file" 'run-to 52000' 'goto 50500' branch 'set rbx = 9' 'run-to 52500' hash quit >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none </dev/null
[[ $out == *"is recorded in $file, from step 50000 on."* ]]
claim $? 'record after loadvm' "$out $err"
replays 'and a branch behind it' "$file" '' "$(grep '^hash 52500' <<<"$out")" -serial null
head -c 100000 /dev/urandom >"$dir/files/disk"
printf '%s\n' 'run-to 1000' 'run-to 3000' "record $file" 'run-to 4000' 'goto 2000' "record $file" branch 'run-to 2500' quit >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -monitor none -drive "file=$dir/files/disk,format=raw" </dev/null
[[ $out == *"is recorded in $file, from step 3000 on."* && $err == *'the recording ends at step 4000: the run goes on from a moment before it began'* ]]
claim $? 'of a machine with disks from there on; a branch before it ends it' "$out $err"
vmxray -replay "$file" -serial null -hash </dev/null
[[ $status == 0 && $err == *'hash 4000 '* ]]
claim $? 'which replays' "$status $err"

# ---- where it is opened, and what comes after it ------------------------------------------------------------------------

printf '%s\n' 'run-to 1000' 'mark here' 'run-to 3000' 'set rbx = 0x77' 'run-to 6000' 'goto 5000' 'set rbx = 1' branch 'set rbx = 0x99' 'run-to 9000' hash >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -record "$file" -monitor none </dev/null
recorded=$(grep '^hash 9000' <<<"$out")
[[ $recorded && $out == *'set: the past cannot be changed'* ]]
claim $? 'recorded with a branch in it' "$out"
asks() { # AT COMMAND...: at that place
	local at=$1
	shift
	printf '%s\n' "$@" >"$dir/script"
	vmxray -replay "$file,at=$at" -serial null -monitor stdio <"$dir/script"
}
asks end hash 'print rbx' continue 'reverse-step' 'goto here' where 'goto 3001' 'print rbx'
[[ $out == 'step 9000 '*'(replay: the end is step 9000)'*"$recorded"*0x99*'The recording ends here (the user left); live goes on.'*'step 8999 '*'(past: the end is step 9000)'*'step 1000 '*'step 3001 '*0x77* ]]
claim $? 'at=end: what came before a branch, and after it' "$out"
asks here where mark 'set rbx = 2' branch 'set rbx = 2' 'step 10' 'print rbx'
[[ $out == *'step 1000 '*'(replay: the end is step 9000)'*'here '*'step 1000, in the recording'*'set: a replay cannot be changed; branch'*'step 1010 '*'altered since step 1000'* ]]
claim $? 'at a mark; another line begins there' "$out"
asks 2k where live 'run-to 9000' hash
[[ $out == 'step 2000 '*'live: this is not the end of the recording'*"$recorded"* ]]
claim $? 'at a step; live is for the end' "$out"
printf '%s\n' continue 'print rbx' live >"$dir/script"
vmxray -replay "$file" -serial null -steps 12k -hash -S -x "$dir/script" -monitor none </dev/null
[[ $status == 6 && $out == *'The recording ends here (the user left)'*'The run is over: the step limit'* && $err == *'hash 12000 '* ]]
claim $? 'live goes on from the end' "$status; $out; $err"
printf '%s\n' 'run-to 3000' 'set rbx = 0x77' 'run-to 6000' 'goto 5000' branch 'set rbx = 0x99' 'run-to 5500' 'lines 1' 'run-to 7000' \
	'set rcx = 5' 'goto 6500' branch 'lines 2' 'goto end' 'run-to 7500' hash >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -record "$file" -monitor none </dev/null
recorded=$(grep '^hash 7500' <<<"$out")
asks end hash 'print rbx' 'print rcx'
[[ $recorded && $out == 'step 7500 '*"$recorded"*0x77*'= 0x5'* ]]
claim $? 'recorded while lines were left and returned to' "$recorded; $out"
for value in 0x77 0x78; do
	printf '%s\n' 'run-to 3000' "set rbx = $value" 'run-to 6000' 'set rcx = 1' 'run-to 9000' >"$dir/script"
	vmxray -kernel "$spin" -serial null -S -x "$dir/script" -record "$dir/files/$value" -monitor none </dev/null
done
vmxray -kernel "$spin" -S -x <(printf 'diff %s %s\n' "$dir/files/0x77" "$dir/files/0x78" "$dir/files/0x77" "$dir/files/0x77" "$file" "$dir/files/0x77" "$spin" "$file") \
	-monitor none </dev/null
[[ $out == *'0 inputs are the same'*'then in the first: register at step 3000, cycle 3000'*'They differ from step 3001 on, and not before:'*gpr[[]3[]]*' 77 '*' 78'*'1 member of'* ]]
claim $? 'diff: where two recordings part, and what differs' "$out"
[[ $out == *'2 inputs are the same in both.'*'They do the same up to step 9000, where each ends.'*'spin: no recording of vmxray'* ]]
claim $? 'diff: the same' "$out"

# Recordings of other beginnings: what differs is named.
for words in 'depth=1' 'depth=2'; do
	vmxray -kernel "$spin" -append "$words" -serial null -steps 1000 -record "$dir/files/$words" </dev/null
done
vmxray -kernel "$spin" -S < <(printf '%s\n' "diff $dir/files/depth=1 $dir/files/depth=2" "diff $dir/files/depth=1 $dir/files/depth=1" quit)
[[ $out == *'They do not begin with the same: "'*'depth=1" here, "'*'depth=2" there'*'1 member of '* && $(grep -c 'do not begin' <<<"$out") == 1 ]]
claim $? 'diff names the command line' "$out"
vmxray -kernel "$(guest stuck)" -record "$file" </dev/null
vmxray -replay "$file" </dev/null
ends 'a guest that was stuck ends so again' 4
vmxray -kernel "$echo" $debug_exit -record "$file" -steps 2M < <(printf ab; sleep 30) &
wait $!
printf '%s\n' continue live >"$dir/script"
vmxray -replay "$file" -x "$dir/script" -monitor none -S < <(printf 'cdq')
[[ $status == 1 && $out == *ab*'The recording ends here'*cd* ]]
claim $? 'and takes what is typed' "$status: $out $err"
for at in nowhere 9999999999 -1 1.5; do refused "at=$at" 'neither such a step' -replay "$file,at=$at"; done

vmxray -kernel "$spin" -serial null -record "$file,checkpoints=16M,hashes=30M" -steps 130M -hash </dev/null
hash=$err size=$(stat -c %s "$file")
asks 119999999 hash 'goto 30000000' 'print eax' 'goto end' hash
[[ $out == 'step 119999999 '*'(past: the end is step 130000000)'*'step 30000000 '*"$hash"* ]]
claim $? 'with checkpoints: opened, gone back, and to the end' "$out; $hash"
vmxray -replay "$file" -S -x <(printf '%s\n' 'run-to 119999999' hash) -history 0 -serial null -monitor none </dev/null
[[ $(grep '^hash' <<<"$out") == "$(asks 119999999 hash; grep '^hash' <<<"$out")" ]]
claim $? 'a moment has the hash that it has without' "$out"
replays 'and replayed without looking at them' "$file" '' "$hash" -serial null
vmxray -kernel "$spin" -record "$file,checkpoints=16M" -steps 130M </dev/null
vmxray -replay "$file" -S -x <(printf '%s\n' continue) -monitor none </dev/null
[[ $out == *hello*world*'The recording ends here'* && $(grep -c world <<<"$out") == 1 ]]
claim $? 'what the guest sent goes out once, where it was not gone past' "$out"
vmxray -replay "$file" -S -x <(printf '%s\n' 'goto 100000000' 'goto 0' continue) -monitor none </dev/null
[[ $(grep -c world <<<"$out") == 1 ]]
claim $? 'also where it was' "$out"

# A recording of which somebody has changed an input: the run parts from it, which is seen at the next hash.
printf '%s\n' 'run-to 5000' 'write/b phys:0x300000, 0x77' 'set rbx = 0x77' 'run-to 9000' >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -record "$file,hashes=2000" -monitor none </dev/null
"$(tool tool_forge)" "$file" "$dir/files/forged"
vmxray -replay "$dir/files/forged" -serial null </dev/null
[[ $status == 1 && $err == 'vmxray: this is not the run that was recorded: they part between step 4000 and step 6000, in memory' ]]
claim $? 'another run than was recorded: where they part, and in what' "$status $err"
vmxray -replay "$dir/files/forged" -serial null -S -x <(printf '%s\n' continue 'goto 5500' where) -monitor none </dev/null
[[ $out == *'The run is over: this is not the run that was recorded: they part between step 4000 and step 6000, in memory'*'step 5500 '* ]]
claim $? 'also under the monitor, where one can look at it' "$out"
# Where checkpoints stand in the file the first field that differs is named.
printf '%s\n' 'run-to 5000' 'write/b phys:0x300000, 0x77' 'run-to 22000000' >"$dir/script"
vmxray -kernel "$spin" -serial null -S -x "$dir/script" -record "$dir/files/fields,hashes=2000,checkpoints=16M" -monitor none </dev/null
"$(tool tool_forge)" "$dir/files/fields" "$dir/files/forged.fields"
vmxray -replay "$dir/files/forged.fields" -serial null </dev/null
[[ $status == 1 && $err =~ ^'vmxray: this is not the run that was recorded: they part between step 4000 and step 6000, in memory; at step 2'[0-9]*', of which there is a checkpoint, '[a-z0-9]*'[0x300000] is 0x76 and was 0x77'$ ]]
claim $? 'and the field, by a checkpoint in the file' "$status $err"
vmxray -replay "$dir/files/fields" -serial null -hash </dev/null
[[ $status == 0 && $err == hash* ]]
claim $? 'of the run itself nothing is said' "$status $err"
# Who goes somewhere at once passes over no hash either.
parted='they part between step 4000 and step 6000, in memory'
for way in 'at=end:print 1' 'at=7000:print 1' ':goto end' ':goto 7000' ':goto 3000;goto 8000;goto 100;goto end'; do
	at=${way%%:*}
	vmxray -replay "$dir/files/forged${at:+,$at}" -serial null -S -x <(tr ';' '\n' <<<"${way#*:}") -monitor none </dev/null
	[[ $status == 1 && $(grep -c "$parted" <<<"$err") == 1 ]]
	claim $? "gone there at once, $way: it is said that they part" "$status $out $err"
done
for way in 'at=5500:goto 100' ':goto 5500;goto 100' ':goto 1000000;goto 100'; do
	at=${way%%:*}
	vmxray -replay "$dir/files/forged${at:+,$at}" -serial null -S -x <(tr ';' '\n' <<<"${way#*:}") -monitor none </dev/null
	[[ $err != *part* && $out == *'step 100 '* && ($status == 0 || $way == *1000000*) ]] # a command that fails ends a script so
	claim $? "$way: not so far" "$status $out $err"
done
vmxray -replay "$file,at=end" -serial null -S -x <(echo hash) -monitor none </dev/null
[[ $status == 0 && $err != *part* && $out == *'hash 9000'* ]]
claim $? 'and of the run that was recorded nothing is said' "$status $out $err"

# The names of an ELF kernel are in what was recorded and saved, wherever the file is now.
cp "$O/turtles.elf" "$dir/files/kernel.elf"
vmxray -kernel "$dir/files/kernel.elf" -append depth=1 -m 32 -serial null -steps 700000 -record "$file" </dev/null
vmxray -kernel "$dir/files/kernel.elf" -append depth=1 -m 32 -serial null -S -x <(printf '%s\n' 'run-to 600000' "savevm $dir/files/saved" quit) -monitor none </dev/null
rm "$dir/files/kernel.elf"
for from in "-replay $file" "-loadvm $dir/files/saved"; do
	vmxray $from -serial null -S -x <(printf '%s\n' 'run-to 600100' where 'print payload') -monitor none </dev/null
	[[ $out == *'step 600100 '*'payload.c:'*'<payload+0x'*'$1 = 0x'* ]]
	claim $? "${from%% *} has the names of the kernel" "$out $err"
done

# ---- what is refused --------------------------------------------------------------------------------------------------

cp "$file" "$dir/files/kept"
for option in "-kernel $spin" '-m 64' '-smp 2' '-cpu server' '-seed 2' '-append x' '-initrd README.md' '-device pc-testdev' \
	'-machine bios-tick=on' '-rtc base=2001-02-03' '-fw_cfg opt/x,string=y' '-protocol elf'; do
	refused "-replay with $option" "-replay: what the machine is stands in .*; leave out ${option%% *}" -replay "$file" $option
done
refused '-replay with -record' 'leave one out' -replay "$file" -record "$dir/files/other"
refused 'no recording' 'README.md: no recording of vmxray' -replay README.md
refused 'no such file' 'nowhere: cannot be opened' -replay "$dir/nowhere"
refused 'into the recording that is replayed' 'this run reads it' -replay "$file" -trace "io=$file"
refused 'into the kernel' 'this run reads it' -kernel "$spin" -record "$spin" -steps 10
refused 'two outputs in one file' 'this run writes it already' -kernel "$spin" -serial "file:$dir/files/a" -record "$dir/files/a" -steps 10
refused 'where no file can be' 'cannot be opened for writing' -kernel "$spin" -record /nonexistent/x
vmxray -kernel "$spin" -record "$dir/files/kept" -trace nothing=x </dev/null
[[ $status == 1 ]] && cmp -s "$file" "$dir/files/kept"
claim $? 'a recording stays when something else is wrong' "$status $err"
vmxray -kernel "$spin" -steps 10k -record "$file" </dev/null
size=$(stat -c %s "$file")
for at in 20 200 $((size - 100)) $((size - 1)); do
	cp "$file" "$dir/files/damaged"
	printf '\x5a' | dd of="$dir/files/damaged" bs=1 seek="$at" conv=notrunc status=none
	refused "damaged at byte $at" 'damaged: frame [0-9]+ \([a-z ]+\), at byte [0-9]+: ' -replay "$dir/files/damaged"
done
head -c $((size - 5)) "$file" >"$dir/files/cut"
vmxray -replay "$dir/files/cut" -hash </dev/null
[[ $status == 0 && $err == *'cut: it was cut off within frame '*', at byte '*'; what comes before is replayed'*'hash 10000 '* ]]
claim $? 'cut off: what comes before is replayed, and it is said' "$status $err"

# ---- disks --------------------------------------------------------------------------------------------------------------

(
	ulimit -f 8
	vmxray -kernel "$flood" -serial null -record "$file,hashes=100" -steps 5M -hash </dev/null
	[[ $status == 1 && $(grep -c 'the recording ends after [0-9]* bytes: File too large; raise the limit' <<<"$err") == 1 && $err == *'hash 5000000 '* ]]
	claim $? 'a full disk: said once, and the run goes on' "$status $err"
)
vmxray -replay "$file" -serial null -hash </dev/null
[[ $status == 0 && $err == *'whoever wrote it was cut off'*'hash '* && $err != *within* && $(stat -c %s "$file") -gt 7000 ]]
claim $? 'and what was written until then is whole frames, and replays' "$status $err $(stat -c %s "$file")"
mkfifo "$dir/files/pipe"
cat "$dir/files/pipe" >"$dir/files/piped" &
vmxray -kernel "$flood" -serial null -record "$dir/files/pipe" -steps 1M -hash </dev/null
wait $!
replays 'through a pipe' "$dir/files/piped" '' "$err" -serial null

# ---- killed -------------------------------------------------------------------------------------------------------------

# At a random moment; of what it wrote two seconds before it was killed nothing may be missing: one, and one in which a busy
# host gives the thread that writes no time.
killed() { # NUMBER
	local recording=$dir/files/killed.$1 output=$dir/files/output.$1 error=$dir/files/error.$1 size
	"$VMXRAY" -kernel "$flood" -record "$recording,hashes=1M" -cycles 1000G </dev/null >"$output" 2>/dev/null &
	local process=$!
	until_true test -s "$recording"
	sleep 0.$((RANDOM % 9))$((RANDOM % 9))
	size=$(stat -c %s "$output")
	sleep 2
	kill -9 $process
	wait $process 2>/dev/null
	timeout 60 "$VMXRAY" -replay "$recording" </dev/null 2>"$error" | head -c "$size" | cmp - <(head -c "$size" "$output") >>"$error" 2>&1 ||
		echo "number $1: ${size} bytes: status $?: $(tail -n 2 "$error")"
	rm -f "$recording" "$output" "$error"
}
count=${LONG:+1000} count=${count:-200} together=40 wrong=
[[ ! $SAN ]] || count=40 together=10 # each is much slower
wrong=$(for ((i = 0; i < count; i += together)); do
	for ((j = i; j < i + together && j < count; j++)); do killed $j & done
	wait
done 2>/dev/null)
[[ -z $wrong ]]
claim $? "$count recordings of runs that were killed replay, up to the last second" "${wrong:0:600}"

# A disk that takes longer to synchronise than the process lives: what was written is the host's all the same.
cat >"$dir/slow_disk.c" <<'END'
#include <poll.h>
int fdatasync(int file) { return (void)file, poll(0, 0, 8000), 0; }
END
if [[ ! ${SAN:-} ]] && gcc -shared -fPIC "$dir/slow_disk.c" -o "$dir/slow_disk.so"; then
	wrong=$(LD_PRELOAD=$dir/slow_disk.so killed slow 2>/dev/null)
	[[ -z $wrong ]]
	claim $? 'a disk that is slow to synchronise holds back nothing that is written' "$wrong"
fi

# ---- on a terminal ------------------------------------------------------------------------------------------------------

if ! has_terminal; then
	echo "ok on a terminal $no_terminal"
	exit 0
fi
# A session of its own: keys with pauses of its own, while the guest runs or is idle.
session() { # NUMBER
	local recording=$dir/files/session.$1 screen=$dir/files/screen.$1 hash replayed text=('hello' ' wor' 'ld' '!') piece guest=$wait
	(($1 % 5)) || guest=$echo
	rm -f "$screen"
	timeout --kill-after=5 90 script -qefc "$VMXRAY -kernel $guest $debug_exit -record $recording,hashes=10M -hash 2>$recording.hash" "$screen" >/dev/null < <(
		until_true test -s "$recording"
		for piece in "${text[@]}"; do
			sleep 0.$((RANDOM % 4))$((RANDOM % 9))
			printf '%s' "$piece"
		done
		until_true holds "$screen" '!'
		printf q
		until_true test -s "$recording.hash"
	)
	hash=$(<"$recording.hash")
	replayed=$(timeout 60 "$VMXRAY" -replay "$recording" -hash </dev/null 2>&1)
	[[ $hash == hash* && $replayed == "hello world!$hash" ]] || echo "session $1: $hash, $replayed"
}
wrong=$(for ((i = 0; i < 20; i += 10)); do
	for ((j = i; j < i + 10; j++)); do session $j & done
	wait
done)
[[ -z $wrong ]]
claim $? '20 sessions typed on a terminal replay to equal hashes' "$wrong"

# ---- what was done by hand, and where a mark is ------------------------------------------------------------------------

vmxray -kernel "$spin" -S -record "$file" -x <(printf '%s\n' 'step 1000' 'write phys:0x3000, 5' 'mark poked' 'step 5' quit) </dev/null
vmxray -replay "$file,at=end" -S -x <(printf '%s\n' 'goto poked' 'print u32[phys:0x3000]' 'goto 1000' 'print u32[phys:0x3000]' \
	'when-written u32[phys:0x3000] before 1001' quit) </dev/null
[[ $out == *'after the alteration here'*'$1 = 0x5 '*'before the alteration here'*'$2 = 0x0 '*'step 1000 '*'0x0 -> 0x5'* ]]
claim $? 'in a replay a mark is behind what was written before it was made' "$out"
vmxray -replay "$file,at=poked" -S -x <(printf '%s\n' 'print u32[phys:0x3000]' quit) </dev/null
[[ $out == *'$1 = 0x5 '* ]]
claim $? 'and so is what at=MARK opens' "$out"
