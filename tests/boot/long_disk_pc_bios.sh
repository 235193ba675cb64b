#!/bin/bash
# Debian on a disk, to its login: pc with BIOS.
. "$(dirname "$0")/../claim.bash"
. tests/boot/debian.bash
log_in_each pc bios
