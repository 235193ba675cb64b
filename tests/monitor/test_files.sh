#!/bin/bash
# What is written: to a full disk, past a limit, to a pipe that nobody reads or reads slowly, it is told, and what was written
# before stays; two outputs in one file, and an output that is an input, are refused under every name, before anything is lost.
. "$(dirname "$0")/lib.bash"

kernel=$(guest spin)
run=(-kernel "$kernel" -steps 200k) short=(-kernel "$kernel" -steps 20k) shortest=(-kernel "$kernel" -steps 10)
rm -rf "$dir"/files
mkdir "$dir/files"
in_files() { (cd "$dir/files" && "$@"); }
complains() { # NAME STATUS PATTERN
	[[ $status == "$2" && $err =~ $3 ]]
	claim $? "$1" "status $status: ${err//$'\n'/; }"
}

# ---- no room --------------------------------------------------------------------------------------------------------

full='cannot be written after 0 bytes: No space left on device; make room'
if [[ -c /dev/full ]]; then
	vmxray "${run[@]}" -serial file:/dev/full </dev/null
	complains 'a serial port into a full disk' 1 "^vmxray: /dev/full: $full"
	vmxray "${run[@]}" -debugcon file:/dev/full -trace instructions=/dev/full </dev/null
	complains 'a trace into a full disk' 1 "^vmxray: /dev/full: $full"
	for end in json folded stat; do
		ln -sf /dev/full "$dir/files/full.$end"
		vmxray -kernel "$(guest vmx)" -cpu server,feature_control=0 -steps 2M -trace "exits=$dir/files/full.$end" </dev/null
		complains "a trace as $end into a full disk" 1 "^vmxray: .*/full.$end: $full"
	done
	for command in 'info registers' 'export /dev/full'; do
		timeout 60 "$VMXRAY" "${run[@]}" -monitor stdio -serial null >/dev/full 2>"$dir/err" <<<"$command"
		status=$? err=$(<"$dir/err")
		complains "the monitor's output into a full disk: $command" 1 "^vmxray: standard output: $full"
	done
	printf '%s\n' "symbols $kernel" 'export /dev/full' >"$dir/script"
	vmxray "${run[@]}" -serial null -x "$dir/script" -S -monitor stdio </dev/null
	[[ $status == 1 && $out == *'export: /dev/full: not all of it could be written: No space left on device'* ]]
	claim $? 'symbols exported into a full disk' "status $status: $out"
	for option in -help -version '-cpu help' '-device help' '-rows commands'; do
		timeout 60 "$VMXRAY" $option >/dev/full 2>"$dir/err"
		status=$? err=$(<"$dir/err")
		complains "$option into a full disk" 1 "^vmxray: standard output: $full"
	done
	timeout 60 "$VMXRAY" "${run[@]}" </dev/null >/dev/full 2>"$dir/err"
	status=$? err=$(<"$dir/err")
	complains "the guest's console into a full disk ends the run" 1 "^vmxray: standard output: $full"
	for option in -hash -stats '-hash-every 1000'; do
		timeout 60 "$VMXRAY" "${run[@]}" $option </dev/null >/dev/null 2>/dev/full
		claim $(($? != 1)) "$option into a full disk: status 1"
	done
else
	echo 'ok a full disk # SKIP there is no /dev/full'
