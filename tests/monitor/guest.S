// Guests of a few instructions, one for each way a run can go: -DGUEST_exit and so on. A multiboot 1 image for
//     gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none
// NOT IMPLEMENTED: anything that needs more than one page.
#define SERIAL 0x3f8
#define DEBUG_EXIT 0xf4

	.text
	.globl _start
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

// The byte in AL to COM1.
put:	mov %al, %ah
	mov $SERIAL + 5, %dx
1:	in %dx, %al
	test $0x20, %al
	jz 1b
	mov %ah, %al
	mov $SERIAL, %dx
	out %al, %dx
	ret

// The text at ESI to COM1.
print:	lodsb
	test %al, %al
	jz 1f
	call put
	jmp print
1:	ret

// Bytes from COM1 back to it, until q; then the exit.
	.macro ECHO
1:	mov $SERIAL + 5, %dx
	in %dx, %al
	test $1, %al
	jz 1b
	mov $SERIAL, %dx
	in %dx, %al
	cmp $'q', %al
	je 2f
	call put
	jmp 1b
2:	mov $0, %eax
	out %eax, $DEBUG_EXIT
	.endm

// A GDT of one's own and an IDT in which one vector leads to the handler.
	.macro INTERRUPTS handler, table, vector
	lgdt gdt_register
	mov $0x18, %ax
	mov %ax, %ss
	ljmp $0x10, $1f
1:	mov $\handler, %eax
	mov %ax, \table + \vector * 8
	shr $16, %eax
	movl $0x8e000010, \table + \vector * 8 + 2	// 32-bit interrupt gate, selector 10H
	mov %ax, \table + \vector * 8 + 6
	lidt idt_register
	.endm
	.macro TABLES table, vector
	.balign 8
gdt:	.quad 0, 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
	.word 31
	.long gdt
idt_register:
	.word (\vector + 1) * 8 - 1
	.long \table
	.endm

_start:	cmp $0x2badb002, %eax
	jne wrong
	mov $stack, %esp

#if defined GUEST_exit	// status 2 * 21 + 1 = 43
	mov $21, %eax
	out %eax, $DEBUG_EXIT

#elif defined GUEST_power_off	// ACPI: SLP_TYP 5 in the two registers PCs in QEMU have, one of them is there
	mov $0x604, %dx
	mov $0x2000 | 5 << 10, %ax
	out %ax, %dx
	mov $0x2000, %ax
	out %ax, %dx

#elif defined GUEST_disc	// reads block 0 of the CD-ROM of ide1 for ever, and prints its first letter, or the sense key, when that is another one
	xor %ebp, %ebp
next:	call ask
	test $1, %al
	jnz 3f
	mov $0x170, %dx
	in %dx, %ax
	movzx %al, %ebx
	mov $1023, %ecx
1:	in %dx, %ax
	loop 1b
	call idle
	jmp 4f
3:	mov $0x171, %dx
	in %dx, %al
	shr $4, %al
	add $'0', %al
	movzx %al, %ebx
4:	cmp %ebx, %ebp
	je next
	mov %ebx, %ebp
	mov %ebx, %eax
	call put
	jmp next
ask:	mov $0x176, %dx		// READ (10) of a block by PIO; AL is the status then
	mov $0xa0, %al
	out %al, %dx
	mov $0x171, %dx
	xor %al, %al
	out %al, %dx
	mov $0x174, %dx
	out %al, %dx
	inc %dx
	mov $8, %al
	out %al, %dx
	mov $0x177, %dx
	mov $0xa0, %al
	out %al, %dx
	call idle
	mov $read, %esi
	mov $0x170, %dx
	mov $6, %ecx
	rep outsw
idle:	mov $0x177, %dx
1:	in %dx, %al
	test $0x80, %al
	jnz 1b
	ret
read:	.byte 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0

#elif defined GUEST_disk	// adds up 64 sectors of the first disk on IDE, writes the sum all over the one at 70, and prints it
	xor %ebx, %ebx
	xor %ebp, %ebp
next:	mov $0x20, %al
	call ask
	mov $128, %ecx
	mov $0x1f0, %dx
1:	in %dx, %eax
	add %eax, %ebp
	loop 1b
	inc %ebx
	cmp $64, %ebx
	jb next
	mov $70, %ebx
	mov $0x30, %al
	call ask
	mov $128, %ecx
	mov $0x1f0, %dx
	mov %ebp, %eax
1:	out %eax, %dx
	loop 1b
	mov $0x1f7, %dx
