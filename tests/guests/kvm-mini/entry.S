# The 64-bit guest's way from real mode to long mode, with a GDT and page tables of its own.
#
# Page tables: 2 MiB pages, linear = physical, for the first GiB and the fourth (devices), in five 4 KiB tables that lie
# in .bss. The second 2 MiB page is left out, for a page fault that long.c asks for.
#include "protocol.h"

        .section .entry, "ax"
        .globl  entry
        .code16
entry:  cli
        xor     %ax, %ax
        mov     %ax, %ds
        lgdtl   gdt_pointer
        mov     %cr0, %eax
        or      $1, %al                         # PE
        mov     %eax, %cr0
        ljmpl   $0x08, $protected

        .code32
protected:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $stack_top, %esp

        movl    $(page_directory_pointers + 7), page_map
        movl    $(directory_low + 7), page_directory_pointers
        movl    $(directory_high + 7), page_directory_pointers + 3 * 8
        mov     $directory_low, %edi
        mov     $0x00000087, %eax               # present, writable, user, large
        call    fill
        mov     $directory_high, %edi
        mov     $0xc0000097, %eax               # the same, cache disabled
        call    fill
        movl    $0, directory_low + 8           # the hole

        mov     %cr4, %eax
        or      $0x620, %eax                    # PAE, OSFXSR, OSXMMEXCPT
        mov     %eax, %cr4
        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx               # IA32_EFER
        rdmsr
        or      $0x100, %eax                    # LME
        wrmsr
        mov     %cr0, %eax
        and     $~0x60000004, %eax              # not CD, NW, EM
        or      $0x80010002, %eax               # PG, WP, MP
        mov     %eax, %cr0
        ljmp    $0x18, $long_mode

# 512 entries at EDI, the first one EAX.
fill:   mov     $512, %ecx
1:      mov     %eax, (%edi)
        movl    $0, 4(%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    1b
        ret

        .code64
long_mode:
        xor     %eax, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $stack_top, %rsp
        call    guest_main
1:      hlt
        jmp     1b

        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff              # 0x08: 32-bit code
        .quad   0x00cf93000000ffff              # 0x10: data
        .quad   0x00af9b000000ffff              # 0x18: 64-bit code
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .bss
        .balign 4096
        .globl  directory_low
page_map:                .skip 4096
page_directory_pointers: .skip 4096
directory_low:           .skip 4096
directory_high:          .skip 4096
        .skip   8192
stack_top:
        .section .note.GNU-stack, "", @progbits
