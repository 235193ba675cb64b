#!/bin/bash
# A disk with Debian bookworm, as a PC would have it: debian.sh IMAGE [PACKAGES-DIR]
#
# systemd, a login (root, no password) on tty1 and ttyS0, KVM with Debian's QEMU, Xen; GRUB for BIOS and UEFI, whose menu has
# Linux, Linux with a graphical console, and Xen with Linux as its first domain. The root file system is made by mmdebstrap,
# as root or without it, from packages that are kept in PACKAGES-DIR.
set -eu
. "${0%/*}/image.bash"
image=$1 cache=$(mkdir -p "${2:-o/guests/packages/disk}" && realpath "${2:-o/guests/packages/disk}")
root_megabytes=${ROOT_MEGABYTES:-960}
root_uuid=564d5852-4159-4449-534b-726f6f746673

packages=(systemd-sysv dbus udev kmod login passwd procps util-linux iproute2 linux-image-amd64 initramfs-tools zstd
	qemu-system-x86 seabios ovmf xen-hypervisor-4.17-amd64 xen-utils-4.17)

# What is left out: documentation, and drivers of what the machine cannot have.
excluded() {
	local what
	for what in /usr/share/{doc,man,info,locale,lintian,bug}/'*' '/usr/share/i18n/*' '/var/cache/debconf/*-old' \
		'/usr/lib/modules/*/kernel/sound/*' '/usr/share/qemu/edk2-arm*' '/usr/share/qemu/edk2-aarch64*' \
		'/usr/lib/x86_64-linux-gnu/dri/*' '/usr/lib/x86_64-linux-gnu/libLLVM*' '/boot/xen-*.efi' '/usr/lib/debug/*'; do
		echo "--dpkgopt=path-exclude=$what"
	done
	for what in net media gpu/drm/amd gpu/drm/i915 gpu/drm/nouveau gpu/drm/radeon gpu/drm/vmwgfx infiniband staging iio usb hid \
		isdn mtd nvme bluetooth thunderbolt target hwmon leds power platform i2c regulator rtc md comedi scsi/'*/' \
		input/touchscreen input/joystick input/tablet net/wireless crypto firewire mmc gnss nfc w1 pcmcia parport \
		edac misc mfd memstick message video/fbdev; do
		echo "--dpkgopt=path-exclude=/lib/modules/*/kernel/drivers/$what/*"
	done
	for what in ceph cifs btrfs xfs nfs nfsd ocfs2 gfs2 f2fs jfs reiserfs ubifs smb afs 9p udf ntfs ntfs3 nilfs2 dlm orangefs; do
		echo "--dpkgopt=path-exclude=/lib/modules/*/kernel/fs/$what/*"
	done
}

# In the new root file system, whose path is the argument; the last step makes the image's file system of it.
customize() {
	cat <<HOOK
set -eu
root=\$1
echo vmxray >"\$root/etc/hostname"
echo 'UUID=$root_uuid / ext4 errors=remount-ro 0 1' >"\$root/etc/fstab"
chroot "\$root" passwd -d root >/dev/null
rm -f "\$root/etc/resolv.conf" "\$root"/etc/machine-id "\$root/var/lib/dbus/machine-id" "\$root/var/lib/systemd/random-seed"
: >"\$root/etc/machine-id"
ln -sf /dev/null "\$root/etc/systemd/system/apt-daily.timer"
ln -sf /dev/null "\$root/etc/systemd/system/apt-daily-upgrade.timer"
ln -sf /dev/null "\$root/etc/systemd/system/e2scrub_all.timer"
cp tests/guests/disk/inside "\$root/usr/local/bin/inside"
rm -rf "\$root"/var/cache/apt/*.bin "\$root"/var/lib/apt/lists/* "\$root"/var/log/*.log "\$root"/var/log/apt "\$root"/var/cache/ldconfig/*
ln -sf "\$(basename "\$root"/boot/vmlinuz-*)" "\$root/boot/vmlinuz"
ln -sf "\$(basename "\$root"/boot/initrd.img-*)" "\$root/boot/initrd.img"
ln -sf "\$(cd "\$root/boot" && ls xen-*.gz)" "\$root/boot/xen.gz"
HOOK
}

# Of what lies under the mount points of /proc and its like, by a second view of the file system.
filesystem() {
	cat <<HOOK
set -eu
umask 22
rm -rf "\$1"/var/cache/apt/archives/*
view=\$(mktemp -d)
mount --bind "\$1" "\$view"
find "\$view" -newermt @$SOURCE_DATE_EPOCH -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -O ^metadata_csum_seed,^orphan_file -m 0 -L vmxray -U $root_uuid \
	-E hash_seed=$root_uuid,offset=$root_offset,nodiscard -d "\$view" -F '$image.part' ${root_megabytes}m
umount "\$view"
rmdir "\$view"
HOOK
}

folder=$image.folder hooks=$image.hooks
rm -rf "$folder" "$hooks"
trap 'rm -rf "$folder" "$hooks"' EXIT
mkdir -p "$folder/grub" "$hooks"
cp "${0%/*}/debian.grub" "$folder/grub/grub.cfg"
image_make "$image.part" 8 "$folder" "$root_megabytes"
customize >"$hooks/customize"
filesystem >"$hooks/filesystem"
cat >"$hooks/early" <<'HOOK'
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/systemd/system"
printf 'MODULES=list\nCOMPRESS=zstd\nRESUME=none\n' >"$1/etc/initramfs-tools/conf.d/vmxray"
printf '%s\n' ata_piix ahci virtio_pci virtio_blk sd_mod ext4 bochs >"$1/etc/initramfs-tools/modules"
HOOK
mapfile -t exclude < <(excluded)
mmdebstrap --quiet --variant=minbase --format=null "${exclude[@]}" \
	--include="$(IFS=,; echo "${packages[*]}")" --aptopt='APT::Install-Recommends "false"' \
	--skip=download/empty --skip=essential/unlink --skip=cleanup/apt \
	--setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives" --setup-hook="sync-in '$cache' /var/cache/apt/archives" \
	--essential-hook="sh '$hooks/early' \"\$1\"" \
	--customize-hook="sync-out /var/cache/apt/archives '$cache'" \
	--customize-hook="sh '$hooks/customize' \"\$1\"" --customize-hook="sh '$hooks/filesystem' \"\$1\"" \
	bookworm /dev/null
mv "$image.part" "$image"
