# Where every level begins, whoever loaded it: as a multiboot 1 kernel (Multiboot Specification 0.6.96, 3.2), in 32-bit
# protected mode without paging, EBX pointing to the information structure. From there to long mode (SDM Vol. 3A, 9.8.5)
# and to start() in main.c. Linear addresses are physical addresses, in 2-MByte pages, for the first GByte.
#
# At the end: one entry for each vector, all leading to on_interrupt() in interrupt.c.

#define MAGIC 0x1badb002
#define FLAGS 2                         /* memory information, please */
#define MSR_EFER 0xc0000080

        .section .multiboot, "a"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .globl  entry
        .code32
entry:  cli
        cld
        mov     %ebx, %ebp
        mov     $bss_begin, %edi        # not all loaders clear it, and ours does not
        mov     $bss_end, %ecx
        sub     %edi, %ecx
        xor     %eax, %eax
        rep stosb

        movl    $(page_directory_pointers + 7), page_map
        movl    $(page_directory + 7), page_directory_pointers
        mov     $page_directory, %edi
        mov     $0x87, %eax             # present, writable, user, large
        mov     $512, %ecx
1:      mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    1b

        mov     %cr4, %eax
        or      $0x20, %eax             # PAE
        mov     %eax, %cr4
        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $0x100, %eax            # LME
        wrmsr
        mov     %cr0, %eax
        and     $~0x60000000, %eax      # not CD, NW
        or      $0x80000001, %eax       # PG
        mov     %eax, %cr0
        lgdt    boot_gdt_pointer
        ljmp    $0x08, $long_mode

        .code64
long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $stack_top, %esp
        mov     %ebp, %edi              # the multiboot information
        call    start
1:      hlt
        jmp     1b

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9b000000ffff      # 0x08: 64-bit code
        .quad   0x00cf93000000ffff      # 0x10: data
boot_gdt_pointer:
        .word   . - boot_gdt - 1
        .long   boot_gdt

# --- interrupts and exceptions: 16 bytes for each vector, so that interrupt.c can compute where one is ---
        .balign 16
        .globl  vector_entries
vector_entries:
vector = 0
        .rept   256
        .balign 16
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
        push    $0                      # where the processor pushes no error code
        .endif
        push    $vector
        jmp     vector_common
vector = vector + 1
        .endr

vector_common:                          # struct frame in interrupt.h, from its end
        push    %r15
        push    %r14
        push    %r13
        push    %r12
        push    %r11
        push    %r10
        push    %r9
        push    %r8
        push    %rdi
        push    %rsi
        push    %rbp
        push    %rbx
        push    %rdx
        push    %rcx
        push    %rax
        mov     %rsp, %rdi
        cld
        call    on_interrupt
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rbx
        pop     %rbp
        pop     %rsi
        pop     %rdi
        pop     %r8
        pop     %r9
        pop     %r10
        pop     %r11
        pop     %r12
        pop     %r13
        pop     %r14
        pop     %r15
        add     $16, %rsp               # vector, error code
        iretq

        .bss
        .balign 4096
        .globl  page_map, stack_top
page_map:                .skip 4096
page_directory_pointers: .skip 4096
page_directory:          .skip 4096
        .skip   16384
stack_top:
        .section .note.GNU-stack, "", @progbits
