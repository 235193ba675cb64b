#!/bin/bash
# Several processors: Debian's kernel starts them, its KVM runs guests on any of them, and two runs, a run with single
# steps, and a run without caches give the same hashes at the same steps. Also: RAM above 4 GBytes.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/replay/smp
mkdir -p "$dir"
every=50000000 window=55000000

machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -nographic -no-reboot
	-append 'console=ttyS0 reboot=t panic=-1 vmxray=run')

run() { # NAME OPTION...: hashes to NAME.hash, output to NAME.out
	local name=$1
	shift
	"$VMXRAY" "${machine[@]}" "$@" >"$dir/$name.out" 2>"$dir/$name.err" </dev/null
	echo $? >"$dir/$name.status"
	grep '^hash ' "$dir/$name.err" >"$dir/$name.hash"
}

boots() { # NAME CLAIM PATTERN
	local status
	status=$(<"$dir/$1.status")
	[[ $status == 0 ]] && grep -q 'kvm-mini: .* 0 failed' "$dir/$1.out" && grep -qE "$3" "$dir/$1.out"
	claim $? "$2" "status $status; no $3; $(tail -n 2 "$dir/$1.out" | tr '\n' ';')"
}

same() { # NAME CLAIM
	local difference
	difference=$(diff "$dir/free.hash" "$dir/$1.hash" | head -n 3 | tr '\n' ';')
	[[ -z $difference ]] && cmp -s "$dir/free.out" "$dir/$1.out" && cmp -s "$dir/free.status" "$dir/$1.status"
	claim $? "$2: the same hashes" "${difference:-the output or the status}"
}

four=(-smp 4 -m 512 --hash-every $every)
run free "${four[@]}"
boots free 'four processors: boot, KVM, power-off' 'Brought up 1 node, 4 CPUs'
! grep -qiE 'TSC.*(unstable|warp)|clocksource.*unstable' "$dir/free.out"
claim $? 'their time stamp counters agree' "$(grep -iE 'unstable|warp' "$dir/free.out" | head -n 1)"
hashes=$(wc -l <"$dir/free.hash") different=$(cut -d ' ' -f 3 "$dir/free.hash" | sort -u | wc -l)
((hashes > 10 && hashes == different))
claim $? 'a hash at each interval, all of them different' "$hashes hashes, $different different ones"
run again "${four[@]}"
same again 'a second run'
# kvm-mini's first word comes less than `every` steps after the hash before it.
from=$("$VMXRAY" "${machine[@]}" "${four[@]}" </dev/null 2>&1 |
	awk '/^hash / { step = $2 } /^== kvm-mini/ { print step; exit }')
run both "${four[@]}" --single-step="$from:$window" --drop-derived-every 99991
same both 'caches dropped every 99991 steps, and single steps while KVM runs'

if [[ ${LONG:-} ]]; then
	run whole "${four[@]}" --single-step --drop-derived-every 777777
	same whole 'four processors from reset to power-off one step at a time'
fi

run two -smp 2 -m 512
boots two 'two processors' 'Brought up 1 node, 2 CPUs'
run large -m 8G
boots large '8 GBytes of RAM' 'Memory: .*/8388196K'
