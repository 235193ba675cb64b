// The walk of the paging structures as a question; see look.h. In the order in which the processor does it, so that an
// entry which the second stage refuses is met where the processor meets it.
#include "cpu/memory/look.h"
#include "cpu/memory/access.h"

struct question {
    const struct look_roots *roots;
    const struct look_memory *memory;
    const struct translation_access *access;
    struct table_look *look;
};

static bool stop(const struct question *q, enum look_verdict verdict) {
    q->look->verdict = verdict;
    return verdict == LOOK_MAPS;
}

static bool fault(const struct question *q, enum look_verdict verdict, struct page_fault_cause cause) {
    if (q->access) q->look->error_code = page_fault_code(&q->roots->rules, q->access, &cause);
    return stop(q, verdict);
}

// An access sets these flags of the last entry.
static bool update(const struct question *q, uint64_t flags) {
    const struct look_entry *e = &q->look->entry[q->look->count - 1];
    if (!q->access || (e->value & flags) == flags || !q->memory->update) return true;
    q->look->next = e->at;
    return q->memory->update(q->memory->context, e->at);
}

static bool finish(const struct question *q, unsigned shift) {
    struct table_look *l = q->look;
    const struct look_entry *e = &l->entry[l->count - 1];
    l->shift = shift;
    l->result = entry_frame(e->kind, e->value, shift) | (l->address & (BIT(shift) - 1));
    l->key = q->roots->rules.mode >= PAGING_4 ? entry_key(e->value) : 0;
    if (q->access && !access_permitted(&q->roots->rules, l->rights | l->key, q->access))
        return fault(q, LOOK_FORBIDDEN, access_forbidden(&q->roots->rules, l->rights | l->key, q->access));
    bool dirties = q->access && q->access->write;
    if (!update(q, ENTRY_BIT_A | (dirties ? ENTRY_BIT_D : 0))) return stop(q, LOOK_NO_UPDATE);
    return stop(q, LOOK_MAPS);
}

static enum entry_kind kind_of(const struct paging_rules *rules, unsigned level, uint64_t entry) {
    return rules->mode == PAGING_32 ? entry_kind_32(level, entry, rules->cr4)
                                    : entry_kind_64(rules->mode == PAGING_PAE, level, entry);
}

static bool descend(const struct question *q, uint64_t table, unsigned level) {
    const struct paging_rules *rules = &q->roots->rules;
    struct table_look *l = q->look;
    unsigned bits = rules->mode == PAGING_32 ? 10 : 9, bytes = rules->mode == PAGING_32 ? 4 : 8;
    for (;; level--) {
        unsigned shift = 12 + bits * (level - 1);
        struct look_entry *e = &l->entry[l->count];
        e->level = (uint8_t)level;
        e->index = (uint16_t)(l->address >> shift & (BIT(bits) - 1));
        e->at = l->next = table + e->index * bytes;
        if (!q->memory->read(q->memory->context, e->at, bytes, &e->value)) return stop(q, LOOK_NO_ENTRY);
        l->count++;
        e->kind = (uint8_t)kind_of(rules, level, e->value);
        if (!entry_present(e->value)) return fault(q, LOOK_NOT_PRESENT, (struct page_fault_cause){0});
        e->bad = e->value & entry_reserved(e->kind, rules);
        if (e->bad) return fault(q, LOOK_RESERVED, (struct page_fault_cause){.found = true, .reserved = true});
        l->rights &= entry_rights(e->value);
        if (entry_maps(e->kind)) return finish(q, shift);
        if (!update(q, ENTRY_BIT_A)) return stop(q, LOOK_NO_UPDATE);
        table = e->value & (rules->mode == PAGING_32 ? BITS(31, 12) : ENTRY_ADDRESS);
    }
}

static bool descend_pae(const struct question *q) {
    struct table_look *l = q->look;
    unsigned index = (unsigned)(l->address >> 30 & 3);
    uint64_t pdpte = q->roots->pdpte[index];
    l->entry[l->count++] = (struct look_entry){ENTRY_PDPTE_PAE, 3, (uint16_t)index, LOOK_REGISTER, pdpte, 0};
    if (!entry_present(pdpte)) return fault(q, LOOK_NOT_PRESENT, (struct page_fault_cause){0});
    return descend(q, pdpte & ENTRY_ADDRESS, 2);
}

static bool canonical(uint64_t address, unsigned bits) {
    return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

bool look_linear(const struct look_roots *roots, const struct look_memory *memory, uint64_t linear,
                 const struct translation_access *access, struct table_look *look) {
    const struct question q = {roots, memory, access, look};
    *look = (struct table_look){.address = linear, .result = linear, .shift = PAGE_SHIFT};
    look->rights = TLB_WRITE | TLB_USER | TLB_EXECUTE;
    if (!(roots->rules.efer & EFER_LMA)) look->address = linear & UINT32_MAX;
    switch (roots->rules.mode) {
    case PAGING_NONE: return stop(&q, LOOK_MAPS);
    case PAGING_32: return descend(&q, roots->cr3 & BITS(31, 12), 2);
    case PAGING_PAE: return descend_pae(&q);
    case PAGING_4:
    case PAGING_5: break;
    }
    unsigned levels = roots->rules.mode == PAGING_5 ? 5 : 4;
    if (!canonical(linear, levels == 5 ? 57 : 48)) return stop(&q, LOOK_NOT_CANONICAL);
    return descend(&q, roots->cr3 & ENTRY_ADDRESS, levels);
}
