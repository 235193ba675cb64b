// Pages about devices on their buses, in QEMU's words: info pci, info qtree.
#include "devices/bus/device.h"
#include "devices/bus/slot.h"
#include "devices/machine/machine.h"
#include "devices/pci/pci.h"
#include "monitor/info/info.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PRIMARY = 0x18, IO_WINDOW = 0x1c, MEMORY_WINDOW = 0x20, PREFETCH_WINDOW = 0x24, CLASS = 0x0a, SUBSYSTEM = 0x2c };

static unsigned get(const struct pci_function *f, unsigned at, unsigned size) { return pci_function_read(f, at, size); }
static bool is_bridge(const struct pci_function *f) { return f->identity->header & PCI_HEADER_BRIDGE; }

// What QEMU calls a class; NULL: it has no name for it.
static const char *class_name(unsigned class) {
    static const struct {
        uint16_t class;
        const char *name;
    } known[] = {{0x0100, "SCSI controller"}, {0x0101, "IDE controller"},
                 {0x0106, "SATA controller"}, {0x0200, "Ethernet controller"},
                 {0x0300, "VGA controller"},  {0x0380, "Display controller"},
                 {0x0600, "Host bridge"},     {0x0601, "ISA bridge"},
                 {0x0604, "PCI bridge"},      {0x0680, "Bridge"},
                 {0x0c03, "USB controller"},  {0x0c05, "SMBus"}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].class == class) return known[i].name;
    return NULL;
}

static void print_class(struct monitor *monitor, const struct pci_function *f) {
    unsigned class = get(f, CLASS, 2);
    const char *name = class_name(class);
    if (name)
        print(monitor, "%s", name);
    else
        print(monitor, "Class %04u", class);
}

// --- info pci ---
// Where a register's range is now, as it is decoded; all ones: nowhere.
static uint64_t base_of(const struct pci_function *f, unsigned n) {
    return pci_function_answers(f, n) ? pci_function_base(f, n) : ~0ull;
}

static void print_bars(struct monitor *monitor, const struct pci_function *f) {
    for (unsigned n = 0; n <= (is_bridge(f) ? 1 : PCI_ROM); n++) {
        const struct pci_bar *b = &f->identity->bar[n];
        uint64_t base = base_of(f, n), last = base + b->bytes - 1;
        if (!b->bytes) continue;
        if (b->kind & PCI_PORTS)
            print(monitor, "      BAR%u: I/O at 0x%04" PRIx64 " [0x%04" PRIx64 "].\n", n, base, last);
        else
            print(monitor, "      BAR%u: %d bit%s memory at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n", n,
                  b->kind & PCI_MEMORY_64 ? 64 : 32, b->kind & PCI_PREFETCHABLE ? " prefetchable" : "", base, last);
    }
}

static void print_bridge(struct monitor *monitor, const struct pci_function *f) {
    print(monitor, "      BUS %u.\n", get(f, PRIMARY, 1));
    print(monitor, "      secondary bus %u.\n", get(f, PCI_SECONDARY, 1));
    print(monitor, "      subordinate bus %u.\n", get(f, PCI_SUBORDINATE, 1));
    print(monitor, "      IO range [0x%04x, 0x%04x]\n", (get(f, IO_WINDOW, 1) & 0xf0) << 8,
          (get(f, IO_WINDOW + 1, 1) & 0xf0) << 8 | 0xfff);
    print(monitor, "      memory range [0x%08x, 0x%08x]\n", get(f, MEMORY_WINDOW, 2) << 16,
          get(f, MEMORY_WINDOW + 2, 2) << 16 | 0xfffff);
    print(monitor, "      prefetchable memory range [0x%08x, 0x%08x]\n", (get(f, PREFETCH_WINDOW, 2) & 0xfff0) << 16,
          (get(f, PREFETCH_WINDOW + 2, 2) & 0xfff0) << 16 | 0xfffff);
}

static void print_function(struct monitor *monitor, unsigned bus, const struct pci_function *f) {
    print(monitor, "  Bus %2u, device %3u, function %u:\n    ", bus, f->place >> 3, f->place & 7);
    print_class(monitor, f);
    print(monitor, ": PCI device %04x:%04x\n", get(f, 0, 2), get(f, 2, 2));
    if (!is_bridge(f))
        print(monitor, "      PCI subsystem %04x:%04x\n", get(f, SUBSYSTEM, 2), get(f, SUBSYSTEM + 2, 2));
    if (f->identity->pin)
        print(monitor, "      IRQ %u, pin %c\n", get(f, PCI_INTERRUPT_LINE, 1), 'A' + f->identity->pin - 1);
    if (is_bridge(f)) print_bridge(monitor, f);
    print_bars(monitor, f);
    print(monitor, "      id \"%s\"\n", f->id ? f->id : "");
}

static void print_bus(struct monitor *monitor, const struct pci *pci, unsigned bus) {
    for (unsigned place = 0; place < PCI_PLACES; place++) {
        const struct pci_function *f = pci->bus[bus].function[place];
        if (!f) continue;
        print_function(monitor, pci_bus_number(&pci->bus[bus]), f);
        for (unsigned i = 1; i < pci->buses; i++)
            if (pci->bus[i].bridge == f) print_bus(monitor, pci, i);
    }
}

bool info_pci(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    print_bus(monitor, machine_pci(monitor->look.machine), 0);
    return true;
}

