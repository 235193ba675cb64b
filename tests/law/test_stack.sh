#!/bin/bash
# Each instruction's handler ends by jumping to the next one's. A compiler that calls instead lets the stack grow with
# every instruction of a chain of blocks, until the process dies. So a boot must do with a small stack.
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray}

steps=300M
[[ -n ${SAN:-}${COV:-} ]] && steps=5M
output=$(
	ulimit -s 512
	"$VMXRAY" -kernel "$GUESTS/vmlinuz" -append console=ttyS0 -m 512 -nographic -no-reboot --steps $steps 2>&1 </dev/null
)
status=$?
if [[ $status == 6 ]]; then
	echo "ok $steps steps of a boot with a stack of 512 KiB"
else
	echo "not ok $steps steps of a boot with a stack of 512 KiB - status $status; ${output: -200}"
fi
