// Translation for tools: see peek.h. What the tables map is where an address leads; whether an access would be allowed
// is not asked.
#include "cpu/memory/peek.h"
#include "cpu/memory/access.h"
#include "cpu/memory/look.h"

struct peek_roots peek_current(const struct cpu *cpu) {
    struct peek_roots r = {.cr0 = cpu->control.cr0,
                           .cr3 = cpu->control.cr3,
                           .cr4 = cpu->control.cr4,
                           .efer = cpu->control.efer,
                           .eptp = cpu->eptp};
    memcpy(r.pdpte, cpu->control.pdpte, sizeof r.pdpte);
    return r;
}

bool peek_memory(const struct cpu *cpu, uint64_t physical, unsigned bytes, uint64_t *value) {
    const uint8_t *page = physical_page(cpu, physical);
    if (!page) return false;
    *value = bytes_get(page + (physical & (PAGE_BYTES - 1)), bytes * 8);
    return true;
}

bool peek_guest_physical(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical) {
    *physical = guest_physical;
    if (!eptp) return true;
    const struct extension *x = cpu->wire.extension;
    return x && x->peek_second_stage(cpu, eptp, guest_physical, physical);
}

struct place {
    const struct cpu *cpu;
    uint64_t eptp;
};

static bool read_entry(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct place *p = context;
    uint64_t physical = 0;
    return peek_guest_physical(p->cpu, p->eptp, at, &physical) && peek_memory(p->cpu, physical, bytes, entry);
}

bool peek_linear(const struct cpu *cpu, const struct peek_roots *r, uint64_t linear, uint64_t *guest_physical) {
    struct place place = {cpu, r->eptp};
    const struct look_memory memory = {&place, read_entry, NULL};
    struct look_roots roots = {.rules = paging_rules_of(cpu), .cr3 = r->cr3};
    struct table_look look;
    roots.rules.mode = paging_mode_of(r->cr0, r->cr4, r->efer);
    roots.rules.cr0 = r->cr0, roots.rules.cr4 = r->cr4, roots.rules.efer = r->efer;
    memcpy(roots.pdpte, r->pdpte, sizeof roots.pdpte);
    bool maps = look_linear(&roots, &memory, linear, NULL, &look);
    *guest_physical = look.result;
    return maps;
}

bool peek_physical(const struct cpu *cpu, const struct peek_roots *r, uint64_t linear, uint64_t *physical) {
    uint64_t guest_physical = 0;
    return peek_linear(cpu, r, linear, &guest_physical) && peek_guest_physical(cpu, r->eptp, guest_physical, physical);
}
