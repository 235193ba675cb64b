# The way of a second processor into long mode, for the mistakes that take two (second.c). It begins in real mode at the page that
# the startup interrupt names (SDM Vol. 3A, 8.4.4), where second.c has put a copy of this.

#define PLACE 0x8000
#define MSR_EFER 0xc0000080

        .text
        .globl  second_begin, second_end
        .code16
second_begin:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %cr4, %eax
        or      $0x20, %eax             # PAE
        mov     %eax, %cr4
        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $0x100, %eax            # LME
        wrmsr
        lgdtl   PLACE + second_gdt_pointer - second_begin
        mov     %cr0, %eax
        and     $~0x60000000, %eax      # not CD, NW
        or      $0x80000001, %eax       # PG and PE at once
        mov     %eax, %cr0
        ljmpl   $0x08, $second_long_mode
        .balign 8
second_gdt:
        .quad   0
        .quad   0x00af9b000000ffff      # 0x08: 64-bit code
        .quad   0x00cf93000000ffff      # 0x10: data
second_gdt_pointer:
        .word   . - second_gdt - 1
        .long   PLACE + second_gdt - second_begin
second_end:

        .code64
second_long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $second_stack, %esp
        call    second_main
1:      hlt
        jmp     1b

# void user_store(uint64_t *to, uint64_t value): by a program, at privilege level 3; UD2 leads back to user_back.
        .globl  user_store, user_back, user_rsp
user_store:
        mov     %rsp, user_rsp
        mov     %rsp, %rax
        push    $0x2b                   # SELECTOR_USER_DATA
        push    %rax
        pushf
        push    $0x33                   # SELECTOR_USER_CODE
        push    $1f
        iretq
1:      mov     %rsi, (%rdi)
        ud2
user_back:
        ret

        .bss
        .balign 16
user_rsp: .skip 8
        .skip   4096
second_stack:
        .section .note.GNU-stack, "", @progbits
