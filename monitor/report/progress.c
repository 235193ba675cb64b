// Guests that get nowhere: the same VM exit again and again,SDM Vol. 3C, 27.2.1.
// NOT IMPLEMENTED: storms of VM exits; interrupts that are closed for longer than a bound.
#include "monitor/report/guests.h"
#include <stdlib.h>

enum { SAME_TIMES = 8 };

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    const struct history_loop *l = &vmx_history_cpu(cpu)->loop[level];
    if (l->times != SAME_TIMES) return;
    // After the exit nobody has run yet: it is the entry before that was in vain.
    struct report r = report_at(cpu, RULE_progress_same_exit, s);
    report_value(&r, "exit reason", (struct place){0}, s->number);
    report_value(&r, "exit qualification", (struct place){0}, s->value);
    if (s->physical)
        report_value(&r, "guest-physical address",
                     (struct place){.space = PLACE_GUEST, .level = (uint8_t)level, .address = s->physical, .bytes = 8},
                     s->physical);
    r.same = s->number;
    r.began = "the first of these exits";
    r.beginning = (struct report_moment){
        .step = l->first_step, .rip = l->exit.rip, .processor = (uint32_t)cpu->id, .level = level};
    report_file(reports, cpu, &r);
}

static bool begin(struct reports *reports) { return reports; }
static void end(struct reports *reports) { (void)reports; }

const struct detector detector_PROGRESS = {.wanted = BIT(OBSERVE_EXIT), .begin = begin, .see = see, .end = end};
