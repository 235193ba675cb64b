#!/bin/bash
# Every pair of a machine, a firmware, a controller of the disk and a number of processors, to GRUB's menu and the kernel's
# first line. All of them, to the login, are long_matrix.sh's.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
. tests/boot/matrix.bash
need "$tiny"
while read -r machine firmware disk processors; do
	reaches "$machine" "$firmware" "$disk" "$processors"
done <<'EOF2'
pc   bios  ide     1
pc   bios  virtio  4
pc   bios  ahci    1
pc   uefi  ide     4
pc   uefi  ahci    4
q35  bios  ide     4
q35  uefi  ahci    1
q35  uefi  virtio  1
EOF2
