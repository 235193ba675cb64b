#!/bin/bash
# Questions about a long past, by one machine and by several side by side: the same answers.
. "$(dirname "$0")/lib.bash"

asks='run-to 45000000
values cr2
values u32[phys:0x300000]
values u32[phys:0x300000] from 4000000 to 44000000
first cr2 == 6
last cr2 == 3
first cr2 == 4711
first rcx == 1 && rdx == 0 from 1500000 to 5000000
last rcx == 0 from 3000000 to 6000000
first -ecx + 3 == 1 ? eax & 0x1fffff == 7 : (rflags & 0x40) << 1 == 0x80 && al < 5 from 2000000 to 5000000
first rax / rcx == 5 from 1000 to 2200000
values ecx from 8000000 to 10500000
values @0:ecx from 8000000 to 10500000
when-written -all u32[phys:0x300008]
when-written -all u32[phys:0x300010]
watch u32[phys:0x300000] if u32[phys:0x300000] == 3
reverse-continue
goto 45000000
delete
watch u32[phys:0x300000] if u32[phys:0x300000] == 1
reverse-continue
hash
goto 45000000
hash'
for workers in 1 3; do
	timeout 100 "$VMXRAY" -kernel "$(guest count)" -S -x <(echo "$asks") -m 16M -serial null -monitor none -steps 45000000 \
		-history-workers $workers </dev/null >"$dir/by.$workers" 2>&1
	echo "status $?" >>"$dir/by.$workers"
done
wanted='(goto 3' # of first and last
grep -qF "$wanted" "$dir/by.1" && ! grep -q 'cannot be replayed' "$dir/by.1" && tail -n 1 "$dir/by.1" | grep -q 'status 1'
claim $? 'the past of a guest that counts has answers' "$(tail -n 5 "$dir/by.1")"
cmp -s "$dir/by.1" "$dir/by.3"
claim $? 'three workers have the same answers as one' "$(diff "$dir/by.1" "$dir/by.3" | head -n 8)"
