// Memory of a guest by the process that backs it; see walk.h. Both sets of tables are level 0's and the guest's to
// write, so nothing here is more than likely: what is found is used for names and calls alone.
#include "monitor/explain/walk.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

enum {
    PAGE = 4096,
    ENTRIES = 512,
    USER_ENTRIES = 256,
    NEIGHBOURS = 4096,
    VISITS_MOST = 1 << 21,
    TRIES = 64,
    SAMPLES = 14
};
#define ENTRY_ADDRESS BITS(51, 12)
#define ENTRY_LARGE BIT(7)

struct search {
    const struct view *view;
    struct view host;                  // level 0, as the next VM exit of level 1 loads it
    uint64_t guest_physical, physical; // of a page that is in EPT
    uint64_t distance;
    unsigned visits, tries; // entries read, and those that were compared with their neighbours
};

// Level 1's EPT alone.
static bool in_ept(const struct view *view, uint64_t guest_physical, uint64_t *physical) {
    struct walk w;
    bool maps = view->level == 1 ? walk_second_stage(view, guest_physical, &w)
                                 : view->has_own_ept && view->own_ept[1] && walk_own_stage(view, 1, guest_physical, &w);
    if (maps) *physical = w.look.result;
    return maps;
}

// Pages near the one that is known, to both sides, ever farther: those in EPT lie where the distance says.
static bool agrees(const struct search *s, uint64_t distance) {
    unsigned right = 0, wrong = 0;
    uint64_t physical, there;
    for (unsigned i = 0; i < 2 * SAMPLES; i++) {
        uint64_t apart = (uint64_t)PAGE << i / 2, at = i & 1 ? s->guest_physical - apart : s->guest_physical + apart;
        if (at > s->guest_physical + apart || !in_ept(s->view, at, &physical)) continue;
        bool same = walk_linear_to_guest(&s->host, distance + at, &there) && there == physical;
        right += same;
        wrong += !same;
    }
    return right >= 3 && wrong <= right / 4;
}

// Whether a page of user memory below this table is the one that is looked for.
static bool search_table(struct search *s, uint64_t table, unsigned level, uint64_t linear) {
    const uint8_t *entries = machine_ram(s->view->machine, table & ENTRY_ADDRESS, PAGE);
    const unsigned shift = 12 + 9 * (level - 1), count = level == 4 ? USER_ENTRIES : ENTRIES;
    for (unsigned i = 0; entries && i < count && s->visits < VISITS_MOST && s->tries < TRIES; i++) {
        uint64_t entry, at = linear + ((uint64_t)i << shift);
        memcpy(&entry, entries + 8 * i, sizeof entry);
        s->visits++;
        if (!(entry & 1)) continue;
        if (level > 1 && !(entry & ENTRY_LARGE)) {
            if (search_table(s, entry, level - 1, at)) return true;
            continue;
        }
        uint64_t inside = s->physical - (entry & ENTRY_ADDRESS & ~(BIT(shift) - 1));
        if (inside >> shift || level > 3) continue;
        s->tries++;
        if (!agrees(s, at + inside - s->guest_physical)) continue;
        s->distance = at + inside - s->guest_physical;
        return true;
    }
    return false;
}

// A page near the address that is in EPT.
static bool find_neighbour(struct search *s, uint64_t guest_physical) {
    for (uint64_t apart = PAGE; apart < (uint64_t)NEIGHBOURS * PAGE; apart += PAGE)
        for (unsigned side = 0; side < 2; side++) {
            s->guest_physical = (side ? guest_physical - apart : guest_physical + apart) & ~(uint64_t)(PAGE - 1);
            if (side && apart > guest_physical) continue;
            if (in_ept(s->view, s->guest_physical, &s->physical)) return true;
        }
    return false;
}

static bool look(struct search *s, uint64_t guest_physical) {
    const uint64_t vmcs = vmx_level_vmcs(s->view->cpu, 1);
    if (vmcs == VMX_NO_VMCS) return false;
    view_after_exit(s->view, vmcs, &s->host);
    bool four_levels = s->host.efer & EFER_LMA && s->host.cr0 & CR0_PG && !(s->host.cr4 & CR4_LA57);
    return four_levels && find_neighbour(s, guest_physical) && search_table(s, s->host.cr3, 4, 0);
}

bool backing_find(const struct view *view, uint64_t guest_physical, uint64_t *physical) {
    struct search s = {.view = view};
    struct backing *b = view->backing;
    if (!b || !view->level) return false;
    if (!b->looked) {
        b->found = look(&s, guest_physical);
        b->distance = s.distance;
        b->looked = true;
    }
    const uint64_t vmcs = vmx_level_vmcs(view->cpu, 1);
    if (!b->found || vmcs == VMX_NO_VMCS) return false;
    view_after_exit(view, vmcs, &s.host);
    return walk_linear_to_guest(&s.host, b->distance + guest_physical, physical);
}
