#!/bin/bash
# What remembers the past, after going back: as in a fresh run that is stopped there. Traces are not written twice.
. "$(dirname "$0")/lib.bash"
turtles=(-kernel "$O/turtles.elf" -append depth=2)

known='events 100
events lost
exits
exits loop
why
why exit
why entry
vmcs vmcs12@1
vmcs entry:current
stats
where
hash'

# What is said at a step, in a fresh run and after having been beyond.
at() { # STEP
	printf 'run-to %d\n%s\n' "$1" "$known" >"$dir/fresh.cmd"
	printf 'run-to 2300000\ngoto %d\n%s\n' "$1" "$known" >"$dir/back.cmd"
	for run in fresh back; do
		timeout 60 "$VMXRAY" -S -x "$dir/$run.cmd" "${turtles[@]}" -m 32M -serial null </dev/null 2>&1 |
			sed -n '/^(vmxray) events 100$/,$p' | sed 's/  (past: the end is step [0-9]*)//; /^TLB misses/d; /^slow lookups/d; /^blocks/d; /speed/d' >"$dir/$run.out"
	done
}
bad=
for step in 1 63513 167231 300000 481300 644774 700000 999999 1829671 2299999; do
	at $step
	[[ -s $dir/fresh.out ]] && cmp -s "$dir/fresh.out" "$dir/back.out" || bad+="$step: $(diff "$dir/fresh.out" "$dir/back.out" | head -n 4); "
done
[[ -z $bad ]]
claim $? 'events, exits, reasons, VMCSs and counts after goto are those of a fresh run stopped there' "$bad"

# A trace of a run that went back and forth, and of one that did not.
printf 'trace exits,events=%s\nrun-to 900000\n' "$dir/straight.txt" >"$dir/straight.cmd"
printf '%s\n' "trace exits,events=$dir/forth.txt" 'run-to 500000' 'reverse-step 1000' 'continue' 'run-to 600000' 'catch exit CPUID' \
	'reverse-continue' 'delete' 'goto 300000' 'run-to 400000' 'when-written cr3' 'goto end' 'goto 200000' 'run-to 900000' >"$dir/forth.cmd"
sed -i 's/^continue$/run-to 500000/' "$dir/forth.cmd"
for run in straight forth; do
	timeout 60 "$VMXRAY" -S -x "$dir/$run.cmd" "${turtles[@]}" -m 32M -serial null -steps 900000 </dev/null >/dev/null 2>&1
done
[[ -s $dir/straight.txt ]] && cmp -s "$dir/straight.txt" "$dir/forth.txt"
claim $? 'what is traced is written once, however often one goes back' "$(diff "$dir/straight.txt" "$dir/forth.txt" | head -n 5)"

# Of a span of the past: the same lines.
printf 'run-to 900000\ntrace exits,events=%s steps 300000 to 500000\n' "$dir/span.txt" >"$dir/span.cmd"
timeout 60 "$VMXRAY" -S -x "$dir/span.cmd" "${turtles[@]}" -m 32M -serial null -steps 900000 </dev/null >/dev/null 2>&1
awk '$1 > 300000 && $1 <= 500000' "$dir/straight.txt" >"$dir/part.txt"
sed -i '/^#/d' "$dir/span.txt"
[[ -s $dir/part.txt ]] && cmp -s "$dir/part.txt" "$dir/span.txt"
claim $? 'a trace of a span of the past has its lines' "$(diff "$dir/part.txt" "$dir/span.txt" | head -n 5)"

