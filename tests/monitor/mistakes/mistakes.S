// A small 64-bit hypervisor with one mistake, chosen at run time: bug=NUMBER on the command line, a row of mistake.def. bug=0:
// none, its guest does a CPUID, an OUT, reads a page that EPT maps late, takes an interrupt, halts, and calls it; then it exits
// with status 1. A multiboot 1 image for
//     gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none
#define DEBUG_EXIT 0xf4
#define APIC 0xfee00000
#define LATE 0x40000000		// a page of the guest that EPT does not have yet

	.set number, 0
#define MISTAKE(name, kind, cause, way, commands) .set number, number + 1; .set BUG_##name, number;
#include "mistake.def"
#undef MISTAKE
#define IF_BUG(name, label) cmpl $BUG_##name, bug(%rip); je label
#define UNLESS_BUG(name, label) cmpl $BUG_##name, bug(%rip); jne label
#define WRITE(field, value) mov $field, %ecx; mov $value, %eax; vmwrite %rax, %rcx

	.text
	.globl _start
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

// --- to 64-bit mode ---
_start:	cli
	mov $stack, %esp
	mov 16(%ebx), %esi	// the command line: the number after "="
	xor %eax, %eax
	xor %edx, %edx
1:	lodsb
	test %al, %al
	jz 4f
	cmp $'=', %al
	jne 1b
2:	lodsb
	sub $'0', %al
	cmp $9, %al
	ja 4f
	imul $10, %edx
	add %eax, %edx
	jmp 2b
4:	mov %edx, bug
	movl $pdpt + 7, pml4
	movl $0x87, pdpt		// 1 GByte from 0, and the one of the local APIC
	movl $0xc0000083, pdpt + 24
	movl $0x40000083, pdpt + 8
	movl $ept_pdpt + 7, ept_pml4
	movl $0xb7, ept_pdpt
	movl $0xc0000000 | 0x87, ept_pdpt + 24
	mov $0x2620, %eax		// CR4: VMXE, OSXMMEXCPT, OSFXSR, PAE
	cmpl $BUG_no_vmxe, %edx
	jne 5f
	mov $0x620, %eax
5:	mov %eax, %cr4
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov $0x80000031, %eax		// PG, NE, ET, PE
	cmpl $BUG_no_cr0_ne, bug
	jne 6f
	mov $0x80000011, %eax
6:	mov %eax, %cr0
	lgdt gdt_register
	ljmp $8, $long
	.code64
long:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $tss, %eax
	mov %ax, gdt + 0x1a(%rip)
	shr $16, %eax
	mov %al, gdt + 0x1c(%rip)
	mov %ah, gdt + 0x1f(%rip)
	mov $0x18, %eax
	ltr %ax
	mov $host_tick, %eax		// the interrupt 40H of the hypervisor
	mov %ax, idt + 0x400(%rip)
	shr $16, %eax
	mov %ax, idt + 0x406(%rip)
	movl $0x8e000008, idt + 0x402(%rip)
	mov $guest_tick, %eax		// and that of the guest
	mov %ax, guest_idt + 0x400(%rip)
	shr $16, %eax
	mov %ax, guest_idt + 0x406(%rip)
	movl $0x8e000008, guest_idt + 0x402(%rip)
	lidt idt_register(%rip)
	mov $APIC, %edi
	movl $0x1ff, 0xf0(%rdi)
	mov $0xff, %al
	out %al, $0x21
	out %al, $0xa1

// --- into VMX operation ---
	IF_BUG(unlocked, 1f)
	mov $0x3a, %ecx
	mov $5, %eax
	xor %edx, %edx
	UNLESS_BUG(locked_without_vmx, 2f)
	mov $1, %eax
2:	wrmsr
1:	mov $0x480, %ecx
	rdmsr
	IF_BUG(vmxon_revision, 1f)
	mov %eax, vmxon_region(%rip)
	mov %eax, vmxon_region + 8(%rip)
