#!/bin/bash
# Symbols and source lines of ELF files, judged by what the linker and gdb say of the same files.
. "$(dirname "$0")/lib.bash"

spin=$(guest spin)
monitor() { # COMMAND...: what it prints
	printf '%s\n' "$@" quit | timeout --kill-after=5 60 "$VMXRAY" -kernel "$spin" -S 2>/dev/null
}
[[ $VMXRAY == /* ]] || VMXRAY=$PWD/$VMXRAY

# The lines of the teaching hypervisor's functions, in C and in assembly.
elf=$O/turtles.elf
mapfile -t addresses < <(nm "$elf" | awk '$2 ~ /^[tT]$/ { print "0x" $1 }' | sort -u)
commands=("symbols $elf")
for address in "${addresses[@]}"; do commands+=("disas $address, 1"); done
monitor "${commands[@]}" | grep -oE '^tests[^ ]*:[0-9]+' >"$dir/ours"
gdb_lines() { # ELF ADDRESS...: FILE:LINE of each that has one
	local elf=$1 address
	shift
	for address; do echo "info line *$address"; done >"$dir/commands"
	gdb -nx -batch -x "$dir/commands" "$elf" 2>/dev/null | sed -nE 's/^Line ([0-9]+) of "([^"]*)".*/\2:\1/p'
}
gdb_lines "$elf" "${addresses[@]}" >"$dir/theirs"
[[ $(wc -l <"$dir/theirs") -gt 50 ]] && cmp -s "$dir/ours" "$dir/theirs"
claim $? 'the source line of every function' "$(diff "$dir/ours" "$dir/theirs" | head -n 4 | tr '\n' ';') of $(wc -l <"$dir/theirs")"

# What is there already is not there twice, by whichever name it is read.
cp "$elf" "$dir/other.elf"
said=$(monitor "symbols $elf" "symbols $dir/other.elf")
[[ $(grep -c 'were there already' <<<"$said") == 1 && $(grep -c '^level any .*turtles.elf' <<<"$said") == 1 && $(grep -c '^level any .*other.elf' <<<"$said") == 1 ]]
claim $? 'the symbols of a file that was read are not there twice' "$said"

# A relocatable file as Linux would place it, and the same file linked there: the same names and lines.
mkdir -p "$dir/build"
[[ $dir == /* ]] || dir=$PWD/$dir
cat >"$dir/build/module.c" <<'C'
__attribute__((section(".init.text"))) int set_up(int a) { return a + 1; }
int twice(int a) {
    return 2 * a;
}

__attribute__((section(".text.unlikely"), aligned(32))) int rarely(int a) {
    return a ? twice(a - 1) : 0;
}
static int in_data = 4;
int *where = &in_data;
C
(cd "$dir/build" && gcc -c -g -O2 -fno-pic -mcmodel=kernel module.c -o module.o &&
	ld -r module.o -o module.ko && ld -e 0 --no-warn-rwx-segments -T /dev/stdin module.o -o linked) <<'LD' || exit 2
SECTIONS {
	. = 0xffffffffc0100000;
	code : { *(.text) . = ALIGN(32); *(.text.unlikely) }
	. = 0xffffffffd0000000;
	data : { *(.init.text) *(.data*) *(.eh_frame) }
}
LD
cd "$dir/build" || exit 2
spin=../spin
names='twice rarely'
for name in $names; do
	address=0x$(nm linked | awk -v name="$name" '$3 == name { print $1 }')
	line=$(gdb_lines linked "$address")
	out=$(monitor 'symbols module.ko at 0xffffffffc0100000' "p/x $name" "list $name")
	[[ $out == *" = $address"* && $out == *"
module.c
"* && $out == *" ${line#*:}: "* ]]
	claim $? "a relocatable file: $name" "$address $line; $out"
done
out=$(monitor 'symbols module.ko at 0xffffffffc0100000' 'p set_up' 'p in_data' 'break module.c:6')
[[ $out == *'no register'*'at: set_up'*'no register'*'at: in_data'* && $out == *'<rarely>, module.c:7'* ]]
claim $? 'a relocatable file: neither .init sections nor data' "$out"
out=$(monitor 'symbols module.ko')
[[ $out == *'symbols module.ko: a relocatable file, '*'at ADDRESS says where its code is'* ]]
claim $? 'a relocatable file wants an address' "$out"
out=$(monitor 'symbols linked at 0xffffffff90000000' 'p/a twice' 'break module.c:2')
[[ $out == *'0xffffffff90000000 <twice>'*'break 0xffffffff90000000 <twice>, module.c:3'* ]]
claim $? 'lines move with the symbols' "$out"

# The source is gone, or shorter than it was.
echo '// one line' >module.c
out=$(monitor 'symbols linked' 'list module.c:6' 'disas rarely, 1')
[[ $out == *$'\nmodule.c: it has no line 2\n'* && $out == *$'\nmodule.c:7\n'* ]]
claim $? 'a source file with fewer lines' "$out"
rm module.c
out=$(monitor 'symbols linked' 'list module.c:6' 'disas rarely, 1')
[[ $out == *"$PWD/module.c: cannot be read: No such file or directory"* && $out == *$'\nmodule.c:7\n'* ]]
claim $? 'a source file that is not there' "$out"

# Damaged debug information is none, and takes nobody down.
for ((i = 0; i < 40; i++)); do
	cp module.ko damaged
	size=$(stat -c %s damaged)
	for ((j = 0; j < 20; j++)); do
		printf "\\x$(printf %x $(((i * 7 + j * 13) % 256)))" |
			dd of=damaged bs=1 seek=$((64 + (i * 7919 + j * 104729) % (size - 64))) conv=notrunc status=none
	done
	monitor 'symbols damaged at 0x100000' 'disas 0x100000, 4' 'list module.c:3' >/dev/null
	status=${PIPESTATUS[0]}
	((status < 124)) || break
done
claim $((status >= 124)) 'damaged files' "file $i: status $status"
