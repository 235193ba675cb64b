#!/bin/bash
# The same of QEMU: how long going back takes when it has recorded a run of Linux that works: qemu.sh INSTRUCTIONS
#
# QEMU records with icount, keeps snapshots on a disk image, and gdb goes back: QEMU loads the last snapshot and replays from
# there. It has no questions over time, and knows no VMX with it. Everything is wall-clock time, as QEMU works alone.
set -u
GUESTS=${GUESTS:-o/guests} instructions=${1:-1000000000}
qemu=$(type -P qemu-system-x86_64) && gdb=$(type -P gdb) && image=$(type -P qemu-img) || { echo 'past-qemu: QEMU, qemu-img or gdb are not here: no comparison'; exit; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$image" create -q -f qcow2 "$work/snapshots" 8G

# The run ends by itself: QEMU's monitor stops it when its clock says so many instructions (1 ns each).
machine=(-accel tcg -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/bench/past.cpio" -append 'console=ttyS0 reboot=t panic=-1' -m 512
	-nographic -no-reboot -net none -monitor none -serial null -drive "file=$work/snapshots,if=none,id=snapshots")
rr=shift=0,rr=%s,rrfile=$work/record,rrsnapshot=begin
seconds() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }'; }

begin=$(seconds)
# shellcheck disable=SC2059
"$qemu" "${machine[@]}" -icount "$(printf "$rr" record)" -qmp "unix:$work/qmp,server=on,wait=off" </dev/null >/dev/null 2>&1 &
recorder=$!
sleep $((instructions / 100000000 + 5)) # more than QEMU needs for them on a host of today
kill $recorder 2>/dev/null
wait $recorder 2>/dev/null
printf '%-58s %s s, %s MBytes\n' "QEMU records" "$(since "$begin")" "$(($(stat -c %s "$work/record") >> 20))"

# One session for each: a session that hangs is ended.
session() { # TEXT COMMAND...
	local text=$1 begin port=$((20000 + RANDOM % 20000)) status
	shift
	# shellcheck disable=SC2059
	"$qemu" "${machine[@]}" -icount "$(printf "$rr" replay)" -gdb "tcp:127.0.0.1:$port" -S </dev/null >"$work/out" 2>&1 &
	local replayer=$!
	sleep 2
	{
		printf '%s\n' 'set pagination off' 'set confirm off' 'set remotetimeout 200' "target remote 127.0.0.1:$port" 'python import time'
		printf '%s\n' "$@" 'kill'
	} >"$work/commands"
	timeout 240 "$gdb" -nx -batch -x "$work/commands" >"$work/said" 2>&1
	status=$?
	kill -9 $replayer 2>/dev/null
	wait $replayer 2>/dev/null
	if ((status)); then
		printf '%-58s gdb ended with status %s (124: it hung)\n' "$text" $status
	else
		printf '%-58s %s\n' "$text" "$(grep -o 'took .*' "$work/said" | tr '\n' ' ')"
	fi
}
back=('python t = time.time()' 'reverse-stepi' 'python print("took %.2f s" % (time.time() - t))')
watch=("python gdb.execute('watch *(long*) \$rsp')" 'python t = time.time()' 'reverse-continue' 'python print("took %.2f s" % (time.time() - t))')
for after in 1 4 10; do
	session "QEMU goes back by one instruction, after $after s of replay" \
		'python import threading, os, signal' \
		"python threading.Timer($after, lambda: os.kill(os.getpid(), signal.SIGINT)).start()" \
		'continue' "${back[@]}" "${back[@]}"
done
session 'QEMU, reverse-continue to a watchpoint on the stack' \
	'python import threading, os, signal' \
	'python threading.Timer(4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()' 'continue' "${watch[@]}"
