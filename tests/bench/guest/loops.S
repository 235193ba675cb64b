# The loops that are measured: one function each, RDI is the number of turns. How many operations a turn makes is said in
# main.c. None touches memory outside its buffer, and each returns something computed in RAX.

        .text
        .macro  LOOP name
        .globl  \name
        .balign 64
\name:
        .endm

# 10 instructions: addition, logic, shifts, comparisons, a conditional move, LEA.
        LOOP    loop_alu
        mov     $1, %eax
        mov     $0x9e3779b97f4a7c15, %rcx
        xor     %edx, %edx
1:      add     %rcx, %rax
        mov     %rax, %rsi
        shr     $7, %rsi
        xor     %rsi, %rax
        lea     5(%rdx,%rax,2), %rdx
        and     $0x7fffffff, %edx
        cmp     %rsi, %rdx
        cmovb   %rsi, %rdx
        sub     $1, %rdi
        jnz     1b
        add     %rdx, %rax
        ret

# 10 instructions: 4 loads, 2 stores, one addition to memory, over 8 KBytes.
        LOOP    loop_memory
        xor     %eax, %eax
        lea     buffer(%rip), %rsi
1:      mov     %edi, %edx
        and     $0x1fc0, %edx
        mov     (%rsi,%rdx), %rcx
        add     8(%rsi,%rdx), %rcx
        mov     %rcx, 16(%rsi,%rdx)
        add     %rdi, 24(%rsi,%rdx)
        movzbl  32(%rsi,%rdx), %ecx
        mov     %cl, 40(%rsi,%rdx)
        sub     $1, %rdi
        jnz     1b
        mov     16(%rsi), %rax
        ret

# 10 instructions: two calls, two returns, a push and a pop.
        LOOP    loop_call
        xor     %eax, %eax
1:      call    2f
        sub     $1, %rdi
        jnz     1b
        ret
2:      push    %rdi
        call    3f
        pop     %rdi
        ret
3:      lea     (%rax,%rdi), %rax
        ret

# 10 instructions: an indirect call through a table of 8 targets and what surrounds it.
        LOOP    loop_indirect
        xor     %eax, %eax
        lea     targets(%rip), %rsi
1:      mov     %rdi, %rdx
        imul    $0x1e3779b1, %rdx, %rdx
        shr     $27, %rdx
        and     $7, %edx
        call    *(%rsi,%rdx,8)
        sub     $1, %rdi
        jnz     1b
        ret
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8
        .balign 16
target_\n:
        add     $\n, %rax
        xor     %rdx, %rax
        ret
        .endr

# 12 instructions: packed integer and floating-point arithmetic, shuffles, moves from and to memory.
        LOOP    loop_sse
        lea     buffer(%rip), %rsi
        lea     vectors(%rip), %rdx
        movdqa  (%rdx), %xmm1
        movaps  16(%rdx), %xmm2
        pxor    %xmm0, %xmm0
1:      movdqu  (%rsi), %xmm3
        paddd   %xmm1, %xmm0
        pxor    %xmm0, %xmm3
        pshufd  $0x39, %xmm3, %xmm4
        movdqa  %xmm4, 16(%rsi)
        movaps  %xmm2, %xmm5
        mulps   16(%rdx), %xmm5
        addps   %xmm2, %xmm5
        movups  %xmm5, 32(%rsi)
        por     %xmm3, %xmm4
        sub     $1, %rdi
        jnz     1b
        movq    %xmm4, %rax
        ret

# 12 KBytes: 4 copied by bytes, 4 by quadwords, 4 filled.
        LOOP    loop_string
        mov     %rdi, %rdx
1:      lea     buffer(%rip), %rsi
        lea     buffer + 4096(%rip), %rdi
        mov     $4096, %ecx
        rep movsb
        lea     buffer(%rip), %rsi
        lea     buffer + 4096(%rip), %rdi
        mov     $512, %ecx
        rep movsq
        mov     %rdx, %rax
        lea     buffer(%rip), %rdi
        mov     $1024, %ecx
        rep stosl
        sub     $1, %rdx
        jnz     1b
        mov     buffer + 4096(%rip), %eax
        ret

# Another address space and one access: MOV to CR3, load.
        LOOP    loop_cr3
        mov     %cr3, %rdx
        lea     buffer(%rip), %rsi
        xor     %eax, %eax
1:      mov     %rdx, %cr3
        add     (%rsi), %rax
        sub     $1, %rdi
        jnz     1b
        ret

# A page-table entry is changed, its translation invalidated, and the page read: RSI is the linear address of the page,
# RDX that of its entry.
        LOOP    loop_invlpg
        xor     %eax, %eax
1:      xorq    $0x1000, (%rdx)
        invlpg  (%rsi)
        add     (%rsi), %rax
        sub     $1, %rdi
        jnz     1b
        ret

# One load from each of 8192 pages in turn, more than any TLB modelled holds: RSI is the first page.
        LOOP    loop_miss
        xor     %eax, %eax
1:      mov     $8192, %ecx
        mov     %rsi, %rdx
2:      add     (%rdx), %rax
        add     $4096, %rdx
        sub     $1, %ecx
        jnz     2b
        sub     $1, %rdi
        jnz     1b
        ret

# A picture of 1024 x 768 dots of 4 bytes at RSI goes up by 16 lines; those below become another colour each time.
        LOOP    loop_scroll
        mov     %rdi, %rdx
        mov     %rsi, %r8
1:      mov     %r8, %rdi
        lea     4 * 1024 * 16(%r8), %rsi
        mov     $1024 * (768 - 16) / 2, %ecx
        rep movsq
        imul    $0x010305, %rdx, %rax
        mov     %rax, %rcx
        shl     $32, %rcx
        or      %rcx, %rax
        mov     $1024 * 16 / 2, %ecx
        rep stosq
        sub     $1, %rdx
        jnz     1b
        mov     (%r8), %eax
        ret

# One store of a byte to each of 38400 addresses, which are 640 x 480 dots in planes.
        LOOP    loop_planes
1:      mov     $38400, %ecx
        mov     %rsi, %rdx
2:      movb    %dil, (%rdx)
        add     $1, %rdx
        sub     $1, %ecx
        jnz     2b
        sub     $1, %rdi
        jnz     1b
        movzbl  (%rsi), %eax
        ret

# The same, each byte read before, into the latches.
        LOOP    loop_latches
        xor     %eax, %eax
1:      mov     $38400, %ecx
        mov     %rsi, %rdx
2:      addb    (%rdx), %al
        movb    %dil, (%rdx)
        add     $1, %rdx
        sub     $1, %ecx
        jnz     2b
        sub     $1, %rdi
        jnz     1b
        ret

        .data
        .balign 64
vectors:
        .long   1, 2, 3, 4
        .float  1.5, 2.25, -3.5, 0.125
targets:
        .quad   target_1, target_2, target_3, target_4, target_5, target_6, target_7, target_8

        .bss
        .balign 4096
        .globl  buffer
buffer: .skip   16384