1:	in %dx, %al
	test $0x80, %al
	jnz 1b
	mov $8, %ecx
1:	rol $4, %ebp
	mov %ebp, %eax
	and $15, %al
	add $'0', %al
	cmp $'9', %al
	jbe 2f
	add $'a' - '0' - 10, %al
2:	call put
	loop 1b
	mov $'\n', %al
	call put
	mov $0x604, %dx
	mov $0x2000 | 5 << 10, %ax
	out %ax, %dx
	hlt
ask:	mov %al, %ah		// command AH for the sector EBX; comes back when data are wanted
	mov $0x1f6, %dx
	mov $0xe0, %al
	out %al, %dx
	mov $0x1f2, %dx
	mov $1, %al
	out %al, %dx
	inc %dx
	mov %bl, %al
	out %al, %dx
	inc %dx
	mov %bh, %al
	out %al, %dx
	inc %dx
	xor %al, %al
	out %al, %dx
	mov $0x1f7, %dx
	mov %ah, %al
	out %al, %dx
1:	in %dx, %al
	test $0x80, %al
	jnz 1b
	test $8, %al
	jz 1b
	ret
#elif defined GUEST_triple_fault
	lidt no_idt
	ud2

#elif defined GUEST_deadline	// a TSC deadline near 2^64, then HLT
	mov $handler, %eax
	mov %ax, interrupts + 0x40 * 8
	movw $0x10, interrupts + 0x40 * 8 + 2
	movb $0x8e, interrupts + 0x40 * 8 + 5
	shr $16, %eax
	mov %ax, interrupts + 0x40 * 8 + 6
	lidt interrupts_register
	movl $0x1ff, 0xfee000f0
	movl $0x40040, 0xfee00320	// LVT timer: TSC-deadline mode, vector 40H
	mov $0x6e0, %ecx		// IA32_TSC_DEADLINE
	mov $0xfffff000, %eax
	mov $0xffffffff, %edx
	wrmsr
	sti
	hlt
1:	inc %ebx
	rdtsc
	jmp 1b
handler:
	movl $0, 0xfee000b0
	iret
	.balign 8
interrupts:
	.skip 0x210
interrupts_register:
	.word 0x20f
	.long interrupts

#elif defined GUEST_screen	// 3 when text memory holds what is written, and nothing is beside it
	movl $0x07410742, 0xb8000
	movl $0x12345678, 0xbfffc
	cmpl $0x07410742, 0xb8000
	jne wrong
	cmpl $0x12345678, 0xbfffc
	jne wrong
	movl $0, 0xb7ffc
	cmpl $-1, 0xb7ffc
	jne wrong
	mov $1, %eax
	out %eax, $DEBUG_EXIT

#elif defined GUEST_stuck
	cli
	hlt

#elif defined GUEST_reset	// by the keyboard controller, once; the second time round by power-off
	mov $again, %esi
	call print
	mov $0xfe, %al
	out %al, $0x64

#elif defined GUEST_spin	// after a greeting
	mov $hello, %esi
	call print
1:	inc %eax
	jmp 1b

#elif defined GUEST_count	// now and then a word of memory and CR2 change; DS comes back
1:	inc %eax
	test $0x1fffff, %eax
	jnz 1b
	incl 0x300000
	mov 0x300000, %ecx
	mov %ecx, %cr2
	movl $1, 0x300008
marked:	jmp 1b

#elif defined GUEST_flood	// writes to COM1 without end
1:	mov $'y', %al
	call put
	jmp 1b

#elif defined GUEST_print
	mov $hello, %esi
	call print
	mov $0, %eax
	out %eax, $DEBUG_EXIT

#elif defined GUEST_stacks	// a function that runs on another stack, above its own, and jumps with RET
	call outer
	mov $0, %eax
	out %eax, $DEBUG_EXIT
outer:	push %ebx
	mov %esp, %ebx
	mov $stack + 256, %esp
	call inner
	call inner
	push $1f
	ret
1:	mov %ebx, %esp
	pop %ebx
	ret
inner:	ret

#elif defined GUEST_echo	// until q
	ECHO

#elif defined GUEST_late	// a driver that is late: it clears what has come, then it listens; echoes until q
	mov $hello, %esi	// the driver's messages, before it is there
	call print
	mov $4000000, %ecx
1:	loop 1b
	mov $SERIAL + 2, %dx
	mov $7, %al
	out %al, %dx
	mov $SERIAL, %dx
	in %dx, %al
	mov $SERIAL + 4, %dx	// DTR and RTS
	mov $3, %al
	out %al, %dx
	ECHO

