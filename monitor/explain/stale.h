// Translations that the processor still holds for a level and that the tables no longer give. SDM Vol. 3A, 4.10; Vol.
// 3C, 28.4.
#ifndef MONITOR_STALE_H
#define MONITOR_STALE_H
#include "monitor/explain/nested.h"
#include "monitor/explain/walk.h"

// What the tables give now.
struct stale_tables {
    bool linear, whole; // the first stage maps it; both do
    bool read, execute; // by EPT
    uint64_t guest_physical, physical;
    uint64_t rights; // TLB_WRITE, TLB_USER, TLB_EXECUTE, TLB_STAGE2_WRITE
};
struct stale_translation {
    bool mapping;      // a guest-physical mapping, not a linear one
    bool fetch;        // of instructions; else of data
    bool second_stage; // EPT changed: INVEPT is missing
    uint64_t address;  // linear, or guest-physical
    uint64_t cached;   // page | TLB_ bits of a linear one
    struct stale_tables tables;
    // Of a guest of a guest: the processor's EPT is as its TLB has it, but the EPTs that the hypervisors wrote lead
    // elsewhere, or nowhere: one was changed without INVEPT, or level 0 has not followed.
    bool own;
    unsigned own_fails; // the level whose EPT does not map it any more; 0: they lead to own_physical
    uint64_t own_physical;
};
struct stale {
    uint16_t vpid, pcid;
    uint64_t eptp; // as the TLB's contexts have it: bits 51:12 | 1
    unsigned checked, found;
    bool guest_physical, linear, own; // kinds found
};
// How one translation was looked at: the walks whose entries decide.
struct stale_look {
    bool two;            // there is a second stage, and it was walked
    struct walk walk[2]; // of the linear address, of the guest-physical one
    bool nested;         // the own EPTs were walked
    struct nested own;
};
// Whether the processor's translation of a linear page gives more than the tables do now: those that it uses, then, for
// a guest of a guest, those that the hypervisors wrote. Only what such an access needs counts (POINT_READ, POINT_WRITE,
// POINT_EXECUTE; of a user). `page`: physical page and TLB_ bits.
bool stale_translation(const struct view *view, uint64_t linear, uint64_t page, unsigned access,
                       struct stale_translation *out, struct stale_look *look);
typedef void stale_fn(void *context, const struct stale_translation *translation);
// Calls for each that is found, and says how many there are.
void stale_search(const struct view *view, stale_fn *found, void *context, struct stale *stale);

#endif
