// intercepts: what of a guest would exit now. SDM Vol. 3C, 24.6, 25.1, 25.2.
#include "monitor/vmcs/intercepts.h"
#include "monitor/explain/msr_name.h"
#include "monitor/vtx/vtx.h"
#include <inttypes.h>
#include <stdio.h>

struct listed {
    struct output *output;
    struct guest_rules guest;
};
#define on(g, group, name) guest_control(&(g)->guest, GROUP_##group, group##_##name)

static void print_controls(const struct listed *g) {
    enum { FACTS = 64 };
    struct fact facts[FACTS];
    unsigned count = intercept_facts(&g->guest, facts, FACTS);
    struct text always = {0};
    print_in(g, BOLD, "By controls\n");
    for (unsigned i = 0; i < count; i++) {
        if (!facts[i].values)
            text_item(&always, "", ", ", facts[i].text);
        else if (facts[i].holds)
            print(g, "  %s\n", facts[i].text);
    }
    print(g, "  always: %s%s\n", always.at, on(g, PROC2, VMCS_SHADOWING) ? ", but VMREAD and VMWRITE by bitmap" : "");
}

static void print_exceptions(const struct listed *g) {
    uint64_t bitmap = vmcs_get(&g->guest.vmcs, EXCEPTION_BITMAP) & ~BIT(VECTOR_PF);
    struct page_fault_exits page_faults = page_fault_exits(&g->guest);
    struct text names = {0};
    vmcs_decode(&names, FIELD_EXCEPTION_BITMAP, bitmap);
    print_in(g, BOLD, "Exceptions");
    print(g, "%s%s\n", names.at, bitmap ? "" : "  none but what is said of #PF");
    if (page_faults.which == PAGE_FAULTS_ALWAYS || page_faults.which == PAGE_FAULTS_NEVER)
        print(g, "  #PF %s\n", page_faults.which == PAGE_FAULTS_ALWAYS ? "always" : "never");
    else
        print(g, "  #PF if error code & %" PRIx64 " is %s%" PRIx64 "\n", page_faults.mask,
              page_faults.which == PAGE_FAULTS_MATCH ? "" : "not ", page_faults.match);
}

static void print_names(const struct listed *g, uint64_t bits, enum bit_group group) {
    struct text names = {0};
    bit_names(&names, bits, group);
    print(g, "%s", names.at);
}

static void print_cr(const struct listed *g, const char *name, enum vmcs_field mask, enum bit_group bits) {
    uint64_t owned = g->guest.vmcs.field[mask], shadow = g->guest.vmcs.field[mask + 2];
    if (!owned) {
        print(g, "  %s: no write exits, and the guest reads the register itself: its guest/host mask is 0\n", name);
        return;
    }
    print(g, "  %s: a write that changes", name);
    print_names(g, owned, bits);
    print(g, "; the guest reads them as");
    print_names(g, owned & shadow, bits);
    print(g, owned & shadow ? "\n" : "  0\n");
}

static void print_control_registers(const struct listed *g) {
    print_in(g, BOLD, "Control registers\n");
    print_cr(g, "CR0", FIELD_CR0_MASK, BITS_CR0);
    print_cr(g, "CR4", FIELD_CR4_MASK, BITS_CR4);
    for (unsigned i = 0; i < vmcs_get(&g->guest.vmcs, CR3_TARGET_COUNT) && i < CR3_TARGETS; i++)
        print(g, "  CR3: not when it becomes %" PRIx64 "\n", g->guest.vmcs.field[FIELD_CR3_TARGET0 + i]);
}

// --- ranges ---

typedef bool exits_fn(const struct listed *g, unsigned n);

static bool port(const struct listed *g, unsigned n) { return port_exits(&g->guest, (uint16_t)n); }
// MSRs of the bitmaps: the low ones, then the high ones.
enum { LOW_MSRS = 0x2000, HIGH_MSRS = 0xc0000000u };
static uint32_t msr_of(unsigned n) { return n < LOW_MSRS ? n : n - LOW_MSRS + HIGH_MSRS; }
static bool reads(const struct listed *g, unsigned n) { return msr_access_exits(&g->guest, msr_of(n), false); }
static bool writes(const struct listed *g, unsigned n) { return msr_access_exits(&g->guest, msr_of(n), true); }

