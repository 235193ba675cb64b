// Pages about memory: what the linear address space maps, and the physical map.
#include "monitor/info/info.h"
#include "monitor/files/signals.h"
#include "monitor/explain/walk.h"
#include <inttypes.h>

enum { RANGES_MAX = 20000, WALKS_MAX = 4000000 };

struct range {
    uint64_t from, to; // to: exclusive; 0 at the end of the address space
    unsigned rights;   // 1 write, 2 user, 4 execute
};

static unsigned rights_of(const struct walk *w) {
    uint64_t r = w->look.rights;
    return (r & TLB_WRITE ? 1u : 0) | (r & TLB_USER ? 2u : 0) | (r & TLB_EXECUTE ? 4u : 0);
}

static void print_range(struct monitor *monitor, const struct range *r) {
    if (r->from == r->to) return;
    print(monitor, "%016" PRIx64 "-%016" PRIx64 " %12" PRIu64 "K  %c r%c%c\n", r->from, r->to - 1,
          (r->to - r->from) >> 10, r->rights & 2 ? 'u' : 's', r->rights & 1 ? 'w' : '-', r->rights & 4 ? 'x' : '-');
}

// Bytes that one entry of the level where the walk ended stands for.
static uint64_t span(const struct walk *w) {
    unsigned bits = w->kind == WALK_32 ? 10 : 9, level = w->look.count ? walk_last(w)->level : 1;
    return w->look.verdict == LOOK_MAPS ? BIT(w->look.shift) : BIT(12 + bits * (level - 1));
}

static uint64_t space_end(const struct view *view) { return view->efer & EFER_LMA ? 0 : BIT(32); }

// The next canonical address.
static uint64_t canonical(const struct view *view, uint64_t address) {
    unsigned bits = view->cr4 & CR4_LA57 ? 57 : 48;
    if (!(view->efer & EFER_LMA) || address >> (bits - 1) == 0) return address;
    return address | ~(BIT(bits - 1) - 1);
}

bool info_mem(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    struct view view;
    struct range range = {0, 0, 0};
    uint64_t address = 0;
    unsigned ranges = 0, walks = 0;
    if (!view_make(&monitor->look, monitor->look.level, &view)) return false;
    if (!(view.cr0 & CR0_PG)) {
        print(monitor, "paging is off: linear addresses are %sphysical addresses (info map)\n",
              view.eptp ? "guest-" : "");
        return true;
    }
    do {
        struct walk w;
        bool mapped = walk_first_stage(&view, address, &w);
        uint64_t next = (address & ~(span(&w) - 1)) + span(&w);
        bool goes_on = mapped && range.to == address && range.from != range.to && range.rights == rights_of(&w);
        if (!goes_on) {
            print_range(monitor, &range);
            ranges += range.from != range.to;
            range = mapped ? (struct range){address, next, rights_of(&w)} : (struct range){0, 0, 0};
        } else {
            range.to = next;
        }
        address = canonical(&view, next);
        walks++;
    } while (address != space_end(&view) && ranges < RANGES_MAX && walks < WALKS_MAX && !signals_interrupt());
    print_range(monitor, &range);
    if (address != space_end(&view)) print(monitor, "cut off at %016" PRIx64 "\n", address);
    return true;
}

bool info_map(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    static const char *const types[] = {"?", "RAM", "reserved", "ACPI", "ACPI NVS"};
    struct machine_region region[16];
    unsigned count = machine_memory_map(monitor->look.machine, region, 16);
    for (unsigned i = 0; i < count && i < 16; i++)
        print(monitor, "%016" PRIx64 "-%016" PRIx64 " %12" PRIu64 "K  %s\n", region[i].base,
              region[i].base + region[i].bytes - 1, region[i].bytes >> 10,
              types[region[i].type < 5 ? region[i].type : 0]);
    return true;
}
