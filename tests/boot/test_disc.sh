#!/bin/bash
# Linux' driver of CD-ROM drives (sr) finds that a disc was taken out, and that another one was put in, by the drive's events
# and sense codes.
. "$(dirname "$0")/../claim.bash"
. "$(dirname "$0")/boot.bash"
need "$GUESTS/vmlinuz" "$GUESTS/newc" "$GUESTS/busybox"
here=$out/disc
rm -rf "$here"
mkdir -p "$here"
skip() {
	echo "ok Linux and discs # SKIP $1"
	exit
}

# --- the guest: what the driver needs of Debian's kernel package, and a loop that tells of the disc ---
package=$(printf '%s\n' "$GUESTS"/packages/linux-image-*-cloud-amd64_*.deb | sort -V | tail -n 1)
[[ -e $package ]] || skip 'there is no package of the kernel'
dpkg-deb --fsys-tarfile "$package" | tar -x -C "$here" --strip-components=4 --wildcards './lib/modules/*/kernel/drivers/*.ko' './lib/modules/*/kernel/lib/*.ko' ||
	skip 'its modules cannot be unpacked'
order=()
add() { # MODULE: behind what it needs
	local file dependency
	file=$(find "$here" -name "${1//[-_]/[-_]}.ko" | head -n 1)
	[[ $file ]] || skip "the kernel has no module $1"
	[[ " ${order[*]} " == *" $file "* ]] && return
	for dependency in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' '); do add "$dependency"; done
	order+=("$file")
}
add ata_piix
add sr_mod
cat >"$here/init" <<'END'
#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec >/dev/console 2>&1
for module in $(cat /modules/order); do insmod /modules/$module; done
echo 0 >/proc/sys/kernel/printk
last=
while :; do
    disc=$(head -c 6 /dev/sr0 2>/dev/null)
    [ "$disc" = "$last" ] || echo "disc: <$disc>, $(cat /sys/block/sr0/size) sectors"
    last=$disc
    usleep 20000
done
END
printf '%s\n' "${order[@]##*/}" >"$here/order"
(
	printf 'dir %s 755\n' bin dev proc sys modules
	echo file init 755 "$here/init"
	echo file modules/order 644 "$here/order"
	echo file bin/busybox 755 "$GUESTS/busybox"
	for applet in sh cat head insmod mount usleep; do echo link bin/$applet busybox; done
	for file in "${order[@]}"; do echo file "modules/${file##*/}" 644 "$file"; done
) >"$here/list"
"$GUESTS/newc" "$here/list" >"$here/cpio"
for name in first second; do
	printf '%s' "$name" >"$here/$name.iso"
	truncate -s 400K "$here/$name.iso"
done
truncate -s 1M "$here/second.iso"

# --- what somebody does with it; -f, for at any of these moments the driver may have the drive locked ---
printf '%s\n' 'run-to 2200000000' 'eject -f ide1-cd0' 'step 100000000' "change -f ide1-cd0 $here/second.iso" 'step 100000000' \
	"change -f ide1-cd0 $here/first.iso" 'step 100000000' hash quit |
	timeout "$seconds" "$VMXRAY" -machine pc -kernel "$GUESTS/vmlinuz" -initrd "$here/cpio" -append 'console=ttyS0 quiet panic=-1' \
		-m 256 -cdrom "$here/first.iso" -S -monitor stdio -serial "file:$here/serial" -record "$here/run" -display none >"$here/said" 2>&1
status=$?
told=$(tr -d '\r' <"$here/serial" | grep '^disc: ' | tr '\n' ' ')
[[ $status == 0 && $told == 'disc: <first>, 800 sectors disc: <>, '*' disc: <second>, 2048 sectors '*'disc: <first>, 800 sectors ' ]]
claim $? 'Linux reads the disc that lies in the drive' "$status $told $(tail -n 5 "$here/said")"
hash=$(grep '^hash' "$here/said")
timeout "$seconds" "$VMXRAY" -replay "$here/run" -hash -display none </dev/null >"$here/replayed" 2>&1
[[ $hash && "$(grep '^hash' "$here/replayed" | tail -n 1)" == "$hash" ]]
claim $? 'a replay does the same' "$hash $(tail -n 3 "$here/replayed")"
