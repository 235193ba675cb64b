// Memory of devices: named areas, apart from physical addresses, which are state, and are shown where the map says.
#include "devices/bus/bus.h"
#include "devices/machine/machine.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

enum { RAM_BYTES = 2 << 20, CODE = 0x8000, HERE = 0xd0000, THERE = 0xd8000, BYTES = 0x2000 };

static struct machine *m;
static struct written {
    uint64_t offset, value;
    unsigned times, space, size;
} written;

static void chip_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct written *w = chip;
    *w = (struct written){offset, value, w->times + 1, space, size};
}
static const struct device kind = {.name = "flash", .write = chip_write};
static struct device_host host;

static void begin(void) {
    machine_free(m);
    m = door_machine(1, RAM_BYTES);
    host = m->board.host;
    host.device = &kind;
    host.chip = &written;
    written = (struct written){0};
}

static struct area *shown(const char *name, bool read_only, uint64_t base, unsigned widths) {
    struct area *area = device_area(&host, name, BYTES, read_only);
    if (!area) bail("no area");
    (void)device_show(
        &host, area,
        &(struct area_view){
            .base = base, .bytes = BYTES, .priority = PRIORITY_HOLE, .space = 3, .widths = (uint8_t)widths});
    return area;
}

static void put(const struct area *area, uint64_t offset, const void *from, uint64_t bytes) {
    memcpy(device_area_store(&host, area, offset, bytes), from, bytes);
}

static void run(const uint8_t *code, uint64_t bytes, uint64_t steps) {
    memcpy(inside_ram(m, CODE, bytes), code, bytes);
    door_start(m, CODE, 0x7000);
    (void)machine_run(m, steps);
}

static void names(void) {
    begin();
    uint64_t before = machine_hash(m);
    struct area *a = device_area(&host, "one", 5000, false), *b = device_area(&host, "two", 4096, true);
    ok(a && b && a->bytes == 8192 && b->read_only && a->base >= PAGES_APART && b->base >= PAGES_APART,
       "areas of whole pages, above all physical addresses");
    ok(!device_area(&host, "one", 4096, false) && !device_area(&host, "ram", 4096, false), "no two have one name");
    ok(machine_hash(m) == before, "zeros count nothing");
    put(a, 4999, "x", 1);
    uint64_t with = machine_hash(m);
    ok(with != before, "what is stored is state");
    put(a, 4999, "", 1), put(b, 999, "x", 1);
    ok(machine_hash(m) != before && machine_hash(m) != with, "and where it is");
    ok(!device_area_store(&host, a, 8192, 1) && !device_area_store(&host, a, 8191, 2) &&
           !device_area_store(&host, a, ~0ull, 2) && device_area_store(&host, a, 8191, 1),
       "no store beyond the end");
    char name[] = "area 00";
    unsigned made = 0;
    for (; made < 100 && device_area(&host, name, 4096, false); made++)
        name[5] = (char)('0' + (made + 1) / 10), name[6] = (char)('0' + (made + 1) % 10);
    ok(made >= 50 && made < 100, "there is room for some fifty");
}

static void reading(void) {
    static const uint8_t load[] = {0x68, 0x00, 0xd0, 0x1f, 0xa1, 0x02, 0x00}; // push d000h; pop ds; mov ax, [2]
    uint16_t seen = 0;
    begin();
    struct area *area = shown("area", true, HERE, 0);
    put(area, 2, "hi", 2);
    run(load, sizeof load, 3);
    ok((gpr(inside_cpu(m, 0), RAX) & 0xffff) == 0x6968, "a processor reads it where it is shown");
    ok(machine_read(m, HERE + 2, &seen, 2) && seen == 0x6968, "so does a debugger");
    seen = 0;
    ok(machine_read(m, area->base + 2, &seen, 2) && seen == 0x6968, "who can read it as it stands, too");
    ok(!dma_read(&host.master, area->base, &seen, 2) && !dma_write(&host.master, area->base, "xx", 2) &&
           !dma_fill(&host.master, area->base, 1, 2) && !dma_reaches(&host.master, area->base, 2),
       "devices of others cannot reach it");
}

