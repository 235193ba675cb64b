#!/bin/bash
# Brings Debian's Xen and what its first domain needs: fetch-xen.sh DIR
#
#   DIR/xen/xen       the hypervisor, of xen-hypervisor-*-amd64, uncompressed
#   DIR/xen/...       xl, xenstored, xenconsoled, xen-init-dom0 and the libraries they are linked with
#   DIR/xen/list      these files as newc wants them
#
# The packages are downloaded to DIR/packages and unpacked, never installed.
set -eu

dir=$1 root=$1/xen
. "${0%/*}/libraries.bash"

# xen-system-amd64 depends on today's versions: xen-hypervisor-4.17-amd64, xen-utils-4.17
versioned() { depends xen-system-amd64 | grep "^$1" | head -n 1; }
hypervisor=$(versioned xen-hypervisor-)
if [[ -z $hypervisor ]]; then
	refresh_lists
	hypervisor=$(versioned xen-hypervisor-)
fi
if [[ -z $hypervisor ]]; then
	echo "apt knows no xen-system-amd64: is this Debian?" >&2
	exit 1
fi
version=${hypervisor#xen-hypervisor-}
utils=xen-utils-${version%-amd64}

unpack "the hypervisor" "$hypervisor"
unpack "its tools" "$utils" xenstore-utils
zcat "$root/boot/xen-$version.gz" >"$root/xen"
bin=$root/usr/lib/${utils/-utils/}/bin
programs=("$bin/xl" "$bin/xenstored" "$bin/xenconsoled" "$bin/xen-init-dom0")
unpack_libraries Xen "$utils" "${programs[@]}"
unpack "a library that threads load when they end" libgcc-s1
used[libgcc_s.so.1]=$(library libgcc_s.so.1)
packages_done

{
	printf 'dir %s 755\n' lib64 usr usr/lib var var/lib var/lib/xen var/lib/xenstored var/lock var/log var/log/xen \
		var/log/xen/console run/xen run/xenstored etc etc/xen
	echo "link var/run ../run"
	entry etc/xen/xl.conf /dev/null 644
	for program in "${programs[@]}"; do
		entry "bin/${program##*/}" "$program" 755
	done
	library_entries
} >"$root/list"
