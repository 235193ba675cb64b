# Where a lab begins: a multiboot kernel (Multiboot Specification 0.6.96, 3.2), in 32-bit protected mode. From there to
# 64-bit mode (SDM Vol. 3A, 9.8.5), with linear addresses that are physical ones up to 4 GBytes, in pages of 2 MBytes;
# then to lab_main() in lab.c. At the end an entry for each vector of the IDT.
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 0, -0x1badb002

        .text
        .code32
        .globl  begin
begin:  cli
        mov     $page_directories, %edi # 4 tables of 512 entries, one behind the other
        mov     $0x83, %eax             # present, writable, a large page
        mov     $2048, %ecx
1:      mov     %eax, (%edi)
        add     $8, %edi
        add     $0x200000, %eax
        loop    1b
        mov     $page_directories + 3, %eax
        mov     $pointers, %edi
        mov     $4, %ecx
2:      mov     %eax, (%edi)
        add     $8, %edi
        add     $0x1000, %eax
        loop    2b
        movl    $pointers + 3, page_map

        mov     $page_map, %eax
        mov     %eax, %cr3
        mov     $0x620, %eax            # PAE, OSFXSR, OSXMMEXCPT
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx       # IA32_EFER
        mov     $0x100, %eax            # LME
        xor     %edx, %edx
        wrmsr
        mov     $0x80010013, %eax       # PG, WP, ET, MP, PE; NE is for the labs to set
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $0x08, $1f

        .code64
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $stack_end, %rsp
        xor     %ebp, %ebp
        call    lab_main

        .globl  lab_done
lab_done:                               # the end of a lab: nothing can wake the processor
        cli
        hlt
        jmp     lab_done

# --- vectors, 16 bytes each ---
        .balign 16
        .globl  vector_entries
vector_entries:
number = 0
        .rept   256
        .balign 16
        .if     !(number == 8 || (number >= 10 && number <= 14) || number == 17)
        push    $0                      # in the place of an error code
        .endif
        push    $number
        jmp     vector_taken
number = number + 1
        .endr

        .globl  vector_left
vector_taken:
        push    %rax
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        lea     72(%rsp), %rdi          # struct frame
        cld
        call    lab_vector
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp               # vector and error code
vector_left:
        iretq

        .data
        .balign 8
        .globl  gdt
gdt:    .quad   0
        .quad   0x00af9b000000ffff      # 08H: 64-bit code
        .quad   0x00cf93000000ffff      # 10H: data
        .quad   0, 0                    # 18H: the TSS, by lab.c
gdt_pointer:
        .word   . - gdt - 1
        .quad   gdt

        .bss
        .balign 4096
        .globl  page_map
page_map:         .skip 4096
pointers:         .skip 4096
page_directories: .skip 4 * 4096
        .skip   32768
stack_end:
        .section .note.GNU-stack, "", @progbits
