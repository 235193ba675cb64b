// vmcs merge: how the VMCS that a nested guest runs with was made. In the words of the Turtles paper (Ben-Yehuda et
// al., OSDI 2010, 3.2.1): vmcs12 is what L1 wants for L2, vmcs01 what L0 runs L1 with, vmcs02 what L0 runs L2 with.
// vmcs02 and vmcs01 are shown as they were at the last entry with each.
#include "monitor/expression/expression.h"
#include "monitor/explain/vmcs.h"
#include <inttypes.h>
#include <stdlib.h>

struct merge {
    struct vmcs_image twelve, one, two;
};

static const char *origin(const struct merge *m, enum vmcs_field f) {
    uint64_t two = m->two.field[f], one = m->one.field[f], twelve = m->twelve.field[f];
    bool from_one = m->one.known[f] && two == one, from_twelve = m->twelve.known[f] && two == twelve;
    if (from_one && from_twelve) return "both agree";
    if (from_twelve) return "vmcs12";
    if (from_one) return "vmcs01";
    enum control_group group;
    if (!m->twelve.known[f]) return "L0's own";
    if (vmcs_control_group(f, &group)) return "bit by bit:";
    if (two == (one | twelve)) return "either (OR)";
    return two == (one & twelve) ? "both (AND)" : "L0's own";
}

static void print_value(struct monitor *monitor, const struct vmcs_image *image, enum vmcs_field f) {
    if (image->known[f])
        print(monitor, " %16" PRIx64, image->field[f]);
    else
        print(monitor, " %16s", "-");
}

static void print_bits(struct monitor *monitor, const char *text, enum control_group group, uint64_t bits) {
    if (!bits) return;
    print(monitor, "    %s:", text);
    vmcs_controls(monitor, group, bits);
    print(monitor, "\n");
}

static void print_controls(struct monitor *monitor, const struct merge *m, enum vmcs_field f) {
    enum control_group group;
    uint64_t two = m->two.field[f], one = m->one.field[f], twelve = m->twelve.field[f];
    if (!m->twelve.known[f] || !vmcs_control_group(f, &group)) return;
    print_bits(monitor, "as vmcs12 and vmcs01", group, two & one & twelve);
    print_bits(monitor, "as vmcs12", group, two & twelve & ~one);
    print_bits(monitor, "as vmcs01", group, two & one & ~twelve);
    print_bits(monitor, "of L0's own", group, two & ~one & ~twelve);
    print_bits(monitor, "in vmcs12 and not taken over", group, twelve & ~two);
}

static bool worth_showing(const struct merge *m, enum vmcs_field f) {
    struct vmx_field row;
    vmx_field(f, &row);
    if (row.type == VMX_FIELD_INFORMATION || !m->two.known[f]) return false;
    return m->two.field[f] || m->one.field[f] || m->twelve.field[f];
}

static void print_merge(struct monitor *monitor, const struct merge *m) {
    struct vmx_field row;
    print(monitor, "vmcs12  %s\nvmcs01  %s\nvmcs02  %s\n", m->twelve.name, m->one.name, m->two.name);
    print_in(monitor, BOLD, "%-24s %16s %16s %16s  %s\n", "field", "vmcs12", "vmcs01", "vmcs02", "vmcs02 took it from");
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        if (!worth_showing(m, f)) continue;
        print(monitor, "%-24s", row.name);
        print_value(monitor, &m->twelve, f);
        print_value(monitor, &m->one, f);
        print_value(monitor, &m->two, f);
        print(monitor, "  %s\n", origin(m, f));
        print_controls(monitor, m, f);
    }
}

static bool gather(struct monitor *monitor, unsigned level, struct merge *m) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    uint64_t two = vmx_level_vmcs(cpu, level), one = vmx_level_vmcs(cpu, 1);
    if (two == VMX_NO_VMCS || two == one)
        return monitor_error(monitor, "vmcs merge: no guest of a guest has run at level %u", level);
    return vmcs_twelve(monitor, level, &m->twelve) && vmcs_at_entry(monitor, one, &m->one) &&
           vmcs_at_entry(monitor, two, &m->two);
}

bool vmcs_merge(struct monitor *monitor, const char *arguments) {
    uint64_t level = 2;
    if (*arguments == '@') arguments++;
    if (*arguments && (!take_value(&monitor->look, &arguments, &level) || !take_end(&monitor->look, arguments)))
        return false;
    if (level < 2 || level >= VMX_LEVELS)
        return monitor_error(monitor, "vmcs merge: nested guests have levels 2 to %d", VMX_LEVELS - 1);
    struct merge *m = calloc(1, sizeof *m);
    bool done = m ? gather(monitor, (unsigned)level, m) : monitor_error(monitor, "not enough memory");
    if (done) print_merge(monitor, m);
    free(m);
    return done;
}
