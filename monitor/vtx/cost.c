// exits cost: what exits of a guest of a guest cost, in the manner of the tables of the Turtles paper (Ben-Yehuda et
// al., OSDI 2010, 4): all that was done until the guest ran again, at each level, and the exits that were made for it.
#include "monitor/causes/exits.h"
#include "monitor/expression/expression.h"
#include "monitor/explain/msr_name.h"
#include "monitor/session/monitor.h"
#include "monitor/vtx/vtx.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cost_question {
    const struct history_cpu *past;
    unsigned level;
    int reason; // -1: of all
};

static double mean(uint64_t sum, uint64_t count) { return count ? (double)sum / (double)count : 0; }

static const char *reason_name(uint32_t reason) {
    const char *name = vmx_exit_name(reason);
    return name ? name : "?";
}

// "WRMSR 0x6e0 IA32_TSC_DEADLINE", "IO_INSTRUCTION port 0x3f8".
static const char *kind_name(const struct cost_kind *k, char *text, size_t size) {
    bool io = k->reason == EXIT_IO_INSTRUCTION;
    const char *msr = !io && k->has_detail ? msr_name(k->detail) : NULL;
    snprintf(text, size, "%s", reason_name(k->reason));
    size_t used = strlen(text);
    if (k->has_detail)
        snprintf(text + used, size - used, " %s0x%" PRIx32 "%s%s", io ? "port " : "", k->detail, msr ? " " : "",
                 msr ? msr : "");
    return text;
}

// --- all reasons ---

static void print_price(struct monitor *monitor, enum colour colour, const char *name, const struct exit_price *p,
                        unsigned level) {
    print_in(monitor, colour, "%-22s %8" PRIu64 " %7.2f %12.1f %12.1f", name, p->count, mean(p->inside, p->count),
             mean(p->all.cycles, p->count), mean(p->level0.cycles, p->count));
    print_in(monitor, colour, " %12.1f", mean(p->own.cycles, p->count));
    if (level > 2)
        print_in(monitor, colour, " %12.1f", mean(p->all.cycles - p->level0.cycles - p->own.cycles, p->count));
    print_in(monitor, colour, " %12" PRIu64 "  %" PRIu64 "\n", p->worst_cycles, p->worst_step);
}

static void print_head(struct monitor *monitor, unsigned level) {
    char own[16];
    snprintf(own, sizeof own, "level %u", level - 1);
    print(monitor,
          "VM exits of level %u, each with all that was done until the guest ran again, in cycles on the mean\n",
          level);
    print_in(monitor, BOLD, "%-22s %8s %7s %12s %12s %12s", "VM exit", "count", "exits", "cycles", "level 0", own);
    if (level > 2) print_in(monitor, BOLD, " %12s", "others");
    print_in(monitor, BOLD, " %12s  %s\n", "worst", "at step");
}

static bool print_reasons(struct monitor *monitor, const struct cost_question *q) {
    struct exit_price all = {0};
    print_head(monitor, q->level);
    for (int reason = 0; reason < VMX_REASONS; reason++) {
        struct exit_price p = {0};
        for (unsigned kind = 0; exit_price_next(q->past, q->level, reason, &kind); kind++) {
            exit_price_add(&p, q->past, kind);
            exit_price_add(&all, q->past, kind);
        }
        if (p.count) print_price(monitor, PLAIN, reason_name((uint32_t)reason), &p, q->level);
    }
    print_price(monitor, BOLD, "all", &all, q->level);
    print(monitor, "exits: those of other levels that were made for one; exits cost REASON lists them\n");
    return true;
}

// --- one reason ---

static void print_levels(struct monitor *monitor, const struct cost_kind *k) {
    const struct cost_sum *sums[] = {&k->level0, &k->own};
    const unsigned levels[] = {0, k->level - 1};
    for (unsigned i = 0; i < 2; i++)
        print(monitor, "    level %u %12.1f cycles %12.1f steps\n", levels[i], mean(sums[i]->cycles, k->count),
              mean(sums[i]->steps, k->count));
    const uint64_t cycles = k->all.cycles - k->level0.cycles - k->own.cycles,
                   steps = k->all.steps - k->level0.steps - k->own.steps;
    if (cycles)
        print(monitor, "    others  %12.1f cycles %12.1f steps\n", mean(cycles, k->count), mean(steps, k->count));
}

// The most cycles first.
static int by_cycles(const void *a, const void *b) {
    const struct cost_part *const *x = a, *const *y = b;
    if ((*x)->all.cycles != (*y)->all.cycles) return (*x)->all.cycles > (*y)->all.cycles ? -1 : 1;
    return (*x)->inner < (*y)->inner ? -1 : (*x)->inner > (*y)->inner;
}

