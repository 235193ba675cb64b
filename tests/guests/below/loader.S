# A disk's boot sector and what it loads: the first 2 KBytes of the disk, this file, are at 7C00H in the end, the image of
# the hypervisor behind them. The BIOS begins here in real mode, DL the drive. SDM Vol. 3A, 9.9.1, for the way out of it.
#
# IMAGE_SECTORS comes from the build.

#define LOADED 0x1000                   /* struct loaded of below.h */
#define CHUNK 64                        /* sectors at a time: less than a segment has */
#define SMAP 0x534d4150

        .code16
        .globl  begin
begin:  ljmp    $0, $1f
1:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        cld
        mov     $((IMAGE_SECTORS + 3 + CHUNK - 1) / CHUNK), %cx
2:      push    %cx
        mov     $0x42, %ah              # extended read
        mov     $packet, %si
        int     $0x13
        mov     $no_disk, %si
        jc      say_and_stop
        addw    $(CHUNK * 512 / 16), packet_segment
        addl    $CHUNK, packet_sector
        pop     %cx
        loop    2b
        jmp     loaded

say_and_stop:
        call    say
        hlt
        jmp     . - 1

say:    lodsb
        test    %al, %al
        jz      1f
        mov     $0x0e, %ah              # as a teletype
        mov     $7, %bx
        int     $0x10
        jmp     say
1:      ret

        .balign 4
packet: .byte   16, 0
        .word   CHUNK
        .word   0
packet_segment:
        .word   0x7e0
packet_sector:
        .quad   1
no_disk:
        .asciz  "turtles: the disk cannot be read\r\n"
        .org    446
        .byte   0x80, 0, 2, 0, 0x7f, 0xff, 0xff, 0xff   # one partition, of no file system: some BIOSes want to see one
        .long   1, IMAGE_SECTORS + 3
        .org    510
        .word   0xaa55

# --- from the second sector on: the memory map, then protected mode ---
loaded: mov     $hello, %si
        call    say
        mov     $(LOADED + 4), %di
        xor     %ebx, %ebx
        movl    $0, LOADED
1:      mov     $0xe820, %eax
        mov     $SMAP, %edx
        mov     $20, %ecx
        int     $0x15
        jc      2f
        cmp     $SMAP, %eax
        jne     2f
        add     $20, %di
        incl    LOADED
        cmpl    $64, LOADED
        je      2f
        test    %ebx, %ebx
        jnz     1b
2:      mov     $0x2401, %ax            # A20 on
        int     $0x15
        cli
        lgdtl   gdt_pointer
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmp    $0x08, $protected

        .code32
protected:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $(begin + 2048), %esi
        mov     $0x6000000, %edi
        mov     $(IMAGE_SECTORS * 512 / 4), %ecx
        rep movsl
        mov     $LOADED, %ebx
        jmp     *0x6000000

        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      # 0x08: 32-bit code
        .quad   0x00cf93000000ffff      # 0x10: data
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
hello:  .asciz  "turtles below: hides at 96 MBytes, then begins the next disk\r\n"
        .org    2048
        .section .note.GNU-stack, "", @progbits
