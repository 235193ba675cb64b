// vmcs diff A B: the fields in which two VMCSs differ. vmcs merge: how the VMCS that a nested guest runs with was made:
// who wrote each field last, and which other VMCS had the value before.
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
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

// "L0 at step 123 <prepare_vmcs02+0x1d>"; of what a VM exit wrote, who had loaded it.
static void print_stamp(struct monitor *monitor, const struct vmcs_stamp *s, enum vmcs_field f, unsigned guest) {
    struct vmx_field row;
    char name[120];
    vmx_field(f, &row);
    switch (stamp_writer(s)) {
    case WRITER_NONE: print(monitor, "not seen"); return;
    case WRITER_REGION: print(monitor, "as its region was loaded"); break;
    case WRITER_VMWRITE: print(monitor, "L%u", stamp_level(s)); break;
    case WRITER_EXIT:
        if (row.type == VMX_FIELD_GUEST)
            print(monitor, "L%u itself, saved by the exit", guest);
        else
            print(monitor, "the exit");
        break;
    default: print(monitor, "the entry");
    }
    print(monitor, " at step %" PRIu64, stamp_step(s));
    if (stamp_writer(s) != WRITER_VMWRITE) return;
    symbols_name(monitor->look.symbols, (int)stamp_level(s), s->rip, name, sizeof name);
    if (*name)
        print_in(monitor, YELLOW, " <%s>", name);
    else
        print(monitor, " RIP %" PRIx64, s->rip);
}

static void print_writer(struct monitor *monitor, const struct vmcs_merge *m, enum vmcs_field f, unsigned guest) {
    const struct vmcs_image *from = vmcs_copied_from(m, f);
    print_stamp(monitor, &m->two.stamp[f], f, guest);
    if (!from) return;
    bool twelve = from == &m->twelve;
    print(monitor, ", as %s had it", twelve ? "vmcs12" : "vmcs01");
    if (stamp_writer(&from->stamp[f]) == WRITER_NONE) return;
    print(monitor, " from ");
    print_stamp(monitor, &from->stamp[f], f, twelve ? guest : 1);
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

static void print_merge(struct monitor *monitor, const struct vmcs_merge *m, unsigned guest) {
    struct vmx_field row;
    print(monitor, "vmcs12  %s\nvmcs01  %s\nvmcs02  %s\n", m->twelve.name, m->one.name, m->two.name);
    print_in(monitor, BOLD, "%-24s %16s %16s %16s  %s\n", "field", "vmcs12", "vmcs01", "vmcs02",
             "who wrote vmcs02's last");
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        if (!vmcs_worth_showing(m, f)) continue;
        print(monitor, "%-24s", row.name);
        print_value(monitor, &m->twelve, f);
        print_value(monitor, &m->one, f);
        print_value(monitor, &m->two, f);
        print(monitor, "  ");
        print_writer(monitor, m, f, guest);
        print(monitor, "\n");
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
    if (done) print_merge(monitor, m, (unsigned)level);
    free(m);
    return done;
}
