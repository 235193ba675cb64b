#!/bin/bash
# The monitor's commands: transcripts/NAME.cmd against transcripts/NAME.expected, byte for byte. The first line of a
# script names its guest, and for the teaching hypervisor (turtles) its command line, for others more options. UPDATE=1
# writes what is said now (to be read before it is believed).
#
# guest.S is assembled: it is the same everywhere. turtles is compiled, and its addresses and steps are the compiler's.
# transcripts/turtles.image says which compiler made the image that the transcripts are of, and which image that was. With
# that image they are compared byte for byte. With another compiler, what a compiler decides is masked on both sides:
# addresses, offsets, steps, counts that follow from them; names, texts, bits and the order of everything still count.
. "$(dirname "$0")/lib.bash"
shopt -s nullglob

here=$PWD/tests/monitor/transcripts
[[ $VMXRAY == /* ]] || VMXRAY=$PWD/$VMXRAY
debug_exit='-device isa-debug-exit,iobase=0xf4,iosize=0x04'
printf 'ffffffff81000000 T _text\nffffffff81000100 t inside\n0000000000001000 D per_cpu\n' >"$dir/map"
printf 'echo from another file\nstep 2\nbogus\n' >"$dir/inner.cmd"
cp "$here/running.cmd" "$dir"
truncate -s 1M "$dir/blank.img"

# Runs in $dir, so that names of files are the same everywhere.
in_dir() { # ARGUMENT...
	(cd "$dir" && timeout --kill-after=5 60 "$VMXRAY" "$@" $debug_exit)
}

compiler=$(gcc --version | head -n 1)$'\n'$(ld --version | head -n 1)
objcopy -O binary "$O/turtles.elf" "$dir/turtles.bin" # not to /dev/stdout, which root's objcopy may replace
image=$( (cat "$dir/turtles.bin"; nm -n "$O/turtles.elf") | sha256sum | cut -d ' ' -f 1)
[[ -z ${UPDATE:-} ]] || printf '%s\n%s\n' "$compiler" "$image" >"$here/turtles.image"
made_with=$(<"$here/turtles.image")
if [[ $made_with == "$compiler"* ]]; then
	[[ $made_with == *"$image" ]]
	claim $? 'turtles is as when the transcripts were made' 'it has changed: UPDATE=1, and read the difference'
else
	echo "ok turtles is as when the transcripts were made # SKIP it was made by another compiler or linker: masked"
fi

# Of another image: without what its compiler decided.
comparable() { # GUEST
	if [[ $1 != turtles || $made_with == *"$image" ]]; then
		cat
	else
		sed -E 's/\b(0x)?[0-9a-f]{5,}\b */N /g; s/\+0x[0-9a-f]+>/+N>/g; s/\[[0-9]+\]/[N]/g
			s/(step|cycle|entries) +[0-9N]+/\1 N/g; s/[0-9]+ KBytes/N KBytes/g
			s/[0-9]+ (symbols|translations)/N \1/; s/[0-9]+ times/N times/
			s/(\.[chS]):[0-9]+(  .*)?/\1:N/g; s/^(=>|  ) *[0-9]+: /\1 N: /
			s/^( +[0-9] +[A-Z(][A-Za-z_ )]*).*/\1N/; s/ +$//'
	fi
}

for script in "$here"/*.cmd; do
	name=${script##*/}
	name=${name%.cmd}
	read -r _ _ guest words <"$script"
	if [[ $guest == turtles ]]; then
		cp "$O/turtles.elf" "$dir"
		in_dir -kernel turtles.elf -append "${words:-depth=2}" -m 64 -S <"$script" >"$dir/$name.said" 2>"$dir/$name.err"
	else
		guest "$guest" >/dev/null
		in_dir -kernel "$guest" -cpu server,feature_control=0 $words -S <"$script" >"$dir/$name.said" 2>"$dir/$name.err"
	fi
	[[ -z ${UPDATE:-} ]] || cp "$dir/$name.said" "$here/$name.expected"
	comparable "$guest" <"$dir/$name.said" >"$dir/$name.out"
	comparable "$guest" <"$here/$name.expected" >"$dir/$name.wanted"
	cmp -s "$dir/$name.out" "$dir/$name.wanted"
	claim $? "transcript $name" "$(diff "$dir/$name.wanted" "$dir/$name.out" | head -n 4 | tr '\n' ';')"
done

# docs/tour.md is this transcript, shortened.
strange=$(sed -n '/^    \$ .*depth=2 -m 64 -S$/,/^`walk/ s/^    //p' docs/tour.md | grep -vE '^\$ |symbols o/' |
	grep -vxFf "$here/tour.expected")
[[ -z $strange ]]
claim $? "docs/tour.md is the transcript" "${strange//$'\n'/; }"

# What would be another text whenever a row is added somewhere: a pattern instead.
says() { # NAME PATTERN COMMAND
	local out
	out=$(in_dir -kernel spin -S < <(echo "$3") 2>/dev/null)
	[[ $out =~ $2 ]]
	claim $? "$1" "$out"
}
guest spin >/dev/null
says 'help lists commands with their arguments' $'\n  step +\\[N\\] \\| -l LEVEL +Does N instructions\.\n' help
says 'info lists its pages' $'\n  ioapic +the I/O APIC' info
says 'info device lists the parts of the state' $'\n *[0-9]+  lapic +[0-9]+ bytes' 'info device'
says 'hash' 'hash 0 [0-9a-f]{16}' hash
in_dir -kernel spin -S < <(echo savevm small) >/dev/null
says 'info snapshots lists them' $'\nsmall +step +0 +0\\.000 s +128 MBytes of RAM, +1 CPU  +[0-9]+ KBytes' 'info snapshots'
says 'info blocks' 'blocks built [0-9]+' 'info blocks'
says 'info qtree' $'\n *bus: isa.0\n.*dev: isa-debug-exit, id ""\n *iobase = 244 \\(0xf4\\)' 'info qtree'
says 'info levels' $'\\* level 0 ' 'info levels'
says 'info msr lists' 'IA32_APIC_BASE +[0-9a-f]{16}' 'info msr'
says 'info cpuid lists' '80000008  0  EAX' 'info cpuid'
says 'an ambiguous beginning names the choices' 's could|step ' 's'

