// Flash: every command, as QEMU's cfi.pflash01 answers; what is stored, and where it goes; that it is state.
#include "flash_machine.h"

static struct flash_images images;
static struct machine *m;

static void begin(bool through) {
    machine_free(m);
    m = flash_machine(&images, MACHINE_Q35, through);
}
static void put(uint64_t at, unsigned size, uint64_t value) {
    const struct platform *p = inside_platform(m);
    p->mmio_write(p->machine, inside_cpu(m, 0), at, size, value);
}
// As a processor reads it: memory where there is memory, else registers.
static uint64_t get(uint64_t at, unsigned size) {
    const struct platform *p = inside_platform(m);
    struct page_frame f = p->page(p->machine, at & ~0xfffull);
    uint64_t value = 0;
    if (f.area) memcpy(&value, frame_data(f) + (at & 0xfff), size);
    return f.area ? value : p->mmio_read(p->machine, inside_cpu(m, 0), at, size);
}
static bool is_memory(uint64_t at) {
    const struct platform *p = inside_platform(m);
    return p->page(p->machine, at & ~0xfffull).area;
}

static void places(void) {
    begin(false);
    ok(get(CODE_BASE, 1) == images.bytes[0][0] && get(0xffffffff, 1) == images.bytes[0][FLASH_BYTES - 1],
       "the first unit ends at 4 GBytes");
    ok(get(VARS_BASE, 1) == images.bytes[1][0] && get(CODE_BASE - 1, 1) == images.bytes[1][FLASH_BYTES - 1],
       "the second one below it");
    ok(is_memory(CODE_BASE) && is_memory(VARS_BASE), "both are read as memory");
    ok(get(0x100000 - FLASH_BYTES, 1) == images.bytes[0][0] && get(0xfffff, 1) == images.bytes[0][FLASH_BYTES - 1],
       "the first one is seen below 1 MByte");
    put(0xf8000, 1, 0x90);
    ok(is_memory(CODE_BASE), "where it takes no commands");
    ok(machine_cpu(m, 0)->rip == 0xfff0, "the processor begins in it");
}

static void modes(void) {
    begin(false);
    put(VARS_BASE + 5, 1, 0x70);
    ok(!is_memory(VARS_BASE) && get(VARS_BASE, 1) == 0, "Read Status: nothing has happened");
    put(VARS_BASE, 1, 0x90);
    ok(get(VARS_BASE, 1) == 0 && get(VARS_BASE + 1, 1) == 0, "Read Identifier: 0, as QEMU's");
    put(VARS_BASE, 1, 0x98);
    ok(get(VARS_BASE + 0x10, 1) == 'Q' && get(VARS_BASE + 0x11, 1) == 'R' && get(VARS_BASE + 0x12, 1) == 'Y' &&
           get(VARS_BASE + 0x13, 1) == 1 && get(VARS_BASE + 0x15, 1) == 0x31,
       "Read Query: QRY, Intel's command set");
    ok(get(VARS_BASE + 0x27, 1) == 15 && get(VARS_BASE + 0x2a, 1) == 8 && get(VARS_BASE + 0x2d, 1) == 7 &&
           get(VARS_BASE + 0x2f, 1) == 0x10 && get(VARS_BASE + 0x30, 1) == 0,
       "32 KBytes, a buffer of 256, 8 blocks of 4 KBytes");
    ok(get(VARS_BASE + 0x31, 1) == 'P' && get(VARS_BASE + 0x52, 1) == 0 && get(VARS_BASE + 0xff, 1) == 0,
       "its own table");
    put(VARS_BASE, 1, 0xff);
    ok(is_memory(VARS_BASE) && get(VARS_BASE, 1) == images.bytes[1][0], "Read Array");
    put(VARS_BASE, 1, 0xf0);
    ok(is_memory(VARS_BASE), "an unknown command leads there too");
    put(VARS_BASE, 1, 0x98);
    alter_reset(m);
    ok(is_memory(VARS_BASE), "so does a reset");
    put(VARS_BASE, 1, 0x60), put(VARS_BASE, 1, 0xd0);
    ok(get(VARS_BASE, 1) == 0x80, "Unlock is accepted");
    put(VARS_BASE, 1, 0x60), put(VARS_BASE, 1, 0x01);
    ok(get(VARS_BASE, 1) == 0x80, "so is Lock");
    put(VARS_BASE, 1, 0x60), put(VARS_BASE, 1, 0x33);
    ok(is_memory(VARS_BASE), "anything else after it leads to Read Array");
}

