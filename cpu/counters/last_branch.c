// Last-branch records, SDM Vol. 3B, chapter 18. The newest is record 0. NOT IMPLEMENTED: call-stack mode (CPUID leaf
// 1CH says so), last event records, whether a branch was predicted wrongly.
#include "cpu/counters/counters.h"
#include <string.h>

enum { CONTROL_OS = 1, CONTROL_USR = 2 };

static bool at_level(const struct performance *p, bool user) {
    return p->branch_control >> (user ? CONTROL_USR : CONTROL_OS) & 1;
}

static bool of_type(const struct performance *p, enum branch_type type) {
    static const uint8_t bits[] = {
        [LBR_COND] = 16,          [LBR_NEAR_IND_JMP] = 18, [LBR_NEAR_REL_JMP] = 17, [LBR_NEAR_IND_CALL] = 20,
        [LBR_NEAR_REL_CALL] = 19, [LBR_NEAR_RET] = 21,     [LBR_OTHER] = 22};
    return p->branch_control >> bits[type] & 1;
}

static void shift(uint64_t *record, uint64_t first) {
    memmove(record + 1, record, (LAST_BRANCHES - 1) * sizeof *record);
    record[0] = first;
}

static uint64_t information(const struct cpu *cpu, enum branch_type type) {
    enum { TYPE_SHIFT = 56, CYCLES_VALID = 60, LONGEST = 0xffff };
    uint64_t cycles = cpu_cycles_now(cpu) - cpu->performance.branch_cycle;
    return (cycles < LONGEST ? cycles : LONGEST) | (uint64_t)type << TYPE_SHIFT | BIT(CYCLES_VALID);
}

// The level at its end decides; where that at its beginning is not recorded, its address is not either. 18.1.2.5.
void performance_branched(struct cpu *cpu, enum branch_type type, uint64_t from, bool user, uint64_t to) {
    struct performance *p = &cpu->performance;
    if (!performance_records(p) || !of_type(p, type) || !at_level(p, cpu_cpl(cpu) > 0)) return;
    shift(p->branch_from, at_level(p, user) ? from : ~0ull);
    shift(p->branch_to, to);
    shift(p->branch_information, information(cpu, type));
    p->branch_cycle = cpu_cycles_now(cpu);
}
