// Multiboot 2: what an image may ask for, what it is given, where it goes when it can be moved, and what is refused.
// Multiboot2 Specification, version 2.0. Random damage never crashes.
#include "cpu/state/cpu.h"
#include "monitor/load/load.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/monitor/loading.h"
#include "tests/tap.h"
#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { RAM = 64 << 20, HEADER = 0x1000, MULTIBOOT_1 = 0x1800, BASE = 0x200000, END = 0x203800 };
static struct loading loading;

static const void *ram(uint64_t address, uint64_t bytes) {
    const void *host = machine_ram(loading.machine, address, bytes);
    if (!host) bail("no RAM at %llx", (unsigned long long)address);
    return host;
}

// --- images ---
struct building {
    struct image image;
    size_t header, at;
};

static void end_header(struct building *b) {
    uint32_t length = (uint32_t)(b->at + 8 - b->header);
    image_put(&b->image, b->at, 0, 4);
    image_put(&b->image, b->at + 4, 8, 4);
    image_put(&b->image, b->header, 0xe85250d6, 4);
    image_put(&b->image, b->header + 4, 0, 4);
    image_put(&b->image, b->header + 8, length, 4);
    image_put(&b->image, b->header + 12, 0u - 0xe85250d6 - length, 4);
}

static void tag(struct building *b, unsigned type, bool optional, unsigned words, const uint32_t *word) {
    image_put(&b->image, b->at, type, 2);
    image_put(&b->image, b->at + 2, optional, 2);
    image_put(&b->image, b->at + 4, 8 + 4 * words, 4);
    for (unsigned i = 0; i < words; i++) image_put(&b->image, b->at + 8 + 4 * i, word[i], 4);
    b->at += (8 + 4 * words + 7) & ~7u;
    end_header(b);
}
#define TAG(b, type, optional, ...)                                                                                    \
    tag(b, type, optional, sizeof(const uint32_t[]){__VA_ARGS__} / 4, (const uint32_t[]){__VA_ARGS__})

static struct building elf(bool is_64bit) {
    struct building b = {.image = image_elf(is_64bit), .header = HEADER, .at = HEADER + 16};
    b.image.name = is_64bit ? "multiboot 2, ELF64" : "multiboot 2, ELF32";
    end_header(&b);
    return b;
}

static struct building flat(void) {
    struct building b = {.image = image_multiboot_flat(), .header = 64, .at = 64 + 16};
    b.image.name = "multiboot 2, flat";
    end_header(&b);
    TAG(&b, 2, false, BASE + 64, BASE, BASE + 4096, BASE + 8192);
    return b;
}

static bool loads(const struct building *b, const char *initrd, const char *words) {
    return loading_try(&loading, &b->image, initrd, words);
}

static void fails(const struct building *b, const char *expected) {
    bool loaded = loads(b, NULL, NULL);
    ok(!loaded && loading_well_behaved(&loading, loaded) && strstr(loading.errors, expected), "%s: %s", b->image.name,
       loading.errors);
}

// --- what it is given ---
struct seen {
    uint32_t type, bytes;
    uint32_t word[6];
};

static const struct cpu *cpu(void) { return machine_cpu(loading.machine, 0); }

// The nth tag of a type; NULL: there is none.
static const struct seen *find(unsigned type, unsigned nth) {
    uint64_t info = gpr(cpu(), RBX);
    uint32_t total = *(const uint32_t *)ram(info, 8);
    for (uint64_t at = info + 8; at < info + total; at += (((const struct seen *)ram(at, 8))->bytes + 7) & ~7ull) {
        const struct seen *t = ram(at, 8);
        if (t->type == type && nth-- == 0) return t;
    }
    return NULL;
}

static void check_tags_nest(void) {
    uint64_t info = gpr(cpu(), RBX), at = info + 8;
    const uint32_t *head = ram(info, 8);
    unsigned tags = 1;
    for (; ((const struct seen *)ram(at, 8))->type != 0; tags++)
        at += (((const struct seen *)ram(at, 8))->bytes + 7) & ~7ull;
    ok(info % 8 == 0 && at + 8 == info + head[0] && head[1] == 0, "%u tags, the last one ends where the size says",
       tags);
}

