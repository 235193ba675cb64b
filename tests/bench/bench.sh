#!/bin/bash
# make bench: what vmxray takes for some work, beside the emulators that are here: bench.sh [WORD...]
#
# Everything is a median of RUNS (3) runs, of processor time in user mode. Peers: qemu-system-x86_64, plain and recording;
# Bochs, which BOCHS names (`bochs` else). A word picks measurements whose names contain it.
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray} bench=$GUESTS/bench RUNS=${RUNS:-3}
SECONDS_MAX=${SECONDS_MAX:-300} PAIRS=${PAIRS:-15}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log cost=$work/cost disk=$work/disk
peers=(vmxray)
display=() # options of the display
words=("$@")

wanted() {
	local word
	((${#words[@]})) || return 0
	for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
	return 1
}

# --- the peers: NAME_run KERNEL INITRD APPEND MBYTES; what the guest says on its serial port goes to $log ---

measure() { "$bench/measure" "$cost" "$SECONDS_MAX" "$@" >"$log" 2>&1 </dev/null; }

options() { # KERNEL INITRD APPEND MBYTES
	# shellcheck disable=SC2054 # the comma is QEMU's
	machine=(-kernel "$1" ${2:+-initrd "$2"} -append "$3" -m "$4" -nographic -no-reboot
		-device isa-debug-exit,iobase=0xf4,iosize=4 "${display[@]}")
}
vmxray_run() {
	options "$@"
	measure "$VMXRAY" "${machine[@]}"
}
qemu_run() {
	options "$@"
	measure "$qemu" -accel tcg "${machine[@]}"
}
record_run() {
	options "$@"
	rm -f "$work/record"
	measure "$qemu" -accel tcg -icount "shift=0,rr=record,rrfile=$work/record" "${machine[@]}"
}

bochs_configuration() {
	cat <<-END
		megs: $1
		romimage: file=$bochs_bios
		vgaromimage: file=$bochs_video
		cpu: model=corei7_skylake_x, count=1, ips=4000000, reset_on_triple_fault=0
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, path=$disk, mode=flat
		boot: disk
		com1: enabled=1, mode=file, dev=$work/serial
		display_library: $bochs_display
		log: $work/bochs.log
		panic: action=fatal
		clock: sync=none
	END
	[[ $bochs_display == nogui ]] || echo "sound: waveoutdrv=dummy" # a build with sound would want a device
}
bochs_run() { # from a disk; a build with the debugger is told to go on
	if [[ $2 ]]; then
		"$bench/disk" "$bench/boot" linux "$1" "$2" "$3" >"$disk"
	else
		"$bench/disk" "$bench/boot" multiboot "$1" "bench $3" >"$disk"
	fi
	bochs_configuration "$4" >"$work/bochsrc"
	echo c >"$work/go"
	rm -f "$work/serial"
	local command=("$bochs" -q -f "$work/bochsrc")
	((bochs_debugger)) && command+=(-rc "$work/go")
	[[ $bochs_display == term ]] && command=(env TERM=xterm script -qec "${command[*]}" /dev/null)
	measure "${command[@]}"
	cp "$work/serial" "$log" 2>/dev/null
}

first_file() {
	local file
	for file; do [[ -f $file ]] && echo "$file" && return; done
}

# A display that needs no screen, found by trying.
find_bochs() {
	bochs=$(type -P -- "${BOCHS:-bochs}") || { echo "Bochs: not found (BOCHS=file names one): no comparison"; return; }
	local share=("${BXSHARE:-/nonexistent}" "$(dirname "$(readlink -f "$bochs")")/bios" /usr/local/share/bochs /usr/share/bochs)
	bochs_bios=$(first_file "${share[@]/%//BIOS-bochs-latest}")
	bochs_video=$(first_file "${share[@]/%//VGABIOS-lgpl-latest}" "${share[@]/%//VGABIOS-lgpl/VGABIOS-lgpl-latest.bin}" \
		"${share[@]/%//VGABIOS-lgpl-latest.bin}")
	bochs_debugger=0
	for bochs_display in nogui term; do
		for bochs_debugger in 0 1; do
			SECONDS_MAX=20 bochs_run "$bench/guest" "" nothing 128
			if grep -q "bench nothing" "$log"; then
				peers+=(bochs)
				echo "Bochs: $bochs, $("$bochs" --help 2>&1 </dev/null | grep -o 'Bochs x86 Emulator.*' | head -n 1)"
				return
			fi
		done
	done
	echo "Bochs: $bochs does not run the measuring guest (BIOS ${bochs_bios:-not found, see BXSHARE}): no comparison"
}

find_peers() {
	if qemu=$(type -P qemu-system-x86_64); then
		peers+=(qemu record)
		echo "QEMU: $qemu, $("$qemu" --version | head -n 1)"
	else
		echo "QEMU: not found (qemu-system-x86): no comparison"
	fi
	find_bochs
}

# --- measuring ---

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# PEER CHECK RUN-ARGUMENTS...: sets `took` to the median in microseconds, or to nothing. CHECK looks at $log.
time_of() {
	local peer=$1 check=$2 run user rest times=()
	shift 2
	took=
	for ((run = 0; run < RUNS; run++)); do
		"${peer}_run" "$@"
		$check || return
		read -r user rest <"$cost"
		times+=("$user")
	done
	took=$(printf '%s\n' "${times[@]}" | median)
}

heads() { # TITLE
	printf '\n%-38s' "$1"
	local peer
	for peer in "${peers[@]}"; do
		case $peer in
		vmxray) printf ' %9s' vmxray ;;
		qemu) printf ' %17s' "QEMU TCG" ;;
		record) printf ' %17s' "QEMU record" ;;
		bochs) printf ' %17s' Bochs ;;
		esac
	done
	echo
}

