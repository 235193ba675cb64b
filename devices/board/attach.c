// Devices made from rows; see attach.h.
#include "devices/board/attach.h"
#include "devices/bus/refuse.h"
#include "devices/board/board.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct state_field function_fields[] = {
    STATE_ARRAY(struct attached, config),
    STATE_EACH(struct attached, interrupts.vector, address),
    STATE_EACH(struct attached, interrupts.vector, data),
    STATE_EACH(struct attached, interrupts.vector, control),
    STATE_ONE(struct attached, interrupts.levels),
    STATE_ONE(struct attached, interrupts.pending),
};
static const struct state_table function_state = STATE_TABLE("pci function", function_fields);

// --- making ---
static void function_interrupt(struct device_host *host, unsigned vector, bool level) {
    pci_interrupt(host->function, vector, level);
}

static bool add_bus(struct device_host *host, bool single) {
    struct board *b = host->owner;
    return pci_add_bus(&b->pci, host->function, host->place->id, single);
}

static void bus_numbers(struct device_host *host) {
    struct board *b = host->owner;
    pci_numbers_changed(&b->pci);
    for (unsigned i = 0; i < b->attachments; i++)
        if (b->attached[i].device->function) b->attached[i].host.master.requester = b->attached[i].function.requester;
}

// Before the device is created: its function, without registers on the bus.
static bool begin_function(struct board *b, struct attached *a) {
    struct pci_bus *bus = pci_bus_named(&b->pci, a->place.bus);
    a->identity = *a->device->function;
    if (a->place.many) a->identity.header |= PCI_HEADER_MANY;
    a->function = (struct pci_function){
        .config = a->config, .interrupts = &a->interrupts, .identity = &a->identity, .message = b->message, .owner = b};
    a->function.name = a->device->name;
    a->function.id = a->place.id;
    a->host.identity = &a->identity;
    a->host.function = &a->function;
    a->host.interrupt = function_interrupt;
    a->host.add_bus = add_bus;
    a->host.bus_numbers = bus_numbers;
    if (!bus || !pci_claim(&b->pci, bus, &a->function, a->place.place)) return false;
    a->host.master.requester = a->function.requester;
    a->host.master.command = &a->config[PCI_COMMAND];
    unsigned pin = a->device->function->pin;
    if (pin) a->host.intx = 16 + (((a->function.place >> 3) + pin - 1) & 7); // as _PRT says in acpi.c
    return true;
}

static bool finish_function(struct board *b, struct attached *a) {
    if (a->identity.pin && b->chipset.kind)
        a->function.intx = chipset_pin(&b->chipset, a->host.number, &a->function);
    else if (a->identity.pin)
        a->function.intx = device_line(&a->host, a->host.intx);
    return pci_add(&b->pci, &a->function, a->device, a->chip);
}

static bool make(struct board *b, const char *text, unsigned number, char *error, size_t size) {
    struct attached *a = &b->attached[b->attachments];
    const char *options, *wrong;
    char reason[200] = "";
    a->device = device_named(text, &options);
    if (!a->device) return refuse(error, size, "-device %s: no such device is modelled", text);
    a->chip = calloc(1, a->device->bytes);
    if (!a->chip) return refuse(error, size, "not enough memory for the machine");
    b->attachments++;
    a->host = b->host;
    a->host.device = a->device;
    a->host.chip = a->chip;
    a->host.number = number;
    a->host.place = &a->place;
    if (!device_set_options(a->device, a->chip, options, &a->place, reason, sizeof reason))
        return refuse(error, size, "-device %s: %s", text, reason);
    if (a->device->function && !begin_function(b, a))
        return refuse(error, size, "-device %s: its place on PCI is taken, or there is none left", text);
    wrong = a->device->create ? a->device->create(a->chip, &a->host) : NULL;
    if (wrong) return refuse(error, size, "-device %s: %s", text, wrong);
    if (a->device->function && !finish_function(b, a))
        return refuse(error, size, "-device %s: there are no addresses left for what it has", text);
    return true;
}

