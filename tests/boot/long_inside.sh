#!/bin/bash
# What runs inside the Debian of a disk: KVM with Debian's QEMU, which boots the same disk once more as virtio-blk with
# ioeventfd, from SeaBIOS and from OVMF; Xen with Debian as its first domain; and all of it with turtles below.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$GUESTS/debian.img" "$O/below.img"
disk="-drive file=$GUESTS/debian.img,format=raw,if=virtio"

guest() { # FIRMWARE: of the guest
	local name=inside-$1
	converse "$name" 3000 'GNU GRUB' '\r' 'vmxray login:' 'root\r' 'root@vmxray:' "inside $2\r" \
		'GNU GRUB.*|Booting .Debian.' - 'vmxray login:.*|Debian GNU/Linux 12 vmxray ttyS0' - -- -machine q35 -m 1536 $disk -stats
	claim $? "a guest of Debian's QEMU by KVM, from $1" "$(plain | grep -a . | tail -n 3 | tr '\n' ';')"
}