1:	IF_BUG(vmptrld_revision, 1f)
	mov %eax, vmcs_region(%rip)
	UNLESS_BUG(shadow_bit, 1f)
	orl $1 << 31, vmcs_region(%rip)
1:	UNLESS_BUG(vmxon_alignment, 1f)
	addl $8, vmxon_pointer(%rip)
1:	UNLESS_BUG(vmxon_linear, 1f)
	movl $0xffff8000, vmxon_pointer + 4(%rip)
1:	vmxon vmxon_pointer(%rip)
	UNLESS_BUG(vmxon_twice, 1f)
	vmxon vmxon_pointer(%rip)
	jbe failed
1:	UNLESS_BUG(vmclear_alignment, 1f)
	addl $16, vmcs_pointer(%rip)
	vmclear vmcs_pointer(%rip)
	jbe failed
1:	UNLESS_BUG(vmclear_vmxon_region, 1f)
	vmclear vmxon_pointer(%rip)
	jbe failed
1:	IF_BUG(never_cleared, 1f)
	vmclear vmcs_pointer(%rip)
1:	UNLESS_BUG(vpid_shared, 1f)
	mov vmcs_region(%rip), %eax	// another virtual processor, with the same VPID
	mov %eax, other_region(%rip)
	vmclear other_pointer(%rip)
	vmptrld other_pointer(%rip)
	WRITE(0, 1)
	WRITE(0x201a, ept_pml4 + 0x101e)
1:	UNLESS_BUG(vmptrld_vmxon_region, 1f)
	vmptrld vmxon_pointer(%rip)
	jmp 2f
1:	vmptrld vmcs_pointer(%rip)
2:	mov $fields, %esi		// the VMCS
1:	lodsl
	mov %eax, %ecx
	lodsl
	vmwrite %rax, %rcx
	cmp $fields_end, %esi
	jb 1b
	mov $controls, %esi
1:	lodsl
	mov %eax, %ebx
	lodsl
	mov %eax, %ecx
	rdmsr
	mov %eax, %edi
	lodsl
	or %edi, %eax
	vmwrite %rax, %rbx
	cmp $controls_end, %esi
	jb 1b
	mov $changes, %esi		// the mistakes that are a field's
1:	lodsl
	mov %eax, %ebx
	lodsl
	mov %eax, %ecx
	lodsq
	cmp bug(%rip), %ebx
	jne 2f
	vmwrite %rax, %rcx
	jbe failed
2:	cmp $changes_end, %esi
	jb 1b

// --- mistakes of the hypervisor's own ---
	IF_BUG(no_current_vmcs, no_current)
	IF_BUG(invept_operand, invept_wrong)
	IF_BUG(vmcall_in_root, call_nobody)
	IF_BUG(ept_misconfigured, misconfigure)
	IF_BUG(launch_mov_ss, launch_mov_ss)
	IF_BUG(resume_first, resume)
	IF_BUG(after_vmxoff, leave_and_return)
	IF_BUG(msr_write, write_msr)
	IF_BUG(host_wrong_cr4, clear_vmxe)
	IF_BUG(sse_first, use_sse)
	IF_BUG(xcr_first, use_xcr)
	jmp launch
no_current:
	vmclear vmcs_pointer(%rip)
	mov $0x4402, %ecx
	vmread %rcx, %rax
	jbe failed
invept_wrong:
	mov $1, %eax
	movl $ept_pml4, descriptor(%rip)
	invept descriptor(%rip), %rax
	jbe failed
call_nobody:
	vmcall
	jbe failed
misconfigure:
	movl $0xb2, ept_pdpt(%rip)	// written but not read
	jmp launch
launch_mov_ss:
	mov $0x10, %eax
	mov %eax, %ss
	vmlaunch
	jbe failed
leave_and_return:
	movl $BUG_after_vmxoff, again(%rip)
	jmp launch
write_msr:
	mov $0xc0000080, %ecx
	mov $0x501, %eax
	mov $1, %edx
	wrmsr
clear_vmxe:
	mov $0x620, %eax
	mov %rax, %cr4
