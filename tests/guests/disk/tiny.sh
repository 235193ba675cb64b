#!/bin/bash
# A small disk that begins by BIOS and by UEFI: tiny.sh IMAGE
#
# GRUB's menu, on the screen and on the serial line, has Debian's cloud kernel with the system of ../init: the first
# entry boots it, which looks at the disk and powers off; the second one has the kernel alone; the last one draws a picture (by UEFI,
# whose framebuffer that kernel knows). $GUESTS has the kernel and the initramfs.
set -eu
. "${0%/*}/image.bash"
GUESTS=${GUESTS:-o/guests} image=$1
folder=$image.folder
rm -rf "$folder"
mkdir -p "$folder/grub"
trap 'rm -rf "$folder"' EXIT

cp "$GUESTS/vmlinuz" "$GUESTS/disk.cpio" "$folder/"
cat >"$folder/grub/grub.cfg" <<'CONFIG'
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=30
menuentry 'Linux from the disk' --hotkey=l {
	linux /vmlinuz console=tty0 console=ttyS0 panic=-1 vmxray=disk
	initrd /disk.cpio
}
menuentry 'The kernel alone' --hotkey=k {
	linux /vmlinuz console=ttyS0 earlyprintk=ttyS0 panic=-1
}
menuentry 'A shell' --hotkey=s {
	linux /vmlinuz console=tty0 console=ttyS0 panic=-1 vmxray=shell
	initrd /disk.cpio
}
menuentry 'A picture' --hotkey=p {
	set gfxpayload=keep
	linux /vmlinuz console=ttyS0 panic=-1 rdinit=/draw
	initrd /disk.cpio
}
CONFIG
image_make "$image.part" 24 "$folder" 24

# The third partition: ext4, with a file of known content (make_disk of ../init), which the system reads.
files=$folder/files
mkdir "$files"
seq 1 2000000 | head -c $((256 << 10)) >"$files/numbers"
touch -d "@$SOURCE_DATE_EPOCH" "$files" "$files/numbers"
uuid=564d5852-4159-4449-534b-000000000004
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -O ^has_journal -U $uuid -E hash_seed=$uuid,offset=$root_offset \
	-d "$files" -F "$image.part" 24m
mv "$image.part" "$image"
