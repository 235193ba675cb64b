// The state in which a loader leaves the first processor to what it loaded.
#ifndef MONITOR_HANDOVER_H
#define MONITOR_HANDOVER_H
#include "monitor/load/layout.h"

struct handover {
    uint64_t entry;
    uint64_t rax, rbx, rsi;
};

// Both leave a stack of 16 KBytes, which no protocol promises and which programs use.
// Flat 32-bit protected mode, paging and interrupts off. Multiboot 0.6.96, section 3.2; Linux's 32-bit boot protocol.
bool handover_protected(struct layout *layout, const struct handover *handover);
// 64-bit mode, the low 4 GBytes mapped to themselves, interrupts off. Linux's 64-bit boot protocol.
bool handover_64bit(struct layout *layout, const struct handover *handover);

#endif
