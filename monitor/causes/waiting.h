// What waits to be delivered to a processor, and what keeps it waiting: at the local APIC and the 8259A, at the
// processor, at VM entry, in the virtual APIC of a guest. SDM Vol. 3A, 6.8, 10.8.3; Vol. 3C, 25.2, 26.6, 29.2, 29.6.
#ifndef MONITOR_CAUSES_WAITING_H
#define MONITOR_CAUSES_WAITING_H
#include "devices/machine/machine.h"
#include "monitor/explain/fact.h"

enum waiting_kind {
    WAITING_APIC, // an interrupt in the IRR of the local APIC
    WAITING_PIC,  // a request of the 8259A
    WAITING_NMI,
    WAITING_DEBUG,   // a debug exception
    WAITING_VIRTUAL, // a virtual interrupt: RVI
    WAITING_POSTED,  // in the PIR of a posted-interrupt descriptor
    WAITING_REMARK,  // no event of these: its only fact says what is the matter
};
enum { WAITING_FACTS = 12 };
// A fact for each row of waiting.def that is about such an event: it holds if it keeps the event waiting. If none
// holds, nothing does: the event is delivered before the next instruction.
struct waiting {
    enum waiting_kind kind;
    unsigned vector, irq;
    unsigned count;
    struct fact fact[WAITING_FACTS];
};
typedef void waiting_fn(void *context, const struct waiting *waiting);
// Calls for each that waits for the processor, and says whether there was any.
bool waiting_search(struct machine *machine, unsigned processor, waiting_fn *found, void *context);
// The same of the virtual APIC of the guest with this VMCS.
bool waiting_virtual(struct machine *machine, unsigned processor, uint64_t vmcs, waiting_fn *found, void *context);

// --- among the files of this room ---
enum waits {
#define WAITS(name, section, text) WAITS_##name,
#include "monitor/causes/waiting.def"
#undef WAITS
    WAITS_COUNT
};
struct waiting_search {
    struct machine *machine;
    const struct cpu *cpu;
    unsigned processor;
    waiting_fn *found;
    void *context;
    bool any;
};
struct waiting_search waiting_begin(struct machine *machine, unsigned processor, waiting_fn *found, void *context);
struct fact *waiting_add(struct waiting *waiting, enum waits row, bool holds);
bool waiting_held(const struct waiting *waiting); // by a fact so far
void waiting_tell(struct waiting_search *search, const struct waiting *waiting);
struct place place_of_cpu(const struct waiting_search *search, size_t offset, unsigned bytes); // in struct cpu

#endif
