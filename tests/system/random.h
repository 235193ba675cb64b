// Random code in a whole machine, in every mode a processor can be in: over random registers, descriptors, gates and
// page tables, with events at random moments; half of it as the guest of a hypervisor. Each run is made twice: once as
// a whole, once in another manner that must not be seen (stepped, with derived state dropped at odd places, observed,
// moved to another machine by its state tables).
// Shared by test_random.c and long_fuzz.c.
#ifndef TESTS_SYSTEM_RANDOM_H
#define TESTS_SYSTEM_RANDOM_H
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "tests/decode/random.h"

enum {
    RANDOM_RAM = 4 << 20,
    RANDOM_GDT = 0x1000,
    RANDOM_IDT = 0x2000,
    RANDOM_TSS = 0x3000,
    RANDOM_TABLES = 0x10000,
    RANDOM_CODE = 0x20000,
    RANDOM_CODE_BYTES = 0x20000,
    RANDOM_DATA = 0x40000, // what pointers point to: numbers, and XSAVE areas at page starts
    RANDOM_DATA_BYTES = 0x20000,
};
enum random_kind {
    RANDOM_REAL,
    RANDOM_PROTECTED_16,
    RANDOM_PROTECTED_32,
    RANDOM_VM86,
    RANDOM_PAGED_32,
    RANDOM_PAGED_PAE,
    RANDOM_COMPATIBILITY,
    RANDOM_LONG_4,
    RANDOM_LONG_5,
    RANDOM_KINDS
};
static inline bool random_8086(enum random_kind kind) { return kind == RANDOM_REAL || kind == RANDOM_VM86; }
static inline bool random_long(enum random_kind kind) { return kind >= RANDOM_COMPATIBILITY; }

// RUNS runs of one kind on one CPU model, which follow from the seed: checks of the loop that is open.
enum { RANDOM_RUNS = 64 };
void random_batch(uint64_t seed);
// The modes in turn, with each CPU model in turn, from batch `seed / RANDOM_RUNS` on; what random_batch has run so far.
const char *random_kind_name(unsigned kind); // NULL past the end
uint64_t random_kind_steps(unsigned kind);

static inline bool random_chance(uint64_t *random, unsigned in) { return random_below(random, in) == 0; }
uint64_t random_value(uint64_t *random); // with a liking for edges, devices and RAM
// Code of the rows that this processor has, and bytes of any kind.
void random_code(uint64_t *random, const struct decoder *decoder, enum random_kind kind, uint8_t *code, unsigned bytes);
void random_memory(uint64_t *random, enum random_kind kind, uint8_t *ram);
void random_registers(uint64_t *random, enum random_kind kind, struct cpu *cpu);

// The machine as it is, with the processor in the state of that kind, becomes the guest of a hypervisor at its
// VMLAUNCH.
void random_guest(uint64_t *random, enum random_kind kind, struct machine *m);
bool random_hypervisor(const struct cpu *cpu); // that one runs now
uint64_t random_guest_entries(void);           // how many had a VMCS without a fault

// The first of the rules that the processor's state breaks, NULL when none: what holds at every instruction boundary.
const char *invariant_broken(const struct cpu *cpu);

#endif
