// The loaders: where everything lies, what the processor is given, and what is said about files that are cut short or
// lie. Random damage never crashes: it loads, or there is one line and nothing else.
#define _GNU_SOURCE
#include "cpu/state/cpu.h"
#include "monitor/load/linux_params.h"
#include "monitor/host/status.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/monitor/loading.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 64 << 20 };
static struct loading loading;

static void fails(const struct image *image, const char *expected, const char *name) {
    bool loaded = loading_try(&loading, image, NULL, NULL);
    ok(!loaded && loading_well_behaved(&loading, loaded) && strstr(loading.errors, expected), "%s: %s (%s)",
       image->name, name, loading.errors);
}

static const void *ram(uint64_t address, uint64_t bytes) {
    const void *host = machine_ram(loading.machine, address, bytes);
    if (!host) bail("no RAM at %llx", (unsigned long long)address);
    return host;
}

static uint64_t word(uint64_t address) {
    uint64_t value;
    memcpy(&value, ram(address, 8), 8);
    return value;
}

// The physical address that the page tables at CR3 give, ~0 when none.
static uint64_t walk(const struct cpu *cpu, uint64_t linear) {
    uint64_t entry = word((field(cpu, "control.cr3") & ~0xfffull) + (linear >> 39 & 511) * 8);
    if (!(entry & 1)) return ~0ull;
    entry = word((entry & ~0xfffull) + (linear >> 30 & 511) * 8);
    if (!(entry & 1)) return ~0ull;
    entry = word((entry & ~0xfffull) + (linear >> 21 & 511) * 8);
    return (entry & 0x83) == 0x83 ? (entry & ~0x1fffffull) + (linear & 0x1fffff) : ~0ull;
}

static void check_segments(const struct cpu *cpu, bool is_64bit) {
    bool good = true;
    for (unsigned s = ES; s <= GS; s++) {
        uint32_t rights = s != CS ? 0xc093 : is_64bit ? 0xa09b : 0xc09b;
        good &= field_at(cpu, "segment[].rights", s) == rights && field_at(cpu, "segment[].limit", s) == UINT32_MAX &&
                field_at(cpu, "segment_base", s) == 0;
        good &= field_at(cpu, "segment[].selector", s) == (s == CS ? 0x10 : 0x18);
        // The descriptor in the GDT says the same.
        uint64_t descriptor = word(field(cpu, "gdtr.base") + (field_at(cpu, "segment[].selector", s) & ~7u));
        good &= (descriptor >> 40 & 0xf0ff) == rights && (descriptor & 0xffff) == 0xffff;
    }
    ok(good && field(cpu, "gdtr.limit") == 31, "segments are flat and are those of the GDT");
}

static void check_64bit(const struct cpu *cpu) {
    ok(field(cpu, "control.cr0") & CR0_PG && field(cpu, "control.cr0") & CR0_PE &&
           field(cpu, "control.cr4") & CR4_PAE && (field(cpu, "control.efer") & (EFER_LME | EFER_LMA)) == 0x500,
       "IA-32e mode with paging");
    ok(cpu_64bit(cpu) && cpu_cpl(cpu) == 0, "the mode follows");
    ok(cpu_rflags(cpu) == 2, "RFLAGS is 2: no interrupts");
    loop_begin("the low 4 GBytes are mapped to themselves");
    for (uint64_t a = 0; a < 1ull << 32; a += 0x1ff000) loop_check(walk(cpu, a) == a, "%llx", (unsigned long long)a);
    loop_end();
    check_segments(cpu, true);
}

static void check_memory_map(const struct linux_params *params) {
    struct machine_region region[64];
    unsigned count = machine_memory_map(loading.machine, region, 64);
    bool same = params->e820_entries == count && count >= 2;
    for (unsigned i = 0; same && i < count; i++)
        same = params->e820[i].base == region[i].base && params->e820[i].bytes == region[i].bytes &&
               params->e820[i].type == region[i].type;
    ok(same, "the memory map is the machine's");
}

