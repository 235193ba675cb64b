#!/bin/bash
# What runs inside the Debian of a disk: Xen with it as the first domain, and KVM with Debian's QEMU, which boots the same disk once
# more as virtio-blk with ioeventfd. (LONG_INSIDE=uefi: from OVMF, which takes longer.)
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$GUESTS/debian.img"
disk="-drive file=$GUESTS/debian.img,format=raw,if=virtio"
why() { echo "status $status; $(tail -n 1 "$out/$1.err") $(plain | grep -a . | tail -n 3 | tr '\n' ';')"; }

converse inside-xen 300G 'GNU GRUB' x '\(XEN\) ' - 'vmxray login:' 'root\r' 'root@vmxray:' \
	'echo $((6 * 7)) $(cat /sys/hypervisor/type) $(systemctl is-system-running); xl list\r' '^Domain-0 ' 'poweroff\r' 'Power down' - -- \
	-machine q35 -m 1024 -smp 2 $disk
claim $? 'Xen from the disk, Debian is its first domain, to the login and off again' "$(why inside-xen)"
has 'all of the first domain is running' '^42 xen running'

# The prompt and the power-off are the guest's first, and then its host's.
guest() { # guest|uefi
	converse "inside-$1" 600G 'GNU GRUB' d 'vmxray login:' 'root\r' 'root@vmxray:' "inside $1\r" 'GNU GRUB' d \
		'Linux version' - 'vmxray login:' 'root\r' 'root@vmxray:' 'echo $((6 * 7)) in $(systemd-detect-virt)\r' '^42 in ' end -- \
		-machine q35 -m 1536 $disk
	claim $? "$1: KVM with Debian's QEMU boots the disk once more, to the login" "$(why "inside-$1")"
	has "$1: the guest knows that it is one" '^42 in kvm'
}
guest "${LONG_INSIDE:-guest}"
