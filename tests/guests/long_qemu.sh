#!/bin/bash
# Debian's QEMU with -accel kvm boots Debian's kernel through SeaBIOS, whose KVM boots it once more: `make nested-qemu`.
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests}
export O
log=$O/tests/guests/qemu.log
mkdir -p "${log%/*}"
if ! make -s GUESTS="$GUESTS" "$GUESTS/qemu.cpio"; then
	echo "ok Debian's QEMU boots L1 # SKIP it cannot be downloaded"
	exit
fi
said=$(WITH=qemu LOG=$log tests/guests/nested.sh | grep -a '^nested: ')
if [[ $said == 'nested: all is well' ]]; then
	echo "ok Debian's QEMU boots L1"
else
	echo "not ok Debian's QEMU boots L1 - ${said//$'\n'/; }"
fi
# SeaBIOS runs in real mode, with a display adapter's and a clock's ports: what kvm-mini's guests have not.
exits=$(awk '$1 == 1 && $2 == "IO_INSTRUCTION" { print $3 }' "$log")
((${exits:-0} > 50000))
if [[ $? == 0 ]]; then echo "ok QEMU's devices were used"; else echo "not ok QEMU's devices were used - ${exits:-no} port exits"; fi
