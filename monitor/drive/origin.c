// origin: where a value was made, followed backwards from place to place.
//
// Each link is the last change of a place, and what changed it: an instruction that copies, a VM exit that saved a
// register or loaded it from the host-state area, a VM entry that loaded it from the guest-state area or an MSR area.
// The way ends at what made the value: a constant, a calculation, a device, a VM exit's information, the beginning.
#include "cpu/pages/pages.h"
#include "cpu/watch/observe.h"
#include "devices/machine/machine_observe.h"
#include "monitor/drive/asking.h"
#include "monitor/drive/back.h"
#include "monitor/explain/fact.h"
#include "monitor/expression/expression.h"
#include "monitor/show/copied.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINKS = 100, AREA_ENTRIES = 512, AREA_ENTRY_BYTES = 16 };

struct link {
    const struct change *change;
    const struct view *view;
    const struct place *place;
    struct copied *copied;
};

// --- what VT-x copies ---

// Registers and MSRs that VMCS fields hold: of the guest, and of the host.
struct switched {
    const char *name; // in expressions; NULL: an MSR
    uint32_t msr;
    int guest, host;
};
enum { NOWHERE = -1 };
static const struct switched switched[] = {
#define WAITING(name, guest, host) {name, 0, guest, host},
#include "monitor/explain/waiting.def"
#undef WAITING
    {NULL, 0x1d9, FIELD_GUEST_DEBUGCTL, NOWHERE},
    {NULL, 0x174, FIELD_GUEST_SYSENTER_CS, FIELD_HOST_SYSENTER_CS},
    {NULL, 0x175, FIELD_GUEST_SYSENTER_ESP, FIELD_HOST_SYSENTER_ESP},
    {NULL, 0x176, FIELD_GUEST_SYSENTER_EIP, FIELD_HOST_SYSENTER_EIP},
    {NULL, 0x277, FIELD_GUEST_PAT, FIELD_HOST_PAT},
    {NULL, 0xc0000080, FIELD_GUEST_EFER, FIELD_HOST_EFER},
    {NULL, 0xc0000100, FIELD_GUEST_FS_BASE, FIELD_HOST_FS_BASE},
    {NULL, 0xc0000101, FIELD_GUEST_GS_BASE, FIELD_HOST_GS_BASE},
};
enum { SWITCHED = sizeof switched / sizeof *switched };

static bool register_of(const struct link *l, const struct switched *s, struct place *place) {
    char error[100];
    if (!s->name) {
        *place =
            (struct place){.space = PLACE_MSR, .processor = (uint8_t)l->view->cpu->id, .bytes = 8, .address = s->msr};
        return true;
    }
    struct name name = name_find(NULL, s->name, false);
    return name.kind == NAME_REGISTER && name_place(l->view, &name, place, error, sizeof error);
}

static bool same_place(const struct place *a, const struct place *b) {
    return a->space == b->space && a->address == b->address && (a->space != PLACE_FIELD || a->vmcs == b->vmcs);
}

static void found(struct link *l, struct place source) {
    l->copied->kind = COPIED_FROM;
    l->copied->source = source;
    l->copied->offset = 0;
    place_name(&source, l->copied->name, sizeof l->copied->name);
}

static struct place field_of(const struct link *l, int field) {
    struct place p = place_of_field(vmx_current_vmcs(l->view->cpu), (unsigned)field);
    p.processor = (uint8_t)l->view->cpu->id;
    return p;
}

// A register that a VM exit saved into this field.
static bool by_saving(struct link *l) {
    for (unsigned i = 0; i < SWITCHED; i++) {
        struct place field, from;
        if (switched[i].guest == NOWHERE) continue;
        field = field_of(l, switched[i].guest);
        if (!same_place(&field, l->place) || !register_of(l, &switched[i], &from)) continue;
        found(l, from);
        return true;
    }
    return false;
}

// A field from which a VM entry or a VM exit loaded this register.
static bool by_loading(struct link *l, bool host) {
    for (unsigned i = 0; i < SWITCHED; i++) {
        int field = host ? switched[i].host : switched[i].guest;
        struct place to;
        if (field == NOWHERE || !register_of(l, &switched[i], &to) || !same_place(&to, l->place)) continue;
        found(l, field_of(l, field));
        return true;
    }
    return false;
}

