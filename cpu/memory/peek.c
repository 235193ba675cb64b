// Translation for tools. SDM Vol. 3A, chapter 4; Vol. 3C, 28.3. Rights, reserved bits and memory types are not checked:
// what a debugger wants to see is where an address leads.
#include "cpu/memory/peek.h"
#include "cpu/memory/access.h"

#define ENTRY_P BIT(0)
#define ENTRY_PS BIT(7)
#define ENTRY_ADDRESS BITS(51, 12)
#define EPT_PRESENT (BITS(2, 0) | BIT(10))

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
    bool writable;
    const uint8_t *page =
        cpu->wire.platform->page(cpu->wire.platform->machine, physical & ~(PAGE_BYTES - 1), &writable);
    if (!page) return false;
    *value = bytes_get(page + (physical & (PAGE_BYTES - 1)), bytes * 8);
    return true;
}

bool peek_guest_physical(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical) {
    *physical = guest_physical;
    if (!eptp) return true;
    uint64_t table = eptp & ENTRY_ADDRESS, entry = 0;
    if (guest_physical >> 48) return false;
    for (unsigned shift = 39;; shift -= 9) {
        if (!peek_memory(cpu, table | (guest_physical >> shift & 511) << 3, 8, &entry) || !(entry & EPT_PRESENT))
            return false;
        table = entry & ENTRY_ADDRESS;
        if (shift == 39 || (shift > PAGE_SHIFT && !(entry & ENTRY_PS))) continue;
        *physical = (table & ~(BIT(shift) - 1)) | (guest_physical & (BIT(shift) - 1));
        return true;
    }
}

static bool entry_at(const struct cpu *cpu, const struct peek_roots *r, uint64_t at, unsigned bytes, uint64_t *entry) {
    uint64_t physical = 0;
    return peek_guest_physical(cpu, r->eptp, at, &physical) && peek_memory(cpu, physical, bytes, entry) &&
           *entry & ENTRY_P;
}

static bool peek_32(const struct cpu *cpu, const struct peek_roots *r, uint64_t linear, uint64_t *guest_physical) {
    uint64_t entry = 0;
    if (!entry_at(cpu, r, (r->cr3 & BITS(31, 12)) | (linear >> 22 & 1023) << 2, 4, &entry)) return false;
    if (entry & ENTRY_PS && r->cr4 & CR4_PSE) {
        *guest_physical = (entry >> 13 & 0xff) << 32 | (entry & BITS(31, 22)) | (linear & BITS(21, 0));
        return true;
    }
    if (!entry_at(cpu, r, (entry & BITS(31, 12)) | (linear >> 12 & 1023) << 2, 4, &entry)) return false;
    *guest_physical = (entry & BITS(31, 12)) | (linear & BITS(11, 0));
    return true;
}

static bool peek_64(const struct cpu *cpu, const struct peek_roots *r, uint64_t table, unsigned level, uint64_t linear,
                    uint64_t *guest_physical) {
    for (;; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        uint64_t entry = 0;
        if (!entry_at(cpu, r, table | (linear >> shift & 511) << 3, 8, &entry)) return false;
        table = entry & ENTRY_ADDRESS;
        if (level > 1 && (level > 3 || !(entry & ENTRY_PS))) continue;
        *guest_physical = (table & ~(BIT(shift) - 1)) | (linear & (BIT(shift) - 1));
        return true;
    }
}

bool peek_linear(const struct cpu *cpu, const struct peek_roots *r, uint64_t linear, uint64_t *guest_physical) {
    *guest_physical = linear;
    if (!(r->cr0 & CR0_PG)) return true;
    if (!(r->cr4 & CR4_PAE)) return peek_32(cpu, r, (uint32_t)linear, guest_physical);
    if (r->efer & EFER_LMA)
        return peek_64(cpu, r, r->cr3 & ENTRY_ADDRESS, r->cr4 & CR4_LA57 ? 5 : 4, linear, guest_physical);
    uint64_t pdpte = r->pdpte[linear >> 30 & 3];
    return pdpte & ENTRY_P && peek_64(cpu, r, pdpte & ENTRY_ADDRESS, 2, (uint32_t)linear, guest_physical);
}

bool peek_physical(const struct cpu *cpu, const struct peek_roots *r, uint64_t linear, uint64_t *physical) {
    uint64_t guest_physical = 0;
    return peek_linear(cpu, r, linear, &guest_physical) && peek_guest_physical(cpu, r->eptp, guest_physical, physical);
}
