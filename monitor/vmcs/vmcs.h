// VMCSs as values: which there are, what their fields mean, how two of them differ, how one was made of two others, and
// what a VM exit with one would change. Nothing is printed here.
#ifndef MONITOR_EXPLAIN_VMCS_H
#define MONITOR_EXPLAIN_VMCS_H
#include "devices/history/history.h"
#include "monitor/explain/bits.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/own_vmcs.h"
#include "monitor/explain/view.h"

// The values of one VMCS, wherever they come from.
struct vmcs_image {
    char name[48]; // "VMCS 207000 (level 1)"
    uint64_t pointer;
    bool known[FIELD_COUNT];
    uint64_t field[FIELD_COUNT];
    struct vmcs_stamp stamp[FIELD_COUNT]; // who wrote it last; WRITER_NONE: not known
};
// --- vmcs_image.c. False, with one line in `error`, when there is none ---
enum { VMCS_ERROR_ROOM = 160 };
bool vmcs_hardware(const struct vmcs_source *from, uint64_t pointer, struct vmcs_image *image, char *error);
bool vmcs_at_entry(const struct vmcs_source *from, uint64_t pointer, struct vmcs_image *image, char *error);
bool vmcs_twelve(const struct vmcs_source *from, struct vmcs_image *image, char *error); // for the guest at from->level
void vmcs_reset(const struct cpu *cpu, struct vmcs_image *image); // a region of zeros after VMCLEAR

// --- vmcs_decode.c ---
// Adds what the value means: "  PG NE ET PE". Nothing where it is only a number.
void vmcs_decode(struct text *text, enum vmcs_field field, uint64_t value);
// "hardware exception 13 #GP, error code"; the same bits in three fields.
void vmcs_interruption(struct text *text, uint64_t information);
const char *vmcs_vector_name(unsigned vector); // "#GP", "" beyond the exceptions
int vmcs_digits(enum vmcs_field field);        // hexadecimal digits of a field
bool vmcs_control_group(enum vmcs_field field, enum control_group *group);
// "HLT exiting, use I/O bitmaps": controls whose bits are set.
void vmcs_controls(struct text *text, enum control_group group, uint64_t value);

// --- vmcs_check.c ---
// A fact for each VM-entry check that the current VMCS fails now, but for those about the mode of a hypervisor while
// its guest runs. The number of facts.
unsigned vmcs_check_facts(const struct cpu *cpu, struct fact *facts, unsigned max);
// What a failure of the rule leads to: VM-instruction error 7 or 8, or exit reason 33.
unsigned vmcs_check_outcome(const struct fact *fact);

// --- vmcs_diff.c: how VMCSs differ, and where the values of one came from ---
// The first field from `from` on that both have and whose values differ; FIELD_COUNT: none.
unsigned vmcs_differs(const struct vmcs_image *a, const struct vmcs_image *b, unsigned from);
// Fields that a name means: exactly one of that name; else those that begin so; else those that have it somewhere. The
// next one after *at (begin with -1); false: no more.
struct vmcs_match {
    const char *word;
    int exact, at;
    bool anywhere;
};
bool vmcs_match_next(struct vmcs_match *match, const struct vmcs_image *image);
// In the words of the Turtles paper (Ben-Yehuda et al., OSDI 2010, 3.2.1): vmcs12 is what L1 wants for L2, vmcs01 what
// L0 runs L1 with, vmcs02 what L0 runs L2 with.
struct vmcs_merge {
    struct vmcs_image twelve, one, two;
};
bool vmcs_merge_of(const struct vmcs_source *from, struct vmcs_merge *merge,
                   char *error); // of the guest at from->level
// Whose value the field of vmcs02 has: NULL when neither vmcs12 nor vmcs01 had it before it was written.
const struct vmcs_image *vmcs_copied_from(const struct vmcs_merge *merge, enum vmcs_field field);
bool vmcs_worth_showing(const struct vmcs_merge *merge, enum vmcs_field field);

// --- vmcs_exit.c: what a VM exit would change in the state of the hypervisor ---
struct vmcs_change {
    char what[24]; // "CS selector"
    uint64_t now, after;
    const char *why; // "host-state area"
};
enum { VMCS_CHANGES = 64 };
struct vmcs_changes {
    unsigned rows; // compared
    unsigned count;
    struct vmcs_change change[VMCS_CHANGES]; // those that differ
};
void vmcs_exit_changes(const struct view *now, uint64_t vmcs, struct vmcs_changes *changes);

#endif
