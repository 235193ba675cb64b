// EPT violations and misconfigurations: which entry is in the way of the access, by the tables as they are now; see
// exits.h.
#include "cpu/memory/tlb.h"
#include "monitor/causes/exits.h"
#include "monitor/explain/nested.h"
#include "monitor/explain/walk.h"

// What the access was, as the exit qualification tells it. SDM Vol. 3C, table 27-7.
static struct second_stage_access access_of(const struct history_exit *e) {
    const uint64_t q = e->qualification;
    const bool linear = q & BIT(7);
    return (struct second_stage_access){.linear = e->linear,
                                        .linear_valid = linear,
                                        .write = q & BIT(1),
                                        .fetch = q & BIT(2),
                                        .page_walk = linear && !(q & BIT(8)),
                                        .rights = q & BIT(9) ? TLB_USER : 0};
}

// The access would go through now.
static unsigned given_now(const struct walk *w, struct fact *facts, unsigned max) {
    const struct place nowhere = {.space = PLACE_NONE};
    if (!max) return 0;
    facts[0] =
        (struct fact){.rule = "given now",
                      .section = "SDM Vol. 3C, 28.4.3.1",
                      .section_title = "Operations that Invalidate Cached Mappings",
                      .text = "EPT gives the access what it needs now: its entries were changed since the exit, or "
                              "the processor used what it remembered of them",
                      .holds = true,
                      .because = FACT_NO_CAUSE};
    fact_value(&facts[0], walk_entry_name(w, w->look.count - 1), nowhere, walk_last(w)->value, 0, 0);
    return 1;
}

// Of a guest of a guest: whose exit it is, by the EPTs that the hypervisors wrote. SDM Vol. 3C, 28.3; in the words of
// the Turtles paper level 0 reflects it, or has not yet merged the entry.
static unsigned owner_fact(const struct view *view, const struct history_exit *e, struct fact *facts, unsigned max) {
    struct nested n;
    const struct place nowhere = {.space = PLACE_NONE};
    if (!max || !view->has_own_ept || view->level < 2) return 0;
    nested_walk(view, e->physical, &n);
    if (n.fails == 1) return 0; // level 0's own may not be complete
    facts[0] = (struct fact){
        .rule = n.fails ? "reflected" : "to be merged",
        .section = "SDM Vol. 3C, 28.3.3.2",
        .text = n.fails ? "the EPT that the level's own hypervisor wrote does not map the address either: level 0 "
                          "has to give it this exit"
                        : "the EPTs that the hypervisors wrote map the address: level 0 has to enter it into "
                          "the one that it merged, and no other level needs to know",
        .holds = true,
        .because = FACT_NO_CAUSE};
    fact_value(&facts[0], n.fails ? "level whose EPT does not map it" : "physical address", nowhere,
               n.fails ? n.fails - 1 : n.physical, 0, 0);
    return 1;
}

static unsigned entry_facts(const struct view *view, const struct history_exit *e, struct fact *facts, unsigned max) {
    const unsigned reason = e->reason & UINT16_MAX;
    struct walk w;
    if ((reason != EXIT_EPT_VIOLATION && reason != EXIT_EPT_MISCONFIGURATION) || !view->eptp) return 0;
    if (!walk_second_stage(view, e->physical, &w)) return walk_facts(view, &w, facts, max);
    const struct second_stage_access access = access_of(e);
    unsigned all = walk_ept_right_facts(view, &w, &access, facts, max), count = 0;
    for (unsigned i = 0; i < all; i++)
        if (!facts[i].holds) facts[count++] = facts[i];
    return count ? count : given_now(&w, facts, max);
}

unsigned exit_ept_facts(const struct view *view, const struct history_exit *e, struct fact *facts, unsigned max) {
    unsigned count = entry_facts(view, e, facts, max);
    return count ? count + owner_fact(view, e, facts + count, max - count) : 0;
}
