// intercepts: what of a guest would exit now, decoded from the controls and bitmaps of its VMCS. SDM Vol.
// 3C, 24.6, 25.1, 25.2.
#include "monitor/info/info.h"
#include "monitor/expression/msr_name.h"
#include "monitor/explain/vmcs.h"
#include <inttypes.h>
#include <stdio.h>

struct guest {
    struct monitor *monitor;
    struct cpu *cpu;
    uint64_t vmcs;
};

static uint64_t field(const struct guest *g, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(g->cpu, g->vmcs, which, &value);
    return value;
}

static uint64_t controls(const struct guest *g, enum control_group group) {
    uint64_t proc = field(g, FIELD_PROC_CONTROLS);
    if (group == GROUP_PIN) return field(g, FIELD_PIN_CONTROLS);
    if (group == GROUP_PROC) return proc;
    return proc >> PROC_ACTIVATE_SECONDARY & 1 ? field(g, FIELD_PROC2_CONTROLS) : 0;
}

#define on(g, group, name) (controls(g, GROUP_##group) >> group##_##name & 1)

static const struct {
    enum control_group group;
    uint8_t bit;
    const char *what;
} rows[] = {
#define INTERCEPT(group, control, what) {GROUP_##group, group##_##control, what},
#include "monitor/explain/intercept.def"
#undef INTERCEPT
};

static void print_controls(const struct guest *g) {
    print_in(g->monitor, BOLD, "By controls\n");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (controls(g, rows[i].group) >> rows[i].bit & 1) print(g->monitor, "  %s\n", rows[i].what);
    print(g->monitor, "  always: CPUID, GETSEC, INVD, XSETBV, task switches, triple faults, INIT, VMX instructions%s\n",
          on(g, PROC2, VMCS_SHADOWING) ? ", but VMREAD and VMWRITE by bitmap" : "");
}

static void print_exceptions(const struct guest *g) {
    uint64_t bitmap = field(g, FIELD_EXCEPTION_BITMAP), mask = field(g, FIELD_PAGE_FAULT_MASK);
    uint64_t match = field(g, FIELD_PAGE_FAULT_MATCH);
    bool page_faults = bitmap >> VECTOR_PF & 1;
    print_in(g->monitor, BOLD, "Exceptions");
    vmcs_decode(g->monitor, FIELD_EXCEPTION_BITMAP, bitmap & ~BIT(VECTOR_PF));
    print(g->monitor, bitmap & ~BIT(VECTOR_PF) ? "\n" : "  none but what is said of #PF\n");
    if (!mask && !match)
        print(g->monitor, "  #PF %s\n", page_faults ? "always" : "never");
    else if (match & ~mask)
        print(g->monitor, "  #PF %s\n", page_faults ? "never" : "always");
    else
        print(g->monitor, "  #PF if error code & %" PRIx64 " is %s%" PRIx64 "\n", mask, page_faults ? "" : "not ",
              match);
}

static void print_cr(const struct guest *g, const char *name, enum vmcs_field mask, enum bit_group bits) {
    uint64_t owned = field(g, mask), shadow = field(g, mask + 2);
    print(g->monitor, "  %s: a write that changes", name);
    if (!owned) print(g->monitor, " nothing exits");
    info_bit_names(g->monitor, owned, bits);
    if (owned) {
        print(g->monitor, "; the guest reads them as");
        info_bit_names(g->monitor, owned & shadow, bits);
        if (!(owned & shadow)) print(g->monitor, "  0");
    }
    print(g->monitor, "\n");
}

static void print_control_registers(const struct guest *g) {
    print_in(g->monitor, BOLD, "Control registers\n");
    print_cr(g, "CR0", FIELD_CR0_MASK, BITS_CR0);
    print_cr(g, "CR4", FIELD_CR4_MASK, BITS_CR4);
    for (unsigned i = 0; i < field(g, FIELD_CR3_TARGET_COUNT) && i < 4; i++)
        print(g->monitor, "  CR3: not when it becomes %" PRIx64 "\n", field(g, FIELD_CR3_TARGET0 + i));
}

// --- bitmaps ---

// Bit n of the bitmap at a physical address; what cannot be read counts as 1.
static bool bit_set(const struct guest *g, uint64_t bitmap, unsigned n) {
    uint8_t byte = 0;
    return !machine_read(g->monitor->look.machine, bitmap + n / 8, &byte, 1) || byte >> n % 8 & 1;
}

typedef bool exits_fn(const struct guest *g, unsigned n);

