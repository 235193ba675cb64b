// Timing models for tests: what a step costs follows from how many steps this processor has done, and from nothing
// else.
#ifndef TESTS_CHARGE_H
#define TESTS_CHARGE_H
#include "cpu/state/timing.h"

enum charge_kind { CHARGE_SEVEN, CHARGE_TURNS /* 0 and 1 */, CHARGE_UNEVEN, CHARGE_NOTHING, CHARGE_KINDS };

struct charge {
    uint64_t kind;  // enum charge_kind
    uint64_t count; // of attempts
    uint64_t retired;
    struct timing timing;
};

static const struct state_field charge_fields[] = {
    STATE_ONE(struct charge, kind),
    STATE_ONE(struct charge, count),
    STATE_ONE(struct charge, retired),
};
static const struct state_table charge_state = STATE_TABLE("timing", charge_fields);

static uint64_t charge_retire(void *state, const struct cpu *cpu, const struct retired *retired) {
    struct charge *c = state;
    (void)cpu;
    c->count++;
    c->retired += retired->retired;
    switch (c->kind) {
    case CHARGE_SEVEN: return 7;
    case CHARGE_TURNS: return c->count & 1;
    case CHARGE_UNEVEN: return c->count * 0x9e3779b97f4a7c15 >> 61 ? c->count % 4 : c->count * 0x2545f491 % 5000;
    default: return 0;
    }
}

static inline const struct timing *charge_new(struct charge *c, enum charge_kind kind) {
    *c = (struct charge){.kind = kind};
    c->timing = (struct timing){.state = c, .table = &charge_state, .retire = charge_retire};
    return &c->timing;
}

#endif
