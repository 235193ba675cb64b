// The machine behind machine.h. Private to devices/.
#ifndef DEVICES_MACHINE_PRIVATE_H
#define DEVICES_MACHINE_PRIVATE_H
#include "devices/board/board.h"
#include "devices/firmware/acpi_loader.h"
#include "devices/machine/machine.h"
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_observe.h"
#include "devices/machine/turns.h"

struct follower;
struct machine {
    struct machine_config config;
    struct board board;
    struct memory memory;
    struct platform platform;
    struct decoder *decoder;
    struct acpi_loader acpi; // of firmware
    struct cpu *cpu[MACHINE_CPUS];
    struct timing_model *timing[MACHINE_CPUS]; // of the configuration; NULL: a step is a cycle
    struct machine_stats counts;
    struct turns turns; // of several processors
    // the run in progress: nothing of it is state
    int stop;        // enum machine_stop that a chip asked for; -1: none
    int interrupted; // machine_stop_soon
    uint64_t idle_limit, cycle_limit;
    void (*look)(void *context); // machine_set_look
    void *look_context;
    int64_t unlooked;  // work since it was called
    bool idle_granted; // MACHINE_IDLE was returned: the next run may skip the time
    // what it begins with, like the configuration
    const struct boot_image *boot; // machine_boot.c: NULL: none
    // what comes from outside: no state either
    struct input_log log;
    const struct input *replay;  // of the log: the next one; NULL: none
    const struct position *goal; // of machine_run_to; NULL: none
    struct offer *offers;        // machine_input.c
    // observation: nor is this
    struct observer *observers;
    struct point *points;
    unsigned observed_cpu;
    struct follower *followers; // devices/snapshot/follower.h, beside those of VT-x
};

enum { SLICE_STEPS = 1 << 16 }; // between looks at machine_stop_soon, at most
// machine.c: after `steps` steps of `cpu`: whether machine_stop_soon was called, once for each time.
bool machine_asked(struct machine *m, struct cpu *cpu, uint64_t steps);
// The last cycle that the run may reach, and what it is called when it does.
uint64_t machine_last_cycle(const struct machine *m);
enum machine_stop machine_no_time(const struct machine *m);

extern const struct platform machine_platform; // `machine` is to be filled in

// The present cycle, of the processor whose turn it is. Between two rounds all are at the end of the last one, also
// those whose last step took them beyond it.
static inline uint64_t machine_local_now(const struct machine *m) {
    uint64_t now = cpu_cycles_now(m->cpu[m->turns.processor]);
    bool beyond = m->config.cpus > 1 && m->turns.processor == 0 && now > m->turns.end;
    return beyond ? m->turns.end : now;
}
// The same as the world outside the processors knows it: what was seen of time does not come again.
static inline uint64_t machine_now(const struct machine *m) {
    uint64_t now = machine_local_now(m);
    return now > m->turns.latest ? now : m->turns.latest;
}

// machine.c: the earliest deadline of any timer; whether any event at all could end the halt of all processors.
uint64_t machine_next_deadline(const struct machine *m);
bool machine_can_wake(const struct machine *m);

// machine.c: what is due at the present position, unless a processor stands within its turn.
void machine_settle(struct machine *m);
// Some of the halted time. False: a processor is not halted.
bool machine_idle_pass(struct machine *m, uint64_t cycles);
// Hardware reset of everything but RAM contents: processors, chips, and what firmware leaves behind. The clock and the
// steps go on.
void machine_reset(struct machine *m);
// machine_firmware.c: what firmware leaves in RAM, in the chips and in the processors; nothing, where there is firmware
// that will do so itself.
void machine_begin(struct machine *m);
struct acpi_config machine_acpi(const struct machine *m); // of the direct boot
// machine_describe.c: the files of the firmware configuration device. False: one line in `error`, or memory is short.
bool machine_describe(struct machine *m, char *error, size_t size);

// From outside into RAM: zeroes when `from` is NULL. False: not all of it is RAM. Then machine_drop_derived.
bool machine_store(struct machine *m, uint64_t physical, const void *from, size_t bytes);

// position.c: how a position lies to the present one.
enum position_order position_order(const struct machine *m, const struct position *p);
// How far a run may go at once: to the position asked for and to that of the next input of a replay, whatever comes
// first.
struct position_limits {
    uint64_t steps;  // at most so many
    uint64_t cycle;  // idle time of the processor whose turn it is only up to here
    uint64_t round;  // idle time of all processors only up to here
    bool hold;       // no step at all: stop before an attempt
    uint32_t events; // and already when a boundary has taken so many events
};
struct position_limits position_limits(const struct machine *m);
bool position_reached(const struct machine *m); // that asked for
bool position_comes(const struct machine *m);   // that, or the next input's: no time may pass
int position_missed(const struct machine *m);   // after RUN_HELD: enum machine_stop, -1: go on
// cpu_run_until within these limits.
enum run_result position_run(struct cpu *cpu, uint64_t steps, uint64_t cycle, const struct position_limits *limits);

// machine_boot.c: the boot image once more.
void machine_apply_boot(struct machine *m);
// input_apply.c: what the kinds of input do.
struct input_kind_row {
    struct input_row row;
    uint32_t (*takes)(const struct machine *machine, const struct input *input);
    bool (*apply)(struct machine *machine, const struct input *input);
};
const struct input_kind_row *input_kind_row(unsigned kind); // NULL past the last one
// machine_input.c
// Takes what comes in at the present position. -1: there was something; -2: nothing; else enum machine_stop.
enum { CAME_IN = -1, NOTHING_CAME = -2 };
int machine_come_in(struct machine *m);
void machine_drop_offers(struct machine *m);

// machine_observe.c: the stop that `cpu` was asked for.
enum machine_stop machine_observed(struct machine *m, struct cpu *cpu);

// turns.c: the loop for several processors.
enum machine_stop turns_run(struct machine *m, uint64_t steps);
bool turns_idle_pass(struct machine *m, uint64_t cycles);
void turns_settle(struct machine *m);
void turns_reset(struct machine *m);
bool turns_possible(const struct machine *m); // of a state that was loaded: whether a run can have brought it about
// A processor learns what time it is, or does something that others can see the time of.
static inline void turns_tell(struct machine *m, const struct cpu *cpu) {
    if (m->config.cpus == 1) return;
    uint64_t now = cpu_cycles_now(cpu);
    if (now > m->turns.latest) m->turns.latest = now;
}

#endif
