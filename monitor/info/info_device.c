// Pages about devices: what their state tables list, and the APICs in words.
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "monitor/info/info.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROW_BYTES = 32 };

static uint64_t element(const struct state_field *f, const void *object, uint32_t index) {
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)object + f->offset + (size_t)index * f->stride, f->width);
    return value;
}

static void print_field(struct monitor *monitor, const struct state_field *f, const void *object) {
    uint32_t a_row = ROW_BYTES / f->width;
    for (uint32_t i = 0; i < f->count; i++) {
        if (i % a_row == 0 && i)
            print(monitor, "%*s", 26, "");
        else if (i == 0)
            print(monitor, "  %-23s ", f->name);
        print(monitor, "%s%0*" PRIx64, i % a_row ? " " : "", (int)f->width * 2, element(f, object, i));
        if (i % a_row == a_row - 1 || i + 1 == f->count) print(monitor, "\n");
    }
}

static bool list(struct monitor *monitor) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(monitor->look.machine, i, &part); i++) {
        uint64_t bytes = part.object ? state_size(part.table) : 0;
        print(monitor, "%2u  %-10s %8" PRIu64 " bytes in %u fields\n", i, part.name, bytes, part.table->count);
    }
    return true;
}

// All parts of the name; a number after it chooses one of them.
bool info_device(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    struct machine_part part;
    char word[64];
    uint64_t which = ~0ull, seen = 0;
    bool any = false, generic = strcmp(page->name, "device") == 0;
    if (generic && !take_word(&arguments, word, sizeof word)) return list(monitor);
    if (!generic) snprintf(word, sizeof word, "%s", page->name);
    if (*arguments && (!take_value(&monitor->look, &arguments, &which) || !take_end(&monitor->look, arguments)))
        return false;
    for (unsigned i = 0; machine_part(monitor->look.machine, i, &part); i++) {
        if (strcmp(part.name, word) != 0 || !part.object) continue;
        uint64_t number = seen++;
        if (which != ~0ull && which != number) continue;
        print_in(monitor, BOLD, "%s %" PRIu64 "\n", part.name, number);
        for (uint32_t f = 0; f < part.table->count; f++) print_field(monitor, &part.table->fields[f], part.object);
        any = true;
    }
    return any || monitor_error(monitor, "%s: no such device (info device lists them)", word);
}

// --- local APIC, SDM Vol. 3A, chapter 10 ---

static const char *const deliveries[] = {"fixed", "lowest", "SMI", "?", "NMI", "INIT", "SIPI", "ExtINT"};

static void print_lvt(struct monitor *monitor, const struct lapic *l) {
    static const char *const names[LVT_COUNT] = {
        [LVT_TIMER] = "timer", [LVT_THERMAL] = "thermal", [LVT_PERFORMANCE] = "counter",
        [LVT_LINT0] = "LINT0", [LVT_LINT1] = "LINT1",     [LVT_ERROR] = "error"};
    static const char *const timer_modes[] = {"one-shot", "periodic", "TSC deadline", "?"};
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        uint32_t lvt = l->lvt[i];
        print(monitor, "%-8s %08x  vector %02x, %s%s", names[i] ? names[i] : "?", lvt, lvt & 0xff,
              i == LVT_TIMER ? timer_modes[lvt >> 17 & 3] : deliveries[lvt >> 8 & 7], lvt >> 16 & 1 ? ", masked" : "");
        print(monitor, "\n");
    }
}

bool info_apic(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct lapic *l = look_part(&monitor->look, "lapic", monitor->look.processor);
    if (!l) return monitor_error(monitor, "info apic: there is no local APIC");
    info_bits(monitor, "base", l->base, BITS_APIC_BASE);
    print(monitor, "ID %x  TPR %02x  LDR %08x  DFR %08x  SVR %03x (%s)  ESR %02x\n", l->id, l->tpr, l->ldr, l->dfr,
          l->svr, l->svr >> 8 & 1 ? "enabled" : "software-disabled", l->esr);
    vectors_print(monitor, "IRR", l->irr);
    vectors_print(monitor, "ISR", l->isr);
    vectors_print(monitor, "TMR", l->tmr);
    print(monitor, "ICR      %016" PRIx64 "\n", l->icr);
    print_lvt(monitor, l);
    print(monitor, "timer    initial %08x, divide %x, %s, deadline %016" PRIx64 "\n", l->timer_initial, l->timer_divide,
          l->timer_counting ? "counting" : "not counting", l->tsc_deadline);
    return true;
}

// 82093AA: bits 7:0 vector, 10:8 delivery, 11 logical, 12 pending, 13 low, 14 remote IRR, 15 level, 16 mask, 63:56 to.
bool info_ioapic(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct ioapic *io = look_part(&monitor->look, "ioapic", 0);
    if (!io) return monitor_error(monitor, "info ioapic: there is no I/O APIC");
    for (unsigned pin = 0; pin < sizeof io->redirection / sizeof io->redirection[0]; pin++) {
        uint64_t r = io->redirection[pin];
        print(monitor, "pin %-2u  %016" PRIx64 "  vector %02x, %s, %s, %s, to %s%02x%s%s\n", pin, r,
              (unsigned)(r & 0xff), deliveries[r >> 8 & 7], r >> 15 & 1 ? "level" : "edge",
              r >> 13 & 1 ? "low" : "high", r >> 11 & 1 ? "logical " : "", (unsigned)(r >> 56),
              r >> 14 & 1 ? ", remote IRR" : "", r >> 16 & 1 ? ", masked" : "");
    }
    return true;
}