# The cell of a peer: its value, and how many times faster vmxray is.
cell() { # FORMAT VALUE RATIO
	if [[ -z $2 ]]; then
		printf ' %17s' -
	elif [[ -z ${3:-} ]]; then
		printf " $1" "$2"
	else
		printf " $1 %6.2f x" "$2" "$3"
	fi
}
divide() { [[ ${1:-} && ${2:-} ]] && awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.6f", a / b }'; }

# --- Linux ---

# What the work in tests/guests/init must come to; the same everywhere.
linux_worked() {
	local line
	for line in "$(head -c 64M /dev/zero | md5sum)" 20000 20000100000; do
		tr -d '\r' <"$log" | grep -qxF -e "$line" || return 1
	done
}

linux() {
	wanted linux || return 0
	local peer first=
	heads "Linux, seconds"
	printf '%-38s' "boot, md5sum, shell loop, awk, off"
	for peer in "${peers[@]}"; do
		time_of "$peer" linux_worked "$GUESTS/vmlinuz" "$GUESTS/initramfs.cpio" \
			"console=ttyS0 reboot=t panic=-1 vmxray=bench" 512
		first=${first:-$took}
		cell '%9.2f' "$(divide "$took" 1000000)" "$([[ $peer == vmxray ]] || divide "$took" "$first")"
	done
	echo
}

# --- the past: going back and asking; STEPS (10^9) of it, WORKERS (1) for long searches ---

PAST_STEPS=${PAST_STEPS:-1000000000}
pasts() { # TEXT WORDS MBYTES PROCESSORS
	wanted "$1" || wanted past || return 0
	printf '\n%s\n' "$1"
	"$O/bench-past" "$GUESTS/vmlinuz" "$bench/past.cpio" "console=ttyS0 reboot=t panic=-1 $2" "$PAST_STEPS" "$3" "$4" "${WORKERS:-1}"
}
past() {
	pasts 'past: Linux that works' '' 512 1
	pasts 'past: Linux that works, two processors' '' 512 2
	pasts 'past: Linux under KVM under KVM' levels=2 1024 1
	wanted past-qemu || wanted past || return 0
	O=$O GUESTS=$GUESTS tests/bench/past/qemu.sh "$PAST_STEPS"
}

# --- what keeping the past costs: pairs of runs with and without it in turn, and of two without ---

user_time() { # HISTORY RUN-ARGUMENTS...: in microseconds
	local history=$1 user rest
	shift
	options "$@"
	measure "$VMXRAY" "${machine[@]}" -history "$history"
	read -r user rest <"$cost"
	echo "$user"
}
keeping() { # TEXT RUN-ARGUMENTS...
	local text=$1 pair without with again kept=() same=()
	shift
	for ((pair = 0; pair < PAIRS; pair++)); do
		without=$(user_time 0 "$@") with=$(user_time 512M "$@") again=$(user_time 0 "$@")
		kept+=("$(divide "$with" "$without")") same+=("$(divide "$again" "$without")")
	done
	printf '%-38s %9.3f   (A/A %.3f, %d pairs)\n' "$text" "$(printf '%s\n' "${kept[@]}" | median)" \
		"$(printf '%s\n' "${same[@]}" | median)" "$PAIRS"
}
kept() {
	wanted kept || return 0
	local end='console=ttyS0 reboot=t panic=-1'
	printf '\nThe usual history over none, times the user time\n'
	keeping 'Linux boots and works' "$GUESTS/vmlinuz" "$GUESTS/initramfs.cpio" "$end vmxray=bench" 512
	keeping 'Linux under KVM under KVM' "$GUESTS/vmlinuz" "$GUESTS/nested.cpio" "$end vmxray=nested levels=2" 1024
}

# --- Linux that only boots, as a guest of KVM and as a guest of that; the ratio in the second line is to the bare boot ---

booted() { tr -d '\r' <"$log" | grep -q '^== powering off' && { ((level == 0)) || grep -q "== L$level: powering off" "$log"; }; }

levels() {
	wanted levels0 || wanted levels1 || wanted levels2 || return 0
	local peer first kind level
	declare -A bare=()
	heads "Linux as a guest, seconds"
	for level in 0 1 2; do
		wanted "levels$level" || continue
		first=
		kind=nested
		((level)) || kind=boot
		printf '%-38s' "boot at level $level and off"
		for peer in "${peers[@]}"; do
			took=
			[[ $peer != vmxray && $peer != bochs ]] ||
				time_of "$peer" booted "$GUESTS/vmlinuz" "$GUESTS/nested.cpio" \
					"console=ttyS0 reboot=t panic=-1 vmxray=$kind levels=$level" 1024
			first=${first:-$took}
			cell '%9.2f' "$(divide "$took" 1000000)" "$([[ $peer == vmxray ]] || divide "$took" "$first")"
			((level)) || bare[$peer]=$took
		done
		echo
		((level)) || continue
		printf '%-38s' "  times the bare boot"
		for peer in "${peers[@]}"; do
			[[ $peer == vmxray ]] && printf ' %9s' "$(divide "$first" "${bare[vmxray]:-}" | cut -c 1-5)"
			[[ $peer == bochs ]] && cell '%9.2f' "$(divide "$took" "${bare[bochs]:-}")"
			[[ $peer == vmxray || $peer == bochs ]] || printf ' %17s' -
		done
		echo
	done
}

# --- loops: operations a second, without what a guest that does nothing takes ---

# The same result everywhere; the first emulator's is the one to agree with.
loop_worked() {
	local result
	result=$(sed -n "s/.*bench $loop operations [0-9]* result \([0-9]*\).*/\1/p" "$log")
	[[ ${expected:=$result} && $result == "$expected" ]]
}

loop() { # NAME UNIT TEXT
	local peer rate first= expected=
	loop=$1
	wanted "$1" || return 0
	printf '%-38s' "$3"
	for peer in "${peers[@]}"; do
		[[ ${nothing[$peer]:-} ]] || { time_of "$peer" true "$bench/guest" "" nothing 128 && nothing[$peer]=$took; }
		time_of "$peer" loop_worked "$bench/guest" "" "$1" 128
		rate=
		[[ $took ]] && rate=$(divide "$(sed -n 's/.*bench [^ ]* operations \([0-9]*\).*/\1/p' "$log")" $((took - nothing[$peer])))
		[[ $2 == thousand && $rate ]] && rate=$(divide "$rate" 0.001)
		[[ $2 == one && $rate ]] && rate=$(divide "$rate" 0.000001)
		first=${first:-$rate}
		cell '%9.1f' "$rate" "$([[ $peer == vmxray ]] || divide "$first" "$rate")"
	done
	echo
}

loops() {
	declare -A nothing=()
	heads "Loops, million operations a second"
	loop alu million "arithmetic and logic, instructions"
	loop memory million "loads and stores, instructions"
	loop call million "calls and returns, instructions"
	loop indirect million "indirect calls, instructions"
	loop sse million "SSE, instructions"
	loop string million "MOVS and STOS, bytes"
	loop cr3 million "MOV to CR3 and a load"
	loop invlpg million "page-table entry, INVLPG, load"
	loop miss million "TLB misses"
	heads "VT-x, thousand operations a second"
	loop exit thousand "CPUID exits and VM entries"
	loop miss2d thousand "TLB misses through EPT"
}

# --- what devices cost that nobody uses: the same boot on the plain board and on others, in turn ---

step_time() { # ARGUMENT...: nanoseconds a step
	local user rest steps
	options "$GUESTS/vmlinuz" "$GUESTS/initramfs.cpio" "console=ttyS0 reboot=t panic=-1 vmxray=bench" 512
	measure "$VMXRAY" "${machine[@]}" -history 0 -hash "$@"
	read -r user rest <"$cost"
	steps=$(sed -n 's/.*hash \([0-9]*\) [0-9a-f]*.*/\1/p' "$log" | tail -n 1)
	divide "$((user * 1000))" "$steps"
}
idle() {
	wanted idle || return 0
	local board pair plain ratios
	local -a boards=("-machine plain" "-machine pc -vga std" "-machine q35 -vga std"
		"-machine q35 -vga std -device virtio-rng-pci -device piix3-ide -device pcie-root-port -cdrom $0")
	printf '\nIdle devices: Linux boots and works, times the time of a step on the plain board\n'
	for board in "${boards[@]}"; do
		ratios=()
		for ((pair = 0; pair < PAIRS; pair++)); do
			plain=$(step_time -machine plain)
			# shellcheck disable=SC2086 # words
			ratios+=("$(divide "$(step_time $board)" "$plain")")
		done
		printf '%-70s %9.3f   (%d pairs)\n' "${board%% -cdrom*}" "$(printf '%s\n' "${ratios[@]}" | median)" "$PAIRS"
	done
}

# --- the display ---

# Without pictures but for the last line: what the guest's stores take.
screens() {
	wanted screen || wanted scroll || wanted planes || wanted latches || return 0
	declare -A nothing=()
	local -a picked=("${words[@]}")
	display=(-vga std)
	wanted screen && words=()
	heads "The display, million operations a second"
	loop planes million "bytes stored to four planes"
	loop latches million "bytes read, and stored through a mask"
	heads "The display, pictures a second"
	loop scroll one "scrolls of 1024 x 768 dots of 4 bytes"
	words=("${picked[@]}") display=()
	"$O/bench-screen" "$bench/guest"
}

# --- small programs in a system of their own: tests/bench/programs/programs.tsv ---

table=${0%/*}/programs/programs.tsv
programs_peers() {
	local peer
	for peer in "${peers[@]}"; do [[ $peer == record ]] || echo "$peer"; done
}
programs_named() { # the names that are wanted
	local name rest
	while IFS=$'\t' read -r name rest; do
		[[ $name == '#'* || -z $name ]] || ! { wanted programs || wanted "$name"; } || echo "$name"
	done <"$table"
}

# PEER NAMES FILE: one boot of the guest, with these programs.
programs_boot() {
	options "$GUESTS/vmlinuz" "$bench/programs.cpio" "console=ttyS0 reboot=t panic=-1 programs=$2" 512
	case $1 in
	vmxray) "$bench/meter" "$3" - "$VMXRAY" "${machine[@]}" ;;
	qemu) "$bench/meter" "$3" - "$qemu" -accel tcg "${machine[@]}" ;;
	bochs)
		"$bench/disk" "$bench/boot" linux "${machine[1]}" "${machine[3]}" "${machine[5]}" >"$disk"
		bochs_configuration 512 | sed "s,dev=$work/serial,dev=$work/pipe," >"$work/bochsrc"
		echo c >"$work/go"
		rm -f "$work/pipe" "$disk.lock" # which one that was ended left
		mkfifo "$work/pipe"
		local command=("$bochs" -q -f "$work/bochsrc")
		((bochs_debugger)) && command+=(-rc "$work/go")
		"$bench/meter" "$3" "$work/pipe" "${command[@]}"
		;;
	esac >/dev/null 2>&1
}

# PEER RUN: the programs that are wanted; after one that took too long, or ended the emulator, the rest in another boot.
programs_run() {
	local left=("${programs[@]}") done_names
	: >"$work/$1.$2"
	while ((${#left[@]})); do
		programs_boot "$1" "$(IFS=, && echo "${left[*]}")" "$work/part"
		cat "$work/part" >>"$work/$1.$2"
		done_names=$(wc -l <"$work/part")
		((done_names)) || break
		left=("${left[@]:done_names}")
	done
}

# The runs of one peer as lines: NAME, the median in microseconds or `-`, the result or why there is none.
programs_median() { # PEER
	local name
	for name in "${programs[@]}"; do
		cat "$work/$1".[0-9]* | awk -F '\t' -v name="$name" '
			$1 == name && NF >= 4 { v[++n] = $2; status = $3; result = $4 }
			$1 == name && NF < 4 { why = $2 }
			END {
				if (why == "" && !n) why = "not run"
				if (why == "" && status != 0) why = "status " status
				for (i = 2; i <= n; i++) # a few numbers, in order
					for (k = i; k > 1 && v[k - 1] > v[k]; k--) { t = v[k]; v[k] = v[k - 1]; v[k - 1] = t }
				print name "\t" (why == "" ? v[int((n + 1) / 2)] : "-") "\t" (why == "" ? result : why)
			}'
	done >"$work/median.$1"
}

programs_table() {
	local peer first=1
	for peer in $(programs_peers); do
		awk -F '\t' -v OFS='\t' -v peer="$peer" '{ print peer, $0 }' "$work/median.$peer"
	done | awk -F '\t' -v peers="$(programs_peers | tr '\n' ' ')" -v table="$table" '
		{ time[$1, $2] = $3; result[$1, $2] = $4 }
		END {
			n = split(peers, peer, " ")
			while ((getline line <table) > 0) {
				split(line, field, "\t")
				name = field[1]
				half = field[2]
				if (!((peer[1], name) in time)) continue
				printf "%-15s %-22s", name, half
				for (i = 1; i <= n; i++) {
					t = time[peer[i], name]
					why = result[peer[i], name]
					if (t != "-" && why != result[peer[1], name]) { t = "-"; why = "other result" }
					if (i == 1) { printf " %9s", t == "-" ? why : sprintf("%.2f", t / 1000000); continue }
					base = time[peer[1], name]
					if (t == "-" || base == "-" || base == 0) { printf " %17s", t == "-" ? why : sprintf("%.2f", t / 1000000); continue }
					printf " %9.2f %5.2f x", t / 1000000, t / base
					sum[half, i] += log(t / base)
					count[half, i]++
				}
				print ""
			}
			for (h = split("tune judge", halves, " "); h > 0; h--) {
				half = halves[3 - h]
				printf "%-38s %9s", "geometric mean, " half, ""
				for (i = 2; i <= n; i++)
					if (count[half, i]) printf " %3d programs %5.2f x", count[half, i], exp(sum[half, i] / count[half, i])
					else printf " %17s", "-"
				print ""
			}
		}'
}

small_programs() {
	local peer run
	mapfile -t programs < <(programs_named)
	((${#programs[@]})) || return 0
	printf '\n%-38s' "Small programs, seconds"
	printf ' %9s' vmxray
	for peer in $(programs_peers); do
		for ((run = 0; run < RUNS; run++)); do programs_run "$peer" "$run"; done
		programs_median "$peer"
		case $peer in
		qemu) printf ' %17s' "QEMU TCG" ;;
		bochs) printf ' %17s' Bochs ;;
		esac
	done
	echo
	programs_table
}

# --- start and size of vmxray itself ---

start_time() {
	local run user wall rest times=()
	for ((run = 0; run < 5; run++)); do
		measure "$VMXRAY" "${machine[@]}" --steps 1
		read -r user wall rest <"$cost"
		times+=("$wall")
	done
	printf '%-38s %9.1f ms\n' "start to first instruction, and end" "$(divide "$(printf '%s\n' "${times[@]}" | median)" 1000)"
}

# The largest resident set of the whole process: guest RAM touched, block cache, everything.
resident() {
	local user wall most rest
	measure "$VMXRAY" "${machine[@]}"
	read -r user wall most rest <"$cost"
	printf '%-38s %9.1f MBytes, guest RAM included\n' "resident at most, Linux with 512 MBytes" "$(divide "$most" 1024)"
}

itself() {
	wanted itself || return 0
	options "$GUESTS/vmlinuz" "$GUESTS/initramfs.cpio" "console=ttyS0 reboot=t panic=-1 vmxray=bench" 512
	printf '\nvmxray itself\n'
	start_time
	resident
	"$O/bench-state"
}

# --- reads of a disk, by Debian's kernel: what DRIVE_TIMES reads of it take more than none, user and system time ---

DRIVE_MBYTES=512 DRIVE_TIMES=8
drive_cost() { # TIMES ARGUMENT...: microseconds, the median
	local run user wall most system costs=()
	options "$GUESTS/vmlinuz-general" "$bench/drive.cpio" "console=ttyS0 quiet panic=-1 times=$1" 512
	for ((run = 0; run < RUNS; run++)); do
		measure "$VMXRAY" "${machine[@]}" "${@:2}"
		tr -d "\r" <"$log" | grep -aq "^read /dev/[vs]da $1 times" || return
		read -r user wall most system <"$cost"
		costs+=($((user + system)))
	done
	printf '%s\n' "${costs[@]}" | median
}
drive() { # TEXT ARGUMENT...
	local none all
	none=$(drive_cost 0 "${@:2}") all=$(drive_cost $DRIVE_TIMES "${@:2}")
	printf '%-38s %9.0f MBytes a second\n' "$1" "$(divide $((DRIVE_TIMES * DRIVE_MBYTES * 1000000)) $((all > none ? all - none : 1)))"
}
disks() {
	wanted disk || return 0
	local file=$work/drive.img from
	head -c ${DRIVE_MBYTES}M /dev/urandom >"$file"
	from=file=$file,format=raw
	printf '\nReads of a disk, by dd iflag=direct bs=1M\n'
	drive virtio -drive "$from,if=virtio"
	drive AHCI -drive "$from,if=none,id=d" -device ahci,id=a -device ide-hd,drive=d,bus=a.0
	rm -f "$file"
}

find_peers
echo "Medians of $RUNS runs, user-mode processor time; 2.00 x: vmxray takes half the peer's time."
linux
levels
loops
screens
idle
small_programs
past
kept
disks
itself