static void check_state(uint64_t entry) {
    const struct cpu *c = cpu();
    ok(c->gpr[RAX] == 0x36d76289 && c->rip == entry && c->control.cr0 == (CR0_PE | CR0_ET) && c->control.efer == 0 &&
           cpu_rflags(c) == 2 && c->gpr[RSP] && c->gpr[RSP] % 16 == 0,
       "magic in EAX, protected mode without paging and interrupts, a stack, EIP %llx", (unsigned long long)c->rip);
}

static void check_memory(void) {
    const struct seen *memory = find(4, 0), *map = find(6, 0);
    struct machine_region region[64];
    unsigned count = machine_memory_map(loading.machine, region, 64);
    ok(memory && memory->bytes == 16 && memory->word[0] > 500 && memory->word[0] <= 640 && memory->word[1] > 60000,
       "basic memory information");
    bool same = map && map->bytes == 16 + 24 * count && map->word[0] == 24 && map->word[1] == 0;
    for (unsigned i = 0; same && i < count; i++)
        same = !memcmp(&map->word[2 + 6 * i], &region[i].base, 16) && map->word[6 + 6 * i] == region[i].type;
    ok(same, "the memory map is the machine's");
}

static void check_rest(const char *words) {
    const struct seen *line = find(1, 0), *name = find(2, 0), *screen = find(8, 0), *old = find(14, 0),
                      *new = find(15, 0);
    ok(line && !strcmp((const char *)line->word, words) && line->bytes == 8 + strlen(words) + 1,
       "the command line, without a file's name");
    ok(name && strstr((const char *)name->word, "vmxray"), "the loader's name");
    ok(screen && screen->bytes == 32 && screen->word[0] == 0xb8000 && screen->word[2] == 160 && screen->word[3] == 80 &&
           screen->word[4] == 25 && screen->word[5] == 0x0210,
       "the screen has 80x25 characters");
    const void *rsdp = ram(machine_acpi_rsdp(loading.machine), 36);
    ok(old && old->bytes == 28 && !memcmp(old->word, rsdp, 20) && new &&new->bytes == 44 &&
           !memcmp(new->word, rsdp, 36),
       "copies of the ACPI root pointer");
}

static void check_modules(const uint8_t *module, unsigned bytes, uint64_t end) {
    const struct seen *first = find(3, 0), *second = find(3, 1);
    bool good = first && second && !find(3, 2);
    for (unsigned i = 0; good && i < 2; i++) {
        const struct seen *m = i ? second : first;
        good = m->word[0] % 4096 == 0 && m->word[0] >= end + (2 << 20) && m->word[1] - m->word[0] == bytes &&
               !memcmp(ram(m->word[0], bytes), module, bytes);
    }
    ok(good && !strcmp((const char *)&first->word[2], "one,1 two") &&
           !strcmp((const char *)&second->word[2], boot_name(loading.initrd_path)),
       "two modules behind the image and a gap");
}

static void given(struct building b, uint64_t entry) {
    uint8_t module[100];
    char modules[256];
    memset(module, 0x77, sizeof module);
    loading_file(loading.initrd_fd, module, sizeof module);
    snprintf(modules, sizeof modules, "%s one,,1 two,%s", loading.initrd_path, loading.initrd_path);
    ok(loads(&b, modules, "some words"), "%s loads (%s)", b.image.name, loading.errors);
    check_state(entry);
    check_tags_nest();
    check_memory();
    check_rest("some words");
    check_modules(module, sizeof module, BASE + 8192);
    ok(!find(21, 0) && !find(9, 0), "no load address where it was not moved, no sections where nobody asked");
}

// --- what it asks for ---
static void moves(unsigned preference, uint64_t base) {
    struct building b = elf(true);
    TAG(&b, 10, false, 0x300000, 0x2000000, 0x100000, preference);
    ok(loads(&b, NULL, NULL), "preference %u: it loads (%s)", preference, loading.errors);
    const struct seen *load_base = find(21, 0);
    ok(load_base && load_base->bytes == 12 && load_base->word[0] == base, "it is told where: %x",
       load_base ? load_base->word[0] : 0);
    check_state(base + 0x10);
    ok(!memcmp(ram(base, 4096), b.image.bytes + 0x1000, 4096) &&
           !memcmp(ram(base + 0x2000, 0x800), b.image.bytes + 0x2000, 0x800),
       "its segments are there");
}

