#!/bin/bash
# Debian on a disk, to its login: pc with UEFI.
. "$(dirname "$0")/../claim.bash"
. tests/boot/debian.bash
log_in_each pc uefi
