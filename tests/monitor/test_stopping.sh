#!/bin/bash
# A guest stops within 50 ms when SIGINT, the monitor's socket or gdb asks for it, at 108 random moments of the three that are
# worst to stop. What counts is the time on a processor, which does not depend on how busy the host is.
# (tests/vmx/test_stopping.c asks the library, of more guests.)
. "$(dirname "$0")/lib.bash"

stop=$(tool tool_stop)
for guest in areas storm strings; do
	kernel=$(guest $guest)
	for way in signal socket gdb; do
		said=$("$stop" $way 12 "$VMXRAY" -kernel "$kernel" -cpu server,feature_control=0 -serial null -no-reboot 2>"$dir/err")
		read -r _ median _ worst _ _ _ _ _ _ processor <<<"$said"
		awk -v p="${processor:-999}" -v m="${median:-999}" -v w="${worst:-99999}" -v san="${SAN:-}" \
			'BEGIN { most = san ? 500 : 50; exit !(p + 0 <= most && w + 0 < 20000) }'
		claim $? "$guest stops within 50 ms, asked by $way: $said" "$said; $(<"$dir/err")"
	done
done
