#!/bin/bash
# Determinism, shown on Debian's kernel with its KVM and a guest under it: two runs, a run with millions of single steps,
# and runs in which all derived state is dropped at odd places give the same hashes at the same steps.
#
# The window of single steps lies where KVM runs its guests, which is found by looking at when kvm-mini speaks.
set -u
cd "$(dirname "$0")/../.." || exit 2
O=${O:-o} VMXRAY=${VMXRAY:-${O:-o}/vmxray} GUESTS=${GUESTS:-o/guests}
dir=$O/tests/replay/equal
mkdir -p "$dir"
every=25000000 window=${WINDOW:-11000000}

claim() { # RIGHT NAME [WHY]
	if [[ $1 == 0 ]]; then echo "ok $2"; else echo "not ok $2 - ${3:-}"; fi
}

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
	local difference count
	difference=$(diff "$dir/free.hash" "$dir/$1.hash" | head -n 3 | tr '\n' ';')
	[[ -z $difference ]] && cmp -s "$dir/free.out" "$dir/$1.out" && cmp -s "$dir/free.status" "$dir/$1.status"
	count=$(wc -l <"$dir/free.hash")
	claim $? "$2: $count hashes are the same" "${difference:-the output or the status}"
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

# Where KVM is at work: the last step at which nothing of kvm-mini is out yet, to within a few million steps.
last=$(tail -n 1 "$dir/free.hash" | cut -d ' ' -f 2)
spoken() { # STEP: whether kvm-mini has said anything by then
	"$VMXRAY" "${machine[@]}" --steps "$1" </dev/null 2>/dev/null | grep -q '^== kvm-mini'
}
low=0 high=${last:-0}
while ((high - low > 2000000)); do
	middle=$(((low + high) / 2))
	if spoken $middle; then high=$middle; else low=$middle; fi
done
exits() { # STEP: VM exits until then
	"$VMXRAY" "${machine[@]}" --steps "$1" --stats </dev/null 2>&1 >/dev/null |
		awk '/^level/ { on = 1; next } on && /VM entries/ { next } on { n += $3 } END { print n + 0 }'
}
before=$(exits $low) after=$(exits $((low + window)))
((after - before > 1000))
claim $? "the window of $window steps from step $low holds $((after - before)) VM exits" "$before before, $after after"

run stepped --single-step=$low:$window
same stepped "single-stepped in that window"
run dropped --drop-derived-every 1000003
same dropped 'caches dropped every 1000003 steps'
run dropped_often --steps $((low + 3000000)) --drop-derived-every 99991
head -n "$(($(wc -l <"$dir/dropped_often.hash") - 1))" "$dir/dropped_often.hash" >"$dir/dropped_often.head"
head -n "$(wc -l <"$dir/dropped_often.head")" "$dir/free.hash" | cmp -s - "$dir/dropped_often.head" &&
	(($(wc -l <"$dir/dropped_often.head") > 3))
claim $? "caches dropped every 99991 steps: $(wc -l <"$dir/dropped_often.head") hashes are the same" \
	"$(diff "$dir/free.hash" "$dir/dropped_often.head" | head -n 3 | tr '\n' ';')"
run odd --steps $((low + window)) --single-step=$low:$window --drop-derived-every 7777
run even --steps $((low + window))
cmp -s "$dir/odd.hash" "$dir/even.hash" && (($(wc -l <"$dir/even.hash") > 3))
claim $? 'both at once: the same hashes up to the end of the window' "$(diff "$dir/even.hash" "$dir/odd.hash" | head -n 3 | tr '\n' ';')"
