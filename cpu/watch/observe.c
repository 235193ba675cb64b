// Telling observers what a processor does; see observe.h.
#include "cpu/watch/observe.h"

const struct observe_row *observe_row(unsigned kind) {
    static const struct observe_row rows[] = {
#define OBSERVE(name, text, number, value, old, linear, physical, information)                                         \
    {#name, text, number, value, old, linear, physical, information},
#include "cpu/watch/observe.def"
#undef OBSERVE
    };
    return kind < OBSERVE_COUNT ? &rows[kind] : NULL;
}

void observe_tell(struct cpu *cpu, const struct op *op, struct sight *sight) {
    sight->step = cpu_steps(cpu, op) + (op ? 1 : 0);
    sight->rip = op ? op_rip(cpu, op) : cpu->rip;
    for (const struct observer *o = cpu->observation.observers; o; o = o->next)
        if (o->wanted & BIT(sight->kind)) o->see(o->context, cpu, sight);
}
