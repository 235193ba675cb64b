#!/bin/bash
# Images of disks: they are never changed but by commit and where a run without history writes through; recordings know
# the blocks that were read, or have them; snapshots have what was written; a host that fails ends the run.
. "$(dirname "$0")/lib.bash"

kernel=$(guest disk)
seq 1 100000 | head -c 1000000 >"$dir/first.img"
cp "$dir/first.img" "$dir/disk.img"
same() { cmp -s "$dir/first.img" "$dir/${1:-disk.img}"; }
disk=(-kernel "$kernel" -drive "file=$dir/disk.img")

vmxray "${disk[@]}" -hash </dev/null
sum=$out hash=$(grep ^hash <<<"$err")
[[ $status == 0 && $sum =~ ^[0-9a-f]{8}$ ]] && same
claim $? 'a guest reads and writes a disk, and the image stays as it is' "$status $out $err"
vmxray -kernel "$kernel" -hda "$dir/disk.img" -hash </dev/null
[[ $(grep ^hash <<<"$err") == "$hash" && $out == "$sum" ]]
claim $? '-hda is the same disk' "$out $err"

# --- recordings ---
vmxray "${disk[@]}" -record "$dir/run" -hash </dev/null
[[ $(grep ^hash <<<"$err") == "$hash" ]]
claim $? 'recording changes nothing' "$err"
vmxray -replay "$dir/run" -hash </dev/null
[[ $status == 0 && $(grep ^hash <<<"$err") == "$hash" ]]
claim $? 'a replay has the same hash' "$status $err"
cp "$dir/disk.img" "$dir/moved.img"
vmxray -replay "$dir/run" -drive "file=$dir/moved.img" -hash </dev/null
[[ $status == 0 && $(grep ^hash <<<"$err") == "$hash" ]]
claim $? 'also with the image elsewhere' "$status $err"
printf x | dd of="$dir/moved.img" bs=1 seek=588890 conv=notrunc 2>/dev/null
vmxray -replay "$dir/run" -drive "file=$dir/moved.img" </dev/null
[[ $status == 1 && -z $out && $err == *'drive ide0-hd0: '*'has other contents than then'*'use a copy from that time'*'disk=full'* ]]
claim $? 'another image is refused before the first step' "$status $out $err"
cp "$dir/disk.img" "$dir/kept.img" && cp "$dir/moved.img" "$dir/disk.img"
printf '%s\n' "diff $dir/run $dir/run" quit | "$VMXRAY" -kernel "$kernel" -S >"$dir/out" 2>&1
grep -q 'has other contents than then' "$dir/out"
claim $? 'by diff too' "$(cat "$dir/out")"
cp "$dir/kept.img" "$dir/disk.img"
cp "$dir/disk.img" "$dir/moved.img"
printf x | dd of="$dir/moved.img" bs=1 seek=20481 conv=notrunc 2>/dev/null
vmxray -replay "$dir/run" -drive "file=$dir/moved.img" </dev/null
[[ $status == 1 && $err != *'the host failed'* && $err == *'this is not the image of the recording: drive ide0-hd0'*'block 5 (of 4096 bytes) is not what it was when the run was recorded'* ]]
claim $? 'a block that has changed is named' "$status $err"
vmxray "${disk[@]}" -record "$dir/full,disk=full" </dev/null
mv "$dir/disk.img" "$dir/away.img"
vmxray -replay "$dir/full" -hash </dev/null
[[ $status == 0 && $(grep ^hash <<<"$err") == "$hash" ]]
claim $? 'with disk=full no image is needed' "$status $err"
vmxray -replay "$dir/run" </dev/null
[[ $status == 1 && $err == *"disk.img: cannot be opened"* ]]
claim $? 'without it one is' "$status $err"
mv "$dir/away.img" "$dir/disk.img"
printf '%s\n' "diff $dir/run $dir/full" quit | "$VMXRAY" "${disk[@]}" -S >"$dir/out" 2>&1
grep -q 'They do the same' "$dir/out"
claim $? 'diff of two recordings' "$(cat "$dir/out")"

# --- snapshots, and back in the past: in the middle of it all ---
for step in 2000 5000 9000 12000; do
	printf '%s\n' "step $step" "savevm $dir/snap" 'continue' hash quit | "$VMXRAY" "${disk[@]}" -S >"$dir/out" 2>&1
	vmxray -loadvm "$dir/snap" -hash </dev/null
	[[ $(grep ^hash <<<"$err") == "$hash" ]] || break
