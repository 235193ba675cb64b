#!/bin/bash
# Real hypervisors with all reports (-report all): Debian's KVM with a guest and its guest, with one processor and with two; Xen with
# two domains; Debian's disk, whose QEMU boots it once more by KVM. No error but what docs/findings.md has, under the name of the run.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
dir=$O/tests/guests/reports
mkdir -p "$dir"
export O GUESTS

found() { # NAME: rules of its errors, each once
	grep -a -A 2 ' error: ' "$dir/$1.said" | sed -n 's/.*; rule \(.*\)$/\1/p' | sort -u | tr '\n' ' '
}
known() { # NAME: what docs/findings.md has of it, in lines as: Rule `stale_linear`, in the run `xen`.
	sed -n "s/^Rule \`\([a-z_]*\)\`, in the run \`$1\`.*/\1/p" docs/findings.md | sort -u | tr '\n' ' '
}
judge() { # NAME WELL WHY
	claim "$2" "$1: it runs with reports" "$3"
	[[ -s $dir/$1.said && $(found "$1") == "$(known "$1")" ]]
	claim $? "$1: no error but what docs/findings.md has: $(known "$1")" "$(found "$1")"
}
script() { # NAME SCRIPT OPTION...: one of tests/guests that examine what they run
	local said
	said=$(LOG=$dir/$1.log "tests/guests/$2.sh" "${@:3}" -report "all=$dir/$1.said" | tail -n 1)
	[[ $said == *': all is well' ]]
	judge "$1" $? "$said"
}
script nested nested
MEMORY=1536M WORDS=smp=2 script nested-smp nested -smp 2
need "$GUESTS/xen.cpio"
script xen xen
need "$GUESTS/debian.img"
converse reports-disk 600G 'GNU GRUB' d 'vmxray login:' 'root\r' 'root@vmxray:' 'inside guest\r' 'GNU GRUB' d 'Linux version' - \
	'vmxray login:' 'root\r' 'root@vmxray:' 'echo $((6 * 7)) in $(systemd-detect-virt)\r' '^42 in kvm' end -- \
	-machine q35 -m 1536 -drive "file=$GUESTS/debian.img,format=raw,if=virtio" -report "all=$dir/disk.said"
judge disk $? "status $status; $(plain | grep -a . | tail -n 2 | tr '\n' ';')"
