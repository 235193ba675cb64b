# The way of the measuring guest from its loader to 64-bit mode. Multiboot 1, or anything that jumps to the entry in flat
# 32-bit protected mode with a multiboot information structure in EBX.
#
# The first 4 GBytes are mapped to themselves by 2-MByte pages.

        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 0, -0x1badb002

        .text
        .code32
        .globl  entry
entry:  cli
        cld
        mov     $stack_top, %esp
        mov     $directories, %edi
        mov     $0x83, %eax                     # present, writable, large
        mov     $4 * 512, %ecx
1:      mov     %eax, (%edi)
        movl    $0, 4(%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    1b
        mov     $directories + 3, %eax
        mov     $directory_pointers, %edi
        mov     $4, %ecx
2:      mov     %eax, (%edi)
        add     $4096, %eax
        add     $8, %edi
        loop    2b
        movl    $(directory_pointers + 3), page_map

        mov     $0x620, %eax                    # PAE, OSFXSR, OSXMMEXCPT
        mov     %eax, %cr4
        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx               # IA32_EFER: LME
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     $0x80010033, %eax               # PG, WP, NE, ET, MP, PE
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $0x08, $long_mode

        .code64
long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $0x18, %eax
        ltr     %ax
        mov     $stack_top, %rsp
        mov     %ebx, %edi
        call    guest_main
1:      hlt
        jmp     1b

        .data
        .balign 8
        .globl  gdt, gdt_pointer
gdt:    .quad   0
        .quad   0x00af9b000000ffff              # 08H: 64-bit code
        .quad   0x00cf93000000ffff              # 10H: data
        .quad   0x0000890000000067, 0           # 18H: TSS at 0, never read
gdt_pointer:
        .word   . - gdt - 1
        .quad   gdt

        .bss
        .balign 4096
        .globl  page_map, directory_pointers, directories
page_map:
        .skip   4096
directory_pointers:
        .skip   4096
directories:
        .skip   4 * 4096
        .skip   16384
stack_top:
