#!/bin/bash
# The command line: what each option does, what is refused and how, and the status each kind of end gives.
. "$(dirname "$0")/lib.bash"

# ---- what is refused ------------------------------------------------------------------------------------------------

spin=$(guest spin)
refused 'an unknown option is named, with the nearest' '^vmxray: -kernl: no such option; did you mean -kernel\?' -kernl x
refused 'the same with two dashes' '--kernl: no such option; did you mean -kernel\?' --kernl x
refused 'the same with a value' '-hash-evry=5: no such option; did you mean -hash-every\?' -hash-evry=5
for meant in 'kernal kernel' 'initrd- initrd' 'intird initrd' 'serail serial' 'nographc nographic' 'smb smp' 'boots boot'; do
	read -r typed meant <<<"$meant"
	refused "-$typed is near -$meant" "did you mean -$meant\\?" "-$typed" x
done
for far in fdaa vpn mem ms sd spice kvm y; do
	refused "-$far was hardly meant to be another option" ": no such option \\(-help lists all\\)" "-$far" x
done
refused 'nonsense has no nearest' '-xyzzyxyzzy: no such option \(-help lists all\)' -xyzzyxyzzy
refused 'a lone word is an image' 'disk.img: ' disk.img
refused 'a lone dash' '-: not an option' -
refused 'no kernel' 'nothing to boot: give a disk \(vmxray DISK.img\), a CD with -cdrom FILE, or a kernel with -kernel FILE'
refused '-qmp' '-qmp: there is no QMP; -monitor unix:PATH' -kernel "$spin" -qmp tcp::1
refused '-daemonize' '-daemonize: the run stays in the foreground' -kernel "$spin" -daemonize
refused 'a word alone after -hda' 'NEWS: a word alone is the first disk, and there is one already; write -hdb NEWS' -hda README.md NEWS
refused 'two of them' 'NEWS: a word alone is the first disk' README.md NEWS
refused 'a folder alone' 'tests: a directory, and no image' tests
refused 'a network' 'virtio-net-pci,netdev=n: no such device: networks are not modelled' -kernel "$spin" -device virtio-net-pci,netdev=n
refused 'SCSI' 'virtio-scsi-pci: no such device: SCSI is not modelled' -kernel "$spin" -device virtio-scsi-pci
refused 'a device without its drive' '-device virtio-blk-pci,drive=y: no -drive has id=y' -kernel "$spin" -device virtio-blk-pci,drive=y
refused 'a disk without its drive' '-device ide-hd,drive=y: no -drive has id=y' -machine pc -kernel "$spin" -device ide-hd,drive=y
refused 'a missing value' '-kernel needs a value: -kernel FILE ' -kernel
refused 'a value too many' '-nographic takes no value' -nographic=1
refused 'a kernel that is not there' 'nowhere: cannot be opened: No such file' -kernel nowhere
refused 'a kernel that is a directory' 'tests: a directory' -kernel tests
refused 'a kernel that is none' 'README.md: not a kernel' -kernel README.md
refused 'an initrd that is not there' 'nowhere: cannot be opened' -kernel "$spin" -initrd nowhere
for size in x 0 -1 12Q 512MB 99999999999999999999 1T1 0x; do
	refused "-m '$size'" "-m $size: " -kernel "$spin" -m "$size"