#elif defined GUEST_wait	// halts until the serial port interrupts, then echoes; until q
	INTERRUPTS handler, idt, 0x24
	mov $0x11, %al		// both PICs: vectors 20H and 28H; IRQ 4 alone
	out %al, $0x20
	mov $0x20, %al
	out %al, $0x21
	mov $4, %al
	out %al, $0x21
	mov $1, %al
	out %al, $0x21
	mov $0xef, %al
	out %al, $0x21
	mov $SERIAL + 4, %dx	// OUT2 lets the interrupt through
	mov $8, %al
	out %al, %dx
	mov $SERIAL + 1, %dx
	mov $1, %al
	out %al, %dx
1:	sti
	hlt
	jmp 1b
handler:
	mov $SERIAL, %dx
	in %dx, %al
	cmp $'q', %al
	je 2f
	call put
	mov $0x20, %al
	out %al, $0x20
	iret
2:	mov $0, %eax
	out %eax, $DEBUG_EXIT
	TABLES idt, 0x24

#elif defined GUEST_storm	// an interrupt of the local APIC's timer at each tick, without end
	INTERRUPTS tick, storm_idt, 0x40
	movl $0x1ff, 0xfee000f0
	movl $0xb, 0xfee003e0	// divide by 1
	movl $0x20040, 0xfee00320	// periodic, vector 40H
	movl $1, 0xfee00380
	sti
1:	hlt
	jmp 1b
tick:	movl $0, 0xfee000b0
	iret
	TABLES storm_idt, 0x40
	.bss
storm_idt:
	.skip 0x41 * 8
	.text

#elif defined GUEST_strings	// stores of a million bytes and more over MMIO, without end
1:	mov $0xfed00000, %edi
	mov $0x100000, %ecx
	rep stosl
	jmp 1b

#elif defined GUEST_vmx || defined GUEST_faults || defined GUEST_areas	// a hypervisor and its guest, which makes a CPUID, an EPT violation,
				// an IN and a VMCALL; or an RDTSCP, which is not enabled, with no handler for its #UD; or
				// CPUID without end, and MSR areas of 512 entries on every exit and entry
#ifdef GUEST_areas
	mov $area, %edi
	mov $512, %ecx
1:	movl $0x174, (%edi)	// IA32_SYSENTER_CS
	add $16, %edi
	loop 1b
#endif
	xor %ecx, %ecx		// page directory: 4-MByte pages, linear is physical
1:	mov %ecx, %eax
	shl $22, %eax
	or $0x83, %eax
	mov %eax, directory(,%ecx,4)
	inc %ecx
	cmp $256, %ecx
	jb 1b
	movl $ept_pdpt + 7, ept_pml4
	movl $0xb7, ept_pdpt	// the guest's EPT: R, W, X, WB, 1 GByte from 0
	lgdt gdt_register
	mov $directory, %eax
	mov %eax, %cr3
	mov $0x2010, %eax	// VMXE, PSE
	mov %eax, %cr4
	mov $0x80000031, %eax	// PG, NE, ET, PE
	mov %eax, %cr0
	mov $0x3a, %ecx		// IA32_FEATURE_CONTROL: locked, VMX outside SMX
	mov $5, %eax
	xor %edx, %edx
	wrmsr
	mov $0x480, %ecx
	rdmsr
	mov %eax, vmxon_region
	mov %eax, vmcs_region
	vmxon vmxon_pointer
	vmclear vmcs_pointer
	vmptrld vmcs_pointer
	mov $fields, %esi
2:	lodsl
	mov %eax, %edx
	lodsl
	vmwrite %eax, %edx
	cmp $fields_end, %esi
	jb 2b
	mov $controls, %esi	// what must be 1, and what we want
3:	lodsl
	mov %eax, %ebx
	lodsl
	mov %eax, %ecx
	rdmsr
	mov %eax, %edi
	lodsl
	or %edi, %eax
	vmwrite %eax, %ebx
	cmp $controls_end, %esi
	jb 3b
	vmlaunch
	jmp wrong
exit:	pusha
	mov $0x4402, %edx
	vmread %edx, %eax
	cmp $18, %eax
	je done
	mov $6, %ecx		// over the instruction; an EPT violation does not tell its length
	cmp $48, %eax
	je 4f
	mov $0x440c, %edx
	vmread %edx, %ecx
