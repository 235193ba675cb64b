#!/bin/bash
# Under a model of a core a run is the same however it is made: free, one step at a time, caches dropped, with the past kept,
# saved and loaded on the way: a hypervisor that runs itself, and two processors.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/timing/hashes
mkdir -p "$dir"
end=600000 way=237001

run() { # MODEL DEPTH PROCESSORS OPTION...: the last hash
	local model=$1 depth=$2 processors=$3
	shift 3
	timeout 60 "$VMXRAY" -kernel "$O/turtles.elf" -append "depth=$depth" -m 64 -smp "$processors" -nographic -timing "$model" \
		-steps $end -hash "$@" </dev/null 2>&1 | grep -a '^hash' | tail -n 1
}
same() { # NAME HASH
	[[ -n $free && $2 == "$free" ]]
	claim $? "$model, $processors: $1" "$2, not $free"
}
for model in golden-cove skylake-sp; do
	for processors in 1 2; do
		free=$(run $model 2 $processors)
		same 'one step at a time' "$(run $model 2 $processors -single-step)"
		same 'caches dropped every 777 steps' "$(run $model 2 $processors -drop-derived-every 777)"
		same 'with the past kept' "$(run $model 2 $processors -history 64M)"
		printf 'step %s\nsavevm %s\nquit\n' $way "$dir/way" |
			timeout 60 "$VMXRAY" -kernel "$O/turtles.elf" -append depth=2 -m 64 -smp $processors -nographic -timing $model \
				-S -serial null >"$dir/out" 2>&1
		same 'saved and loaded on the way' \
			"$(timeout 60 "$VMXRAY" -loadvm "$dir/way" -nographic -steps $end -hash </dev/null 2>&1 | grep -a '^hash' | tail -n 1)"
	done
done
step=$(run step 2 1) core=$(run golden-cove 2 1)
[[ $step != "$core" ]]
claim $? 'a core is another machine than one cycle a step' "$step"