static void print_range(const struct listed *g, unsigned first, unsigned last, bool msr, unsigned *column) {
    enum { COLUMNS = 100 };
    char text[80];
    unsigned base = msr && first >= 0x2000 ? 0xc0000000u - 0x2000 : 0;
    const char *name = msr && first == last ? msr_name(first + base) : NULL;
    int used = snprintf(text, sizeof text, "%x", first + base);
    if (last != first) used += snprintf(text + used, sizeof text - (size_t)used, "-%x", last + base);
    if (name) used += snprintf(text + used, sizeof text - (size_t)used, " %s", name);
    if (*column + (unsigned)used + 2 > COLUMNS) {
        print(g, "\n     ");
        *column = 5;
    }
    print(g, " %s", text);
    *column += (unsigned)used + 1;
}

// The ranges that exit, or if these are more than half of all, those that do not.
static void print_ranges(const struct listed *g, const char *what, exits_fn *exits, unsigned end, bool msr) {
    unsigned count = 0, column = 40, first = 0;
    for (unsigned n = 0; n < end; n++) count += exits(g, n);
    bool shown = count <= end / 2, in = false;
    print(g, "  %s: %s", what, shown ? count ? "" : "none" : count == end ? "all" : "all but");
    for (unsigned n = 0; n <= end; n++) {
        bool now = n < end && exits(g, n) == shown && !(msr && n == 0x2000 && in);
        if (now && !in) first = n;
        if (in && !now) print_range(g, first, n - 1, msr, &column);
        if (in && !now && n == 0x2000 && msr && exits(g, n) == shown) first = n, now = true;
        in = now;
    }
    print(g, "\n");
}

static void print_ports(const struct listed *g) {
    print_in(g, BOLD, "Ports\n");
    if (on(g, PROC, USE_IO_BITMAPS))
        print_ranges(g, "IN and OUT", port, 0x10000, false);
    else
        print(g, "  %s\n", port_exits(&g->guest, 0) ? "all" : "none");
}

static void print_msrs(const struct listed *g) {
    print_in(g, BOLD, "MSRs\n");
    if (!on(g, PROC, USE_MSR_BITMAPS)) {
        print(g, "  all: \"use MSR bitmaps\" is 0\n");
        return;
    }
    print_ranges(g, "RDMSR", reads, 2 * LOW_MSRS, true);
    print_ranges(g, "WRMSR", writes, 2 * LOW_MSRS, true);
    print(g, "  and all beyond 0-1fff and c0000000-c0001fff\n");
}

// --- VMREAD and VMWRITE ---

static void print_shadowing(const struct listed *g) {
    struct vmx_field row;
    if (!on(g, PROC2, VMCS_SHADOWING)) return;
    print_in(g, BOLD, "Fields that the guest has without a VM exit (VMCS shadowing)\n");
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        bool read = !vmcs_access_exits(&g->guest, row.encoding, false);
        bool write = !vmcs_access_exits(&g->guest, row.encoding, true);
        if (read || write)
            print(g, "  %-24s %s\n", row.name, read && write ? "VMREAD, VMWRITE" : read ? "VMREAD" : "VMWRITE");
    }
}

bool command_intercepts(struct monitor *monitor, const char *arguments) {
    struct listed g = {.output = monitor->output};
    struct vmcs_image image;
    if (!look_cpu(&monitor->look)->wire.extension)
        return monitor_error(monitor, "intercepts: this processor has no VT-x");
    if (!vmcs_take_pointer(monitor, arguments, &image)) return false;
    if (!guest_rules_of(look_cpu(&monitor->look), image.pointer, &g.guest))
        return monitor_error(monitor, "intercepts: %s cannot be read", image.name);
    print(monitor, "What exits of the guest with VMCS %" PRIx64 "\n", image.pointer);
    print_controls(&g);
    print_exceptions(&g);
    print_control_registers(&g);
    print_ports(&g);
    print_msrs(&g);
    print_shadowing(&g);
    return true;
}
