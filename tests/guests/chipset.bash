# Debian's kernel by -kernel on the boards that have a chipset, without firmware: it finds the chips and their interrupts and
# powers the machine off. For the scripts here: boot MACHINE PROCESSORS [WORDS].
. "$(dirname "${BASH_SOURCE[0]}")/../claim.bash"
mkdir -p "$O/tests/guests"

boot() {
	local machine=$1 smp=$2 words=${3:-}
	local name="$machine, $smp processors${words:+, $words}"
	log=$O/tests/guests/chipset.$machine.$smp$words.log
	timeout 100 "$VMXRAY" -machine "$machine" -smp "$smp" -m 256 -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" \
		-append "console=ttyS0 reboot=t panic=-1 vmxray=boot $words" -nographic -no-reboot \
		-device pci-bridge,id=b1,addr=4 -device pci-testdev,bus=b1,addr=3 </dev/null >"$log" 2>&1
	claim $? "$name: it powers off" "$(tail -n 2 "$log")"
	has "$name: all processors" "Brought up 1 node, $smp CPU"
	has "$name: a device behind a bridge" '0000:01:03.0: BAR 0 \[mem 0xfe'
	has "$name: links of interrupts" 'Interrupt link LNKA configured for IRQ 10'
	if [[ $machine == q35 ]]; then
		has "$name: memory of PCI Express" 'MMCONFIG at \[mem 0xb0000000-0xbfffffff\] reserved in E820'
		has "$name: ICH9" '0000:00:1f.0: quirk: \[io  0x0600-0x067f\] claimed by ICH6 ACPI'
		has "$name: AHCI" '0000:00:1f.2: \[8086:2922\]'
		has "$name: links of all PIRQs" 'Interrupt link LNKH configured for IRQ 11'
	else
		has "$name: PIIX4" '0000:00:01.3: quirk: \[io  0x0600-0x063f\] claimed by PIIX4 ACPI'
		has "$name: IDE" '0000:00:01.1: BAR 4 \[io  0xc0'
	fi
	local trouble
	trouble=$(tr -d '\r' <"$log" | grep -E 'Kernel panic|BUG:|Oops|Call Trace|ACPI (Error|BIOS)|no GSI|no IRQ|conflicts? with|failed to assign' | head -n 3)
	[[ -z $trouble ]]
	claim $? "$name: the kernel complains of nothing" "$trouble"
}
