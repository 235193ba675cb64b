#!/bin/bash
# Boots Debian's kernel with our initramfs in vmxray: run.sh kvm|shell|boot [vmxray options...]
#
# kvm    shows what the machine says, then vmxray's account, and says whether all is well; the exit status says it too
# shell  the terminal is the machine's
# boot   boots and powers off
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray}
mode=$1
shift

append="console=ttyS0 reboot=t panic=-1 vmxray=${mode/kvm/run} ${APPEND:-}"
machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -append "${append% }" -m 512 -nographic -no-reboot)
log=$O/$mode.log

# What a kernel says when something went wrong in it.
trouble='Kernel panic|BUG:|Oops|WARNING: CPU|general protection fault|segfault|unchecked MSR|Call Trace|rcu: INFO|FAILED to load'

bad=()
examine() { # STATUS: fills bad
	local status=$1 line
	((status == 0)) || bad+=("vmxray exited with status $status")
	grep -q '^== powering off' "$log" || bad+=("the guest did not come to its power-off")
	while read -r line; do
		bad+=("$line")
	done < <(tr -d '\r' <"$log" | grep -E "$trouble" | head -n 5)
	[[ $mode == kvm ]] || return
	line=$(tr -d '\r' <"$log" | grep '^kvm-mini: ' | tail -n 1)
	[[ $line =~ ^kvm-mini:\ [1-9][0-9]*\ passed,\ 0\ failed$ ]] || bad+=("${line:-kvm-mini did not come to its end}")
}

verdict() {
	if ((${#bad[@]} == 0)); then
		echo "make $mode: all is well"
		return 0
	fi
	printf 'make '"$mode"': %s\n' "${bad[@]}"
	echo "make $mode: the whole output is in $log"
	return 1
}

boot() {
	"$VMXRAY" "${machine[@]}" --stats "$@" 2>&1 </dev/null | tee "$log"
	examine "${PIPESTATUS[0]}"
}

case $mode in
kvm | boot)
	echo "$VMXRAY ${machine[*]@Q}"
	boot "$@"
	verdict
	;;
shell)
	echo "Ctrl-A x leaves the machine, so does exit in its shell."
	"$VMXRAY" "${machine[@]}" "$@"
	status=$?
	# However a person leaves (poweroff, reboot, Ctrl-A x, the end of a pipe) is no failure that make should tell of.
	((status == 2 || status == 4)) && status=0
	exit "$status"
	;;
*)
	echo "run.sh: $mode?" >&2
	exit 2
	;;
esac
