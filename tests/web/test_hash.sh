#!/bin/bash
# The machine as WebAssembly under Node is the native one: turtles at two depths says the same, in as many steps, and
# ends in the same state.
. "$(dirname "$0")/lib.bash"
built "$O/web/vmxray.wasm"

for words in depth=3 'depth=2 shadow=off'; do
	said=$(timeout 300 node tests/web/run.js "$O/web/vmxray.wasm" "$O/turtles.elf" "$words" 2>&1)
	wanted=$(native "$words")
	[[ -n $wanted && $(grep ^hash <<<"$said") == "$(grep ^hash <<<"$wanted")" ]]
	check "hash, $words" $? "$(grep ^hash <<<"$said") instead of $(grep ^hash <<<"$wanted")"
	[[ $(grep ^L <<<"$said") == "$(grep ^L <<<"$wanted")" ]]
	check "console, $words" $? "the guest says something else: $(grep ^L <<<"$said" | head -1)"
done
echo "1..$count"