4:
	mov $0x681e, %edx
	vmread %edx, %eax
	add %ecx, %eax
	vmwrite %eax, %edx
	popa
	vmresume
	jmp wrong
done:	mov $0, %eax
	out %eax, $DEBUG_EXIT
	jmp done
inner:				// the guest
#ifdef GUEST_faults
	rdtscp
#elif defined GUEST_areas
1:	cpuid
	jmp 1b
#endif
1:	mov $1, %eax
	cpuid
	mov 0x40000000, %ebx
	in $0x80, %al
	incl counter
	mov $2, %ecx
2:	loop 2b
	cmpl $3, counter
	jb 1b
	vmcall
	.balign 8
gdt:	.quad 0, 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
	.word 31
	.long gdt
vmxon_pointer:
	.long vmxon_region, 0
vmcs_pointer:
	.long vmcs_region, 0
controls:
	.long 0x4000, 0x481, 0
	.long 0x4002, 0x482, 1 << 31 | 1 << 24
	.long 0x401e, 0x48b, 1 << 1 | 1 << 7
	.long 0x400c, 0x483, 0
	.long 0x4012, 0x484, 0
controls_end:
fields:	.long 0x800, 0x18, 0x802, 0x10, 0x804, 0x18, 0x806, 0x18, 0x808, 0x18, 0x80a, 0x18, 0x80e, 0x20
	.long 0xc00, 0x18, 0xc02, 0x10, 0xc04, 0x18, 0xc06, 0x18, 0xc08, 0x18, 0xc0a, 0x18, 0xc0c, 0x20
	.long 0x201a, ept_pml4 + 0x1e, 0x2800, -1, 0x2801, -1
	.long 0x4800, -1, 0x4802, -1, 0x4804, -1, 0x4806, -1, 0x4808, -1, 0x480a, -1, 0x480e, 0x67
	.long 0x4814, 0xc093, 0x4816, 0xc09b, 0x4818, 0xc093, 0x481a, 0xc093, 0x481c, 0xc093, 0x481e, 0xc093
	.long 0x4820, 0x10000, 0x4822, 0x8b
	.long 0x6800, 0x31, 0x6804, 0x2000, 0x681a, 0x400, 0x681c, inner_stack, 0x681e, inner, 0x6820, 2
#ifdef GUEST_areas
	.long 0x2006, area, 0x2008, area, 0x200a, area, 0x400e, 512, 0x4010, 512, 0x4014, 512
#endif
	.long 0x6c00, 0x80000031, 0x6c02, directory, 0x6c04, 0x2010, 0x6c0c, gdt, 0x6c14, stack, 0x6c16, exit
fields_end:
	.bss
	.balign 4096
directory:
	.skip 4096
ept_pml4:
	.skip 4096
ept_pdpt:
	.skip 4096
vmxon_region:
	.skip 4096
vmcs_region:
	.skip 4096
#ifdef GUEST_areas
area:	.skip 8192
#endif
counter:
	.skip 1024
inner_stack:
	.text

#elif defined GUEST_words	// prints the command line and what the first module holds
	mov 16(%ebx), %esi
	call print
	mov $newline, %esi
	call print
	cmpl $1, 20(%ebx)
	jne 1f
	mov 24(%ebx), %edi
	mov (%edi), %esi
	mov 4(%edi), %ecx
	sub %esi, %ecx
2:	lodsb
	push %ecx
	call put
	pop %ecx
	loop 2b
1:	mov $0, %eax
	out %eax, $DEBUG_EXIT
#endif

#ifdef GUEST_typing
// Each press of a key as two digits on the screen (its code in set 1), white on blue, and on COM1; ESC ends. No cursor.
	mov $0x200a, %ax
	mov $0x3d4, %dx
	out %ax, %dx
	mov $0xb8000, %edi
1:	in $0x64, %al
	test $1, %al
	jz 1b
	in $0x60, %al
	cmp $1, %al
	je 2f
	test $0x80, %al
	jnz 1b
	mov %al, %bl
	shr $4, %al
	call digit
	mov %bl, %al
	and $15, %al
	call digit
	jmp 1b
2:	mov $0, %eax
	out %eax, $DEBUG_EXIT
digit:	cmp $10, %al
	jb 1f
	add $'a' - '0' - 10, %al
1:	add $'0', %al
	mov $0x1f, %ah
	stosw
	jmp put
#endif

