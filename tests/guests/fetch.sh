#!/bin/bash
# Brings the parts of the guests that come from Debian: fetch.sh DIR [general|drives|virtio|disk]
#
#   DIR/vmlinuz            the kernel of linux-image-cloud-amd64, today's version
#   DIR/modules/*.ko       kvm-intel and what it depends on; DIR/modules/order names them, dependencies first
#   DIR/busybox            of busybox-static
#   DIR/vmlinuz-general    with `general`, this and what follows alone: the kernel of linux-image-amd64
#   DIR/modules-general    likewise, those that the tools of Xen use
#   DIR/modules-drives   with `drives`, and the kernel of `general`: for virtio and AHCI disks
#   DIR/modules-virtio     with `virtio`, this alone: those of the cloud kernel for a virtio disk
#   DIR/modules-disk       with `disk`, this alone: those for IDE disks, too
#
# The packages are downloaded to DIR/packages and unpacked, never installed: remove DIR/packages to get newer ones.
set -eu

dir=$1
packages=$dir/packages
. "${0%/*}/packages.bash"

# The package that a name without version depends on: linux-image-cloud-amd64 -> linux-image-6.1.0-NN-cloud-amd64
versioned() { depends "$1" | grep '^linux-image-' | head -n 1; }

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
	if ! try_download "$3" "$image"; then
		# The version that the lists name is gone from the server.
		refresh_lists
		try_download "$3" "$(versioned "$1")"
	fi
}

fetch_busybox() {
	have 'busybox-static_*.deb' >/dev/null || download "the guests' shell and commands" busybox-static
}

# The modules NAME needs, then NAME itself, into modules/ and modules/order. A package has no modules.dep (depmod makes
# it at installation), but each module names its dependencies, with - for _ or not.
add_module() {
	local name=$1 file dependency
	file=$(find "$work/kernel/lib/modules" -name "${name//[-_]/[-_]}.ko" | head -n 1)
	grep -qx "${file##*/}" "$work/modules/order" && return
	if [[ -z $file ]]; then
		echo "the kernel package has no module $name.ko" >&2
		exit 1
	fi
	for dependency in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
		add_module "$dependency"
	done
	cp "$file" "$work/modules/"
	echo "${file##*/}" >>"$work/modules/order"
}

unpack_kernel() { # PATTERN VMLINUZ MODULES NAME...; VMLINUZ - is the kernel that is there already
	local name
	rm -rf "$work/kernel" "$work/modules"
	mkdir -p "$work/kernel" "$work/modules"
	: >"$work/modules/order"
	dpkg-deb --fsys-tarfile "$(have "$1")" |
		tar -x -C "$work/kernel" --wildcards './boot/vmlinuz-*' './lib/modules/*.ko'
	for name in "${@:4}"; do
		add_module "$name"
	done
	rm -rf "$dir/$3"
	mv "$work/modules" "$dir/$3"
	touch "$dir/$3/order"
	if [[ $2 != - ]]; then
		mv "$work/kernel/boot/"vmlinuz-* "$dir/$2"
		touch "$dir/$2"
	fi
}

general='linux-image-*[0-9]-amd64_*.deb' cloud='linux-image-*-cloud-amd64_*.deb'
if [[ ${2:-} == general || ${2:-} == drives ]]; then
	fetch_kernel linux-image-amd64 "$general" 'the general kernel'
else
	fetch_kernel linux-image-cloud-amd64 "$cloud" "the guests' kernel"
	fetch_busybox
fi
packages_done

work=$dir/unpacking${2:+-$2}
rm -rf "$work"
mkdir -p "$work/busybox"
trap 'rm -rf "$work"' EXIT
if [[ ${2:-} == general ]]; then
	unpack_kernel "$general" vmlinuz-general modules-general xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs
elif [[ ${2:-} == drives ]]; then
	unpack_kernel "$general" vmlinuz-general modules-drives virtio_pci virtio_blk ahci sd_mod
elif [[ ${2:-} == virtio ]]; then
	unpack_kernel "$cloud" - modules-virtio virtio_pci virtio_blk
elif [[ ${2:-} == disk ]]; then
	unpack_kernel "$cloud" - modules-disk virtio_pci virtio_blk ata_piix sd_mod cpuid
else
	unpack_kernel "$cloud" vmlinuz modules kvm-intel
	dpkg-deb --fsys-tarfile "$(have 'busybox-static_*.deb')" | tar -x -C "$work/busybox" --wildcards './*/busybox'
	find "$work/busybox" -name busybox -type f -exec mv {} "$dir/busybox" \;
	touch "$dir/busybox"
fi
