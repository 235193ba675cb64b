// A processor's faults, pending events and time. Everything else is in the rooms above.
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"

unsigned cpu_linear_bits(const struct cpu *cpu) { return cpu_model_has(cpu->wire.model, FEATURE_LA57) ? 57 : 48; }

uint64_t cpu_forced_canonical(const struct cpu *cpu, uint64_t a) {
    unsigned unused = 64 - cpu_linear_bits(cpu);
    return (uint64_t)((int64_t)(a << unused) >> unused);
}

bool cpu_canonical_register(const struct cpu *cpu, uint64_t a) { return cpu_forced_canonical(cpu, a) == a; }

void cpu_pend(struct cpu *cpu, enum pending what, bool on) {
    if (!on) {
        cpu->boundary.pending &= ~(uint32_t)what;
        return;
    }
    cpu->boundary.pending |= what;
    cpu->attention |= ATTENTION_EVENT;
}

// --- faults ---

static bool has_error_code(enum exception_vector vector) {
    return BIT(vector) & (BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |
                          BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP));
}

enum outcome cpu_fault(struct cpu *cpu, enum exception_vector vector) {
    cpu->attempt.fault = (struct event){.vector = (uint8_t)vector, .type = EVENT_HARDWARE_EXCEPTION};
    return OUT_FAULT;
}

enum outcome cpu_fault_code(struct cpu *cpu, enum exception_vector vector, uint32_t code) {
    cpu->attempt.fault = (struct event){.vector = (uint8_t)vector,
                                        .type = EVENT_HARDWARE_EXCEPTION,
                                        .has_error_code = has_error_code(vector),
                                        .error_code = code};
    return OUT_FAULT;
}

enum outcome cpu_fault_page(struct cpu *cpu, uint64_t linear, uint32_t code) {
    cpu->attempt.fault = (struct event){.vector = VECTOR_PF,
                                        .type = EVENT_HARDWARE_EXCEPTION,
                                        .has_error_code = true,
                                        .error_code = code,
                                        .payload = linear};
    return OUT_FAULT;
}

// --- time ---

uint64_t cpu_steps(const struct cpu *cpu, const struct op *op) {
    uint64_t steps = cpu->attempt.step_limit - (uint64_t)cpu->budget;
    if (!op) return steps;
    if (!cpu->block) return steps - 1; // emptied the block cache: such an instruction stands alone
    return steps - cpu->block->count + (uint64_t)(op - cpu->block->ops);
}

void cpu_work(struct cpu *cpu, int64_t units) {
    cpu->attempt.work_left -= units;
    if (cpu->attempt.work_left < 0) cpu->attention |= ATTENTION_MACHINE;
}

uint64_t cpu_cycles(const struct cpu *cpu, const struct op *op) {
    return op ? cpu_steps(cpu, op) + cpu->time.surplus_cycles : cpu_cycles_now(cpu);
}

uint64_t cpu_tsc(const struct cpu *cpu, const struct op *op) {
    uint64_t cycles = cpu_cycles(cpu, op);
    if (cpu->wire.latest_cycles && *cpu->wire.latest_cycles > cycles) cycles = *cpu->wire.latest_cycles;
    uint64_t tsc = cycles + cpu->time.tsc_base, multiplier = cpu->intercepts.tsc_multiplier;
    if (multiplier) tsc = (uint64_t)((unsigned __int128)tsc * multiplier >> 48);
    return tsc + cpu->intercepts.tsc_offset;
}

uint64_t cpu_tell_tsc(struct cpu *cpu, const struct op *op) {
    uint64_t cycles = cpu_cycles(cpu, op);
    if (cpu->wire.latest_cycles && *cpu->wire.latest_cycles < cycles) *cpu->wire.latest_cycles = cycles;
    return cpu_tsc(cpu, op);
}

// --- state ---

void cpu_canonicalise(struct cpu *cpu) {
    flags_set(&cpu->flags, flags_get(&cpu->flags));
    if (cpu->boundary.sti_shadow_step != cpu->time.steps) cpu->boundary.sti_shadow_step = ~0ull;
    if (cpu->boundary.mov_ss_shadow_step != cpu->time.steps) cpu->boundary.mov_ss_shadow_step = ~0ull;
    if (cpu->boundary.held_step != cpu->time.steps) cpu->boundary.held_step = ~0ull;
}
