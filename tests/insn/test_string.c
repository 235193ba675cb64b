// Repeated string instructions: however the steps are dealt out, and whether they go in bulk or one by one, the state
// at every step is the same. Overlaps, page ends, faults in the middle, both directions, their own code as the target.
#include "tests/cpu/flat.h"
#include "tests/decode/random.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include "cpu/engine/cpu_run.h"

enum { AREA = 0x300000, AREA_BYTES = 0x8000, HOLE = 0x306000 }; // the page at HOLE is absent

struct run {
    uint64_t gpr[16], rflags, rip, steps;
    uint8_t area[AREA_BYTES];
};

static uint64_t seed = 3;
static struct flat f;

static void fault_stops(struct flat *flat) { flat->cpu->idtr.limit = 0; }

static void start(const uint64_t gpr[16], uint64_t rflags, const uint8_t *code, unsigned length) {
    struct cpu *cpu = f.cpu;
    for (unsigned i = 0; i < AREA_BYTES; i++) f.ram[AREA + i] = (uint8_t)(i * 7 ^ i >> 8);
    static const uint8_t jump_to_itself[] = {0xeb, 0xfe};
    memcpy(f.ram + FLAT_CODE + length, jump_to_itself, 2);
    flat_write(&f, FLAT_CODE, code, length);
    memcpy(cpu->gpr, gpr, sizeof(cpu->gpr));
    cpu_set_rflags(cpu, rflags);
    cpu->rip = FLAT_CODE;
    cpu->time.steps = 0;
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu->control.cr2 = 0;
    cpu->segment_base[GS] = AREA + 0x810;
}

static void record(struct run *r) {
    memcpy(r->gpr, f.cpu->gpr, sizeof(r->gpr));
    memcpy(r->area, f.ram + AREA, AREA_BYTES);
    r->rflags = cpu_rflags(f.cpu);
    r->rip = f.cpu->rip;
    r->steps = f.cpu->time.steps;
}

// Runs `steps` steps, at most `portion` at a time.
static void go(uint64_t steps, uint64_t portion) {
    while (steps && f.cpu->boundary.activity == ACTIVITY_ACTIVE) {
        uint64_t n = portion < steps ? portion : steps, before = f.cpu->time.steps;
        (void)cpu_run(f.cpu, n);
        steps -= f.cpu->time.steps - before;
        if (f.cpu->time.steps == before) break;
    }
}

static const char *differs(const struct run *a, const struct run *b) {
    if (a->steps != b->steps) return "steps";
    if (a->rip != b->rip) return "rip";
    if (a->rflags != b->rflags) return "flags";
    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr))) return "registers";
    return memcmp(a->area, b->area, AREA_BYTES) ? "memory" : NULL;
}

static unsigned random_code(uint8_t code[8]) {
    static const uint8_t opcodes[] = {0xa4, 0xa5, 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xa6, 0xa7};
    unsigned n = 0;
    code[n++] = random_below(&seed, 4) ? 0xf3 : 0xf2;
    if (random_below(&seed, 4) == 0) code[n++] = 0x67;
    if (random_below(&seed, 4) == 0) code[n++] = 0x65;
    if (random_below(&seed, 8) == 0) code[n++] = 0x66;
    if (random_below(&seed, 3) == 0) code[n++] = 0x48;
    code[n++] = opcodes[random_below(&seed, sizeof(opcodes))];
    return n;
}

// The last bytes before a page and the first ones in it, or anywhere.
static uint64_t random_place(void) {
    uint64_t page = AREA + random_below(&seed, AREA_BYTES / PAGE_BYTES) * PAGE_BYTES;
    return random_below(&seed, 4) ? AREA + random_below(&seed, AREA_BYTES) : page + random_below(&seed, 24) - 12;
}

// GS lies in the area, so that offsets near 0, which may wrap, are within reach.
static void random_registers(uint64_t gpr[16]) {
    for (unsigned i = 0; i < 16; i++) gpr[i] = random64(&seed);
    gpr[RSP] = 0x200000;
    gpr[RAX] = random_below(&seed, 2) ? 0 : gpr[RAX];
    gpr[RSI] = random_place();
    gpr[RDI] = random_below(&seed, 2) ? gpr[RSI] + random_below(&seed, 64) - 32 : random_place();
    if (random_below(&seed, 8) == 0) gpr[RSI] = random_below(&seed, 64);
    gpr[RCX] = random_below(&seed, random_below(&seed, 2) ? 40 : 6000);
}