static void test_linux(void) {
    struct image image = image_linux();
    uint8_t initrd[5000], page_0[4096];
    memset(initrd, 0x5a, sizeof initrd);
    loading_file(loading.initrd_fd, initrd, sizeof initrd);
    memcpy(page_0, ram(0, 4096), 4096);
    ok(loading_try(&loading, &image, loading.initrd_path, "console=ttyS0 a=b"), "a bzImage loads (%s)", loading.errors);
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    const struct linux_params *params = ram(gpr(cpu, RSI), 4096);
    const struct linux_header *header = &params->header;
    ok(field(cpu, "rip") == 0x1000200, "it starts 200H behind its preferred address");
    ok(memcmp(ram(0x1000000, 8192), image.bytes + 5 * 512, 8192) == 0, "its code is there");
    check_64bit(cpu);
    ok(header->header == LINUX_MAGIC && header->version == 0x20f && header->type_of_loader == 0xff, "setup header");
    ok(strcmp(ram(header->cmd_line_ptr, 18), "console=ttyS0 a=b") == 0, "command line");
    ok(header->ramdisk_size == 5000 && header->ramdisk_image % 4096 == 0 &&
           memcmp(ram(header->ramdisk_image, 5000), initrd, 5000) == 0,
       "initrd");
    ok(header->ramdisk_image > RAM - (1 << 20), "the initrd is as high as RAM reaches (%x)", header->ramdisk_image);
    ok(params->acpi_rsdp_addr == machine_acpi_rsdp(loading.machine), "ACPI root pointer");
    check_memory_map(params);
    const struct linux_setup_data *node = ram(header->setup_data, sizeof *node);
    ok(node->next == 0 && node->type == 9 && node->length == 32 && node->seed[0] && node->seed[0] != node->seed[1],
       "setup_data: one node, with a seed of 32 bytes");
    ok(memcmp(page_0, ram(0, 4096), 4096) == 0, "physical page 0 is untouched");
    loading_file(loading.initrd_fd, initrd, 0);
    ok(loading_try(&loading, &image, loading.initrd_path, NULL) &&
           ((const struct linux_params *)ram(gpr(cpu, RSI), 4096))->header.ramdisk_size == 0,
       "an empty initrd is none");
    image_put(&image, offsetof(struct linux_params, header.pref_address), 1ull << 40, 8);
    ok(loading_try(&loading, &image, NULL, NULL) && field(cpu, "rip") == 0x200200, "moved to where there is RAM");
}

// The code's last paragraph may be short.
static void test_linux_short(void) {
    struct image image = image_linux();
    image.size -= 15;
    memset(inside_ram(loading.machine, 0x1000000, 8192), 0xff, 8192);
    ok(loading_try(&loading, &image, NULL, NULL), "a bzImage whose last paragraph has one byte loads (%s)",
       loading.errors);
    ok(memcmp(ram(0x1000000, 8177), image.bytes + 5 * 512, 8177) == 0, "its code is there, up to that byte");
}

// Kernels with an entry for 32 bits alone, and protocols that do not know where a kernel prefers to be.
static void test_linux_32bit(uint16_t version, uint8_t header_end, uint64_t entry) {
    struct image image = image_linux();
    image_put(&image, offsetof(struct linux_params, header.version), version, 2);
    image_put(&image, offsetof(struct linux_params, header.header_end), header_end, 1);
    image_put(&image, offsetof(struct linux_params, header.code32_start), 0x100000, 4);
    if (version >= 0x20c) image_put(&image, offsetof(struct linux_params, header.xloadflags), 0, 2);
    memset(image.bytes + 0x202 + header_end, 0xcc, 0x40);
    ok(loading_try(&loading, &image, NULL, "words"), "a 32-bit kernel of protocol %x loads (%s)", version,
       loading.errors);
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    const struct linux_params *params = ram(gpr(cpu, RSI), 4096);
    ok(field(cpu, "rip") == entry && params->header.code32_start == entry, "it starts where it lies (%llx)",
       (unsigned long long)field(cpu, "rip"));
    ok(field(cpu, "control.cr0") == (CR0_PE | CR0_ET) && field(cpu, "control.efer") == 0 && cpu_rflags(cpu) == 2,
       "protected mode, no paging, no interrupts");
    ok(gpr(cpu, RBX) == 0 && gpr(cpu, RBP) == 0 && gpr(cpu, RDI) == 0, "EBX, EBP and EDI are 0");
    ok(strcmp(ram(params->header.cmd_line_ptr, 6), "words") == 0, "command line");
    check_segments(cpu, false);
}

