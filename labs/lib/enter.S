# Into the guest and back:
#
#     unsigned guest_enter(struct guest *guest)     0: it ran, and has left by a VM exit; 1: VMfailInvalid; 2: VMfailValid
#
# VM entries and exits switch RIP, RSP, RFLAGS, control and segment registers by the VMCS; general-purpose registers are
# software's to switch (SDM Vol. 3C, 26.3.2, 27.3.3). HOST_RSP and HOST_RIP are written here, at each entry.
        .text
        .globl  guest_enter, guest_left
guest_enter:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdi
        mov     $0x6c14, %eax           # HOST_RSP
        vmwrite %rsp, %rax
        mov     $0x6c16, %eax           # HOST_RIP
        lea     guest_left, %rcx
        vmwrite %rcx, %rax
        mov     %rsp, host_stack        # for who looks on from outside

        cmpb    $0, 128(%rdi)           # launched; MOV leaves the flags alone
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
        mov     56(%rdi), %rdi
        jne     1f
        vmlaunch
        jmp     2f
1:      vmresume
2:      mov     $1, %eax                # the next instruction: the entry failed. CF: no current VMCS. ZF: with a number
        mov     $2, %ecx
        cmovz   %ecx, %eax
        pop     %rdi
        jmp     3f

guest_left:
        push    %rdi
        mov     8(%rsp), %rdi
        mov     %rax, 0(%rdi)
        mov     %rcx, 8(%rdi)
        mov     %rdx, 16(%rdi)
        mov     %rbx, 24(%rdi)
        mov     %rbp, 40(%rdi)
        mov     %rsi, 48(%rdi)
        mov     %r8, 64(%rdi)
        mov     %r9, 72(%rdi)
        mov     %r10, 80(%rdi)
        mov     %r11, 88(%rdi)
        mov     %r12, 96(%rdi)
        mov     %r13, 104(%rdi)
        mov     %r14, 112(%rdi)
        mov     %r15, 120(%rdi)
        pop     %rax
        mov     %rax, 56(%rdi)
        pop     %rdi
        movb    $1, 128(%rdi)
        xor     %eax, %eax
3:      pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .bss
        .balign 8
        .globl  host_stack
host_stack: .skip 8
        .section .note.GNU-stack, "", @progbits
