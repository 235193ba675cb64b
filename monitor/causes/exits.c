// VM exits in numbers, and loops of them; see exits.h.
#include "monitor/causes/exits.h"
#include "monitor/vmcs/intercepts.h"
#include <stddef.h>

struct exit_total exit_total(const struct cpu *cpu, unsigned level) {
    struct exit_total total = {.entries = vmx_entry_count(cpu, level)};
    for (unsigned r = 0; r < VMX_REASONS; r++) {
        total.exits += vmx_exit_count(cpu, level, r);
        total.cycles += vmx_exit_cycles(cpu, level, r);
    }
    return total;
}

bool exit_count_next(const struct cpu *cpu, unsigned level, unsigned *reason, struct exit_count *out) {
    for (; *reason < VMX_REASONS; ++*reason) {
        uint64_t count = vmx_exit_count(cpu, level, *reason);
        if (!count) continue;
        *out = (struct exit_count){*reason, count, vmx_exit_cycles(cpu, level, *reason)};
        ++*reason;
        return true;
    }
    return false;
}

bool exit_price_next(const struct history_cpu *past, unsigned level, int reason, unsigned *kind) {
    for (; *kind < COST_KINDS; ++*kind) {
        const struct cost_kind *k = &past->cost.kind[*kind];
        if (k->level == level && k->count && (reason < 0 || k->reason == (uint32_t)reason)) return true;
    }
    return false;
}

const struct cost_part *exit_part_next(const struct history_cpu *past, unsigned kind, unsigned *part) {
    for (; *part < COST_PARTS; ++*part) {
        const struct cost_part *p = &past->cost.part[*part];
        if (p->used && p->outer == kind && p->count) return &past->cost.part[(*part)++];
    }
    return NULL;
}

static void add(struct cost_sum *to, const struct cost_sum *more) {
    to->cycles += more->cycles;
    to->steps += more->steps;
}

void exit_price_add(struct exit_price *to, const struct history_cpu *past, unsigned kind) {
    const struct cost_kind *k = &past->cost.kind[kind];
    const struct cost_part *p;
    to->count += k->count;
    add(&to->all, &k->all);
    add(&to->level0, &k->level0);
    add(&to->own, &k->own);
    for (unsigned part = 0; (p = exit_part_next(past, kind, &part));) to->inside += p->count;
    if (k->worst_cycles < to->worst_cycles) return;
    to->worst_cycles = k->worst_cycles;
    to->worst_step = k->worst_step;
}

const struct history_loop *exit_loop(const struct history_cpu *past, unsigned level) {
    enum { IN_A_ROW = 2 }; // once more may be chance
    return level < HISTORY_LEVELS && past->loop[level].times >= IN_A_ROW ? &past->loop[level] : NULL;
}

static const struct {
    unsigned reason;
    bool whether; // the qualification, the interruption information must have:
    uint64_t bits;
    const char *text;
} loop_hints[] = {
#define LOOP_HINT(reason, whether, bits, text) {EXIT_##reason, whether, bits, text},
#include "monitor/causes/loop_hint.def"
#undef LOOP_HINT
};

const char *exit_loop_hint(const struct history_loop *l) {
    for (unsigned i = 0; i < sizeof loop_hints / sizeof *loop_hints; i++) {
        bool same = loop_hints[i].reason == (l->exit.reason & UINT16_MAX);
        uint64_t about = l->exit.reason == EXIT_EXTERNAL_INTERRUPT ? l->exit.interruption : l->exit.qualification;
        if (same && (!loop_hints[i].bits || ((about & loop_hints[i].bits) != 0) == loop_hints[i].whether))
            return loop_hints[i].text;
    }
    return "if the exit was for an instruction that is done: add the instruction length (VMCS field 440CH) to "
           "GUEST_RIP before VMRESUME";
}

unsigned exit_loop_facts(const struct cpu *cpu, const struct history_cpu *past, unsigned level, struct fact *facts,
                         unsigned max) {
    const struct history_loop *l = exit_loop(past, level);
    const struct place nowhere = {.space = PLACE_NONE, .level = (uint8_t)level};
    if (!l || !max) return 0;
    facts[0] =
        (struct fact){.rule = "no progress",
                      .hint = exit_loop_hint(l),
                      .text = "the guest was entered where it left, its registers unchanged: what its hypervisor "
                              "did about the exit did not help",
                      .holds = true,
                      .because = FACT_NO_CAUSE};
    fact_value(&facts[0], "times", nowhere, l->times + 1, 0, 0);
    fact_value(&facts[0], "exit reason", nowhere, l->exit.reason & UINT16_MAX, 0, 0);
    fact_value(&facts[0], "RIP", nowhere, l->exit.rip, 0, 0);
    fact_value(&facts[0], "first step", nowhere, l->first_step, 0, 0);
    fact_value(&facts[0], "step", nowhere, l->exit.step, 0, 0);
    unsigned count = exit_facts(cpu, &l->exit, facts + 1, max - 1);
    for (unsigned i = 1; i <= count; i++) facts[i].because = 0;
    return count + 1;
}
