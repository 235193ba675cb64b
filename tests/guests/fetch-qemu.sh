#!/bin/bash
# Brings Debian's QEMU for guests: fetch-qemu.sh DIR
#
#   DIR/qemu/...     qemu-system-x86_64, the libraries it is linked with, SeaBIOS, and the option ROM that loads Linux
#   DIR/qemu/list    these files as newc wants them
#
# The packages are downloaded to DIR/packages and unpacked, never installed.
set -eu

dir=$1 root=$1/qemu
. "${0%/*}/libraries.bash"

program=$root/usr/bin/qemu-system-x86_64
unpack "a user of KVM for guests" qemu-system-x86
unpack_libraries QEMU qemu-system-x86 "$program"
unpack "QEMU's firmware and option ROMs" seabios qemu-system-data
packages_done

{
	printf 'dir %s 755\n' lib64 usr usr/bin usr/lib usr/share usr/share/seabios usr/share/qemu
	entry usr/bin/qemu-system-x86_64 "$program" 755
	library_entries
	entry usr/share/seabios/bios-256k.bin "$root/usr/share/seabios/bios-256k.bin" 644
	for rom in linuxboot_dma.bin kvmvapic.bin; do
		entry "usr/share/qemu/$rom" "$root/usr/share/qemu/$rom" 644
	done
} >"$root/list"
