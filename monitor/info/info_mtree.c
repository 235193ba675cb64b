// info mtree: what lies at each physical address and each port, in QEMU's words (its info mtree -f). The priorities are
// those of devices/bus/map.h: what is hidden is not shown.
#include "cpu/pages/pages.h"
#include "devices/bus/device.h"
#include "devices/bus/map.h"
#include "devices/machine/machine.h"
#include "monitor/info/info.h"
#include <inttypes.h>
#include <string.h>

// What the memory is, and which part of it is seen.
static void print_memory(struct monitor *monitor, const struct map_segment *s, const struct region *r) {
    uint64_t at = r->shows + (s->first - r->base);
    const struct area *area = machine_shown(monitor->look.machine, at);
    print(monitor, "%s): %s", area && area->read_only ? "rom" : "ram", area ? area->name : "nothing");
    if (area && at != area->base) print(monitor, " @%016" PRIx64, at - area->base);
}

static void print_segment(struct monitor *monitor, const struct map_segment *s, const struct region *r) {
    print(monitor, "  %016" PRIx64 "-%016" PRIx64 " (prio %u, ", s->first, s->last, r->priority);
    if (r->kind == REGION_MEMORY)
        print_memory(monitor, s, r);
    else if (r->kind == REGION_NOTHING)
        print(monitor, "i/o): %s", r->priority == PRIORITY_PROCESSOR ? "the local APIC" : "nothing");
    else
        print(monitor, "i/o): %s", r->device->name);
    if (r->kind == REGION_REGISTERS && s->first != r->base) print(monitor, " @%016" PRIx64, s->first - r->base);
    print(monitor, "\n");
}

static void print_map(struct monitor *monitor, const char *name, const struct map *map) {
    print(monitor, "address-space: %s\n", name);
    for (unsigned i = 0; i < map->segments; i++)
        print_segment(monitor, &map->segment[i], map_region(map, &map->segment[i]));
}

bool info_mtree(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    const struct machine *m = monitor->look.machine;
    (void)page;
    if (*arguments && strcmp(arguments, "-f") != 0)
        return monitor_error(monitor, "info mtree takes nothing, or -f, which says the same");
    print_map(monitor, "memory", machine_map(m, false));
    print_map(monitor, "I/O", machine_map(m, true));
    return true;
}
