// Setting registers of a level that waits: in its VMCS, or in the host-state area for level 0. SDM Vol. 3C, 24.4, 24.5.
//
// A guest of a guest has a VMCS that no processor knows (vmcs12), and what level 0 makes of it for the processor is
// made anew at each entry. So its registers can be set where they will be looked for: in the VMCS it ran with, while
// that is still the current one and level 0 has done nothing with the exit yet; and then in the shadow VMCS of its
// hypervisor, where VMWRITEs of this hypervisor go. NOT IMPLEMENTED: the rest, as only level 0 knows where it keeps it.
#include "devices/machine/machine_input.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/own_vmcs.h"
#include "monitor/explain/view.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { NOWHERE = -1 };
static const struct {
    const char *name;
    int guest, host;
} rows[] = {
#define WAITING(name, guest, host) {name, guest, host},
#include "monitor/explain/waiting.def"
#undef WAITING
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool wrong(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool wrong(char *error, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return false;
}

// The VMCS in which a field of this guest's state is to be set.
static bool vmcs_to_set(const struct view *view, int field, uint64_t *vmcs, char *error, size_t size) {
    const struct vmcs_source hypervisor = {view->machine, view->history, view->cpu, view->level - 1};
    struct vmx_level_info guest, below;
    uint64_t current = vmx_current_vmcs(view->cpu);
    *vmcs = view->source == VIEW_HOST_AREA ? current : view->vmcs;
    if (view->level < 2 || view->source == VIEW_LIVE) return true;
    bool known = vmx_level_info(view->cpu, view->level, &guest);
    if (known && guest.in_hardware && guest.hardware == current) return true;
    bool loaded = known && vmx_level_info(view->cpu, view->level - 1, &below) && below.current == guest.vmcs;
    if (loaded) *vmcs = vmcs_shadow_of(&hypervisor, FIELD_VMWRITE_BITMAP, (unsigned)field);
    if (loaded && *vmcs != VMX_NO_VMCS) return true;
    return wrong(
        error, size,
        "level %u waits for level %u, and only level 0 knows where it keeps the VMCS that is written there (%" PRIx64
        "): set it where level %u executes VMWRITE",
        view->level, view->level - 1, known ? guest.vmcs : 0, view->level - 1);
}

bool view_set_field(const struct view *view, unsigned field, uint64_t value, char *error, size_t size) {
    struct vmx_field row;
    uint64_t vmcs;
    if (!vmx_field(field, &row)) return wrong(error, size, "there is no such field");
    if (row.type == VMX_FIELD_INFORMATION) return wrong(error, size, "%s: VM exits write it", row.name);
    if (!view->level && view->source == VIEW_LIVE)
        vmcs = vmx_current_vmcs(view->cpu);
    else if (!vmcs_to_set(view, (int)field, &vmcs, error, size))
        return false;
    const uint64_t data[] = {value, vmcs};
    const struct input input = {
        .kind = INPUT_FIELD, .unit = (uint8_t)view->cpu->id, .where = row.encoding, .bytes = sizeof data, .data = data};
    return machine_alter(view->machine, &input) || wrong(error, size, "%s: there is no VMCS that has it", row.name);
}

// IA32_EFER is only there where VM entries or VM exits load it.
static bool has_efer(const struct view *view, uint64_t vmcs) {
    bool host = view->source == VIEW_HOST_AREA;
    uint64_t controls = 0;
    (void)vmx_vmcs_read(view->cpu, vmcs, host ? FIELD_EXIT_CONTROLS : FIELD_ENTRY_CONTROLS, &controls);
    return controls >> (host ? (unsigned)EXIT_LOAD_EFER : (unsigned)ENTRY_LOAD_EFER) & 1;
}

static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter | 32) : letter; }

static bool same_name(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

bool view_set_waiting(const struct view *view, const char *name, uint64_t value, char *error, size_t size) {
    unsigned i = 0;
    while (i < ROWS && !same_name(rows[i].name, name)) i++;
    if (i == ROWS)
        return wrong(error, size, "level %u waits: no VMCS has this register, %s", view->level,
                     view->level ? "the hypervisor has saved it somewhere" : "and a VM exit leaves it as it is");
    bool host = view->source == VIEW_HOST_AREA;
    int field = host ? rows[i].host : rows[i].guest;
    if (field == NOWHERE) return wrong(error, size, "level 0 waits: a VM exit sets this register to a fixed value");
    uint64_t vmcs = host ? vmx_current_vmcs(view->cpu) : view->vmcs;
    if (rows[i].guest == FIELD_GUEST_EFER && !has_efer(view, vmcs))
        return wrong(error, size, "VMCS %" PRIx64 " does not load IA32_EFER: its controls say so", vmcs);
    return view_set_field(view, (unsigned)field, value, error, size);
}

bool view_goes_elsewhere(const struct view *view) {
    return view->source == VIEW_GUEST_AREA && view->level == 1 && vmx_current_vmcs(view->cpu) != view->vmcs;
}

bool view_waiting_place(const struct view *view, const char *name, struct place *place) {
    bool host = view->source == VIEW_HOST_AREA;
    uint64_t vmcs = host ? vmx_current_vmcs(view->cpu) : view->vmcs;
    for (unsigned i = 0; i < ROWS; i++) {
        int field = host ? rows[i].host : rows[i].guest;
        if (!same_name(rows[i].name, name) || field == NOWHERE || vmcs == VMX_NO_VMCS) continue;
        *place = place_of_field(vmcs, (unsigned)field);
        place->processor = (uint8_t)view->cpu->id;
        place->level = (uint8_t)view->level;
        return true;
    }
    return false;
}