done
claim $? 'snapshots in the middle of transfers lead to the same end' "$step: $err $(cat "$dir/out")"
printf x | dd of="$dir/moved.img" bs=1 conv=notrunc 2>/dev/null
vmxray -loadvm "$dir/snap" -drive "file=$dir/moved.img" -hash </dev/null
[[ $status == 1 && $err == *'has other contents than then'* ]]
claim $? 'a snapshot does not take another image' "$status $err"
vmxray -loadvm "$dir/snap" -drive "file=$dir/moved.img,id=x" </dev/null
[[ $status == 1 && $err == *'has no drive x'* ]]
claim $? 'nor a drive that it does not have' "$status $err"
printf '%s\n' continue 'goto 5000' continue hash quit | "$VMXRAY" "${disk[@]}" -S -on-end stop >"$dir/out" 2>&1
grep -q "${hash##* }" "$dir/out"
claim $? 'going back and on again leads to the same end' "$(cat "$dir/out")"

# --- writing ---
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,snapshot=off" -history 0 </dev/null
[[ $status == 0 ]] && ! same && [[ $(dd if="$dir/disk.img" bs=1 skip=35840 count=4 2>/dev/null | od -An -tx4 | tr -d ' ') == "$sum" ]]
claim $? 'without history, snapshot=off writes through' "$status $err"
cp "$dir/first.img" "$dir/disk.img"
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,snapshot=off" -snapshot -history 0 </dev/null
[[ $status == 0 ]] && same
claim $? '-snapshot does not' "$status $err"
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,snapshot=off" -record "$dir/run" -history 0 </dev/null
[[ $status == 0 && $err == *'stays as it is'* ]] && same
claim $? 'nor does a run that is recorded, which says so' "$status $err"
exec 7<"$dir/disk.img"
flock -s 7
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,snapshot=off" -history 0 </dev/null
[[ $status == 1 && $err == *'another process uses it'* ]]
claim $? 'an image that another process reads is not written' "$status $err"
vmxray "${disk[@]}" </dev/null
[[ $status == 0 ]]
claim $? 'but read' "$status $err"
exec 7<&-
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,if=none" -drive "file=$dir/disk.img,snapshot=off" -history 0 </dev/null
[[ $status == 1 && $err == *'this run reads'* ]]
claim $? 'nor is one that is there twice' "$status $err"
ln "$dir/disk.img" "$dir/linked.img"
ln -s disk.img "$dir/named.img"
for other in disk.img linked.img named.img; do
	vmxray -kernel "$kernel" -hda "$dir/disk.img" -hdb "$dir/$other" </dev/null
	[[ $status == 1 && $err == *"drive ide0-hd1: $dir/$other is drive ide0-hd0 already; make a copy"* ]]
	claim $? "one file is not two disks ($other)" "$status $err"
done
vmxray -kernel "$kernel" -hda "$dir/disk.img" -cdrom "$dir/disk.img" </dev/null
[[ $status == 1 && $err == *'is drive ide0-hd0 already'* ]]
claim $? 'also where one of them is read only' "$status $err"
vmxray "${disk[@]}",readonly=on -cdrom "$dir/disk.img" -steps 1000 </dev/null
[[ $status == 6 ]]
claim $? 'unless nobody writes it' "$status $err"

# --- sizes ---
truncate -s 64G "$dir/large.img"
vmxray -kernel "$kernel" -hda "$dir/large.img" -hash </dev/null
[[ $status == 0 && $out == 00000000 ]]
claim $? '64 GBytes' "$status $err"
if truncate -s 7T "$dir/huge.img" 2>/dev/null; then
	printf '%s\n' continue 'info block' commit hash "savevm $dir/snap" hash quit |
		timeout 20 "$VMXRAY" -kernel "$kernel" -hda "$dir/huge.img" -S -on-end stop >"$dir/out" 2>&1
	status=$?
	[[ $status == 0 && $(stat -c %s "$dir/snap") -lt 1000000 ]] && grep -q 'written over the image: 512 bytes' "$dir/out"
	claim $? '7 TBytes cost what is written to them' "$status $(cat "$dir/out")"
	printf '%s\n' hash quit | timeout 20 "$VMXRAY" -loadvm "$dir/snap" -S >"$dir/loaded" 2>&1
	[[ $(grep '^hash' "$dir/loaded") == "$(grep '^hash' "$dir/out" | tail -1)" ]]
	claim $? 'and a snapshot of them is loaded at once' "$(cat "$dir/loaded" "$dir/out")"
