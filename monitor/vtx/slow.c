// why slow: what the exits of guests of guests that cost most in all cost, piece by piece: at each level, by the exits that were made for
// them, and under the timing model of a core what level 0's cycles after each of these went to.
#include "cpu/timing/count.h"
#include "monitor/causes/exits.h"
#include "monitor/session/monitor.h"
#include "monitor/vtx/vtx.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>

// The dearest kind of exits of the level, all of its exits together; false: there is none.
static bool dearest(const struct history_cpu *past, unsigned level, unsigned *out) {
    uint64_t most = 0;
    for (unsigned kind = 0; exit_price_next(past, level, -1, &kind); kind++) {
        uint64_t cycles = past->cost.kind[kind].all.cycles;
        if (cycles > most) most = cycles, *out = kind;
    }
    return most;
}

static void print_went(struct monitor *monitor, unsigned level, unsigned reason) {
    const struct timing_account *account = machine_timing_account(monitor->look.machine, monitor->look.processor);
    const struct timing_reason *r = account && reason < TIMING_REASONS ? &account->reason[level > 1][reason] : NULL;
    if (!r || !r->count) return;
    print_in(monitor, BOLD, "    level 0 after an exit %s of level %s", vmx_exit_name(reason), level > 1 ? "2 or more" : "1");
    print(monitor, ": %.1f cycles until it entered a guest again\n", (double)timing_cycles(r->cycles) / (double)r->count);
    for (unsigned kind = 0; kind < CYCLES_KINDS; kind++)
        if (r->cycles[kind])
            print(monitor, "    %12.1f  %s\n", (double)r->cycles[kind] / (double)r->count, timing_count_text(kind));
}

// Each reason once, the exit's own first.
static void print_all_went(struct monitor *monitor, const struct history_cpu *past, unsigned kind) {
    bool told[2][TIMING_REASONS] = {0};
    const struct cost_kind *k = &past->cost.kind[kind];
    const struct cost_part *part;
    print_went(monitor, k->level, k->reason);
    for (unsigned at = 0; (part = exit_part_next(past, kind, &at));) {
        const struct cost_kind *inner = &past->cost.kind[part->inner];
        if (inner->reason >= TIMING_REASONS || told[inner->level > 1][inner->reason]) continue;
        told[inner->level > 1][inner->reason] = true;
        print_went(monitor, inner->level, inner->reason);
    }
}

bool why_slow(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *past = look_past(&monitor->look);
    bool any = false;
    for (unsigned level = 2; level < VMX_LEVELS; level++) {
        unsigned kind;
        if (!dearest(past, level, &kind)) continue;
        any = true;
        print(monitor, "The exits of level %u that cost most, all together:\n", level);
        exits_cost_kind(monitor, past, level, kind);
        print_all_went(monitor, past, kind);
    }
    if (!any) print(monitor, "No VM exit of a guest of a guest is known after which it ran again; info cycles says where cycles went.\n");
    return true;
}
