// Hostile guests of the disk controllers: registers at random, and lists, tables and FISes that are nearly right.
#include "fuzz.h"
#include "bench.h"
#include <string.h>

enum {
    LIST = 0x10000,
    RECEIVED = 0x11000,
    TABLES = 0x12000,
    TABLE_BYTES = 0x400,
    PRD = 0x1000,
    IDE = 2 << 3,
    AHCI = 3 << 3
};

struct target {
    struct bench bench;
    uint32_t hba;
    uint16_t master;
};

// Mostly commands that there are.
static uint8_t command(struct source *s) {
    static const uint8_t known[] = {0x20, 0x24, 0x25, 0x29, 0x2f, 0x30, 0x34, 0x35, 0x39, 0x40, 0x47,
                                    0x60, 0x61, 0x06, 0x08, 0x90, 0x91, 0xa0, 0xa1, 0xb0, 0xc4, 0xc5,
                                    0xc6, 0xc8, 0xca, 0xe0, 0xe5, 0xe7, 0xea, 0xec, 0xef, 0xf8};
    uint64_t r = next(s);
    return r % 8 ? known[(r >> 8) % sizeof known] : (uint8_t)(r >> 16);
}

// Commands that look at more than their code: features, count, bits 23:0 of the address.
static const struct recipe {
    uint8_t command, features, count;
    uint32_t lba;
} recipes[] = {
    {0x06, 1, 1, 0},           {0x06, 1, 8, 0},           {0xb0, 0xd0, 1, 0xc24f00}, {0xb0, 0xd1, 1, 0xc24f00},
    {0xb0, 0xd5, 1, 0xc24f06}, {0xb0, 0xd9, 0, 0xc24f00}, {0xb0, 0xd8, 0, 0xc24f00}, {0xb0, 0xda, 0, 0xc24f00},
    {0x2f, 0, 1, 0x10},        {0x47, 0, 1, 0x10},        {0xef, 3, 0x45, 0},        {0xef, 0x82, 0, 0},
    {0xa0, 0, 0, 0x080000},    {0xa0, 1, 0, 0},           {0xa0, 0, 0, 0x000200},    {0xa0, 0, 0, 0xffff00}};
static const struct recipe *recipe(struct source *s) { return &recipes[next(s) % (sizeof recipes / sizeof *recipes)]; }

static uint64_t address(struct source *s) {
    uint64_t r = next(s);
    switch (r % 16) {
    case 0: return next(s);
    case 1: return BENCH_RAM - (r >> 8) % 4096;
    case 2: return r >> 8 & 0x1ffff; // over the lists themselves
    default: return 0x100000 + (r >> 8) % 0x200000;
    }
}

static uint32_t length(struct source *s) {
    uint64_t r = next(s);
    return r % 4 ? (uint32_t)(r >> 8) % 0x2000 : (uint32_t)(r >> 8);
}

static void packet(struct source *s, uint8_t *to) {
    static const uint8_t known[] = {0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x43, 0x46,
                                    0x4a, 0x51, 0x52, 0x55, 0x5a, 0xa8, 0xb9, 0xbd, 0xbe};
    uint64_t r = next(s);
    memset(to, 0, 12);
    to[0] = r % 8 ? known[(r >> 8) % sizeof known] : (uint8_t)(r >> 8);
    for (unsigned i = 0; i < 4; i++) to[1 + next(s) % 11] = (uint8_t)next(s);
}