static const struct machine_device {
    uint8_t machine; // enum machine_kind
    const char *text;
} machine_devices[] = {
#define MACHINE(kind, text) {kind, text},
#include "devices/board/machine.def"
#undef MACHINE
    {0, NULL}};

static bool make_chipset(struct board *b, const struct machine_config *config, char *error, size_t size) {
    unsigned number = MACHINE_DEVICES; // behind those of -device
    const char *options;
    for (const struct machine_device *d = machine_devices; d->text; d++)
        if (d->machine == config->machine && device_named(d->text, &options) &&
            !make(b, d->text, number++, error, size))
            return false;
    return true;
}

// The drives of -hda and of -drive if=ide, where QEMU has them: two on each channel of IDE, one on each port of AHCI.
static bool make_drives(struct board *b, const struct machine_config *config, char *error, size_t size) {
    unsigned units = config->machine == MACHINE_Q35 ? 1 : 2;
    for (unsigned i = 0; i < config->drives; i++) {
        const struct drive_config *d = &config->drive[i];
        char text[MACHINE_DEVICE_TEXT];
        if (d->interface != DRIVE_IDE) continue;
        snprintf(text, sizeof text, "ide-%s,drive=%s,bus=ide.%u,unit=%u", d->cdrom ? "cd" : "hd", d->id,
                 d->index / units, d->index % units);
        if (!make(b, text, 0, error, size)) return false;
    }
    return true;
}

bool board_attach(struct board *b, const struct machine_config *config, char *error, size_t size) {
    bool plain = config->machine == MACHINE_PLAIN; // its controller is one of the configuration's devices
    if (!make_chipset(b, config, error, size)) return false;
    if (!plain && !make_drives(b, config, error, size)) return false;
    for (unsigned i = 0; i < config->devices; i++)
        if (!make(b, config->device[i], i, error, size)) return false;
    if (plain && !make_drives(b, config, error, size)) return false;
    if (b->clock.timers + config->cpus > CLOCK_TIMERS) return refuse(error, size, "the devices have too many timers");
    return true;
}

void board_detach(struct board *b) {
    for (unsigned i = 0; i < b->attachments; i++) free(b->attached[i].chip);
    b->attachments = 0;
}

// --- all of them ---
void attached_reset(struct board *b) {
    for (unsigned i = 0; i < b->attachments; i++) {
        struct attached *a = &b->attached[i];
        if (a->device->function) pci_function_reset(&a->function);
        if (a->device->reset) a->device->reset(a->chip);
    }
}

void attached_firmware(struct board *b) {
    for (unsigned i = 0; i < b->attachments; i++)
        if (b->attached[i].device->firmware) b->attached[i].device->firmware(b->attached[i].chip);
}

void attached_loaded(struct board *b) {
    for (unsigned i = 0; i < b->attachments; i++) {
        struct attached *a = &b->attached[i];
        if (a->device->function) pci_function_loaded(&a->function);
        if (a->device->loaded) a->device->loaded(a->chip);
    }
}

const struct attached *attached_display(const struct board *b) {
    for (unsigned i = 0; i < b->attachments; i++)
        if (b->attached[i].device->picture) return &b->attached[i];
    return NULL;
}

bool attached_part(struct board *b, unsigned index, struct machine_part *out) {
    for (unsigned i = 0; i < b->attachments; i++) {
        struct attached *a = &b->attached[i];
        if (a->device->function && index-- == 0) {
            *out = (struct machine_part){"pci function", &function_state, a};
            return true;
        }
        if (a->device->state && index-- == 0) {
            *out = (struct machine_part){a->device->name, a->device->state, a->chip};
            return true;
        }
    }
    return false;
}

void attached_describe(const struct board *b, bool pci, struct aml *aml) {
    for (unsigned i = 0; i < b->attachments; i++) {
        const struct attached *a = &b->attached[i];
        if (a->device->describe && pci == (a->device->function != NULL)) a->device->describe(a->chip, aml);
    }
}
