// The local APIC on both sides of each of its boundaries: the bits of each
// x2APIC register, vectors below 16, INIT level de-assert, shorthands, logical
// destinations. SDM Vol. 3A, 10.4 to 10.12, Table 10-6.
#include "cpu/state/cpu.h"
#include "cpu/system/msr.h"
#include "devices/irq/lapic.h"
#include "fake.h"
#include "tests/field.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { CPUS = 3 };
static struct fake fake;
static struct lapic lapic[CPUS];
static struct cpu *cpu[CPUS];
static struct apic_bus bus;

static uint8_t no_vector(void *owner) {
    (void)owner;
    return 0;
}
static unsigned moves;
static void moved(void *owner) { (void)owner, moves++; }
static void no_eoi(void *owner, uint8_t vector) { (void)owner, (void)vector; }

static void begin(bool x2apic) {
    fake_init(&fake, 1000000000);
    bus = (struct apic_bus){
        .lapic = lapic, .count = CPUS, .pic_acknowledge = no_vector, .eoi = no_eoi, .base_changed = moved};
    for (unsigned i = 0; i < CPUS; i++) {
        if (!cpu[i]) cpu[i] = calloc(1, sizeof *cpu[i]);
        *cpu[i] = (struct cpu){.id = i};
        lapic[i] =
            (struct lapic){.timer_hz = 100000000, .has_x2apic = true, .has_tsc_deadline = true, .physical_bits = 46};
        lapic_init(&lapic[i], &bus, cpu[i], &fake.clock);
        lapic_device.reset(&lapic[i]);
        if (x2apic && !lapic_msr_write(&lapic[i], 0x1b, 0xfee00c00 | (i ? 0 : 0x100))) bail("x2APIC");
        if (x2apic)
            (void)lapic_msr_write(&lapic[i], 0x80f, 0x1ff);
        else
            lapic_device.write(&lapic[i], 0, APIC_SVR * 16, 4, 0x1ff);
    }
}
static uint32_t get(unsigned n, unsigned reg) { return (uint32_t)lapic_device.read(&lapic[n], 0, reg * 16, 4); }
static void set(unsigned n, unsigned reg, uint32_t value) { lapic_device.write(&lapic[n], 0, reg * 16, 4, value); }
static uint64_t x2_get(unsigned n, uint32_t index) {
    uint64_t value = 0;
    if (!lapic_msr_read(&lapic[n], index, &value)) value = 0xbadbadbad;
    return value;
}

// --- Table 10-6 ---
enum { R = 1, W = 2, RW = 3 };
static const struct {
    uint32_t first, last;
    unsigned access;
    uint64_t writable;
} registers[] = {
    {0x802, 0x803, R, 0},
    {0x808, 0x808, RW, BITS(7, 0)},
    {0x80a, 0x80a, R, 0},
    {0x80b, 0x80b, W, 0},
    {0x80d, 0x80d, R, 0},
    {0x80f, 0x80f, RW, BITS(9, 0)},
    {0x810, 0x827, R, 0},
    {0x828, 0x828, RW, 0},
    {0x830, 0x830, RW, BITS(63, 32) | BITS(19, 18) | BITS(15, 14) | BITS(11, 0)},
    {0x832, 0x832, RW, BITS(18, 16) | BITS(7, 0)},
    {0x833, 0x834, RW, BIT(16) | BITS(10, 8) | BITS(7, 0)},
    {0x835, 0x836, RW, BITS(16, 15) | BIT(13) | BITS(10, 8) | BITS(7, 0)},
    {0x837, 0x837, RW, BIT(16) | BITS(7, 0)},
    {0x838, 0x838, RW, BITS(31, 0)},
    {0x839, 0x839, R, 0},
    {0x83e, 0x83e, RW, BIT(3) | BITS(1, 0)},
    {0x83f, 0x83f, W, BITS(7, 0)},
};