static uint64_t field_value(const struct link *l, enum vmcs_field field) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(l->view->cpu, vmx_current_vmcs(l->view->cpu), field, &value);
    return value;
}

static uint64_t area_word(const struct link *l, uint64_t at) {
    uint64_t value = 0;
    (void)machine_read(l->view->machine, at, &value, sizeof value);
    return value;
}

// An MSR area: the entry that this MSR was loaded from.
static bool by_loading_area(struct link *l, enum vmcs_field address, enum vmcs_field count) {
    uint64_t at = field_value(l, address), entries = field_value(l, count);
    uint32_t msr = (uint32_t)l->place->address;
    bool efer = l->place->space == PLACE_REGISTER && l->place->address == offsetof(struct cpu, control.efer);
    if (l->place->space != PLACE_MSR && !efer) return false;
    for (uint64_t i = 0; i < entries && i < AREA_ENTRIES; i++, at += AREA_ENTRY_BYTES) {
        if ((uint32_t)area_word(l, at) != (efer ? 0xc0000080 : msr)) continue;
        found(l, (struct place){
                     .space = PLACE_PHYSICAL, .processor = (uint8_t)l->view->cpu->id, .bytes = 8, .address = at + 8});
        return true;
    }
    return false;
}

// The MSR that a VM exit stored there.
static bool by_storing_area(struct link *l) {
    uint64_t at = field_value(l, FIELD_EXIT_MSR_STORE_ADDRESS), entries = field_value(l, FIELD_EXIT_MSR_STORE_COUNT);
    uint64_t offset = l->place->address - at;
    if (l->place->space != PLACE_PHYSICAL || offset / AREA_ENTRY_BYTES >= entries || offset % AREA_ENTRY_BYTES < 8)
        return false;
    uint64_t msr = (uint32_t)area_word(l, at + offset / AREA_ENTRY_BYTES * AREA_ENTRY_BYTES);
    found(l, (struct place){.space = PLACE_MSR, .processor = (uint8_t)l->view->cpu->id, .bytes = 8, .address = msr});
    return true;
}

static bool by_exit(struct link *l) {
    return by_saving(l) || by_storing_area(l) || by_loading(l, true) ||
           by_loading_area(l, FIELD_EXIT_MSR_LOAD_ADDRESS, FIELD_EXIT_MSR_LOAD_COUNT);
}
static bool by_entry(struct link *l) {
    return by_loading_area(l, FIELD_ENTRY_MSR_LOAD_ADDRESS, FIELD_ENTRY_MSR_LOAD_COUNT) || by_loading(l, false);
}

// --- one link ---

#define EVENTS (BIT(OBSERVE_EXCEPTION) | BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EVENT_INJECTED))

// Who made the value, when it was copied from nowhere.
static const char *maker(const struct link *l) {
    const struct change *c = l->change;
    if (c->from_outside) return "it came from outside: a person, or what is connected";
    if (c->stored_by == STORED_BY_DEVICE) return "a device delivered it";
    if (c->seen & BIT(OBSERVE_EXIT)) return "the VM exit made it";
    if (c->seen & BIT(OBSERVE_ENTRY)) return "the VM entry made it";
    if (c->seen & EVENTS) return "the delivery of an event made it";
    if (c->stored_by == STORED_BY_PROCESSOR) return "the processor made it";
    return l->copied->kind == COPIED_IMMEDIATE ? "a constant of the instruction" : "this instruction made it";
}

static void find_source(const struct look *look, struct link *l) {
    *l->copied = (struct copied){.kind = COPIED_NOT};
    const struct change *c = l->change;
    if (c->from_outside || c->stored_by == STORED_BY_DEVICE) return;
    if (c->seen & BIT(OBSERVE_EXIT) && by_exit(l)) return;
    if (c->seen & BIT(OBSERVE_ENTRY) && by_entry(l)) return;
    if (c->seen & (BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | EVENTS)) return;
    copied_by(look, l->view, l->place, l->copied);
}

// Of the value, the part that was copied.
static uint64_t part(uint64_t value, unsigned offset, unsigned bytes) {
    return bytes && bytes < 8 ? value >> 8 * offset & BITS(8 * bytes - 1u, 0) : value >> 8 * offset;
}