static bool port_exits(const struct guest *g, unsigned port) {
    return bit_set(g, field(g, port & 0x8000 ? FIELD_IO_BITMAP_B : FIELD_IO_BITMAP_A), port & 0x7fff);
}

// The MSR bitmap has four parts of 1 KByte: reads of low and high MSRs, writes of low and high MSRs.
static bool read_exits(const struct guest *g, unsigned n) { return bit_set(g, field(g, FIELD_MSR_BITMAPS), n); }
static bool write_exits(const struct guest *g, unsigned n) {
    return bit_set(g, field(g, FIELD_MSR_BITMAPS) + 0x800, n);
}

static void print_range(const struct guest *g, unsigned first, unsigned last, bool msr, unsigned *column) {
    enum { COLUMNS = 100 };
    char text[80];
    unsigned base = msr && first >= 0x2000 ? 0xc0000000u - 0x2000 : 0;
    const char *name = msr && first == last ? msr_name(first + base) : NULL;
    int used = snprintf(text, sizeof text, "%x", first + base);
    if (last != first) used += snprintf(text + used, sizeof text - (size_t)used, "-%x", last + base);
    if (name) used += snprintf(text + used, sizeof text - (size_t)used, " %s", name);
    if (*column + (unsigned)used + 2 > COLUMNS) {
        print(g->monitor, "\n     ");
        *column = 5;
    }
    print(g->monitor, " %s", text);
    *column += (unsigned)used + 1;
}

// The ranges that exit, or if these are more than half of all, those that do not.
static void print_ranges(const struct guest *g, const char *what, exits_fn *exits, unsigned end, bool msr) {
    unsigned count = 0, column = 40, first = 0;
    for (unsigned n = 0; n < end; n++) count += exits(g, n);
    bool shown = count <= end / 2, in = false;
    print(g->monitor, "  %s: %s", what, shown ? count ? "" : "none" : count == end ? "all" : "all but");
    for (unsigned n = 0; n <= end; n++) {
        bool now = n < end && exits(g, n) == shown && !(msr && n == 0x2000 && in);
        if (now && !in) first = n;
        if (in && !now) print_range(g, first, n - 1, msr, &column);
        if (in && !now && n == 0x2000 && msr && exits(g, n) == shown) first = n, now = true;
        in = now;
    }
    print(g->monitor, "\n");
}

static void print_ports(const struct guest *g) {
    print_in(g->monitor, BOLD, "Ports\n");
    if (on(g, PROC, USE_IO_BITMAPS))
        print_ranges(g, "IN and OUT", port_exits, 0x10000, false);
    else
        print(g->monitor, "  %s\n", on(g, PROC, UNCONDITIONAL_IO_EXITING) ? "all" : "none");
}

static void print_msrs(const struct guest *g) {
    print_in(g->monitor, BOLD, "MSRs\n");
    if (!on(g, PROC, USE_MSR_BITMAPS)) {
        print(g->monitor, "  all: \"use MSR bitmaps\" is 0\n");
        return;
    }
    print_ranges(g, "RDMSR", read_exits, 0x4000, true);
    print_ranges(g, "WRMSR", write_exits, 0x4000, true);
    print(g->monitor, "  and all beyond 0-1fff and c0000000-c0001fff\n");
}

// --- VMREAD and VMWRITE ---

static void print_shadowing(const struct guest *g) {
    struct vmx_field row;
    if (!on(g, PROC2, VMCS_SHADOWING)) return;
    print_in(g->monitor, BOLD, "Fields that the guest has without a VM exit (VMCS shadowing)\n");
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        bool reads = !bit_set(g, field(g, FIELD_VMREAD_BITMAP), row.encoding);
        bool writes = !bit_set(g, field(g, FIELD_VMWRITE_BITMAP), row.encoding);
        if (reads || writes)
            print(g->monitor, "  %-24s %s\n", row.name,
                  reads && writes ? "VMREAD, VMWRITE"
                  : reads         ? "VMREAD"
                                  : "VMWRITE");
    }
}

bool command_intercepts(struct monitor *monitor, const char *arguments) {
    struct guest g = {.monitor = monitor, .cpu = look_cpu(&monitor->look)};
    struct vmcs_image image;
    if (!g.cpu->wire.extension) return monitor_error(monitor, "intercepts: this processor has no VT-x");
    if (!vmcs_take_pointer(monitor, arguments, &image)) return false;
    g.vmcs = image.pointer;
    print(monitor, "What exits of the guest with VMCS %" PRIx64 "\n", g.vmcs);
    print_controls(&g);
    print_exceptions(&g);
    print_control_registers(&g);
    print_ports(&g);
    print_msrs(&g);
    print_shadowing(&g);
    return true;
}
