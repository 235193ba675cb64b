#!/bin/bash
# Brings Debian's memtest86+: fetch-memtest.sh DIR
#
#   DIR/memtest86+x64.bin, DIR/memtest86+ia32.bin    of memtest86+: bzImages with a 64-bit entry, and with a 32-bit one alone
#
# The package is downloaded to DIR/packages and unpacked, never installed.
set -eu
dir=$1
packages=$dir/packages
. "${0%/*}/packages.bash"
have 'memtest86+_*.deb' >/dev/null || download 'a test of memory' memtest86+
packages_done
for kind in x64 ia32; do
	dpkg-deb --fsys-tarfile "$(have 'memtest86+_*.deb')" |
		tar -x -O "./boot/memtest86+$kind.bin" >"$dir/memtest86+$kind.part"
	mv "$dir/memtest86+$kind.part" "$dir/memtest86+$kind.bin"
done
