# The way into the guest and back, for several processors: SDM Vol. 3C, 30.3, 27.5.
#
#     unsigned enter_guest(struct processor *)
#
# Where HOST_RSP points, the pointer to the processor's struct lies, so nothing here belongs to one of them alone.
# Returns 0 after a VM exit, 1 for VMfailInvalid, 2 for VMfailValid.

#define FIELD_HOST_RSP 0x6c14
#define LAUNCHED 128                    /* in struct processor, behind the registers */

        .macro  each do                 # general-purpose registers by their numbers, but for RSP (VMCS) and RDI (our pointer)
        \do     rax, 0
        \do     rcx, 1
        \do     rdx, 2
        \do     rbx, 3
        \do     rbp, 5
        \do     rsi, 6
        \do     r8, 8
        \do     r9, 9
        \do     r10, 10
        \do     r11, 11
        \do     r12, 12
        \do     r13, 13
        \do     r14, 14
        \do     r15, 15
        .endm
        .macro  load register, number
        mov     8 * \number(%rdi), %\register
        .endm
        .macro  store register, number
        mov     %\register, 8 * \number(%rdi)
        .endm

        .text
        .globl  enter_guest, guest_exited
enter_guest:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdi
        mov     $FIELD_HOST_RSP, %eax
        vmwrite %rsp, %rax
        cmpb    $0, LAUNCHED(%rdi)
        each    load
        load    rdi, 7                  # MOV changes no flag: ZF still tells
        jne     1f
        vmlaunch
        jmp     2f
1:      vmresume
2:      mov     $1, %eax                # still here: it failed
        mov     $2, %ecx
        cmovz   %ecx, %eax
        pop     %rdi
        jmp     3f

guest_exited:                           # HOST_RIP
        push    %rdi
        mov     8(%rsp), %rdi
        each    store
        pop     56(%rdi)
        pop     %rdi
        xor     %eax, %eax
3:      pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        .section .note.GNU-stack, "", @progbits
