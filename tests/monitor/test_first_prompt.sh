#!/bin/bash
# What the first prompt knows of a run that nobody looked at: events, exits and why say what they say in a run with the
# monitor attached from the beginning. The guests are the teaching hypervisor, four levels deep, and with LONG=1 Linux,
# whose KVM runs small guests.
. "$(dirname "$0")/lib.bash"
exec </dev/null

socket=$(mktemp -u "${TMPDIR:-/tmp}/first-prompt-XXXXXX") # paths of sockets must be short
trap 'rm -f "$socket"' EXIT

# A text is on the guest's console, or the run has used some processor time (in hundredths of a second).
has_come() { # CONSOLE PID AWAITED
	if [[ $3 == *[!0-9]* ]]; then holds "$1" "$3"; else [[ -e $socket && $(cut -d ' ' -f 14 "/proc/$2/stat") -ge $3 ]]; fi
}
# Stops the guest by coming to the monitor's socket, and says what the commands print.
come() {
	talk "$socket"
	hear
	tell print step
	hear
	sed -n 's/.*(\(.*\)).*/\1/p' <<<"$heard"
	for command; do
		tell "$command"
		hear
		printf %s "$heard"
	done
	tell quit
	hear
	hang_up
}
commands=('events 500' exits 'exits loop' 'why exit' 'why fault')

late() { # NAME AWAITED OPTION...: a free run, which is stopped once
	local name=$1 awaited=$2
	shift 2
	rm -f "$dir/$name.console"
	"$VMXRAY" "$@" -nographic -serial "file:$dir/$name.console" -monitor "unix:$socket" >/dev/null 2>&1 &
	local vmxray=$! turn
	for ((turn = 0; turn < 9000; turn++)); do
		has_come "$dir/$name.console" $vmxray "$awaited" 2>/dev/null && break
		sleep 0.01
	done
	come "${commands[@]}" >"$dir/$name.late"
	wait "$vmxray"
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
