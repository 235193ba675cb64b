// A processor with a GDT, an IDT and a TSS in flat RAM, put into any mode: for tests of system behaviour, which are
// written from the manual's text.
#ifndef TESTS_SYSTEM_BENCH_H
#define TESTS_SYSTEM_BENCH_H
#include "cpu/event/descriptor.h"
#include "tests/cpu/flat.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/tlb.h"

enum {
    BENCH_GDT = 0x22000,
    BENCH_IDT = 0x24000,
    BENCH_TSS = 0x26000,
    BENCH_LDT = 0x28000,
    BENCH_HANDLERS = 0x30000, // 16 bytes for each vector: RIP tells which handler was called
    BENCH_STACK = 0x200000,
    BENCH_STACK0 = 0x210000,
    BENCH_IST1 = 0x220000,
    BENCH_DATA = 0x300000,
};
// Selectors, RPL 0. As Linux lays them out for SYSCALL and SYSRET.
enum {
    CODE32 = 0x08,
    CODE64 = 0x10,
    DATA0 = 0x18,
    USER32 = 0x20,
    DATA3 = 0x28,
    USER64 = 0x30,
    CODE16 = 0x38,
    DATA16 = 0x40,
    CONFORMING = 0x48,
    SPARE = 0x50,
    TASK = 0x60,
    LOCAL = 0x70,
    GATE = 0x80,
    ABSENT = 0x90,
    READ_ONLY_DATA = 0x98,
    BENCH_GDT_LIMIT = 0xff,
};

struct bench {
    struct flat f;
    struct cpu *cpu;
    uint64_t msr_apic_base;
};

static void bench_descriptor(struct bench *b, unsigned selector, uint32_t base, uint32_t limit, uint32_t rights) {
    uint64_t v = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(rights & 0xff) << 40 |
                 (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)(rights >> 12 & 0xf) << 52 |
                 (uint64_t)(base >> 24) << 56;
    flat_poke(&b->f, BENCH_GDT + selector, v);
}

enum {
    R_CODE32 = 0xc09b,
    R_CODE64 = 0xa09b,
    R_CODE16 = 0x009b,
    R_DATA32 = 0xc093,
    R_DATA16 = 0x0093,
    R_DPL3 = 0x60,
    R_CONFORMING = 0xc09f,
    R_ABSENT = 0xc013,
    R_READ_ONLY = 0xc091,
    R_TSS = 0x89,
    R_TSS_BUSY = 0x8b,
    R_LDT = 0x82,
};

static void bench_gdt(struct bench *b) {
    bench_descriptor(b, CODE32, 0, 0xfffff, R_CODE32);
    bench_descriptor(b, CODE64, 0, 0xfffff, R_CODE64);
    bench_descriptor(b, DATA0, 0, 0xfffff, R_DATA32);
    bench_descriptor(b, USER32, 0, 0xfffff, R_CODE32 | R_DPL3);
    bench_descriptor(b, DATA3, 0, 0xfffff, R_DATA32 | R_DPL3);
    bench_descriptor(b, USER64, 0, 0xfffff, R_CODE64 | R_DPL3);
    bench_descriptor(b, CODE16, 0, 0xffff, R_CODE16);
    bench_descriptor(b, DATA16, 0, 0xffff, R_DATA16);
    bench_descriptor(b, CONFORMING, 0, 0xfffff, R_CONFORMING);
    bench_descriptor(b, TASK, BENCH_TSS, 0xfff, R_TSS);
    bench_descriptor(b, LOCAL, BENCH_LDT, 0xff, R_LDT);
    bench_descriptor(b, ABSENT, 0, 0xfffff, R_ABSENT);
    bench_descriptor(b, READ_ONLY_DATA, 0, 0xfffff, R_READ_ONLY);
    b->cpu->gdtr = (struct descriptor_table){BENCH_GDT, BENCH_GDT_LIMIT};
}

