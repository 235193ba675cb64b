#!/bin/bash
# `make run`: the teaching hypervisor runs itself, and that a guest: levels L0, L1, L2. Once with VMCS shadowing, once
# without; then what both say. Exit status 0 only when every self check of the guest was good, in both runs.
set -u
O=${O:-o} VMXRAY=${VMXRAY:-$O/vmxray}
bad=()

turtles() { # NAME WORDS: runs it, output to $O/run-NAME.log
	local log=$O/run-$1.log status
	local command=("$VMXRAY" -kernel "$O/turtles.elf" -append "$2" -m 64 -nographic -no-reboot
		-device isa-debug-exit,iobase=0xf4,iosize=4 --stats)
	echo "== ${command[*]@Q}"
	"${command[@]}" >"$log.raw" 2>&1 </dev/null
	status=$?
	tr -d '\r' <"$log.raw" >"$log"
	rm -f "$log.raw"
	((status == 0)) || bad+=("the run with $2 ended with status $status")
	grep -qE '^L2 payload: [1-9][0-9]* checks, 0 failed$' "$log" || bad+=("no word of the payload's checks all being good: $log")
}

# Reasons whose exits L0 reflected, in both runs.
compare() {
	awk '
		/^L0 account/ { on = 1; next }
		on && $1 == "L0" && $2 != "VM" && NF == 7 && $5 > 0 {
			if (FILENAME == ARGV[1]) { exits[$2] = $6; cycles[$2] = $7 }
			else if ($2 in exits) printf "%-22s %8d %12s %12s %14d %12d\n", $2, $5, $6, exits[$2], $7, cycles[$2]
		}' "$O/run-with.log" "$O/run-without.log"
}

turtles with depth=2
cat "$O/run-with.log"
echo
turtles without 'depth=2 shadow=off'
sed -n '/^L0 account/,$p' "$O/run-without.log" | grep '^L0'

echo
echo '== One VM exit of L2 that L1 handles, until L2 runs again: exits of L1 and cycles, without and with VMCS shadowing'
printf '%-22s %8s %12s %12s %14s %12s\n' 'VM exit of L2' reflected 'exits without' with 'cycles without' with
compare

echo
if ((${#bad[@]})); then
	printf 'make run: %s\n' "${bad[@]}"
	exit 1
fi
echo 'make run: all is well'