done
refused '-m of half a page' 'RAM comes in pages' -kernel "$spin" -m 1k
refused '-m of more than there can be' '.' -kernel "$spin" -m 16000000G
refused '-smp 65' 'processor' -kernel "$spin" -smp 65
refused '-smp 0' 'not a number of processors' -kernel "$spin" -smp 0
refused '-cpu' '-cpu z80: ' -kernel "$spin" -cpu z80
refused '-machine' '-machine isapc: the machines are plain, pc and q35' -kernel "$spin" -machine isapc
empty=$dir/empty
: >"$empty"
printf 'QFI\xfb' >"$dir/disk.qcow2"
printf '\xfd7zXZ' >"$dir/disk.xz"
truncate -s 1M "$dir/held"
exec 7<>"$dir/held"
flock -x 7
refused '-hda of a file that is not there' 'nowhere: cannot be opened: No such file' -kernel "$spin" -drive file=nowhere,if=none
refused '-drive of a directory' 'tests: a directory, and no image' -kernel "$spin" -drive file=tests,if=none
refused '-drive of nothing' 'empty: it is empty; truncate' -kernel "$spin" -drive file="$dir/empty",if=none
refused '-cdrom of nothing' 'empty: it is empty, and no image of a CD' -machine pc -kernel "$spin" -cdrom "$dir/empty"
refused '-drive of another format' 'disk.qcow2: a qcow2 image, and only raw ones are read; qemu-img convert -O raw' -kernel "$spin" -drive file="$dir/disk.qcow2",if=none
refused '-drive format=qcow2' 'only raw images are read; qemu-img convert' -kernel "$spin" -drive file="$dir/disk.qcow2",format=qcow2
refused '-drive of a packed one' 'packed by xz; unpack it' -kernel "$spin" -drive file="$dir/disk.xz",if=none
refused '-drive without a file' 'which image\? write file=PATH' -kernel "$spin" -drive if=none
refused '-drive with a key misspelt' 'did you mean snapshot\?' -kernel "$spin" -drive file=README.md,snapshop=on
refused '-drive twice of an id' 'there is a drive named x already' -kernel "$spin" -drive file=README.md,if=none,id=x -drive file=README.md,if=none,id=x
refused '-drive twice at a place' 'drive ide0-hd0 has that place already' -kernel "$spin" -drive file=README.md,index=0 -drive file=README.md,bus=0
refused '-drive with two places' 'say the same; leave one out' -kernel "$spin" -drive file=README.md,index=0,bus=0
refused '-drive that another process writes' 'another process writes it' -kernel "$spin" -drive file="$dir/held",if=none
refused '-blockdev' 'use -drive file=FILE,if=none,id=NAME' -kernel "$spin" -blockdev driver=file,filename=x
refused '-drive ide where there is none' 'no-such-thing: cannot|has no IDE' -kernel "$spin" -hda no-such-thing
exec 7<&-
refused '-net user' '-net user: not modelled yet; the only choice is none' -kernel "$spin" -net user
refused '-hda misspelt' '-hdaa: no such option; did you mean -hda' -kernel "$spin" -hdaa disk.img
refused '-device' '-device e1000: no such device' -kernel "$spin" -device e1000
refused '-device without a name' '-device needs a value' -kernel "$spin" -device ''
refused '-device isa-debug-exit,irq=5' 'takes iobase=PORT and iosize=BYTES' -kernel "$spin" -device isa-debug-exit,irq=5
refused '-device isa-debug-exit,iosize=3' 'iosize is 1, 2 or 4' -kernel "$spin" -device isa-debug-exit,iosize=3
refused '-device isa-debug-exit,iobase=65536' 'iobase is a port' -kernel "$spin" -device isa-debug-exit,iobase=65536
refused '-fw_cfg without a file' 'write NAME,file=FILE or NAME,string=TEXT' -kernel "$spin" -fw_cfg opt/x
refused '-fw_cfg of no file' 'nowhere: cannot be opened' -kernel "$spin" -fw_cfg opt/x,file=nowhere
refused '-fw_cfg twice' 'there is one of this name already' -kernel "$spin" -fw_cfg opt/x,string=a -fw_cfg name=opt/x,string=b
refused '-device pc-testdev,x=y' 'has no properties' -kernel "$spin" -device pc-testdev,x=y
vmxray -kernel "$spin" -device virtio-rng -steps 1000 </dev/null
ends '-device virtio-rng is virtio-rng-pci' 6
refused '-device VGA,vgamem-mb=16' 'VGA has no property vgamem-mb; did you mean vgamem_mb\? \(-device VGA,help lists all\)' -kernel "$spin" -device VGA,vgamem-mb=16
refused '-device ahci,adr=4' 'ahci has no property adr; did you mean addr' -kernel "$spin" -device ahci,adr=4
refused '-device ahci,addr=zz' 'addr is a device number from 0 to 1f, hexadecimal' -kernel "$spin" -device ahci,addr=zz
refused '-device ahci,multifunction=2' 'multifunction is on or off' -kernel "$spin" -device ahci,multifunction=2
refused '-device ahci,id=' 'id is a name of at most 31 letters' -kernel "$spin" -device ahci,id=a-name-of-more-than-thirty-one-letters
refused '-vga cirrus' 'std and none are modelled' -kernel "$spin" -vga cirrus
refused '-display gtk' 'sdl \(a window\), curses and none can be had' -kernel "$spin" -display gtk
refused '-serial' 'write stdio' -kernel "$spin" -serial pty
refused '-serial twice stdio' 'on stdio already' -kernel "$spin" -serial stdio -serial mon:stdio
refused '-serial five times' 'four serial ports at most' -kernel "$spin" -serial null -serial null -serial null -serial null -serial null
refused '-serial to a bad file' 'cannot be opened for writing' -kernel "$spin" -serial file:/nonexistent/x
for date in base=yesterday base=2023-02-29 base=2024-13-01 base=2024-01-01T25:00:00 base=1969-12-31 base= clock=host; do
	refused "-rtc $date" 'write base=' -kernel "$spin" -rtc "$date"
