// The table of the TLB's architectural state.
#include "cpu/memory/tlb.h"
#include "cpu/state/state.h"

#define TLB(member) STATE_WORDS(struct tlb, member)
static const struct state_field tlb_fields[] = {
    TLB(bank),
    TLB(context),
    TLB(large),
    TLB(huge),
    STATE_ONE(struct tlb, next_generation),
    STATE_ONE_TO(struct tlb, next_context, TLB_CONTEXTS - 1),
    STATE_ONE_TO(struct tlb, current, TLB_CONTEXTS - 1),
};

// Generations are given out in ascending order, and never run out.
static bool tlb_valid(const void *object) {
    const struct tlb *tlb = object;
    uint64_t next = tlb->next_generation;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        const struct tlb_context *c = &tlb->context[i];
        if (c->generation >= next || c->global_generation >= next || c->pde_generation >= next) return false;
    }
    return next < 1ull << 63;
}
const struct state_table cpu_tlb_state = STATE_TABLE("tlb", tlb_fields, tlb_valid);