// Whether the source has the value that was copied. A narrower source may have been extended.
static bool has_value(const struct machine *m, const struct copied *c, uint64_t value) {
    uint64_t there;
    unsigned bytes = c->source.bytes;
    return place_read(m, &c->source, &there) && part(there, 0, bytes) == part(value, c->offset, bytes);
}

// Places that the way led through.
struct way {
    struct place place[LINKS];
    unsigned links;
};

// A store of an equal value counts, except where the value only went forth and back: a hypervisor saves and loads the
// registers of its guest at each VM exit.
static enum search_depth depth_for(struct asking *a, const struct way *way, const struct place *place) {
    for (unsigned i = 0; i < way->links; i++)
        if (place->space != PLACE_REGISTER && same_place(&way->place[i], place)) {
            print_in(a->monitor, DIM, "(saved and loaded again, perhaps many times) ");
            return SEARCH_QUICKLY;
        }
    bool tells = place->space == PLACE_PHYSICAL || place_sights(a->look.machine, place);
    return tells ? SEARCH_STORES : SEARCH_QUICKLY;
}

// One link; then *place is where the value came from. False: here it was made, or an error was said.
static bool follow(struct asking *a, struct way *way, struct place *place, bool *good) {
    struct monitor *monitor = a->monitor;
    struct change change;
    struct copied copied;
    struct view view;
    const char *wrong = NULL;
    enum search_depth depth = depth_for(a, way, place);
    way->place[way->links] = *place;
    enum search found = timeline_changed(a->timeline, place, depth, &change, &wrong);
    *good = found != SEARCH_WRONG;
    if (found == SEARCH_WRONG) monitor_error(monitor, "%s", wrong ? wrong : "the past cannot be replayed");
    if (found == SEARCH_NOTHING) print(monitor, "it was there at the beginning of the past\n");
    if (found != SEARCH_FOUND) return false;
    *good = change_print(a, &change) && view_make(&monitor->look, -1, &view);
    if (!*good) return false;
    struct link l = {&change, &view, place, &copied};
    find_source(&monitor->look, &l);
    struct copied whole = copied;
    whole.source = copied.whole, whole.offset = 0;
    if (copied.whole.bytes && has_value(monitor->look.machine, &whole, change.now)) {
        copied = whole;
        place_name(&copied.source, copied.name, sizeof copied.name);
    }
    bool copies = copied.kind == COPIED_FROM && has_value(monitor->look.machine, &copied, change.now);
    if (copies)
        print(monitor, "%s: ", copied.name);
    else
        print_in(monitor, CYAN, "  %s\n", maker(&l));
    if (copies) *place = copied.source;
    return copies;
}

// A register of a level has a place from its last change on.
static bool find_place(struct asking *a, struct asked *asked) {
    struct change change;
    const char *wrong = NULL;
    if (!asked->of_level) return true;
    switch (asked_changed(a, asked, SEARCH_ALL, &change, &wrong)) {
    case SEARCH_WRONG: return monitor_error(a->monitor, "%s", wrong ? wrong : "the past cannot be replayed");
    case SEARCH_NOTHING: return asked_here(a, asked, &asked->place);
    default:
        return (timeline_go_step(a->timeline, change.step + 1, &wrong) && asked_here(a, asked, &asked->place)) ||
               monitor_error(a->monitor, "%s", wrong ? wrong : "the past cannot be replayed");
    }
}

bool command_origin(struct monitor *monitor, const char *arguments) {
    struct asked asked;
    struct asking asking;
    uint64_t step;
    bool good = true;
    struct way way = {.links = 0};
    if (!back_timeline(monitor)) return false;
    if (!*arguments) return monitor_error(monitor, "the origin of what? origin WHAT [before STEP]");
    if (!take_asked(&monitor->look, &arguments, &asked) || !take_before(monitor, &arguments, &step) ||
        !take_end(&monitor->look, arguments) || !asking_begin(monitor, step, &asking))
        return false;
    if (!find_place(&asking, &asked)) return asking_end(&asking) && false;
    print(monitor, "%s: ", asked.name);
    while (way.links < LINKS && follow(&asking, &way, &asked.place, &good)) way.links++;
    if (way.links == LINKS) print(monitor, "... %d copies; ask on from there\n", LINKS);
    return asking_end(&asking) && good;
}
