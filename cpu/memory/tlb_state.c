// The table of the TLB's architectural state.
#include "cpu/memory/tlb.h"
#include "cpu/state/state.h"

#define TLB(member)                                                                                                    \
    { #member, offsetof(struct tlb, member), 8, sizeof(((struct tlb *)0)->member) / 8, 8 }
static const struct state_field tlb_fields[] = {
    TLB(bank),
    TLB(context),
    TLB(large),
    TLB(huge),
    STATE_ONE(struct tlb, next_generation),
    STATE_ONE(struct tlb, next_context),
    STATE_ONE(struct tlb, current),
};
const struct state_table cpu_tlb_state = STATE_TABLE("tlb", tlb_fields);