static void bench_gate(struct bench *b, unsigned vector, unsigned selector, unsigned type, unsigned dpl, unsigned ist) {
    bool wide = cpu_long(b->cpu);
    uint64_t handler = BENCH_HANDLERS + 16 * vector;
    uint64_t low = (handler & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
                   (uint64_t)(0x80 | dpl << 5 | type) << 40 | (handler >> 16 & 0xffff) << 48;
    uint64_t at = BENCH_IDT + (wide ? 16 : 8) * vector;
    flat_poke(&b->f, at, low);
    if (wide) flat_poke(&b->f, at + 8, handler >> 32);
}

// Interrupt gates for every vector; 32 and above may be called by INT n at any level.
static void bench_idt(struct bench *b) {
    for (unsigned v = 0; v < 256; v++)
        bench_gate(b, v, cpu_long(b->cpu) ? CODE64 : CODE32, TYPE_INTERRUPT_GATE32, v >= 32 || v == 3 || v == 4 ? 3 : 0,
                   0);
    b->cpu->idtr = (struct descriptor_table){BENCH_IDT, 0xfff};
}

static void bench_tss(struct bench *b) {
    struct cpu *cpu = b->cpu;
    cpu->segment[TR] = (struct segment){0xfff, R_TSS_BUSY, TASK};
    cpu->segment_base[TR] = BENCH_TSS;
    memset(b->f.ram + BENCH_TSS, 0, 4096);
    if (cpu_long(cpu)) {
        flat_poke(&b->f, BENCH_TSS + 4, BENCH_STACK0);
        flat_poke(&b->f, BENCH_TSS + 36, BENCH_IST1);
    } else {
        flat_poke(&b->f, BENCH_TSS + 4, BENCH_STACK0 | (uint64_t)DATA0 << 32);
    }
    cpu->segment[LDTR] = (struct segment){0, RIGHTS_UNUSABLE, 0};
}

static void bench_new(struct bench *b) {
    flat_new(&b->f);
    b->cpu = b->f.cpu;
    bench_gdt(b);
    bench_idt(b);
    bench_tss(b);
}
static void bench_free(struct bench *b) { flat_free(&b->f); }

static void bench_segment(struct bench *b, unsigned segment, uint16_t selector, uint32_t rights) {
    uint32_t limit = rights & RIGHTS_G ? UINT32_MAX : 0xffff;
    b->cpu->segment[segment] = (struct segment){limit, rights, selector};
    b->cpu->segment_base[segment] = 0;
}

static void bench_segments(struct bench *b, uint16_t cs, uint32_t cs_rights, uint16_t ds, uint32_t ds_rights) {
    for (unsigned s = ES; s <= GS; s++) bench_segment(b, s, ds, ds_rights);
    bench_segment(b, CS, cs, cs_rights);
    cpu_update_mode(b->cpu);
}

// 64-bit mode at a privilege level.
static void bench_long(struct bench *b, unsigned cpl) {
    if (cpl)
        bench_segments(b, USER64 | 3, R_CODE64 | R_DPL3, DATA3 | 3, R_DATA32 | R_DPL3);
    else
        bench_segments(b, CODE64, R_CODE64, DATA0, R_DATA32);
}
static void bench_compatibility(struct bench *b) {
    bench_segments(b, USER32 | 3, R_CODE32 | R_DPL3, DATA3 | 3, R_DATA32 | R_DPL3);
}

static void bench_legacy(struct bench *b, uint64_t cr0) {
    struct cpu *cpu = b->cpu;
    cpu->control.cr0 = cr0;
    cpu->control.cr4 = 0;
    cpu->control.efer = 0;
    tlb_select(cpu);
    cpu_update_mode(cpu);
}
// 32-bit protected mode without paging.
static void bench_protected(struct bench *b, unsigned cpl) {
    bench_legacy(b, CR0_PE | CR0_ET);
    bench_idt(b);
    bench_tss(b);
    if (cpl)
        bench_segments(b, USER32 | 3, R_CODE32 | R_DPL3, DATA3 | 3, R_DATA32 | R_DPL3);
    else
        bench_segments(b, CODE32, R_CODE32, DATA0, R_DATA32);
}
static void bench_real(struct bench *b) {
    bench_legacy(b, CR0_ET);
    bench_segments(b, 0, R_DATA16, 0, R_DATA16);
    b->cpu->idtr = (struct descriptor_table){0, 0x3ff};
    b->cpu->gpr[RSP] = 0x8000;
    b->cpu->rip = 0x7c00;
    for (unsigned v = 0; v < 256; v++) {
        uint32_t vector = 0x20000000 | (0x100 + v * 16); // 2000H:0100H + 16 * vector
        memcpy(b->f.ram + 4 * v, &vector, 4);
    }
}
static void bench_vm86(struct bench *b, unsigned iopl) {
    bench_protected(b, 0);
    b->cpu->rflags |= FLAG_VM | (uint64_t)iopl << 12;
    bench_segments(b, 0x1000, 0xf3, 0x2000, 0xf3);
    for (unsigned s = ES; s <= GS; s++) b->cpu->segment_base[s] = (uint64_t)b->cpu->segment[s].selector << 4;
    b->cpu->rip = 0x100;
    b->cpu->gpr[RSP] = 0x8000;
    cpu_update_mode(b->cpu);
}

// Code where CS:RIP points to; runs `steps` of it.
static void bench_run(struct bench *b, const uint8_t *code, size_t size, uint64_t steps) {
    struct cpu *cpu = b->cpu;
    flat_write(&b->f, (cpu->rip + cpu->fetch.base) & cpu->fetch.mask, code, size);
    (void)cpu_run(cpu, steps);
}
#define RUN(b, ...) bench_run(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), 1)
#define RUN_STEPS(b, steps, ...)                                                                                       \
    bench_run(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), steps)

// The vector whose handler RIP is at; -1: none.
static int bench_vector(const struct bench *b) {
    uint64_t rip = b->cpu->rip;
    if (cpu_real(b->cpu)) return b->cpu->segment[CS].selector == 0x2000 && rip >= 0x100 ? (int)(rip - 0x100) / 16 : -1;
    return rip >= BENCH_HANDLERS && rip < BENCH_HANDLERS + 4096 && rip % 16 == 0 ? (int)(rip - BENCH_HANDLERS) / 16
                                                                                 : -1;
}
// What lies on the stack, in elements of the frame (8 bytes in IA-32e mode, else 4).
static uint64_t bench_stack(const struct bench *b, unsigned index) {
    unsigned size = cpu_long(b->cpu) ? 8 : 4;
    uint64_t v = flat_peek(&b->f, b->cpu->gpr[RSP] + size * index);
    return size == 8 ? v : (uint32_t)v;
}
// Whether one fault with an error code was delivered.
static bool bench_faulted(const struct bench *b, int vector, uint32_t code) {
    if (bench_vector(b) != vector)
        diag("vector %d, expected %d", bench_vector(b), vector);
    else if (bench_stack(b, 0) != code)
        diag("error code %llx, expected %x", (unsigned long long)bench_stack(b, 0), code);
    return bench_vector(b) == vector && bench_stack(b, 0) == code;
}

// A fresh processor for each claim.
#define WITH(name, setup)                                                                                              \
    for (struct bench name, *name##_once = (bench_new(&name), setup, &name); name##_once;                              \
         name##_once = (bench_free(&name), (struct bench *)NULL))

__attribute__((unused)) static void *const bench_unused[] = {
    bench_long, bench_compatibility, bench_protected, bench_real, bench_vm86, bench_run, bench_faulted, bench_gate,
};
#endif