// As high as RAM reaches: its modules lie below it.
static void highest(void) {
    struct building b = elf(true);
    uint8_t module[100] = {0x55};
    loading_file(loading.initrd_fd, module, sizeof module);
    TAG(&b, 10, false, 0, 0xffffffff, 0x1000, 2);
    ok(loads(&b, loading.initrd_path, NULL), "as high as RAM reaches (%s)", loading.errors);
    const struct seen *base = find(21, 0), *m = find(3, 0);
    ok(base && base->word[0] > RAM - 0x10000 && m && m->word[0] >= 1 << 20 && m->word[1] <= base->word[0] &&
           !memcmp(ram(m->word[0], 100), module, 100),
       "its module is below it");
}

static void moved_flat(void) {
    struct building b = flat();
    TAG(&b, 3, false, BASE + 0x80);
    TAG(&b, 10, true, 0x400000, 0xffffffff, 0x1000, 1);
    ok(loads(&b, NULL, NULL), "an image with addresses moves too (%s)", loading.errors);
    check_state(0x400080);
    ok(!memcmp(ram(0x400000, 4096), b.image.bytes, 4096), "its bytes are there");
}

static void sections(bool is_64bit) {
    struct building b = elf(is_64bit);
    const Elf64_Shdr wide[3] = {{0},
                                {.sh_type = SHT_PROGBITS, .sh_addr = 0x5000, .sh_offset = 0x1000, .sh_size = 16},
                                {.sh_type = SHT_STRTAB, .sh_offset = 0x1100, .sh_size = 0x55}};
    const Elf32_Shdr narrow[3] = {{0},
                                  {.sh_type = SHT_PROGBITS, .sh_addr = 0x5000, .sh_offset = 0x1000, .sh_size = 16},
                                  {.sh_type = SHT_STRTAB, .sh_offset = 0x1100, .sh_size = 0x55}};
    size_t entry = is_64bit ? sizeof *wide : sizeof *narrow, at = IMAGE_NOTE;
    memcpy(b.image.bytes + at, is_64bit ? (const void *)wide : narrow, 3 * entry);
    image_put(&b.image, is_64bit ? 40 : 32, at, is_64bit ? 8 : 4); // e_shoff
    image_put(&b.image, is_64bit ? 58 : 46, entry, 2);             // e_shentsize
    image_put(&b.image, is_64bit ? 60 : 48, 3, 2);                 // e_shnum
    image_put(&b.image, is_64bit ? 62 : 50, 2, 2);                 // e_shstrndx
    TAG(&b, 1, false, 4, 6, 9);
    ok(loads(&b, NULL, NULL), "%s with sections, which it asks for (%s)", b.image.name, loading.errors);
    const struct seen *tag_9 = find(9, 0);
    ok(tag_9 && tag_9->bytes == 20 + 3 * entry && tag_9->word[0] == 3 && tag_9->word[1] == entry && tag_9->word[2] == 2,
       "it gets their headers");
    if (!tag_9) return;
    const uint8_t *table = (const uint8_t *)&tag_9->word[3];
    uint64_t there = 0, linked = 0;
    memcpy(&linked, table + entry + (is_64bit ? 16 : 12), is_64bit ? 8 : 4);
    memcpy(&there, table + 2 * entry + (is_64bit ? 16 : 12), is_64bit ? 8 : 4);
    ok(linked == 0x5000 && there >= END && !memcmp(ram(there, 0x55), b.image.bytes + 0x1100, 0x55),
       "what the image did not bring into RAM is there too");
}

