// Kernel files made in memory.
#include "tests/monitor/image.h"
#include "monitor/load/linux_params.h"
#include <assert.h>
#include <elf.h>
#include <string.h>

void image_put(struct image *image, size_t offset, uint64_t value, size_t bytes) {
    memcpy(image->bytes + offset, &value, bytes);
}

// Recognisable bytes where a loader must bring them.
static void fill(struct image *image, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) image->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
}

struct image image_linux(void) {
    struct image image = {.name = "bzImage", .size = 5 * 512 + 8192};
    struct linux_header header = {
        .setup_sects = 4,
        .syssize = 8192 / 16,
        .boot_flag = 0xaa55,
        .jump = 0xeb,
        .header_end = sizeof header - (LINUX_HEADER_JUMP_TARGET - LINUX_HEADER),
        .header = LINUX_MAGIC,
        .version = 0x20f,
        .loadflags = LINUX_LOADED_HIGH,
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = 0x200000,
        .relocatable_kernel = 1,
        .xloadflags = LINUX_XLF_KERNEL_64,
        .cmdline_size = 2047,
        .pref_address = 0x1000000,
        .init_size = 0x100000,
    };
    fill(&image, 0, image.size);
    memcpy(image.bytes + LINUX_HEADER, &header, sizeof header);
    return image;
}

enum { ELF_TEXT = 0x1000, ELF_DATA = 0x2000, ELF_END = 0x2800, ELF_BASE = 0x200000, ELF_BSS = 0x1000 };

// An ELF executable of two segments, the second with more memory than file; the two classes differ in types alone.
#define ELF_IMAGE(bits, machine)                                                                                       \
    static struct image elf##bits(void) {                                                                              \
        struct image image = {.name = "ELF" #bits, .size = ELF_END};                                                   \
        const Elf##bits##_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS##bits, ELFDATA2LSB, EV_CURRENT},    \
                                         .e_type = ET_EXEC,                                                            \
                                         .e_machine = machine,                                                         \
                                         .e_version = EV_CURRENT,                                                      \
                                         .e_entry = ELF_BASE + 0x10,                                                   \
                                         .e_phoff = sizeof header,                                                     \
                                         .e_ehsize = sizeof header,                                                    \
                                         .e_phentsize = sizeof(Elf##bits##_Phdr),                                      \
                                         .e_phnum = 2};                                                                \
        const Elf##bits##_Phdr segments[2] = {{.p_type = PT_LOAD,                                                      \
                                               .p_offset = ELF_TEXT,                                                   \
                                               .p_vaddr = ELF_BASE,                                                    \
                                               .p_paddr = ELF_BASE,                                                    \
                                               .p_filesz = 0x1000,                                                     \
                                               .p_memsz = 0x1000},                                                     \
                                              {.p_type = PT_LOAD,                                                      \
                                               .p_offset = ELF_DATA,                                                   \
                                               .p_vaddr = ELF_BASE + 0x2000,                                           \
                                               .p_paddr = ELF_BASE + 0x2000,                                           \
                                               .p_filesz = ELF_END - ELF_DATA,                                         \
                                               .p_memsz = ELF_END - ELF_DATA + ELF_BSS}};                              \
        fill(&image, ELF_TEXT, ELF_END);                                                                               \
        memcpy(image.bytes, &header, sizeof header);                                                                   \
        memcpy(image.bytes + sizeof header, segments, sizeof segments);                                                \
        return image;                                                                                                  \
    }
ELF_IMAGE(64, EM_X86_64)
ELF_IMAGE(32, EM_386)
#undef ELF_IMAGE

struct image image_elf(bool is_64bit) {
    return is_64bit ? elf64() : elf32();
}

struct image image_pvh(void) {
    struct image image = elf64();
    const Elf64_Phdr segment = {.p_type = PT_NOTE, .p_offset = IMAGE_NOTE, .p_filesz = 20 + 20, .p_align = 4};
    const struct {
        Elf64_Nhdr header;
        char owner[4];
        uint32_t value;
    } notes[2] = {{{4, 4, 6}, "Xen", 0x77777777}, {{4, 4, 18}, "Xen", ELF_BASE + 0x20}};
    static_assert(sizeof notes == 40);
    image.name = "PVH";
    image_put(&image, offsetof(Elf64_Ehdr, e_phnum), 3, 2);
    memcpy(image.bytes + sizeof(Elf64_Ehdr) + 2 * sizeof segment, &segment, sizeof segment);
    memcpy(image.bytes + IMAGE_NOTE, notes, sizeof notes);
    return image;
}

static void put_multiboot(struct image *image, size_t offset, uint32_t flags) {
    image_put(image, offset, 0x1badb002, 4);
    image_put(image, offset + 4, flags, 4);
    image_put(image, offset + 8, 0u - 0x1badb002u - flags, 4);
}

struct image image_multiboot_elf(void) {
    struct image image = elf32();
    image.name = "multiboot ELF";
    put_multiboot(&image, ELF_TEXT, 3);
    return image;
}

struct image image_multiboot_flat(void) {
    struct image image = {.name = "multiboot flat", .size = 4096};
    fill(&image, 0, image.size);
    put_multiboot(&image, 64, 1 << 16);
    const uint32_t addresses[5] = {0x200040, 0x200000, 0x200000 + 4096, 0x200000 + 8192, 0x200080};
    memcpy(image.bytes + 64 + 12, addresses, sizeof addresses);
    return image;
}

struct image image_multiboot2(void) {
    struct image image = elf64();
    const uint32_t length = 16 + 24 + 24 + 8;
    const uint32_t header[] = {0xe85250d6, 0,         length,   0u - 0xe85250d6 - length,
                               1,          8 + 3 * 4, 4,        6,
                               9,          0, // information: memory, memory map, sections
                               10,         24,        0x300000, 0x2000000,
                               0x1000,     2,         0,        8};
    static_assert(sizeof header == 16 + 24 + 24 + 8);
    image.name = "multiboot 2 ELF";
    memcpy(image.bytes + ELF_TEXT, header, sizeof header);
    return image;
}

struct image image_of(unsigned kind) {
    switch (kind) {
    case 0: return image_linux();
    case 1: return image_elf(true);
    case 2: return image_elf(false);
    case 3: return image_pvh();
    case 4: return image_multiboot_elf();
    case 5: return image_multiboot2();
    default: return image_multiboot_flat();
    }
}