static void test_linux_lies(void) {
#define LIE(member, value, expected)                                                                                   \
    do {                                                                                                               \
        struct image lie = image_linux();                                                                              \
        image_put(&lie, offsetof(struct linux_params, header.member), value,                                           \
                  sizeof(((struct linux_header *)0)->member));                                                         \
        fails(&lie, expected, #member " = " #value);                                                                   \
    } while (0)
    LIE(header, 0, "not a kernel");
    LIE(boot_flag, 0, "damaged");
    LIE(version, 0x202, "boot protocol 2.02");
    LIE(version, 0x20b, "no entry for protected mode");
    LIE(xloadflags, 2, "no entry for protected mode");
    LIE(loadflags, 0, "zImage");
    LIE(syssize, 0xffffffff, "cut short");
    LIE(syssize, 0, "cut short");
    LIE(setup_sects, 255, "cut short");
    LIE(header_end, 4, "boot protocol 0.00");
    LIE(header_end, 0x61, "setup header ends after 114 bytes");
    LIE(init_size, 0xffffffff, "no room for the kernel");
    struct image fixed = image_linux();
    image_put(&fixed, offsetof(struct linux_params, header.relocatable_kernel), 0, 1);
    image_put(&fixed, offsetof(struct linux_params, header.pref_address), RAM - 4096, 8);
    fails(&fixed, "not all RAM", "where no RAM is");
    image_put(&fixed, offsetof(struct linux_params, header.pref_address), -4096ull, 8);
    fails(&fixed, "not all RAM", "at the end of the address space");
    image_put(&fixed, offsetof(struct linux_params, header.init_size), 0, 4);
    image_put(&fixed, offsetof(struct linux_params, header.pref_address), 0, 8);
    fails(&fixed, "the first page is already", "at 0");
    struct image image = image_linux();
    for (size_t size = 0x1f2; size < 0x26c; size += 30) {
        image.size = size;
        fails(&image, size < 0x206 ? "not a kernel" : "cut short", "cut short in the header");
    }
    image = image_linux();
    image.size -= 16;
    fails(&image, "cut short", "cut short by a paragraph");
    image.size = 5 * 512;
    image_put(&image, offsetof(struct linux_params, header.syssize), 1, 4);
    fails(&image, "cut short", "no code at all");
    uint8_t *big = calloc(1, RAM);
    loading_file(loading.initrd_fd, big, RAM);
    image = image_linux();
    bool loaded = loading_try(&loading, &image, loading.initrd_path, NULL);
    ok(!loaded && loading_well_behaved(&loading, loaded) && strstr(loading.errors, "no room for the initrd"),
       "an initrd larger than RAM (%s)", loading.errors);
    free(big);
}

static void test_elf(bool is_64bit) {
    struct image image = image_elf(is_64bit);
    memset(inside_ram(loading.machine, 0x200000, 0x10000), 0xff, 0x10000);
    ok(loading_try(&loading, &image, NULL, "words"), "%s loads (%s)", image.name, loading.errors);
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    ok(field(cpu, "rip") == 0x200010, "it starts at its entry point");
    ok(memcmp(ram(0x200000, 4096), image.bytes + 0x1000, 4096) == 0 &&
           memcmp(ram(0x202000, 0x800), image.bytes + 0x2000, 0x800) == 0,
       "its segments are there");
    const uint8_t *bss = ram(0x202800, 0x1001);
    ok(bss[0] == 0 && memcmp(bss, bss + 1, 0xfff) == 0 && bss[0x1000] == 0xff,
       "its bss is zero, and no more than that");
    const struct linux_params *params = ram(gpr(cpu, RSI), 4096);
    ok(strcmp(ram(params->header.cmd_line_ptr, 6), "words") == 0, "boot parameters with the command line");
    if (is_64bit) {
        check_64bit(cpu);
    } else {
        ok(field(cpu, "control.cr0") == (CR0_PE | CR0_ET) && field(cpu, "control.efer") == 0 && cpu_rflags(cpu) == 2,
           "protected mode, no paging");
        ok((cpu->mode & MODE_CODE_MASK) == MODE_CODE_32, "the mode follows");
        check_segments(cpu, false);
    }
}

static void test_elf_lies(void) {
    enum {
        PHOFF = 32,
        TYPE = 16,
        MACHINE_AT = 18,
        ENTRY = 24,
        PHNUM = 56,
        P1 = 64,
        P2 = P1 + 56,
        OFFSET = 8,
        PADDR = 24,
        FILESZ = 32,
        MEMSZ = 40
    };
    static const struct {
        size_t at, bytes;
        uint64_t value;
        const char *expected, *name;
    } lies[] = {
        {MACHINE_AT, 2, 183, "another processor (e_machine 183)", "for another processor"},
        {5, 1, 2, "another processor", "big-endian"},
        {TYPE, 2, 4, "no executable (e_type 4)", "core dump"},
        {TYPE, 2, 1, "no executable (e_type 1)", "relocatable"},
        {4, 1, 9, "damaged or cut short", "of an unknown class"},
        {ENTRY, 8, 0x500000, "lies in no segment", "entry point outside"},
        {PHNUM, 2, 0, "lies in no segment", "no program headers"},
        {PHOFF, 8, 1 << 20, "damaged or cut short", "program headers behind the end"},
        {PHOFF, 8, -8ull, "damaged or cut short", "program headers at the end of the address space"},
        {P1 + OFFSET, 8, 0x10000, "cut short or damaged", "segment behind the end"},
        {P1 + OFFSET, 8, -0x1000ull, "cut short or damaged", "segment offset that wraps"},
        {P1 + FILESZ, 8, 0x1001, "more bytes in the file than in memory", "more bytes in the file than in memory"},
        {P1 + MEMSZ, 8, -1ull, "not all RAM", "segment of 2^64 bytes"},
        {P1 + MEMSZ, 8, 0x2001, "where a segment is already", "overlapping segments"},
        {P1 + PADDR, 8, 0xa0000, "not all RAM", "segment in the VGA hole"},
        {P1 + PADDR, 8, 0, "the first page is already", "segment at 0"},
        {P2 + PADDR, 8, -0x1000ull, "not all RAM", "segment at the end of the address space"},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct image image = image_elf(true);
        image_put(&image, lies[i].at, lies[i].value, lies[i].bytes);
        fails(&image, lies[i].expected, lies[i].name);
    }
}

// The 16 KBytes below a stack pointer are nobody else's.
static bool layout_is_mine(uint64_t stack) {
    const struct boot_image *image = &loading.boot.made.image;
    for (unsigned i = 0; i < image->pieces; i++) {
        const struct boot_piece *p = &image->piece[i];
        if (p->physical < stack && p->physical + p->bytes > stack - 0x4000) return false;
    }
    return true;
}

struct multiboot_seen {
    uint32_t flags, lower, upper, device, cmdline, modules, modules_at, syms[4], map_bytes, map_at;
};

static void test_multiboot(struct image image) {
    uint8_t module[100];
    char modules[256];
    memset(module, 0x77, sizeof module);
    loading_file(loading.initrd_fd, module, sizeof module);
    snprintf(modules, sizeof modules, "%s one,,1,%s", loading.initrd_path, loading.initrd_path);
    memset(inside_ram(loading.machine, 0x200000, 0x10000), 0xff, 0x10000);
    ok(loading_try(&loading, &image, modules, "words"), "%s loads (%s)", image.name, loading.errors);
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    ok(gpr(cpu, RAX) == 0x2badb002 && field(cpu, "control.cr0") == (CR0_PE | CR0_ET) && cpu_rflags(cpu) == 2,
       "protected mode, magic in EAX");
    check_segments(cpu, false);
    const struct multiboot_seen *info = ram(gpr(cpu, RBX), sizeof *info);
    ok(gpr(cpu, RBX) >= 0x1000, "the information lies outside page 0");
    ok((info->flags & 0x124d) == 0x124d, "memory, command line, modules, memory map, loader's name, screen");
    ok(gpr(cpu, RSP) == 0x7ff00 && layout_is_mine(gpr(cpu, RSP)), "a stack of its own");
    const uint8_t *screen = (const uint8_t *)info + 88;
    const uint32_t geometry[3] = {160, 80, 25};
    ok(*(const uint32_t *)screen == 0xb8000 && !memcmp(screen + 8, geometry, 12) && screen[20] == 16 && screen[21] == 2,
       "80x25 characters at B8000H");
    char line[128];
    snprintf(line, sizeof line, "%s words", boot_name(loading.kernel_path));
    ok(strcmp(ram(info->cmdline, 100), line) == 0, "the command line begins with the file's name, without its folder");
    ok(info->lower > 500 && info->lower <= 640 && info->upper > 60000 && info->upper <= 63 * 1024,
       "lower and upper memory");
    const uint32_t *list = ram(info->modules_at, 32);
    bool good = info->modules == 2;
    for (unsigned i = 0; good && i < 2; i++)
        good = list[4 * i] % 4096 == 0 && list[4 * i + 1] - list[4 * i] == 100 && list[4 * i] >= 0x202000 + (2 << 20) &&
               memcmp(ram(list[4 * i], 100), module, 100) == 0;
    ok(good && strcmp(ram(list[2], 64), "one,1") == 0 && list[4] != list[0] &&
           strcmp(ram(list[6], 64), boot_name(loading.initrd_path)) == 0,
       "two modules behind the image and a gap, with what follows their names, or these");
    struct machine_region region[64];
    unsigned count = machine_memory_map(loading.machine, region, 64);
    good = info->map_bytes == count * 24;
    for (unsigned i = 0; good && i < count; i++) {
        const uint8_t *entry = ram(info->map_at + i * 24, 24);
        good = entry[0] == 20 && memcmp(entry + 4, &region[i].base, 8) == 0 &&
               memcmp(entry + 12, &region[i].bytes, 8) == 0 && memcmp(entry + 20, &region[i].type, 4) == 0;
    }
    ok(good, "the memory map is the machine's");
}

struct pvh_seen {
    uint32_t magic, version, flags, modules;
    uint64_t modules_at, command_line, rsdp, map_at;
    uint32_t regions, reserved;
};

static void check_pvh_modules(const struct pvh_seen *info, const uint8_t *module, unsigned bytes) {
    const uint64_t *list = ram(info->modules_at, 64);
    bool good = info->modules == 2;
    for (unsigned i = 0; good && i < 2; i++)
        good = list[4 * i] >= 0x203800 + (2 << 20) && list[4 * i] % 4096 == 0 && list[4 * i + 1] == bytes &&
               memcmp(ram(list[4 * i], bytes), module, bytes) == 0 && list[4 * i + 3] == 0;
    ok(good && list[4] != list[0] && strcmp(ram(list[2], 64), "one,1") == 0 &&
           strcmp(ram(list[6], 64), boot_name(loading.initrd_path)) == 0,
       "two modules behind the image, with their words");
}

static void test_pvh(void) {
    struct image image = image_pvh();
    uint8_t module[100];
    char modules[256];
    memset(module, 0x77, sizeof module);
    loading_file(loading.initrd_fd, module, sizeof module);
    snprintf(modules, sizeof modules, "%s one,,1,%s", loading.initrd_path, loading.initrd_path);
    ok(loading_try(&loading, &image, modules, "words"), "an ELF file with a PVH note loads (%s)", loading.errors);
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    ok(field(cpu, "rip") == 0x200020, "it starts at the entry that the note names");
    ok(field(cpu, "control.cr0") == (CR0_PE | CR0_ET) && field(cpu, "control.cr4") == 0 &&
           field(cpu, "control.efer") == 0 && cpu_rflags(cpu) == 2,
       "protected mode, no paging, although the file is an ELF64 one");
    check_segments(cpu, false);
    const struct pvh_seen *info = ram(gpr(cpu, RBX), sizeof *info);
    ok(info->magic == 0x336ec578 && info->version == 1 && info->flags == 0, "hvm_start_info, version 1");
    ok(strcmp(ram(info->command_line, 6), "words") == 0 && info->rsdp == machine_acpi_rsdp(loading.machine),
       "command line, ACPI root pointer");
    check_pvh_modules(info, module, sizeof module);
    struct machine_region region[64];
    unsigned count = machine_memory_map(loading.machine, region, 64);
    bool good = info->regions == count;
    for (unsigned i = 0; good && i < count; i++)
        good = word(info->map_at + i * 24) == region[i].base && word(info->map_at + i * 24 + 8) == region[i].bytes &&
               word(info->map_at + i * 24 + 16) == (uint64_t)region[i].type;
    ok(good, "the memory map is the machine's");
}

// A note that names no entry leaves a plain ELF file; one that names a wrong one is refused.
static void test_pvh_lies(void) {
    enum { SECOND = IMAGE_NOTE + 20, TYPE = SECOND + 8, OWNER = SECOND + 12, ENTRY = SECOND + 16 };
    enum { SEGMENT = 64 + 2 * 56, OFFSET = SEGMENT + 8, FILESZ = SEGMENT + 32 };
    static const struct {
        size_t at, bytes;
        uint64_t value;
        const char *name;
    } none[] = {
        {TYPE, 4, 17, "another type"},
        {OWNER, 1, 'Y', "another owner"},
        {SECOND, 4, 3, "a short owner"},
        {SECOND + 4, 4, 2, "a short value"},
        {FILESZ, 8, 39, "cut short"},
        {FILESZ, 8, -1ull, "too long"},
        {OFFSET, 8, -8ull, "behind the end"},
        {SECOND - 20, 4, UINT32_MAX, "a name of 4 GBytes"},
        {SECOND - 16, 4, UINT32_MAX, "a value of 4 GBytes"},
    };
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
        struct image image = image_pvh();
        image_put(&image, none[i].at, none[i].value, none[i].bytes);
        bool loaded = loading_try(&loading, &image, NULL, NULL);
        ok(loaded && loading_well_behaved(&loading, loaded) && machine_cpu(loading.machine, 0)->rip == 0x200010,
           "PVH: %s is no note (%s)", none[i].name, loading.errors);
    }
    static const uint32_t outside[] = {0, 0x20, 0x1fffff, 0x500000, 0xa0000, 0xffffffff};
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct image image = image_pvh();
        image_put(&image, ENTRY, outside[i], 4);
        fails(&image, "lies in no segment", "entry outside");
    }
}

