#!/bin/bash
# What firmware tries first: bootindex= of devices, whose paths are QEMU's (SeaBIOS prints them; with LONG=1 QEMU is asked),
# and -boot order=.
. "$(dirname "$0")/../claim.bash"
out=$O/tests/guests/boot_order bios=/usr/share/seabios/bios-256k.bin
mkdir -p "$out"
[[ -e $bios ]] || { echo "ok boot order # SKIP there is no $bios"; exit; }
truncate -s 1M "$out/a.img" "$out/c.img"
truncate -s 2M "$out/b.iso"
drives=(-drive "if=none,id=a,format=raw,file=$out/a.img" -drive "if=none,id=b,format=raw,media=cdrom,file=$out/b.iso"
	-drive "if=none,id=c,format=raw,file=$out/c.img")

paths() { grep -ao '^[0-9]*: /.*' "$1" | cut -d ' ' -f 2; }
qemu_paths() { # ARGUMENT...
	local qemu i
	qemu-system-x86_64 -accel tcg -m 64 -display none -nodefaults -no-reboot -snapshot -chardev "file,id=out,path=$out/qemu" \
		-device isa-debugcon,iobase=0x402,chardev=out "$@" </dev/null >/dev/null 2>&1 &
	qemu=$!
	for ((i = 0; i < 100; i++)); do grep -aqs 'All threads complete' "$out/qemu" && break || sleep 0.1; done
	kill $qemu
	wait $qemu 2>/dev/null
	paths "$out/qemu"
}
order() { # NAME PATH,PATH,... ARGUMENT...
	local expected=${2//\~/ }
	rm -f "$out/debug" "$out/qemu"
	timeout 60 "$VMXRAY" -m 64 -nographic -no-reboot -steps 6M -debugcon "file:$out/debug" "${@:3}" </dev/null >"$out/text" 2>&1
	[[ $(paths "$out/debug" | paste -sd ' ') == "$expected" ]]
	claim $? "$1: the paths" "$(paths "$out/debug"; head -n 2 "$out/text")"
	[[ ${LONG:-} ]] && type -P qemu-system-x86_64 >/dev/null || return
	[[ $(qemu_paths "${@:3}" | paste -sd ' ') == "$expected" ]]
	claim $? "$1: QEMU has the same" "$(paths "$out/qemu")"
}
order IDE '/pci@i0cf8/ide@1,1/drive@0/disk@1~/pci@i0cf8/scsi@2/disk@0,0~/pci@i0cf8/ide@1,1/drive@0/disk@0' -machine pc "${drives[@]}" \
	-device ide-hd,drive=a,bootindex=2,bus=ide.0,unit=0 -device ide-cd,drive=b,bootindex=0,bus=ide.0,unit=1 \
	-device virtio-blk-pci,drive=c,bootindex=1
order AHCI '/pci@i0cf8/pci8086,2922@1f,2/drive@0/disk@0~/pci@i0cf8/pci-bridge@5/scsi@0/disk@0,0~/pci@i0cf8/pci8086,2922@1f,2/drive@3/disk@0' \
	-machine q35 "${drives[@]}" -device ide-hd,drive=a,bootindex=2,bus=ide.3 -device ide-cd,drive=b,bootindex=0,bus=ide.0 \
	-device pcie-root-port,id=r,addr=5 -device virtio-blk-pci,drive=c,bootindex=1,bus=r
order bridge '/pci@i0cf8/ide@1,1/drive@1/disk@1~/pci@i0cf8/pci-bridge@2/scsi@1/disk@0,0~/pci@i0cf8/pci-bridge@2/pci8086,2922@0/drive@4/disk@0' \
	-machine pc "${drives[@]}" -device pci-bridge,id=br,chassis_nr=1 -device ahci,id=h,bus=br \
	-device ide-hd,drive=a,bootindex=2,bus=h.4 -device ide-cd,drive=b,bootindex=0,bus=ide.1,unit=1 \
	-device virtio-blk-pci,drive=c,bootindex=1,bus=br

"$VMXRAY" -machine pc "${drives[@]}" -device ide-hd,drive=a,bootindex=2 -device ide-cd,drive=b,bootindex=2 -steps 1 2>"$out/text"
grep -q 'bootindex is a number that no other device has' "$out/text"
claim $? 'one place for two devices' "$(cat "$out/text")"

# What SeaBIOS says that it boots from, in its order; nothing of it boots.
tries() { # NAME FIRST SECOND ARGUMENT...
	timeout 60 "$VMXRAY" -m 64 -nographic -no-reboot -steps 40M "${@:4}" </dev/null 2>&1 | grep -ao 'Booting from [A-Z][A-Za-z/]*' >"$out/tries"
	[[ $(head -n 2 "$out/tries" | paste -sd ,) == "Booting from $2,Booting from $3" ]]
	claim $? "$1" "$(cat "$out/tries")"
}
for machine in pc q35; do
	for order in d dc order=d; do
		tries "-boot $order on $machine" DVD/CD Hard -machine $machine -boot $order -cdrom "$out/b.iso" -hda "$out/a.img"
	done
	tries "-boot c on $machine" Hard DVD/CD -machine $machine -boot c -cdrom "$out/b.iso" -hda "$out/a.img"
	tries "bootindex on $machine" DVD/CD Hard -machine $machine "${drives[@]:0:4}" -device ide-hd,drive=a -device ide-cd,drive=b,bootindex=1
done
