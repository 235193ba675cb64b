#!/bin/bash
# Rescue CDs by Debian's grub-mkrescue, by BIOS and by UEFI: with the teaching hypervisor, and with Linux.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$GUESTS/initramfs.cpio" "$O/turtles.elf" "$O/rescue/turtles.iso" "$O/rescue/linux.iso"

# Each switches the machine off when it has said what it must.
boots() { # KIND MACHINE FIRMWARE PATTERN
	converse "rescue-$1-$3" 20G "$4" - -- -machine "$2" -m 256 $(firmware "$3" "rescue-$1-$3") -cdrom "$O/rescue/$1.iso" &&
		((status == 0))
	claim $? "$1 from a CD by $3: $4" "status $status; $(tail -n 1 "$out/rescue-$1-$3.err") $(plain | tail -n 2 | tr '\n' ';')"
}
boots turtles pc bios 'L2 payload: 17 checks, 0 failed'
boots turtles q35 uefi 'L2 payload: 17 checks, 0 failed'
boots linux q35 bios '== powering off'
boots linux q35 uefi '== powering off'
