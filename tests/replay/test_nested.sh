#!/bin/bash
# Determinism with guests of guests: Debian's KVM runs Debian's kernel, whose KVM runs it once more. A run in which a
# hundred million steps are made one at a time while L2 runs, and all derived state is dropped at odd places, gives the
# same hashes and the same output as a free run; on one processor and (LONG) on two.
#
# Hashes go to the same file as the output, which so tells when L2 runs.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/replay/nested
mkdir -p "$dir"
every=100000000 window=$every

run() { # NAME PROCESSORS [OPTION...]: output, hashes and exit status to NAME.out
	"$VMXRAY" -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/nested.cpio" -m 1G -nographic -no-reboot -smp "$2" \
		-append "console=ttyS0 reboot=t panic=-1 vmxray=nested levels=2 guest=quiet smp=$2" \
		--hash-every $every "${@:3}" >"$dir/$1.out" 2>&1 </dev/null
	echo "status $?" >>"$dir/$1.out"
}

for processors in 1 ${LONG:+2}; do
	free=$dir/free-$processors.out
	run free-$processors $processors
	ends=$(tr -d '\r' <"$free" | grep -acE '^== (L1: )?L[12] ended with status 0|^== powering off|^status 0')
	((ends == 4))
	claim $? "$processors processors: L1 and L2 boot and switch themselves off" "$(tail -n 2 "$free" | tr '\n' ';')"
	hashes=$(grep -ac '^hash ' "$free") different=$(grep -a '^hash ' "$free" | cut -d ' ' -f 3 | sort -u | wc -l)
	((hashes > 50 && hashes == different))
	claim $? "$processors processors: $hashes hashes, all of them different" "$different different ones"

	# L2's first word comes less than `every` steps after the hash before it.
	from=$(awk '/^hash / { step = $2 } /^== L2: Linux/ { print step; exit }' "$free")
	run both-$processors $processors --single-step="$from:$window" --drop-derived-every 1000003
	cmp -s "$free" "$dir/both-$processors.out"
	claim $? "$processors processors: the same hashes with single steps from $from, and caches dropped" \
		"$(diff -a "$free" "$dir/both-$processors.out" | head -n 3 | tr '\n' ';')"
done