fi
# The same with a disk that has some room, and with a limit: what was written stays, up to the last whole line.
limited() { # NAME FILE BYTES: a trace of lines that was cut off there
	local size=$(stat -c %s "$2")
	[[ $size -gt $(($3 / 2)) && $size -le $3 && $(tail -c 1 "$2" | od -An -c) == *'\n'* ]] && ! grep -qv '^#\|^[0-9]* [0-9]* 0 L0 ' "$2"
	claim $? "$1: whole lines stay" "$size bytes, $(tail -n 1 "$2")"
}
(
	ulimit -f 40
	vmxray "${run[@]}" -trace "instructions=$dir/files/limited" </dev/null
	complains 'a trace beyond the limit of file sizes' 1 'limited: cannot be written after [0-9]* bytes: File too large; raise the limit of file sizes \(ulimit -f\)'
	limited 'a trace beyond the limit of file sizes' "$dir/files/limited" 40960
	vmxray "${run[@]}" -trace "branches,io=$dir/files/limited.json" </dev/null
	complains 'the same as json' 1 'limited.json: cannot be written'
	[[ $(head -c 1 "$dir/files/limited.json") == '[' && $(tail -n 1 "$dir/files/limited.json") == '{"ph":'*'},' ]]
	claim $? 'the same as json: whole records stay' "$(tail -n 1 "$dir/files/limited.json")"
	vmxray -kernel "$(guest flood)" -steps 3M -serial "file:$dir/files/serial" </dev/null
	complains 'a serial port beyond the limit' 1 'serial: cannot be written after 40960 bytes: File too large'
)
if mount=$(unshare -rm sh -c 'mount -t tmpfs -o size=64k none "$1" && echo fine' - "$dir/files" 2>&1) && [[ $mount == fine ]]; then
	timeout 60 unshare -rm sh -c 'mount -t tmpfs -o size=64k none "$1" && shift && f=$1 && shift && "$@"; status=$?; cp "$f" "$f.copy" 2>/dev/null; cat "$f"; exit $status' \
		- "$dir/files" "$dir/files/trace" "$VMXRAY" "${run[@]}" -serial null -trace "instructions=$dir/files/trace" </dev/null >"$dir/cut" 2>"$dir/err"
	status=$? err=$(<"$dir/err")
	complains 'a trace into a small disk' 1 'trace: cannot be written after [0-9]* bytes: No space left on device; make room there'
	limited 'a trace into a small disk' "$dir/cut" 65536
else
	echo 'ok a trace into a small disk # SKIP nothing can be mounted here'
fi

# Streams that are closed: no file takes their place.
"$VMXRAY" "${short[@]}" -serial stdio -trace "instructions=$dir/files/whole" </dev/null >&- 2>"$dir/err"
status=$? err=$(<"$dir/err")
complains 'standard output is closed' 1 '^vmxray: standard output: cannot be written after 0 bytes: Bad file descriptor; it is closed'
! grep -q hello "$dir/files/whole"
claim $? "the guest's console does not go into a file instead" "$(head -n 3 "$dir/files/whole")"
"$VMXRAY" "${short[@]}" -hash -trace "io=$dir/files/whole" </dev/null >"$dir/out" 2>&-
[[ $? == 1 ]] && ! grep -q '^hash' "$dir/files/whole" "$dir/out"
claim $? 'standard error is closed: status 1, and the hash goes into no file' "$(tail -n 2 "$dir/files/whole")"

# ---- pipes ----------------------------------------------------------------------------------------------------------

timeout 60 "$VMXRAY" -kernel "$(guest flood)" 2>"$dir/err" </dev/null | head -c 1000 >"$dir/out"
status=${PIPESTATUS[0]} err=$(<"$dir/err")
complains 'a reader of the console that goes away' 1 '^vmxray: standard output: cannot be written after [0-9]+ bytes: Broken pipe; who should read it has gone'
mkfifo "$dir/files/pipe"
head -n 5 "$dir/files/pipe" >"$dir/head" &
vmxray "${run[@]}" -trace "instructions=$dir/files/pipe" </dev/null
complains 'a reader of a trace that goes away' 1 'pipe: cannot be written after [0-9]+ bytes: Broken pipe'
wait $!
[[ $(wc -l <"$dir/head") == 5 ]]
claim $? 'a reader of a trace has what it read' "$(<"$dir/head")"
vmxray "${short[@]}" -serial null -trace "instructions=$dir/files/whole" -hash </dev/null
hash=$err
(while IFS= read -r -n 1000 -d '' piece || [[ $piece ]]; do printf %s "$piece"; [[ $RANDOM -gt 3000 ]] || sleep 0.01; done) \
	<"$dir/files/pipe" >"$dir/slow" &
