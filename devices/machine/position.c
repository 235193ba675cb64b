// Positions: where the machine is, whether it is there yet, and how far it may go at once so that it does not miss one.
// docs/internals/inputs.md.
#include "cpu/engine/cpu_run.h"
#include "devices/machine/machine_private.h"

static const struct cpu *in_turn(const struct machine *m) { return m->cpu[m->turns.processor]; }

void machine_position(const struct machine *m, struct position *out) {
    *out = (struct position){.cycle = machine_local_now(m),
                             .steps = machine_steps(m),
                             .round = m->config.cpus > 1 ? m->turns.end : 0,
                             .processor = m->turns.processor,
                             .events = cpu_boundary_events(in_turn(m)),
                             .after_events = machine_held(m)};
}

// After the last turn of a round, and before the first of the next.
static bool between_rounds(const struct position *p) { return p->processor == 0 && p->cycle >= p->round; }

static enum position_order order(uint64_t wanted, uint64_t now) {
    return wanted > now ? POSITION_AHEAD : wanted < now ? POSITION_BEHIND : POSITION_HERE;
}

// Of two moments at the same step: by the round, the turn in it, and the time in that.
static enum position_order order_in_time(const struct position *p, const struct position *now) {
    if (p->round != now->round) return order(p->round, now->round);
    if (between_rounds(p) != between_rounds(now)) return order(between_rounds(p), between_rounds(now));
    if (p->processor != now->processor) return order(p->processor, now->processor);
    return order(p->cycle, now->cycle);
}

static enum position_order order_in_boundary(const struct position *p, const struct position *now) {
    if (p->after_events && !now->after_events) return now->events > p->events ? POSITION_BEHIND : POSITION_AHEAD;
    if (p->after_events != now->after_events) return POSITION_BEHIND;
    return p->after_events ? POSITION_HERE : order(p->events, now->events);
}

enum position_order position_compare(const struct position *p, const struct position *with) {
    if (p->steps != with->steps) return order(p->steps, with->steps);
    enum position_order in_time = order_in_time(p, with);
    return in_time == POSITION_HERE ? order_in_boundary(p, with) : in_time;
}

enum position_order position_order(const struct machine *m, const struct position *p) {
    struct position now;
    machine_position(m, &now);
    return position_compare(p, &now);
}

// Idle time of several processors passes between rounds, or within the turn of one.
static void limit_idle(const struct machine *m, const struct position *p, struct position_limits *l) {
    bool between = m->config.cpus > 1 && between_rounds(p);
    uint64_t *limit = between ? &l->round : &l->cycle, at = between ? p->round : p->cycle;
    if (!between && (p->processor != m->turns.processor || at <= machine_local_now(m))) return;
    if (at < *limit) *limit = at;
}

static void limit(const struct machine *m, const struct position *p, struct position_limits *l) {
    struct position now;
    machine_position(m, &now);
    if (position_order(m, p) != POSITION_AHEAD) return;
    if (p->steps > now.steps) {
        if (p->steps - now.steps < l->steps) l->steps = p->steps - now.steps;
        return;
    }
    l->hold = true; // no step comes before it
    limit_idle(m, p, l);
    if (order_in_time(p, &now) == POSITION_HERE && !p->after_events && p->events < l->events) l->events = p->events;
}

struct position_limits position_limits(const struct machine *m) {
    struct position_limits limits = {.steps = ~0ull, .cycle = ~0ull, .round = ~0ull, .events = ~0u};
    if (m->goal) limit(m, m->goal, &limits);
    if (m->replay) limit(m, &m->replay->at, &limits);
    return limits;
}

bool position_reached(const struct machine *m) { return m->goal && position_order(m, m->goal) != POSITION_AHEAD; }

bool position_comes(const struct machine *m) {
    return position_reached(m) || (m->replay && position_order(m, &m->replay->at) != POSITION_AHEAD);
}

// A processor was held back although nothing is to happen here: what was waited for does not come any more.
int position_missed(const struct machine *m) {
    if (position_comes(m)) return -1;
    return m->goal && m->goal->steps == machine_steps(m) ? MACHINE_STEPS : MACHINE_LOST;
}

enum run_result position_run(struct cpu *cpu, uint64_t steps, uint64_t cycle, const struct position_limits *limits) {
    if (limits->hold) cpu_hold(cpu, limits->events);
    enum run_result result = cpu_run_until(cpu, steps < limits->steps ? steps : limits->steps, cycle);
    if (limits->hold) cpu_let_go(cpu);
    return result;
}

enum machine_stop machine_run_to(struct machine *m, const struct position *position) {
    m->goal = position;
    enum machine_stop why = machine_run(m, ~0ull);
    m->goal = NULL;
    return why;
}
