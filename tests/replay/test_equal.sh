#!/bin/bash
# Determinism, shown on Debian's kernel with its KVM and a guest under it: two runs, a run with millions of single steps,
# runs in which all derived state is dropped at odd places, and runs that the monitor watches give the same hashes at the
# same steps.
#
# The window of single steps begins where kvm-mini does: the hashes, printed in between, tell the step.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/replay/equal
mkdir -p "$dir"
every=25000000 window=55000000

machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -m 512 -nographic -no-reboot
	-append 'console=ttyS0 reboot=t panic=-1 vmxray=run')

run() { # NAME [OPTION...]: hashes to NAME.hash, output to NAME.out
	local name=$1
	shift
	"$VMXRAY" "${machine[@]}" --hash-every $every "$@" >"$dir/$name.out" 2>"$dir/$name.err" </dev/null
	echo $? >"$dir/$name.status"
	grep '^hash ' "$dir/$name.err" >"$dir/$name.hash"
}

# The same steps, the same hashes, the same output, the same end.
same() { # NAME CLAIM
	local difference count result
	difference=$(diff "$dir/free.hash" "$dir/$1.hash" | head -n 3 | tr '\n' ';')
	[[ -z $difference ]] && cmp -s "$dir/free.out" "$dir/$1.out" && cmp -s "$dir/free.status" "$dir/$1.status"
	result=$?
	count=$(wc -l <"$dir/free.hash")
	claim $result "$2: $count hashes are the same" "${difference:-the output or the status}"
}

run free --stats
status=$(<"$dir/free.status")
[[ $status == 0 ]] && grep -q 'kvm-mini: .* 0 failed' "$dir/free.out"
claim $? 'the machine boots, runs guests under KVM and switches itself off' "status $status; $(tail -n 3 "$dir/free.out" | tr '\n' ';')"
hashes=$(wc -l <"$dir/free.hash") different=$(cut -d ' ' -f 3 "$dir/free.hash" | sort -u | wc -l)
((hashes > 10 && hashes == different))
claim $? "$hashes hashes, all of them different" "$different different ones"

run again
same again 'a second run'

# kvm-mini's first word comes less than `every` steps after the hash before it.
from=$("$VMXRAY" "${machine[@]}" --hash-every $every </dev/null 2>&1 |
	awk '/^hash / { step = $2 } /^== kvm-mini/ { print step; exit }')
exits() { # STEP: VM exits until then
	"$VMXRAY" "${machine[@]}" --steps "$1" --stats </dev/null 2>&1 >/dev/null |
		awk '/^level/ { on = 1; next } /VM entries/ { next } on { n += $3 } END { print n + 0 }'
}
before=$(exits "$from") after=$(exits $((from + window)))
((after - before > 1000))
claim $? "the $window steps from step $from hold more than a thousand VM exits" "$before before, $after after"

run stepped --single-step=$from:$window
same stepped "with these steps made one at a time"
run dropped --drop-derived-every 1000003
same dropped 'caches dropped every 1000003 steps'
run both --single-step=$from:$window --drop-derived-every 99991
same both 'caches dropped every 99991 steps, and single steps'

# The monitor listens, and nothing is set; then it looks at every VM exit and entry, at MSRs and interrupts.
run attached -monitor "unix:$dir/socket"
same attached 'with the monitor attached'
printf '%s if level == 7\n' 'catch exit' 'catch entry' 'catch msr' 'catch interrupt' 'break 0x1000' >"$dir/looks"
run looked -x "$dir/looks"
cmp -s "$dir/free.hash" "$dir/looked.hash" && cmp -s "$dir/free.status" "$dir/looked.status" &&
	[[ $(grep -c ' on   catch' "$dir/looked.out") == 4 ]]
claim $? 'with catches and a breakpoint that look and never stop' "$(diff "$dir/free.hash" "$dir/looked.hash" | head -n 2)"

if [[ ${LONG:-} ]]; then
	run whole --single-step --drop-derived-every 777777
	same whole 'from reset to power-off one step at a time'
fi
