#!/bin/bash
# The past of a boot from disk: recorded with what was typed, killed, replayed, taken back, saved and loaded in the middle of
# transfers of the disk: the same hashes and the same pictures everywhere.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$tiny"
recording=$out/past.run saved=$out/past.vm every=200000000
rm -f "$recording"* "$saved"* "$out"/past-*.png

# --- recorded, and killed when the system has mounted the disk ---
{ converse past 20G 'GNU GRUB' 'l' 'Linux version' - '== ok mounting it' kill -- -machine pc -m 256 \
	$(disk_on pc ide "$tiny") -record "$recording" -hash-every $every; } 2>"$out/past.shell"
claim $? 'a boot from disk is recorded, and killed' "status $status; $(tail -n 1 "$out/past.err")"
live() { grep "^hash $1 " "$out/past.err"; }
mapfile -t moments < <(awk '$1 == "hash" && $2 > 0 { print $2 }' "$out/past.err")
((${#moments[@]} >= 4))
claim $? 'there are moments of it to compare' "$(cat "$out/past.err")"
last=${moments[-1]}

# --- forward, with a state saved while the BIOS takes words of a sector (1F0H) and one while Linux' first DMA (C000H is the
# bus master's command: read, direction, read, start) is on its way; then to the end, and back to what was seen before ---
{
	printf 'run-to %s\nhash\n' $every $((2 * every))
	printf '%s\n' "screendump $out/past-1.png" 'catch io 0x1f0' continue 'info device ide-hd' "savevm $saved.words" delete \
		'step 100000' hash 'catch io 0xc000' continue continue continue continue 'info device ide-hd' "savevm $saved.dma" delete \
		'step 100000' hash 'goto end' hash "screendump $out/past-2.png"
	printf 'goto %s\nhash\n' "$last" "${moments[2]}" $every $((2 * every))
	printf '%s\n' "screendump $out/past-3.png" 'reverse-step 1000' 'step 1000' hash 'goto end' hash "screendump $out/past-4.png" quit
} >"$out/past.script"
monitor() { # FILE OPTION...: does what the script says
	timeout 300 "$VMXRAY" "${@:2}" -S -serial null -monitor stdio <"$out/past.script" >"$1" 2>&1
}
monitor "$out/past.back" -replay "$recording" -history 1G
hash_lines() { grep -E '^hash [0-9]+ [0-9a-f]{16}$' "$1"; }
for at in "$last" "${moments[2]}" $every $((2 * every)); do
	[[ $(hash_lines "$out/past.back" | grep "^hash $at " | sort -u) == "$(live "$at")" ]]
	claim $? "step $at: forward, back and live, one hash" "$(live "$at"); $(grep -a "$at" "$out/past.back" | tr '\n' ';')"
done
(($(hash_lines "$out/past.back" | grep -c "^hash $((2 * every)) ") == 3))
claim $? 'a step of it back and on again' "$(tail -n 5 "$out/past.back")"
cmp -s "$out/past-1.png" "$out/past-3.png" && cmp -s "$out/past-2.png" "$out/past-4.png"
claim $? 'the pictures after goto are those that were seen'
! cmp -s "$out/past-1.png" "$out/past-2.png"
claim $? 'and there is something to see'

# --- each saved state loaded by another process goes on as the recorded machine did ---
state() { awk -v member="$1" '$1 == member { print $2 }' "$out/past.back" | sed -n "$2p"; }
[[ $(state buffer_at 1) != 00000000 && $(state dma 1) == 00 ]]
claim $? 'the first was saved within a sector' "$(state buffer_at 1)"
[[ $(state phase 2) != 00 && $(state dma 2) == 01 ]]
claim $? 'the second was saved with a transfer under way' "phase $(state phase 2), DMA $(state dma 2)"
printf '%s\n' 'step 100000' hash quit >"$out/past.script"
n=2
for which in words dma; do
	n=$((n + 1))
	monitor "$out/past.$which" -loadvm "$saved.$which"
	[[ $(hash_lines "$out/past.$which") == "$(hash_lines "$out/past.back" | sed -n ${n}p)" && -s $saved.$which ]]
	claim $? "loaded ($which): the same 100000 steps later" "$(tail -n 3 "$out/past.$which" | tr '\n' ';') $(hash_lines "$out/past.back" | sed -n ${n}p)"
done
rm -f "$recording"* "$saved"* "$out"/past-*.png
