#!/bin/bash
# A PC from each controller of disks by UEFI: to GRUB's menu and, with a key typed at it, the kernel's first line.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
. tests/boot/matrix.bash
need "$tiny"
reaches pc uefi ahci 4
reaches q35 uefi ahci 1
reaches q35 uefi virtio 1