static void test_equal(void) {
    static struct run whole, stepped;
    loop_begin("in bulk as step by step");
    for (unsigned i = 0; i < 4000; i++) {
        uint8_t code[8];
        uint64_t gpr[16], rflags = BIT(1) | (random_below(&seed, 2) ? 0 : FLAG_DF);
        unsigned length = random_code(code), steps = 1 + random_below(&seed, 5000);
        random_registers(gpr);
        start(gpr, rflags, code, length);
        go(steps, steps);
        record(&whole);
        start(gpr, rflags, code, length);
        go(steps, random_below(&seed, 2) ? 1 : 1 + random_below(&seed, 100));
        record(&stepped);
        const char *why = differs(&whole, &stepped);
        loop_check(!why, "%s: %02x %02x %02x, count %lx, steps %u", why, code[0], code[1], code[2], (long)gpr[RCX],
                   steps);
    }
    loop_end();
}

// REP STOSB over its own page: as soon as the instruction is overwritten, the new bytes run.
static void test_own_code(void) {
    static const uint8_t code[] = {0xf3, 0xaa, 0x90};
    static struct run whole, stepped;
    uint64_t gpr[16] = {[RAX] = 0x90, [RCX] = 64, [RDI] = FLAT_CODE - 16, [RSP] = 0x200000};
    for (unsigned portion = 1; portion <= 200; portion += 199) {
        start(gpr, BIT(1), code, sizeof(code));
        go(30, portion);
        record(portion == 1 ? &stepped : &whole);
    }
    ok(!differs(&whole, &stepped), "overwriting itself: in one run as step by step");
    ok(stepped.gpr[RCX] == 64 - 17, "overwriting itself: the iterations end with the prefix");
}

static void test_fault(void) {
    static const uint8_t code[] = {0xf3, 0xa4};
    uint64_t gpr[16] = {[RCX] = 100, [RSI] = AREA, [RDI] = HOLE - 10, [RSP] = 0x200000};
    start(gpr, BIT(1), code, sizeof(code));
    go(10, 10);
    ok(f.cpu->gpr[RCX] == 90 && f.cpu->gpr[RDI] == HOLE && f.cpu->rip == FLAT_CODE,
       "ten bytes before an absent page are moved");
    go(1, 1);
    ok(f.cpu->control.cr2 == HOLE && f.cpu->gpr[RCX] == 90 && f.cpu->time.steps == 11,
       "the eleventh faults, at its own step");
}

// The first REP STOSQ makes the page below the absent one known; the first element of the second crosses into the
// absent.
static void test_crossing_fault(void) {
    static const uint8_t code[] = {0xf3, 0x48, 0xab, 0x4c, 0x89, 0xc7, 0x4c, 0x89, 0xc9, 0xf3, 0x48, 0xab};
    uint64_t gpr[16] = {[RCX] = 4, [RDI] = HOLE - 16, [8] = HOLE - 4, [9] = 4, [RSP] = 0x200000};
    start(gpr, BIT(1) | FLAG_DF, code, sizeof(code)); // ..., MOV RDI,R8; MOV RCX,R9, ...
    go(10, 10);
    ok(f.cpu->control.cr2 == HOLE && f.cpu->gpr[RCX] == 4, "downwards, the first element crosses into an absent page");
}

// REP MOVSB of 99 bytes, up or down, onto the byte next to it: the first byte that is read repeats.
static void test_bulk_pattern(uint64_t rflags, int next, const char *claim) {
    static const uint8_t code[] = {0xf3, 0xa4};
    const uint64_t from = AREA + 200;
    uint64_t gpr[16] = {[RCX] = 99, [RSI] = from, [RDI] = from + (uint64_t)next, [RSP] = 0x200000};
    start(gpr, rflags, code, sizeof(code));
    f.ram[from] = 0x5a;
    go(99, 99);
    bool same = true;
    for (int i = 0; i < 100; i++) same &= f.ram[(int64_t)from + i * next] == 0x5a;
    ok(same && f.ram[(int64_t)from + 100 * next] != 0x5a, "%s", claim);
}

int main(void) {
    flat_new(&f);
    flat_map(&f, HOLE, HOLE, 0);
    for (unsigned i = 1; i <= 16; i++) {
        flat_map(&f, AREA - i * 4096, AREA - i * 4096, 0);
        flat_map(&f, AREA + AREA_BYTES + (i - 1) * 4096, AREA + AREA_BYTES + (i - 1) * 4096, 0);
    }
    fault_stops(&f);
    test_equal();
    test_own_code();
    test_fault();
    test_crossing_fault();
    test_bulk_pattern(BIT(1), 1, "REP MOVSB onto the next byte repeats the first");
    test_bulk_pattern(BIT(1) | FLAG_DF, -1, "downwards onto the byte before it too");
    flat_free(&f);
    return done_testing();
}