static void stores(bool through) {
    const char *how = through ? "through" : "over the image";
    begin(through);
    put(VARS_BASE + 0x1234, 1, 0x40), put(VARS_BASE + 0x1234, 1, 0x5a);
    ok(get(VARS_BASE, 1) == 0x80, "Program: ready, %s", how);
    put(VARS_BASE + 0x1235, 1, 0x10), put(VARS_BASE + 0x1235, 1, 0xa5), put(VARS_BASE, 1, 0xff);
    ok(get(VARS_BASE + 0x1234, 2) == 0xa55a, "two bytes are stored");
    put(VARS_BASE + 0x2fff, 1, 0x20), put(VARS_BASE + 0x2fff, 1, 0xd0);
    ok(get(VARS_BASE, 1) == 0x80, "Erase: ready");
    put(VARS_BASE, 1, 0xff);
    ok(get(VARS_BASE + 0x2000, 8) == ~0ull && get(VARS_BASE + 0x2ff8, 8) == ~0ull &&
           get(VARS_BASE + 0x3000, 1) == images.bytes[1][0x3000],
       "a block is erased, and no more");
    put(VARS_BASE + 0x4000, 1, 0xe8);
    bool ready = get(VARS_BASE, 1) == 0x80;
    put(VARS_BASE + 0x4000, 1, 3);
    for (unsigned i = 0; i < 4; i++) put(VARS_BASE + 0x4000 + i, 1, 0x11 * (i + 1));
    put(VARS_BASE + 0x4000, 1, 0xd0);
    ready &= get(VARS_BASE, 1) == 0x80;
    put(VARS_BASE, 1, 0xff);
    ok(ready && get(VARS_BASE + 0x4000, 4) == 0x44332211, "Write Buffer: four bytes");
    ok((images.bytes[1][0x1234] == 0x5a && images.bytes[1][0x4003] == 0x44 && images.bytes[1][0x2000] == 0xff) ==
           through,
       "the image %s", through ? "has it" : "stays as it is");
}

static void refusals(void) {
    begin(true);
    put(CODE_BASE + 4, 1, 0x40), put(CODE_BASE + 4, 1, 0x5a);
    ok(get(CODE_BASE, 1) == 0x90, "read-only: Program fails");
    put(CODE_BASE, 1, 0x50);
    put(CODE_BASE, 1, 0x20), put(CODE_BASE, 1, 0xd0);
    ok(get(CODE_BASE, 1) == 0xa0, "and so does Erase, after Clear Status");
    put(CODE_BASE, 1, 0xff);
    ok(get(CODE_BASE + 4, 1) == images.bytes[0][4] && images.bytes[0][4] == (uint8_t)(4 * 13), "nothing is stored");
    put(VARS_BASE + FLASH_BYTES - 1, 1, 0xe8), put(VARS_BASE, 1, 0xff);
    for (unsigned i = 0; i < 256; i++) put(VARS_BASE + FLASH_BYTES - 4, 4, 0x01020304);
    put(VARS_BASE, 1, 0xd0);
    ok(get(VARS_BASE, 1) == 0x80, "a buffer at the end stays within");
}

// The state is saved in the middle of a command, and goes on.
static void saved(void) {
    char wrong[200] = "";
    begin(false);
    put(VARS_BASE + 0x10, 1, 0x40);
    uint64_t half = machine_hash(m);
    struct machine *first = m;
    m = flash_machine(&images, MACHINE_Q35, false);
    ok(machine_hash(m) != half, "a command that has begun is state");
    struct machine_part a, b;
    for (unsigned i = 0; machine_part(first, i, &a) && machine_part(m, i, &b); i++) {
        uint8_t bytes[1 << 16];
        uint32_t index;
        if (!a.object || state_size(a.table) > sizeof bytes || !strcmp(a.name, "tlb")) continue;
        state_save(a.table, a.object, bytes);
        if (state_load(b.table, b.object, bytes, &index)) snprintf(wrong, sizeof wrong, "%s", a.name);
    }
    ok(!*wrong && !machine_loaded(m) && !is_memory(VARS_BASE) && machine_hash(m) == half, "it is loaded: %s", wrong);
    put(VARS_BASE + 0x10, 1, 0x77), put(VARS_BASE, 1, 0xff);
    ok(get(VARS_BASE + 0x10, 1) == 0x77, "and goes on");
    machine_free(first);
}

int main(void) {
    places();
    modes();
    stores(false);
    stores(true);
    refusals();
    saved();
    machine_free(m);
    return done_testing();
}