use_sse:
	mov %cr4, %rax
	and $~0x200, %eax
	mov %rax, %cr4
	movaps %xmm0, %xmm1
use_xcr:
	xor %ecx, %ecx
	mov $1, %eax
	xor %edx, %edx
	xsetbv

launch:	mov $LATE, %ebx
	vmlaunch
failed:	mov $99, %eax		// status 199
	out %eax, $DEBUG_EXIT
1:	cli
	hlt
	jmp 1b
resume:	vmresume
	jmp failed

// --- VM exits ---
exit:	push %rax
	push %rcx
	push %rdx
	mov $0x4402, %ecx
	vmread %rcx, %rax
	cmp $10, %eax		// CPUID
	je cpuid
	cmp $12, %eax
	je halt
	cmp $18, %eax
	je done
	cmp $30, %eax
	je skip
	cmp $1, %eax
	je interrupt
	cmp $7, %eax
	je window
	cmp $48, %eax
	je violation
	cmp $0, %eax
	je exception
	cmp $37, %eax
	je enter
	mov %eax, %eax
	or $0x40, %eax		// another reason: 81H and more
	out %eax, $DEBUG_EXIT
1:	cli
	hlt
	jmp 1b
cpuid:	IF_BUG(host_idtr_unmapped, host_fault)
	IF_BUG(host_idt_empty, host_fault)
	IF_BUG(host_gdtr_unmapped, host_fault)
	IF_BUG(host_cs_data, host_fault)
	IF_BUG(host_cr4_no_sse, host_sse)
	IF_BUG(rip_not_advanced, enter)
	IF_BUG(launch_twice, again_launch)
	IF_BUG(cleared_before_resume, clear_resume)
	cmpl $BUG_after_vmxoff, again(%rip)
	je off_on
	UNLESS_BUG(ept_stale, 1f)
	cmpl $1, late(%rip)
	jne 1f
	movl $0x124037, ept_late(%rip)	// another page, and no INVEPT
1:	jmp skip
halt:	UNLESS_BUG(halt_in_shadow, skip)
	WRITE(0x4826, 1)
skip:	mov $0x440c, %ecx
	vmread %rcx, %rax
	mov $0x681e, %ecx
	vmread %rcx, %rdx
	add %rdx, %rax
	vmwrite %rax, %rcx
	jmp enter
violation:
	IF_BUG(no_user_execute, stop)
	IF_BUG(violation_ignored, enter)
	movl $ept_pd + 7, ept_pdpt + 8(%rip)
	movl $ept_pt + 7, ept_pd(%rip)
	movl $0x123037, ept_late(%rip)
	UNLESS_BUG(ept_read_only, 1f)
	movl $0x123035, ept_late(%rip)
1:	incl late(%rip)
	jmp enter
exception:
stop:
	mov $100, %eax
	out %eax, $DEBUG_EXIT
interrupt:
	mov $0x4404, %ecx
	vmread %rcx, %rax
	IF_BUG(interrupt_dropped, enter)
	IF_BUG(no_acknowledge, enter)
	IF_BUG(eoi_missing, 2f)
	mov $APIC, %edi
	movl $0, 0xb0(%rdi)
2:	and $0x800000ff, %eax
	mov %eax, waiting(%rip)
	mov $0x6820, %ecx
	vmread %rcx, %rdx
	bt $9, %edx
	jc inject
	IF_BUG(inject_masked, inject)
	IF_BUG(window_forgotten, enter)
	mov $0x4002, %ecx
	vmread %rcx, %rax
	or $4, %eax
	vmwrite %rax, %rcx
	jmp enter
window:	mov $0x4002, %ecx
	vmread %rcx, %rax
	and $~4, %eax
	vmwrite %rax, %rcx
inject:	mov waiting(%rip), %eax
	movl $0, waiting(%rip)
	mov $0x4016, %ecx
	vmwrite %rax, %rcx
	WRITE(0x4826, 0)
enter:	pop %rdx
	pop %rcx
	pop %rax
	vmresume
	jmp failed
host_fault:
	ud2
