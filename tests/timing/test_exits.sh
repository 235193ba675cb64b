#!/bin/bash
# What one CPUID of turtles' guest costs under a core, in a loop, single-level and nested: the figures of docs/timing.md.
. "$(dirname "$0")/../claim.bash"

loop() { # DEPTH: cycles from a CPUID to the next one of the payload's loop, the least of a few
	{
		printf 'catch exit CPUID if level == %s\n' "$1"
		for _ in 1 2 3 4 5 6 7 8; do echo continue; done
		echo quit
	} | timeout 60 "$VMXRAY" -kernel "$O/turtles.elf" -append "depth=$1" -m 64 -nographic -timing golden-cove -S 2>&1 |
		awk '/^VM exit CPUID/ { caught = 1; next } caught && /^step/ { if (last) print $4 - last; last = $4; caught = 0 }' | sort -n | head -n 1
}
single=$(loop 1) nested=$(loop 2)
echo "# a CPUID costs $single cycles, nested $nested"
((single > 784 && single < 1400))
claim $? 'single-level: an exit and an entry, and what the hypervisor does between them' "$single"
((nested > 3 * single && nested < 15000))
claim $? 'nested: several times that' "$nested"

checked() { # DEPTH: how many VM entries checked the controls
	printf 'step 400000\ninfo cycles\nquit\n' |
		timeout 60 "$VMXRAY" -kernel "$O/turtles.elf" -append "depth=$1" -m 64 -nographic -timing golden-cove -S 2>&1 |
		awk '/VM entries that checked the controls/ { print $1 }'
}
one=$(checked 1) two=$(checked 2)
((one == 1 && two > 2 && two < 50))
claim $? 'a hypervisor with a VMCS has it checked once, one that runs a nested guest has several, each checked when it is new or changed' "$one, $two"
