# Real-mode code in the guest's memory: a page that bios.c copies below 640 KBytes. Each VMCALL here leads to bios.c, which
# knows it by its address. Everything is relative to the page's own segment.

        .section .rodata.hooks, "a"
        .globl  hooks, hooks_end, hook_disk, hook_disk_call, hook_disk_done, hook_system, hook_system_call, hook_begin
        .globl  hook_failed, hook_old_disk, hook_old_system
        .code16
        .balign 16
hooks:
# Where another processor begins after its SIPI: to 32-bit protected mode, and to processors.c by way of enter.S.
        cli
        lgdtl   %cs:(processor_gdt_pointer - hooks)
        mov     %cr0, %eax
        and     $0x9fffffff, %eax       # not CD, NW
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $0x08, $processor_entry
processor_gdt_pointer:
        .word   31
        .long   processor_gdt

# INT 13H: disks. The guest's first is the second one of the BIOS.
hook_disk:
hook_disk_call:
        vmcall
        pushf
        lcall   *%cs:(hook_old_disk - hooks)
hook_disk_done:
        vmcall
        iret

# INT 15H: system services. Those that tell how much memory there is are answered by us, with ZF set; not the others.
hook_system:
hook_system_call:
        vmcall
        jnz     1f
        iret
1:      ljmp    *%cs:(hook_old_system - hooks)

# Where the guest begins: as a BIOS does, with the first sector of its first disk.
hook_begin:
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        sti
        mov     $0x0201, %ax            # read one sector
        mov     $0x7c00, %bx
        mov     $0x0001, %cx            # cylinder 0, sector 1
        mov     $0x0080, %dx            # head 0, first disk
        int     $0x13
        jc      hook_failed
        cmpw    $0xaa55, 0x7dfe
        jne     hook_failed
        mov     $0x80, %dl
        ljmp    $0, $0x7c00
hook_failed:
        vmcall

        .balign 4
hook_old_disk:   .long 0
hook_old_system: .long 0

hooks_end:

        .balign 8
processor_gdt:
        .quad   0
        .quad   0x00cf9b000000ffff      # 0x08: 32-bit code
        .quad   0x00cf93000000ffff      # 0x10: data
        .quad   0x00af9b000000ffff      # 0x18: 64-bit code

        .text
        .code32
processor_entry:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %cr4, %eax
        or      $0x20, %eax             # PAE
        mov     %eax, %cr4
        mov     $page_map, %eax         # boot.S made it for the first processor
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx       # IA32_EFER
        rdmsr
        or      $0x100, %eax            # LME
        wrmsr
        mov     %cr0, %eax
        or      $0x80000000, %eax       # PG
        mov     %eax, %cr0
        ljmp    $0x18, $1f
        .code64
1:      mov     $1, %edi
        lock xadd %edi, processors_seen # the second processor is number 1
        inc     %edi
        mov     %edi, %eax
        shl     $13, %eax               # 8 KBytes of stack each
        lea     processor_stacks(%rax), %rsp
        call    processor_begin
        .section .note.GNU-stack, "", @progbits
