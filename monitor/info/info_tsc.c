// info tsc: the time-stamp counter as each level reads it, and how that comes about. SDM Vol. 3B, 17.17; Vol.
// 3C, 24.6.5, 25.3.
#include "monitor/info/info.h"
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>

struct tsc_rule {
    bool known, offsetting, scaling;
    uint64_t offset, multiplier; // the latter with 48 bits of fraction
};

// Of the VMCS of a level, as the processor has it, or as the hypervisor below that level has written it.
static struct tsc_rule rule_of(struct monitor *monitor, const struct view *view, bool own) {
    const struct vmcs_source source = {monitor->look.machine, machine_history(monitor->look.machine), view->cpu,
                                       view->level};
    uint64_t proc = 0, proc2 = 0;
    struct tsc_rule r = {.known = true, .multiplier = BIT(48)};
#define FIELD_OF(name, to)                                                                                             \
    (own ? vmcs_own_field(&source, FIELD_##name, to) : (*(to) = view_field(view, FIELD_##name), true))
    r.known = FIELD_OF(PROC_CONTROLS, &proc);
    if (proc >> PROC_ACTIVATE_SECONDARY & 1) r.known &= FIELD_OF(PROC2_CONTROLS, &proc2);
    r.offsetting = proc >> PROC_TSC_OFFSETTING & 1;
    r.scaling = r.offsetting && proc2 >> PROC2_TSC_SCALING & 1;
    if (r.offsetting) r.known &= FIELD_OF(TSC_OFFSET, &r.offset);
    if (r.scaling) r.known &= FIELD_OF(TSC_MULTIPLIER, &r.multiplier);
#undef FIELD_OF
    return r;
}

static void print_rule(struct monitor *monitor, const struct tsc_rule *r) {
    if (!r->offsetting) {
        print(monitor, "as it is: \"use TSC offsetting\" is 0\n");
        return;
    }
    if (r->scaling)
        print(monitor, "* %u.%06u ", (unsigned)(r->multiplier >> 48),
              (unsigned)(((r->multiplier & (BIT(48) - 1)) * (unsigned __int128)1000000) >> 48));
    print(monitor, "%s %" PRIu64 "\n", (int64_t)r->offset < 0 ? "-" : "+",
          (int64_t)r->offset < 0 ? -r->offset : r->offset);
}

static void print_level(struct monitor *monitor, unsigned level, uint64_t root) {
    struct view view;
    if (!view_make(&monitor->look, (int)level, &view)) return;
    struct tsc_rule r = rule_of(monitor, &view, false);
    uint64_t scaled = (uint64_t)((unsigned __int128)root * r.multiplier >> 48);
    print(monitor, "level %u  %20" PRIu64 "  that of level 0 ", level, scaled + r.offset);
    print_rule(monitor, &r);
    if (view_field(&view, FIELD_PROC_CONTROLS) >> PROC_RDTSC_EXITING & 1)
        print(monitor, "%30s  but RDTSC exits: its hypervisor answers\n", "");
    if (level < 2) return;
    r = rule_of(monitor, &view, true);
    print(monitor, "%30s  level %u asked for: that of level %u ", "", level - 1, level - 1);
    if (r.known)
        print_rule(monitor, &r);
    else
        print(monitor, "... not seen so far\n");
}

bool info_tsc(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct cpu *cpu = look_cpu(&monitor->look);
    uint64_t cycles = cpu_cycles_now(cpu), root = cycles + cpu->time.tsc_base;
    print(monitor, "level 0  %20" PRIu64 "  the processor's cycles %s %" PRIu64 ", IA32_TSC_ADJUST %" PRId64 "\n", root,
          (int64_t)cpu->time.tsc_base < 0 ? "-" : "+",
          (int64_t)cpu->time.tsc_base < 0 ? -cpu->time.tsc_base : cpu->time.tsc_base, (int64_t)cpu->msr.tsc_adjust);
    for (unsigned level = 1; cpu->wire.extension && level < VMX_LEVELS; level++)
        if (view_exists(&monitor->look, level)) print_level(monitor, level, root);
    return true;
}
