// MONITOR and MWAIT. SDM Vol. 3A, 8.10; Vol. 2B, MONITOR, MWAIT; Vol. 3C, 25.1.3 and 26.7 (VMX).
//
// The monitor is armed for a line of RAM by its physical address. It is triggered by a store of any processor to the
// line, its own included, by the delivery of any event, by TLB invalidations and writes to control registers, by fast
// system calls and far transfers, and by VMX transitions. MWAIT with the monitor armed waits as HLT does, and for its
// trigger; with ECX[0] set, for an interrupt that is masked too. It executes nothing meanwhile, whatever the hint in
// EAX: every C-state is alike. With the monitor not armed it goes on at once.
// NOT IMPLEMENTED: memory types (all RAM counts as write-back); UMONITOR, UMWAIT, TPAUSE.
#include "cpu/system/mwait.h"
#include "cpu/memory/access.h"
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/state/model.h"
#include "cpu/integer/string.h"
#include <stdlib.h>

// --- the processors that share a memory ---

struct mwait_group *mwait_group_new(void) {
    return calloc(1, sizeof(struct mwait_group));
}

bool mwait_group_join(struct mwait_group *group, struct cpu *cpu) {
    if (group->members == MWAIT_MEMBERS) return false;
    group->member[group->members++] = cpu;
    cpu->wire.mwait_group = group;
    return true;
}

void mwait_group_leave(struct cpu *cpu) {
    struct mwait_group *m = cpu->wire.mwait_group;
    if (!m) return;
    for (unsigned i = 0; i < m->members; i++)
        if (m->member[i] == cpu) m->member[i--] = m->member[--m->members];
    cpu->wire.mwait_group = NULL;
    if (!m->members) free(m);
}

// --- pages without write tags ---

static uint64_t page_of(uint64_t physical) { return physical & ~(PAGE_BYTES - 1); }
static bool armed(const struct cpu *cpu) { return cpu->boundary.monitor_address != MWAIT_UNARMED; }

static bool page_listed(const struct mwait_group *m, uint64_t page) {
    for (unsigned i = 0; i < m->pages; i++)
        if (m->page[i] == page) return true;
    return false;
}

static void page_list(struct mwait_group *m, uint64_t page) {
    unsigned hash = (unsigned)(page >> PAGE_SHIFT) % MWAIT_FILTER;
    if (page_listed(m, page)) return;
    m->page[m->pages++] = page;
    m->filter[hash / 64] |= BIT(hash % 64);
}

void mwait_group_renew(struct mwait_group *m) {
    m->pages = 0;
    memset(m->filter, 0, sizeof m->filter);
    for (unsigned i = 0; i < m->members; i++)
        if (armed(m->member[i])) page_list(m, page_of(m->member[i]->boundary.monitor_address));
}

void mwait_arm(struct cpu *cpu, uint64_t physical) {
    struct mwait_group *m = cpu->wire.mwait_group;
    uint64_t page = page_of(physical);
    cpu->boundary.monitor_address = physical & ~(uint64_t)(MWAIT_LINE - 1);
    if (page_listed(m, page)) return;
    if (m->pages == MWAIT_PAGES) mwait_group_renew(m);
    page_list(m, page);
    for (unsigned i = 0; i < m->members; i++) tlb_drop_fast_page(m->member[i], page);
}

static void trigger(struct cpu *cpu) {
    if (cpu->boundary.mwait) cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
}

bool mwait_page_stored(struct cpu *cpu, uint64_t physical, uint64_t bytes) {
    const struct mwait_group *m = cpu->wire.mwait_group;
    if (!page_listed(m, page_of(physical))) return false;
    for (unsigned i = 0; i < m->members; i++) {
        struct cpu *member = m->member[i];
        uint64_t line = member->boundary.monitor_address;
        if (armed(member) && physical < line + MWAIT_LINE && line < physical + bytes) trigger(member);
    }
    return true;
}

// --- the instructions ---

// Not #GP: the instructions are undefined above CPL 0, and while IA32_MISC_ENABLE says so.
static bool permitted(const struct cpu *cpu) { return !cpu_cpl(cpu) && cpu->msr.misc_enable & MISC_ENABLE_MONITOR; }

static uint64_t extensions(const struct cpu *cpu) { return cpu_64bit(cpu) ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX]; }

BODY(monitor) {
    BODY_UNUSED;
    if (!permitted(cpu)) return cpu_fault_ud(cpu);
    TRY(intercept(cpu, op, ICEPT_MONITOR, NO_OPERAND));
    if (extensions(cpu)) return cpu_fault_gp0(cpu);
    uint64_t linear = 0, physical = 0;
    TRY(segment_linear(cpu, op->ea & EA_SEGMENT, string_register(cpu, op, RAX), 1, false, &linear));
    TRY(memory_translate(cpu, linear, 1, &physical));
    bool writable;
    cpu_monitor_clear(cpu);
    if (cpu->wire.platform->page(cpu->wire.platform->machine, page_of(physical), &writable)) mwait_arm(cpu, physical);
    return OUT_OK;
}
INSTANTIATE(monitor, NEXT, FORMS_ONE_NONE)

BODY(mwait) {
    BODY_UNUSED;
    const uint64_t masked_interrupts = BIT(0);
    if (!permitted(cpu)) return cpu_fault_ud(cpu);
    TRY(intercept(cpu, op, ICEPT_MWAIT, OPERAND(.mwait = {armed(cpu)})));
    if (extensions(cpu) & ~masked_interrupts) return cpu_fault_gp0(cpu);
    cpu->rip = op_next_rip(cpu, op);
    if (!armed(cpu)) return OUT_STOP;
    cpu->boundary.activity = ACTIVITY_HLT;
    cpu->boundary.mwait = extensions(cpu) & masked_interrupts ? MWAIT_MASKED : MWAIT_PLAIN;
    return OUT_STOP;
}
INSTANTIATE(mwait, END, FORMS_ONE_NONE)