host_sse:
	movaps %xmm0, %xmm1
	jmp enter
again_launch:
	vmlaunch
	jmp failed
clear_resume:
	vmclear vmcs_pointer(%rip)
	vmptrld vmcs_pointer(%rip)
	vmresume
	jmp failed
off_on:	vmxoff
	vmxon vmxon_pointer(%rip)
	vmptrld vmcs_pointer(%rip)
	vmresume
	jmp failed
done:	mov $0, %eax
	out %eax, $DEBUG_EXIT
1:	cli
	hlt
	jmp 1b
host_tick:
	push %rdi
	mov $APIC, %edi
	movl $0, 0xb0(%rdi)
	pop %rdi
	iretq

// --- the guest ---
guest:	xor %eax, %eax
guest_cpuid:
	cpuid
	mov $0x55, %al
	out %al, $0x80
	mov $LATE, %ebx
	mov %rax, (%rbx)
	mov (%rbx), %rax
	xor %eax, %eax
	cpuid
	mov (%rbx), %rax
	IF_BUG(ept_stale, guest_done)
	mov $APIC, %edi		// the timer: one interrupt 40H soon
	movl $0xb, 0x3e0(%rdi)
	movl $0x40, 0x320(%rdi)
	movl $2000, 0x380(%rdi)
	IF_BUG(inject_masked, guest_masked)
	IF_BUG(window_forgotten, guest_masked)
	sti
1:	hlt
	cmpl $0, ticks(%rip)
	je 1b
	UNLESS_BUG(eoi_missing, guest_done)
	movl $0, ticks(%rip)
	movl $2000, 0x380(%rdi)
1:	hlt
	jmp 1b
guest_done:
	vmcall
	jmp guest_done
guest_masked:
	cli
	mov $40000, %ecx
1:	pause
	loop 1b
	cmpl $BUG_window_forgotten, bug(%rip)
	jne 2f
	sti
3:	hlt
	jmp 3b
2:	jmp guest_done
guest_tick:
	incl ticks(%rip)
	iretq
guest_rdtscp:
	rdtscp
	jmp guest_done
guest_xsetbv:
	xor %ecx, %ecx
	mov $1, %eax
	xor %edx, %edx
	xsetbv
	jmp guest_done
guest_cr4:
	mov %cr4, %rax
	and $~0x2000, %eax
	mov %rax, %cr4
	jmp guest_done
guest_msr:
	mov $0x277, %ecx	// IA32_PAT: memory type 2
	mov $0x00070402, %eax
	mov $0x00070406, %edx
	wrmsr
	jmp guest_done
guest_fault:
	mov $0x8000000000, %rax
	mov (%rax), %rax
	jmp guest_done
guest_div:
	xor %ecx, %ecx
	div %ecx
	jmp guest_done

	.balign 8
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x0000890000000067, 0
gdt_register:
	.word 39
	.long gdt, 0
idt_register:
	.word 0xfff
	.long idt, 0
vmxon_pointer:
	.long vmxon_region, 0
vmcs_pointer:
	.long vmcs_region, 0
other_pointer:
	.long other_region, 0
descriptor:
	.quad 0, 0
controls:
	.long 0x4000, 0x48d, 1
	.long 0x4002, 0x48e, 1 << 31 | 1 << 28 | 1 << 7
	.long 0x401e, 0x48b, 1 << 1 | 1 << 5 | 1 << 7
	.long 0x400c, 0x48f, 1 << 9 | 1 << 15
	.long 0x4012, 0x490, 1 << 9