else
	echo 'ok 7 TBytes cost what is written to them # SKIP files cannot be as large here'
fi
if truncate -s 9T "$dir/huge.img" 2>/dev/null; then
	vmxray -kernel "$kernel" -hda "$dir/huge.img" </dev/null
	[[ $status == 1 && $err == *'huge.img has 9895604649984 bytes, and an image has 8 TBytes at most'* ]]
	claim $? 'an image of 9 TBytes is refused' "$status $err"
else
	echo 'ok an image of 9 TBytes is refused # SKIP files cannot be as large here'
fi
rm -f "$dir/huge.img"
mkdir -p "$dir/tight"
if unshare -rm mount -t tmpfs tmpfs "$dir/tight" 2>/dev/null; then
	# shellcheck disable=SC2016 # for the shell inside
	unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs "$1" && head -c 64k /dev/zero >"$1/all" &&
		TMPDIR=$1 exec timeout 60 "$2" -kernel "$3" -hda "$4"' - "$dir/tight" "$VMXRAY" "$kernel" "$dir/large.img" \
		</dev/null >"$dir/out" 2>&1
	status=$?
	[[ $status == 1 ]] && grep -q 'keeping 512 bytes at .*there is no room left for it' "$dir/out"
	claim $? 'without room for temporary files a guest reads, and is told of what it writes' "$status $(cat "$dir/out")"
else
	echo 'ok without room for temporary files a guest reads # SKIP no file systems can be mounted'
fi
truncate -s 1000 "$dir/small.img"
vmxray -kernel "$kernel" -hda "$dir/small.img" -steps 100000 </dev/null
[[ $status == 6 ]]
claim $? 'less than the guest reads, and half a sector' "$status $err"

# --- commit ---
cp "$dir/first.img" "$dir/disk.img"
commands() { printf '%s\n' "$@" quit | "$VMXRAY" "${disk[@]}" -S -record "$dir/run,disk=full" >"$dir/out" 2>&1; }
printf '%s\n' continue commit quit | "$VMXRAY" "${disk[@]}" -S -record "$dir/hashes" >"$dir/out" 2>&1
grep -q 'commit: drive ide0-hd0: the recording has only hashes of .*disk=full, or give the run a copy' "$dir/out" && same
claim $? 'it is refused where the recording needs the image as it is' "$(cat "$dir/out")"
printf '%s\n' continue branch commit quit | "$VMXRAY" -replay "$dir/hashes" -S >"$dir/out" 2>&1
grep -q 'commit: drive ide0-hd0: the recording has only hashes of' "$dir/out" && same
claim $? 'also in a replay of it' "$(cat "$dir/out")"
vmxray -replay "$dir/hashes" </dev/null
[[ $status == 0 ]]
claim $? 'which goes on as it did' "$status $err"
commands continue 'info block' commit 'info block' commit 'goto 5000' continue hash
grep -q 'written over the image: 512 bytes (commit writes them into it)' "$dir/out" &&
	grep -q 'written over the image: 512 bytes, all of which are in it now' "$dir/out" &&
	grep -q 'drive ide0-hd0: there is nothing to write: all of it is in .*disk.img' "$dir/out"
claim $? 'info block, and a second commit, know what is in the image' "$(cat "$dir/out")"
grep -q 'ide0-hd0.*disk.img (raw)' "$dir/out" && grep -q 'written over the image: 512 bytes' "$dir/out" && grep -q '64 reads of 32768 bytes, 1 writes of 512' "$dir/out"
claim $? 'info block' "$(cat "$dir/out")"
grep -q 'drive ide0-hd0: 512 bytes are in .*disk.img' "$dir/out" && ! same && [[ $(dd if="$dir/disk.img" bs=1 skip=35840 count=4 2>/dev/null | od -An -tx4 | tr -d ' ') == "$sum" ]]
claim $? 'commit writes into the image' "$(cat "$dir/out")"
grep -q "${hash##* }" "$dir/out"
claim $? 'and the past stays as it was' "$(cat "$dir/out")"
vmxray -replay "$dir/run" -hash </dev/null
[[ $status == 0 && $(grep ^hash <<<"$err") == "$hash" ]]
claim $? 'the recording of such a run is one of the image before' "$status $err"
cp "$dir/first.img" "$dir/disk.img"
rm -f "$dir/snap"
printf '%s\n' continue commit 'goto 5000' "savevm $dir/snap" "migrate exec:cat>$dir/moved" branch commit continue "savevm $dir/end" quit |
	"$VMXRAY" "${disk[@]}" -S -on-end stop >"$dir/out" 2>&1
