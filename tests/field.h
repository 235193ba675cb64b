// The architectural members of a processor by their names in the state tables: "rip", "gpr" with RAX as index,
// "segment[].limit" with CS, "control.cr0", "time.tsc_base". For tests outside cpu/, which do not know its structs.
#ifndef TESTS_FIELD_H
#define TESTS_FIELD_H
#include "cpu/state/cpu.h"
#include "tests/tap.h"
#include <string.h>

static inline const struct state_field *field_named(const struct state_table *table, const char *name) {
    for (const struct state_field *f = table->fields; f < table->fields + table->count; f++)
        if (!strcmp(f->name, name)) return f;
    return NULL;
}

static inline size_t field_place(const char *name, unsigned index, size_t *width) {
    const struct state_field *f = field_named(&cpu_state, name);
    if (!f) f = field_named(&cpu_count_state, name);
    if (!f || index >= f->count) bail("a processor has no %s[%u]", name, index);
    *width = f->width;
    return f->offset + (size_t)index * f->stride;
}

static inline uint64_t field_at(const struct cpu *cpu, const char *name, unsigned index) {
    size_t width, place = field_place(name, index, &width);
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)cpu + place, width);
    return value;
}
// These return what they were given, as an assignment does.
static inline uint64_t field_put_at(struct cpu *cpu, const char *name, unsigned index, uint64_t value) {
    size_t width, place = field_place(name, index, &width);
    memcpy((uint8_t *)cpu + place, &value, width);
    return value;
}
static inline uint64_t field(const struct cpu *cpu, const char *name) { return field_at(cpu, name, 0); }
static inline uint64_t field_put(struct cpu *cpu, const char *name, uint64_t value) {
    return field_put_at(cpu, name, 0, value);
}
static inline uint64_t gpr(const struct cpu *cpu, unsigned reg) { return field_at(cpu, "gpr", reg); }
static inline uint64_t gpr_put(struct cpu *cpu, unsigned reg, uint64_t value) {
    return field_put_at(cpu, "gpr", reg, value);
}

#endif
