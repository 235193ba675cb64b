// Random bytes as code, in every mode a processor can be in, over random descriptors, gates and page tables, in a whole
// machine with its devices: the process does not crash, every run ends, and a machine that is driven in odd pieces with
// its caches dropped in between is in the same state. A minute in make test-long; SEED=n begins elsewhere.
#include "cpu/cpu.h"
#include "devices/machine.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RAM = 4 << 20,
    GDT = 0x1000,
    IDT = 0x2000,
    TSS = 0x3000,
    TABLES = 0x10000,
    CODE = 0x20000,
    CODE_BYTES = 0x20000,
    PAGES = 8,
    STEPS = 3000,
};
enum kind { REAL, PROTECTED_16, PROTECTED_32, VM86, PAGED_32, PAGED_PAE, COMPATIBILITY, LONG_4, LONG_5, KINDS };
static const char *const kind_name[KINDS] = {"real",          "protected 16",  "protected 32",
                                             "virtual-8086",  "32-bit paging", "PAE paging",
                                             "compatibility", "64-bit",        "64-bit, 5 levels"};

static uint64_t state;
static uint64_t random64(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}
static unsigned below(unsigned n) { return (unsigned)(random64() >> 33) % n; }
static bool one_in(unsigned n) { return below(n) == 0; }

static uint64_t value(void) {
    switch (below(6)) {
    case 0: return random64();
    case 1: return 1ull << below(64);
    case 2: return random64() >> below(64);
    case 3: return ~0ull << below(64);
    case 4: return 0xfec00000 + (uint64_t)below(3) * 0x100000 + below(4096);
    default: return random64() & (RAM - 1);
    }
}

static void random_code(uint8_t *code) {
    static const uint8_t likely[] = {0x0f, 0x0f, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x2e, 0xcd,
                                     0xcf, 0xcb, 0x9a, 0xea, 0xff, 0x01, 0xae, 0xc7, 0x20, 0x22,
                                     0x8e, 0xd9, 0xdd, 0x38, 0x3a, 0x9d, 0xe2, 0xeb};
    for (unsigned i = 0; i < CODE_BYTES; i++) code[i] = one_in(3) ? likely[below(sizeof likely)] : (uint8_t)random64();
}

static void put64(uint8_t *at, uint64_t v) { memcpy(at, &v, 8); }

