# The loader of the disks that tool disk.c makes, for an emulator that can only start from a disk by its BIOS. It reads
# the pieces that the second sector lists, notes the BIOS's memory map in the Linux boot parameters, and enters flat
# 32-bit protected mode.
#
# Second sector: pieces of (physical address, sectors), the first at sector 2 of the disk, each after the other; an
# address of 0 sectors ends the list; then the entry and the values of EBX and ESI. See disk.c.

        .set    PARAMETERS, 0x20000             # struct boot_params, if there is one
        .set    E820_COUNT, 0x1e8
        .set    E820_TABLE, 0x2d0
        .set    BUFFER, 0x30000
        .set    LIST, 0x7e00
        .set    CHUNK, 64                       # sectors a turn

        .code16
        .text
        .globl  start
start:  cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        mov     %dl, drive
        sti
        cld
        movw    $1, packet_count
        movl    $LIST, packet_buffer
        movl    $1, packet_sector
        call    read
        movl    $2, packet_sector
        mov     $LIST, %bp
piece:  mov     (%bp), %edi                     # where to
        mov     4(%bp), %ecx                    # sectors left
        add     $8, %bp
        test    %ecx, %ecx
        jz      map
1:      mov     $CHUNK, %eax
        cmp     %eax, %ecx
        jae     2f
        mov     %ecx, %eax
2:      mov     %ax, packet_count
        movl    $(BUFFER / 16) << 16, packet_buffer
        call    read
        push    %ecx
        push    %eax
        mov     %ax, %cx
        shl     $8, %cx                         # words
        mov     %edi, move_to + 2
        mov     %edi, %edx
        shr     $24, %edx
        movb    $0x93, move_to + 5
        movb    $0, move_to + 6
        mov     %dl, move_to + 7
        mov     $move_table, %si
        mov     $0x87, %ah                      # move a block to extended memory
        int     $0x15
        jc      fail
        pop     %eax
        pop     %ecx
        sub     %eax, %ecx
        add     %eax, packet_sector
        shl     $9, %eax
        add     %eax, %edi
        test    %ecx, %ecx
        jnz     1b
        jmp     piece

# The memory map by INT 15H, E820H. BP stays at the entry point.
map:    xor     %ebx, %ebx
        mov     $PARAMETERS / 16, %ax
        mov     %ax, %es
        mov     $E820_TABLE, %di
1:      mov     $0xe820, %eax
        mov     $0x534d4150, %edx
        mov     $20, %ecx
        int     $0x15
        jc      2f
        add     $20, %di
        incb    %es:E820_COUNT
        test    %ebx, %ebx
        jnz     1b
2:      cli
        in      $0x92, %al                      # A20
        or      $2, %al
        and     $0xfe, %al
        out     %al, $0x92
        movzwl  %bp, %ebp
        lgdtl   gdt_pointer
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $0x10, $flat

        .code32
flat:   mov     $0x18, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     (%ebp), %eax
        mov     4(%ebp), %ebx
        mov     8(%ebp), %esi
        xor     %edi, %edi
        xor     %ebp, %ebp
        jmp     *%eax

        .code16
read:   pusha
        mov     $packet, %si
        mov     drive, %dl
        mov     $0x42, %ah                      # extended read
        int     $0x13
        jc      fail
        popa
        ret
fail:   hlt
        jmp     fail

drive:  .byte   0
        .balign 4
packet: .byte   16, 0
packet_count:
        .word   0
packet_buffer:
        .long   0
packet_sector:
        .quad   0

        .balign 8
move_table:
        .quad   0, 0
        .word   0xffff, BUFFER & 0xffff         # from
        .byte   BUFFER >> 16, 0x93, 0, 0
move_to:
        .word   0xffff, 0
        .byte   0, 0x93, 0, 0
        .quad   0, 0

gdt:    .quad   0, 0
        .quad   0x00cf9b000000ffff              # 10H: code, as Linux wants it
        .quad   0x00cf93000000ffff              # 18H: data
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .org    510
        .word   0xaa55
