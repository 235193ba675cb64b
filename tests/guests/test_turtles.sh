#!/bin/bash
# The teaching hypervisor, turtles/: itself on itself, one to three levels deep, with VMCS shadowing and without; and that
# such a machine is the same however it is run.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/guests/turtles
mkdir -p "$dir"

turtles() { # NAME WORDS [OPTION...]: output to NAME.out, stderr to NAME.err; returns the status
	local name=$1 words=$2 status
	shift 2
	timeout 120 "$VMXRAY" -kernel "$O/turtles.elf" -append "$words" -m 64 -nographic -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 "$@" \
		>"$dir/$name.raw" 2>"$dir/$name.err" </dev/null
	status=$?
	tr -d '\r' <"$dir/$name.raw" >"$dir/$name.out"
	return $status
}

for depth in 0 1 2 3; do
	for shadow in on off; do
		[[ $depth-$shadow != [01]-off ]] || continue
		name=depth$depth-$shadow
		turtles "$name" "depth=$depth shadow=$shadow"
		claim $? "depth $depth, shadowing $shadow: the machine is switched off" "$(tail -n 2 "$dir/$name.out" | tr '\n' ';')"
		checks=$((depth ? 17 : 14))
		grep -qx "L$depth payload: $checks checks, 0 failed" "$dir/$name.out" &&
			[[ $(grep -c "^L$depth ok   " "$dir/$name.out") == "$checks" ]]
		claim $? "depth $depth, shadowing $shadow: all of the payload's $checks checks" "$(grep FAIL "$dir/$name.out" | tr '\n' ';')"
		[[ $(grep -o '^L[0-9] account' "$dir/$name.out" | tr -d '\n') == $(for ((l = depth - 1; l >= 0; l--)); do printf 'L%d account' $l; done) ]]
		claim $? "depth $depth, shadowing $shadow: each hypervisor's account, the innermost's first"
	done
done

# A failing check must be seen in the status, from the innermost level to the outside.
turtles broken 'depth=2 break=1'
status=$?
grep -q '^L2 FAIL' "$dir/broken.out" && ((status == 3))
claim $? 'a check that fails at level 2 ends the machine with status 3' "status $status"

# What L0's account says of a reason: column 1 exits of L1, 2 and 3 of L2: handled here, reflected; 4 L1's exits for each.
account() { # NAME REASON COLUMN
	awk -v reason="$2" -v column="$3" '/^L0 account/ { on = 1 } on && $2 == reason { print $(column + 2) + 0; exit }' "$dir/$1.out"
}
more=$(account depth2-off all 4) less=$(account depth2-on all 4)
awk -v more="$more" -v less="$less" 'BEGIN { exit !(less >= 1 && more >= 4 * less) }'
claim $? 'VMCS shadowing saves L1 most of the exits that an exit of L2 costs' "$less with, $more without"
[[ $(account depth2-on CPUID 3) == $(account depth2-off CPUID 3) ]] && (($(account depth2-on CPUID 3) >= 20))
claim $? "each CPUID of L2 is reflected to L1"
for reason in EXTERNAL_INTERRUPT INTERRUPT_WINDOW HLT CR_ACCESS IO_INSTRUCTION RDMSR WRMSR EPT_VIOLATION VMCALL; do
	(($(account depth2-on $reason 3) > 0))
	claim $? "$reason of L2 is reflected to L1"
done

# vmxray finds the levels out by watching (vmx/level/level.c): from what only one level does it can be seen that it is right.
for depth in 2 3 4; do
	turtles "levels$depth" "depth=$depth" --stats
	stats=$dir/levels$depth.err
	times() { # LEVEL REASON: how many of these exits vmxray saw
		awk -v level="$1" -v reason="$2" '/^level/ { on = 1 } on && $1 == level && $2 == reason { print $3; exit }' "$stats"
	}
	[[ $(times "$depth" CPUID) == 24 && $(times "$depth" CR_ACCESS) == 10 && $(times "$depth" VMCALL) == 1 &&
		$(times "$depth" HLT) == 5 && ! $(times "$depth" VMXON) && ! $(times $((depth + 1)) CPUID) ]]
	claim $? "depth $depth: the payload's exits are level $depth's" "$(grep " CPUID" "$stats" | tr '\n' ';')"
	right=0
	for ((level = 1; level < depth; level++)); do
		[[ $(times $level VMXON) == 1 && ! $(times $level VMCALL) && ! $(times $level HLT) ]] || right=1
	done
	claim $right "depth $depth: each level below executes VMXON once, and no payload" "$(grep ' VMXON' "$stats" | tr '\n' ';')"
	awk '/^in level/ { on = 1; next } !NF { on = 0 } on { steps[$1] = $2; n++; entered += $4; left += $5; sum += $2 }
		$1 == "steps" { all = $2 }
		END { exit !(n == '$depth' + 1 && sum == all && entered == left && steps['$depth'] > 480000 && steps['$depth'] < 510000) }' "$stats"
	claim $? "depth $depth: the payload takes as many steps at each depth, and all levels together all steps" "$(sed -n '/^in level/,/^$/p' "$stats" | tr '\n' ';')"
done

# The same machine free, in single steps for a while, and with caches dropped.
every=1000000
hashes() { # NAME [OPTION...]
	turtles "$1" 'depth=3' --hash-every $every "${@:2}"
	grep '^hash ' "$dir/$1.err" >"$dir/$1.hash"
}
hashes free
count=$(sort -u -k 3 "$dir/free.hash" | wc -l)
((count > 10 && count == $(wc -l <"$dir/free.hash")))
claim $? "depth 3: $count hashes, all of them different"
for way in 'stepped --single-step=9000000:3000000' 'dropped --drop-derived-every=10007'; do
	read -r name option <<<"$way"
	hashes "$name" "$option"
	diff -q "$dir/free.hash" "$dir/$name.hash" >/dev/null && cmp -s "$dir/free.out" "$dir/$name.out"
	claim $? "depth 3, $name: the same hashes, the same output" "$(diff "$dir/free.hash" "$dir/$name.hash" | head -n 2 | tr '\n' ';')"
done
