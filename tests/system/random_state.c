// The memory and the registers that random code begins with.
#include "cpu/state/model.h"
#include "cpu/event/control.h"
#include "cpu/x87/x87.h"
#include "tests/system/random.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include <string.h>

static void put64(uint8_t *at, uint64_t v) { memcpy(at, &v, 8); }
static uint32_t code_address(uint64_t *random) { return RANDOM_CODE + random_below(random, RANDOM_CODE_BYTES); }

// --- memory ---

// Flat descriptors of every type, some spoilt: but the first is mostly code of the mode, the second a stack for it.
static void descriptors(uint64_t *random, enum random_kind kind, uint8_t *ram) {
    for (unsigned i = 1; i < 32; i++) {
        uint64_t type = random_chance(random, 2) ? 0x9b - random_below(random, 2) * 8 : random_below(random, 256);
        uint64_t d = 0xffff | type << 40 | (uint64_t)random_below(random, 16) << 52 | 0xfull << 48;
        if (type % 32 == 9 || type % 32 == 11) d = 0x67 | (uint64_t)RANDOM_TSS << 16 | type << 40;
        put64(ram + RANDOM_GDT + 8 * i, random_chance(random, 8) ? d ^ 1ull << random_below(random, 64) : d);
    }
    if (random_chance(random, 16)) return;
    put64(ram + RANDOM_GDT + 8, random_long(kind) ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    put64(ram + RANDOM_GDT + 16, 0x00cf93000000ffff);
}

static void gates(uint64_t *random, enum random_kind kind, uint8_t *ram) {
    for (unsigned i = 0; i < 512; i++) {
        uint64_t at = code_address(random);
        uint64_t type = random_chance(random, 32)
                            ? random_below(random, 256)
                            : 0x8e + random_below(random, 2) + (random_chance(random, 2) ? 0x60 : 0);
        uint64_t selector = random_chance(random, 32) ? random_below(random, 256) : 8;
        uint64_t d = (at & 0xffff) | selector << 16 | type << 40 | (at >> 16 & 0xffff) << 48;
        if (random_long(kind) && random_chance(random, 4)) d |= (uint64_t)random_below(random, 8) << 32; // IST
        put64(ram + RANDOM_IDT + 8 * i, random_long(kind) && i % 2 ? 0 : d);
    }
}

static void task_state(uint64_t *random, enum random_kind kind, uint8_t *ram) {
    for (unsigned i = 0; i < 0x68; i += 4) {
        uint32_t v = random_chance(random, 16) ? (uint32_t)random_value(random) : code_address(random) / 8 * 8;
        memcpy(ram + RANDOM_TSS + i, &v, 4);
    }
    uint32_t stack = random_long(kind) ? 0 : 16;
    for (unsigned i = 8; i <= 24; i += 8) memcpy(ram + RANDOM_TSS + i, &stack, 4);
    if (!random_long(kind)) return;
    for (unsigned i = 4; i < 0x5c; i += 8) put64(ram + RANDOM_TSS + i, code_address(random) / 8 * 8);
}

// An entry that references the next table, or a page of its own, or a piece of the low 4 MBytes; some are spoilt.
static uint64_t entry_of(uint64_t *random, enum random_kind kind, unsigned level, bool last, unsigned i) {
    if (kind == RANDOM_PAGED_PAE && level == 0) return (RANDOM_TABLES + 4096) | 1;
    uint64_t entry = last ? (uint64_t)i << 12 : RANDOM_TABLES + (level + 1) * 4096;
    if (kind != RANDOM_PAGED_32 && !last && random_chance(random, 16)) entry = (uint64_t)(i & 1) << 21 | BIT(7);
    entry |= random_chance(random, 64) ? random_below(random, 4096) : 0x07 | (random64(random) & 0x160);
    return random_chance(random, 128) ? entry ^ random_value(random) : entry;
}

// All levels in one: each table maps all its entries to the next one, the last one to the low 2 or 4 MBytes.
static void paging(uint64_t *random, enum random_kind kind, uint8_t *ram) {
    static const uint8_t levels_of[RANDOM_KINDS] = {[RANDOM_PAGED_32] = 2,
                                                    [RANDOM_PAGED_PAE] = 3,
                                                    [RANDOM_COMPATIBILITY] = 4,
                                                    [RANDOM_LONG_4] = 4,
                                                    [RANDOM_LONG_5] = 5};
    unsigned bytes = kind == RANDOM_PAGED_32 ? 4 : 8, levels = levels_of[kind];
    bool supervisor = random_chance(random, 4);
    for (unsigned level = 0; level < levels; level++) {
        for (unsigned i = 0; i < 4096 / bytes; i++) {
            uint64_t entry = entry_of(random, kind, level, level == levels - 1, i);
            if (supervisor && level == levels - 1) entry &= ~4ull;
            memcpy(ram + RANDOM_TABLES + level * 4096 + i * bytes, &entry, bytes);
        }
    }
}

// Numbers of every kind; each page begins as an XSAVE area whose header may be good.
static void data(uint64_t *random, uint8_t *ram) {
    enum { MXCSR = 24, HEADER = 512, HEADER_BYTES = 64 };
    for (unsigned i = 0; i < RANDOM_DATA_BYTES; i += 8) put64(ram + i, random_value(random));
    for (unsigned page = 0; page < RANDOM_DATA_BYTES; page += 4096) {
        uint8_t *area = ram + page;
        uint32_t mxcsr = random_below(random, 0x10000);
        memcpy(area + MXCSR, &mxcsr, 4);
        if (random_chance(random, 8)) continue;
        memset(area + HEADER, 0, HEADER_BYTES);
        put64(area + HEADER, random_chance(random, 2) ? random_below(random, 4) : random64(random) & 0x203);
        if (random_chance(random, 3)) put64(area + HEADER + 8, BIT(63) | (random64(random) & 0x203));
    }
}

void random_memory(uint64_t *random, enum random_kind kind, uint8_t *ram) {
    for (unsigned i = 0; i < 1024; i += 8) put64(ram + i, random64(random));
    descriptors(random, kind, ram);
    gates(random, kind, ram);
    task_state(random, kind, ram);
    paging(random, kind, ram);
    data(random, ram + RANDOM_DATA);
}

// --- registers ---

// As a program loads them; outside 64-bit mode sometimes with a base, a limit, another type, or none.
static void data_segment(uint64_t *random, struct cpu *cpu, unsigned s, unsigned cpl) {
    static const uint32_t rights[] = {0xc093, 0xc093, 0xc093, 0x8093, 0x0093, 0x4093, 0xc091, 0xc097, 0x4095, 0xc09b};
    struct segment *to = &cpu->segment[s];
    *to = (struct segment){UINT32_MAX, rights[random_below(random, sizeof rights / sizeof *rights)] | cpl << 5,
                           (uint16_t)(8 * (s + 1) + cpl)};
    if (s == SS) to->rights = (random_chance(random, 2) ? 0xc093 : 0x8093) | cpl << 5;
    if (!(to->rights & RIGHTS_G)) to->limit = random_below(random, 1 << 20);
    if (s == SS) return;
    if (random_chance(random, 8)) cpu->segment_base[s] = random_value(random) & (RANDOM_RAM - 1);
    if (random_chance(random, 16)) *to = (struct segment){0, RIGHTS_UNUSABLE, (uint16_t)cpl};
}

static void segments(uint64_t *random, enum random_kind kind, struct cpu *cpu, unsigned cpl) {
    static const uint32_t code[RANDOM_KINDS] = {
        [RANDOM_PROTECTED_16] = 0x809b, [RANDOM_PROTECTED_32] = 0xc09b,  [RANDOM_PAGED_32] = 0xc09b,
        [RANDOM_PAGED_PAE] = 0xc09b,    [RANDOM_COMPATIBILITY] = 0xc09b, [RANDOM_LONG_4] = 0xa09b,
        [RANDOM_LONG_5] = 0xa09b};
    bool is_8086 = random_8086(kind);
    for (unsigned s = ES; s <= GS; s++) {
        cpu->segment_base[s] = is_8086 ? RANDOM_CODE : 0;
        if (is_8086)
            cpu->segment[s] = (struct segment){0xffff, kind == RANDOM_VM86 ? 0xf3 : 0x93, RANDOM_CODE / 16};
        else if (s == CS)
            cpu->segment[s] = (struct segment){UINT32_MAX, code[kind] | cpl << 5, (uint16_t)(8 + cpl)};
        else
            data_segment(random, cpu, s, cpl);
    }
    cpu->segment[TR] = (struct segment){0x67, 0x8b, 8 * 9};
    cpu->segment_base[TR] = RANDOM_TSS;
    cpu->segment[LDTR] = (struct segment){0xff, random_chance(random, 2) ? 0x82 : RIGHTS_UNUSABLE, 8 * 10};
    cpu->segment_base[LDTR] = RANDOM_GDT;
    cpu->gdtr = (struct descriptor_table){RANDOM_GDT, 32 * 8 - 1};
    cpu->idtr = (struct descriptor_table){kind == RANDOM_REAL ? 0 : RANDOM_IDT, 0xfff};
}

static void control(uint64_t *random, enum random_kind kind, struct cpu *cpu) {
    const uint64_t maybe = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE | CR4_PCE |
                           CR4_OSXMMEXCPT | CR4_UMIP | CR4_FSGSBASE | CR4_OSXSAVE | CR4_PKE | CR4_VMXE;
    bool paged = kind >= RANDOM_PAGED_32 && kind != RANDOM_VM86;
    cpu->control.cr0 = CR0_ET | (kind == RANDOM_REAL ? 0 : CR0_PE) | (paged ? CR0_PG : 0);
    if (random_chance(random, 4))
        cpu->control.cr0 |= random_value(random) & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM);
    cpu->control.cr3 = RANDOM_TABLES;
    cpu->control.cr4 = CR4_OSFXSR | (kind >= RANDOM_PAGED_PAE ? CR4_PAE : 0) | (kind == RANDOM_LONG_5 ? CR4_LA57 : 0);
    cpu->control.cr4 |= random64(random) & maybe;
    if (random_chance(random, 6)) cpu->control.cr4 |= random64(random) & (CR4_SMEP | CR4_SMAP);
    if (random_long(kind) && random_chance(random, 3)) cpu->control.cr4 |= CR4_PCIDE;
    cpu->control.cr4 &= cr4_supported(cpu->wire.model);
    if (cpu->control.cr4 & CR4_PCIDE) cpu->control.cr3 |= random_below(random, 4);
    cpu->control.efer = (random_long(kind) ? EFER_LME | EFER_LMA : 0) | (random64(random) & EFER_SCE);
    if (cpu_model_has(cpu->wire.model, FEATURE_NX)) cpu->control.efer |= random64(random) & EFER_NXE;
    for (unsigned i = 0; i < 4; i++) cpu->control.pdpte[i] = kind == RANDOM_PAGED_PAE ? (RANDOM_TABLES + 4096) | 1 : 0;
}