static void test_multiboot_flat(void) {
    struct image image = image_multiboot_flat();
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    const uint8_t *bss = ram(0x201000, 4096);
    test_multiboot(image);
    ok(field(cpu, "rip") == 0x200080 && memcmp(ram(0x200000, 4096), image.bytes, 4096) == 0 && bss[0] == 0 &&
           bss[4095] == 0,
       "loaded where its header says, with bss");
    static const struct {
        size_t at;
        uint32_t value;
        const char *expected, *name;
    } lies[] = {
        {64 + 12, 0x1fffff, "before the file", "header below the load address"},
        {64 + 12, 0x200041, "before the file", "load address before the file"},
        {64 + 20, 0x201001, "cut short or damaged", "load end behind the end"},
        {64 + 20, 0x1000, "cut short or damaged", "load end below its begin"},
        {64 + 24, 0xffffffff, "not all RAM", "bss up to 4 GBytes"},
        {64 + 28, 0x201000, "entry point 201000H", "entry point behind the image"},
        {64 + 28, 0, "entry point 0H", "entry point before the image"},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct image lie = image_multiboot_flat();
        image_put(&lie, lies[i].at, lies[i].value, 4);
        fails(&lie, lies[i].expected, lies[i].name);
    }
    image.size = 64 + 20;
    fails(&image, "cut short within the multiboot header", "cut short in the header");
    image_put(&image, 64 + 4, 0, 4);
    image_put(&image, 64 + 8, 0u - 0x1badb002u, 4);
    fails(&image, "no ELF file and gives no load addresses", "neither ELF nor addresses");
    image_put(&image, 64 + 4, 1 << 5, 4);
    image_put(&image, 64 + 8, 0u - 0x1badb002u - (1 << 5), 4);
    fails(&image, "requires features", "unknown required feature");
}