#if defined GUEST_chars || defined GUEST_mode12 || defined GUEST_mode13 || defined GUEST_linear16 || defined GUEST_linear32
// A picture by the registers of a VGA, and then nothing: a cursor that is off, a palette of its own, a pattern.
	.macro INDEXED port, index, value
	mov $\port, %dx
	mov $(\index | (\value) << 8), %ax
	out %ax, %dx
	.endm
	.macro DISPI index, value
	mov $0x1ce, %dx
	mov $\index, %ax
	out %ax, %dx
	inc %dx
	mov $\value, %ax
	out %ax, %dx
	.endm
	INDEXED 0x3d4, 0x0a, 0x20
	xor %ebx, %ebx
	mov $0x3c8, %dx
	mov $0, %al
	out %al, %dx
	inc %dx
1:	mov %bl, %al
	out %al, %dx
	lea (%ebx,%ebx,2), %eax
	out %al, %dx
	lea (%ebx,%ebx,4), %eax
	out %al, %dx
	inc %bl
	jnz 1b
#ifdef GUEST_chars
	mov $0xb8000, %edi
	mov $2000, %ecx
// Not B0H to BFH: QEMU repeats their eighth dot, IBM's manual only those of C0H to DFH.
1:	mov %cl, %al
	mov %cl, %bl
	and $0xf0, %bl
	cmp $0xb0, %bl
	jne 2f
	xor $0x30, %al
2:	lea (%ecx,%ecx,2), %ebx
	mov %bl, %ah
	and $0x7f, %ah
	stosw
	loop 1b
#elif defined GUEST_linear16 || defined GUEST_linear32
	DISPI 4, 0
	DISPI 1, 640
	DISPI 2, 480
#ifdef GUEST_linear16
	DISPI 3, 16
#else
	DISPI 3, 32
#endif
	DISPI 4, 0x41
	xor %ebx, %ebx
2:	mov $0x1ce, %dx
	mov $5, %ax
	out %ax, %dx
	inc %dx
	mov %bx, %ax
	out %ax, %dx
	mov $0xa0000, %edi
	mov $0x8000, %ecx
1:	mov %ecx, %eax
	imul $0x35b1, %eax
	add %ebx, %eax
	stosw
	loop 1b
	inc %ebx
	cmp $16, %ebx
	jb 2b
#else
	INDEXED 0x3d4, 0x11, 0x00
	mov $crtc, %esi
	xor %ebx, %ebx
	mov $0x3d4, %dx
1:	mov %bl, %al
	mov (%esi,%ebx), %ah
	out %ax, %dx
	inc %ebx
	cmp $25, %ebx
	jb 1b
	INDEXED 0x3c4, 0x01, 0x01
	INDEXED 0x3c4, 0x02, 0x0f
	INDEXED 0x3ce, 0x06, 0x05
	INDEXED 0x3ce, 0x08, 0xff
	mov $0x3da, %dx
	in %dx, %al
	mov $0x3c0, %dx
	mov $0x30, %al
	out %al, %dx
#ifdef GUEST_mode12
	mov $0x01, %al
	out %al, %dx
	INDEXED 0x3c4, 0x04, 0x06
	INDEXED 0x3ce, 0x05, 0x00
	mov $8, %bl
2:	mov $0x3c4, %dx
	mov $2, %al
	mov %bl, %ah
	out %ax, %dx
	mov $0xa0000, %edi
	mov $38400, %ecx
1:	lea (%ecx,%ecx,4), %eax
	imul %ebx, %eax
	shr $3, %eax
	stosb
	loop 1b
	shr $1, %bl
	jnz 2b
#else
	mov $0x41, %al
	out %al, %dx
	INDEXED 0x3c4, 0x04, 0x0e
	INDEXED 0x3ce, 0x05, 0x40
	mov $0xa0000, %edi
	mov $64000, %ecx
1:	mov %ecx, %eax
	shr $4, %eax
	xor %ecx, %eax
	stosb
	loop 1b
#endif
#endif
	mov $newline, %esi
	call print
#endif

	cli
1:	hlt
	jmp 1b

wrong:	mov $99, %eax		// status 199
	out %eax, $DEBUG_EXIT
	jmp wrong

	.section .rodata
hello:	.asciz "hello\nworld\n"
again:	.asciz "boot\n"
newline:
	.asciz "\n"
#ifdef GUEST_mode12
crtc:	.byte 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0x20, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 4, 0xe3, 0xff
#elif defined GUEST_mode13
crtc:	.byte 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0x20, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff
#endif
no_idt:	.word 0
	.long 0
	.bss
	.balign 16
	.skip 1024
stack:
	.balign 8
idt:	.skip 0x25 * 8
