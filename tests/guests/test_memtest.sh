#!/bin/bash
# Debian's memtest86+, with its 64-bit and its 32-bit entry: the first comes to the end of its first test, the other into
# it, as they say on the serial line. Both wait three seconds for a key, which is given to them.
. "$(dirname "$0")/../claim.bash"
out=$O/tests/guests/memtest
mkdir -p "$out"
if ! make -s GUESTS="$GUESTS" "$GUESTS/memtest86+x64.bin"; then
	echo 'ok memtest86+ # SKIP it cannot be downloaded'
	exit
fi
printf '\r\r\r\r\r\r\r\r' >"$out/keys"

tests_memory() { # KIND STEPS: $log has its screen, a piece of a line each
	log=$out/$1.text
	timeout 100 "$VMXRAY" -kernel "$GUESTS/memtest86+$1.bin" -append 'console=ttyS0,115200 nobench' -m 8 \
		-nographic -no-reboot -steps "$2" <"$out/keys" 2>"$out/$1.err" | sed 's/\x1b\[[^A-Za-z]*[A-Za-z]/\n/g' >"$log"
	claim $((PIPESTATUS[0] != 6)) "memtest86+ $1: runs up to its limit" "$(head -n 3 "$out/$1.err")"
	has "memtest86+ $1: it knows its memory" '^Memory *: *8MB'
	has "memtest86+ $1: it tests" '#0  \[Address test, walking ones, no cache\]'
	! grep -q 'Errors: *[1-9]' "$log"
	claim $? "memtest86+ $1: memory is good" "$(grep -o 'Errors: *[1-9].*' "$log" | head -n 1)"
}
tests_memory x64 2200M
has 'memtest86+ x64: its first test has come to its end' '#[1-9] +\[.*\]'
tests_memory ia32 300M