// Without room for the gap there is none.
static void test_small(void) {
    struct image image = image_multiboot_elf();
    uint8_t module[100] = {0};
    loading_file(loading.initrd_fd, module, sizeof module);
    loading_renew(&loading, 3 << 20);
    ok(loading_try(&loading, &image, loading.initrd_path, NULL), "a module in 3 MBytes of RAM (%s)", loading.errors);
    const struct multiboot_seen *info = ram(machine_cpu(loading.machine, 0)->gpr[RBX], sizeof *info);
    const uint32_t *list = ram(info->modules_at, 16);
    ok(info->modules == 1 && list[0] >= 0x203800 && list[1] - list[0] == 100, "directly behind the image");
    (void)machine_boot(loading.machine, NULL);
    boot_close(&loading.boot);
    loading_renew(&loading, RAM);
}

static void test_names(void) {
    struct image image = image_linux();
    bool loaded = loading_try(&loading, &image, "no such\nfile\033[2J", NULL);
    ok(!loaded && loading_well_behaved(&loading, loaded) && strstr(loading.errors, "no such\\nfile\\x1b[2J: cannot be"),
       "what is quoted is kept to its line (%s)", loading.errors);
}

static void fuzz(unsigned kind) {
    struct image good = image_of(kind);
    unsigned loaded = 0;
    enum { TURNS = 3000 };
    uint64_t random = kind;
    loop_begin("%s: random damage loads, or gives one line", good.name);
    for (unsigned i = 0; i < TURNS; i++) {
        struct image image = good;
        loading_damage(&image, &random);
        bool done = loading_try(&loading, &image, NULL, "words");
        loaded += done;
        loop_check(loading_well_behaved(&loading, done), "turn %u: %s", i, loading.errors);
    }
    loop_end();
    ok(loaded > TURNS / 20 && loaded < TURNS * 19 / 20, "%s: %u of %u damaged ones still loaded", good.name, loaded,
       TURNS);
}

int main(void) {
    loading_begin(&loading, RAM);
    test_linux();
    test_linux_short();
    test_linux_32bit(0x20c, 0x66, 0x1000000);
    test_linux_32bit(0x20a, 0x62, 0x1000000);
    test_linux_32bit(0x209, 0x56, 0x100000);
    test_linux_32bit(0x203, 0x2e, 0x100000);
    test_linux_lies();
    test_elf(true);
    test_elf(false);
    test_elf_lies();
    test_pvh();
    test_pvh_lies();
    test_multiboot(image_multiboot_elf());
    struct image dynamic = image_multiboot_elf();
    image_put(&dynamic, 16, 3, 2); // ET_DYN
    dynamic.name = "position-independent multiboot ELF";
    test_multiboot(dynamic);
    test_small();
    test_multiboot_flat();
    test_names();
    for (unsigned kind = 0; kind < IMAGE_KINDS; kind++) fuzz(kind);
    loading_end(&loading);
    return done_testing();
}
