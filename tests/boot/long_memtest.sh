#!/bin/bash
# Debian's memtest86+ from a CD, by SeaBIOS and GRUB: it begins at a key of the keyboard, and comes to the end of its first test,
# as the screen says.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$O/rescue/memtest.iso"

# The screen's text: of each character the first byte of four in the display's memory, which begins there.
vram=phys:0xfd000000
text() {
	awk -v begin="x/8000xb $vram" 'index($0, begin) { on = 1; next } on && /^phys:/ { print $2, $6, $10, $14; next } { on = 0 }' |
		tr ' ' '\n' | while read -r byte; do printf '%b' "\\x${byte#0x}"; done | tr '\0' ' ' | LC_ALL=C fold -b -w 80
}
log=$out/memtest.text
printf '%s\n' 'run-to 1400000000' 'sendkey ret' 'run-to 3600000000' "x/8000xb $vram" "screendump $out/memtest.png" quit |
	timeout "$seconds" "$VMXRAY" -machine pc -m 8 -cdrom "$O/rescue/memtest.iso" -S -serial null -monitor stdio \
		>"$out/memtest.log" 2>"$out/memtest.err"
claim $? 'memtest86+ from a CD runs' "$(tail -n 2 "$out/memtest.err")"
text <"$out/memtest.log" >"$log"
has 'it is on the screen' '^ *Memtest86\+ v[0-9]'
has 'it knows its memory' 'Memory *: *8MB'
has 'its first tests have come to their end' 'Test #[1-9]'
has 'it found no error' 'Errors: 0'
