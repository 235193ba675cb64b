#!/bin/bash
# Brings the parts of the guests that come from Debian: fetch.sh DIR [general]
#
#   DIR/vmlinuz            the kernel of linux-image-cloud-amd64, today's version
#   DIR/modules/*.ko       kvm-intel and what it depends on; DIR/modules/order names them, dependencies first
#   DIR/busybox            of busybox-static
#   DIR/vmlinuz-general    with `general`, this alone: the kernel of linux-image-amd64
#
# The packages are downloaded to DIR/packages and unpacked, never installed. Root is not needed. What has been
# downloaded once is used again: remove DIR/packages to get newer ones.
set -eu

dir=$1
packages=$dir/packages
lists=$packages/lists # our own package lists, if the system's are missing or too old
mkdir -p "$packages"
apt_options=()

refresh_lists() {
	echo "fetching package lists (the system's are missing or old)"
	mkdir -p "$lists/state/partial" "$lists/cache/archives/partial"
	apt_options=(-o "Dir::State::Lists=$PWD/$lists/state" -o "Dir::Cache=$PWD/$lists/cache" -o APT::Sandbox::User=root)
	apt-get "${apt_options[@]}" -qq update
}

# The package that a name without version depends on: linux-image-cloud-amd64 -> linux-image-6.1.0-NN-cloud-amd64
versioned() {
	apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1
}

try_download() { # PACKAGE WHAT-FOR
	echo "downloading $1, $2"
	(cd "$packages" && apt-get "${apt_options[@]}" -o APT::Sandbox::User=root -qq download "$1")
}

download() {
	try_download "$@" && return
	[[ ${#apt_options[@]} == 0 ]] || return 1
	refresh_lists && try_download "$@"
}

have() { # PATTERN: the newest of the files, if there are any
	local files=("$packages"/$1)
	[[ -e ${files[0]} ]] || return 1
	printf '%s\n' "${files[@]}" | sort -V | tail -n 1
}

fetch_kernel() { # NAME PATTERN WHAT-FOR
	have "$2" >/dev/null && return
	local image
	image=$(versioned "$1")
	if [[ -z $image ]]; then
		refresh_lists
		image=$(versioned "$1")
	fi
	if [[ -z $image ]]; then
		echo "apt knows no $1: is this Debian?" >&2
		exit 1
	fi
	if ! try_download "$image" "$3"; then
		# The version that the lists name is gone from the server.
		refresh_lists
		try_download "$(versioned "$1")" "$3"
	fi
}

# Its modules are of no use here: the long tests only boot it.
if [[ ${2:-} == general ]]; then
	fetch_kernel linux-image-amd64 'linux-image-*[0-9]-amd64_*.deb' 'the general kernel, for the long tests'
	rm -rf "$lists" "$dir/unpacking-general"
	mkdir -p "$dir/unpacking-general"
	dpkg-deb --fsys-tarfile "$(have 'linux-image-*[0-9]-amd64_*.deb')" |
		tar -x -C "$dir/unpacking-general" --wildcards './boot/vmlinuz-*'
	mv "$dir/unpacking-general/boot/"vmlinuz-* "$dir/vmlinuz-general"
	rm -rf "$dir/unpacking-general"
	exit
fi

fetch_busybox() {
	have 'busybox-static_*.deb' >/dev/null || download busybox-static "the guests' shell and commands"
}

# The modules NAME needs, then NAME itself, into modules/ and modules/order. A package has no modules.dep (depmod makes
# it at installation), but each module names its dependencies.
add_module() {
	local name=$1 file dependency
	grep -qx "$name.ko" "$work/modules/order" && return
	file=$(find "$work/kernel/lib/modules" -name "$name.ko" | head -n 1)
	if [[ -z $file ]]; then
		echo "the kernel package has no module $name.ko" >&2
		exit 1
	fi
	for dependency in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
		add_module "${dependency//_/-}"
	done
	cp "$file" "$work/modules/"
	echo "$name.ko" >>"$work/modules/order"
}

fetch_kernel linux-image-cloud-amd64 'linux-image-*-cloud-amd64_*.deb' "the guests' kernel"
fetch_busybox
rm -rf "$lists"

work=$dir/unpacking
rm -rf "$work"
mkdir -p "$work/kernel" "$work/busybox" "$work/modules"
trap 'rm -rf "$work"' EXIT
: >"$work/modules/order"
dpkg-deb --fsys-tarfile "$(have 'linux-image-*-cloud-amd64_*.deb')" |
	tar -x -C "$work/kernel" --wildcards './boot/vmlinuz-*' './lib/modules/*.ko'
dpkg-deb --fsys-tarfile "$(have 'busybox-static_*.deb')" | tar -x -C "$work/busybox" --wildcards './*/busybox'
add_module kvm-intel
rm -rf "$dir/modules"
mv "$work/modules" "$dir/modules"
find "$work/busybox" -name busybox -type f -exec mv {} "$dir/busybox" \;
mv "$work/kernel/boot/"vmlinuz-* "$dir/vmlinuz"
touch "$dir/busybox" "$dir/vmlinuz" "$dir/modules/order"
