#!/bin/bash
# Debian's Xen on the bare machine, with Debian's kernel as its first domain, which boots Debian's cloud kernel in a
# second domain by VT-x (PVH): xen.sh [vmxray options...]
#
# Shows what the machine says, then vmxray's account, and says whether all is well; the exit status says it too.
#
#   WORDS=     more words for Xen's command line
#   PROTOCOL=  multiboot2, pvh: how it is booted, instead of by multiboot 1
#   SMP=2      processors, of the machine and of the second domain
#   LOG=       where the output is kept
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray}
smp=${SMP:-2} log=${LOG:-$O/xen.log}

append="com1=115200,8n1 console=com1 noreboot dom0_mem=512M ${WORDS:-}"
machine=(-kernel "$GUESTS/xen/xen" -append "${append% }"
	-initrd "$GUESTS/vmlinuz-general console=hvc0 panic=-1 vmxray=xen smp=$smp,$GUESTS/xen.cpio"
	-m 1G -smp "$smp" -nographic -no-reboot ${PROTOCOL:+-protocol "$PROTOCOL"})
. "${0%/*}/examine.bash"

examine() { # STATUS: fills bad
	(($1 == 0)) || bad+=("vmxray exited with status $1")
	must 1 '^\(XEN\) HVM: VMX enabled' "Xen did not enable VMX"
	must 1 '^virt_caps .*: pv hvm hap' "Xen has not told its tools of EPT"
	must 1 '^== L1: Linux 6' "the second domain did not start"
	must 6 '^== L1: ok' "it did not pass its checks"
	must 1 '^20000100000$' "it did not do its work"
	must 1 '^== L1 ended with status 0' "it did not switch itself off"
	must 1 '^== powering off' "the machine did not come to its power-off"
	trouble
}
run_and_examine "xen" "$@"
