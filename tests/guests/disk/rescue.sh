#!/bin/bash
# A rescue CD by Debian's grub-mkrescue, which begins by BIOS and by UEFI: rescue.sh turtles|linux|xen|memtest IMAGE
#
# What is on it boots at once: the teaching hypervisor; Debian's kernel with the system of ../init; Xen with that in its first
# domain; memtest86+. $O has turtles, $GUESTS the others.
set -eu
O=${O:-o} GUESTS=${GUESTS:-o/guests} kind=$1 image=$2
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
folder=$image.folder
rm -rf "$folder"
mkdir -p "$folder/boot/grub"
trap 'rm -rf "$folder"' EXIT

case $kind in
turtles)
	cp "$O/turtles.elf" "$folder/boot/"
	entry="multiboot /boot/turtles.elf turtles depth=2"
	;;
linux)
	cp "$GUESTS/vmlinuz" "$GUESTS/initramfs.cpio" "$folder/boot/"
	entry="linux /boot/vmlinuz console=tty0 console=ttyS0 panic=-1 vmxray=boot
	initrd /boot/initramfs.cpio"
	;;
xen)
	cp "$GUESTS/xen/xen" "$GUESTS/vmlinuz-general" "$GUESTS/xen.cpio" "$folder/boot/"
	entry="multiboot2 /boot/xen xen com1=115200,8n1 console=com1 noreboot dom0_mem=512M
	module2 /boot/vmlinuz-general linux console=hvc0 panic=-1 vmxray=xen
	module2 /boot/xen.cpio"
	;;
memtest)
	cp "$GUESTS/memtest86+x64.bin" "$folder/boot/memtest"
	entry="linux /boot/memtest nobench"
	;;
*)
	echo "rescue.sh: turtles, linux, xen or memtest, not $kind" >&2
	exit 2
	;;
esac
cat >"$folder/boot/grub/grub.cfg" <<EOF2
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=1
menuentry '$kind' {
	$entry
}
EOF2
find "$folder" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
grub-mkrescue --fonts= --locales= --themes= -o "$image.part" "$folder" >"$image.log" 2>&1 || { cat "$image.log" >&2; exit 1; }
mv "$image.part" "$image"