static void one_register(uint32_t index) {
    unsigned access = 0;
    uint64_t writable = 0, value;
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        if (index >= registers[i].first && index <= registers[i].last)
            access = registers[i].access, writable = registers[i].writable;
    struct msr_refusal refusal;
    loop_check(lapic_msr_read(&lapic[0], index, &value) == (access & R), "RDMSR %x", index);
    loop_check(lapic_msr_refuses(&lapic[0], index, false, 0, &refusal) == !(access & R), "told of RDMSR %x", index);
    loop_check(lapic_msr_write(&lapic[0], index, 0) == ((access & W) != 0), "WRMSR %x of 0", index);
    for (unsigned bit = 0; bit < 64; bit++) {
        begin(true);
        bool told = lapic_msr_refuses(&lapic[0], index, true, BIT(bit), &refusal);
        loop_check(told == !(writable >> bit & 1) && (access & W || !refusal.bits), "what is told of it, %x", index);
        loop_check(!told || !(access & W) || refusal.bits == BIT(bit), "the bit that is refused, %x, %u", index, bit);
        loop_check(lapic_msr_write(&lapic[0], index, BIT(bit)) == (writable >> bit & 1), "WRMSR %x, bit %u", index,
                   bit);
        bool keeps = access == RW && writable >> bit & 1 && index != 0x80f;
        loop_check(!keeps || (x2_get(0, index) & BIT(bit)), "%x keeps bit %u", index, bit);
    }
}

static void test_x2apic_registers(void) {
    begin(true);
    loop_begin("each bit of each x2APIC register");
    for (uint32_t index = 0x7ff; index <= 0x900; index++) one_register(index);
    loop_end();
    begin(false);
    loop_begin("no x2APIC register in xAPIC mode");
    uint64_t value;
    for (uint32_t index = 0x800; index <= 0x8ff; index++)
        loop_check(!lapic_msr_read(&lapic[0], index, &value) && !lapic_msr_write(&lapic[0], index, 0), "%x", index);
    loop_end();
    begin(true);
    lapic[0].has_tsc_deadline = false;
    ok(!lapic_msr_write(&lapic[0], 0x832, BIT(18)) && lapic_msr_write(&lapic[0], 0x832, BIT(17)),
       "TSC-deadline mode is reserved where it is not supported");
}

static void test_logical_id(void) {
    loop_begin("the logical x2APIC ID, 10.12.10.2");
    for (uint32_t id = 0; id < 40; id++) {
        begin(false);
        lapic[1].id = id;
        (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00c00);
        loop_check(x2_get(1, 0x80d) == (id / 16 << 16 | 1u << id % 16), "ID %u: %llx", id,
                   (unsigned long long)x2_get(1, 0x80d));
    }
    loop_end();
}

// --- vectors ---
static bool in_irr(unsigned n, unsigned vector) { return lapic[n].irr[vector / 32] >> vector % 32 & 1; }

static void test_vectors(void) {
    loop_begin("a vector below 16 is an error, 16 is an interrupt");
    for (unsigned v = 0; v < 256; v++) {
        begin(true);
        (void)lapic_msr_write(&lapic[0], 0x83f, v);
        loop_check(in_irr(0, v) == (v >= 16), "self IPI %u", v);
        (void)lapic_msr_write(&lapic[0], 0x828, 0);
        loop_check(x2_get(0, 0x828) == (v < 16 ? 0x20 : 0), "its ESR, %u", v);
        for (unsigned delivery = 0; delivery < 2; delivery++) { // fixed, lowest priority
            begin(false);
            set(0, APIC_ICR_HIGH, 1u << 24), set(0, APIC_ICR, 0x4000 | delivery << 8 | v);
            loop_check(in_irr(1, v) == (v >= 16) && !in_irr(0, v) && !in_irr(2, v), "IPI %u", v);
            set(0, APIC_ESR, 0);
            loop_check(get(0, APIC_ESR) == (v < 16 ? 0x20 : 0), "its ESR, %u", v);
        }
        begin(false);
        set(1, APIC_LVT + LVT_ERROR, v);
        lapic_accept(&lapic[1], (uint8_t)v, false);
        set(1, APIC_ESR, 0);
        loop_check(in_irr(1, v) == (v >= 16) && get(1, APIC_ESR) == (v < 16 ? 0x40 : 0), "received %u", v);
    }
    loop_end();
    begin(false);
    set(0, APIC_ICR, 0x400f), set(0, APIC_ESR, 0), set(0, APIC_ESR, 0);
    ok(get(0, APIC_ESR) == 0, "a second write of the ESR tells of no error");
    begin(false);
    set(0, APIC_LVT + LVT_ERROR, 16), set(0, APIC_ICR, 0x400f);
    ok(in_irr(0, 16), "the error interrupt with vector 16");
    begin(false);
    set(0, APIC_LVT + LVT_ERROR, 15), set(0, APIC_ICR, 0x400f), set(0, APIC_ESR, 0);
    ok(get(0, APIC_ESR) == 0x60, "with vector 15 it is an error of its own, once");
    begin(false);
    set(1, APIC_LVT + LVT_ERROR, 16), lapic_accept(&lapic[1], 3, false);
    ok(in_irr(1, 16), "an illegal vector received: the error interrupt");
    begin(false);
    set(1, APIC_LVT + LVT_ERROR, 0x10010), lapic_accept(&lapic[1], 3, false);
    ok(!in_irr(1, 16), "unless it is masked");
    begin(true);
    (void)lapic_msr_write(&lapic[0], 0x80f, 0xff), (void)lapic_msr_write(&lapic[0], 0x83f, 0x40);
    ok(!in_irr(0, 0x40), "no self IPI while disabled by software");
}