// --- AHCI ---
static void slot(struct target *t, struct source *s, unsigned n) {
    uint8_t *list = bench_ram(&t->bench, LIST + 32 * n), *table = bench_ram(&t->bench, TABLES + TABLE_BYTES * n);
    uint64_t r = next(s);
    uint32_t header[4] = {5 | (uint32_t)(r & 0x40) | (uint32_t)(r % 16 ? r >> 8 & 15 : r >> 8 & 0xffff) << 16, 0,
                          r >> 32 & 15 ? TABLES + TABLE_BYTES * n : (uint32_t)address(s)};
    uint8_t fis[20] = {next(s) % 16 ? 0x27 : (uint8_t)next(s), next(s) % 16 ? 0x80 : 0, command(s)};
    for (unsigned i = 3; i < 16; i++) fis[i] = next(s) % 4 ? 0 : (uint8_t)next(s);
    if (r >> 40 & 1) fis[12] = (uint8_t)(n << 3), fis[3] = (uint8_t)(next(s) % 64);
    if (next(s) % 4 == 0) {
        const struct recipe *c = recipe(s);
        fis[2] = c->command, fis[3] = c->features, fis[11] = 0, fis[12] = c->count, fis[13] = 0;
        memcpy(fis + 4, &c->lba, 3);
    }
    memcpy(list, header, sizeof header);
    memcpy(table, fis, sizeof fis);
    packet(s, table + 0x40);
    for (unsigned i = 0; i < (TABLE_BYTES - 0x80) / 16; i++) {
        uint64_t at = address(s);
        uint32_t bytes = length(s);
        memcpy(table + 0x80 + 16 * i, &at, 8);
        memcpy(table + 0x80 + 16 * i + 12, &bytes, 4);
    }
}

static void ahci(struct target *t, struct source *s) {
    static const uint8_t regs[] = {0x00, 0x08, 0x10, 0x14, 0x18, 0x20, 0x28, 0x2c, 0x30, 0x34, 0x38};
    struct bus *bus = &t->bench.board->bus;
    uint64_t r = next(s);
    uint32_t port = t->hba + 0x100 + 0x80 * (uint32_t)(r >> 8 & 1);
    if (r % 8 == 0) {
        bus_write(bus, port + regs[(r >> 16) % sizeof regs], 4, next(s));
    } else if (r % 8 == 1) {
        (void)bus_read(bus, t->hba + (r >> 16 & 0xffc), 4);
        bus_write(bus, t->hba + (r >> 32 & 15) * 4, 4, next(s) & next(s));
    } else if (r % 8 == 2) { // recovery
        bus_write(bus, port + 0x18, 4, 0);
        bus_write(bus, port + 0x2c, 4, 1), bus_write(bus, port + 0x2c, 4, 0);
        bus_write(bus, port + 0x30, 4, ~0u), bus_write(bus, port + 0x10, 4, ~0u);
    } else {
        bus_write(bus, port, 4, LIST), bus_write(bus, port + 8, 4, RECEIVED);
        bus_write(bus, port + 0x18, 4, 0x10), bus_write(bus, port + 0x18, 4, 0x11);
        for (unsigned i = 0; i < 1 + (r >> 16) % 4; i++) slot(t, s, (unsigned)next(s) % 32);
        bus_write(bus, port + 0x34, 4, next(s)), bus_write(bus, port + 0x38, 4, next(s) & next(s));
    }
}

// --- IDE ---
static void descriptors(struct target *t, struct source *s) {
    for (unsigned i = 0; i < 16; i++) {
        uint32_t d[2] = {(uint32_t)address(s), length(s) | (next(s) % 8 ? 0 : 0x80000000)};
        memcpy(bench_ram(&t->bench, PRD + 8 * i), d, 8);
    }
}