done
refused '-seed x' 'the seed is a number' -kernel "$spin" -seed x
for option in steps hash-every drop-derived-every; do
	refused "-$option 0" "-$option 0: not a number of steps" -kernel "$spin" -$option 0
	refused "-$option 1x" 'not a number of steps' -kernel "$spin" -$option 1x
done
refused '-cycles 0' '-cycles 0: not a number of cycles' -kernel "$spin" -cycles 0
refused '-single-step=5' 'write -single-step=FROM:COUNT' -kernel "$spin" -single-step=5
refused '-append too long' '-append: 3000 bytes' -kernel "$GUESTS/vmlinuz" -append "$(printf '%3000s' x)"

# ---- what is answered -----------------------------------------------------------------------------------------------

for help in -help --help -h; do
	vmxray $help </dev/null
	[[ $out == *'  -kernel FILE '*'Exit status'* && $err == '' ]]
	claim $? "$help prints the options and the statuses" "$out"
	ends $help 0
done
missing=$(grep -v '^OPTION(HIDDEN' monitor/program/options.def | sed -n 's/^OPTION([A-Z]*, *"\([^"]*\)".*/\1/p' | while read -r name; do
	grep -q -- "^  -$name[ =]" <<<"$out" || echo "$name"
done)
[[ -z $missing ]]
claim $? 'every row is in the help text' "$missing"
widest=$(wc -L <<<"$out")
((widest <= 120))
claim $? 'the help text fits 120 columns' "$widest"
vmxray -version </dev/null
[[ $out =~ ^vmxray\ [0-9]+\.[0-9]+$ ]]
claim $? '-version' "$out"
for list in cpu machine device; do
	vmxray -$list help </dev/null
	[[ $status == 0 && -n $out && -z $err ]]
	claim $? "-$list help" "$err"
done

# ---- how runs end ---------------------------------------------------------------------------------------------------

debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
vmxray -kernel "$(guest exit)" $debug_exit </dev/null
ends 'isa-debug-exit with 21' 43
vmxray -kernel "$(guest power_off)" </dev/null
ends 'power-off' 0
vmxray -kernel "$(guest power_off)" -monitor stdio -serial null <<<$'continue\ninfo registers'
ends 'power-off out of a script' 0
vmxray -kernel "$(guest power_off)" -monitor stdio -serial null <<<$'continue\nstep'
ends 'a script that goes on after it' 1
echo 'tcatch io 0x3f8 if value == 100' >"$dir/catches" # the d of "world"
vmxray -kernel "$spin" -x "$dir/catches" </dev/null
[[ $out == *$'once\nhello\nworld\n1: catch io 0x3f8'* ]]
claim $? 'what the guest sent comes before what a stop says, which begins a line' "$out"
vmxray -kernel "$(guest triple_fault)" -no-reboot </dev/null
ends 'triple fault' 2
[[ $err =~ ^'vmxray: triple fault at step '[0-9]+,\ RIP\ 00000000002 ]]
claim $? 'the triple fault is reported with step and RIP' "$err"
vmxray -kernel "$(guest stuck)" </dev/null
ends 'stuck' 4
[[ $err == *'the guest is stuck'* ]]
claim $? 'that it is stuck is reported' "$err"
vmxray -kernel "$(guest deadline)" -m 4 -steps 100000 -hash </dev/null
ends 'a TSC deadline at the end of time' 4
[[ $err == *'the end of time has come'*$'\nhash '* ]]
claim $? 'that time has come to its end is reported, and the hash' "$err"
vmxray -kernel "$(guest screen)" $debug_exit </dev/null
ends 'text memory holds what is written' 3
vmxray -kernel "$spin" --steps 1000 </dev/null
ends '--steps' 6
vmxray -kernel "$spin" --cycles 1000 --hash </dev/null
ends '--cycles' 6
[[ $err == *'hash 1000 '* ]]
claim $? "--cycles ends a run at its cycle" "$err"
vmxray -kernel "$(guest reset)" -no-reboot </dev/null
ends 'reset' 0
[[ $out == boot ]]
claim $? 'the guest that resets has run once' "$out"
vmxray -kernel "$(guest reset)" -steps 100k </dev/null
ends 'reset without -no-reboot' 6
(($(grep -c boot <<<"$out") > 3))
claim $? 'the guest that resets runs again and again' "$out"
vmxray -kernel "$(guest triple_fault)" -steps 100k -stats </dev/null
ends 'triple fault without -no-reboot' 6
[[ $(grep -c 'triple faults reset the guest' <<<"$err") == 1 ]] &&
	[[ $err =~ 'vmxray: warning: triple faults reset the guest again and again; the first at step '[0-9]+', RIP 00000000002'[0-9a-f]+': #'[A-Z]+' (error code '[0-9a-f]+'H'.*', then #DF (error code 0H), then one more exception. -no-reboot ends the run there' ]]
