#!/bin/bash
# Firmware from reset: SeaBIOS finds out that there is nothing to boot, and shows its menu; OVMF comes to its shell, and
# keeps its variables. On pc and q35; `make test-long` has OVMF on both.
. "$(dirname "$0")/../claim.bash"
out=$O/tests/guests/firmware
mkdir -p "$out"
bios=/usr/share/seabios/bios-256k.bin code=/usr/share/OVMF/OVMF_CODE_4M.fd vars=/usr/share/OVMF/OVMF_VARS_4M.fd

runs() { # NAME STEPS ARGUMENT...: $log has its console
	log=$out/$1.text
	timeout 120 "$VMXRAY" -nographic -no-reboot -steps "$2" -hash "${@:3}" 2>"$out/$1.err" | sed 's/\x1b\[[^A-Za-z]*[A-Za-z]/\n/g' >"$log"
	[[ ${PIPESTATUS[0]} == [06] ]]
	claim $? "$1: runs to its end" "$(head -n 3 "$out/$1.err")"
}

if [[ -e $bios ]]; then
	for machine in pc q35; do
		for cpus in 1 4; do
			runs "SeaBIOS-$machine-$cpus" 25M -machine $machine -smp $cpus -debugcon "file:$out/debug" </dev/null
			has "SeaBIOS on $machine with $cpus: its name" 'SeaBIOS \(version'
			has "SeaBIOS on $machine with $cpus: there is nothing to boot" 'No bootable device'
			log=$out/debug
			has "SeaBIOS on $machine with $cpus: processors" "Found $cpus cpu\\(s\\) max supported $cpus"
			has "SeaBIOS on $machine with $cpus: the tables are where it put them" 'ACPI: parse DSDT at 0x'
			! grep -aiqE 'unable to|warning|bad checksum|internal error' "$log"
			claim $? "SeaBIOS on $machine with $cpus: nothing is wrong" "$(grep -aiE 'unable to|warning|internal' "$log" | head -n 2)"
		done
	done
	runs SeaBIOS-again 25M -machine q35 -smp 4 -debugcon "file:$out/debug" </dev/null
	[[ $(grep ^hash "$out/SeaBIOS-again.err") == "$(grep ^hash "$out/SeaBIOS-q35-4.err")" ]]
	claim $? 'SeaBIOS: twice the same' "$(grep ^hash "$out"/SeaBIOS-{again,q35-4}.err)"
	"$VMXRAY" -nographic -machine q35 -smp 2 -steps 12M -hash -record "$out/recording" </dev/null >/dev/null 2>"$out/first.err"
	"$VMXRAY" -replay "$out/recording" -hash </dev/null >/dev/null 2>"$out/second.err"
	grep -q '^hash 12000000 ' "$out/first.err" && cmp -s "$out/first.err" "$out/second.err"
	claim $? 'SeaBIOS: its recording is the same run' "$(cat "$out"/{first,second}.err)"
	printf '\033' >"$out/escape"
	runs SeaBIOS-menu 25M -boot menu=on,splash-time=2000 -bios "$bios" <"$out/escape"
	has 'SeaBIOS: asks for a key' 'Press ESC for boot menu'
	has 'SeaBIOS: the menu' 'Select boot device'
else
	echo "ok SeaBIOS # SKIP there is no $bios"
fi

if [[ -e $code && -e $vars ]]; then
	cp "$vars" "$out/vars.fd"
	machines=(q35)
	[[ ${LONG:-} ]] && machines=(pc q35)
	for machine in "${machines[@]}"; do
		before=$(cksum <"$out/vars.fd")
		runs "OVMF-$machine" 1100M -machine $machine -m 256 -history 0 \
			-drive if=pflash,format=raw,unit=0,readonly=on,file="$code" \
			-drive if=pflash,format=raw,unit=1,snapshot=off,file="$out/vars.fd" </dev/null
		has "OVMF on $machine: starts its shell" 'starting Boot[0-9]+ "EFI Internal Shell"'
		has "OVMF on $machine: the shell" 'UEFI Interactive Shell v2'
		[[ $before != "$(cksum <"$out/vars.fd")" ]]
		claim $? "OVMF on $machine: writes its variables"
	done
	# Saved while it writes its variables, and gone on from there.
	flash=(-machine q35 -m 256 -pflash "$code" -pflash "$vars")
	printf '%s\n' 'step 600000000' "savevm $out/snapshot" 'step 30000000' quit |
		"$VMXRAY" -nographic "${flash[@]}" -S -hash >/dev/null 2>"$out/first.err"
	printf '%s\n' 'step 30000000' quit | "$VMXRAY" -nographic -loadvm "$out/snapshot" -S -hash >/dev/null 2>"$out/second.err"
	grep -q '^hash 630000000 ' "$out/first.err" && cmp -s "$out/first.err" "$out/second.err"
	claim $? 'OVMF: goes on from a snapshot as it would have' "$(cat "$out"/{first,second}.err)"
	rom=$(cksum <"$vars")
	runs OVMF-image 300M -m 256 -pflash "$code" -pflash "$vars" </dev/null
	[[ $rom == "$(cksum <"$vars")" ]]
	claim $? 'OVMF: without snapshot=off the image stays as it is'
else
	echo "ok OVMF # SKIP there is no $code"
fi