# The end of a run, with all of the past behind it.
end() { # what vmxray is given; commands on stdin
	timeout 60 "$VMXRAY" -on-end stop -serial null "$@" >"$dir/end.out" 2>&1
	status=$?
}
end "${turtles[@]}" -m 32M < <(printf '%s\n' where reverse-step reverse-continue 'goto end' hash quit)
[[ $(<"$dir/end.out") == *'The run is over: the guest powered off.'*'(past: the end is step '*'the beginning of its past'*hash\ * ]]
claim $? 'after a power-off the prompt is there, and the past' "$(<"$dir/end.out")"
end "${turtles[@]}" -m 32M -steps 1000 < <(printf '%s\n' where quit)
[[ $status == 6 && $(<"$dir/end.out") == *'The run is over: the step limit is reached.'*'step 1000 '* ]]
claim $? 'so it is after the step limit, and the status is its own' "$status $(<"$dir/end.out")"
end -kernel "$(guest triple_fault)" -no-reboot < <(printf '%s\n' 'step' 'reverse-step 2' quit)
[[ $(<"$dir/end.out") == *'The run is over: triple fault'*'(past: '* ]]
claim $? 'and after a triple fault' "$(<"$dir/end.out")"

end -kernel "$(guest stuck)" < <(printf '%s\n' quit)
[[ $(grep -c 'guest is stuck' "$dir/end.out") == 1 ]]
claim $? 'what ended it is said once' "$(<"$dir/end.out")"
end -kernel "$(guest stuck)" -history 0 < <(printf '%s\n' reverse-step quit)
[[ $(grep -c 'the past is not kept' "$dir/end.out") == 1 ]]
claim $? 'and once that nothing is kept' "$(<"$dir/end.out")"

# With two processors steps are those of both: the instruction before is near, on the same processor.
printf '%s\n' 'run-to 400000000' where reverse-next 'reverse-step -l 0' quit >"$dir/two.cmd"
timeout 60 "$VMXRAY" -S -x "$dir/two.cmd" -smp 2 -m 512 -serial null -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" \
	-append 'console=ttyS0 reboot=t panic=-1' </dev/null >"$dir/two.out" 2>&1
