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

#elif defined GUEST_triple_fault
	lidt no_idt
	ud2

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

#elif defined GUEST_print
	mov $hello, %esi
	call print
	mov $0, %eax
	out %eax, $DEBUG_EXIT

#elif defined GUEST_echo	// until q
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

#elif defined GUEST_wait	// halts until the serial port interrupts, then echoes; until q
	lgdt gdt_register
	mov $0x18, %ax
	mov %ax, %ss
	ljmp $0x10, $1f
1:	mov $handler, %eax
	mov %ax, idt + 0x24 * 8
	shr $16, %eax
	movl $0x8e000010, idt + 0x24 * 8 + 2	// 32-bit interrupt gate, selector 10H
	mov %ax, idt + 0x24 * 8 + 6
	lidt idt_register
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
	.balign 8
gdt:	.quad 0, 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
	.word 31
	.long gdt
idt_register:
	.word 0x25 * 8 - 1
	.long idt

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
no_idt:	.word 0
	.long 0
	.bss
	.balign 16
	.skip 1024
stack:
	.balign 8
idt:	.skip 0x25 * 8
