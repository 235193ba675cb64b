#!/bin/bash
# A guest sees the same wherever its files lie and however their paths are typed: kernel and modules of multiboot and PVH
# guests have no folder in what they are told.
. "$(dirname "$0")/lib.bash"
dir=$(realpath "$dir")
kernel=$(realpath "$O/turtles.elf") other=$dir/a/b
vmxray=$(realpath "$VMXRAY")
mkdir -p "$other"
cp "$kernel" "$other/turtles.elf"
echo a module >"$other/module"

hash() { # KERNEL MODULE [OPTION...]: after so many steps
	"$vmxray" -kernel "$1" -initrd "$2 words" -append "depth=2" -m 64 -nographic --steps 300000 --hash </dev/null 2>&1 >/dev/null |
		grep '^hash '
}
first=$(cd "$other" && hash turtles.elf module)
[[ $first == 'hash 300000 '* ]]
claim $? 'a multiboot guest with a module runs' "$first"
for paths in "$other/turtles.elf $other/module" "a/b/turtles.elf a/b/module" "./a//b/../b/turtles.elf ./a/b/./module"; do
	read -r elf module <<<"$paths"
	again=$(cd "$dir" && hash "$elf" "$module")
	[[ $again == "$first" ]]
	claim $? "with the same hash as ${elf//$dir\//}" "$again, not $first"
done

# What the guest is told, in its memory, is the same but for the name of another file.
mv "$other/turtles.elf" "$other/turtlet.elf"
told() { (cd "$other" && printf 'x/40s 0x10000\nquit\n' >"$dir/script" && "$vmxray" -kernel "$1" -m 64 -nographic -S -x "$dir/script" </dev/null 2>&1); }
[[ $(told turtlet.elf) == *turtlet.elf* && $(told ./turtlet.elf) != *./turtlet.elf* ]]
claim $? 'the name itself is told' "$(told turtlet.elf | head -n 5)"
