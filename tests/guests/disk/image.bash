# Raw disk images of a PC that begin by BIOS and by UEFI, made without root and without loop devices. For scripts.
#
#   sector 0          GRUB's boot sector; the rest of it is the protective MBR
#   sectors 34-2047   BIOS boot partition: GRUB's core image, with what it needs to read the next one
#   from 2048         EFI system partition, FAT: EFI/BOOT/BOOTX64.EFI, grub/grub.cfg, kernels
#   behind it         the root file system, if there is one
#
# The same files give the same image: names, times and identifiers are fixed.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000} TZ=UTC MTOOLS_SKIP_CHECK=1
PATH=$PATH:/usr/sbin:/sbin
grub=${GRUB_DIR:-/usr/lib/grub}
sector=512 esp_first=2048 core_first=34

# Modules in GRUB's core images: those that read the partition, the menu and what it calls.
grub_modules='part_gpt part_msdos fat ext2 iso9660 gzio normal configfile echo linux multiboot multiboot2 serial terminal test
search search_fs_uuid search_label all_video gfxterm minicmd ls cat reboot halt sleep chain'

# The partition table. Each partition has an identifier that depends on nothing.
image_partitions() { # IMAGE ESP-SECTORS [ROOT-SECTORS]
	local id=564d5852-4159-4449-534b-00000000000
	{
		printf 'label: gpt\nlabel-id: %s\nunit: sectors\nfirst-lba: %s\n' "${id}0" $core_first
		printf 'start=%s, size=%s, type=21686148-6449-6E6F-744E-656564454649, uuid=%s\n' \
			$core_first $((esp_first - core_first)) "${id}1"
		printf 'start=%s, size=%s, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=%s\n' $esp_first "$2" "${id}2"
		[[ -z ${3:-} ]] || printf 'start=%s, size=%s, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=%s\n' \
			$((esp_first + $2)) "$3" "${id}3"
	} | sfdisk --quiet --no-reread --no-tell-kernel "$1"
}

bytes() { # VALUE COUNT: little-endian
	local i
	for ((i = 0; i < $2; i++)); do printf '%b' "\\x$(printf %02x $(($1 >> 8 * i & 255)))"; done
}
patch() { # FILE OFFSET: from standard input
	dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# GRUB for a BIOS, as its installer would place it: the boot sector names the first sector of the core image, whose own
# first sector names the rest.
image_bios() { # IMAGE
	local core=$1.core
	grub-mkimage -d "$grub/i386-pc" -O i386-pc -p '(,gpt2)/grub' -o "$core" biosdisk $grub_modules
	bytes $((core_first + 1)) 8 | patch "$core" $((sector - 12))
	dd if="$core" of="$1" seek=$core_first conv=notrunc status=none
	head -c 440 "$grub/i386-pc/boot.img" | patch "$1" 0
	bytes $core_first 8 | patch "$1" $((0x5c))
	rm -f "$core"
}

# The EFI system partition with GRUB for UEFI, and what the folder holds.
image_esp() { # IMAGE ESP-SECTORS FOLDER
	local at=$1@@$((esp_first * sector))
	mkdir -p "$3/EFI/BOOT"
	grub-mkimage -d "$grub/x86_64-efi" -O x86_64-efi -p /grub -o "$3/EFI/BOOT/BOOTX64.EFI" $grub_modules
	find "$3" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	mkfs.vfat --invariant -F 16 -s 1 -n VMXRAY -i 564d5852 --offset $esp_first "$1" $(($2 / 2)) 2>&1 >/dev/null | grep -v "block count" || true
	(cd "$3" && mcopy -s -m -i "$at" -- * ::)
}

# The whole image, but for the root file system, whose sectors are left empty: image_make IMAGE ESP-MEGABYTES FOLDER
# [ROOT-MEGABYTES]. Sets root_offset.
image_make() {
	local image esp=$(($2 * 2048)) root=$((${4:-0} * 2048))
	image=$(realpath -m "$1")
	rm -f "$image"
	truncate -s $(((esp_first + esp + root + 2048) * sector)) "$image"
	image_partitions "$image" $esp ${4:+$root}
	image_esp "$image" $esp "$3"
	image_bios "$image"
	root_offset=$(((esp_first + esp) * sector))
}
