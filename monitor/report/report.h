// Reports: mistakes that real hardware punishes later or elsewhere, told at the instruction that makes them. Detectors,
// one for each kind of mistake, look on as observers and points do (devices/machine/machine_observe.h) and change
// nothing of the run; what they remember goes back in time with the machine (devices/snapshot/follower.h).
#ifndef MONITOR_REPORT_H
#define MONITOR_REPORT_H
#include "devices/machine/machine_observe.h"
#include "devices/snapshot/follower.h"
#include "monitor/explain/fact.h"
#include "monitor/files/written.h"
#include "monitor/session/monitor.h"

enum report_kind {
#define KIND(word, id, text) REPORT_##id,
#define DETECTOR(kind, id)
#include "monitor/report/kind.def"
#undef KIND
#undef DETECTOR
    REPORT_KINDS
};
// Each kind has a detector, of the kind's number; some have more.
enum report_detector {
    REPORT_LAST_FIRST = REPORT_KINDS - 1,
#define KIND(word, id, text)
#define DETECTOR(kind, id) DETECTOR_##id,
#include "monitor/report/kind.def"
#undef KIND
#undef DETECTOR
    REPORT_DETECTORS
};
enum report_class { REPORT_ERROR, REPORT_ADVICE };
enum report_rule {
#define RULE(kind, name, class, section, text, hint) RULE_##name,
#include "monitor/report/rule.def"
#undef RULE
    REPORT_RULES
};
struct report_row {
    enum report_kind kind;
    enum report_class class;
    const char *name, *section, *text, *hint;
};
const struct report_row *report_row(enum report_rule rule);
const char *report_word(unsigned kind); // NULL past the last
const char *report_word_text(unsigned kind);

// A moment of the run, and the instruction in progress.
struct report_moment {
    uint64_t step, rip; // the step of the machine that the instruction is
    uint32_t processor, level;
};
struct report {
    enum report_rule rule;
    struct report_moment at;
    struct fact fact;  // values with their places are the detector's to add; the rest is the row's
    uint64_t same;     // reports by one rule at one instruction are told apart by this: an address, a field
    const char *began; // what was done where it began, in words; NULL: not known
    struct report_moment beginning;
};

enum { REPORT_SINKS = 8, REPORT_SEEN = 512, REPORT_PENDING = 8 };

// How often each was filed: a follower of the machine.
struct report_counts {
    uint64_t filed[REPORT_KINDS], errors, seen;
    struct {
        uint64_t key, times, step, rip;
        uint32_t rule, level;
    } of[REPORT_SEEN];
};

// Where reports of some kinds go.
struct report_sink {
    char *what, *path;
    uint64_t kinds;       // BIT(enum report_kind)
    struct written *file; // NULL: the run stops
    bool json, errors;    // errors: to stderr
};

// Those that stopped the run, and are not told yet.
struct reports_pending {
    struct report of[REPORT_PENDING];
    uint64_t times[REPORT_PENDING];
    unsigned count;
};

struct reports {
    struct monitor *monitor;
    uint64_t kinds;     // of all sinks
    uint64_t detectors; // BIT(enum report_detector): that have begun
    struct report_sink sink[REPORT_SINKS];
    unsigned sinks;
    struct observer observer;
    void *data[REPORT_DETECTORS]; // theirs
    struct follower memory[REPORT_DETECTORS];
    uint64_t seers[OBSERVE_COUNT];     // BIT(enum report_detector): who wants to see this
    struct translations *translations; // of those that are about them
    struct report_counts counts;
    struct follower follower;
    struct output text; // what is being written
    uint64_t told;      // the step up to which reports were written
    struct reports_pending pending;
    bool looking_back; // for the last one that would have stopped the run
};

struct detector {
    uint64_t wanted; // BIT(OBSERVE_...)
    size_t bytes;    // what it remembers is reports->data[its number], zeros at first; 0: begin makes it
    const struct state_table *memory; // over that: it goes back in time with the machine. NULL: nothing of it does
    // Points and the like, after that; NULL: nothing. False: memory is short.
    bool (*begin)(struct reports *reports);
    void (*see)(struct reports *reports, struct cpu *cpu, const struct sight *sight, unsigned level);
    void (*end)(struct reports *reports); // of what begin did
};
#define KIND(word, id, text) extern const struct detector detector_##id;
#define DETECTOR(kind, id) extern const struct detector detector_##id;
#include "monitor/report/kind.def"
#undef KIND
#undef DETECTOR

// "KIND,...=FILE|stderr|stop": reports begin. False after an error.
bool reports_begin(struct monitor *monitor, const char *text);
bool reports_end(struct monitor *monitor);  // false, after an error, when not all could be written
void reports_tell(struct monitor *monitor); // those that stopped the run
void reports_forget(struct monitor *monitor);
// While somebody goes back to the last stop: those that stop the run count; what was found may be kept, and recalled.
void reports_look_back(struct monitor *monitor, bool on);
bool reports_keep(struct monitor *monitor, struct reports_pending *kept); // false: none stopped here
void reports_recall(struct monitor *monitor, const struct reports_pending *kept);

// --- for detectors ---
// A report of this rule at what is seen now.
struct report report_at(const struct cpu *cpu, enum report_rule rule, const struct sight *sight);
struct report_moment report_moment(const struct cpu *cpu, const struct sight *sight);
void report_value(struct report *report, const char *name, struct place place, uint64_t now);
// Counts it, writes it the first time and at each power of ten, stops the run where that is asked for.
void report_file(struct reports *reports, struct cpu *cpu, struct report *report);

// --- among the files of this room ---
void report_print(const struct look *look, const struct report *report, uint64_t times); // text
void report_print_json(const struct look *look, const struct report *report, uint64_t times);

#endif
