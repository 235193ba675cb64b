#!/bin/bash
# `make run`: the teaching hypervisor runs itself, and that a guest: levels L0, L1, L2. Once with VMCS shadowing, once
# without; then what both say. Exit status 0 only when in both runs every self check of the guest was good, and what the
# hypervisor counted is what vmxray counted.
set -u
O=${O:-o} VMXRAY=${VMXRAY:-$O/vmxray}
bad=()

# What L0's account says in the row "all": exits of L1, and of L2.
counted() { # LOG
	awk '/^L0 account/ { on = 1 } on && $2 == "all" { print $3, $4 + $5; exit }' "$1"
}
# The same from vmxray's account: the VM exits that left level 1 and level 2.
seen() { # LOG
	awk '/^in level/ { on = 1; next } !NF { on = 0 } on { left[$1] = $5 } END { print left[1], left[2] }' "$1"
}

turtles() { # NAME WORDS: runs it, output to $O/run-NAME.log
	local log=$O/run-$1.log status
	local command=("$VMXRAY" -kernel "$O/turtles.elf" -append "$2" -m 64 -nographic -no-reboot
		-device isa-debug-exit,iobase=0xf4,iosize=4 --stats)
	echo "== ${command[*]@Q}"
	"${command[@]}" >"$log.raw" 2>&1 </dev/null
	status=$?
	tr -d '\r' <"$log.raw" | sed 's/^ *in level/in level/' >"$log"
	rm -f "$log.raw"
	((status == 0)) || bad+=("the run with $2 ended with status $status")
	grep -qE '^L2 payload: [1-9][0-9]* checks, 0 failed$' "$log" || bad+=("not all of the payload's checks were good, see $log")
	[[ $(counted "$log") =~ ^[1-9][0-9]*\ [1-9] && $(counted "$log") == "$(seen "$log")" ]] ||
		bad+=("L0 counted $(counted "$log") VM exits of L1 and L2, vmxray $(seen "$log"), see $log")
}

# Of both runs: the reasons whose exits L0 reflected to L1.
compare() {
	awk '
		FNR == 1 { on = 0 }
		/^L0 account/ { on = 1 }
		on && $1 == "L0" && $2 != "VM" && NF == 7 && $5 > 0 {
			if (FILENAME == ARGV[1]) { exits[$2] = $6; cycles[$2] = $7 }
			else if ($2 in exits) printf "%-22s %9d %13s %6s %15d %6d\n", $2, $5, $6, exits[$2], $7, cycles[$2]
		}' "$O/run-with.log" "$O/run-without.log"
}

turtles with depth=2
grep '^L' "$O/run-with.log"
echo
echo "== vmxray's own account of the same run"
sed -n '/^steps /p; /^wall time/p; /^in level/,$p' "$O/run-with.log"
echo
turtles without 'depth=2 shadow=off'
sed -n '/^L0 account/,$p' "$O/run-without.log" | grep '^L0'
sed -n '/^in level/,/^$/p' "$O/run-without.log"

echo '== What one VM exit of L2 costs that L1 handles, until L2 runs again, without and with VMCS shadowing'
printf '%-22s %9s %13s %6s %15s %6s\n' 'VM exit of L2' reflected 'L1 exits: w/o' with 'cycles: w/o' with
compare
echo "(vmxray counts a cycle for each instruction; on silicon a VM exit and the entry after it take about 1,000)"

echo
if ((${#bad[@]})); then
	printf 'make run: %s\n' "${bad[@]}"
	exit 1
fi
echo 'make run: all is well'
