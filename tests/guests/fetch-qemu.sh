#!/bin/bash
# Brings Debian's QEMU for guests: fetch-qemu.sh DIR
#
#   DIR/qemu/...     qemu-system-x86_64, the libraries it is linked with, SeaBIOS, and the option ROM that loads Linux
#   DIR/qemu/list    these files as newc wants them
#
# The packages are downloaded to DIR/packages and unpacked, never installed.
set -eu

dir=$1
packages=$dir/packages
. "${0%/*}/packages.bash"

root=$dir/qemu
rm -rf "$root"
mkdir -p "$root"
declare -A unpacked

unpack() { # WHAT-FOR PACKAGE...
	local package absent=()
	for package in "${@:2}"; do
		have "${package}_*.deb" >/dev/null || absent+=("$package")
	done
	((${#absent[@]} == 0)) || download "$1" "${absent[@]}"
	for package in "${@:2}"; do
		unpacked[$package]=1
		dpkg-deb --fsys-tarfile "$(have "${package}_*.deb")" |
			tar -x -C "$root" --exclude './usr/share/doc' --exclude './usr/share/man'
	done
}

# Libraries that programs and libraries name and that are not there.
library() { find "$root" -name "$1" | head -n 1; }
needs() { readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
declare -A used # library -> file
missing=()
follow() { # FILE: adds to `used` and `missing` what it needs
	local name file
	for name in $(needs "$1"); do
		[[ -z ${used[$name]:-} ]] || continue
		file=$(library "$name")
		if [[ -z $file ]]; then
			missing+=("$name")
			continue
		fi
		used[$name]=$file
		follow "$file"
	done
}

# Packages of libraries, those that QEMU's package depends on, then those that these depend on, until nothing is missing.
program=$root/usr/bin/qemu-system-x86_64
frontier=(qemu-system-x86)
unpack "a user of KVM for guests" "${frontier[@]}"
while used=() missing=() && follow "$program" && ((${#missing[@]})); do
	next=()
	for library in $(depends "${frontier[@]}" | grep -E '^(lib|zlib)' | LC_ALL=C sort -u); do
		[[ -n ${unpacked[$library]:-} ]] || next+=("$library")
	done
	if ((${#next[@]} == 0)); then
		echo "no package has ${missing[*]}, which QEMU needs" >&2
		exit 1
	fi
	unpack "libraries of QEMU" "${next[@]}"
	frontier=("${next[@]}")
done
unpack "QEMU's firmware and option ROMs" seabios qemu-system-data
packages_done

entry() { # PATH-IN-THE-GUEST FILE MODE
	echo "file $1 $3 $2"
}
{
	printf 'dir %s 755\n' lib64 usr usr/bin usr/lib usr/share usr/share/seabios usr/share/qemu
	entry usr/bin/qemu-system-x86_64 "$program" 755
	entry lib64/ld-linux-x86-64.so.2 "$(realpath --relative-to=. "$(library ld-linux-x86-64.so.2)")" 755
	for name in $(printf '%s\n' "${!used[@]}" | LC_ALL=C sort); do
		[[ $name != ld-linux* ]] || continue
		entry "usr/lib/$name" "$(realpath --relative-to=. "${used[$name]}")" 755
	done
	entry usr/share/seabios/bios-256k.bin "$root/usr/share/seabios/bios-256k.bin" 644
	for rom in linuxboot_dma.bin kvmvapic.bin; do
		entry "usr/share/qemu/$rom" "$root/usr/share/qemu/$rom" 644
	done
} >"$root/list"
