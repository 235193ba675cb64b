#!/bin/bash
# Boots Debian's kernel with our initramfs in vmxray: run.sh run|shell|boot|bench [vmxray options...]
#
# run    shows what the machine says, then vmxray's account, and says whether all is well; the exit status says it too
# shell  the terminal is the machine's
# boot   boots and powers off
# bench  RUNS (3) boots with some work in them, then the same in QEMU if it is there
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray}
mode=$1
shift

append="console=ttyS0 reboot=t panic=-1 vmxray=$mode ${APPEND:-}"
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
	[[ $mode == run ]] || return
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

seconds() { # COMMAND...: its wall time in milliseconds, output to the log
	local start=${EPOCHREALTIME/./}
	"$@" >"$log" 2>&1 </dev/null
	local status=$?
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
	return $status
}

# What the work must come to; the same everywhere.
worked() {
	local line
	for line in "$(head -c 64M /dev/zero | md5sum)" 20000 20000100000; do
		tr -d '\r' <"$log" | grep -qxF -e "$line" || return 1
	done
}

timed() { # NAME COMMAND...: prints a line; `median` is the middle time
	local name=$1 times=() run
	shift
	for ((run = 0; run < ${RUNS:-3}; run++)); do
		times+=("$(seconds "$@")") || { echo "$name failed, see $log"; return 1; }
		worked || { echo "$name computed something wrong, see $log"; return 1; }
	done
	median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$(((${#times[@]} + 1) / 2))p")
	printf '%-28s %6d.%03d s, median of %d  ' "$name" $((median / 1000)) $((median % 1000)) ${#times[@]}
	echo "$(tr -d '\r' <"$log" | sed -n '/reboot: Power down/,$p' | sed -n 's/^speed  */it says: /p')"
}

case $mode in
run | boot)
	echo "$VMXRAY ${machine[*]@Q}"
	boot "$@"
	verdict
	;;
shell)
	echo "Ctrl-A x leaves the machine, so does exit in its shell."
	exec "$VMXRAY" "${machine[@]}" "$@"
	;;
bench)
	echo "Boot of Debian's kernel with work in it: md5sum of 64 MB, 20,000 turns of a shell loop, an awk sum of 200,000."
	timed vmxray "$VMXRAY" "${machine[@]}" --stats "$@" || exit 1
	ours=$median
	if type -P qemu-system-x86_64 >/dev/null; then
		timed "QEMU (TCG)" qemu-system-x86_64 -accel tcg "${machine[@]}" || exit 1
		printf "vmxray takes %d.%02d times QEMU's time\n" $((ours / median)) $((ours * 100 / median % 100))
	else
		echo "QEMU is not installed (qemu-system-x86): no comparison"
	fi
	;;
*)
	echo "run.sh: $mode?" >&2
	exit 2
	;;
esac
