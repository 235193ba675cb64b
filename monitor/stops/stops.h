// What stops the guest: breakpoints, watchpoints and catches, over the library's observers and points
// (devices/machine/machine_observe.h). Nothing is installed while none is enabled.
#ifndef MONITOR_STOPS_H
#define MONITOR_STOPS_H
#include "monitor/session/monitor.h"
#include "devices/machine/machine_observe.h"
#include "monitor/expression/expression.h"

enum { STOP_COMMANDS = 16, STOPS_AT_ONCE = 8, HITS_KEPT = 1 << 16 };

struct stop {
    struct stop *next;
    struct monitor *monitor;
    unsigned number;
    bool enabled, once; // once: gone after it has stopped the guest
    uint64_t ignore;    // hits to let pass
    uint64_t passed;    // of these, on the way back
    uint64_t hits;
    struct {
        uint64_t *step; // of the first HITS_KEPT of them, as far as they are known: some lie ahead of who went back
        uint64_t known, room;
    } hit;
    int level;       // -1: any
    char title[120]; // "break 0x1000", as info breakpoints lists it
    char *condition; // as typed, NULL: none
    struct expression test;
    char *command[STOP_COMMANDS];
    unsigned commands;
    // how it comes about: a point, or sights of these kinds that pass the filter
    bool has_point;
    struct point point;
    uint64_t wanted; // BIT(OBSERVE_...)
    // NULL: every sight of the wanted kinds.
    bool (*filter)(struct stop *stop, struct cpu *cpu, const struct sight *sight);
    bool has_number;
    uint64_t number_wanted; // of a reason, vector, port, ...: what the filter compares with
    bool read_wanted, write_wanted;
    struct name name; // the register that is watched,
    struct watched_value {
        bool known;
        uint64_t value, old; // its last value, and the one before
    } of[MACHINE_CPUS];
};

struct stops {
    struct stop *first;
    unsigned numbers;         // given so far
    struct observer observer; // of all catches
    bool observing;
    // why the guest stopped last; several may come together at one instruction
    struct caught {
        struct stop *stop;
        struct sight sight;
        unsigned processor, level; // when it was seen
        uint64_t value, old;       // of a register that is watched
        char error[160];           // of the condition; "" when it could be evaluated
    } caught[STOPS_AT_ONCE];
    unsigned count;
    struct sight seen; // in a receiver
    bool looking_back; // through the past: hits are neither counted nor ignored
};

// A stop with the next number, not yet installed. NULL after an error.
struct stop *stop_new(struct monitor *monitor, const char *title);
const char *catch_name(unsigned index); // what catch knows; NULL past the last
const char *catch_text(unsigned index); // and what it is
// Takes "if EXPRESSION" and installs; prints its line. On an error the stop is gone.
bool stop_install(struct monitor *monitor, struct stop *stop, const char *arguments);
void stop_discard(struct stop *stop); // one that was not installed
void stop_delete(struct monitor *monitor, struct stop *stop);
void stop_enable(struct monitor *monitor, struct stop *stop, bool on);
void stop_watch_begin(struct stop *stop); // a register: its values now are what is compared with
struct stop *stop_find(struct monitor *monitor, uint64_t number);
void stop_describe(struct monitor *monitor, const struct stop *stop);
void stops_free(struct monitor *monitor);

// A line of the list that `commands` began.
void stops_collect(struct monitor *monitor, const char *line);
void stops_list(struct monitor *monitor);

// Before the guest runs, and after it has stopped: what was caught is forgotten; is told.
void stops_begin(struct monitor *monitor);
void stops_report(struct monitor *monitor);
// Around what goes through the past. After it the registers that are watched are compared with what they are there.
void stops_look_back(struct monitor *monitor, bool on);
void stops_stand(struct monitor *monitor);     // the same, wherever the machine was moved
void stops_branch(struct monitor *monitor);    // what lies ahead is another future
void stops_moved(struct monitor *monitor);     // it is another machine: when the hits were is no longer known
void stops_recount(struct monitor *monitor);   // hits before this moment, and those that were caught at it
void stops_pass_none(struct monitor *monitor); // of those that passed on the way back: it was interrupted
bool stops_let_pass(struct monitor *monitor);  // those to be ignored are caught no longer. Whether none is left
// The list of commands of what was caught. Whether the guest is to run on.
bool stops_carry_out(struct monitor *monitor);
void stops_spend(struct monitor *monitor); // what was caught and stops once is gone
bool stops_caught(const struct monitor *monitor);

#endif
