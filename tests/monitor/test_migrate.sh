#!/bin/bash
# A hypervisor with its guests moves to another vmxray in the middle of its run, and ends there as it would have here. When the
# connection breaks, at whatever byte, it goes on where it was and the other side waits on; it never runs on both.
. "$(dirname "$0")/lib.bash"

turtles=(-kernel "$O/turtles.elf" -append depth=3 -m 64 -device isa-debug-exit,iobase=0xf4,iosize=0x04)
rm -rf "${dir:?}"/*
vmxray "${turtles[@]}" -hash </dev/null
whole=$(grep '^hash ' <<<"$err") ended=$status

there=()
receive() { # WHERE: another one that waits, in the background
	rm -f "$dir/here"
	timeout --kill-after=5 60 "$VMXRAY" -incoming "$1" -hash "${there[@]}" >"$dir/there.out" 2>"$dir/there.err" </dev/null
	echo $? >"$dir/there.status"
}
send() { # WHERE [COMMAND...]
	local where=$1
	shift
	vmxray "${turtles[@]}" -S -hash -migrate-to "$where" < <(printf '%s\n' 'run-to 3000000' migrate "$@")
}
arrived() { # NAME
	wait
	[[ $(<"$dir/there.status") == "$ended" && $(grep '^hash ' "$dir/there.err") == "$whole" && $out == *"the machine has moved to "* ]]
	claim $? "$1: it ends there as it would have here" "$out; $(<"$dir/there.err")"
}

receive "unix:$dir/here" &
until_true test -S "$dir/here"
send "unix:$dir/here"
arrived 'over a Unix socket'
receive 'tcp::47913' &
until_true grep -qi ':BB29 [0-9A-F:]* 0A' /proc/net/tcp
send 'tcp:127.0.0.1:47913'
arrived 'over TCP'
send "exec:cat >$dir/file"
receive "exec:cat $dir/file"
arrived 'by a command, out of a command'
sum=$(sha256sum <"$dir/file")
send "exec:cat >$dir/file"
[[ $(sha256sum <"$dir/file") == "$sum" ]]
claim $? 'the same machine is the same bytes'

# Both sides record what they have of the run.
there=(-record "$dir/there.rec")
receive "unix:$dir/here" &
until_true test -S "$dir/here"
vmxray "${turtles[@]}" -S -record "$dir/here.rec" -migrate-to "unix:$dir/here" < <(printf '%s\n' 'run-to 3000000' hash migrate)
arrived 'recorded on both sides'
first=$(grep '^hash 3000000 ' <<<"$out")
there=()
vmxray -replay "$dir/here.rec" -hash </dev/null
[[ $first && $err == *"$first"* ]]
claim $? 'the recording here ends where it left' "$first; $err"
vmxray -replay "$dir/there.rec" -hash </dev/null
[[ $status == "$ended" && $(grep '^hash ' <<<"$err") == "$whole" ]]
claim $? 'and the one there begins there' "$status $err"
vmxray -replay "$dir/there.rec" -S < <(printf '%s\n' hash quit)
[[ $out == *"$first"* ]]
claim $? 'at the same state' "$first; $out"

stays() { # NAME TEXT
	[[ $out == *"$2"*'the machine is still here'* && $err == *"$whole"* ]]
	claim $? "$1: it goes on here, to the same end" "$out; $err"
}
send "unix:$dir/nobody" continue
stays 'nobody is there' 'No such file or directory'
send "exec:cat >/dev/null; exit 3" continue
stays 'a command that fails' 'the command has ended with status 3'
send "exec:head -c 5 >/dev/null; exec sleep 60 <&-" continue
stays 'a command that does not read' 'who should read it has gone'
vmxray "${turtles[@]}" -S -hash < <(printf '%s\n' 'run-to 3000000' "migrate exec:touch $dir/touched" "migrate unix:$dir/x" continue)
if [[ $SAN$COV ]]; then
	echo 'ok the jail # SKIP none in this build'
else
	stays 'not named on the command line' "the jail lets this run go only where its command line says"
	[[ ! -e $dir/touched ]]
	claim $? 'and nothing was executed'
fi
vmxray "${turtles[@]}" -S -sandbox off < <(printf '%s\n' 'run-to 3000000' "migrate exec:cat >$dir/free")
[[ $(sha256sum <"$dir/free") == "$sum" ]]
claim $? 'without the jail it may go anywhere' "$out"

# The connection breaks.
cut=$(tool tool_cut)
size=$(stat -c %s "$dir/file")
wrong=() count=0
through() { # FORTH BACK
	receive "unix:$dir/here" &
	until_true test -S "$dir/here"
	"$cut" "$dir/between" "$dir/here" "$1" "$2" &
	local between=$!
	until_true test -S "$dir/between"
	send "unix:$dir/between" continue
	wait $between
	rm -f "$dir/between"
	((count++))
}
then_arrives() { # the other side has waited on
	send "unix:$dir/here"
	wait
	[[ $(<"$dir/there.status") == "$ended" && $(grep '^hash ' "$dir/there.err") == "$whole" && $out == *"the machine has moved to "* ]]
}
for bytes in 0 1 15 16 17 32 100 5000 20000 $((size - 40)) $((size - 1)) "$size" $((size + 7)); do
	through "$bytes" -1
	[[ $err == *"$whole"* ]] || wrong+=("$bytes: $out $err")
	((bytes < size)) && [[ $out != *'the machine is still here'* ]] && wrong+=("$bytes: $out")
	until_true holds "$dir/there.err" 'waiting for another one'
	[[ $(<"$dir/there.err") == vmxray:*"-incoming unix:"*$'\n'*'waiting for another one to come' && ! -s $dir/there.out ]] ||
		wrong+=("$bytes: $(<"$dir/there.err")")
	then_arrives || wrong+=("$bytes: then: $out $err $(<"$dir/there.err")")
done
((${#wrong[@]} == 0 && count > 10))
claim $? "$count connections that break: it goes on here, and the other side waits on" "${wrong[*]}"
through -1 7
[[ $out == *'the machine is still here'* && $err == *"$whole"* ]] && then_arrives
claim $? 'the answer breaks off: the same' "$out; $(<"$dir/there.err")"
through -1 8
wait
[[ $out == *'whether it runs there is not known'*'continue lets it go on here'* && $(grep '^hash ' "$dir/there.err") == "$whole" ]]
claim $? 'the last word is lost: it runs there, stands still here, and that is said' "$out; $(<"$dir/there.err")"

# What comes is looked at as a file is.
head -c $((size / 2)) "$dir/file" >"$dir/half"
refused 'half of a machine' 'half: at byte .* it ends within this frame' -incoming "exec:cat $dir/half"
refused 'no machine' 'it is no file of vmxray' -incoming 'exec:echo no'
refused 'another machine' 'leave -m out' -incoming "exec:cat $dir/file" -m 128
refused 'a command that fails behind a whole machine' 'the command has ended with status 3' -incoming "exec:cat $dir/file; exit 3"
refused 'two machines' 'the head of a frame is damaged' -incoming "exec:cat $dir/file $dir/file"
refused 'bytes behind it' 'it ends within this frame, after' -incoming "exec:cat $dir/file; echo x"
# Whoever has no machine for us does not end the wait.
client=$(tool tool_client)
receive "unix:$dir/here" &
until_true test -S "$dir/here"
for said in '' garbage "$(head -c 3000 /dev/zero | tr '\0' x)"; do
	printf %s "$said" | timeout 20 "$client" "$dir/here" >"$dir/heard"
done
until_true eval '[[ $(grep -c "waiting for another one to come" "$dir/there.err") == 3 ]]'
claim $? 'strangers come and go, which is told' "$(<"$dir/there.err")"
then_arrives
claim $? 'and then the machine comes' "$out $(<"$dir/there.err")"
refused 'a kernel beside it' 'it has what was booted; leave out -kernel' -incoming "exec:cat $dir/file" -kernel x
timeout -s TERM 1 "$VMXRAY" -incoming "unix:$dir/here" 2>"$dir/err"
[[ $? == 124 && ! -e $dir/here ]]
claim $? 'a signal ends the wait, and its socket is gone' "$(<"$dir/err")"