// --- the ICR ---
static void test_init(void) {
    static const struct {
        uint32_t icr;
        bool init;
        const char *what;
    } rows[] = {{0x4500, true, "edge"},
                {0xc500, true, "level assert"},
                {0x8500, false, "level de-assert"},
                {0x0500, true, "edge de-assert"},
                {0x8400, false, "NMI"}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(false);
        set(0, APIC_ICR_HIGH, 1u << 24), set(0, APIC_ICR, rows[i].icr);
        ok(!!(field(cpu[1], "boundary.pending") & PENDING_INIT) == rows[i].init, "INIT, %s", rows[i].what);
    }
    ok(field(cpu[1], "boundary.pending") & PENDING_NMI, "another delivery with level de-assert is delivered");
    begin(false);
    set(0, APIC_ICR_HIGH, 1u << 24), set(0, APIC_ICR, 0x8050);
    ok(in_irr(1, 0x50), "a fixed one too");
    begin(false);
    set(0, APIC_ICR_HIGH, 1u << 24), set(0, APIC_ICR, 0x4612), set(0, APIC_ICR, 0x4500);
    ok(!(field(cpu[1], "boundary.pending") & PENDING_SIPI), "a start-up IPI before the INIT is forgotten");
}

static void test_halves(void) {
    begin(false);
    set(0, APIC_ICR, 0x4063), set(0, APIC_ICR_HIGH, 2u << 24), set(0, APIC_ICR_HIGH, 1u << 24);
    ok(get(0, APIC_ICR) == 0x4063 && get(0, APIC_ICR_HIGH) == 1u << 24, "each half of the ICR is written alone");
    begin(true);
    (void)lapic_msr_write(&lapic[0], 0x830, 5ull << 32 | 0x4063);
    (void)lapic_msr_write(&lapic[0], 0x1b, lapic[0].base);
    ok(x2_get(0, 0x830) >> 32 == 5, "IA32_APIC_BASE written again in x2APIC mode leaves the destination");
}

// What is told of an MSR is what becomes of it, in each mode and on each model.
static void test_refusals(void) {
    static const uint32_t indices[] = {0x1b, 0x6e0, 0x800, 0x802, 0x80b, 0x80f, 0x832, 0x83f, 0x840};
    loop_begin("refusals, in xAPIC and x2APIC mode");
    for (unsigned n = 0; n < 16; n++)
        for (unsigned i = 0; i < sizeof indices / sizeof *indices; i++)
            for (unsigned bit = 0; bit < 64; bit++) {
                struct msr_refusal refusal;
                uint64_t value = indices[i] == 0x1b ? lapic[0].base ^ BIT(bit) : BIT(bit), got;
                begin(n & 1);
                lapic[0].has_tsc_deadline = n & 2;
                if (n & 4) lapic[0].base &= ~BIT(11) & ~BIT(10);
                if (n & 8 && !(n & 1)) lapic[0].has_x2apic = false;
                loop_check(lapic_msr_refuses(&lapic[0], indices[i], false, 0, &refusal) ==
                               !lapic_msr_read(&lapic[0], indices[i], &got),
                           "read of %x, %u", indices[i], n);
                bool told = lapic_msr_refuses(&lapic[0], indices[i], true, value, &refusal);
                loop_check(told == !lapic_msr_write(&lapic[0], indices[i], value), "%x, bit %u, %u", indices[i], bit,
                           n);
            }
    loop_end();
    struct msr_refusal refusal;
    begin(true);
    ok(lapic_msr_refuses(&lapic[0], 0x1b, true, lapic[0].base & ~BIT(10), &refusal) && refusal.bits == BITS(11, 10),
       "the two bits of the mode are told where there is no way");
}

