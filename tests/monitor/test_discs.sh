#!/bin/bash
# eject and change: discs of a CD-ROM drive while the guest runs, in recordings, snapshots and the past.
. "$(dirname "$0")/lib.bash"

kernel=$(guest disc)
for letter in A B C; do
	printf '%s' "$letter" | head -c 1 >"$dir/$letter.iso"
	truncate -s 100K "$dir/$letter.iso"
done
truncate -s 200K "$dir/B.iso"
machine=(-kernel "$kernel" -cdrom "$dir/A.iso")
# Carries out the commands, in a run with these options; what was said is in $dir/said, and what the guest printed in $printed.
commands() { # [OPTION...] -- COMMAND...
	local options=()
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	shift
	printf '%s\n' "$@" quit >"$dir/script"
	rm -f "$dir/printed"
	timeout 60 "$VMXRAY" "${options[@]}" -S -monitor stdio -serial "file:$dir/printed" <"$dir/script" >"$dir/said" 2>&1
	printed=$(cat "$dir/printed" 2>/dev/null)
}
says() { grep -qF -e "$1" "$dir/said"; }
went=('run-to 2000000' 'eject ide1-cd0' 'info block' 'run-to 4000000' "change ide1-cd0 $dir/B.iso" 'info block' 'run-to 6000000' "change ide1-cd0 $dir/C.iso"
	'run-to 8000000' "change ide1-cd0 $dir/B.iso" 'run-to 10000000')

commands "${machine[@]}" -record "$dir/run" -- "${went[@]}" hash
hash=$(grep '^hash' "$dir/said")
[[ $printed == A26B6C6B ]]
claim $? 'a guest finds the disc gone, another one, and a third one' "$printed $(cat "$dir/said")"
says 'ide1-cd0: [no disc] (raw, read-only)' && says "ide1-cd0: $dir/B.iso (raw, read-only)" && says '204800 bytes'
claim $? 'info block' "$(cat "$dir/said")"
says 'drive ide1-cd0: the tray is open, and the disc is out' && says "drive ide1-cd0: $dir/B.iso is in it, 204800 bytes"
claim $? 'what is done is said' "$(cat "$dir/said")"
commands "${machine[@]}" -- "${went[@]}" hash
[[ $(grep '^hash' "$dir/said") == "$hash" ]]
claim $? 'the same run has the same hash' "$(cat "$dir/said")"

# --- recordings ---
commands -replay "$dir/run" -- 'run-to 10000000' hash
[[ $(grep '^hash' "$dir/said") == "$hash" && $printed == A26B6C6B ]]
claim $? 'a replay puts them in and takes them out' "$printed $(cat "$dir/said")"
commands -replay "$dir/run" -- 'run-to 5000000' 'eject ide1-cd0'
says 'eject: a replay cannot be changed' || says 'what was recorded is replayed'
claim $? 'and nobody else does' "$(cat "$dir/said")"
mv "$dir/C.iso" "$dir/away.iso"
commands -replay "$dir/run" -- 'run-to 10000000'
says "the disc that was put in: $dir/C.iso: cannot be opened"
claim $? 'it needs their images' "$(cat "$dir/said")"
printf D >"$dir/C.iso"
truncate -s 100K "$dir/C.iso"
commands -replay "$dir/run" -- 'run-to 10000000'
says "$dir/C.iso: the disc that was put in had other contents"
claim $? 'as they were' "$(cat "$dir/said")"
mv "$dir/away.iso" "$dir/C.iso"
commands "${machine[@]}" -record "$dir/full,disk=full" -- "${went[@]}" hash
mkdir -p "$dir/away"
mv "$dir"/[ABC].iso "$dir/away"
commands -replay "$dir/full" -- 'run-to 10000000' hash
[[ $(grep '^hash' "$dir/said") == "$hash" && $printed == A26B6C6B ]]
claim $? 'with disk=full it needs none' "$printed $(cat "$dir/said")"
mv "$dir"/away/* "$dir"

# --- the past, and snapshots ---
commands "${machine[@]}" -- "${went[@]}" 'goto 3M' 'info block' 'goto 1M' 'info block' 'eject ide1-cd0' 'goto 10M' hash
[[ $(grep '^hash' "$dir/said") == "$hash" ]] && says "ide1-cd0: $dir/A.iso" && says 'the past cannot be changed'
claim $? 'the past has the disc that there was' "$(cat "$dir/said")"
commands "${machine[@]}" -- "${went[@]:0:5}" 'run-to 5000000' "savevm $dir/snap" 'run-to 9000000' hash
later=$(grep '^hash' "$dir/said")
commands -loadvm "$dir/snap" -- 'run-to 9000000' hash
[[ $(grep '^hash' "$dir/said") == "$later" ]]
claim $? 'a snapshot has the disc that lies in the drive' "$(cat "$dir/said")"
mv "$dir/B.iso" "$dir/away"
commands -loadvm "$dir/snap" -- 'run-to 9000000'
says "$dir/B.iso: cannot be opened"
claim $? 'and needs its image' "$(cat "$dir/said")"
mv "$dir/away/B.iso" "$dir"

# --- what is refused ---
printf '\x1f\x8b\x08rest' >"$dir/packed.iso"
commands "${machine[@]}" -hda "$dir/C.iso" -- 'eject ide0-hd0' 'eject nothing' eject change 'change ide1-cd0' \
	"change ide1-cd0 $dir/nowhere.iso" "change ide1-cd0 $dir/packed.iso" "change ide1-cd0 $dir/B.iso qcow2" 'eject ide1-cd0 ide1-cd0'
says 'eject: drive ide0-hd0 is no CD-ROM: its medium cannot be changed' && says 'eject: there is no drive nothing (info block lists them)'
claim $? 'drives that are none' "$(cat "$dir/said")"
says 'eject what?' && says 'change what?' && says 'change: which image?' && says 'nowhere.iso: cannot be opened' &&
	says 'packed by gzip' && says 'change: images are read as raw' && says 'eject takes the ID of one drive'
claim $? 'and images' "$(cat "$dir/said")"
[[ -z $printed ]]
claim $? 'without any effect' "$printed"
commands -kernel "$kernel" -drive if=ide,media=cdrom -- 'info block' 'run-to 1000000' "change ide1-cd0 $dir/A.iso" 'run-to 3000000'
says 'ide1-cd0: [no disc]' && [[ $printed == 26A ]]
claim $? 'a drive that begins empty' "$printed $(cat "$dir/said")"
