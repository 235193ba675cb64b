// A hundred values on their way through ten chains of copies, ten through each: to result[10 * chain + n]. Each begins
// as a constant, VALUE of its chain and number. A multiboot 1 image in 32-bit protected mode, as guest.S.
#define VALUE(chain, n) (0x5a000000 + (chain) * 256 + (n))
#define TO(chain, n) result + 4 * (10 * (chain) + (n))
#define SYSENTER_EIP 0x176
#define FEATURE_CONTROL 0x3a
#define VMX_BASIC 0x480
#define GUEST_RSP_FIELD 0x681c

	.text
	.globl _start
	.balign 4
	.long 0x1badb002, 0, -0x1badb002


store:	mov 4(%esp), %ecx
	mov %ecx, (%edi)
	ret

_start:	mov $stack, %esp
	mov %cr4, %eax
	or $0x200, %eax					// OSFXSR
	mov %eax, %cr4
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9		// 0: the stack
	push $VALUE(0, \n)
	popl TO(0, \n)
	mov $VALUE(1, \n), %eax				// 1: the stack and registers
	push %eax
	pop %ebx
	mov %ebx, TO(1, \n)
	mov $VALUE(2, \n), %eax				// 2: REP MOVS of bytes
	mov %eax, buffer
	mov $buffer, %esi
	mov $(TO(2, \n)), %edi
	mov $4, %ecx
	rep movsb
	mov $VALUE(3, \n), %eax				// 3: XCHG
	xchg %ecx, %eax
	xchg %ecx, %ebp
	mov %ebp, TO(3, \n)
	mov $VALUE(4, \n), %eax				// 4: LODS and STOS
	mov %eax, buffer
	mov $buffer, %esi
	mov $(TO(4, \n)), %edi
	xor %eax, %eax
	lodsl
	stosl
	mov $VALUE(5, \n), %eax				// 5: an MSR
	xor %edx, %edx
	mov $SYSENTER_EIP, %ecx
	wrmsr
	xor %eax, %eax
	rdmsr
	mov %eax, TO(5, \n)
	mov $VALUE(10, \n), %eax			// 10: memcpy by XMM registers
	mov %eax, buffer + 4 * (\n & 3)
	movdqu buffer, %xmm3
	movaps %xmm3, %xmm5
	movups %xmm5, buffer + 36
	pxor %xmm3, %xmm3
	movd buffer + 36 + 4 * (\n & 3), %xmm6
	movq %xmm6, %xmm7
	movd %xmm7, %ebp
	mov %ebp, TO(10, \n)
	movl $0x0a000000, request			// 11: DMA of the firmware configuration device: "QEMU"
	movl $0x04000000, request + 4			// big-endian: select and read entry 0, 4 bytes
	mov $(delivered + 4 * \n), %eax
	bswap %eax
	mov %eax, request + 12
	mov $request, %eax
	bswap %eax
	mov $0x518, %edx
	out %eax, %dx
	mov delivered + 4 * \n, %ebx
	mov %ebx, TO(11, \n)
	mov $VALUE(6, \n), %eax				// 6: CR2
	mov %eax, %cr2
	mov %cr2, %edx
	mov %edx, TO(6, \n)
	mov $VALUE(7, \n), %eax				// 7: an argument
	mov $(TO(7, \n)), %edi
	push %eax
	call store
	pop %edx
	mov $VALUE(8, \n), %eax				// 8: CMOV, and a scaled address
	stc
	cmovc %eax, %ebx
	mov $(10 * 8 + \n), %esi
	mov %ebx, result(, %esi, 4)
	.endr

	mov $directory, %eax				// paging, for VMX operation: the first 4 MBytes as they are
	movl $0x83, (%eax)
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x2010, %eax				// PSE, VMXE
	mov %eax, %cr4
	mov %cr0, %eax
	or $0x80000021, %eax				// PG, NE, PE
	mov %eax, %cr0
	mov $FEATURE_CONTROL, %ecx
	rdmsr
	test $1, %al
	jnz 1f
	or $5, %eax
	wrmsr
1:	mov $VMX_BASIC, %ecx
	rdmsr
	mov %eax, vmxon_region
	mov %eax, vmcs_region
	vmxon vmxon_pointer
	vmclear vmcs_pointer
	vmptrld vmcs_pointer
	mov $GUEST_RSP_FIELD, %edx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9		// 9: VMWRITE and VMREAD
	mov $VALUE(9, \n), %eax
	vmwrite %eax, %edx
	vmread %edx, TO(9, \n)
	.endr
	mov $VALUE(10, 0), %eax				// stores of an equal value: memory, a field, an MSR, CR3
	mov %eax, equal
	mov $VALUE(10, 0), %ebx
	mov %ebx, equal
	movl $1, equal + 4				// its neighbour
	mov $VALUE(9, 9), %ebp
	vmwrite %ebp, %edx
	mov $SYSENTER_EIP, %ecx
	mov $VALUE(5, 9), %eax
	xor %edx, %edx
	wrmsr
	mov $directory, %edi
	mov %edi, %cr3
	mov $0xf4, %dx					// isa-debug-exit
	xor %eax, %eax
	out %eax, %dx
1:	hlt
	jmp 1b

	.data
	.balign 8
vmxon_pointer:	.long vmxon_region, 0
vmcs_pointer:	.long vmcs_region, 0
buffer:	.space 64
	.globl equal
	.type equal, @object
	.size equal, 4
equal:	.long 0, 0
	.globl result
result:	.space 480
request: .space 16
delivered: .space 40
	.space 256
stack:
	.balign 4096
directory:	.space 4096
vmxon_region:	.space 4096
vmcs_region:	.space 4096