static void test_reset(void) {
    begin(false);
    loop_begin("a reset empties IRR, ISR and TMR");
    for (unsigned v = 16; v < 256; v += 3) lapic_accept(&lapic[0], (uint8_t)v, true);
    (void)lapic_acknowledge(&lapic[0]);
    lapic_reset(&lapic[0], true);
    for (unsigned i = 0; i < 8; i++)
        loop_check(!get(0, APIC_IRR + i) && !get(0, APIC_ISR + i) && !get(0, APIC_TMR + i), "word %u", i);
    loop_check(get(0, APIC_TPR) == 0 && get(0, APIC_ESR) == 0 && get(0, APIC_ICR) == 0, "TPR, ESR, ICR");
    for (unsigned i = 0; i < LVT_COUNT; i++) loop_check(get(0, APIC_LVT + i) == LVT_MASKED, "LVT %u", i);
    loop_end();
}

static void test_shorthands(void) {
    loop_begin("shorthands");
    for (uint32_t to = 0; to < 4; to++) {
        begin(false);
        set(0, APIC_ICR_HIGH, 2u << 24), set(0, APIC_ICR, to << 18 | 0x4060);
        bool self = to == 1 || to == 2, one = to >= 2, two = to != 1;
        loop_check(in_irr(0, 0x60) == self && in_irr(1, 0x60) == one && in_irr(2, 0x60) == two, "%u", to);
    }
    loop_end();
    begin(false);
    bus.count = 2; // the third is no longer there
    set(0, APIC_TPR, 0x30), set(1, APIC_TPR, 0x20);
    set(0, APIC_ICR, 0x84062), set(0, APIC_ICR_HIGH, 0xff000000), set(0, APIC_ICR, 0x4063), set(0, APIC_ICR, 0x4164);
    ok(in_irr(1, 0x62) && in_irr(1, 0x63) && !in_irr(2, 0x62) && !in_irr(2, 0x63) && !in_irr(2, 0x64),
       "those that there are");
    begin(false);
    set(1, APIC_SVR, 0xff), set(0, APIC_ICR, 0xc4061);
    ok(!in_irr(1, 0x61) && in_irr(2, 0x61), "a fixed IPI passes one by that is disabled by software");
    set(0, APIC_ICR, 0xc4400);
    ok(field(cpu[1], "boundary.pending") & PENDING_NMI, "an NMI does not");
}

static bool reaches(unsigned n, uint32_t destination, bool wide) {
    const struct apic_message m = {.destination = destination, .wide = wide, .logical = true, .vector = 0x70};
    memset(lapic[n].irr, 0, sizeof lapic[n].irr);
    (void)apic_deliver(&bus, &m);
    return in_irr(n, 0x70);
}

static void test_logical(void) {
    begin(false);
    set(1, APIC_LDR, 0x84000000);
    loop_begin("logical destinations, flat model");
    for (uint32_t mda = 1; mda < 255; mda++) loop_check(reaches(1, mda, false) == ((mda & 0x84) != 0), "%x", mda);
    loop_check(reaches(1, 0xff, false) && !reaches(1, 0x184, true), "broadcast, and more than 8 bits");
    loop_check(reaches(1, 0xff, true) && reaches(1, 0x80, true), "8 bits of a destination of 32");
    loop_end();
    begin(false);
    set(1, APIC_DFR, 0x0fffffff), set(1, APIC_LDR, 0x35000000);
    loop_begin("cluster model");
    for (uint32_t mda = 1; mda < 255; mda++)
        loop_check(reaches(1, mda, false) == (mda >> 4 == 3 && mda & 5), "%x", mda);
    loop_end();
    begin(false);
    lapic[1].id = 0x25;
    (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00c00), (void)lapic_msr_write(&lapic[1], 0x80f, 0x1ff);
    ok(reaches(1, 2 << 16 | 0x20, true) && reaches(1, 2 << 16 | 0x30, true) && !reaches(1, 2 << 16 | 0x10, true) &&
           !reaches(1, 3 << 16 | 0x20, true) && !reaches(1, 1 << 16 | 0x20, true),
       "clusters of x2APICs");
}

