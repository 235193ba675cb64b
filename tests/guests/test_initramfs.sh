#!/bin/bash
# The initramfs is the same whoever builds it, and newc writes what cpio reads.
. "$(dirname "$0")/../claim.bash"
newc=$GUESTS/newc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$newc" "$GUESTS/initramfs.list" >"$work/again"
cmp -s "$work/again" "$GUESTS/initramfs.cpio"
claim $? "a second archive is equal"

# The same contents from files of another date, mode, owner and place.
mkdir -m 700 "$work/files"
cp "$GUESTS/busybox" "$work/files/busybox"
chmod 600 "$work/files/busybox"
sed "s|$GUESTS/busybox|$work/files/busybox|" "$GUESTS/initramfs.list" >"$work/list"
"$newc" "$work/list" >"$work/moved"
cmp -s "$work/moved" "$GUESTS/initramfs.cpio"
claim $? "it does not depend on date, mode or place of the files"

echo x >>"$work/files/busybox"
"$newc" "$work/list" >"$work/changed"
! cmp -s "$work/changed" "$GUESTS/initramfs.cpio"
claim $? "it depends on their contents"

for bad in 'file a 644' 'file a 644 /nonexistent' 'node a 644 b' 'dir a 755 b c'; do
	echo "$bad" >"$work/bad"
	! "$newc" "$work/bad" >/dev/null 2>&1
	claim $? "refused: $bad"
done

if ! type -P cpio >/dev/null; then
	echo "ok cpio reads the archive # SKIP there is no cpio"
	exit
fi
listed=$(cpio -it --quiet <"$GUESTS/initramfs.cpio" 2>&1 | sort)
[[ $listed == "$(awk '{ print $2 }' "$GUESTS/initramfs.list" | sort)" ]]
claim $? "cpio reads the archive" "${listed:0:200}"
(cd "$work" && cpio -i --quiet --to-stdout bin/kvm-mini <"$OLDPWD/$GUESTS/initramfs.cpio" 2>/dev/null) | cmp -s - "$GUESTS/kvm-mini/kvm-mini"
claim $? "cpio gives a file back"
