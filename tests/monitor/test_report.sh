#!/bin/bash
# Reports of mistakes (-report): the teaching hypervisor with planted ones, at level 0 and in its nested half, each named at the
# instruction that makes it, with where it began; none without them; and the run is the same run.
. "$(dirname "$0")/lib.bash"

run() { # COMMAND-LINE OPTION...
	local line=$1
	shift
	vmxray -kernel "$O/turtles.elf" -append "$line" -m "${memory:-64}" -device isa-debug-exit,iobase=0xf4,iosize=0x04 --hash "$@" </dev/null
}

# LINE RULE LEVEL FUNCTION [BEGINNING [OPTION...]]: reported there, and began there.
planted() {
	local hash
	run "$1" "${@:6}"
	hash=$(tail -n 1 <<<"$err")
	run "$1" "${@:6}" -report "all=$dir/said" -report "all=$dir/said.jsonl"
	grep -A 12 "rule $2\$" "$dir/said" | grep -q . && grep -B 2 "rule $2\$" "$dir/said" | grep -q "level $3, RIP 0x[0-9a-f]* <$4"
	claim $? "$1: $2 at level $3 in $4" "$(head -n 12 "$dir/said" | tr '\n' ';')"
	[[ -z ${5:-} ]] || grep -A 8 "rule $2\$" "$dir/said" | grep -A 1 '  began: ' | grep -q "level [0-9], RIP 0x[0-9a-f]* <$5"
	claim $? "$1: where it began" "$(grep -A 1 began "$dir/said" | head -n 4 | tr '\n' ';')"
	"$O/tests/monitor/tool_json" --lines <"$dir/said.jsonl" >/dev/null 2>&1 || python3 -c 'import json,sys
for line in sys.stdin: json.loads(line)' <"$dir/said.jsonl"
	claim $? "$1: each line is an object of JSON" "$(head -n 1 "$dir/said.jsonl")"
	[[ $hash == hash* && $(tail -n 1 <<<"$err") == "$hash" ]]
	claim $? "$1: the hash is that of a run without reports" "$hash, $(tail -n 1 <<<"$err")"
}

planted 'depth=2 bug=region' vmcs_region_written 0 bug_use_region guest_create
planted 'depth=1 bug=read' vmcs_region_read 0 bug_use_region guest_create
planted 'depth=2 bug1=read' vmcs_region_read 1 bug_use_region guest_create
planted 'depth=1 bug=given' vmcs_page_reused 1 payload guest_create
planted 'depth=2 bug1=given' vmcs_page_reused 2 payload guest_create
planted 'depth=1 bug=launch' vmcs_launch_state 0 enter_guest
planted 'depth=2 bug1=launch' vmcs_launch_state 1 enter_guest
planted 'depth=1 shadow=off bug=ignored' vmcs_ignored 0 enter_guest vmwrite
planted 'depth=2 shadow=off bug1=ignored' vmcs_ignored 1 enter_guest vmwrite
planted 'depth=1 bug=address' vmcs_no_memory 0 enter_guest
planted 'depth=1 bug=two' vmcs_two_processors 0 second_main guest_create -smp 2
planted 'depth=1 bug=bitmap' vmcs_changed 0 second_main enter_guest -smp 2
planted 'depth=0 bug=linear' stale_linear 0 bug_payload bug_payload
planted 'depth=1 bug1=linear' stale_linear 1 bug_payload bug_payload
planted 'depth=0 bug=program' tables_program 0 user_store bug_payload
planted 'depth=1 bug1=program' tables_program 1 user_store bug_payload
planted 'depth=0 bug=dma' tables_device 0 bug_payload bug_payload
planted 'depth=1 bug=torn' tables_torn 0 bug_second bug_second -smp 2
planted 'depth=0 bug=fresh' memory_read 0 bug_payload
planted 'depth=1 bug1=fresh' memory_read 1 bug_payload
planted 'depth=1 bug=invept' stale_ept 1 payload bug_move_page
planted 'depth=2 bug1=invept' stale_ept 2 payload bug_move_page
planted 'depth=1 bug=table' tables_guest 1 payload bug_give_table
planted 'depth=2 bug1=table' tables_guest 2 payload bug_give_table
planted 'depth=2 bug=merge' composed_more 2 payload ept02_violation
planted 'depth=2 bug1=move bug=follow' composed_outlived 2 payload bug_move_page
memory=256 planted 'depth=3 bug1=merge' composed_more 3 payload ept02_violation
memory=256 planted 'depth=3 bug2=move bug1=follow' composed_outlived 3 payload bug_move_page
planted 'depth=1 bug=lost' lost_vectoring 0 enter_guest
planted 'depth=2 bug1=lost' lost_vectoring 1 enter_guest
planted 'depth=1 bug=window' lost_window 0 enter_guest payload
planted 'depth=2 bug1=window' lost_window 1 enter_guest payload
planted 'depth=1 bug=order' lost_order 0 enter_guest payload
planted 'depth=2 bug1=order' lost_order 1 enter_guest payload
planted 'depth=1 bug=twice' lost_twice 0 enter_guest enter_guest
planted 'depth=2 bug1=twice' lost_twice 1 enter_guest enter_guest
planted 'depth=1 bug=drop' lost_acknowledged 0 enter_guest payload
planted 'depth=2 bug1=drop' lost_acknowledged 1 enter_guest payload
planted 'depth=1 bug=eoi' lost_eoi 0 enter_guest payload
planted 'depth=2 bug1=eoi' lost_eoi 1 enter_guest payload
planted 'depth=1 bug=eois' lost_eoi_nothing 0 msr_write
planted 'depth=2 bug1=eois' lost_eoi_nothing 1 msr_write
planted 'depth=1 bug=virr' lost_request 1 payload
planted 'depth=1 bug=svi' lost_service 0 enter_guest
planted 'depth=1 bug=posted' lost_posted 1 payload
planted 'depth=1 bug=cr2' changed_register 0 enter_guest
planted 'depth=2 bug1=cr2' changed_register 1 enter_guest
planted 'depth=1 bug=field' changed_field 0 enter_guest
planted 'depth=2 bug1=field' changed_field 1 enter_guest
planted 'depth=1 bug=fpu' changed_register 0 enter_guest
planted 'depth=2 bug1=fpu' changed_register 1 enter_guest
planted 'depth=1 bug=swapgs' changed_implicit 0 bug_change_guest
planted 'depth=2 bug1=swapgs' changed_implicit 1 bug_change_guest
planted 'depth=1 bug=type' memory_type 0 enter_guest
planted 'depth=2 bug1=type' memory_type 1 enter_guest