static void vectors(uint64_t *random, struct cpu *cpu) {
    for (unsigned i = 0; i < 16; i++)
        for (unsigned j = 0; j < 2; j++) cpu->fpu.vector[i].u64[j] = random_value(random);
    if (random_chance(random, 4)) cpu->fpu.mxcsr = (uint32_t)random64(random) & MXCSR_MASK;
    cpu->control.xcr0 = 1 | (random64(random) & cpu_model_xcr0(cpu->wire.model));
    if (cpu_model_xcr0(cpu->wire.model) & BIT(9)) cpu->control.pkru = (uint32_t)random64(random);
    for (unsigned i = 0; i < 8; i++) {
        static const uint16_t exponents[] = {0, 1, 0x3fff, 0x4000, 0x403e, 0x7ffe, 0x7fff};
        uint16_t exponent = random_chance(random, 4) ? (uint16_t)random64(random) : exponents[random_below(random, 7)];
        cpu->fpu.x87.r[i] = (struct x87_register){random_value(random), exponent};
    }
    cpu->fpu.x87.empty = (uint8_t)(random64(random) & random64(random));
    cpu->fpu.x87.status = (uint16_t)(random64(random) & random64(random) & ~(X87_ES | X87_B));
    x87_set_control(cpu, random_chance(random, 4) ? (uint16_t)random64(random) : X87_CONTROL_RESET);
}

