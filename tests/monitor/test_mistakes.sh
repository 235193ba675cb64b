#!/bin/bash
# The mistakes of mistakes/mistake.def, each planted in one small hypervisor (mistakes/mistakes.S): with three commands at most
# the prompt names the cause and the way out, in the words of the table; no two have the same cause. mistakes/expected is what
# is said of each, byte for byte; UPDATE=1 writes what is said now (to be read before it is believed). And the remarks of
# monitor/causes/lint.def, each with its example.
. "$(dirname "$0")/lib.bash"

here=$PWD/tests/monitor/mistakes
image=$dir/mistakes
[[ $image -nt $here/mistakes.S && $image -nt $here/mistake.def ]] || gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 \
	-Wl,--build-id=none "$here/mistakes.S" -o "$image" || exit 2
[[ $VMXRAY == /* ]] || VMXRAY=$PWD/$VMXRAY

# NAME, kind, cause, way and commands of each row, between tabs.
string='"(([^"\\]|\\.)*)"'
rows() {
	sed -nE "s/^MISTAKE\\((\\w+), +\"([^\"]*)\", +$string, +$string, +$string\\)\$/\\1\\t\\2\\t\\3\\t\\5\\t\\7/p" "$here/mistake.def" |
		sed 's/\\"/"/g'
}
say() { # NUMBER COMMAND...
	local number=$1
	shift
	printf '%s\n' "$@" quit | (cd "$dir" && timeout --kill-after=5 20 "$VMXRAY" -kernel mistakes -append "bug=$number" \
		-cpu server,feature_control=0 -no-reboot -steps 400000 -device isa-debug-exit,iobase=0xf4,iosize=0x04 -S 2>/dev/null) |
		tail -n +3
}

say 0 continue >"$dir/none"
[[ $(<"$dir/none") == *'wrote 0 to isa-debug-exit'* ]]
claim $? 'without a mistake the hypervisor works' "$(<"$dir/none")"

number=0
: >"$dir/said"
declare -A causes kinds
while IFS=$'\t' read -r name kind cause way commands; do
	((number++))
	IFS=';' read -ra list <<<"$commands"
	said=$(say "$number" continue "${list[@]}")
	printf '=== %s: %s\n%s\n' "$kind" "$name" "$said" >>"$dir/said"
	[[ $said == *"$cause"* && $said == *"$way"* && ${#list[@]} -le 3 && -z ${causes[$cause]:-} ]]
	claim $? "$kind: $name" "wanted: $cause; $way; said: ${said:0:600}"
	causes[$cause]=$name kinds[$kind]=1
done < <(rows)
((number >= 44 && ${#causes[@]} == number && ${#kinds[@]} >= 15))
claim $? "$number mistakes of ${#kinds[@]} kinds, no two with the same cause" "${!kinds[*]}"
[[ -z ${UPDATE:-} ]] || cp "$dir/said" "$here/expected"
cmp -s "$dir/said" "$here/expected"
claim $? 'the transcripts are as expected' "$(diff "$here/expected" "$dir/said" | head -n 4 | tr '\n' ';')"

# Every remark has its example; without a mistake few are made.
lints() { # the text and the example of each row
	tr '\n' ' ' <monitor/causes/lint.def | sed 's/LINT(/\nLINT(/g' | sed -nE "s/^LINT\\((\\w+),.*\"SDM[^\"]*\", +$string, +$string, +$string\\).*/\\2\\t\\6/p" |
		sed 's/\\"/"/g'
}
number_of() { rows | cut -f 1 | grep -nx "$1" | cut -d : -f 1; }
count=0
while IFS=$'\t' read -r text example; do
	[[ -n $text ]] || continue
	((count++))
	IFS=';' read -ra list <<<"$example"
	if [[ $example == bug=* ]]; then
		said=$(say "$(number_of "${example#bug=}")" continue lint)
	elif [[ -z $example ]]; then
		said=$(say 0 continue lint)
	else
		said=$(say 0 'symbols mistakes' stepexit stepexit "${list[@]}" lint)
	fi
	[[ $said == *"remark: $text"* ]]
	claim $? "lint: ${text:0:90}" "$example: $said"
done < <(lints; echo)
((count == $(grep -c '^LINT(' monitor/causes/lint.def)))
claim $? 'every remark has an example' "$count"
said=$(say 0 continue 'vmcs check')
[[ $said == *'0 of '*' rules fail'*'remark: '* ]]
claim $? 'vmcs check ends with the remarks' "$said"

# What shows elsewhere than in why.
said=$(say "$(number_of fault_exits)" 'tcatch exception 14' continue)
[[ $said == *'1: catch exception 14'*'VM exit EXCEPTION_NMI from level 1'* ]]
claim $? 'catch exception stops at one that a VM exit takes' "$said"
said=$(say "$(number_of fault_exits)" 'tcatch exception 13' continue)
[[ $said != *'1: catch exception'* && $said == *'The run is over'* ]]
claim $? 'and not at one of another vector' "$said"
said=$(say "$(number_of no_user_execute)" continue 'walk @1:gpa:0x200000')
[[ $said == *'together   rwx, user-mode linear addresses - (bit 10, XU)'* ]]
claim $? 'walk tells execution of user-mode addresses under mode-based execute control' "$said"
said=$(say "$(number_of no_acknowledge)" continue 'events 3')
[[ $said == *'VM exit       interrupt, not acknowledged: its vector is not known'* ]]
claim $? 'events: an interrupt without its vector' "$said"
