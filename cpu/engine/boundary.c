// Events at an instruction boundary. SDM Vol. 3A, 6.9 and Table 6-2 (priority), 6.7.1 (NMIs), 6.8.1, 6.8.3
// (inhibition).
// NOT IMPLEMENTED: SMI.
#include "cpu/engine/boundary.h"
#include "cpu/engine/body.h"
#include "cpu/event/event.h"
#include "cpu/event/segment.h"
#include "cpu/memory/mode.h"

const struct boundary_row boundary_rows[BOUNDARY_CAUSES] = {
#define BOUNDARY(name, class, pending, blocked, then, text) {class, text},
#include "cpu/engine/boundary.def"
#undef BOUNDARY
};

// --- taking them ---

static enum outcome deliver(struct cpu *cpu, enum event_type type, uint8_t vector, uint64_t payload) {
    struct event event = {.vector = vector, .type = (uint8_t)type, .payload = payload};
    cpu->observation.events++;
    return carry_out(cpu, event_deliver(cpu, &event));
}

// SDM Vol. 3A, 8.4.1, 9.1.4: INIT leaves a bootstrap processor at its reset vector and others waiting for SIPI.
static enum outcome take_INIT(struct cpu *cpu) {
    cpu->observation.events++;
    cpu_reset(cpu, true);
    if (cpu->wire.platform->init) cpu->wire.platform->init(cpu->wire.platform->machine, cpu);
    return OUT_OK;
}

static enum outcome take_SIPI(struct cpu *cpu) {
    cpu->observation.events++;
    cpu_pend(cpu, PENDING_SIPI, false);
    if (cpu->boundary.activity != ACTIVITY_WAIT_FOR_SIPI) {
        if (cpu->wire.extension) cpu->wire.extension->discards_sipi(cpu);
        return OUT_OK;
    }
    segment_load_real(cpu, CS, (uint16_t)((cpu->boundary.sipi_vector & 255) << 8));
    cpu->rip = 0;
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_update_mode(cpu);
    return OUT_OK;
}

static enum outcome take_DEBUG(struct cpu *cpu) {
    uint64_t bits = cpu->boundary.pending_debug;
    cpu->boundary.pending_debug = 0;
    cpu_pend(cpu, PENDING_DEBUG, false);
    return deliver(cpu, EVENT_HARDWARE_EXCEPTION, VECTOR_DB, bits);
}

static enum outcome take_NMI(struct cpu *cpu) {
    cpu_pend(cpu, PENDING_NMI, false);
    cpu->boundary.nmi_blocked = 1;
    return deliver(cpu, EVENT_NMI, VECTOR_NMI, 0);
}

static enum outcome take_INTERRUPT(struct cpu *cpu) {
    int vector = cpu->wire.platform->acknowledge(cpu->wire.platform->machine, cpu);
    cpu->observation.events++;
    if (vector < 0) return OUT_OK;
    return deliver(cpu, EVENT_EXTERNAL, (uint8_t)vector, 0);
}

static enum outcome take_MASKED_INTERRUPT(struct cpu *cpu) {
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
    return OUT_OK;
}

// --- the decision ---

// An NMI ends the shutdown state that a VM entry led to; the machine does not go on after any other.
static bool asleep_for_nmi(const struct cpu *cpu) {
    uint32_t activity = cpu->boundary.activity;
    return activity > ACTIVITY_SHUTDOWN || (activity == ACTIVITY_SHUTDOWN && !cpu->intercepts.non_root);
}

// The vocabulary of boundary.def. What waited when the boundary was reached counts: INIT forgets a SIPI that came after
// it.
#define waits(what) (waiting & PENDING_##what)
#define beyond_halt() (cpu->boundary.activity > ACTIVITY_HLT)
#define mov_ss() cpu_mov_ss_shadow(cpu)
#define shadowed() (cpu_sti_shadow(cpu) || cpu_mov_ss_shadow(cpu))
#define nmi_sleeps() asleep_for_nmi(cpu)
#define nmi_blocked() cpu->boundary.nmi_blocked
#define masked() (!(cpu->rflags & FLAG_IF))
#define ends_masked_wait() (cpu->boundary.mwait == MWAIT_MASKED)

enum { THEN_ATTEMPT, THEN_CLASS, THEN_LATER };

static enum outcome take_first(struct cpu *cpu, uint32_t waiting) {
    unsigned last = 9; // the class after which the attempt follows
#define BOUNDARY(name, class, pending, blocked, then, text)                                                            \
    if (class > last) return OUT_OK;                                                                                   \
    if ((pending) && !(blocked)) {                                                                                     \
        enum outcome outcome = take_##name(cpu);                                                                       \
        if (THEN_##then == THEN_ATTEMPT) return outcome;                                                               \
        if (THEN_##then == THEN_CLASS) last = class;                                                                   \
    }
#include "cpu/engine/boundary.def"
#undef BOUNDARY
    return OUT_OK;
}

enum outcome boundary_take(struct cpu *cpu) {
    if (!cpu->intercepts.poll) return take_first(cpu, cpu->boundary.pending);
    enum outcome outcome = cpu->intercepts.poll(cpu);
    if (outcome == OUT_OK) return take_first(cpu, cpu->boundary.pending);
    cpu->observation.events++;
    return carry_out(cpu, outcome);
}
