// The walk of EPT as a question; see look.h.
#include "vmx/ept/look.h"
#include "cpu/memory/peek.h"
#include "vmx/ept/ept.h"

static bool stop(struct table_look *l, enum look_verdict verdict) {
    l->verdict = verdict;
    return verdict == LOOK_MAPS;
}

static uint64_t misconfigured_bits(enum ept_kind kind, uint64_t entry, const struct ept_rules *rules) {
    struct ept_rule rule;
    uint64_t bits = 0;
    if (!ept_misconfigured(kind, entry, rules)) return 0;
    for (unsigned i = 0; ept_misconfigured_row(i, kind, entry, rules, &rule); i++)
        if (rule.broken) bits |= rule.bits & entry;
    return bits;
}

bool ept_look(const struct ept_rules *rules, const struct look_memory *memory, uint64_t eptp, uint64_t guest_physical,
              struct table_look *l) {
    uint64_t present = ept_present_bits(rules), table = eptp & EPTP_ROOT;
    *l = (struct table_look){
        .address = guest_physical, .result = guest_physical, .shift = PAGE_SHIFT, .rights = present};
    if (guest_physical >> EPT_WALK_BITS) return stop(l, LOOK_TOO_WIDE);
    for (unsigned level = LEVEL_PML4;; level--) {
        struct look_entry *e = &l->entry[l->count];
        e->level = (uint8_t)level;
        e->index = (uint16_t)(guest_physical >> level_shift(level) & 511);
        e->at = l->next = table + e->index * 8u;
        if (!memory->read(memory->context, e->at, 8, &e->value)) return stop(l, LOOK_NO_ENTRY);
        l->count++;
        e->kind = (uint8_t)ept_kind_of(level, e->value);
        if (!(e->value & present)) return stop(l, LOOK_NOT_PRESENT);
        e->bad = misconfigured_bits(e->kind, e->value, rules);
        if (e->bad) return stop(l, LOOK_RESERVED);
        l->rights &= e->value;
        table = e->value & EPT_ADDRESS;
        if (!ept_maps(e->kind)) continue;
        l->shift = level_shift(level);
        l->result = ept_frame(level, e->value) | (guest_physical & (BIT(l->shift) - 1));
        return stop(l, LOOK_MAPS);
    }
}

struct ept_rules ept_rules_with(const struct cpu *cpu, uint64_t eptp, bool user_execute) {
    const struct vmx_capability *c = &vmx_of(cpu)->capability;
    return (struct ept_rules){c->ept_vpid, c->physical_reserved, user_execute, eptp & EPTP_ACCESSED_DIRTY};
}

static bool read_physical(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct cpu *cpu = context;
    return peek_memory(cpu, at, bytes, entry);
}

bool ept_peek(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical) {
    const struct vmx *vmx = vmx_of(cpu);
    const struct look_memory memory = {(void *)cpu, read_physical, NULL};
    bool user_execute = vmx->vmcs && vmcs_on(vmx->vmcs, PROC2, MODE_BASED_EXECUTE);
    const struct ept_rules rules = ept_rules_with(cpu, eptp, user_execute);
    struct table_look look;
    bool maps = ept_look(&rules, &memory, eptp, guest_physical, &look);
    *physical = look.result;
    return maps;
}