// Flat descriptors of every type, some spoilt: but the first is mostly code of the mode, the second a stack for it.
static void random_descriptors(uint8_t *ram, enum kind kind) {
    for (unsigned i = 1; i < 32; i++) {
        uint64_t type = one_in(2) ? 0x9b - below(2) * 8 : below(256);
        uint64_t d = 0xffff | type << 40 | (uint64_t)below(16) << 52 | 0xfull << 48;
        if (type % 32 == 9 || type % 32 == 11) d = 0x67 | (uint64_t)TSS << 16 | type << 40;
        put64(ram + GDT + 8 * i, one_in(8) ? d ^ 1ull << below(64) : d);
    }
    if (one_in(16)) return;
    put64(ram + GDT + 8, kind >= COMPATIBILITY ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    put64(ram + GDT + 16, 0x00cf93000000ffff);
}

static void random_gates(uint8_t *ram, enum kind kind) {
    for (unsigned i = 0; i < 512; i++) {
        uint64_t at = CODE + below(CODE_BYTES), type = one_in(32) ? below(256) : 0x8e + below(2);
        uint64_t selector = one_in(32) ? below(256) : 8;
        uint64_t d = (at & 0xffff) | selector << 16 | type << 40 | (at >> 16 & 0xffff) << 48;
        put64(ram + IDT + 8 * i, kind >= COMPATIBILITY && i % 2 ? 0 : d);
    }
    for (unsigned i = 0; i < 0x68; i += 4) {
        uint32_t v = one_in(16) ? (uint32_t)value() : CODE + below(CODE_BYTES) / 8 * 8;
        memcpy(ram + TSS + i, &v, 4);
    }
    uint32_t stack = kind >= COMPATIBILITY ? 0 : 16;
    for (unsigned i = 8; i <= 24; i += 8) memcpy(ram + TSS + i, &stack, 4);
    if (kind < COMPATIBILITY) return;
    for (unsigned i = 4; i < 0x5c; i += 8) put64(ram + TSS + i, CODE + below(CODE_BYTES) / 8 * 8);
}

// All levels in one: each table maps its first entries to the next one, the last one to the low 4 MBytes.
static void random_paging(uint8_t *ram, enum kind kind) {
    unsigned bytes = kind == PAGED_32 ? 4 : 8, levels = kind == LONG_5      ? 5
                                                        : kind == PAGED_32  ? 2
                                                        : kind == PAGED_PAE ? 3
                                                                            : 4;
    for (unsigned level = 0; level < levels; level++) {
        for (unsigned i = 0; i < 1024; i++) {
            bool last = level == levels - 1, pointers = kind == PAGED_PAE && level == 0;
            uint64_t entry = last ? (uint64_t)i << 12 : TABLES + (level + 1) * 4096;
            entry |= pointers ? 1 : one_in(64) ? below(4096) : 0x27 | below(2) << 6;
            if (one_in(128) && !pointers) entry ^= value();
            if ((i + 1) * bytes <= 4096) memcpy(ram + TABLES + level * 4096 + i * bytes, &entry, bytes);
        }
    }
}

static void set_segments(struct cpu *cpu, enum kind kind, unsigned cpl) {
    bool flat_8086 = kind == REAL || kind == VM86;
    uint32_t code = kind == LONG_4 || kind == LONG_5 ? 0xa09b : kind == PROTECTED_16 ? 0x809b : 0xc09b;
    for (unsigned s = ES; s <= GS; s++) {
        uint16_t selector = (uint16_t)(flat_8086 ? CODE / 16 : 8 * (s + 1) + cpl);
        uint32_t rights = flat_8086 ? (kind == VM86 ? 0xf3 : 0x93)
                                    : (s == CS     ? code
                                       : one_in(2) ? 0xc093
                                                   : 0x8093) |
                                          cpl << 5;
        cpu->segment[s] = (struct segment){flat_8086 ? 0xffff : UINT32_MAX, rights, selector};
        cpu->segment_base[s] = flat_8086 ? CODE : 0;
    }
    cpu->segment[TR] = (struct segment){0x67, 0x8b, 8 * 9};
    cpu->segment_base[TR] = TSS;
    cpu->gdtr = (struct descriptor_table){GDT, 32 * 8 - 1};
    cpu->idtr = (struct descriptor_table){kind == REAL ? 0 : IDT, 0xfff};
}

static void set_control(struct cpu *cpu, enum kind kind) {
    static const uint64_t maybe[] = {CR4_VME,     CR4_PVI,  CR4_TSD,    CR4_DE,         CR4_PSE,  CR4_MCE,
                                     CR4_PGE,     CR4_PCE,  CR4_OSFXSR, CR4_OSXMMEXCPT, CR4_UMIP, CR4_FSGSBASE,
                                     CR4_OSXSAVE, CR4_SMEP, CR4_SMAP,   CR4_PKE};
    bool lng = kind >= COMPATIBILITY;
    cpu->cr0 = CR0_ET | (kind == REAL ? 0 : CR0_PE) | (kind >= PAGED_32 ? CR0_PG : 0);
    if (one_in(8)) cpu->cr0 |= value() & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM);
    cpu->cr3 = TABLES;
    cpu->cr4 = CR4_OSFXSR | (kind >= PAGED_PAE ? CR4_PAE : 0) | (kind == LONG_5 ? CR4_LA57 : 0);
    for (unsigned i = 0; i < sizeof maybe / sizeof *maybe; i++)
        if (one_in(4)) cpu->cr4 |= maybe[i];
    cpu->efer = (lng ? EFER_LME | EFER_LMA : 0) | (one_in(2) ? EFER_NXE : 0) | (one_in(2) ? EFER_SCE : 0);
    for (unsigned i = 0; i < 4; i++) cpu->pdpte[i] = kind == PAGED_PAE ? (TABLES + 4096) | 1 : 0;
}