claim $? 'a loop of them is told once, with the faults of the first' "$err"
[[ $err =~ $'\nresets  '[\ ]*([0-9]+)$'\n  by triple faults '[\ ]*([0-9]+)$'\n' && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" &&
	${BASH_REMATCH[1]} -gt 5 ]]
claim $? '-stats counts resets' "$err"
vmxray -kernel "$(guest reset)" -steps 100k -stats </dev/null
[[ $err =~ $'\nresets  '[\ ]*[1-9][0-9]*$'\n  by triple faults '[\ ]*0$'\n' && $err != *warning* ]]
claim $? 'others are counted too, and nothing more is said' "$err"

# ---- what options do ------------------------------------------------------------------------------------------------

print=$(guest print)
for serial in '' '-serial stdio' '-serial mon:stdio' '-nographic' '--nographic' '-serial null -serial stdio'; do
	vmxray -kernel "$print" $debug_exit $serial </dev/null
	expected=$'hello\nworld'
	[[ $serial == '-serial null'* ]] && expected=''
	[[ $status == 1 && $out == "$expected" && $err == '' ]]
	claim $? "serial output with '$serial'" "status $status: $out$err"
done
rm -f "$dir/serial"
vmxray -kernel "$print" $debug_exit -serial file:"$dir/serial" </dev/null
[[ $status == 1 && $out == '' && $(<"$dir/serial") == $'hello\nworld' ]]
claim $? '-serial file:' "$out"
for accepted in '-display none' '-vga none' '-vga std -display none' '-device VGA,vgamem_mb=8 -nographic' '-vnc none' '-nodefaults' '-machine pc' '-machine accel=tcg' '-M type=pc,accel=tcg' \
	'-m 64' '-m 64M' '-m size=64M' '-m 0x40' '-m 1G' '-smp 1' '-smp 3' '-smp cpus=2,cores=2,threads=1' \
	'-smp 2,sockets=1,dies=1,clusters=1,maxcpus=2' '-smp cores=4' '-accel tcg,thread=multi' \
	'-machine pc,accel=kvm,usb=off,dump-guest-core=on' '-machine bios-tick=off' '-cpu server,feature_control=0' \
	'-protocol multiboot' \
	'-device pc-testdev' '-device pci-testdev' '-enable-kvm' '-global kvm-pit.lost_tick_policy=discard' \
	'-rtc base=2020-02-29T23:59:59' \
	'-rtc base=utc' '-rtc base=localtime' '-seed 0x55' '-monitor none' '-no-shutdown' '--single-step' \
	'--single-step=3:10' '--drop-derived-every 7' '-debugcon null'; do
	vmxray -kernel "$print" $debug_exit $accepted </dev/null
	[[ $status == 1 && $out == $'hello\nworld' && $err == '' ]]
	claim $? "$accepted" "status $status: $out$err"
done
# What a list says and cannot be had is refused, whatever else stands in it.
while read -r option expected; do
	vmxray -kernel "$print" $debug_exit ${option/=/ } </dev/null
	[[ $status == 1 && $out == '' && $err == "vmxray: ${option/=/ }: "*"$expected"* && $err != *$'\n'* ]]
	claim $? "$option is refused" "status $status: $out$err"
