#!/bin/bash
# A PC boots from its disk, by BIOS and by UEFI: firmware, GRUB's menu, Debian's kernel with the system of tests/guests/init,
# which finds the disk by its own driver, reads a file of known content, writes another, and powers off.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$tiny"

boots() { # NAME MACHINE FIRMWARE DISK OPTION...
	local name=$1
	converse "$name" 20G 'GNU GRUB' 'l' 'Linux version' - -- -machine "$2" -m 256 $(firmware "$3" "$name") \
		$(disk_on "$2" "$4" "$tiny") "${@:5}"
	claim $((status != 0)) "$name: powers off, status 0" "status $status; $(tail -n 1 "$out/$name.err") $(plain | tail -n 2 | tr '\n' ';')"
	has "$name: GRUB's menu" 'GNU GRUB'
	[[ $(grep -ac '^== ok' "$log") == 5 ]]
	claim $? "$name: five checks of the disk" "$(grep -a '^== ' "$log" | tr -d '\r' | tr '\n' ';')"
	! grep -aqE 'Call Trace|BUG:|WARNING: CPU|I/O error|exception Emask|\[Firmware Bug\]' "$log"
	claim $? "$name: nothing to complain of" "$(grep -aE 'Call Trace|BUG:|WARNING: CPU|I/O error|exception Emask' "$log" | head -n 3 | tr '\n' ';')"
}
before=$(md5sum <"$tiny")
boots bios-ide pc bios ide
boots uefi-virtio q35 uefi virtio
[[ $(md5sum <"$tiny") == "$before" ]]
claim $? 'the image is as it was'