static void refused(void) {
    struct building b = elf(false);
    TAG(&b, 1, false, 4, 22);
    fails(&b, "information of type 22, which is not known");
    static const struct {
        unsigned type;
        const char *expected;
    } tags[] = {{7, "requires EFI (tag 7), which is not modelled"},
                {8, "requires EFI (tag 8), which is not modelled"},
                {9, "requires EFI (tag 9), which is not modelled"},
                {11, "requires a feature (tag 11), which is not known"}};
    for (unsigned i = 0; i < sizeof tags / sizeof *tags; i++) {
        b = elf(false);
        TAG(&b, tags[i].type, false, 0);
        fails(&b, tags[i].expected);
        b = elf(false);
        TAG(&b, tags[i].type, true, 0);
        ok(loads(&b, NULL, NULL), "tag %u may be there if it is optional (%s)", tags[i].type, loading.errors);
    }
    b = elf(false);
    TAG(&b, 4, false, 1);
    fails(&b, "requires a console and does not support text");
    b = elf(false);
    TAG(&b, 4, false, 3);
    TAG(&b, 5, false, 1024, 768, 32);
    tag(&b, 6, false, 0, NULL);
    TAG(&b, 1, true, 99);
    ok(loads(&b, NULL, NULL), "wishes that need not be met (%s)", loading.errors);
    b = flat();
    fails(&b, "load addresses and no entry address");
    TAG(&b, 3, false, BASE + 4096);
    fails(&b, "lies outside the image");
    b = elf(false);
    TAG(&b, 3, false, 0x400000);
    fails(&b, "lies outside the image");
    b = elf(true);
    TAG(&b, 10, false, 0x300000, 0x301000, 0x1000, 1);
    fails(&b, "there is no room for it");
    b = elf(true);
    TAG(&b, 10, false, 0x300000, 0xffffffff, 0x1001, 1);
    fails(&b, "no power of 2");
}

static void damaged(void) {
    struct building b = elf(false);
    image_put(&b.image, b.at, 3, 2); // the last tag is another, which is too short
    fails(&b, "has 8 bytes");
    b = elf(false);
    image_put(&b.image, b.at + 4, 7, 4);
    fails(&b, "has no last tag");
    b = elf(false);
    image_put(&b.image, b.header + 8, 16, 4);
    image_put(&b.image, b.header + 12, 0u - 0xe85250d6 - 16, 4);
    fails(&b, "has no last tag");
    b = elf(false);
    image_put(&b.image, b.header + 12, 1, 4);
    image_put(&b.image, 0, 0, 4); // no ELF file either
    fails(&b, "not a kernel");
}

// Both headers: multiboot 1 as QEMU has it, or what -protocol says.
static void both(void) {
    struct building b = elf(false);
    image_put(&b.image, MULTIBOOT_1, 0x1badb002, 4);
    image_put(&b.image, MULTIBOOT_1 + 4, 0, 4);
    image_put(&b.image, MULTIBOOT_1 + 8, 0u - 0x1badb002, 4);
    ok(loads(&b, NULL, NULL) && gpr(cpu(), RAX) == 0x2badb002, "multiboot 1 where both headers are there");
    loading.protocol = &load_multiboot2;
    ok(loads(&b, NULL, NULL) && gpr(cpu(), RAX) == 0x36d76289, "multiboot 2 if it is asked for");
    loading.protocol = &load_linux;
    fails(&b, "cannot be booted as Linux bzImage");
    loading.protocol = &load_elf;
    ok(loads(&b, NULL, NULL) && gpr(cpu(), RSI) != 0, "or as the ELF file that it is");
    loading.protocol = NULL;
}

static void fuzz(const struct building *good) {
    unsigned loaded = 0;
    enum { TURNS = 2000 };
    uint64_t random = 7;
    loop_begin("%s: random damage loads, or gives one line", good->image.name);
    for (unsigned i = 0; i < TURNS; i++) {
        struct image image = good->image;
        if (i % 2) loading_damage(&image, &random);
        image.bytes[good->header + 16 + random_below(&random, 64)] ^= (uint8_t)(1u << random_below(&random, 8));
        bool done = loading_try(&loading, &image, NULL, "words");
        loaded += done;
        loop_check(loading_well_behaved(&loading, done), "turn %u: %s", i, loading.errors);
    }
    loop_end();
    ok(loaded > TURNS / 20 && loaded < TURNS, "%u of %u damaged ones still loaded", loaded, TURNS);
}

int main(void) {
    loading_begin(&loading, RAM);
    given(elf(false), BASE + 0x10);
    given(elf(true), BASE + 0x10);
    struct building b = elf(true);
    TAG(&b, 3, false, BASE + 0x40);
    given(b, BASE + 0x40);
    b = flat();
    TAG(&b, 3, false, BASE + 0x80);
    given(b, BASE + 0x80);
    moves(0, 0x300000);
    moves(1, 0x300000);
    moves(2, 0x1f00000);
    highest();
    moved_flat();
    sections(false);
    sections(true);
    refused();
    damaged();
    both();
    b = elf(true);
    TAG(&b, 1, false, 4, 6);
    TAG(&b, 10, false, 0x300000, 0x2000000, 0x100000, 2);
    fuzz(&b);
    loading_end(&loading);
    return done_testing();
}