// --- priority, 10.8.3.1 ---
static void test_priority(void) {
    loop_begin("an interrupt is taken when its class is above TPR's");
    for (unsigned tpr = 0; tpr < 256; tpr += 15)
        for (unsigned v = 16; v < 256; v += 5) {
            begin(false);
            set(0, APIC_TPR, tpr);
            lapic_accept(&lapic[0], (uint8_t)v, false);
            loop_check(!!(field(cpu[0], "boundary.pending") & PENDING_INTR) == (v / 16 > tpr / 16), "TPR %x, vector %x",
                       tpr, v);
        }
    loop_end();
}

static void test_in_service(void) {
    loop_begin("each vector: IRR, ISR, PPR, EOI");
    for (unsigned v = 16; v < 256; v++) {
        begin(false);
        lapic_accept(&lapic[0], (uint8_t)v, false);
        loop_check(get(0, APIC_IRR + v / 32) == 1u << v % 32, "IRR, %x", v);
        loop_check(lapic_acknowledge(&lapic[0]) == (int)v && get(0, APIC_ISR + v / 32) == 1u << v % 32, "ISR, %x", v);
        for (unsigned tpr = 0; tpr < 256; tpr += 5) {
            set(0, APIC_TPR, tpr);
            loop_check(get(0, APIC_PPR) == (tpr / 16 >= v / 16 ? tpr : v / 16 * 16), "PPR, TPR %x, vector %x", tpr, v);
        }
        set(0, APIC_EOI, 0);
        loop_check(get(0, APIC_ISR + v / 32) == 0, "EOI, %x", v);
    }
    loop_end();
    loop_begin("two vectors: the higher class interrupts the lower");
    for (unsigned v = 16; v < 256; v += 3)
        for (unsigned w = 16; w < 256; w += 7) {
            begin(false);
            lapic_accept(&lapic[0], (uint8_t)v, false);
            (void)lapic_acknowledge(&lapic[0]);
            lapic_accept(&lapic[0], (uint8_t)w, false);
            loop_check(lapic_acknowledge(&lapic[0]) == (w / 16 > v / 16 ? (int)w : -1), "%x, then %x", v, w);
        }
    loop_end();
}

// The state of an APIC may be loaded.
static void test_loaded(void) {
    begin(false);
    lapic[0].isr[0] = 1;
    set(0, APIC_EOI, 0);
    ok(lapic[0].isr[0] == 0, "EOI ends vector 0 too");
}

static uint8_t ended;
static void ends(void *owner, uint8_t vector) {
    (void)owner;
    ended = vector;
}
static void test_level_eoi(void) {
    for (unsigned level = 0; level < 2; level++) {
        begin(false);
        bus.eoi = ends, ended = 0;
        lapic_accept(&lapic[0], 0x63, level);
        ok(get(0, APIC_TMR + 3) == (level ? 8 : 0), "TMR");
        (void)lapic_acknowledge(&lapic[0]), set(0, APIC_EOI, 0);
        ok(ended == (level ? 0x63 : 0), "EOI of a%s interrupt", level ? " level-triggered" : "n edge-triggered");
    }
}

