#!/bin/bash
# Every option of the table with values that are missing, empty, huge, negative, no number, too long, of control characters, or
# there twice: one line on stderr that names the option (or the file that is not there), and status 1; nothing runs.
. "$(dirname "$0")/lib.bash"

kernel=$(guest spin)
base=(-kernel "$kernel" -steps 1)
long=$(printf '%3000s' '' | tr ' ' z)
evil=$'\e[2J\n\x9b'
# One good value of each option that takes one.
declare -A good=([kernel]=$kernel [initrd]=README.md [append]=x [m]=64 [smp]=1 [cpu]=server [timing]=step [machine]=pc [M]=pc [accel]=tcg [why]=on [on-end]=leave
	[hda]=README.md [hdb]=README.md [hdc]=README.md [hdd]=README.md [cdrom]=README.md [drive]=file=README.md,if=none
	[device]=pc-testdev [fw_cfg]=opt/x,string=y [global]=a.b=c [overcommit]=mem-lock=off [rtc]=base=2024-01-01 [seed]=1 [serial]=null
	[debugcon]=null [display]=none [vga]=none [vnc]=none [monitor]=none [gdb]=tcp::0 [x]=/dev/null [trace]=exits=/dev/null [report]=all=/dev/null [steps]=1
	[cycles]=1 [hash-every]=1 [drop-derived-every]=1 [single-step]=1:2 [protocol]=multiboot [history]=1M [history-workers]=2 [tier]=1 [tier-cache]=8M [sandbox]=on
	[record]=/dev/null [replay]=$dir/recorded
	[bios]=$dir/rom [pflash]=$dir/rom [boot]=order=cd,menu=on [smbios]=type=1,serial=7
	[loadvm]=$dir/snapshot [incoming]="exec:cat $dir/snapshot" [migrate-to]=unix:x [name]=guest [uuid]=00000000-0000-0000-0000-000000000000 [k]=de)
printf '%s\n' "savevm $dir/snapshot" quit | "$VMXRAY" -kernel "$kernel" -S >/dev/null 2>&1
any=' append record name uuid k ' # what takes any text
free=' accel fw_cfg global overcommit incoming migrate-to ' # whose values may be any text
files=' kernel initrd x loadvm replay hda hdb hdc hdd cdrom bios pflash ' # whose message names the file

head -c 65536 /dev/zero >"$dir/rom"
vmxray "${base[@]}" -record "$dir/recorded" </dev/null
try() { # the options, without those of the base that are there already
	local words=("${base[@]}")
	[[ " $* " == *' -kernel'* || " $* " == *' -loadvm'* || " $* " == *' -incoming'* || " $* " == *' -replay'* ||
		" $* " == *' -bios'* || " $* " == *' -pflash'* ]] && words=(-steps 1)
	[[ " $* " == *' -steps'* ]] && words=(-kernel "$kernel")
	vmxray "${words[@]}" "$@" </dev/null
}
count=0 wrong=()
refuses() { # NAME WHAT ARGUMENT...
	local name=$1 what=$2
	shift 2
	try "$@"
	((count++))
	[[ $status == 1 && -z $out && $err == vmxray:* && $err != *[$'\n\e']* && ${#err} -lt 500 && ($err == *"-$name"* || $files == *" $name "*) ]] && return
	[[ $files == *" $name "* && $status == 1 && $err == *"${long:0:100}"*'File name too long'* ]] && return
	wrong+=("$what of -$name: status $status, ${err:0:300}; ")
}

vmxray -rows options </dev/null
mapfile -t rows < <(grep -Ev $'^(help|h|version)\t' <<<"$out")
((${#rows[@]} > 30))
claim $? 'the table has rows' "${#rows[@]}"
for row in "${rows[@]}"; do
	IFS=$'\t' read -r name argument help <<<"${row//$'\t\t'/$'\t-\t'}"
	if [[ $argument == - ]]; then
		for value in '' x -1; do refuses "$name" "the value '$value'" "-$name=$value"; done
		continue
	fi
	if [[ -z ${good[$name]:-} ]]; then
		wrong+=("-$name: the test has no good value for it; ")
		continue
	fi
	try "-$name=${good[$name]}"
	[[ $status == 6 || $err == *'this machine has no IDE'* ]] || wrong+=("a good value of -$name: status $status, $err; ")
	[[ $argument == \[* ]] || refuses "$name" 'a missing value' "-$name"
	[[ $argument == \[* ]] || refuses "$name" 'another option as the value' "-$name" -stats
	[[ $any == *" $name "* ]] && continue
	for value in '' -1 -9223372036854775809 18446744073709551616 99999999999999999999999999 0x 1x x , =, ',,' "$long" "$evil" "${good[$name]},$evil"; do
		[[ $value == *"$evil" && ${#value} -gt ${#evil} && $free == *" $name "* ]] && continue
		refuses "$name" "the value '${value:0:30}'" "-$name=$value"
	done
done
((${#wrong[@]} == 0))
claim $? "$count wrong values are refused, with a line that names the option" "${wrong[*]}"

# Twice: refused where the second one would take the place of the first.
wrong=()
mapfile -t once < <(sed -n 's/^OPTION([A-Z]*, *"\([^"]*\)", *"[^"]*", *ONCE,.*/\1/p' monitor/program/options.def)
for name in "${once[@]}"; do
	try "-$name=${good[$name]:-}" "-$name=${good[$name]:-}"
	[[ $name == rows || ($status == 1 && $err == *"-$name is there twice; leave one out") ]] || wrong+=("-$name: status $status, $err; ")
done
((${#once[@]} > 15 && ${#wrong[@]} == 0))
claim $? "${#once[@]} options are refused when they are there twice" "${wrong[*]}"
refused '-gdb beside -s' '-gdb and -s are there already' "${base[@]}" -gdb tcp::0 -s
refused 'an option where a value is wanted' '-kernel needs a value, and -S is an option; write -kernel=-S if it is meant' -kernel -S
refused "a device's property twice" 'iobase is there twice' "${base[@]}" -device isa-debug-exit,iobase=0xf4,iobase=0xf5
refused 'a socket without a path' 'a path is missing' "${base[@]}" -gdb unix:
