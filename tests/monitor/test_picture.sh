#!/bin/bash
# The picture of a moment is one: after going back and forth, out of a snapshot, in a replay; and sendkey types.
. "$(dirname "$0")/lib.bash"

kernel=$(guest linear32)
printf '%s\n' 'run-to 5000000' "screendump $dir/first.ppm" "savevm $dir/snapshot" 'goto 1000' "screendump $dir/before.ppm" \
	'goto end' "screendump $dir/after.ppm" 'hash' "screendump $dir/again.png" 'hash' quit >"$dir/script"
vmxray -kernel "$kernel" -vga std -serial null -S -x "$dir/script" </dev/null
cmp -s "$dir/first.ppm" "$dir/after.ppm" && ! cmp -s "$dir/first.ppm" "$dir/before.ppm"
claim $? 'the picture after goto is the one seen then' "$err"
[[ $(grep '^hash [0-9]' <<<"$out" | sort -u | wc -l) == 1 ]]
claim $? 'looking changes no hash' "$(grep '^hash' <<<"$out")"
[[ $(head -c 8 "$dir/again.png" | od -An -tx1 | tr -d ' ') == 89504e470d0a1a0a ]]
claim $? 'a PNG where the name does not end in .ppm' "$(head -c 8 "$dir/again.png" | od -An -tx1)"
hash=$(grep '^hash [0-9]' <<<"$out" | head -n 1)
printf '%s\n' "screendump $dir/loaded.ppm" hash quit >"$dir/script"
vmxray -loadvm "$dir/snapshot" -serial null -S -x "$dir/script" </dev/null
cmp -s "$dir/first.ppm" "$dir/loaded.ppm" && grep -qxF "$hash" <<<"$out"
claim $? 'so is that of a snapshot' "$out $err"

kernel=$(guest typing)
rm -f "$dir/record"
printf '%s\n' 'sendkey a 1' 'sendkey f5 1' 'sendkey up 1' 'run-to 10000000' "screendump $dir/typed.ppm" quit >"$dir/script"
vmxray -kernel "$kernel" -vga std -serial "file:$dir/typed" -record "$dir/record" -S -x "$dir/script" </dev/null
[[ $(<"$dir/typed") == 1e3f48 && $err != *altered* ]]
claim $? 'sendkey types' "$(<"$dir/typed") $err"
printf '%s\n' 'goto end' "screendump $dir/replayed.ppm" quit >"$dir/script"
vmxray -replay "$dir/record" -serial null -S -x "$dir/script" </dev/null
cmp -s "$dir/typed.ppm" "$dir/replayed.ppm"
claim $? 'and a replay shows what was typed' "$err"
