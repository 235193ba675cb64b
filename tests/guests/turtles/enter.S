# The way into the guest and back: SDM Vol. 3C, 30.3, VMLAUNCH/VMRESUME; 27.5, what a VM exit loads.
#
#     unsigned enter_guest(uint64_t gpr[16], bool launched)
#
# VM entry and exit switch RIP, RSP, RFLAGS, control and segment registers, but not the general-purpose registers: those
# are ours to switch. gpr[] is in the order of the manual's encoding: RAX, RCX, RDX, RBX, RSP (in the VMCS instead), RBP,
# RSI, RDI, R8 to R15. Returns 0 after a VM exit, 1 for VMfailInvalid, 2 for VMfailValid.
#
# HOST_RSP is the same for ever, so that no entry has to write it (which may cost an exit): it leads to two words of
# scratch space, and the real stack pointer waits in a variable.

# Debuggers are told where the frame is: from here on, and when a VM exit comes back, where our_rsp says (DWARF 5, 6.4).

        .macro  save reg
        push    \reg
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \reg, 0
        .endm
        .macro  restore reg
        pop     \reg
        .cfi_adjust_cfa_offset -8
        .cfi_restore \reg
        .endm

        .text
        .cfi_sections .debug_frame
        .globl  enter_guest, guest_exited
enter_guest:
        .cfi_startproc
        save    %rbx
        save    %rbp
        save    %r12
        save    %r13
        save    %r14
        save    %r15
        mov     %rsp, our_rsp
        .cfi_endproc
.Lsaved:
        mov     %rdi, our_gpr
        cmp     $0, %sil
        mov     0(%rdi), %rax
        mov     8(%rdi), %rcx
        mov     16(%rdi), %rdx
        mov     24(%rdi), %rbx
        mov     40(%rdi), %rbp
        mov     48(%rdi), %rsi
        mov     64(%rdi), %r8
        mov     72(%rdi), %r9
        mov     80(%rdi), %r10
        mov     88(%rdi), %r11
        mov     96(%rdi), %r12
        mov     104(%rdi), %r13
        mov     112(%rdi), %r14
        mov     120(%rdi), %r15
        mov     56(%rdi), %rdi          # MOV changes no flag: ZF still tells
        jne     1f
        vmlaunch
        jmp     2f
1:      vmresume
2:      mov     $1, %eax                # still here: it failed
        mov     $2, %ecx
        cmovz   %ecx, %eax
        jmp     3f

guest_exited:                           # HOST_RIP
        push    %rdi
        mov     our_gpr, %rdi
        mov     %rax, 0(%rdi)
        mov     %rcx, 8(%rdi)
        mov     %rdx, 16(%rdi)
        mov     %rbx, 24(%rdi)
        mov     %rbp, 40(%rdi)
        mov     %rsi, 48(%rdi)
        pop     %rax
        mov     %rax, 56(%rdi)
        mov     %r8, 64(%rdi)
        mov     %r9, 72(%rdi)
        mov     %r10, 80(%rdi)
        mov     %r11, 88(%rdi)
        mov     %r12, 96(%rdi)
        mov     %r13, 104(%rdi)
        mov     %r14, 112(%rdi)
        mov     %r15, 120(%rdi)
        mov     our_rsp, %rsp
        xor     %eax, %eax
.Lrestored:
3:      .cfi_startproc
        .cfi_def_cfa_offset 56
        .cfi_offset %rbx, -16
        .cfi_offset %rbp, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        restore %r15
        restore %r14
        restore %r13
        restore %r12
        restore %rbp
        restore %rbx
        ret
        .cfi_endproc

        .section .debug_frame, "", @progbits
.Lcie:  .long   .Lcie_end - 1f          # a common information entry: version 1, data in words downwards, return address 16
1:      .long   0xffffffff
        .byte   1, 0, 1, 0x78, 16
        .balign 8, 0
.Lcie_end:
        .long   .Lfde_end - 1f          # from .Lsaved to .Lrestored
1:      .long   .Lcie
        .quad   .Lsaved, .Lrestored - .Lsaved
        .byte   0x0f, 12, 0x03          # DW_CFA_def_cfa_expression: DW_OP_addr,
        .quad   our_rsp
        .byte   0x06, 0x23, 56          # DW_OP_deref, DW_OP_plus_uconst: behind the return address
        .byte   0x80 + 16, 1, 0x80 + 3, 2, 0x80 + 6, 3, 0x80 + 12, 4, 0x80 + 13, 5, 0x80 + 14, 6, 0x80 + 15, 7
        .balign 8, 0
.Lfde_end:

        .bss
        .balign 16
        .globl  exit_stack
our_rsp: .skip 8
our_gpr: .skip 8
        .skip   16
exit_stack:                             # HOST_RSP
        .section .note.GNU-stack, "", @progbits