static void storing(void) {
    // push d000h; pop ds; mov word [1ffeh], 1234h; mov byte [3], 5
    static const uint8_t store[] = {0x68, 0x00, 0xd0, 0x1f, 0xc7, 0x06, 0xfe, 0x1f, 0x34, 0x12, 0xc6, 0x06, 3, 0, 5};
    uint16_t seen = 1;
    begin();
    (void)shown("area", true, HERE, WIDTH_1 | WIDTH_2);
    run(store, sizeof store, 3);
    ok(written.times == 1 && written.offset == 0x1ffe && written.value == 0x1234 && written.size == 2 &&
           written.space == 3,
       "a store to what is read-only goes to the chip");
    ok(machine_read(m, HERE + 0x1ffe, &seen, 2) && seen == 0, "and changes nothing");
    (void)machine_run(m, 1);
    ok(written.times == 2 && written.offset == 3 && written.value == 5, "so does the next one");
    begin();
    (void)shown("area", true, HERE, 0);
    run(store, sizeof store, 4);
    ok(!written.times && machine_read(m, HERE + 3, &seen, 1) && !seen, "to ROM it is lost");
    begin();
    (void)shown("area", false, HERE, WIDTH_1 | WIDTH_2);
    run(store, sizeof store, 4);
    ok(!written.times && machine_read(m, HERE + 0x1ffe, &seen, 2) && seen == 0x1234, "what is not read-only takes it");
}

// The code at one address changes itself at the other: inc ax; mov byte [0], 48h (dec ax); jmp back.
static void twice(void) {
    static const uint8_t code[] = {0x40, 0xc6, 0x06, 0x00, 0x00, 0x48, 0xeb, 0xf8};
    static const uint8_t jump[] = {0x31, 0xc0, 0x68, 0x00, 0xd8, 0x1f, 0xea, 0x00, 0x00, 0x00, 0xd0};
    begin();
    struct area *area = shown("area", false, HERE, 0);
    (void)device_show(&host, area, &(struct area_view){.base = THERE, .bytes = BYTES, .priority = PRIORITY_HOLE});
    put(area, 0, code, sizeof code);
    run(jump, sizeof jump, 4 + 3 + 3 * 10);
    ok((gpr(inside_cpu(m, 0), RAX) & 0xffff) == (uint16_t)(1 - 10),
       "code that is stored to at another address is decoded anew");
    uint64_t hash = machine_hash(m);
    begin();
    area = shown("area", false, HERE, 0);
    (void)device_show(&host, area, &(struct area_view){.base = THERE, .bytes = BYTES, .priority = PRIORITY_HOLE});
    put(area, 0, code, sizeof code);
    run(jump, sizeof jump, 0);
    for (unsigned i = 0; i < 4 + 3 + 3 * 10; i++) (void)machine_run(m, 1), machine_drop_derived(m);
    ok(machine_hash(m) == hash, "step by step it is the same");
}

// A store to the chip takes its own memory away, as a command to flash does: the instruction still comes to its end.
static unsigned moved;
static void move_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    chip_write(chip, space, offset, size, value);
    map_place(&m->board.bus.memory, moved, HERE, false);
}
static const struct device moving_kind = {.name = "flash", .write = move_write};

static void begin_moving(void) {
    begin();
    host.device = &moving_kind;
    struct area *area = device_area(&host, "area", BYTES, true);
    const struct area_view view = {.base = HERE, .bytes = BYTES, .priority = PRIORITY_HOLE, .widths = WIDTH_1};
    moved = device_show(&host, area, &view);
}

static void moving(void) {
    static const uint8_t store[] = {0x68, 0x00, 0xd0, 0x1f, 0xc6, 0x06, 3, 0, 5, 0x40, 0x40, 0xeb, 0xfc};
    // push D000H; pop es; mov cx, 4; xor di, di; rep stosb; inc ax (twice); jmp back
    static const uint8_t repeated[] = {0x68, 0x00, 0xd0, 0x07, 0xb9, 4,    0,   0x31,
                                       0xff, 0xf3, 0xaa, 0x40, 0x40, 0xeb, 0xfc};
    begin_moving();
    run(store, sizeof store, 100);
    ok(written.times == 1 && written.value == 5 && (gpr(inside_cpu(m, 0), RAX) & 0xffff) > 60,
       "a store that moves memory comes to its end, and the code goes on");
    begin_moving();
    run(repeated, sizeof repeated, 100);
    ok(written.times == 1 && !(gpr(inside_cpu(m, 0), RCX) & 0xffff) && (gpr(inside_cpu(m, 0), RAX) & 0xffff) > 60,
       "so does a repeated one, whose other iterations find what is there now");
}

int main(void) {
    names();
    reading();
    storing();
    twice();
    moving();
    machine_free(m);
    return done_testing();
}
