#!/bin/bash
# Debian's kernel and performance counters: perf_event_open(2) in a guest counts and samples (counters/init.c); the machine is the same
# with caches dropped.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/guests/counters
mkdir -p "$dir"
why=$(flock "$GUESTS" make -s O="$O" GUESTS="$GUESTS" "$GUESTS/counters-kvm.cpio" 2>&1) || {
	echo "ok counters-kvm.cpio # SKIP it cannot be made: ${why##*$'\n'}"
	exit
}
machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/counters.cpio" -append 'console=ttyS0 panic=-1' -m 256 -nographic -no-reboot -hash)
guest() { # NAME OPTION...
	timeout 60 "$VMXRAY" "${machine[@]}" "${@:2}" </dev/null >"$dir/$1" 2>"$dir/$1.err"
}
value() { # of NAME
	tr -d '\r' <"$log" | sed -n "s/.*counters: $1 \([0-9][0-9]*\).*/\1/p"
}
between() { # NAME LOW HIGH
	local is
	is=$(value "$1")
	[[ $is ]] && ((is >= $2 && is <= $3))
	claim $? "$1: $2 to $3" "${is:-none}"
}

log=$dir/free
guest free
has 'Linux drives version 5 and architectural last branches' 'Architectural LBR, Sapphire Rapids events, .*32-deep LBR, full-width counters'
has 'the watchdog counts' 'NMI watchdog: Enabled'
# Beside the loop's: a few of the system calls that begin and end.
between instructions 2000000 2000100
between cycles 2000000 2000100
between branches 1000000 1000050
between raw-instructions 2000000 2000100
between samples 39 41
between samples-with-branches 39 41
has 'without a timing model nothing predicts' 'branch-misses not supported'
has 'each sample has the last 32 branches, of the loop' 'branches recorded (1248|1280|1312), of the loop \1'

hash() { grep -a '^hash' "$dir/$1.err" | tail -n 1; }
guest dropped -drop-derived-every 1000003
for name in dropped; do
	[[ $(hash free) && $(hash $name) == "$(hash free)" ]]
	claim $? "the same machine: $name" "$(hash $name), not $(hash free)"
done

log=$dir/without
guest without -cpu server,-pmu
has 'without them Linux finds none' 'no PMU driver'
has 'and says so to programs' 'counters: raw-instructions not supported'

# KVM's virtual counters, in a guest of Debian's kernel: version 2, no last branches.
log=$dir/kvm
timeout 100 "$VMXRAY" -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/counters-kvm.cpio" -append 'console=ttyS0 reboot=t panic=-1' -m 1G \
	-nographic -no-reboot </dev/null >"$log" 2>/dev/null
has "KVM's guest has counters" '\.\.\. version: +2'
between instructions 2000000 2000100
between branches 1000000 1000050
between samples 39 41
