// What the conditions of rows are made of; see trial.h.
#include "labs/check/trial.h"
#include "monitor/causes/entry.h"
#include "monitor/symbols/symbols.h"
#include <string.h>

static bool matches(const struct moment *m, unsigned kind, uint32_t number, uint32_t level) {
    return m->kind == kind && (number == ANY || m->number == number) && (level == ANY || m->level == level);
}

const struct moment *moment_nth(const struct trial *trial, unsigned kind, uint32_t number, uint32_t level, int n) {
    const unsigned count = trial->moments;
    for (unsigned i = 0; i < count; i++) {
        const struct moment *m = &trial->moment[n > 0 ? i : count - 1 - i];
        if (matches(m, kind, number, level) && (n > 0 ? --n == 0 : ++n == 0)) return m;
    }
    return NULL;
}

unsigned moment_count(const struct trial *trial, unsigned kind, uint32_t number, uint32_t level) {
    unsigned count = 0;
    for (unsigned i = 0; i < trial->moments; i++) count += matches(&trial->moment[i], kind, number, level);
    return count;
}

const struct moment *moment_after(const struct trial *trial, const struct moment *of, unsigned kind, uint32_t number) {
    for (const struct moment *m = of ? of + 1 : NULL; m && m < trial->moment + trial->moments; m++)
        if (matches(m, kind, number, ANY)) return m;
    return NULL;
}

const struct moment *moment_before(const struct trial *trial, const struct moment *of, unsigned kind, uint32_t number) {
    for (const struct moment *m = of; m && m > trial->moment;)
        if (matches(--m, kind, number, ANY)) return m;
    return NULL;
}

uint64_t moment_field(const struct moment *m, enum vmcs_field field) {
    return m && m->picture ? m->picture->field[field] : 0;
}

uint64_t moment_gpr(const struct moment *m, unsigned gpr) { return m && m->picture ? m->picture->gpr[gpr & 15] : 0; }

const struct moment *moment_broke(const struct trial *trial, const char *check) {
    struct fact facts[HISTORY_RULES];
    const struct moment *m;
    for (int n = 1; (m = moment_nth(trial, OBSERVE_FAILED_ENTRY, ANY, ANY, n)); n++)
        if (m->failure && fact_named(facts, failure_facts(m->failure, facts, HISTORY_RULES), check)) return m;
    return NULL;
}

const struct moment *moment_written(const struct trial *trial, const struct moment *before, enum vmcs_field field) {
    struct vmx_field row;
    return vmx_field(field, &row) ? moment_before(trial, before, OBSERVE_VMWRITE, row.encoding) : NULL;
}

uint64_t trial_symbol(const struct trial *trial, const char *name) {
    uint64_t address;
    return symbols_value(trial->symbols, SYMBOLS_ANY_LEVEL, name, &address) ? address : NOT_A_SYMBOL;
}

uint64_t trial_memory(const struct trial *trial, uint64_t physical, unsigned bytes) {
    uint64_t value = 0;
    return machine_read(trial->machine, physical, &value, bytes) ? value : 0;
}

bool trial_same(const struct trial *trial, uint64_t a, uint64_t b, unsigned bytes) {
    while (bytes-- > 0)
        if (trial_memory(trial, a + bytes, 1) != trial_memory(trial, b + bytes, 1)) return false;
    return true;
}

uint64_t trial_ept(const struct trial *trial, uint64_t root, uint64_t guest_physical) {
    enum { LARGE = 1 << 7, RIGHTS = 7, TOP = 39, BOTTOM = 12, BITS_EACH = 9 };
    uint64_t entry = root | RIGHTS;
    for (unsigned shift = TOP; shift >= BOTTOM; shift -= BITS_EACH) {
        uint64_t table = entry & (BIT(48) - 1) & ~(BIT(BOTTOM) - 1);
        entry = trial_memory(trial, table + (guest_physical >> shift & 511) * 8, 8);
        if (!(entry & RIGHTS) || (shift < TOP && entry & LARGE)) break;
    }
    return entry & RIGHTS ? entry : 0;
}
