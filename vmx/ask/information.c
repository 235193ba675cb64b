// The VM-exit instruction-information field and the displacement in the exit qualification. SDM Vol.
// 3C, 27.2.1, 27.2.5. Read from the record that is executed; bits that the tables leave undefined are 0.
#include "vmx/ask/information.h"

#define OFFSET_ZERO offsetof(struct cpu, zero)
#define OFFSET_RIP offsetof(struct cpu, rip)
#define OFFSET_SEGMENT(s) (offsetof(struct cpu, segment_base) + 8u * (s))

enum information_bit { ADDRESS_SIZE = 7, SEGMENT = 15, INDEX = 18, NO_INDEX = 22, BASE = 23, NO_BASE = 27 };

static uint32_t address_size(const struct op *op) {
    if (!op->ea || op->ea & EA_ADDRESS64) return 2;
    return op->ea & EA_ADDRESS32 ? 1 : 0;
}

// In 64-bit mode an override of ES, CS, SS or DS has no effect and is not reported.
static uint32_t segment(const struct op *op) {
    if (op->ea) return op->ea & EA_SEGMENT;
    if (op->segment_base == OFFSET_SEGMENT(FS)) return FS;
    if (op->segment_base == OFFSET_SEGMENT(GS)) return GS;
    return op->base == RSP * 8 || op->base == RBP * 8 ? SS : DS;
}

uint32_t information_memory(const struct op *op) {
    uint32_t info = address_size(op) << ADDRESS_SIZE | segment(op) << SEGMENT;
    if (op->index == OFFSET_ZERO)
        info |= BIT(NO_INDEX);
    else
        info |= op->scale | (uint32_t)(op->index / 8) << INDEX;
    if (op->base == OFFSET_ZERO || op->base == OFFSET_RIP)
        info |= BIT(NO_BASE);
    else
        info |= (uint32_t)(op->base / 8) << BASE;
    return info;
}

uint32_t information_string_io(const struct op *op, bool in) {
    return address_size(op) << ADDRESS_SIZE | (in ? (uint32_t)ES : segment(op)) << SEGMENT;
}

// With RIP-relative addressing, the sum of the displacement and the RIP of the next instruction.
uint64_t information_displacement(const struct cpu *cpu, const struct op *op) {
    return op->base == OFFSET_RIP ? cpu->rip + (uint64_t)op->disp : (uint64_t)op->disp;
}

// Whether the operand is in memory. An absolute address of 0 without base and index, in 64-bit mode, passes for a
// register.
bool information_is_memory(const struct op *op) {
    return op->ea || op->base != OFFSET_ZERO || op->index != OFFSET_ZERO || op->disp;
}