mapfile -t turns < <(grep -o '^step [0-9]*  cycle [0-9]*  cpu [0-9]*' "$dir/two.out" | tail -n 3 | awk '{ print $6, 400000000 - $2 }')
cpu=${turns[0]%% *} # the turn at a step is the kernel's matter
[[ ${#turns[@]} == 3 && ${turns[0]} == [01]' 0' && ${turns[1]} == "$cpu "? && ${turns[2]} == "$cpu "? ]]
claim $? 'reverse-next with two processors stays with the one that is looked at' "${turns[*]}"

# The end of the run is there again when one has come back to it.
end "${turtles[@]}" -m 32M < <(printf '%s\n' 'goto 1000' 'goto end' continue step quit)
[[ $(grep -c 'The run is over: the guest powered off\.' "$dir/end.out") == 3 ]]
claim $? 'who comes back to where the guest powered off finds it off' "$(<"$dir/end.out")"
end -kernel "$(guest triple_fault)" -no-reboot < <(printf '%s\n' 'reverse-step 2' 'goto end' continue quit)
[[ $(grep -c 'The run is over: triple fault' "$dir/end.out") == 2 ]]
claim $? 'the same for a triple fault' "$(<"$dir/end.out")"

# A register that is watched is compared with what it was at the moment that was gone to, also where one stretch of the
# way back ends and the next begins (100000 steps back).
spin=$(guest spin)
said_by() { printf '%s\n' "$@" | timeout 60 "$VMXRAY" -kernel "$spin" -S -m 16 -monitor stdio -serial null 2>&1; }
value=$(said_by 'run-to 400000' 'goto 300000' 'print rax' | sed -n 's/^\$1 = \(0x[0-9a-f]*\).*/\1/p')
before=$(printf '0x%x' $((value - 1)))
said=$(said_by 'run-to 400000' "watch rax if rax == $value" reverse-continue 'run-to 400000' 'goto 300002' 'run-to 300100' quit)
[[ $said == *"$before becomes $value"*'step 300000 '*'run-to 400000'*'step 400000 '*'step 300002 '*'step 300100 '* &&
	$(grep -c ' becomes ' <<<"$said") == 1 ]]
claim $? 'a watched register stops the way back where it changed, and nothing else does' "${said//$'\n'/;}"

said=$(said_by 'run-to 400000' 'break rip' 'ignore 1 3' reverse-continue quit)
[[ $said == *'reverse-continue'*'1: break '*'step 399992 '* ]]
claim $? 'hits are ignored on the way back too' "${said//$'\n'/;}"

hits() { said_by 'run-to 1000' 'break rip' 'ignore 1 1000' "$@" 'info breakpoints' quit | grep -o 'hit [0-9]* times' | tail -n 1; }
fresh=$(hits 'run-to 1051') gone=$(hits 'run-to 1400' 'goto 1051') forth=$(hits 'run-to 1400' 'goto 1051' 'goto 1300' 'goto 1020' 'run-to 1051')
[[ -n $fresh && $gone == "$fresh" && $forth == "$fresh" ]]
claim $? 'the hits of a breakpoint go back too' "$fresh, $gone, $forth"

said=$(said_by 'run-to 1000' 'first @-1:rax' 'first @99999999999999999999:rax' 'first 1/0' 'first @9:rax' quit)
[[ $said == *'@-1:rax: write @LEVEL: in front'*'there is no level 18446744073709551615; the levels are 0 to 8'*'it has a value at no step from 0 to 1000: '*'divided by 0'*'there is no level 9;'* ]]
claim $? 'first says what is wrong with what it looks for' "${said//$'\n'/;}"

# What is chosen, what was written by hand, and more bytes than one value has.
said=$(printf '%s\n' 'run-to 1000' 'cpu 1' 'goto 700' cpu reverse-step cpu 'cpu 0' 'goto 500' cpu 'goto end' 'run-to 1500' quit |
	timeout 60 "$VMXRAY" -kernel "$spin" -smp 2 -S -m 16 -monitor stdio -serial null 2>&1)
[[ $(grep -o 'processor [01] of 2' <<<"$said" | tr '\n' ' ') == 'processor 1 of 2 processor 1 of 2 processor 1 of 2 processor 0 of 2 processor 0 of 2 ' ]]
claim $? 'a processor that was chosen stays chosen when one goes back' "${said//$'\n'/;}"
said=$(said_by 'run-to 1000' 'write 0x300010 7' 'run-to 2000' 'watch 0x300010, 4' reverse-continue quit)
[[ $said == *'reverse-continue'*'1: watch 0x300010'*'by hand: 0x0 becomes 0x7'*'step 1000 '* ]]
claim $? 'a watchpoint on a linear address stops the way back at what was written by hand' "${said//$'\n'/;}"
said=$(said_by 'run-to 1000' 'write u32 0x300010 7' 'write 0x300010 7' 'run-to 2000' 'write 0x300ffe 0x11223344' 'run-to 3000' 'when-written 0x300000, 32' \
	'when-written u32[0x300ffe]' 'when-written 0x300000, 129' 'values u32[0x300ffe]' 'when-written 0x301010, 64' quit)
[[ $said == *'u64[phys:0x300010]: '*'step 1000 '*'-> 0x7'*'u16[phys:0x30'*'step 2000 '*'about 1 to 128;'*'lie in two pages: ask about 2 of them'*'64 bytes at 0x301010 has not changed'* ]]
claim $? 'when-written asks about up to 128 bytes, in any pages' "${said//$'\n'/;}"
rm -f "$dir/pipe"; mkfifo "$dir/pipe"
"$VMXRAY" -kernel "$spin" -steps 1000 -record "$dir/recorded" -serial null </dev/null >/dev/null 2>&1
cat "$dir/recorded" >"$dir/pipe" &
said=$(timeout 20 "$VMXRAY" -replay "$dir/pipe" -hash </dev/null 2>&1)
[[ $said == *"-replay $dir/pipe: this is a pipe; all of the recording is waited for"*'hash 1000 '* ]]
claim $? 'a recording that comes by a pipe is waited for, which is said' "$said"
