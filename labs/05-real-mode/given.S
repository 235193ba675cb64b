# Lab 5: the guest, for real-address mode, to be copied to where it begins. It needs a stack, and vector 20H.
        .section .rodata
        .globl  real_code, real_handler, real_end
        .code16
real_code:
        mov     %cs, %ax                # data lies beside the code
        mov     %ax, %ds
        mov     (real_data - real_code), %bx
        int     $0x20
        hlt
real_handler:
        add     $1, %bx
        iret
real_data:
        .word   0x5500
real_end:
        .code64
        .section .note.GNU-stack, "", @progbits
