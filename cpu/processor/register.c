// Registers of a processor by number: see register.def.
#include "cpu/processor/register.h"
#include "cpu/x87/x87.h"
#include "cpu/memory/mode.h"
#include <string.h>

static const struct register_row rows[] = {
#define REGISTER(id, name, member, bits) {name, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member), bits},
#include "cpu/processor/register.def"
};

bool register_row(unsigned number, struct register_row *out) {
    if (number < REGISTER_COUNT) *out = rows[number];
    return number < REGISTER_COUNT;
}

int register_at(size_t offset) {
    for (int i = 0; i < REGISTER_COUNT; i++)
        if (rows[i].offset == offset) return i;
    return -1;
}

bool register_store(struct cpu *cpu, enum register_number number, const void *data, size_t bytes) {
    const struct register_row *row = &rows[number];
    uint64_t value = 0;
    if (!bytes || bytes > row->bytes) return false;
    memcpy(&value, data, bytes < sizeof value ? bytes : sizeof value);
    if (row->bytes <= sizeof value && value & ~row->bits) return false;
    if (number == REGISTER_RFLAGS)
        cpu_set_rflags(cpu, value);
    else
        memcpy((char *)cpu + row->offset, data, bytes);
    return true;
}
