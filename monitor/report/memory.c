// Memory types: what EPT gives a page against what the MTRRs do. SDM Vol. 3C, 28.3.7.2. Looked at when a hypervisor has
// answered an EPT violation: at the VM entry after it, for the page that was missing. For guests of guests, the EPT
// that the guest's own hypervisor wrote. NOT IMPLEMENTED: memory used before anyone wrote it; pages of VT-x used after
// they were given back.
#include "monitor/explain/memory_type.h"
#include "monitor/report/guests.h"
#include "vmx/vmcs/vmcs.h"

enum { EPT_TYPE_SHIFT = 3, EPT_TYPE_MASK = 7 };

static struct place entry_place(const struct view *view, const struct walk *walk, unsigned level) {
    struct place place = {.space = PLACE_PHYSICAL, .level = (uint8_t)level, .bytes = 8};
    if (!walk_entry_physical(view, walk, walk->look.count - 1, &place.address)) place.address = walk_last(walk)->at;
    return place;
}

// RAM that is not write-back, or a device that is: the other types are somebody's decision.
static bool is_odd(unsigned ept, unsigned mtrr) {
    return (mtrr == TYPE_WB && ept == TYPE_UC) || (mtrr == TYPE_UC && ept == TYPE_WB);
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    const struct history_exit *e = guest_exit(cpu, level);
    struct view view;
    struct walk walk;
    uint64_t physical;
    struct look look = reports->monitor->look;
    look.processor = (unsigned)cpu->id;
    if (e->reason != EXIT_EPT_VIOLATION || !view_make(&look, (int)level, &view) ||
        !walk_guest_physical(&view, e->physical, &physical))
        return;
    if (level < 2 ? !walk_second_stage(&view, e->physical, &walk) : !walk_own_stage(&view, level, e->physical, &walk))
        return;
    const uint64_t entry = walk_last(&walk)->value;
    const unsigned type = (unsigned)(entry >> EPT_TYPE_SHIFT & EPT_TYPE_MASK), mtrr = memory_type_mtrr(cpu, physical);
    if (!is_odd(type, mtrr)) return;
    struct report r = guest_report(cpu, RULE_memory_type, s, level);
    if (r.at.level != level - 1) return; // told when its own hypervisor answered
    report_value(&r, "EPT entry", entry_place(&view, &walk, level), entry);
    report_value(&r, "its memory type", (struct place){0}, type);
    report_value(&r, "memory type by the MTRRs", (struct place){0}, mtrr);
    report_value(&r, "guest-physical address",
                 (struct place){.space = PLACE_GUEST, .level = (uint8_t)level, .address = e->physical, .bytes = 8},
                 e->physical);
    guest_beginning(&r, cpu, level, "the EPT violation that it answers");
    report_file(reports, cpu, &r);
}

const struct detector detector_MEMORY = {.wanted = BIT(OBSERVE_ENTRY), .see = see};
