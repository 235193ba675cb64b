// vmcs diff A B: the fields in which two VMCSs differ. vmcs merge: how the VMCS that a nested guest runs with was made;
// vmcs02 and vmcs01 are shown as they were at the last entry with each.
#include "monitor/expression/expression.h"
#include "monitor/vtx/vtx.h"
#include <inttypes.h>
#include <stdlib.h>

static void print_side(struct monitor *monitor, const char *mark, enum vmcs_field f, const struct vmcs_image *image) {
    if (!image->known[f]) {
        print(monitor, "  %s %16s\n", mark, "not known");
        return;
    }
    print(monitor, "  %s %*s%0*" PRIx64, mark, 16 - vmcs_digits(f), "", vmcs_digits(f), image->field[f]);
    print_field_meaning(monitor, f, image->field[f]);
    print(monitor, "\n");
}

static bool diff(struct monitor *monitor, const char *arguments, struct vmcs_image *a, struct vmcs_image *b) {
    struct vmx_field row;
    unsigned count = 0;
    if (!vmcs_take(monitor, &arguments, a) || !vmcs_take(monitor, &arguments, b) ||
        !take_end(&monitor->look, arguments))
        return false;
    print(monitor, "- %s\n+ %s\n", a->name, b->name);
    for (unsigned f = 0; (f = vmcs_differs(a, b, f)) < FIELD_COUNT; f++) {
        vmx_field(f, &row);
        print_in(monitor, BOLD, "%s\n", row.name);
        print_side(monitor, "-", f, a);
        print_side(monitor, "+", f, b);
        count++;
    }
    print(monitor, "%u fields differ\n", count);
    return true;
}

bool vmcs_diff(struct monitor *monitor, const char *arguments) {
    struct vmcs_image *images = calloc(2, sizeof *images);
    bool done = images ? diff(monitor, arguments, &images[0], &images[1]) : monitor_error(monitor, "not enough memory");
    free(images);
    return done;
}

// --- merge ---

static void print_value(struct monitor *monitor, const struct vmcs_image *image, enum vmcs_field f) {
    if (image->known[f])
        print(monitor, " %16" PRIx64, image->field[f]);
    else
        print(monitor, " %16s", "-");
}

static void print_bits(struct monitor *monitor, const char *text, enum control_group group, uint64_t bits) {
    if (!bits) return;
    struct text names = {0};
    vmcs_controls(&names, group, bits);
    print(monitor, "    %s:%s\n", text, names.at);
}

static void print_controls(struct monitor *monitor, const struct vmcs_merge *m, enum vmcs_field f) {
    enum control_group group;
    uint64_t two = m->two.field[f], one = m->one.field[f], twelve = m->twelve.field[f];
    if (!m->twelve.known[f] || !vmcs_control_group(f, &group)) return;
    print_bits(monitor, "as vmcs12 and vmcs01", group, two & one & twelve);
    print_bits(monitor, "as vmcs12", group, two & twelve & ~one);
    print_bits(monitor, "as vmcs01", group, two & one & ~twelve);
    print_bits(monitor, "of L0's own", group, two & ~one & ~twelve);
    print_bits(monitor, "in vmcs12 and not taken over", group, twelve & ~two);
}

static void print_merge(struct monitor *monitor, const struct vmcs_merge *m) {
    struct vmx_field row;
    print(monitor, "vmcs12  %s\nvmcs01  %s\nvmcs02  %s\n", m->twelve.name, m->one.name, m->two.name);
    print_in(monitor, BOLD, "%-24s %16s %16s %16s  %s\n", "field", "vmcs12", "vmcs01", "vmcs02", "vmcs02 took it from");
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        if (!vmcs_worth_showing(m, f)) continue;
        print(monitor, "%-24s", row.name);
        print_value(monitor, &m->twelve, f);
        print_value(monitor, &m->one, f);
        print_value(monitor, &m->two, f);
        print(monitor, "  %s\n", vmcs_origin(m, f));
        print_controls(monitor, m, f);
    }
}

static bool gather(struct monitor *monitor, unsigned level, struct vmcs_merge *m) {
    struct vmcs_source from;
    char error[VMCS_ERROR_ROOM];
    if (!vmcs_source_of(monitor, level, &from)) return false;
    return vmcs_merge_of(&from, m, error) || monitor_error(monitor, "%s", error);
}

bool vmcs_merge(struct monitor *monitor, const char *arguments) {
    uint64_t level = 2;
    if (*arguments == '@') arguments++;
    if (*arguments && (!take_value(&monitor->look, &arguments, &level) || !take_end(&monitor->look, arguments)))
        return false;
    if (level < 2 || level >= VMX_LEVELS)
        return monitor_error(monitor, "vmcs merge: nested guests have levels 2 to %d", VMX_LEVELS - 1);
    struct vmcs_merge *m = calloc(1, sizeof *m);
    bool done = m ? gather(monitor, (unsigned)level, m) : monitor_error(monitor, "not enough memory");
    if (done) print_merge(monitor, m);
    free(m);
    return done;
}
