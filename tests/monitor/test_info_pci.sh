#!/bin/bash
# info pci and info qtree of -machine pc and q35, compared with qemu-system-x86_64 where it is installed: the same functions at the same
# places, with the same identities and interrupt pins, bridges too; -device help, by group; names that are nearest.
. "$(dirname "$0")/lib.bash"
spin=$(guest spin)

ours() { # MACHINE DEVICE...
	local machine=$1
	shift
	printf 'info pci\ninfo qtree\nquit\n' | timeout 60 "$VMXRAY" -machine "$machine" -kernel "$spin" -S "$@" 2>&1
}
theirs() {
	local machine=$1
	shift
	printf 'info pci\ninfo qtree\nquit\n' | timeout 60 qemu-system-x86_64 -M "$machine,accel=tcg" -display none -nodefaults -vga none -S \
		-monitor stdio "$@" 2>/dev/null | sed 's/\x1b\[[KD]//g'
}
# What does not depend on what firmware has done: of bus 0, for the others have no number before it ran.
functions() {
	awk '/^  Bus/ { root = $2 == "0," } root' | grep -E '^  Bus|PCI device|PCI subsystem|pin [A-D]|^      id' | sed 's/IRQ [0-9]*, //; s/\r//'
}

for machine in pc q35; do
	devices=(-device pci-bridge,id=b1,chassis_nr=1,addr=5 -device pci-testdev,bus=b1,addr=2 -device pci-testdev,addr=7)
	[[ $machine == q35 ]] && devices+=(-device pcie-root-port,id=r1,addr=8 -device pci-testdev,bus=r1)
	mine=$(ours "$machine" "${devices[@]}")
	[[ $mine == *'Host bridge: PCI device'*'bus: pci'*'dev: pci-bridge, id "b1"'*'bus: b1'*'dev: pci-testdev'* && $mine == *'class ISA bridge'* ]]
	claim $? "$machine: info pci and info qtree" "$mine"
	if type -P qemu-system-x86_64 >/dev/null; then
		other=$(theirs "$machine" "${devices[@]}" | functions)
		[[ -n $other && $(functions <<<"$mine") == "$other" ]]
		claim $? "$machine: as QEMU has them" "$(diff <(functions <<<"$mine") <(cat <<<"$other"))"
	else
		claim 0 "$machine: as QEMU has them # SKIP qemu-system-x86_64 is not installed"
	fi
done

truncate -s 1M "$dir/disk.img" "$dir/cd.iso"
for machine in 'pc 2 ide.0 ide.1' 'q35 1 ide.0 ide.2'; do
	read -r machine units disk cd <<<"$machine"
	mine=$(ours "$machine" -hda "$dir/disk.img" -cdrom "$dir/cd.iso")
	place() { awk -v dev="dev: ide-$1," '/^ *dev: (PIIX|piix3-ide|ICH9|ich9-ahci)/ { on = $2 } /^ *bus:/ { bus = $2 } index($0, dev) { print on, bus }' <<<"$mine"; }
	[[ $(place hd) == [pi]*" $disk" && $(place cd) == [pi]*" $cd" && $(grep -c 'type IDE' <<<"$mine") == $((units == 2 ? 2 : 6)) ]]
	claim $? "$machine: disks are on the controller's buses" "$(place hd) $(place cd) $mine"
	[[ $mine == *'serial = "QM00001"'*'model = "QEMU HARDDISK"'*'serial = "QM0000'[35]'"'*'model = "QEMU DVD-ROM"'* ]]
	claim $? "$machine: with what the guest sees of them" "$mine"
done

vmxray -device help
[[ $out == *'Controller/Bridge/Hub devices:'*'name "pcie-root-port"'*'Storage devices:'*'Misc devices:'*'name "pci-testdev"'* && $out != *i440FX* ]]
claim $? '-device help lists by group, and not what belongs to a board' "$out"
vmxray -device pci-bridge,help
[[ $out == *chassis_nr=N*addr=DEVICE*bus=NAME*multifunction=* ]]
claim $? '-device NAME,help' "$out"
refused 'a name with a letter too many' 'did you mean pci-testdev?' -kernel "$spin" -device pci-testdevv
refused 'two letters in the wrong order' 'did you mean isa-debug-exit?' -kernel "$spin" -device isa-debug-eixt
refused 'a part of a board' 'no such device is modelled' -kernel "$spin" -device i440FX
refused 'a bus that is not there' 'its place on PCI' -kernel "$spin" -machine pc -device pci-testdev,bus=nowhere
refused 'a place that is taken' 'its place on PCI' -kernel "$spin" -machine pc -device pci-testdev,addr=1.3
refused 'a second device behind a root port' 'its place on PCI' -kernel "$spin" -machine q35 -device pcie-root-port,id=r \
	-device pci-testdev,bus=r -device pci-testdev,bus=r
refused 'a bridge without a name' 'id is the name of the bus' -kernel "$spin" -machine pc -device pci-bridge
refused 'two of a name' 'there is a bus of this id already' -kernel "$spin" -machine pc -device pci-bridge,id=b -device pci-bridge,id=b
