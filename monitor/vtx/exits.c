// exits: the table of VM exits per level and reason; exits loop: the same exit again and again, without progress.
#include "monitor/causes/exits.h"
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vtx/vtx.h"
#include "monitor/vtx/why.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>
#include <string.h>

// Until the level ran again. For a guest of level 0 that is the next entry.
static uint64_t whole_cycles(const struct history_cpu *past, unsigned level, const struct exit_count *c) {
    struct exit_price price = {0};
    if (level < 2) return c->cycles / c->count;
    for (unsigned kind = 0; exit_price_next(past, level, (int)c->reason, &kind); kind++)
        exit_price_add(&price, past, kind);
    return price.count ? price.all.cycles / price.count : 0;
}

static void print_level(struct monitor *monitor, const struct cpu *cpu, unsigned level) {
    const struct exit_total all = exit_total(cpu, level);
    struct exit_count c;
    for (unsigned reason = 0; exit_count_next(cpu, level, &reason, &c);)
        print(monitor, "%5u  %-22s %10" PRIu64 "  %5.1f%%  %14" PRIu64 "  %10" PRIu64 "  %12" PRIu64 "\n", level,
              vmx_exit_name(c.reason), c.count, 100.0 * (double)c.count / (double)all.exits, c.cycles,
              c.cycles / c.count, whole_cycles(look_past(&monitor->look), level, &c));
    if (all.exits)
        print_in(monitor, BOLD, "%5u  %-22s %10" PRIu64 "  %6s  %14" PRIu64 "\n", level, "all", all.exits, "",
                 all.cycles);
    if (all.entries) print(monitor, "%5u  %-22s %10" PRIu64 "\n", level, "(VM entries)", all.entries);
}

static bool print_table(struct monitor *monitor) {
    const struct cpu *cpu = look_cpu(&monitor->look);
    if (!cpu->wire.extension) return monitor_error(monitor, "exits: this processor has no VT-x");
    print_in(monitor, BOLD, "level  %-22s %10s  %6s  %14s  %10s  %12s\n", "VM exit", "count", "share",
             "cycles to entry", "each", "until it ran");
    for (unsigned level = 0; level < VMX_LEVELS; level++) print_level(monitor, cpu, level);
    if (vmx_failed_entry_count(cpu))
        print(monitor, "       %-22s %10" PRIu64 "\n", "(VM entries failed)", vmx_failed_entry_count(cpu));
    if (exit_total(cpu, 2).exits)
        print(monitor,
              "cycles to entry: what level 0 did at once, up to its next entry of any guest; until it ran: all "
              "that was done,\nby every level, until this one ran again, as in exits cost and .stat\n");
    return true;
}

// --- loops ---

void exits_tell_loop(struct monitor *monitor, unsigned level, const struct history_loop *l) {
    const struct history_exit *e = &l->exit;
    char name[160];
    const char *reason = vmx_exit_name(e->reason & UINT16_MAX);
    print_in(monitor, RED, "level %u: VM exit %s %" PRIu64 " times in a row without progress\n", level,
             reason ? reason : "?", l->times + 1);
    print(monitor, "  from step %" PRIu64 " to %" PRIu64 ", always at RIP %" PRIx64, l->first_step, e->step, e->rip);
    if (*symbols_name(monitor->look.symbols, (int)level, e->rip, name, sizeof name)) print(monitor, " <%s>", name);
    print(monitor, "\n  qualification 0x%" PRIx64, e->qualification);
    why_qualification(monitor, e->reason & UINT16_MAX, e->qualification);
    print(monitor, "\n");
    if (e->reason == EXIT_EPT_VIOLATION || e->reason == EXIT_EPT_MISCONFIGURATION)
        print(monitor, "  guest-physical 0x%" PRIx64 ", linear 0x%" PRIx64 "  (walk @%u:gpa:0x%" PRIx64 ")\n",
              e->physical, e->linear, level, e->physical);
    print(monitor, "  the guest was entered where it left, its registers unchanged: what its hypervisor did about it\n"
                   "  did not help\n");
    print_in(monitor, BOLD, "  hint: %s\n", exit_loop_hint(l));
}

// What the last exit of each level was, so that what is said of it can be seen.
static void print_no_loop(struct monitor *monitor, const struct history_cpu *c) {
    print(monitor,
          c->has_exit ? "no exit repeats without progress; the last ones were\n" : "there was no VM exit yet\n");
    for (unsigned level = 1; level < VMX_LEVELS; level++) {
        const struct history_loop *l = &c->loop[level];
        const char *reason = vmx_exit_name(l->exit.reason & UINT16_MAX);
        if (!exit_total(look_cpu(&monitor->look), level).exits) continue;
        print(monitor, "  level %u: %s at step %" PRIu64 ", RIP %" PRIx64 "%s\n", level, reason ? reason : "?",
              l->exit.step, l->exit.rip, l->times ? ", as the one before it, once: that may be chance" : "");
    }
}

static bool print_loops(struct monitor *monitor) {
    bool any = false;
    if (!look_history(&monitor->look)) return false;
    const struct history_cpu *c = look_past(&monitor->look);
    for (unsigned level = 1; level < VMX_LEVELS; level++) {
        const struct history_loop *loop = exit_loop(c, level);
        if (loop) exits_tell_loop(monitor, level, loop);
        any |= loop != NULL;
    }
    if (!any) print_no_loop(monitor, c);
    return true;
}

bool command_exits(struct monitor *monitor, const char *arguments) {
    char word[32];
    if (!take_word(&arguments, word, sizeof word)) return print_table(monitor);
    if (word_is(word, "cost", 1)) return exits_cost(monitor, arguments);
    if (!word_is(word, "loop", 1))
        return monitor_error(monitor, "exits %s? exits alone, exits cost or exits loop", word);
    return take_end(&monitor->look, arguments) && print_loops(monitor);
}