// --- LINT0, LINT1: Figure 10-8 ---
static void test_lint(void) {
    loop_begin("LINT0 by delivery mode and mask");
    for (unsigned n = 0; n < 16; n++) {
        unsigned delivery = n & 7;
        bool masked = n & 8;
        begin(false);
        set(0, APIC_LVT + LVT_LINT0, 0x45 | delivery << 8 | (masked ? 1u << 16 : 0));
        lapic_set_lint0(&lapic[0], true);
        bool fixed = delivery < 2, external = delivery == 7;
        loop_check(!!(field(cpu[0], "boundary.pending") & PENDING_INTR) == (!masked && (fixed || external)), "INTR, %x",
                   n);
        loop_check(in_irr(0, 0x45) == (!masked && fixed), "IRR, %x", n);
        loop_check(!!(field(cpu[0], "boundary.pending") & PENDING_NMI) == (!masked && delivery == 4), "NMI, %x", n);
        loop_check(!!(field(cpu[0], "boundary.pending") & PENDING_INIT) == (!masked && delivery == 5), "INIT, %x", n);
        lapic_set_lint0(&lapic[0], false);
        loop_check(!external || !(field(cpu[0], "boundary.pending") & PENDING_INTR), "its end, %x", n);
        memset(lapic[0].irr, 0, sizeof lapic[0].irr), lapic_set_lint0(&lapic[0], false);
        loop_check(!in_irr(0, 0x45), "low stays low, %x", n);
        begin(false);
        set(0, APIC_LVT + LVT_LINT1, 0x46 | delivery << 8 | (masked ? 1u << 16 : 0));
        lapic_nmi(&lapic[0]);
        loop_check(!!(field(cpu[0], "boundary.pending") & PENDING_NMI) == (!masked && delivery == 4), "LINT1, %x", n);
    }
    loop_end();
    begin(false);
    set(0, APIC_ICR_HIGH, 1u << 24), set(0, APIC_ICR, 0x4700);
    ok(lapic[1].extint == 1 && field(cpu[1], "boundary.pending") & PENDING_INTR, "an ExtINT that is sent");
    begin(false);
    set(0, APIC_LVT + LVT_LINT0, 0x45);
    lapic_set_lint0(&lapic[0], true);
    ok(lapic_acknowledge(&lapic[0]) == 0x45, "LINT0 rises");
    lapic_set_lint0(&lapic[0], true);
    ok(!in_irr(0, 0x45), "and stays high: no second edge");
    begin(false);
    (void)lapic_msr_write(&lapic[0], 0x1b, 0xfee00100);
    lapic_nmi(&lapic[0]), lapic_set_lint0(&lapic[0], true);
    ok(field(cpu[0], "boundary.pending") & PENDING_NMI && field(cpu[0], "boundary.pending") & PENDING_INTR,
       "a local APIC that is disabled passes both pins on");
    lapic_accept(&lapic[0], 0x50, false), lapic_set_lint0(&lapic[0], false);
    ok(!(field(cpu[0], "boundary.pending") & PENDING_INTR), "and gives nothing of its own");
}

// --- registers of the page, 10.4.1, bit by bit ---
static uint32_t kept(unsigned reg) {
    switch (reg) {
    case APIC_TPR: return 0xff;
    case APIC_LDR: return 0xff000000;
    case APIC_DFR: return 0xffffffff;
    case APIC_SVR: return 0x3ff;
    case APIC_ICR: return 0xccfff;
    case APIC_ICR_HIGH: return 0xff000000;
    case APIC_LVT + LVT_TIMER: return 0x700ff;
    case APIC_LVT + LVT_ERROR: return 0x100ff;
    case APIC_LVT + LVT_LINT0:
    case APIC_LVT + LVT_LINT1: return 0x1a7ff;
    case APIC_LVT + LVT_THERMAL:
    case APIC_LVT + LVT_PERFORMANCE: return 0x107ff;
    case APIC_TIMER_INITIAL: return 0xffffffff;
    case APIC_TIMER_DIVIDE: return 0xb;
    default: return 0;
    }
}

static void test_page(void) {
    loop_begin("registers of the page keep their bits");
    for (unsigned reg = 0; reg < 0x40; reg++)
        for (unsigned bit = 0; bit < 32 && kept(reg); bit++) {
            begin(false);
            set(0, reg, 1u << bit);
            uint32_t expected = (1u << bit) & kept(reg);
            if (reg == APIC_DFR) expected |= 0x0fffffff;
            if (reg == APIC_SVR) set(0, APIC_SVR, 1u << bit);
            loop_check(get(0, reg) == expected, "%x, bit %u: %x", reg, bit, get(0, reg));
        }
    loop_end();
    begin(false);
    ok(get(0, 0x9) == 0 && get(0, 0xb) == 0 && get(0, 0xc) == 0, "arbitration priority, EOI and remote read are 0");
    loop_begin("registers that do not exist are an error, 10.5.3");
    for (unsigned reg = 0; reg < 0x100; reg++) {
        bool exists = reg == 2 || reg == 3 || (reg >= 8 && reg <= 0x28) || reg == 0x30 || reg == 0x31 ||
                      (reg >= 0x32 && reg <= 0x39) || reg == 0x3e;
        for (unsigned write = 0; write < 2; write++) {
            begin(false);
            if (write && (reg == APIC_SVR || reg == APIC_ESR || reg == APIC_ICR)) continue;
            if (write)
                set(0, reg, 0);
            else
                (void)get(0, reg);
            set(0, APIC_ESR, 0);
            loop_check(get(0, APIC_ESR) == (exists ? 0 : 0x80), "%x: %x", reg, get(0, APIC_ESR));
        }
        begin(false);
        set(0, APIC_TPR, 0x55);
        for (unsigned by = 1; by < 16; by++) {
            loop_check(lapic_device.read(&lapic[0], 0, reg * 16 + by, 4) == 0, "%x + %u", reg, by);
            lapic_device.write(&lapic[0], 0, reg * 16 + by, 4, 0x66);
        }
        set(0, APIC_ESR, 0);
        loop_check(get(0, APIC_ESR) == 0 && get(0, APIC_TPR) == 0x55, "between registers, %x", reg);
    }
    loop_end();
}