[[ ! -e $dir/snap && -e $dir/end ]] && grep -q 'savevm: drive ide0-hd0: commit has put into .* at a later step' "$dir/out" &&
	grep -q 'migrate .*commit has put into .*; the machine is still here' "$dir/out"
claim $? 'a step before commit is not saved or moved: the image has what came later' "$(cat "$dir/out")"
cp "$dir/first.img" "$dir/disk.img"
commands continue commit "savevm $dir/snap"
vmxray -loadvm "$dir/snap" -hash </dev/null
[[ $err == *'halted for ever'* && $err == *$'\nhash '* ]]
claim $? 'a snapshot after it knows the image that there is' "$err"
cp "$dir/first.img" "$dir/disk.img"
printf '%s\n' continue commit 'goto 5000' branch commit "savevm $dir/snap" quit | "$VMXRAY" "${disk[@]}" -S -on-end stop >"$dir/out" 2>&1
[[ $(grep -c 'drive ide0-hd0: 512 bytes are in .*disk.img' "$dir/out") == 2 && -e $dir/snap ]] && same
claim $? 'commit on another line, from before the first one: what only that had written is as it was' "$(cat "$dir/out")"
cp "$dir/first.img" "$dir/disk.img"
(
	exec 7<"$dir/disk.img"
	flock -s 7
	commands continue commit
	grep -q 'another process uses it' "$dir/out" && same
)
claim $? 'it is refused where another process reads the image' "$(cat "$dir/out")"
rm -f "$dir/pipe"
mkfifo "$dir/pipe"
"$VMXRAY" "${disk[@]}" -S <"$dir/pipe" >"$dir/out" 2>&1 &
exec 8>"$dir/pipe"
echo continue >&8
for _ in {1..50}; do grep -q 'powered off' "$dir/out" && break; sleep 0.1; done
touch "$dir/disk.img"
printf '%s\n' commit 'commit nothing' quit >&8
exec 8>&-
wait $!
grep -q 'was changed by others since it was opened' "$dir/out" && same
claim $? 'and where others have changed it' "$(cat "$dir/out")"
grep -q 'commit: there is no drive nothing (info block lists them)' "$dir/out"
claim $? 'a drive that is not there' "$(cat "$dir/out")"
chmod 444 "$dir/disk.img"
if [[ ! -w $dir/disk.img ]]; then
	commands continue commit
	grep -q 'cannot be opened for writing: Permission denied' "$dir/out"
	claim $? 'a file that must not be written' "$(cat "$dir/out")"
fi
chmod 644 "$dir/disk.img"
vmxray -kernel "$kernel" -drive "file=$dir/disk.img,readonly=on" -steps 4M </dev/null
[[ $status == 6 ]] && same
claim $? 'a read-only disk' "$status $err"

# --- an image that becomes shorter while it is read ---
cp "$dir/first.img" "$dir/disk.img"
rm -f "$dir/pipe"
mkfifo "$dir/pipe"
"$VMXRAY" "${disk[@]}" -S <"$dir/pipe" >"$dir/out" 2>&1 &
exec 8>"$dir/pipe"
echo 'step 1000' >&8
for _ in {1..50}; do grep -q 'step 1000 ' "$dir/out" && break; sleep 0.1; done
truncate -s 5000 "$dir/disk.img"
printf '%s\n' continue continue 'goto 500' quit >&8
exec 8>&-
wait $!
grep -q 'the host failed: drive ide0-hd0 .*: reading 512 bytes at .*: the image has become shorter' "$dir/out" && grep -q '^step 500 ' "$dir/out"
claim $? 'a host that fails ends the run with a word, and one can go back' "$(cat "$dir/out")"