vmxray "${short[@]}" -serial null -trace "instructions=$dir/files/pipe" -hash </dev/null
wait $!
[[ $status == 6 && $err == "$hash" ]] && cmp -s "$dir/slow" "$dir/files/whole"
claim $? 'a slow reader of a trace gets all of it' "status $status: $err; $(cmp "$dir/slow" "$dir/files/whole" 2>&1)"

# ---- one file for two -----------------------------------------------------------------------------------------------

echo keep >"$dir/files/a"
ln "$dir/files/a" "$dir/files/hard"
ln -s a "$dir/files/soft"
mkdir "$dir/files/sub"
program=$(realpath "$VMXRAY") image=$(realpath "$kernel")
kept() { [[ $(<"$dir/files/a") == keep ]]; }
for other in ./a hard soft sub/../a "$PWD/$dir/files/a" /dev/fd/7; do
	for options in "-trace exits=a -trace instructions=$other" "-serial file:a -serial file:$other" "-debugcon file:$other -trace io=a"; do
		out=$(cd "$dir/files" && exec 7<>a && timeout 60 "$program" -kernel "$image" -steps 10 $options 2>&1 </dev/null)
		status=$?
		[[ $status == 1 && $out == 'vmxray: '*'the same file as '*', which this run writes already: name a file for each output' && $out != *$'\n'* ]] && kept
		claim $? "refused: $options" "status $status: $out; $(<"$dir/files/a")"
	done
