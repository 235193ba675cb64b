// Armed monitors; see monitor.h. Bits of pages stay when their monitor is triggered, for they are armed again soon.
#include "cpu/pages/monitor.h"

static bool armed(const struct cpu *cpu) { return cpu->boundary.monitor_address != MWAIT_UNARMED; }

static void trigger(struct cpu *cpu) {
    if (cpu->boundary.mwait) cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
}

// False: it had the flag.
static bool page_arm(struct pages *pages, struct page_frame frame) {
    if (*frame_flags(frame) & PAGE_ARMED) return false;
    *frame_flags(frame) |= PAGE_ARMED;
    pages->armed++;
    return true;
}

void monitor_arm(struct cpu *cpu, struct page_frame frame, uint64_t physical) {
    struct pages *pages = cpu->wire.pages;
    uint64_t offset = physical & (PAGE_BYTES - 1) & ~(uint64_t)(MONITOR_LINE - 1);
    cpu->boundary.monitor_address = frame_base(frame) | offset;
    if (!page_arm(pages, frame)) return;
    for (unsigned i = 0; i < pages->members; i++) pages->keeper->drop_page(pages->member[i], frame);
}

void monitor_stored(struct pages *pages, uint64_t physical, uint64_t bytes) {
    for (unsigned i = 0; i < pages->members; i++) {
        struct cpu *member = pages->member[i];
        uint64_t line = member->boundary.monitor_address;
        if (armed(member) && physical < line + MONITOR_LINE && line < physical + bytes) trigger(member);
    }
}

void monitor_renew(struct pages *pages) {
    if (pages->armed) pages_clear_flag(pages, PAGE_ARMED);
    pages->armed = 0;
    for (unsigned i = 0; i < pages->members; i++) {
        const struct cpu *cpu = pages->member[i];
        struct page_frame frame =
            armed(cpu) ? pages_frame(pages, cpu->boundary.monitor_address) : (struct page_frame){NULL, 0};
        if (frame.area) (void)page_arm(pages, frame);
    }
}
