// A processor over flat RAM, for tests of the floor `cpu` alone: 64-bit mode at CPL 0, identity paging built by hand.
#ifndef TESTS_CPU_FLAT_H
#define TESTS_CPU_FLAT_H
#include "cpu/memory/access.h"
#include "cpu/state/model.h"
#include "cpu/memory/paging.h"
#include "cpu/processor/processor.h"
#include "cpu/decode/insn.h"
#include <stdio.h>
#include <stdlib.h>

enum { FLAT_RAM = 16 << 20, FLAT_PML4 = 0x1000, FLAT_TABLES = 0x2000, FLAT_CODE = 0x100000, FLAT_MMIO = 0xfe000000 };

struct flat {
    struct cpu *cpu;
    struct cpu_model model;
    struct decoder *decoder;
    struct platform platform;
    struct pages pages;
    uint8_t *ram;
    uint64_t next_table; // where flat_map takes its next page table
    uint64_t mmio_value; // what MMIO reads give; last value written
    unsigned mmio_reads, mmio_writes;
    uint64_t mmio_step; // steps at the last MMIO access
    int interrupt;      // vector to acknowledge, -1: none
};

static struct page_frame flat_page(void *machine, uint64_t physical) {
    return pages_frame(&((struct flat *)machine)->pages, physical);
}
static uint64_t flat_mmio_read(void *machine, struct cpu *cpu, uint64_t physical, unsigned size) {
    struct flat *f = machine;
    f->mmio_reads++;
    f->mmio_step = cpu_steps(cpu, NULL);
    return physical >= FLAT_MMIO ? f->mmio_value & (~0ull >> (64 - 8 * size)) : ~0ull;
}
static void flat_mmio_write(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct flat *f = machine;
    (void)physical, (void)size;
    f->mmio_writes++;
    f->mmio_value = value;
    f->mmio_step = cpu_steps(cpu, NULL);
}
static uint32_t flat_in(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    (void)machine, (void)cpu, (void)port, (void)size;
    return UINT32_MAX;
}
static void flat_out(void *machine, struct cpu *cpu, uint16_t port, unsigned size, uint32_t value) {
    (void)machine, (void)cpu, (void)port, (void)size, (void)value;
}
static int flat_acknowledge(void *machine, struct cpu *cpu) {
    struct flat *f = machine;
    int vector = f->interrupt;
    cpu_pend(cpu, PENDING_INTR, false);
    f->interrupt = -1;
    return vector;
}
static uint64_t flat_cr8_read(void *machine, struct cpu *cpu) {
    (void)machine, (void)cpu;
    return 0;
}
static void flat_cr8_write(void *machine, struct cpu *cpu, uint64_t value) { (void)machine, (void)cpu, (void)value; }
static bool flat_msr_read(void *machine, struct cpu *cpu, uint32_t index, uint64_t *value) {
    (void)machine, (void)cpu, (void)index;
    *value = 0;
    return true;
}
static bool flat_msr_write(void *machine, struct cpu *cpu, uint32_t index, uint64_t value) {
    (void)machine, (void)cpu, (void)index, (void)value;
    return true;
}
static bool flat_has(const void *model, unsigned feature) { return cpu_model_has(model, (enum feature)feature); }

static inline void flat_poke(struct flat *f, uint64_t physical, uint64_t value) {
    memcpy(f->ram + physical, &value, 8);
}
static inline uint64_t flat_peek(const struct flat *f, uint64_t physical) {
    uint64_t v;
    memcpy(&v, f->ram + physical, 8);
    return v;
}
// Bytes of code, or of anything; drops decoded blocks, as a loader must.
static inline void flat_write(struct flat *f, uint64_t physical, const void *bytes, size_t size) {
    memcpy(f->ram + physical, bytes, size);
    cpu_drop_derived(f->cpu);
}

// Maps one 4-KByte page; `flags` are those of the last entry, upper ones allow all.
static inline void flat_map(struct flat *f, uint64_t linear, uint64_t physical, uint64_t flags) {
    uint64_t table = FLAT_PML4;
    for (unsigned level = 4; level > 1; level--) {
        uint64_t at = table + 8 * (linear >> (12 + 9 * (level - 1)) & 511);
        if (!(flat_peek(f, at) & 1)) {
            flat_poke(f, at, f->next_table | 7);
            f->next_table += 4096;
        }
        table = flat_peek(f, at) & BITS(51, 12);
    }
    flat_poke(f, table + 8 * (linear >> 12 & 511), physical | flags);
}

static inline void flat_segment(struct cpu *cpu, unsigned s, uint16_t selector, uint32_t rights) {
    cpu->segment[s] = (struct segment){.limit = UINT32_MAX, .rights = rights, .selector = selector};
    cpu->segment_base[s] = 0;
}

static inline void flat_long_mode(struct flat *f) {
    struct cpu *cpu = f->cpu;
    cpu->boundary.activity = ACTIVITY_ACTIVE; // there is no local APIC that calls it the bootstrap processor
    cpu->control.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP;
    cpu->control.cr4 = CR4_PAE | CR4_OSFXSR;
    cpu->control.cr3 = FLAT_PML4;
    cpu->control.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    flat_segment(cpu, CS, 0x10, 0xa09b);
    for (unsigned s = 0; s < 6; s++)
        if (s != CS) flat_segment(cpu, s, 0x18, 0xc093);
    cpu->rip = FLAT_CODE;
    cpu->gpr[RSP] = 0x200000;
    cpu_update_mode(cpu);
    tlb_select(cpu);
}

static inline void flat_new(struct flat *f) {
    char error[200];
    memset(f, 0, sizeof *f);
    if (!cpu_model_parse("server", &f->model, error, sizeof error)) {
        printf("not ok model - %s\n", error);
        exit(1);
    }
    f->decoder = decoder_new(&cpu_rows, 1, flat_has, &f->model);
    f->ram = calloc(1, FLAT_RAM);
    if (!pages_add(&f->pages, &(struct area){.name = "ram", .bytes = FLAT_RAM, .data = f->ram})) exit(1);
    f->platform = (struct platform){f,
                                    &f->pages,
                                    flat_page,
                                    flat_mmio_read,
                                    flat_mmio_write,
                                    flat_in,
                                    flat_out,
                                    flat_acknowledge,
                                    flat_cr8_read,
                                    flat_cr8_write,
                                    flat_msr_read,
                                    flat_msr_write,
                                    NULL,
                                    NULL,
                                     NULL};
    f->next_table = FLAT_TABLES;
    f->interrupt = -1;
    f->cpu = cpu_new(&f->model, f->decoder, &f->platform, 0);
    for (uint64_t at = 0; at < FLAT_RAM; at += 4096) flat_map(f, at, at, 0x7);
    flat_map(f, FLAT_MMIO, FLAT_MMIO, 0x7);
    flat_long_mode(f);
}

static inline void flat_free(struct flat *f) {
    cpu_free(f->cpu);
    decoder_free(f->decoder);
    pages_free(&f->pages);
    free(f->ram);
}

#endif