# What help gives as examples of a place is taken.
in_dir -kernel spin -S < <(echo 'help when-written') >"$dir/help" 2>/dev/null
mapfile -t examples < <(grep -v '^(vmxray)' "$dir/help" | tr '\n' ' ' | grep -oE '\([^()]*\)' | tr -d '()' | sed 's/[,;] /\n/g' |
	grep -xE '(@[0-9]:)?[a-z][a-z0-9]*(\.[a-z]+)?(\[[a-z0-9 +]+\])?(\.[a-z]+)?')
wrong=
for example in "${examples[@]}"; do
	answer=$(in_dir -kernel spin -S < <(printf '%s\n' 'step 3' "when-written $example") 2>/dev/null | tail -n +5)
	[[ $answer == *'has not changed since'* || $answer == *' -> 0x'* ]] || wrong+=" $example: $answer;"
done
((${#examples[@]} >= 3)) && [[ -z $wrong ]]
claim $? "the examples of help are taken: ${examples[*]}" "$wrong"

# Every command stands in a transcript, and so does every page of info.
cat "$here"/*.cmd "$0" >"$dir/all"
vmxray -kernel "$(guest spin)" -S < <(echo help; echo info)
missing=
while read -r word; do
	grep -qE "(^|info |')$word( |/|'|\$)" "$dir/all" || missing+=" $word"
done < <(awk '/^  [a-z]/ { print $1 }' <<<"$out")
[[ -z $missing && $out == *'run-to'* && $out == *'ioapic'* ]]
claim $? 'every command and every page is in a transcript' "not there:$missing"

vmxray -kernel "$(guest spin)" -S < <(echo catch)
missing=
while read -r word; do
	grep -qE "^t?catch $word( |\$)" "$here"/*.cmd || missing+=" $word"
done < <(awk '/^  [a-z]/ { print $1 }' <<<"$out")
[[ -z $missing && $out == *failed-entry* ]]
claim $? 'everything that can be caught is in a transcript' "not there:$missing"

# Each broken hypervisor is understood after five commands at most, not counting the symbols.
long=
for script in "$here"/broken-*.cmd; do
	(($(grep -vcE '^(#|symbols|quit|$)' "$script") <= 5)) || long+=" ${script##*/}"
done
[[ -z $long ]]
claim $? 'five commands find what is broken' "more in$long"

# Whatever is set and however it is stepped, the run is the same run.
free=$(in_dir -kernel vmx -cpu server,feature_control=0 --hash 2>&1 </dev/null)
[[ $free == hash* ]]
claim $? 'a free run has a hash' "$free"
for script in running stops watches catches looking levels pages vmcs why; do
	{
		grep -vE '^(quit|delete)' "$here/$script.cmd"
		for ((i = 0; i < 400; i++)); do echo continue; done
		echo hash
	} >"$dir/typed"
	in_dir -kernel vmx -cpu server,feature_control=0 -S --hash <"$dir/typed" >"$dir/out" 2>"$dir/err"
	[[ $(<"$dir/err") == "$free" && $(tail -n 1 "$dir/out") == "$free" ]]
	claim $? "$script leaves the hash as in a free run" "$(<"$dir/err"), $(tail -n 1 "$dir/out"), not $free"
done

# -x and a pipe are the same.
printf 'symbols vmx\nstepexit\nwhere\nquit\n' >"$dir/script"
in_dir -kernel vmx -cpu server,feature_control=0 -x script </dev/null >"$dir/by-x" 2>/dev/null
in_dir -kernel vmx -cpu server,feature_control=0 -S <"$dir/script" 2>/dev/null | tail -n +3 >"$dir/by-pipe"
cmp -s "$dir/by-x" "$dir/by-pipe"
claim $? '-x FILE and a pipe say the same' "$(diff "$dir/by-x" "$dir/by-pipe" | head -n 3)"

# A script that does not stop the guest for good lets it run on; one with an error says so in the status.
guest print >/dev/null
echo 'step 3' >"$dir/script"
out=$(in_dir -kernel print -x script </dev/null 2>/dev/null)
status=$?
[[ $status == 1 && $out == *hello*world* ]]
claim $? 'after -x the guest runs on' "status $status: $out"
printf 'bogus\nquit\n' >"$dir/script"
in_dir -kernel print -x script </dev/null >/dev/null 2>&1
claim $(($? != 1)) 'an error in a script makes the status 1' "$?"
in_dir -kernel print -x nowhere </dev/null >"$dir/out" 2>"$dir/err"
[[ $? == 1 && ! -s $dir/out && $(<"$dir/err") == 'vmxray: nowhere: cannot be opened: No such file or directory' ]]
claim $? 'a script that is not there' "$(<"$dir/out") $(<"$dir/err")"
printf 'set eax = 1\nquit\n' >"$dir/script"
in_dir -kernel print -x script </dev/null >/dev/null 2>"$dir/err"
[[ $(<"$dir/err") == *'altered by hand: 1 time, first at step 0'* ]]
claim $? 'an altered run says so at its end' "$(<"$dir/err")"