controls_end:
fields:	.long 0x0, 1
	.long 0x800, 0x10, 0x802, 0x8, 0x804, 0x10, 0x806, 0x10, 0x808, 0x10, 0x80a, 0x10, 0x80e, 0x18
	.long 0xc00, 0x10, 0xc02, 0x8, 0xc04, 0x10, 0xc06, 0x10, 0xc08, 0x10, 0xc0a, 0x10, 0xc0c, 0x18
	.long 0x2004, msr_bitmap, 0x200a, msr_area, 0x201a, ept_pml4 + 0x1e, 0x2800, -1, 0x2801, -1
	.long 0x4800, -1, 0x4802, -1, 0x4804, -1, 0x4806, -1, 0x4808, -1, 0x480a, -1, 0x480e, 0x67
	.long 0x4814, 0xc093, 0x4816, 0xa09b, 0x4818, 0xc093, 0x481a, 0xc093, 0x481c, 0xc093, 0x481e, 0xc093
	.long 0x4820, 0x10000, 0x4822, 0x8b, 0x4810, 39, 0x4812, 0xfff
	.long 0x6800, 0x80000031, 0x6802, pml4, 0x6804, 0x2620, 0x6814, tss, 0x6816, gdt, 0x6818, guest_idt
	.long 0x681a, 0x400, 0x681c, guest_stack, 0x681e, guest, 0x6820, 2
	.long 0x6c00, 0x80000031, 0x6c02, pml4, 0x6c04, 0x2620, 0x6c0a, tss, 0x6c0c, gdt, 0x6c0e, idt, 0x6c14, stack, 0x6c16, exit
