#!/bin/bash
# The past of a boot from disk: recorded with what was typed, killed, replayed, taken back, saved and loaded in the middle of
# transfers of the disk: the same hashes everywhere.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
need "$tiny"
disk=$(disk_on pc virtio "$tiny") recording=$out/past.run
rm -f "$recording"*

# --- recorded, and killed when it reads its file ---
hashes() { sed -n 's/^hash *\([0-9]* [0-9a-f]*\).*/\1/p' "$1"; }
converse past 400 'GNU GRUB' 'l' 'Linux version' - '== ok mounting it' kill -- \
	-machine pc -m 256 $disk -record "$recording,hashes=20M"
claim $? 'a boot from disk is recorded, and killed' "$(tail -n 2 "$out/past.err")"
plain >"$out/past.said"

replay() { # OPTION...: what it says goes to past.out, past.hash
	timeout 400 "$VMXRAY" -replay "$recording" -nographic -monitor none "$@" >"$out/past.out" 2>"$out/past.err" </dev/null
	status=$?
}
end=$(timeout 400 "$VMXRAY" -replay "$recording" -S -serial null -monitor stdio \
	< <(printf '%s\n' 'goto end' where hash quit) 2>&1 | tee "$out/past.end" | sed -n 's/.*hash *\([0-9]*\) .*/\1/p' | tail -n 1)
((end > 100000000))
claim $? 'the recording is good up to its end' "$(tail -n 3 "$out/past.end")"

every=$((end / 5))
replay -steps "$end" -hash-every "$every" -hash
hashes "$out/past.err" >"$out/past.free"
(($(wc -l <"$out/past.free") >= 5))
claim $? 'replayed: a hash each fifth of it' "status $status; $(tail -n 3 "$out/past.err")"
LC_ALL=C grep -aq 'GNU GRUB' "$out/past.out" && grep -aq 'ok mounting it' "$out/past.out"
claim $? 'replayed: it says what it said'

# --- back and forth: the same moments by ways that differ ---
moments=($(cut -d ' ' -f 1 "$out/past.free" | head -n 4))
{
	echo "goto end"
	for at in ${moments[3]} ${moments[1]} ${moments[2]} ${moments[0]} ${moments[3]}; do printf 'goto %s\nhash\n' "$at"; done
	printf 'goto %s\nreverse-step 1000\nstep 1000\nhash\nquit\n' "${moments[2]}"
} >"$out/past.script"
timeout 600 "$VMXRAY" -replay "$recording" -S -serial null -monitor stdio -history 1G <"$out/past.script" >"$out/past.back" 2>&1
for at in "${moments[@]}"; do
	[[ $(hashes "$out/past.back" | grep "^$at " | sort -u) == $(grep "^$at " "$out/past.free") ]]
	claim $? "step $at: the same, gone back to" "$(grep -a "$at" "$out/past.back" | tr '\n' ';')"
done

# --- saved in the middle of transfers of the disk, loaded by another process: both go on alike ---
while_reading=$((end - 2000000))
printf 'goto %s\nsavevm %s\nrun-to %s\nhash\nquit\n' $while_reading "$out/past.vm" $((end - 1000)) >"$out/past.script"
timeout 400 "$VMXRAY" -replay "$recording" -S -serial null -monitor stdio <"$out/past.script" >"$out/past.saved" 2>&1
printf 'run-to %s\nhash\nquit\n' $((end - 1000)) >"$out/past.script"
timeout 100 "$VMXRAY" -loadvm "$out/past.vm" $disk -S -serial null -monitor stdio <"$out/past.script" >"$out/past.loaded" 2>&1
hash=$(hashes "$out/past.saved" | tail -n 1)
[[ -n $hash && $(hashes "$out/past.loaded" | tail -n 1) == "$hash" ]]
claim $? 'saved while it reads its disk, and loaded: the same later on' "$(tail -n 2 "$out/past.saved" | tr '\n' ';') $(tail -n 2 "$out/past.loaded" | tr '\n' ';')"
rm -f "$recording" "$out/past.vm"
