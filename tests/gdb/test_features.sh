#!/bin/bash
# What gdb can do here, driven by gdb itself: registers of every group read and written, in a level that runs and in one
# that waits; memory in large packets; all kinds of breakpoints and watchpoints; range stepping; the documents of
# qXfer; no-ack mode; detach, and attach again.
. "$(dirname "$0")/lib.bash"

start
typed <<EOT
show architecture
maint print reggroups
info line handle_exit
break handle_exit
continue
print/x \$cs
print/x \$cs_base
print/x \$cs_limit
print/x \$cs_rights
print \$eflags
print \$cr0
print \$cr4
print \$efer
print/x \$tr
print/x \$gdtr_base == (long) gdt
print \$mxcsr
set \$xmm3.v2_int64[0] = 0x1122334455667788
print/x \$xmm3.uint128
set \$st0 = 1.5
print \$st0
set \$fctrl = 0x27f
print/x \$fctrl
set \$lstar = 0xffffffff81000000
print/x \$lstar
set \$lstar = 0x8000000000000000
set \$mxcsr = 0x10000
set \$k_gs_base = 0x1234
print/x \$k_gs_base
set \$gs_base = 0x5678
print/x \$gs_base
set \$r15 = 77
print \$r15
set \$steps = 1
print \$vmcs.exit_reason
set \$vmcs.exit_reason = 1
set \$vmcs.cr3_target_count = 2
print \$vmcs.cr3_target_count
set \$vmcs.cr3_target_count = 0
info registers vmcs
info registers
print exits
set var exits = 5
print exits
set var exits = 0
dump binary memory $dir/image 0x200000 0x210000
restore $dir/image binary 0x600000
print \$_exitcode
compare-sections .text
find /b 0x600000, +0x10000, 0x0f, 0x01, 0xc3
info mem
delete
hbreak vmwrite
info breakpoints
delete
rwatch exits
continue
delete
awatch exits
continue
delete
watch exits
continue
delete
tbreak handle_exit
continue
set debug remote 1
next
set debug remote 0
add-inferior -exec $hypervisor
inferior 2
attach 2
print \$rip == \$vmcs.guest_rip
set \$old = \$rip
set \$rip = guest_work
info registers rip
print \$vmcs.guest_rip == (long) guest_work
set \$rip = \$old
set \$rsp = \$rsp - 8
set \$rsp = \$rsp + 8
set \$rbx = 5
set \$fs_base = 0x42
print/x \$fs_base
print/x \$vmcs.guest_fs_base
set \$eflags = 0x46
print \$eflags
set \$eflags = 2
set \$xmm0.v2_int64[0] = 5
set var window[2] = 0x99
print/x window[2]
inferior 1
print/x behind[2]
set var exits = 100
inferior 2
detach
inferior 1
detach
EOT
first=$said
sleep 0.5
# Again: the machine runs, for ever now, and stops for whoever comes.
typed <<EOT
print exits > 1000
$(attach_guest)
break guest_work thread 2.1
continue
delete
thread 1.1
monitor tcatch exit
monitor catch entry
continue
monitor info breakpoints
monitor delete
set var exits = 5
detach inferiors 2 1
EOT
second=$said
finish
said=$first
says 'the architecture' 'The target architecture is set to "auto" \(currently "i386:x86-64"\)'
for group in control segments system vmcs float vector; do
	says "the register group $group" "^ $group "