done <<'END'
-smp=2,sockets=17 there is one socket
-smp=2,sockets=2 there is one socket
-smp=2,sockets=0 there is one socket
-smp=2,sockets=1x write N
-smp=4,threads=2 a core has one thread
-smp=4,dies=2 of one die
-smp=4,clusters=2 of one die and cluster
-smp=4,cores=2 write as many cores
-smp=2,maxcpus=4 cannot be added later
-smp=2,3 write N
-smp=2,drawers=1 write N
-smp=sockets=1 1 to 64
-smp=65 1 to 64
-machine=pc,accel=magic -machine help
-machine=pc,usb=on -machine help
-machine=pc,dump-guest-core=maybe -machine help
-machine=bios-tick=yes -machine help
-accel=magic not the name of an accelerator
-cpu=server,feature_control=2 feature_control
-protocol=multiboot3 write linux
END
vmxray -kernel "$print" $debug_exit -cpu max,kvmless=on </dev/null
[[ $err == *"'kvmless=on' cannot be had"* ]]
claim $? 'what only begins like an accepted property is not one' "$err"
# A RAM disk that cannot have room is not read: these are files of holes.
truncate -s 5G "$dir/large"
vmxray -kernel "$print" -initrd "$dir/large" -m 8G </dev/null
[[ $status == 1 && $out == '' && $err == *'larger than 4 GBytes'* ]]
claim $? 'an initrd of 5 GBytes is refused' "status $status: $out$err"
truncate -s 3G "$dir/large"
space=1000000
[[ -z ${SAN:-} ]] || space=unlimited # sanitizers take addresses by the terabyte
(ulimit -v "$space"; timeout 20 "$VMXRAY" -kernel "$print" -initrd "$dir/large" -m 200 </dev/null >"$dir/out" 2>&1)
[[ $(<"$dir/out") == *'larger than the 204800 KBytes of RAM that there are for it'* ]]
claim $? 'one that is larger than RAM is, before it is read' "$(<"$dir/out")"
rm -f "$dir/large"
# Names of QEMU's processors stand for ours, with warnings (the word matters to kvm-unit-tests).
for cpu in max host,migratable=no qemu64,+x2apic,+tsc-deadline,-vmx-mbec IvyBridge,phys-bits=36,vendor=GenuineIntel; do
	vmxray -kernel "$print" $debug_exit -cpu $cpu </dev/null
	[[ $status == 1 && $out == $'hello\nworld' && $err == "vmxray: warning: -cpu ${cpu%%,*}: taken for server"* && $err != *$'\n'* ]]
	claim $? "-cpu $cpu" "status $status: $out$err"
done
vmxray -kernel "$print" $debug_exit -cpu max,+svm,vendor=AuthenticAMD </dev/null
[[ $status == 1 && $err == *"warning: -cpu: '+svm' cannot be had"*"warning: -cpu: 'vendor=AuthenticAMD'"* ]]
claim $? '-cpu with what cannot be had' "status $status: $out$err"
vmxray -device '?' </dev/null
[[ $status == 0 && $out == *'"pc-testdev"'* && $out == *'"pci-testdev"'* ]]
claim $? "kvm-unit-tests find their devices in -device '?'" "$out"
vmxray -kernel "$(guest words)" $debug_exit -append 'one two' -initrd "tests/run.sh with words" </dev/null
[[ $out == "words one two"$'\n'"$(<tests/run.sh)" ]]
claim $? 'a multiboot image gets its command line and its module' "${out:0:200}$err"

# ---- hashes and statistics ------------------------------------------------------------------------------------------

vmxray -kernel "$spin" --steps 10k --hash-every 3000 </dev/null
[[ $(cut -d ' ' -f 1,2 <<<"$err") == $'hash 0\nhash 3000\nhash 6000\nhash 9000\nhash 10000' ]]
claim $? '--hash-every prints at each multiple and at the end' "$err"
[[ $(cut -d ' ' -f 3 <<<"$err" | sort -u | grep -Ec '^[0-9a-f]{16}$') == 5 ]]
claim $? 'the hashes differ' "$err"
every=$err
vmxray -kernel "$spin" --steps 10k --hash </dev/null
[[ $err == "${every##*$'\n'}" ]]
claim $? '--hash prints the last one' "$err"
vmxray -kernel "$spin" --steps 10k --hash-every 3000 --single-step </dev/null
[[ $err == "$every" ]]
claim $? 'single-stepped, the hashes are the same' "$err"
vmxray -kernel "$spin" --steps 10k --hash-every 3000 --single-step=1234:5000 --drop-derived-every 77 </dev/null
[[ $err == "$every" ]]
claim $? 'with caches dropped, the hashes are the same' "$err"
vmxray -kernel "$spin" --steps 10k --hash --seed 5 </dev/null
[[ $err == hash* && $err != "${every##*$'\n'}" ]]
claim $? 'another seed, another hash' "$err"
vmxray -kernel "$spin" --steps 10k --stats </dev/null
[[ $err =~ steps\ +10000 && $err == *'million steps/s'* && $err == *'wall time'* ]]
claim $? '--stats' "$err"
vmxray -kernel "$spin" --steps 10k --stats </dev/null
built=$(awk '/^blocks built/ { print $3 }' <<<"$err") misses=$(awk '/^TLB misses, fetches/ { print $4 " " $5 }' <<<"$err")
[[ ${built:-0} -gt 2 && ${built:-0} -lt 100 && $misses =~ ^[1-9][0-9]*\ 0\.[0-9]+$ ]]
claim $? '--stats has the rates of the TLB and the block cache' "$built built, $misses; $err"
