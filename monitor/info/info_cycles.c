// info cycles: where the cycles of each processor went, by level and by the VM exits that level 0 worked on, as the
// timing model of a core has counted them.
#include "cpu/timing/model.h"
#include "monitor/info/info.h"
#include <inttypes.h>
#include <stdio.h>

static double percent(uint64_t part, uint64_t all) { return all ? 100.0 * (double)part / (double)all : 0; }
static double each(uint64_t part, uint64_t count) { return count ? (double)part / (double)count : 0; }

// --- by level ---

// The account in columns: what all levels have together, then each that ran, if there are several.
struct columns {
    struct timing_counts of[TIMING_LEVELS + 1];
    char name[TIMING_LEVELS + 1][16];
    unsigned count;
};

static void columns_make(const struct timing_account *account, struct columns *out) {
    *out = (struct columns){.of = {timing_account_all(account)}, .name = {"all"}, .count = 1};
    for (unsigned level = 0; level < TIMING_LEVELS; level++) {
        const struct timing_counts *counts = &account->level[level];
        if (!counts->of[TIMING_ATTEMPTS] && !timing_cycles(counts->of)) continue;
        snprintf(out->name[out->count], sizeof out->name[0], "level %u", level);
        out->of[out->count++] = *counts;
    }
    if (out->count == 2) out->count = 1;
}

static void print_row(struct monitor *monitor, const struct columns *c, unsigned row) {
    uint64_t all = timing_cycles(c->of[0].of);
    for (unsigned i = 0; i < c->count; i++) {
        print(monitor, "%16" PRIu64, c->of[i].of[row]);
        if (row < CYCLES_KINDS)
            print(monitor, " %5.1f %%", percent(c->of[i].of[row], all));
        else
            print(monitor, "        ");
    }
    print(monitor, "  %s\n", timing_count_text(row));
}

static void print_levels(struct monitor *monitor, const struct columns *c) {
    if (c->count == 1) return;
    for (unsigned i = 0; i < c->count; i++) print_in(monitor, BOLD, "%16s        ", c->name[i]);
    print(monitor, "\n");
    for (unsigned i = 0; i < c->count; i++)
        print(monitor, "%16" PRIu64 " %5.1f %%", timing_cycles(c->of[i].of),
              percent(timing_cycles(c->of[i].of), timing_cycles(c->of[0].of)));
    print(monitor, "  cycles\n");
    for (unsigned i = 0; i < c->count; i++)
        print(monitor, "%16.3f        ", each(timing_cycles(c->of[i].of), c->of[i].of[TIMING_ATTEMPTS]));
    print(monitor, "  an attempt\n");
}

// --- by reason ---

// Kinds that are told together, in so many columns.
static const struct {
    const char *name;
    uint16_t kinds; // bits
} groups[] = {
    {"exit+entry", 1 << CYCLES_EXITS | 1 << CYCLES_ENTRIES},
    {"pipeline", 1 << CYCLES_PIPELINE},
    {"branches", 1 << CYCLES_PREDICTION},
    {"code", 1 << CYCLES_FETCH},
    {"data", 1 << CYCLES_TRANSLATIONS | 1 << CYCLES_L2 | 1 << CYCLES_L3 | 1 << CYCLES_MEMORY | 1 << CYCLES_DEVICES},
    {"walks", 1 << CYCLES_WALKS | 1 << CYCLES_NESTED_WALKS},
    {"events", 1 << CYCLES_EVENTS},
};
enum { GROUPS = sizeof groups / sizeof *groups };
_Static_assert(CYCLES_KINDS == 13, "each kind is in a group");

static void print_reason(struct monitor *monitor, const char *level, unsigned reason, const struct timing_reason *r) {
    const char *name = vmx_exit_name(reason);
    if (!r->count) return;
    print(monitor, "%-7s %-22s %8" PRIu64 " %10.1f", level, name ? name : "?", r->count,
          each(timing_cycles(r->cycles), r->count));
    for (unsigned g = 0; g < GROUPS; g++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < CYCLES_KINDS; i++) sum += groups[g].kinds >> i & 1 ? r->cycles[i] : 0;
        print(monitor, " %10.1f", each(sum, r->count));
    }
    print(monitor, "\n");
}

static void print_reasons(struct monitor *monitor, const struct timing_account *account) {
    static const char *const levels[] = {"1", "deeper"};
    uint64_t any = 0;
    for (unsigned i = 0; i < TIMING_REASONS; i++) any |= account->reason[0][i].count | account->reason[1][i].count;
    if (!any) return;
    print(monitor, "VM exits, each with what level 0 did until it entered a guest again, in cycles on the mean\n");
    print_in(monitor, BOLD, "%-7s %-22s %8s %10s", "level", "VM exit", "count", "cycles");
    for (unsigned g = 0; g < GROUPS; g++) print_in(monitor, BOLD, " %10s", groups[g].name);
    print(monitor, "\n");
    for (unsigned deeper = 0; deeper < 2; deeper++)
        for (unsigned i = 0; i < TIMING_REASONS; i++)
            print_reason(monitor, levels[deeper], i, &account->reason[deeper][i]);
}

static void print_processor(struct monitor *monitor, unsigned index, const struct timing_account *account) {
    uint64_t idle = machine_cpu(monitor->look.machine, index)->time.idle_cycles;
    struct columns c;
    columns_make(account, &c);
    uint64_t all = timing_cycles(c.of[0].of);
    print(monitor, "processor %u: %" PRIu64 " cycles, %.3f an attempt\n", index, all,
          each(all, c.of[0].of[TIMING_ATTEMPTS]));
    if (idle) print(monitor, "%16" PRIu64 "          idle since power-up: nothing to run\n", idle);
    print_levels(monitor, &c);
    for (unsigned row = 0; row < TIMING_COUNTS; row++) print_row(monitor, &c, row);
    print_reasons(monitor, account);
}

bool info_cycles(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct machine *m = monitor->look.machine;
    if (!machine_timing_account(m, 0)) {
        print(
            monitor,
            "Each step is one cycle. -timing golden-cove makes a machine whose steps take what they take on a core.\n");
        return true;
    }
    for (unsigned i = 0; machine_timing_account(m, i); i++) print_processor(monitor, i, machine_timing_account(m, i));
    return true;
}