for depth in 2 3 4; do
	run "depth=$depth" -report "all=$dir/said"
	[[ $status == 0 ]] && ! grep ' error: ' "$dir/said" >"$dir/errors"
	claim $? "depth=$depth without a mistake has no error" "$(head -n 3 "$dir/errors" | tr '\n' ';')"
done

run 'depth=1 bug=trigger' -smp 2 -report "all=$dir/said"
[[ $status == 0 && $out$err == *'planted mistake: trigger'* ]] && ! grep ' error: ' "$dir/said" >"$dir/errors"
claim $? 'what is no virtualized register of the virtual-APIC page may be changed' "$status $(head -n 3 "$dir/errors" | tr '\n' ';')"

# A guest that gets nowhere never ends by itself.
stuck() { # LINE RULE FUNCTION BEGINNING
	run "$1" -report "progress=$dir/said" --steps "${5:-60000000}"
	grep -A 8 "rule $2\$" "$dir/said" | grep -q "began: $4" && grep -B 2 "rule $2\$" "$dir/said" | grep -q "level ${1:6:1}, RIP 0x[0-9a-f]* <$3+"
	claim $? "$1: $2" "$(head -n 12 "$dir/said" | tr '\n' ';')"
}
stuck 'depth=1 bug=loop' progress_same_exit entry 'the first of these exits'
stuck 'depth=2 bug1=loop' progress_same_exit entry 'the first of these exits'
stuck 'depth=1 bug=page' progress_stands entry 'the first of these exits'
stuck 'depth=2 bug1=page' progress_stands entry 'the first of these exits'
stuck 'depth=1 bug=storm' progress_storm entry 'the first of them'
stuck 'depth=2 bug1=storm' progress_storm entry 'the first of them'
stuck 'depth=1 bug=closed' progress_closed payload 'the VM entry that asked' 410000000
stuck 'depth=2 bug1=closed' progress_closed payload 'the VM entry that asked' 410000000

# A recording has the same reports when it is replayed, also one that was made without any; and what stops, stops on the way back.
line='depth=2 bug1=invept'
run "$line" -record "$dir/recording" -report "all=$dir/said"
vmxray -replay "$dir/recording" -hash -report "all=$dir/again" </dev/null
[[ -s $dir/said ]] && cmp -s "$dir/said" "$dir/again"
claim $? 'a recording that is replayed has the reports of the run' "$(diff "$dir/said" "$dir/again" | head -n 5 | tr '\n' ';') $err"
run "$line" -record "$dir/recording"
vmxray -replay "$dir/recording" -hash -report "all=$dir/again" </dev/null
cmp -s "$dir/said" "$dir/again"
claim $? 'so has one of a run without reports' "$(diff "$dir/said" "$dir/again" | head -n 5 | tr '\n' ';') $err"
run "$line" -history 64M -report stale=stop -x <(printf '%s\n' continue continue reverse-continue 'print step' quit) -S
[[ $out == *'rule stale_ept'*'rule stale_ept'* ]]
claim $? 'reverse-continue stops where a report stops' "$out$err"

# What stops, and what cannot be.
run 'depth=2 bug=region' -report vmcs=stop -x <(printf 'continue\nreport\nquit\n')
[[ $out == *'vmcs error: the region of an active VMCS is written as memory'*'rule vmcs_region_written'*'first at step'*', 1 time'* ]]
claim $? 'stop stops the guest there' "$out"
run depth=0 -report nonsense=stderr
[[ $status == 1 && $err == *'-report nonsense: there is no such kind'* ]]
claim $? 'a kind that there is not' "$status $err"

# The examples of the page are what is said, whatever the compiler's addresses and steps are.
plain() { sed -E 's/0x[0-9a-f]+/N/g; s/step [0-9]+/step N/g; s/:[0-9]+$/:N/'; }
strange=
while read -r command; do
	eval "set -- ${command#\$ vmxray -kernel turtles.elf}"
	run "$2" "${@:5}"
	sed -n "/^    ${command//\//.}\$/,/^\$/p" docs/reports.md | sed '1d; s/^    //; /^$/d' | plain >"$dir/wanted"
	head -n "$(wc -l <"$dir/wanted")" <<<"$err" | plain | diff - "$dir/wanted" >"$dir/differs" || strange+="$command: $(head -n 4 "$dir/differs" | tr '\n' ';')"
done < <(sed -n 's/^    \(\$ vmxray .*\)/\1/p' docs/reports.md)
[[ -z $strange ]]
claim $? 'the examples of docs/reports.md' "$strange"