done
refused 'the same name twice' 'this run writes it already' "${run[@]}" -trace "exits=$dir/files/a" -trace "io=$dir/files/a"
cp "$kernel" "$dir/files/kernel"
ln "$dir/files/kernel" "$dir/files/kernel-too"
echo 'print 1' >"$dir/files/script"
for input in "-kernel $dir/files/kernel" "-initrd $dir/files/a" "-fw_cfg opt/x,file=$dir/files/a" "-x $dir/files/script"; do
	file=${input##*[ =]}
	before=$(sha256sum "$file")
	for output in "-serial file:$file" "-trace exits=$file" "-debugcon file:$(dirname "$file")/../files/$(basename "$file")"; do
		[[ $input == -kernel* ]] || input="-kernel $kernel $input"
		vmxray $input -steps 10 $output </dev/null
		[[ $status == 1 && $err =~ 'this run reads'.*': name another file' && $(sha256sum "$file") == "$before" ]]
		claim $? "refused: $input $output" "status $status: $err"
	done
done
vmxray -kernel "$dir/files/kernel" -steps 10 -serial "file:$dir/files/kernel-too" </dev/null
[[ $status == 1 && $err =~ 'the same file as '.*', which this run reads' ]] && cmp -s "$kernel" "$dir/files/kernel"
claim $? 'refused: an output that is the kernel by a hard link' "status $status: $err"
timeout 60 "$VMXRAY" "${run[@]}" -trace instructions=/dev/stdout </dev/null >"$dir/out" 2>"$dir/err"
[[ $? == 1 && $(<"$dir/err") == *'same file as standard output, which this run writes already'* ]]
claim $? 'refused: a trace on stdout beside the console' "$(<"$dir/err")"
timeout 60 "$VMXRAY" "${shortest[@]}" -serial null -trace instructions=/dev/stdout </dev/null >"$dir/out" 2>"$dir/err"
[[ $? == 6 && $(wc -l <"$dir/out") == 11 ]]
claim $? 'a trace may have stdout to itself' "$(<"$dir/err")"
timeout 60 "$VMXRAY" "${run[@]}" -trace "exits=$dir/err" </dev/null >"$dir/out" 2>"$dir/err"
[[ $? == 1 && $(<"$dir/err") == *'same file as standard error, which this run writes already'* ]]
claim $? 'refused: a trace into the file of stderr' "$(<"$dir/err")"
echo typed >"$dir/files/typed"
timeout 60 "$VMXRAY" "${run[@]}" <"$dir/files/typed" >>"$dir/files/typed" 2>"$dir/err"
[[ $? == 1 && $(<"$dir/err") == 'vmxray: standard output: the same file as standard input'* && $(<"$dir/files/typed") == typed ]]
claim $? 'refused: stdin and stdout in one file' "$(<"$dir/err")"
# Two processes: the second is refused, the first one loses nothing, and afterwards the file is free.
writer() { # ARGUMENT...: until finish
	mkfifo "$dir/keys"
	timeout 60 "$VMXRAY" "${run[@]}" -S "$@" <"$dir/keys" >/dev/null 2>&1 &
	exec 8>"$dir/keys"
}
finish() {
	echo quit >&8
	exec 8>&-
	wait
	rm "$dir/keys"
}
shared=$dir/files/shared
for output in "-record $shared" "-trace instructions=$shared" "-serial file:$shared"; do
	rm -f "$shared"
	writer -record "$shared"
	until_true test -s "$shared"
	refused "another process writes it: $output" 'another process writes it: name another file' "${run[@]}" $output
	[[ $(head -c 16 "$shared") == 'vmxray recording' ]]
	claim $? 'and nothing of it was lost' "$(wc -c <"$shared")"
	finish
	vmxray "${shortest[@]}" $output </dev/null
	ends "and when that is over it is free: $output" 6
done
writer -trace "exits=$shared"
until_true grep -q "$(stat -c %i "$shared")" /proc/locks
refused 'another process writes a trace there' 'another process writes it' "${run[@]}" -record "$shared"
finish
vmxray "${shortest[@]}" -S -monitor stdio -serial null < <(for turn in 1 2; do printf '%s\n' "trace exits=$shared" 'trace stop'; done)
[[ $out != *'another process'* ]]
claim $? 'and whoever wrote it may write it again' "$out"
vmxray "${shortest[@]}" -serial file:/dev/null -debugcon file:/dev/null -trace exits=/dev/null </dev/null
ends '/dev/null serves many' 6

# Nothing is lost when something else is wrong.
for wrong in '-kernel nowhere' '-initrd nowhere' '-x nowhere' '-m 900G -initrd nowhere' '-trace nothing=x' '-trace exits=/no/where'; do
	[[ $wrong == -kernel* ]] || wrong="-kernel $kernel $wrong"
	vmxray -steps 10 -serial "file:$dir/files/a" $wrong </dev/null
	[[ $status == 1 ]] && kept
	claim $? "an output keeps what it has: $wrong" "status $status: $err; $(<"$dir/files/a")"
done

# In the monitor: files that come later.
printf '%s\n' "symbols $kernel" "export $dir/files/exported" "trace io=$dir/files/exported" "export $dir/files/exported" 'trace stop' \
	"export $dir/files/exported" "symbols $dir/files/exported" "trace io=$dir/files/exported" "trace io=$dir/files/t" "source $dir/files/t" \
	"export $kernel" quit >"$dir/script"
vmxray "${run[@]}" -serial null -S -x "$dir/script" -monitor none </dev/null
said=$(grep -v '^(vmxray)\|^level' <<<"$out" | sed "s|$dir/||g; s|[0-9]* symbols in|N symbols in|")
wanted="N symbols in files/exported
export: files/exported: this run writes it already: name a file for each output
N symbols in files/exported
trace io=files/exported: this run reads it: name another file for what is written
files/t: this run is writing it: it can be read when that is done
export: files.*spin: this run reads it: name another file for what is written"
[[ $(sed 's|export: .*spin: |export: files.*spin: |' <<<"$said") == "$wanted" ]]
claim $? 'files of commands are in the same table' "$said; $err"

# A pipe that nobody writes to is not waited for at the prompt.
mkfifo "$dir/pipe"
for command in loadvm symbols source; do
	vmxray -kernel "$(guest spin)" -S -monitor stdio -serial null < <(printf '%s %s\nprint 6 * 7\n' "$command" "$dir/pipe")
	[[ $out == *'only a regular file is read from the prompt'*'= 0x2a'* ]]
	claim $? "$command refuses a pipe" "$status $out $err"
done
