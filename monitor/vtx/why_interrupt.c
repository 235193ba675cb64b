// why: what waits to be delivered to the processor, and what keeps it waiting; the facts are those of
// monitor/causes/waiting.h.
#include "monitor/causes/waiting.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <string.h>

static const struct {
    const char *rule, *text;
} told[] = {
#define TOLD(rule, text) {#rule, text},
#include "monitor/vtx/waiting.def"
#undef TOLD
};

// "{NAME#}" from its brace on; where the text goes on.
static const char *print_value(struct monitor *monitor, const struct fact *fact, const char *at) {
    char name[32] = "";
    size_t length = strcspn(at, "#/}");
    if (length < sizeof name) memcpy(name, at + 1, length - 1);
    const struct fact_value *v = fact_value_named(fact, name);
    uint64_t now = v ? v->now : 0;
    if (at[length] == '}')
        print(monitor, "%" PRIx64, now);
    else
        print(monitor, "%" PRIu64, at[length] == '/' ? now >> 4 & 15 : now);
    return strchr(at, '}') + 1;
}

static void print_told(struct monitor *monitor, const struct fact *fact) {
    const char *at = fact->text;
    for (unsigned i = 0; i < sizeof told / sizeof *told; i++)
        if (!strcmp(told[i].rule, fact->rule)) at = told[i].text;
    while (*at) {
        size_t plain = strcspn(at, "{");
        print(monitor, "%.*s", (int)plain, at);
        at += plain;
        if (*at) at = print_value(monitor, fact, at);
    }
}

static void print_event(struct monitor *monitor, const struct waiting *w) {
    switch (w->kind) {
    case WAITING_APIC: print_in(monitor, BOLD, "vector 0x%x waits: ", w->vector); break;
    case WAITING_PIC: print_in(monitor, BOLD, "IRQ %u of the 8259A (vector 0x%x) waits: ", w->irq, w->vector); break;
    case WAITING_NMI: print_in(monitor, BOLD, "an NMI waits: "); break;
    case WAITING_DEBUG: print_in(monitor, BOLD, "a debug exception waits: "); break;
    case WAITING_VIRTUAL: print_in(monitor, BOLD, "virtual vector 0x%x waits: ", w->vector); break;
    case WAITING_POSTED: print_in(monitor, BOLD, "posted vector 0x%x waits: ", w->vector); break;
    case WAITING_REMARK: break;
    }
}

static void print_waiting(void *context, const struct waiting *w) {
    struct monitor *monitor = context;
    const char *between = "";
    print_event(monitor, w);
    for (unsigned i = 0; i < w->count; i++) {
        if (!w->fact[i].holds) continue;
        print(monitor, "%s", between);
        print_told(monitor, &w->fact[i]);
        between = "; ";
    }
    print(monitor, "%s\n", *between ? "" : "nothing blocks it: delivered before the next instruction");
}

bool why_interrupt(struct monitor *monitor) {
    return waiting_search(monitor->look.machine, monitor->look.processor, print_waiting, monitor);
}

void why_virtual(struct monitor *monitor, uint64_t vmcs) {
    (void)waiting_virtual(monitor->look.machine, monitor->look.processor, vmcs, print_waiting, monitor);
}
