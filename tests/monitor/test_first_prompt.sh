#!/bin/bash
# What the first prompt knows of a run that nobody looked at: events, exits and why say what they say in a run with the
# monitor attached from the beginning. The guests are the teaching hypervisor, four levels deep, and with LONG=1 Linux,
# whose KVM runs small guests.
. "$(dirname "$0")/lib.bash"
exec </dev/null

if ! type -P python3 >/dev/null; then
	echo 'ok the first prompt # SKIP python3 is not there'
	exit 0
fi

# Waits for a text on the guest's console, or until the run has used some processor time (in hundredths of a second);
# stops the guest by coming to the monitor's socket, and says what the commands print.
cat >"$dir/late.py" <<'END'
import os, socket, sys, time
where, console, pid, awaited = sys.argv[1:5]
def has_come():
    try:
        if not awaited.isdigit():
            return awaited.encode() in open(console, 'rb').read()
        return os.path.exists(where) and int(open('/proc/' + pid + '/stat').read().split()[13]) >= int(awaited)
    except OSError:
        return False
for turn in range(9000):
    if has_come(): break
    time.sleep(0.01)
s = socket.socket(socket.AF_UNIX)
s.connect(where)
s.settimeout(20)
def prompt():
    said = b''
    while not said.endswith(b'(vmxray) '):
        more = s.recv(4096)
        if not more: break
        said += more
    return said.decode()[:-len('(vmxray) ')]
prompt()
s.send(b'print step\n')
print(prompt().split()[-1].strip('()'))
for command in sys.argv[5:]:
    s.send(command.encode() + b'\n')
    print(prompt(), end='')
s.send(b'quit\n')
END
commands=('events 500' exits 'exits loop' 'why exit' 'why fault')

late() { # NAME AWAITED OPTION...: a free run, which is stopped once
	local name=$1 awaited=$2
	shift 2
	rm -f "$dir/$name.console" "$dir/$name.socket"
	"$VMXRAY" "$@" -nographic -serial "file:$dir/$name.console" -monitor "unix:$dir/$name.socket" >/dev/null 2>&1 &
	timeout 100 python3 "$dir/late.py" "$dir/$name.socket" "$dir/$name.console" $! "$awaited" "${commands[@]}" \
		>"$dir/$name.late"
	wait $!
	step=$(head -n 1 "$dir/$name.late")
	sed -i 1d "$dir/$name.late"
}

early() { # NAME OPTION...: with the monitor from the first step on
	local name=$1
	shift
	{
		echo "run-to $step"
		printf '%s\n' "${commands[@]}" quit
	} >"$dir/$name.script"
	timeout --kill-after=5 120 "$VMXRAY" "$@" -nographic -serial "file:$dir/$name.console" -S -x "$dir/$name.script" \
		-monitor none >"$dir/$name.early" 2>&1
}

same() { # NAME LINES: what both said is the same, and that much
	grep -v '^(vmxray) ' "$dir/$1.early" | tail -n "$(wc -l <"$dir/$1.late")" >"$dir/$1.tail"
	[[ -s $dir/$1.late ]] && cmp -s "$dir/$1.late" "$dir/$1.tail"
	claim $? "$1: the first prompt knows what a run under the monitor knows" \
		"step $step: $(diff "$dir/$1.late" "$dir/$1.tail" | head -n 3 | tr '\n' ';')"
	grep -q 'events seen' "$dir/$1.late" && (($(grep -cE ' [A-Z_]+ +[0-9]+ +[0-9.]+%' "$dir/$1.late") >= $2))
	claim $? "$1: there is much to know" "$(head -n 3 "$dir/$1.late" | tr '\n' ';')"
}

turtles=(-kernel "$O/turtles.elf" -append 'depth=4 shadow=off' -m 64 -no-reboot)
late turtles 100 "${turtles[@]}"
early turtles "${turtles[@]}"
same turtles 8

[[ ${LONG:-} ]] || exit 0 # Linux takes its time to get there
linux=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -m 512 -no-reboot
	-append 'console=ttyS0 reboot=t panic=-1 vmxray=run')
late linux 'ok   64-bit guest ran to its end' "${linux[@]}"
early linux "${linux[@]}"
same linux 4
