#!/bin/bash
# A PC from each controller of disks by BIOS: to GRUB's menu and, with a key typed at it, the kernel's first line.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
. tests/boot/matrix.bash
need "$tiny"
reaches pc bios ide 1
reaches pc bios virtio 4
reaches pc bios ahci 1
reaches q35 bios ide 4
