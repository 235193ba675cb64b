// A lab's program on trial: the machine that it runs on, and what was seen of it. The rows of a lab's claims.def are
// conditions over this.
#ifndef LABS_TRIAL_H
#define LABS_TRIAL_H
#include "devices/history/history.h"
#include "devices/machine/machine_observe.h"
#include "monitor/load/load.h"
#include "monitor/report/report.h"

enum {
    MOMENTS = 20000, // that are kept
    PICTURES = 4000, // of them with a VMCS
    FAILURES = 16,
    REPORTS = 64,
    // Kinds of moments beside those of cpu/watch/observe.def:
    MOMENT_REFUSED = OBSERVE_WATCHPOINT + 1, // number: enum refusal; value: the operand; old: what was found
    MOMENT_REPORT,                           // number: enum report_rule; value: how often
};
#define ANY UINT32_MAX
#define NOT_A_SYMBOL UINT64_MAX

// A VMCS and the registers of the level that runs, at a VM entry or exit.
struct picture {
    uint64_t field[FIELD_COUNT], gpr[16];
};
// Something that happened; the members are those of struct sight.
struct moment {
    uint32_t kind, number;
    uint8_t level; // that did it: of a VM exit the guest's, of a VM entry the hypervisor's
    bool write;
    uint64_t step, rip, cycles;
    uint64_t value, old, linear, physical, information;
    uint64_t caller;                       // level 0 within guest_enter: where it was called. 0: not known
    const struct picture *picture;         // EXIT, ENTRY, FAILED_ENTRY; NULL: there was no room for it
    const struct history_failure *failure; // FAILED_ENTRY
};

struct trial {
    struct machine *machine;
    struct boot boot;
    struct symbols *symbols;
    enum machine_stop end;
    unsigned end_level; // that runs then
    uint64_t steps;
    struct moment *moment;
    struct picture *picture;
    struct history_failure failure[FAILURES];
    unsigned moments, pictures, failures;
    unsigned room; // for moments
    bool cut;      // there were more of them
    uint64_t refused_step;
    uint64_t stack, enter, left; // addresses of host_stack, guest_enter, guest_left
    struct observer observer;
    // What reports need of a program.
    struct options options;
    struct run run;
    struct monitor monitor;
    struct output said; // what these say; nobody reads it
};

// What a lab is run on.
struct lab_setup {
    const char *title;
    const char *cpu; // as -cpu has it
    uint32_t timing; // 0, or 1 and the index of a model
    uint64_t steps;  // at most
};

// --- trial.c. False after one line on stderr: it is no program that can be loaded ---
bool trial_open(struct trial *trial, const char *path); // reads it; what it reads may come from anybody
bool trial_load(struct trial *trial, const struct lab_setup *setup);
void trial_go(struct trial *trial, const struct lab_setup *setup);
void trial_close(struct trial *trial);
// --- watch.c ---
void watch_begin(struct trial *trial);
void watch_end(struct trial *trial);

// --- words.c: what conditions are made of. All of them take what is not there, and give NULL or 0 for it ---
// The n-th moment of a kind, counted from 1, or from the end by -1; `level` and `number` may be ANY.
const struct moment *moment_nth(const struct trial *trial, unsigned kind, uint32_t number, uint32_t level, int n);
unsigned moment_count(const struct trial *trial, unsigned kind, uint32_t number, uint32_t level);
const struct moment *moment_after(const struct trial *trial, const struct moment *of, unsigned kind, uint32_t number);
const struct moment *moment_before(const struct trial *trial, const struct moment *of, unsigned kind, uint32_t number);
uint64_t moment_field(const struct moment *moment, enum vmcs_field field);
uint64_t moment_gpr(const struct moment *moment, unsigned gpr);
// A failed VM entry in which this check was among those that failed.
const struct moment *moment_broke(const struct trial *trial, const char *check);
// The VMWRITE that wrote the field last before the moment. NULL: there is none.
const struct moment *moment_written(const struct trial *trial, const struct moment *before, enum vmcs_field field);
uint64_t trial_symbol(const struct trial *trial, const char *name);                  // its address; NOT_A_SYMBOL
uint64_t trial_memory(const struct trial *trial, uint64_t physical, unsigned bytes); // at the end of the run
bool trial_same(const struct trial *trial, uint64_t a, uint64_t b, unsigned bytes);
// The entry of an EPT for an address, at the end of the run; 0: there is none. Of a large page as it is.
uint64_t trial_ept(const struct trial *trial, uint64_t root, uint64_t guest_physical);

#endif
