// Puts a Linux kernel into a guest's memory as its 64-bit boot protocol wants it.
#ifndef KVM_MINI_LINUX_H
#define KVM_MINI_LINUX_H
#include <stddef.h>
#include <stdint.h>

struct linux_image {
    const char *kernel, *initrd, *command_line; // files; initrd may be NULL
    unsigned processors;
};

struct linux_start {
    uint64_t rip, rsi, cr3, gdt;
    uint16_t gdt_limit;
};

enum { LINUX_CODE_SELECTOR = 0x10, LINUX_DATA_SELECTOR = 0x18 };

// NULL, or why not.
const char *linux_load(uint8_t *memory, uint64_t memory_bytes, const struct linux_image *image,
                       struct linux_start *start);
#endif
