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
const struct state_table cpu_tlb_state = STATE_TABLE("tlb", tlb_fields);