static void print_parts(struct monitor *monitor, const struct cost_question *q, unsigned kind) {
    const struct cost_part *parts[COST_PARTS];
    unsigned count = 0;
    char name[96];
    for (unsigned at = 0; count < COST_PARTS && (parts[count] = exit_part_next(q->past, kind, &at));) count++;
    qsort(parts, count, sizeof *parts, by_cycles);
    if (count) print_in(monitor, BOLD, "    %-50s %8s %12s\n", "made for it", "each", "cycles each");
    for (unsigned i = 0; i < count; i++) {
        const struct cost_kind *inner = &q->past->cost.kind[parts[i]->inner];
        print(monitor, "    level %u  %-41s %8.2f %12.1f\n", inner->level, kind_name(inner, name, sizeof name),
              mean(parts[i]->count, q->past->cost.kind[kind].count), mean(parts[i]->all.cycles, parts[i]->count));
    }
}

static void print_kind(struct monitor *monitor, const struct cost_question *q, unsigned kind) {
    const struct cost_kind *k = &q->past->cost.kind[kind];
    char name[96];
    print_in(monitor, BOLD, "level %u  %s", k->level, kind_name(k, name, sizeof name));
    print(monitor, ": %" PRIu64 " time%s, each %.1f cycles on the mean, the worst %" PRIu64 " at step %" PRIu64 "\n",
          k->count, k->count == 1 ? "" : "s", mean(k->all.cycles, k->count), k->worst_cycles, k->worst_step);
    print_levels(monitor, k);
    print_parts(monitor, q, kind);
}

void exits_cost_kind(struct monitor *monitor, const struct history_cpu *past, unsigned level, unsigned kind) {
    const struct cost_question q = {past, level, -1};
    print_kind(monitor, &q, kind);
}

static int by_price(const void *a, const void *b) {
    const struct cost_kind *const *x = a, *const *y = b;
    if ((*x)->all.cycles != (*y)->all.cycles) return (*x)->all.cycles > (*y)->all.cycles ? -1 : 1;
    return (*x)->detail < (*y)->detail ? -1 : (*x)->detail > (*y)->detail;
}

// The dearest together first.
static bool print_kinds(struct monitor *monitor, const struct cost_question *q) {
    const struct cost_kind *kinds[COST_KINDS];
    unsigned count = 0;
    for (unsigned kind = 0; exit_price_next(q->past, q->level, q->reason, &kind); kind++)
        kinds[count++] = &q->past->cost.kind[kind];
    qsort(kinds, count, sizeof *kinds, by_price);
    for (unsigned i = 0; i < count; i++) print_kind(monitor, q, (unsigned)(kinds[i] - q->past->cost.kind));
    if (!count) print(monitor, "level %u made no such VM exit and ran again\n", q->level);
    return true;
}

// --- the command ---

// The name of a reason, or the beginning of only one.
static int reason_of(const char *word) {
    int found = -1;
    for (int r = 0; r < VMX_REASONS; r++) {
        const char *name = vmx_exit_name((unsigned)r);
        if (!name || strncasecmp(name, word, strlen(word)) != 0) continue;
        if (strlen(name) == strlen(word)) return r;
        found = found == -1 ? r : -2;
    }
    return found;
}

static bool take_question(struct monitor *monitor, const char *arguments, struct cost_question *q) {
    char word[32];
    uint64_t level = 2;
    while (take_word(&arguments, word, sizeof word)) {
        if (word_is(word, "level", 2)) {
            if (!take_value(&monitor->look, &arguments, &level)) return false;
        } else if ((q->reason = reason_of(word)) < 0) {
            return monitor_error(monitor, "exits cost %s: no exit reason %s so; exits lists those there were", word,
                                 q->reason == -1 ? "begins" : "alone begins");
        }
    }
    if (level < 2 || level >= VMX_LEVELS)
        return monitor_error(
            monitor, "exits cost: guests of guests have levels 2 to %d; an exit of level 1 costs what exits says",
            VMX_LEVELS - 1);
    q->level = (unsigned)level;
    return true;
}

bool exits_cost(struct monitor *monitor, const char *arguments) {
    struct cost_question q = {.reason = -1};
    if (!look_history(&monitor->look) || !take_question(monitor, arguments, &q)) return false;
    q.past = look_past(&monitor->look);
    unsigned kind = 0;
    if (!exit_price_next(q.past, q.level, -1, &kind)) {
        print(monitor, "No VM exit of level %u is known after which it ran again.\n", q.level);
        return true;
    }
    bool done = q.reason < 0 ? print_reasons(monitor, &q) : print_kinds(monitor, &q);
    if (q.past->cost.lost)
        print(monitor, "(%" PRIu64 " more exits of rare kinds are not told apart)\n", q.past->cost.lost);
    return done;
}
