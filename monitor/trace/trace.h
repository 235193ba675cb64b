// Traces: what processors do, written to files while the guest runs. Nothing of the run is changed by one.
//
// The end of a file's name says what it becomes:
//   .json     trace events for Perfetto and Chrome: a track for each level, and one of VM exits nested in each other
//   .folded   stacks with their cycles, for flame graphs
//   .stat     a table of VM exits, in the columns of perf kvm stat report
//   others    a line for each thing seen
#ifndef MONITOR_TRACE_H
#define MONITOR_TRACE_H
#include "devices/machine/machine_observe.h"
#include "monitor/files/written.h"
#include "monitor/session/monitor.h"

enum { TRACE_FRAMES = 32, TRACE_ANY_LEVEL = -1, TRACE_RUNS = -1 };

// What a level is about: it runs (TRACE_RUNS), or waits for what its VM exit of this reason asks for.
struct trace_frame {
    unsigned level;
    int reason;
    uint64_t begin;     // cycle
    struct sight sight; // of the exit or the entry with which it began
};

// Of one processor. The frames of outer levels lie below those of inner work: L2's exit, then in it L1 running, L1's
// exit, and so on, until L2 is entered again.
struct trace_stack {
    struct trace_frame frame[TRACE_FRAMES];
    unsigned frames;
    uint64_t since; // cycle of the last change of the top
};

struct trace;
struct trace_format {
    const char *suffix;                 // NULL: everything else
    bool nests;                         // wants exits and entries, whatever else is traced
    bool (*begin)(struct trace *trace); // NULL: nothing to do. False: memory is short
    void (*see)(struct trace *trace, struct cpu *cpu, const struct sight *sight, unsigned level); // NULL: not shown
    // A frame was pushed, or is about to be popped.
    void (*push)(struct trace *trace, unsigned processor, const struct trace_frame *frame);
    void (*pop)(struct trace *trace, unsigned processor, const struct trace_frame *frame, uint64_t cycle);
    void (*spent)(struct trace *trace, unsigned processor, uint64_t cycles); // with the stack as it is
    void (*end)(struct trace *trace);
};
extern const struct trace_format trace_text, trace_json, trace_folded, trace_stat;

struct trace {
    struct trace *next;
    const struct look *look;
    unsigned number;
    char *path, *what;
    struct written *file;
    const struct trace_format *format;
    void *data;      // of the format; freed with the trace
    uint64_t wanted; // BIT(OBSERVE_...), as asked for
    int level;
    uint64_t from, to; // linear addresses, inclusive: of the instruction, of the data for memory, walks and TLB
    uint64_t lines;    // things seen and shown
    bool spans;        // only the steps from `first` to `last`, gone through for it in the past
    uint64_t first, last;
    const struct timeline *past; // NULL: it is not kept. What is gone through once more is not written twice:
    bool was_live;               // it has seen the present, and is written there only
    uint64_t highest;            // else it was begun in the past, and has come to this step
    struct {
        uint64_t step, linear; // step: one more than it was, 0 before the first
    } begun[MACHINE_CPUS];     // the last instruction seen: after a stop it is told again
    struct observer observer;
    struct trace_stack stack[MACHINE_CPUS];
};

// "WHAT,...=FILE [level N] [from ADDRESS to ADDRESS] [steps A to B]": monitor->traces then. Who asks for steps goes
// through them. False after an error.
bool trace_start(struct monitor *monitor, const char *text);
const char *trace_word(unsigned index); // what can be traced; NULL past the last
const char *trace_word_text(unsigned index);
void trace_list(struct monitor *monitor); // those going on, else what can be traced
// Ends one; and closes its file. False, after an error, when something could not be written.
bool trace_end_one(struct monitor *monitor, struct trace *trace);
// Ends all traces and closes their files. False, after an error, when something could not be written.
bool trace_end(struct monitor *monitor);

// For formats.
void trace_follow(struct trace *trace, struct cpu *cpu, const struct sight *sight, unsigned level); // trace_stack.c
void trace_settle(struct trace *trace); // what is on the stacks now is over
const char *trace_frame_name(const struct trace_frame *frame, char *text, size_t size); // "L2 EPT_VIOLATION"
// The function in which the level was when it made the VM exit, without offset; "": not known, or no VM exit.
const char *trace_frame_function(const struct trace *trace, const struct trace_frame *frame, char *text, size_t size);
uint64_t trace_cycle(const struct cpu *cpu, const struct sight *sight);

#endif