static void debugging(uint64_t *random, struct cpu *cpu) {
    if (!random_chance(random, 4)) return;
    for (unsigned i = 0; i < 4; i++)
        cpu->control.dr[i] =
            random_chance(random, 2) ? code_address(random) : RANDOM_DATA + random_below(random, RANDOM_DATA_BYTES);
    cpu->control.dr[7] |= random64(random) & (BITS(9, 0) | BITS(31, 16));
    if (random_chance(random, 16)) cpu->control.dr[7] |= BIT(13);
    if (random_chance(random, 8)) cpu->msr.debugctl |= BIT(1); // BTF
}

static void flags(uint64_t *random, enum random_kind kind, struct cpu *cpu) {
    uint64_t image = random_value(random) & (FLAGS_ARITHMETIC | FLAG_IF | FLAG_DF | FLAG_AC | FLAG_IOPL | FLAG_ID);
    if (random_chance(random, 8)) image |= FLAG_TF;
    if (random_chance(random, 16)) image |= random64(random) & (FLAG_NT | FLAG_RF | FLAG_VIF | FLAG_VIP);
    cpu_set_rflags(cpu, image | (kind == RANDOM_VM86 ? FLAG_VM : 0));
}

void random_registers(uint64_t *random, enum random_kind kind, struct cpu *cpu) {
    bool is_8086 = random_8086(kind);
    for (unsigned i = 0; i < 16; i++) cpu->gpr[i] = random_value(random);
    if (!random_chance(random, 8)) cpu->gpr[RSP] = (is_8086 ? 0 : RANDOM_CODE) + random_below(random, 0xf000) / 8 * 8;
    if (!random_chance(random, 8))
        cpu->gpr[RDI] = cpu->gpr[R15] = RANDOM_DATA + random_below(random, RANDOM_DATA_BYTES);
    if (!random_chance(random, 8)) cpu->gpr[RSI] = cpu->gpr[R14] = random_below(random, 4096);
    unsigned cpl = kind == RANDOM_REAL ? 0 : kind == RANDOM_VM86 ? 3 : random_chance(random, 3) ? 3 : 0;
    control(random, kind, cpu);
    segments(random, kind, cpu, cpl);
    vectors(random, cpu);
    debugging(random, cpu);
    cpu->msr.star = random_value(random), cpu->msr.lstar = cpu->msr.cstar = code_address(random);
    cpu->msr.sfmask = (uint32_t)random_value(random);
    cpu->msr.sysenter_cs = random_below(random, 64), cpu->msr.sysenter_eip = RANDOM_CODE;
    cpu->rip = (is_8086 ? 0 : RANDOM_CODE) + random_below(random, 0xf000);
    flags(random, kind, cpu);
    tlb_select(cpu);
    cpu_update_mode(cpu);
}