// --- info qtree ---
static void print_option(struct monitor *monitor, int in, const struct device_option *o, const void *chip) {
    uint64_t value = 0;
    const char *member = (const char *)chip + o->offset;
    if (o->type == OPTION_TEXT) {
        print(monitor, "%*s%s = \"%.*s\"\n", in, "", o->key, (int)o->bytes, member);
        return;
    }
    memcpy(&value, member, o->bytes);
    if (o->type == OPTION_SWITCH)
        print(monitor, "%*s%s = %s\n", in, "", o->key, value ? "true" : "false");
    else if (value == DEVICE_NO_BOOTINDEX && value > o->most) // what is unset, QEMU shows so
        print(monitor, "%*s%s = -1 (0xffffffff)\n", in, "", o->key);
    else
        print(monitor, "%*s%s = %" PRIu64 " (0x%" PRIx64 ")\n", in, "", o->key, value, value);
}

static void print_properties(struct monitor *monitor, int in, const struct machine_device *d) {
    for (unsigned i = 0; i < d->kind->options; i++) print_option(monitor, in, &d->kind->option[i], d->chip);
}

static void print_on_pci(struct monitor *monitor, int in, unsigned bus, const struct pci_function *f) {
    print(monitor, "%*saddr = %02x.%x\n", in, "", f->place >> 3, f->place & 7);
    print(monitor, "%*sclass ", in, "");
    print_class(monitor, f);
    print(monitor, ", addr %02x:%02x.%x, pci id %04x:%04x (sub %04x:%04x)\n", bus, f->place >> 3, f->place & 7,
          get(f, 0, 2), get(f, 2, 2), is_bridge(f) ? 0 : get(f, SUBSYSTEM, 2),
          is_bridge(f) ? 0 : get(f, SUBSYSTEM + 2, 2));
    for (unsigned n = 0; n <= PCI_ROM; n++)
        if (f->identity->bar[n].bytes)
            print(monitor, "%*sbar %u: %s at 0x%" PRIx64 " [0x%" PRIx64 "]\n", in, "", n,
                  f->identity->bar[n].kind & PCI_PORTS ? "i/o" : "mem", base_of(f, n),
                  base_of(f, n) + f->identity->bar[n].bytes - 1);
}

static const struct slot *slot_of(const struct machine *m, const void *chip) {
    const struct slot *s;
    for (unsigned i = 0; (s = machine_slot(m, i)); i++)
        if (s->taker == chip) return s;
    return NULL;
}

static void print_device(struct monitor *monitor, int in, const struct machine_device *d) {
    print(monitor, "%*sdev: %s, id \"%s\"\n", in, "", d->kind->name, d->id);
    print_properties(monitor, in + 2, d);
}

static void print_plugged(struct monitor *monitor, int in, const struct slot *s) {
    struct machine_device d;
    for (unsigned i = 0; machine_device(monitor->look.machine, i, &d); i++)
        if (d.chip == s->taker) print_device(monitor, in, &d);
}

// The buses of a controller of drives, which are those whose sockets it has.
static void print_slots(struct monitor *monitor, int in, const struct machine_device *controller) {
    const char *first = controller->chip, *last = NULL;
    const struct slot *s;
    for (unsigned i = 0; (s = machine_slot(monitor->look.machine, i)); i++) {
        const char *socket = s->socket;
        if (socket < first || socket >= first + controller->kind->bytes) continue;
        if (!last || strcmp(last, s->bus) != 0) print(monitor, "%*sbus: %s\n%*s  type IDE\n", in, "", s->bus, in, "");
        last = s->bus;
        if (s->taker) print_plugged(monitor, in + 2, s);
    }
}

static void print_isa(struct monitor *monitor, int in) {
    struct machine_device d;
    print(monitor, "%*sbus: isa.0\n%*s  type ISA\n", in, "", in, "");
    for (unsigned i = 0; machine_device(monitor->look.machine, i, &d); i++) {
        if (!d.function && !slot_of(monitor->look.machine, d.chip)) print_device(monitor, in + 2, &d);
    }
}

static void print_tree(struct monitor *monitor, int in, const struct pci *pci, unsigned bus) {
    const struct machine *m = monitor->look.machine;
    bool express = bus ? pci->bus[bus].bridge->identity->express : !strncmp(pci->bus[0].name, "pcie", 4);
    print(monitor, "%*sbus: %s\n%*s  type %s\n", in, "", pci->bus[bus].name, in, "", express ? "PCIE" : "PCI");
    for (unsigned place = 0; place < PCI_PLACES; place++) {
        const struct pci_function *f = pci->bus[bus].function[place];
        struct machine_device d, its = {.chip = NULL};
        if (!f) continue;
        print(monitor, "%*s  dev: %s, id \"%s\"\n", in, "", f->name ? f->name : "bridge", f->id ? f->id : "");
        for (unsigned i = 0; machine_device(m, i, &d); i++)
            if (d.function == f) its = d;
        if (its.chip) print_properties(monitor, in + 4, &its);
        print_on_pci(monitor, in + 4, pci_bus_number(&pci->bus[bus]), f);
        if (its.chip) print_slots(monitor, in + 4, &its);
        if (get(f, CLASS, 2) == 0x0601) print_isa(monitor, in + 4);
        for (unsigned i = 1; i < pci->buses; i++)
            if (pci->bus[i].bridge == f) print_tree(monitor, in + 4, pci, i);
    }
}

bool info_qtree(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    print(monitor, "bus: main-system-bus\n  type System\n");
    print_tree(monitor, 2, machine_pci(monitor->look.machine), 0);
    return true;
}
