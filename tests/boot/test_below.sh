#!/bin/bash
# turtles below an operating system (tests/guests/below): its disk's boot sector loads it, and the next disk, unmodified,
# boots as if it were the first: GRUB and Linux in real mode and out of it, with one processor and with four.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$tiny" "$O/below.img"

exits() { # REASON: how many of them turtles counts at the end
	plain | awk -v reason="$1" '/^L0 account/ { on = 1 } on && $2 == reason { n = $3 } END { print n + 0 }'
}

below() { # PROCESSORS
	local name=below-$1
	converse "$name" 20G 'GNU GRUB' 'l' 'Linux version' - -- -machine pc -m 256 -smp "$1" \
		-drive "file=$O/below.img,format=raw,readonly=on" -drive "file=$tiny,format=raw" -stats
	claim $((status != 0)) "$name: powers off, status 0" "status $status; $(tail -n 1 "$out/$name.err") $(plain | tail -n 3 | tr '\n' ';')"
	has "$name: it is there first" "L0 below: hidden at 6000000 to 6200000 and at [0-9a-f]+, $1 processors"
	has "$name: Linux is told of no memory there" 'BIOS-e820: \[mem 0x0*6000000-0x0*61fffff\] reserved'
	has "$name: nor of its page below 640 KBytes" 'BIOS-e820: \[mem 0x0*9[0-9a-f]000-0x0*9f[bf]ff\] reserved'
	has "$name: Linux sees that it has a hypervisor below it" '^== below: TurtlesBelow'
	[[ $(grep -ac '^== ok' "$log") == 5 ]]
	claim $? "$name: five checks of the disk" "$(grep -a '^== ' "$log" | tr -d '\r' | tr '\n' ';')"
	(($(exits VMCALL) > 100 && $(exits CPUID) > 20 && $(exits XSETBV) >= $1))
	claim $? "$name: GRUB's BIOS calls and Linux' CPUID led to it" "$(exits VMCALL), $(exits CPUID), $(exits XSETBV)"
	# Each other processor waits for a SIPI when Linux' INIT comes, and so it is blocked until the VM entry after the first SIPI.
	(($(exits INIT) == $1 - 1 && $(exits SIPI) >= $1 - 1))
	claim $? "$name: each other processor's INIT and SIPI led to it" "$(exits INIT), $(exits SIPI)"
	has "$name: INT 13H read the kernel" '^L0 BIOS calls: [0-9]+ of INT 13H, [1-9][0-9]{4,} sectors read; [1-9][0-9]* of INT 15H'
	# What vmxray saw must be what it counted.
	[[ $(awk '$1 == 1 && $2 == "VMCALL" { n += $3 } END { print n + 0 }' "$out/$name.err") == $(exits VMCALL) ]]
	claim $? "$name: vmxray counted as many VMCALLs" "$(grep VMCALL "$out/$name.err")"
}
below 1
below 4