static void set_up(struct machine *m, enum kind kind) {
    uint8_t *ram = machine_ram(m, 0, RAM >> 2);
    struct cpu *cpu = machine_cpu(m, 0);
    machine_reset(m);
    random_descriptors(ram, kind);
    random_gates(ram, kind);
    random_paging(ram, kind);
    random_code(ram + CODE);
    for (unsigned i = 0; i < 1024; i++) ram[i] = (uint8_t)random64();
    for (unsigned i = 0; i < 16; i++) cpu->gpr[i] = value();
    if (!one_in(8)) cpu->gpr[RSP] = (kind == REAL || kind == VM86 ? 0 : CODE) + below(0xf000);
    unsigned cpl = kind == REAL ? 0 : kind == VM86 ? 3 : one_in(3) ? 3 : 0;
    set_control(cpu, kind);
    set_segments(cpu, kind, cpl);
    cpu->star = value(), cpu->lstar = CODE + below(CODE_BYTES), cpu->sysenter_cs = below(64), cpu->sysenter_eip = CODE;
    cpu->rip = (kind == REAL || kind == VM86 ? 0 : CODE) + below(0xf000);
    cpu_set_rflags(cpu, (value() & (0xcd5 | FLAG_IF | FLAG_AC | (one_in(8) ? FLAG_TF : 0) | 3 << 12)) |
                            (kind == VM86 ? FLAG_VM : 0));
    tlb_select(cpu);
    cpu_update_mode(cpu);
    machine_drop_derived(m);
}

static struct machine *new_machine(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RAM;
    config.pc_testdev = true;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("machine_new: %s", error);
    return m;
}

// `steps` on, over what stops it; a triple fault is the end.
static void drive(struct machine *m, uint64_t steps, bool in_pieces) {
    uint64_t end = machine_steps(m) + steps;
    for (unsigned stops = 0; machine_steps(m) < end && stops < 10000; stops++) {
        uint64_t left = end - machine_steps(m), piece = in_pieces ? 1 + stops * 37 % 101 : left;
        enum machine_stop why = machine_run(m, piece < left ? piece : left);
        if (in_pieces && stops % 13 == 0) machine_drop_derived(m);
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) return;
        if (why == MACHINE_IDLE && machine_idle_cycles(m) == ~0ull) return;
    }
}

// Machines go on with what the runs before left; each `BATCH` runs begin with new ones.
enum { BATCH = 64 };
static struct machine *whole, *pieces;
static uint64_t total[KINDS];

static bool one_run(uint64_t seed) {
    enum kind kind = (enum kind)(seed / BATCH % KINDS);
    uint64_t begin = machine_steps(whole), mixed = seed * 0x9e3779b97f4a7c15ull;
    state = mixed;
    set_up(whole, kind);
    drive(whole, STEPS, false);
    state = mixed;
    set_up(pieces, kind);
    drive(pieces, STEPS, true);
    total[kind] += machine_steps(whole) - begin;
    return machine_steps(whole) == machine_steps(pieces) && machine_hash(whole) == machine_hash(pieces);
}

static void one_batch(uint64_t seed) {
    whole = new_machine(), pieces = new_machine();
    for (unsigned i = 0; i < BATCH; i++) {
        bool same = one_run(seed + i);
        loop_check(same, "SEED=%lu, run %u (%s)", seed, i, kind_name[seed / BATCH % KINDS]);
        if (!same) break;
    }
    machine_free(whole), machine_free(pieces);
}

int main(void) {
    const char *wants_long = getenv("LONG"), *wants_seed = getenv("SEED");
    time_t end = time(NULL) + (wants_long && *wants_long ? 60 : 3);
    uint64_t seed = wants_seed ? strtoull(wants_seed, NULL, 0) / BATCH * BATCH : BATCH;
    loop_begin("random code: a run in pieces without caches is the same run");
    for (unsigned batches = 0; batches < KINDS || time(NULL) < end; batches++, seed += BATCH) one_batch(seed);
    loop_end();
    for (unsigned k = 0; k < KINDS; k++) ok(total[k] > 5000, "%s: %lu steps", kind_name[k], total[k]);
    return done_testing();
}