done
says 'a selector and what is behind it' '^\$[0-9]+ = 0xffffffff$'
says 'RFLAGS by name' '^\$[0-9]+ = \[ (PF |ZF |CF |AF |SF )*\]$'
says 'CR0 by name' '^\$[0-9]+ = \[ PE .*PG \]'
says 'CR4 by name' '^\$[0-9]+ = \[ .*PAE .*VMXE'
says 'EFER by name' '^\$[0-9]+ = \[ LME LMA'
says 'an SSE register is written' '0x[0-9a-f]*1122334455667788$'
says 'an x87 register is written' '^\$[0-9]+ = 1\.5$'
says 'the x87 control word' '^\$[0-9]+ = 0x27f$'
says 'an MSR' '^\$[0-9]+ = 0xffffffff81000000$'
says 'but no value that WRMSR refuses' 'Could not write register "lstar"; .*IA32_LSTAR: .*WRMSR of it is GP\(0\)'
says 'nor reserved bits of MXCSR' 'Could not write register "mxcsr"; .*bits 31:16 are reserved'
says 'the base of GS' '^\$[0-9]+ = 0x5678$'
says 'the other one' '^\$[0-9]+ = 0x1234$'
says 'a general register' '^\$[0-9]+ = 77$'
says 'what can only be read says so' 'Could not write register "steps"; .*it can only be read'
says 'the VMCS' '^\$[0-9]+ = 10$'
says 'its fields are a group' '^vmcs +\{\{.*exit_reason = 0xa,.*guest_rip = 0x[0-9a-f]+'
[[ $(grep -cE '^(rax|efer|steps) ' <<<"$said") == 3 && $(grep -c '^vmcs ' <<<"$said") == 2 && $(sed -n '/^rax /,/^vmcs /p' <<<"$said" | wc -l) -lt 90 ]]
claim $? 'and one line among the others' "$(grep -nE '^(rax|efer|steps|vmcs) ' <<<"$said" | cut -c1-60 | tr '\n' ';')"
says 'what VM exits write says so' 'Could not write register "vmcs"; .*VM exits write it'
says 'a control is written' '^\$[0-9]+ = 2$'
says 'memory is written' '^\$[0-9]+ = 5$'
says '64 KBytes are written' 'Restoring binary file .* into memory \(0x600000 to 0x610000\)'
says 'what gdb compares is as in the file' 'Section \.text, .*: matched'
says 'and they are found there' '^0x6[0-9a-f]+$'
says 'the memory map' '0x0000000000000000 0x8000000000000000 rw nocache|0x[0-9a-f]+.*rw nocache'
says 'a hardware breakpoint' 'hw breakpoint +keep y'
says 'a read watchpoint' '^Hardware read watchpoint [0-9]+: exits'
says 'stops and shows the value' '^Value = [0-9]+'
says 'an access watchpoint' '^Hardware access \(read/write\) watchpoint [0-9]+: exits'
says 'a watchpoint stops after a write' '^New value = [0-9]+'
says 'a step over a line is one range' 'Sending packet: \$vCont;r'
says 'RIP of a level that waits is set in its VMCS' '^rip +0x[0-9a-f]+ +0x[0-9a-f]+ <guest_work>'
says 'its general registers are not' 'Could not write register "rbx"; .*level 1 waits: no VMCS has this register'
says 'the base of its FS' '^\$[0-9]+ = 0x42$'
says 'its RFLAGS' '^\$[0-9]+ = \[ PF ZF \]$'
says 'nor its SSE registers' 'Could not write register "xmm0"; .*the level waits'
says 'memory behind its EPT is written' '^\$[0-9]+ = 0x99$'
said=$second
says 'attached again' '^\$1 = 1$'
says 'to the guest too' '^Thread 2\.1 .*hit Breakpoint .* guest_work'
grep -qE '^1: catch exit' <<<"$said" && ! grep -qE '^1 +on +catch exit' <(sed '1,/^1: catch exit/d' <<<"$said") && grep -qE '^2 +on +catch entry' <<<"$said"
claim $? 'tcatch is gone when it was hit, catch stays' "$(tail -n 12 <<<"$said" | tr '\n' ';')"
[[ $status == 43 ]]
claim $? 'the machine runs to its end' "status $status: $(<"$dir/out")"
grep -q 'altered by hand' "$dir/out"
claim $? 'and says that it was altered' "$(<"$dir/out")"
