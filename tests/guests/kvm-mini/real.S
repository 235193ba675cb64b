# The real-mode guest. It asks for a seed, then sends the low 16 bits of the squares of seed, seed + 1, ... to
# PORT_SQUARE: 10,000 exits. HLT ends it.
#include "protocol.h"
        .code16
        .section .rodata
        .globl real_begin, real_end
real_begin:
        mov     $PORT_PARAMETER, %dx
        inl     %dx, %eax
        mov     %ax, %bx
        mov     $10000, %cx
        mov     $PORT_SQUARE, %si
1:      mov     %bx, %ax
        mul     %bx
        mov     %si, %dx
        out     %ax, %dx
        inc     %bx
        loop    1b
        hlt
real_end:

# The image of the 64-bit guest, see long.c.
        .globl long_begin, long_end
        .balign 16
long_begin:
        .incbin LONG_IMAGE
long_end:
        .section .note.GNU-stack, "", @progbits
