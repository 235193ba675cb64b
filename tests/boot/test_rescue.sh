#!/bin/bash
# Rescue CDs by Debian's grub-mkrescue, by BIOS and by UEFI: with the teaching hypervisor, and with Linux.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$GUESTS/initramfs.cpio" "$O/turtles.elf" "$O/rescue/turtles.iso" "$O/rescue/linux.iso"

boots() { # KIND MACHINE FIRMWARE PATTERN
	local name=rescue-$1-$3
	converse "$name" 400 -- -machine "$2" -m 256 $(firmware "$3" "$name") -cdrom "$O/rescue/$1.iso" -device isa-debug-exit
	claim $((status != 0)) "$1 from a CD by $3: powers off, status 0" "status $status; $(tail -n 1 "$out/$name.err") $(plain | tail -n 2 | tr '\n' ';')"
	has "$1 from a CD by $3: $4" "$4"
}
boots turtles pc bios '^L2 payload: 17 checks, 0 failed'
boots turtles q35 uefi '^L2 payload: 17 checks, 0 failed'
boots linux q35 bios '^== powering off'
boots linux pc uefi '^== powering off'
