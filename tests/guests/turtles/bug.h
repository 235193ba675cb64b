// Mistakes that hypervisors make, planted on purpose: bug=NAME on the command line of a level makes that level's
// hypervisor have one (and no other level). What is to be learnt is how each shows, and how it is found: the
// transcripts in tests/monitor/turtles.
#ifndef BUG_H
#define BUG_H
#include "machine.h"

enum bug {
#define BUG(name, id, text) BUG_##id,
#include "bug.def"
#undef BUG
    BUGS,
};
extern enum bug bug;
void bug_choose(const char *name); // up to a space

// --- bug=invept: the guest's page moves to another place of ours, as in memory compaction ---
void bug_move_page(uint64_t guest_physical, uint64_t *entry);

// --- bug=table: the page that the guest touches becomes the last table on the way to it ---
void bug_give_table(uint64_t *entry);

// --- bug=merge: one page of the upper memory is a copy ---
void bug_merge(uint64_t guest_physical, uint64_t *to);

// --- bug=region, bug=read: the VMX-abort indicator is cleared, is read where it lies in memory ---
void bug_use_region(uint64_t vmcs);

// --- bug_guest.c: what is done to the guest itself ---
void bug_change_guest(void);            // after a VM exit of it
bool bug_requeue(uint64_t event);       // true: the event was dealt with, wrongly
bool bug_end_interrupt(uint64_t value); // the same of the guest's EOI
void bug_one_page(uint64_t *entry);     // bug=page: this one takes the place of the last one

// --- bug=given: the page that the guest touches becomes that of a VMCS ---
void bug_give_region(uint64_t *entry, uint64_t vmcs);

// --- bug=address: before the guest is entered first ---
void bug_set_fields(void);

// --- mistake.c: bug=linear, program, dma, fresh, made by the payload of the level ---
void bug_payload(uint64_t bytes);
uint64_t *directory_entry(uint64_t linear);
enum { LINEAR = 512 << 20, TORN_LINEAR = 514 << 20 }; // addresses that nothing else uses

// --- second.c: bug=two, bitmap, torn ---
void bug_second(void);
void bug_second_apic(uint8_t *page); // bug=trigger: the guest has this virtual-APIC page now

#endif