fields_end:
#define CHANGE(name, field, low, high) .long BUG_##name, field, low, high;
changes:
CHANGE(no_such_field, 0x4030, 1, 0)
CHANGE(pin_reserved, 0x4000, 1, 0)
CHANGE(proc_reserved, 0x4002, 0x90000080, 0)
CHANGE(proc2_unsupported, 0x401e, 0x800000a2, 0)
CHANGE(exit_reserved, 0x400c, 0x200, 0)
CHANGE(entry_reserved, 0x4012, 0x200, 0)
CHANGE(host_32_bit, 0x400c, 0x36dfb & ~0x200, 0)
CHANGE(host_32_bit, 0x4012, 0x11fb, 0)
CHANGE(virtual_nmis_alone, 0x4000, 0x37, 0)
CHANGE(unrestricted_without_ept, 0x401e, 0xa0, 0)
CHANGE(vpid_zero, 0, 0, 0)
CHANGE(eptp_bare, 0x201a, ept_pml4, 0)
CHANGE(msr_bitmap_unaligned, 0x2004, msr_bitmap + 0x40, 0)
CHANGE(window_without_nmis, 0x4002, 0x80000080 | 1 << 28 | 1 << 22 | 0x04006172, 0)
CHANGE(host_cr4_old, 0x6c04, 0x620, 0)
CHANGE(host_tr_zero, 0xc0c, 0, 0)
CHANGE(host_cs_rpl, 0xc02, 0xb, 0)
CHANGE(host_rip_bad, 0x6c02, empty_page, 0)
CHANGE(host_rsp_zero, 0x6c14, 0, 0)
CHANGE(host_gs_not_canonical, 0x6c08, 0, 0x8000)
CHANGE(host_idtr_unmapped, 0x6c0e, 0, 0x80)
CHANGE(host_idt_empty, 0x6c0e, empty_page, 0)
CHANGE(host_gdtr_unmapped, 0x6c0c, 0, 0x80)
CHANGE(host_cs_data, 0xc02, 0x10, 0)
CHANGE(host_cr4_no_sse, 0x6c04, 0x2020, 0)
CHANGE(trap_flag_missed, 0x4002, 0x90000080 | 1 << 27 | 0x04006172, 0)
CHANGE(step_missed, 0x6820, 0x102, 0)
CHANGE(step_missed, 0x681e, guest_cpuid, 0)
CHANGE(no_user_execute, 0x401e, 1 << 1 | 1 << 5 | 1 << 7 | 1 << 22, 0)
CHANGE(no_user_execute, 0x804, 0x13, 0)
CHANGE(no_user_execute, 0x802, 0x0b, 0)
CHANGE(no_user_execute, 0x4816, 0xa0fb, 0)
CHANGE(no_user_execute, 0x4818, 0xc0f3, 0)
CHANGE(guest_cr4_vmxe, 0x6804, 0x620, 0)
CHANGE(guest_real_mode, 0x401e, 0x22, 0)
CHANGE(guest_real_mode, 0x6800, 0x30, 0)
CHANGE(guest_real_mode, 0x4012, 0x11fb, 0)
CHANGE(guest_not_ia32e, 0x4012, 0x91fb & ~0x8000, 0)
CHANGE(guest_not_ia32e, 0x2806, 0x500, 0)
CHANGE(guest_not_ia32e, 0x4822, 0x89, 0)
CHANGE(guest_tr_available, 0x4822, 0x89, 0)
CHANGE(guest_data_not_accessed, 0x4814, 0xc092, 0)
CHANGE(guest_data_not_accessed, 0x481a, 0xc092, 0)
CHANGE(guest_data_not_accessed, 0x481c, 0xc092, 0)
CHANGE(guest_data_not_accessed, 0x481e, 0xc092, 0)
CHANGE(guest_ldtr_zero, 0x4820, 0, 0)
CHANGE(guest_rflags_zero, 0x6820, 0, 0)
CHANGE(link_zero, 0x2800, 0, 0)
CHANGE(guest_rip_high, 0x681e, 0, 0x00800000)
CHANGE(guest_cs_limit, 0x4802, 0xfffff000, 0)
CHANGE(guest_activity_sipi, 0x4826, 3, 0)
CHANGE(halt_and_fault, 0x4826, 1, 0)
CHANGE(halt_and_fault, 0x4016, 0x80000b0d, 0)
CHANGE(inject_no_error_code, 0x4016, 0x8000030d, 0)
CHANGE(inject_in_shadow, 0x4016, 0x80000040, 0)
CHANGE(inject_in_shadow, 0x6820, 0x202, 0)
CHANGE(inject_in_shadow, 0x4824, 1, 0)
CHANGE(inject_type, 0x4016, 0x80000140, 0)
CHANGE(msr_area_value, 0x4014, 2, 0)
CHANGE(msr_area_gs, 0x4014, 3, 0)
CHANGE(msr_area_gs, 0x200a, msr_area_2, 0)
CHANGE(rdtscp_off, 0x681e, guest_rdtscp, 0)
CHANGE(osxsave_off, 0x681e, guest_xsetbv, 0)
CHANGE(cr4_not_owned, 0x681e, guest_cr4, 0)
CHANGE(msr_of_guest, 0x681e, guest_msr, 0)
CHANGE(fault_exits, 0x681e, guest_fault, 0)
CHANGE(fault_exits, 0x4004, 1 << 14, 0)
CHANGE(guest_idt_missing, 0x681e, guest_div, 0)
CHANGE(guest_idt_missing, 0x4812, 0, 0)
CHANGE(no_acknowledge, 0x400c, 0x36dfb | 0x200, 0)
CHANGE(ept_uncached, 0x201a, ept_pml4 + 0x18, 0)
CHANGE(posted_alone, 0x4000, 0x97, 0)
changes_end:
	.balign 16
msr_area:
	.long 0x174, 0, 8, 0
	.long 0x277, 0, 0x00070402, 0x00070406
msr_area_2:
	.long 0x174, 0, 8, 0
	.long 0x175, 0, 0, 0
	.long 0xc0000101, 0, 0, 0

	.bss
	.balign 4096
pml4:	.skip 4096
pdpt:	.skip 4096
ept_pml4:
	.skip 4096
ept_pdpt:
	.skip 4096
ept_pd:	.skip 4096
ept_pt:
ept_late:
	.skip 4096
empty_page:
	.skip 4096
msr_bitmap:
	.skip 4096
vmxon_region:
	.skip 4096
vmcs_region:
	.skip 4096
other_region:
	.skip 4096
idt:	.skip 4096
guest_idt:
	.skip 4096
tss:	.skip 128
bug:	.skip 4
again:	.skip 4
late:	.skip 4
waiting:
	.skip 4
ticks:	.skip 4
	.balign 16
	.skip 4096
stack:	.skip 4096
guest_stack:
