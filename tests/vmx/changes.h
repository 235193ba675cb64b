// The words of change.def and edge.def, and what they share: a VMCS that is valid, and changed.
#ifndef TESTS_VMX_CHANGES_H
#define TESTS_VMX_CHANGES_H
#include "tests/vmx/bench.h"

#define F(name) FIELD_##name
#define SET(name, value) bench_set(b, name, value)
#define XOR(name, bits) bench_set(b, name, bench_field(b, name) ^ (bits))
#define ON(group, name) bench_on(b, group, name)
#define OFF(group, name) bench_off(b, group, name)
#define INJECT(type, vector, more) SET(ENTRY_INTERRUPTION, BIT(31) | (uint64_t)(type) << 8 | (vector) | (more))
#define BAD_ADDRESS (1ull << 50) // beyond the physical-address width
#define NON_CANONICAL (1ull << 60)

void changes_valid(struct bench *b); // a VMCS that passes every check
void virtual_8086(struct bench *b);
void protected_32(struct bench *b);
void usable_ldtr(struct bench *b);
void virtual_apic(struct bench *b); // "virtual-interrupt delivery" as it passes the checks
void posted_interrupts(struct bench *b);

// The rows of change.def.
struct change {
    const char *name;
    void (*change)(struct bench *b);
};
extern const struct change changes[];
extern const unsigned change_count;
// The checks that fail now: whether one of this name does.
bool check_fails(struct bench *b, const char *name);

#endif
