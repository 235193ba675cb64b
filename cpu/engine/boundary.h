// What is taken at an instruction boundary, by the rows of boundary.def. SDM Vol. 3A, 6.9.
#ifndef CPU_BOUNDARY_H
#define CPU_BOUNDARY_H
#include "cpu/state/cpu.h"

enum boundary_cause {
#define BOUNDARY(name, class, pending, blocked, then, text) BOUNDARY_##name,
#include "cpu/engine/boundary.def"
#undef BOUNDARY
    BOUNDARY_CAUSES
};
struct boundary_row {
    uint8_t priority; // the class in Table 6-2
    const char *text;
};
extern const struct boundary_row boundary_rows[BOUNDARY_CAUSES];

// With something pending: takes the first that can be taken now, and leaves the others waiting.
enum outcome boundary_take(struct cpu *cpu);

// A VM exit that was recorded is carried out before anything else happens.
ALWAYS_INLINE enum outcome carry_out(struct cpu *cpu, enum outcome outcome) {
    return outcome == OUT_VMEXIT ? cpu->intercepts.exit(cpu) : outcome;
}

#endif
