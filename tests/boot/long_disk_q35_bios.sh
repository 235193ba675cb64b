#!/bin/bash
# Debian on a disk, to its login: q35 with BIOS.
. "$(dirname "$0")/../claim.bash"
. tests/boot/debian.bash
log_in_each q35 bios