// --- IA32_APIC_BASE, Figure 10-26 ---
static void test_base(void) {
    loop_begin("IA32_APIC_BASE bit by bit");
    for (unsigned bit = 0; bit < 64; bit++) {
        begin(false);
        bool good = bit == 8 || bit == 10 || bit == 11 || (bit >= 12 && bit < 46);
        loop_check(lapic_msr_write(&lapic[1], 0x1b, 0xfee00800 ^ BIT(bit)) == good, "bit %u", bit);
    }
    for (unsigned from = 0; from < 4; from++)
        for (unsigned to = 0; to < 4; to++) {
            if (from == 1) continue; // x2APIC without enable: there is no such state
            begin(false);
            if (!(from & 2)) (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00000);
            if (from == 3) (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00c00);
            bool good = to != 1 && !(from == 3 && to == 2) && !(from == 0 && to == 3);
            loop_check(lapic_msr_write(&lapic[1], 0x1b, 0xfee00000 | (uint64_t)to << 10) == good, "%u to %u", from, to);
        }
    loop_end();
    begin(false);
    moves = 0;
    (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00800), (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00900);
    ok(moves == 0, "what changes nothing, or the BSP flag alone, moves no page");
    (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee01900), (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee01000);
    ok(moves == 2, "another address does, and being disabled");
    begin(false);
    lapic[1].has_x2apic = false;
    ok(!lapic_msr_write(&lapic[1], 0x1b, 0xfee00c00), "no x2APIC mode where it is not supported");
    ok(!lapic_msr_write(&lapic[1], 0x1b, 0xfee00801), "bit 0 is reserved there too");
    begin(false);
    set(1, APIC_ICR_HIGH, 0x12000000);
    (void)lapic_msr_write(&lapic[1], 0x1b, 0xfee00c00);
    ok(x2_get(1, 0x830) == 0, "x2APIC mode begins with a cleared ICR_High");
}

// --- the lowest priority ---
static void test_lowest(void) {
    const struct apic_message m = {.destination = 0xff, .delivery = DELIVERY_LOWEST, .vector = 0x40};
    for (unsigned best = 0; best < CPUS; best++) {
        begin(false);
        for (unsigned i = 0; i < CPUS; i++) set(i, APIC_TPR, i == best ? 0x20 : 0x30);
        (void)apic_deliver(&bus, &m);
        ok(in_irr(best, 0x40) && !in_irr((best + 1) % CPUS, 0x40) && !in_irr((best + 2) % CPUS, 0x40),
           "the lowest priority is processor %u's", best);
    }
    begin(false);
    (void)apic_deliver(&bus, &m);
    ok(in_irr(0, 0x40) && !in_irr(1, 0x40), "the first of equals");
    begin(false);
    set(0, APIC_SVR, 0xff);
    (void)apic_deliver(&bus, &m);
    ok(!in_irr(0, 0x40) && in_irr(1, 0x40), "one that is disabled by software takes none");
    begin(true);
    struct apic_message wide = {.destination = 0xff, .wide = true, .vector = 0x41};
    (void)apic_deliver(&bus, &wide);
    ok(!in_irr(0, 0x41), "FFH is no broadcast of 32 bits");
    wide.destination = 0xffffffff;
    (void)apic_deliver(&bus, &wide);
    ok(in_irr(0, 0x41) && in_irr(2, 0x41), "FFFFFFFFH is");
}

int main(void) {
    test_x2apic_registers();
    test_logical_id();
    test_vectors();
    test_init();
    test_halves();
    test_reset();
    test_refusals();
    test_shorthands();
    test_logical();
    test_priority();
    test_in_service();
    test_level_eoi();
    test_loaded();
    test_lint();
    test_page();
    test_base();
    test_lowest();
    return done_testing();
}
