// A fact: one rule of the manual, whether it holds, and every value that decided it, each with the place where it
// lives. What explains something makes facts; printing, JSON, gdb and a page only format them. No fact owns memory:
// texts are those of rows.
#ifndef MONITOR_EXPLAIN_FACT_H
#define MONITOR_EXPLAIN_FACT_H
#include "devices/asking/place.h"
#include "vmx/vmcs/vmx.h"
#include <stdbool.h>
#include <stdint.h>

enum { FACT_VALUES = 12, FACT_NO_CAUSE = -1 };

struct fact_value {
    const char *name; // in the words of the row: "GUEST_CR0", "PDE"
    struct place place;
    uint64_t now;       // what it is
    uint64_t needed;    // what the rule wants of the bits of `mask`
    uint64_t mask;      // bits that decide; 0: the value as a whole was read and nothing is wanted of it by itself
    const char *source; // from where it is known what is wanted: "IA32_VMX_CR4_FIXED0, MSR 488H"; NULL: the rule alone
};

struct fact {
    const char *rule;          // name of the row: "virtual_nmis"; NULL: no row, an observation
    const char *section;       // "26.2.1.1"; NULL: none
    const char *section_title; // "VM-Execution Control Fields"
    const char *text;          // the row's words
    const char *hint;          // what is likely meant, and what to do; NULL: nobody can guess
    const char *when, *must;   // the row's expressions, as written: if `when` holds, then `must`; NULL: it has none
    bool holds;
    int because; // index of the fact in the same answer that it follows from; FACT_NO_CAUSE
    unsigned values;
    struct fact_value value[FACT_VALUES];
};

struct place place_of_field(uint64_t vmcs, unsigned field); // of a VMCS; enum vmcs_field
void fact_value(struct fact *fact, const char *name, struct place place, uint64_t now, uint64_t needed, uint64_t mask);
void fact_reads(struct fact *fact, const struct vmx_reads *reads, uint64_t vmcs); // what a rule of VT-x read
struct fact fact_of_check(const struct vmx_failure *failure, uint64_t vmcs);      // a VM-entry check that fails
// The fact of that name, and the value of that name in it. NULL: there is none.
const struct fact *fact_named(const struct fact *facts, unsigned count, const char *rule);
const struct fact_value *fact_value_named(const struct fact *fact, const char *name);

#endif
