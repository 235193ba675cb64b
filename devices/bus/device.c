// What a device asks of the board that makes it; see device.h.
#include "devices/bus/device.h"
#include "devices/bus/bus.h"

static struct region registers(const struct device_host *host, unsigned space, uint64_t base, uint64_t bytes,
                               unsigned widths) {
    return (struct region){.base = base,
                           .bytes = bytes,
                           .device = host->device,
                           .chip = host->chip,
                           .space = (uint8_t)space,
                           .widths = (uint8_t)widths,
                           .priority = PRIORITY_DEVICE};
}

void device_ports(struct device_host *host, unsigned space, uint16_t first, uint16_t count, unsigned widths) {
    struct region r = registers(host, space, first, count, widths);
    (void)map_add(&host->bus->ports, &r);
}

unsigned device_registers(struct device_host *host, unsigned space, uint64_t base, uint64_t bytes, unsigned widths) {
    struct region r = registers(host, space, base, bytes, widths);
    return map_add(&host->bus->memory, &r);
}

struct line device_line(struct device_host *host, unsigned input) {
    return (struct line){host->set_line, host->owner, host->number << 8 | input};
}

struct drive *device_drive(struct device_host *host, const char *id) {
    return host->drive(host->owner, id, 0, 0);
}
struct drive *device_drive_at(struct device_host *host, unsigned interface, unsigned index) {
    return host->drive(host->owner, NULL, interface, index);
}
const char *device_boots(struct device_host *host, const struct pci_function *controller, uint32_t bootindex,
                         const char *path) {
    bool done = bootindex == DEVICE_NO_BOOTINDEX || host->boots(host->owner, controller, bootindex, path);
    return done ? NULL : "bootindex is a number that no other device has";
}
const char *device_offers(struct device_host *host, const char *name, uint8_t *bytes, uint32_t count) {
    return host->offer_file(host->owner, name, bytes, count);
}
void device_interrupt(struct device_host *host, unsigned vector, bool level) { host->interrupt(host, vector, level); }

struct area *device_area(struct device_host *host, const char *name, uint64_t bytes, bool read_only) {
    return memory_add_area(host->master.memory, name, bytes, read_only);
}

uint8_t *device_area_store(struct device_host *host, const struct area *area, uint64_t offset, uint64_t bytes) {
    bool within = offset <= area->bytes && bytes <= area->bytes - offset;
    return within ? memory_for_writing(host->master.memory, area->base + offset, bytes) : NULL;
}

unsigned device_show(struct device_host *host, const struct area *area, const struct area_view *view) {
    struct region r = registers(host, view->space, view->base, view->bytes, view->widths);
    r.kind = REGION_MEMORY;
    r.priority = view->priority;
    r.off = view->off;
    r.shows = area->base + view->offset;
    return map_add(&host->bus->memory, &r);
}

const struct machine_file *device_file(struct device_host *host, const char *name) {
    return host->file(host->owner, name);
}

void device_exit(struct device_host *host, uint32_t code) { host->exit(host->owner, code); }
