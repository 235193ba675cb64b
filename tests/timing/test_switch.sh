#!/bin/bash
# timing NAME at the prompt: an input. A replay changes over where the run did, a way back over the change brings the model of that
# moment with what it knew, checkpoints of both kinds lie side by side, and a machine is saved with the model it has.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/timing/switch
mkdir -p "$dir"

prompt() { # OPTION...: what is said, of the commands on standard input
	timeout 60 "$VMXRAY" -nographic -serial null -S "$@" 2>&1
}
turtles=(-kernel "$O/turtles.elf" -append depth=2 -m 64)
hashes() { grep -ao 'hash [0-9a-f]*' | cut -d ' ' -f 2; }
way='step 60000\nhash\ntiming golden-cove\nstep 150000\nhash\ntiming step\nstep 50000\nhash\ntiming skylake-sp\nstep 100000\nhash\n'
for processors in 1 2; do
	live=$(printf "$way"'goto 90000\nhash\ngoto 60000\ngoto 30000\nhash\ngoto 230000\nhash\ngoto 210000\nhash\ngoto end\nhash\ntiming\nquit\n' |
		prompt "${turtles[@]}" -smp $processors -record "$dir/recording")
	mapfile -t hash < <(hashes <<<"$live")
	[[ ${#hash[@]} == 9 && $(printf '%s\n' "${hash[@]:0:7}" | sort -u | wc -l) == 7 ]]
	claim $? "$processors: each moment has a hash of its own" "$live"
	[[ ${hash[3]} == "${hash[8]}" ]]
	claim $? "$processors: back over the changes and to the end again" "${hash[3]} ${hash[8]}"
	fresh=$(printf 'step 60000\ntiming golden-cove\nstep 30000\nhash\nquit\n' | prompt "${turtles[@]}" -smp $processors | hashes)
	[[ ${hash[4]} == "$fresh" ]]
	claim $? "$processors: a moment of the past under a core is as a run that ends there" "${hash[4]} $fresh"
	fresh=$(printf 'step 30000\nhash\nquit\n' | prompt "${turtles[@]}" -smp $processors | hashes)
	[[ ${hash[5]} == "$fresh" ]]
	claim $? "$processors: and so is one before the first change" "${hash[5]} $fresh"
	[[ $live == *'skylake-sp: Skylake'* ]]
	claim $? "$processors: timing alone says which model it is" "$live"
	again=$(printf 'step 60000\nhash\nstep 150000\nhash\nstep 50000\nhash\nstep 100000\nhash\ngoto 90000\nhash\nquit\n' |
		prompt -replay "$dir/recording" | hashes)
	[[ $again == "$(printf '%s\n' "${hash[@]:0:5}")" ]]
	claim $? "$processors: a replay changes over where the run did" "$again"
done
printf 'step 60000\ntiming golden-cove\nstep 1000\nsavevm %s\nquit\n' "$dir/saved" | prompt "${turtles[@]}" >"$dir/out"
free=$(printf 'step 60000\ntiming golden-cove\nstep 9000\nhash\nquit\n' | prompt "${turtles[@]}" | hashes)
loaded=$(printf 'step 8000\nhash\nquit\n' | prompt -loadvm "$dir/saved" | hashes)
[[ $free && $free == "$loaded" ]]
claim $? 'a machine that changed over is saved and loaded' "$free $loaded"
said=$(printf 'timing pentium\nquit\n' | prompt "${turtles[@]}")
[[ $said == *'timing pentium: there is no such model (-timing help lists them)'* ]]
claim $? 'a model that there is not is refused' "$said"
