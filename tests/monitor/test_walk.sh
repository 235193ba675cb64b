#!/bin/bash
# walk and the next step say the same of entries that were changed by hand: a reserved bit, an EPT entry of a memory type
# that there is not; and walk /rwxus says what an access does, by which rule. Addresses come from a first run: they are
# the compiler's that made the guest.
. "$(dirname "$0")/lib.bash"

monitor() { # ARGUMENT... ; the script on standard input
	cat >"$dir/script"
	vmxray -kernel "$O/turtles.elf" -append depth=1 -m 64 -S -x "$dir/script" "$@" </dev/null
}
says() { # NAME TEXT
	grep -qF -e "$2" <<<"$out"
	claim $? "$1" "it said: ${out//$'\n'/; }"
}
entry() { # NAME: address and value of that entry, as walk printed it last
	grep -E "^  $1\[" <<<"$out" | tail -n 1 | sed -E 's/.* at ([0-9a-f]+)( \(.*\))? = ([0-9a-f]+).*/\1 \3/'
}

exit_cpuid=$'tcatch exit CPUID if level == 1\ncontinue\n'
far=0x401ffff8
monitor <<<"${exit_cpuid}walk @0:$far
quit"
read -r at value <<<"$(entry PDPTE)"
large="${exit_cpuid}write /g phys:0x$at, 0xe7
walk /w @0:$far
set rsp = 0x40200000
catch exception
step
quit"
monitor -cpu server,-pdpe1gb <<<"$large"
says 'a 1-GByte page on a model without them: a reserved bit' 'page fault: reserved bits 0x80 are set in the PDPTE'
says 'walk names the row' 'ps_1g: If 1-GByte pages are not supported, the PS flag is reserved in a PDPTE (SDM Vol. 3A, 4.5.4)'
says 'and the error code of a write' 'a write in supervisor mode: page fault, error code 0xb'
says 'the entry, and where it lies' "    PDPTE at physical $at = e7"
says 'bit by bit' 'RSVD is 1: the fault was caused by a reserved bit set to 1 in some paging-structure entry'
says 'which is that of the next step' "exception 14, error code 0xb, address $far"
monitor -cpu server <<<"$large"
says 'a 1-GByte page on a model that has them' '1-GByte page at 000000000000'
says 'to which a write goes' 'a write in supervisor mode: is done, at physical 0000001ffff8'
! grep -q 'exception 14' <<<"$out"
claim $? 'as the next step does' "it said: ${out//$'\n'/; }"

monitor <<<"${exit_cpuid}write /g phys:0x$at, 0xe5
walk /ws @0:$far
walk /wu @0:$far
quit"
says 'read-only, and CR0.WP is 0: supervisor mode writes' 'a write in supervisor mode: is done'
says 'user mode does not' 'a write in user mode: page fault, error code 0x7'
says 'by this row' '  read_only: Data may not be written in user mode'
says 'whose values are those of each entry' "    PDPTE at physical $at = e5"

inside=$'tcatch exit EPT_VIOLATION if level == 1\ncontinue\nstepentry\n'
monitor <<<"${inside}walk gpa:rip
quit"
read -r at value <<<"$(entry PTE)"
changed() { # VALUE
	monitor <<<"${inside}write /g phys:0x$at, $1
walk gpa:rip
walk /x rip
stepexit
quit"
}
changed "$(printf '0x%x' $(((0x$value & ~0x38) | 0x10)))"
says 'an EPT entry of memory type 2: a misconfiguration' 'EPT misconfiguration: bits 0x10 of the EPT PTE'
says 'walk names the row of 28.3.3.1' '(EPT memory type) is 2, 3, or 7 (these values are reserved) (SDM Vol. 3C, 28.3.3.1)'
says 'and so does the access' 'a fetch in supervisor mode: EPT misconfiguration'
says 'which is the exit of the next step' 'VM exit EPT_MISCONFIGURATION from level 1'
changed "$(printf '0x%x' $((0x$value & ~4)))"
says 'a page that is not executable: mapped all the same' 'together   rw-'
says 'but not for a fetch' 'a fetch in supervisor mode: EPT violation, qualification 0x79c'
says 'by this row' 'fetch: The access is an instruction fetch and bit 2 (execute access) was clear'
says 'which the entry at this place breaks' "    PTE at physical $at = "
says 'and with that qualification the next step exits' 'VM exit EPT_VIOLATION from level 1, qualification 0x79c'
changed "$(printf '0x%x' $((0x$value & ~1)))"
says 'writable and not readable: a misconfiguration' 'write_only: Bit 0 of the entry is clear'

monitor <<<"walk /q 0
walk /wx 0
walk /r phys:0
quit"
says 'walk /q: r, w or x' 'walk /q: r, w or x (read, write, fetch), then u or s (user, supervisor)'
says 'walk /wx' 'walk: an access writes or fetches, not both'
says 'walk /r phys:' 'asks what comes of an access, by a linear address: leave gpa: or phys: away'
