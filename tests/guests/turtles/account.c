// What this level did, in figures: the VM exits that came here, by reason, from L1 and from L2, and of those from L2
// which were handled here and which reflected; for these, what each cost until L1 resumed L2: exits of L1, cycles of
// the clock (the TSC, which counts while anybody runs).
#include "guest.h"

static const char *const names[REASONS] = {
#define REASON(number, name) [number] = #name,
#include "reasons.def"
#undef REASON
};

static uint64_t from_l1[REASONS], from_l2[REASONS], reflected[REASONS], cost_exits[REASONS], cost_cycles[REASONS];
static uint64_t l1_exits;
static bool open; // L1 is busy with a reflected exit:
static unsigned open_reason;
static uint64_t open_exits, open_cycles;

void account_exit(bool l2, unsigned reason) {
    if (reason >= REASONS) return;
    if (l2) {
        from_l2[reason]++;
        return;
    }
    from_l1[reason]++;
    l1_exits++;
}

void account_reflect(unsigned reason) {
    reflected[reason]++;
    open = true;
    open_reason = reason;
    open_exits = l1_exits;
    open_cycles = rdtsc();
}

void account_nested_entry(void) {
    if (!open) return;
    cost_exits[open_reason] += l1_exits - open_exits;
    cost_cycles[open_reason] += rdtsc() - open_cycles;
    open = false;
}

static uint64_t sum(const uint64_t *counts) {
    uint64_t total = 0;
    for (unsigned i = 0; i < REASONS; i++) total += counts[i];
    return total;
}

static void row(const char *name, uint64_t l1, uint64_t l2, uint64_t to_l1, uint64_t exits, uint64_t cycles) {
    print("  %-21s %9lu", name, l1);
    if (l2 | to_l1) {
        print(" %9lu %9lu", l2 > to_l1 ? l2 - to_l1 : 0, to_l1);
        if (to_l1) print(" %7lu.%lu %9lu", exits / to_l1, exits * 10 / to_l1 % 10, cycles / to_l1);
    }
    print("\n");
}

void account_print(void) {
    bool nested = sum(from_l2);
    print("account of level %u, VMCS shadowing %s\n", our_level, shadowing_wanted ? "on" : "off");
    print("  VM exit                 from L%u%s\n", our_level + 1,
          nested ? "    here   reflected  exits    cycles" : "");
    for (unsigned i = 0; i < REASONS; i++)
        if (from_l1[i] | from_l2[i] | reflected[i])
            row(names[i], from_l1[i], from_l2[i], reflected[i], cost_exits[i], cost_cycles[i]);
    row("all", sum(from_l1), sum(from_l2), sum(reflected), sum(cost_exits), sum(cost_cycles));
}
