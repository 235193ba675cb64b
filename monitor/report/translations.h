// What the kinds about translations have in common: which pages are tables that translations were read from, which of
// their entries were changed so that they give less than before, by whom; and which translations are used that were
// made before. Of each translation that the processor uses it is known that the tables gave it once; when an entry
// changes so that it gives less, what may come from it is looked at again at its next use.
#ifndef MONITOR_REPORT_TRANSLATIONS_H
#define MONITOR_REPORT_TRANSLATIONS_H
#include "monitor/explain/stale.h"
#include "monitor/report/report.h"

// What a page is a table of: TABLE_OWN is an EPT that a hypervisor wrote which is a guest itself.
enum table_kind { TABLE_LINEAR = 1, TABLE_EPT = 2, TABLE_OWN = 4, TABLE_32 = 8, TABLE_KINDS = 15, TABLE_LEVEL = 16 };

enum { CHANGE_SETS = 512, CHANGE_WAYS = 4, CHANGES = CHANGE_SETS * CHANGE_WAYS, LEVELS_KEPT = 9, INVEPTS = 8 };

// A change of the entry at `at`, physical: the last one that took something away, else the last one.
struct table_change {
    uint64_t at, old, now, count; // count: which change of all; 0: free
    uint64_t step, rip;
    uint32_t processor, level, takes, spare; // takes: something that the entry gave
};

// Four bytes of an entry were stored; `read`: a walk of another processor has read it so.
struct half_entry {
    uint64_t at, processor, read; // at 0: none
    uint64_t step, rip, level;    // of the store
};

struct translations {
    // what it follows
    uint64_t changes;
    struct table_change change[CHANGES]; // by sets
    uint64_t forgotten[CHANGE_SETS];     // how many that took something found no room any more
    struct half_entry half;
    // How many changes there were at the last INVEPT of a level: of all, and of each of these EPT pointers.
    uint64_t invalidated[LEVELS_KEPT];
    struct invalidated_one {
        uint64_t eptp, changes;
    } invalidated_one[LEVELS_KEPT * INVEPTS];
    // derived
    struct reports *reports;
    unsigned users;
    uint8_t *table;   // of each page of RAM, by its number: enum table_kind, TABLE_LEVEL times the level
    uint64_t *base;   // and the first address that it translates
    uint16_t *unread; // how many came since a walk read it
    uint64_t pages;
    uint64_t era, epoch;        // era: of all that is known; epoch: of translations through EPT
    struct translation_cpu *of; // [MACHINE_CPUS]
    struct observer observer;
    struct point stores, uses;
    struct follower follower;
};

// One for all kinds that need it. NULL: memory is short.
struct translations *translations_begin(struct reports *reports);
void translations_end(struct translations *t);
struct machine *machine_of_translations(const struct translations *t);
// The last change of the entry at a physical address; NULL: none is known.
const struct table_change *translations_change(const struct translations *t, uint64_t at);
bool translations_forgot(const struct translations *t, uint64_t at);                   // there may have been one
void translations_beginning(struct report *report, const struct table_change *change); // where it began
// Whether the level has executed INVEPT since, for all or for this EPT pointer.
bool translations_invalidated(const struct translations *t, unsigned level, uint64_t eptp, uint64_t changes);

// --- what the kinds make of it ---
// A translation is used that the tables no longer give. False: it is not to be told yet.
bool stale_used(struct translations *t, struct cpu *cpu, const struct stale_translation *s,
                const struct stale_look *look, const struct view *view, bool tell);
// A store to a page that is a table, before it happens.
void tables_stored(struct translations *t, struct cpu *cpu, const struct sight *sight);
void tables_read(struct translations *t, const struct cpu *cpu, const struct sight *sight); // by a walk

#endif
