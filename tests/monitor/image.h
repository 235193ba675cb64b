// Kernel files made in memory: small, valid, and with every field at hand for a test to spoil.
#ifndef TESTS_MONITOR_IMAGE_H
#define TESTS_MONITOR_IMAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_BYTES = 16384, IMAGE_NOTE = 0x400 };
struct image {
    const char *name;
    size_t size;
    uint8_t bytes[IMAGE_BYTES];
};

struct image image_linux(void);          // bzImage, 4 + 1 sectors of setup, 8192 bytes of code for 16 MBytes
struct image image_elf(bool is_64bit);   // two segments at 2 MBytes, the second with bss
struct image image_pvh(void);            // that for 64 bits, with a note that names the entry ELF_BASE + 20H
struct image image_multiboot_elf(void);  // an ELF32 one
struct image image_multiboot_flat(void); // with addresses in its header
struct image image_multiboot2(void);     // the ELF64 one, which can be moved and asks for its sections

enum { IMAGE_KINDS = 7 };
struct image image_of(unsigned kind); // one of these

void image_put(struct image *image, size_t offset, uint64_t value, size_t bytes);

#endif
