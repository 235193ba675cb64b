#!/bin/bash
# Debian's QEMU with -accel kvm boots Debian's kernel through SeaBIOS, whose KVM boots it once more: `make nested-qemu`.
. "$(dirname "$0")/../claim.bash"
log=$O/tests/guests/qemu.log
mkdir -p "${log%/*}"
if ! make -s GUESTS="$GUESTS" "$GUESTS/qemu.cpio"; then
	echo "ok Debian's QEMU boots L1 # SKIP it cannot be downloaded"
	exit
fi
said=$(WITH=qemu LOG=$log tests/guests/nested.sh | grep -a '^nested: ')
[[ $said == 'nested: all is well' ]]
claim $? "Debian's QEMU boots L1" "${said//$'\n'/; }"
# SeaBIOS runs in real mode, with a display adapter's and a clock's ports: what kvm-mini's guests have not.
exits=$(awk '$1 == 1 && $2 == "IO_INSTRUCTION" { print $3 }' "$log")
((${exits:-0} > 50000))
claim $? "QEMU's devices were used" "${exits:-no} port exits"