static void ide(struct target *t, struct source *s) {
    struct bus *bus = &t->bench.board->bus;
    uint64_t r = next(s);
    uint16_t base = r >> 8 & 1 ? 0x1f0 : 0x170, master = (uint16_t)(t->master + (r >> 8 & 1 ? 0 : 8));
    uint8_t p[12];
    switch (r % 8) {
    case 0: bus_out(bus, (uint16_t)(base + (r >> 16 & 7)), 1u << (r >> 24) % 3, (uint32_t)next(s)); break;
    case 1: (void)bus_in(bus, (uint16_t)(base + (r >> 16 & 7)), 1u << (r >> 24) % 3); break;
    case 2: bus_out(bus, base + 0x206, 1, r >> 16 & 6), bus_out(bus, base + 0x206, 1, 0); break;
    case 3:
        for (unsigned i = 0; i < (r >> 16) % 5000; i++) (void)bus_in(bus, base, 2);
        break;
    case 4:
        packet(s, p);
        for (unsigned i = 0; i < 12; i += 2) bus_out(bus, base, 2, p[i] | (uint32_t)p[i + 1] << 8);
        break;
    case 5:
        descriptors(t, s);
        bus_out(bus, master + 4, 4, next(s) % 8 ? PRD : (uint32_t)next(s)), bus_out(bus, master, 1, 0);
        bus_out(bus, master, 1, (r >> 16 & 8) | 1), bus_out(bus, master + 2, 1, (uint32_t)next(s));
        break;
    case 6: {
        const struct recipe *c = recipe(s);
        const uint8_t regs[] = {c->features, c->count, (uint8_t)c->lba, (uint8_t)(c->lba >> 8), (uint8_t)(c->lba >> 16),
                                0xe0};
        for (unsigned i = 0; i < sizeof regs; i++)
            bus_out(bus, (uint16_t)(base + 1 + i), 1, 0), bus_out(bus, (uint16_t)(base + 1 + i), 1, regs[i]);
        bus_out(bus, base + 7, 1, c->command);
        break;
    }
    default:
        for (unsigned reg = 1; reg < 7; reg++)
            for (unsigned i = 0; i < 2; i++)
                bus_out(bus, (uint16_t)(base + reg), 1, next(s) % 2 ? 0 : (uint8_t)next(s));
        bus_out(bus, base + 6, 1, 0x40 | (r >> 20 & 0xb0)), bus_out(bus, base + 7, 1, command(s));
    }
}

// Somebody takes the disc out, puts one in, presses the button.
static void hand(struct target *t, struct source *s) {
    struct drive *d = bench_drive(&t->bench, "d1");
    struct drive_medium medium = {0};
    switch (next(s) % 4) {
    case 0: (void)drive_press(d); return;
    case 1: medium.number = DRIVE_EMPTY; break;
    case 2: medium = bench_disc(&t->bench, 4 + next(s) % 300 * 4); break;
    default: break;
    }
    (void)drive_change(d, &medium);
}

// The disk is on IDE with every other seed, on AHCI with the others; what it has not has an empty CD-ROM drive.
static void begin(struct target *t, bool sata) {
    static const char *const on_ide[] = {"piix3-ide,addr=2",
                                         "ahci,id=sata,addr=3",
                                         "ide-hd,drive=d0,bus=ide.0,unit=0",
                                         "ide-cd,drive=d1,bus=ide.1,unit=0",
                                         "ide-cd,bus=sata.1",
                                         NULL};
    static const char *const on_sata[] = {"piix3-ide,addr=2",           "ahci,id=sata,addr=3",
                                          "ide-hd,drive=d0,bus=sata.0", "ide-cd,drive=d1,bus=sata.1",
                                          "ide-cd,bus=ide.1",           NULL};
    bench_begin(&t->bench, sata ? on_sata : on_ide, 3000, 4000);
    bench_config_set(&t->bench, IDE, 4, 7), bench_config_set(&t->bench, AHCI, 4, 7);
    t->hba = bench_config(&t->bench, AHCI, 0x24) & ~15u;
    t->master = (uint16_t)(bench_config(&t->bench, IDE, 0x20) & ~3u);
}

uint64_t fuzz_disk(uint64_t seed, unsigned accesses) {
    struct source s = {seed};
    struct target t;
    begin(&t, seed % 2 == 0);
    for (unsigned i = 0; i < accesses; i++) {
        if (next(&s) % 32 == 0) hand(&t, &s);
        if (next(&s) & 1)
            ide(&t, &s);
        else
            ahci(&t, &s);
        if (next(&s) % 4) bench_pass(&t.bench, next(&s) % 3 ? next(&s) % 100000 : next(&s) % 100000000);
        if (i % 16 == 0 && bench_wrong(&t.bench)) return 0;
    }
    uint64_t hash = bench_hash(&t.bench);
    bench_end(&t.bench);
    return hash;
}
