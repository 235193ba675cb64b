// See blocks.h. Every page that a block touches is one physical page; registers begin with the same number.
#include "tests/timing/blocks.h"
#include "cpu/timing/model.h"
#include "tests/cpu/flat.h"
#include "cpu/processor/observing.h"
#include "tests/field.h"

enum {
    COUNTER = 0x300000,
    SHARED = 0x400000,
    REGISTER = 0x2345600,
    LEAST_COPIES = 40,
    LEAST_BYTES = 400,
    TURNS = 20,
    FAULTS = 64,
};

struct block_bench {
    struct flat flat;
    struct timing_model *model;
    const char *name;
};

// --- blocks as text ---

bool block_judges(const struct measured *block) {
    uint64_t hash = 0xcbf29ce484222325;
    for (unsigned i = 0; i < block->length; i++) hash = (hash ^ block->bytes[i]) * 0x100000001b3;
    return hash >> 32 & 1;
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

bool block_read(const char *line, struct measured *out) {
    *out = (struct measured){.kind = line[0]};
    if (line[0] == 0 || line[1] != ',') return false;
    const char *at = line + 2;
    for (; digit(at[0]) >= 0 && digit(at[1]) >= 0 && out->length < BLOCK_BYTES; at += 2)
        out->bytes[out->length++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    return out->length && sscanf(at, ",%u,%lf", &out->instructions, &out->cycles) == 2;
}

// --- running them ---

struct block_bench *block_bench_new(const char *model) {
    struct block_bench *b = calloc(1, sizeof *b);
    if (!b) exit(1);
    b->name = model;
    flat_new(&b->flat);
    return b;
}

void block_bench_free(struct block_bench *b) {
    if (b->model) timing_model_free(b->model);
    flat_free(&b->flat);
    free(b);
}

static void registers_set(struct cpu *cpu) {
    for (unsigned i = 0; i < 16; i++) gpr_put(cpu, i, REGISTER);
    for (unsigned i = 0; i < 16 * 8; i++) field_put_at(cpu, "fpu.vector", i, 0x3ff0000000000000 | i / 8);
}

static unsigned copies_of(const struct measured *block) {
    unsigned copies = (LEAST_BYTES + block->length - 1) / block->length;
    return copies < LEAST_COPIES ? LEAST_COPIES : copies;
}

static unsigned code_make(const struct measured *block, uint8_t *code) {
    static const uint8_t dec[] = {0xff, 0x0c, 0x25, COUNTER & 0xff, COUNTER >> 8 & 0xff, COUNTER >> 16 & 0xff,
                                  0,    0x0f, 0x85};
    unsigned length = 0, copies = copies_of(block);
    for (unsigned i = 0; i < copies; i++, length += block->length) memcpy(code + length, block->bytes, block->length);
    memcpy(code + length, dec, sizeof dec);
    length += sizeof dec;
    int32_t back = -(int32_t)(length + 4);
    memcpy(code + length, &back, 4);
    return length + 4;
}

// Only code, stack of nothing, counter and page tables are mapped; the rest is when it is touched.
static void unmap(struct flat *f) {
    for (uint64_t at = 0; at < FLAT_RAM; at += 4096)
        if (at < FLAT_CODE || at >= FLAT_CODE + 0x20000) flat_map(f, at, at, at == COUNTER ? 7 : 0);
}

static void start(struct block_bench *b, const struct measured *block) {
    static uint8_t code[1 << 17];
    struct flat *f = &b->flat;
    unsigned length = code_make(block, code);
    cpu_set_timing(f->cpu, NULL);
    flat_long_mode(f);
    registers_set(f->cpu);
    memset(f->ram + SHARED, 0, 4096);
    for (unsigned i = 0; i < 512; i++) flat_poke(f, SHARED + 8 * i, REGISTER);
    flat_poke(f, COUNTER, 3 * TURNS);
    flat_write(f, FLAT_CODE, code, length);
    if (b->model) timing_model_free(b->model);
    b->model = timing_model_new(b->name, NULL);
    cpu_set_timing(f->cpu, timing_model_timing(b->model));
}

// False: it did not get through.
static bool turns(struct block_bench *b, const struct measured *block, unsigned count, uint64_t *cycles) {
    struct cpu *cpu = b->flat.cpu;
    uint64_t left = (uint64_t)count * (copies_of(block) * block->instructions + 2), before = cpu_cycles_now(cpu);
    while (left) {
        uint64_t steps = field(cpu, "time.steps");
        enum run_result result = cpu_run(cpu, left);
        left -= field(cpu, "time.steps") - steps;
        if (result == RUN_SHUTDOWN || field(cpu, "boundary.activity") != ACTIVITY_ACTIVE) return false;
        if (steps == field(cpu, "time.steps")) return false;
    }
    *cycles = cpu_cycles_now(cpu) - before;
    return true;
}

void block_bench_run(struct block_bench *b, struct measured *block) {
    struct flat *f = &b->flat;
    block->predicted = -1;
    unmap(f);
    for (unsigned fault = 0; fault < FAULTS; fault++) {
        uint64_t warm, cycles, last = field(f->cpu, "control.cr2");
        start(b, block);
        field_put(f->cpu, "control.cr2", ~0ull);
        if (turns(b, block, TURNS, &warm) && turns(b, block, TURNS, &cycles)) {
            block->predicted = (double)cycles / TURNS / copies_of(block);
            return;
        }
        uint64_t address = field(f->cpu, "control.cr2"), page = address & ~4095ull;
        if (address == ~0ull || page == last) return;
        flat_map(f, page & BITS(47, 0), SHARED, 7);
    }
}
