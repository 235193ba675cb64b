// Signals; see signals.h. Handlers reach their data through statics only.
#define _GNU_SOURCE // REG_RSP
#include "monitor/files/signals.h"
#include "devices/machine/machine.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 400,         // in all, for others, once a signal has come
    TICK_MS = 50,              // between interruptions of system calls that wait
    TICKS_MOST = 10000 / 50,   // then the process ends whatever it is doing
    STACK_NEAR = 1 << 16,      // a fault so near to the stack pointer is one of the stack
    CRASH_STACK_BYTES = 65536, // for the handler of a stack that is exhausted
};

static struct {
    struct signals_terminal terminal;
    struct machine *_Atomic machine;
    atomic_int ending;
    atomic_llong ending_ms;
    atomic_int ticks;
    atomic_bool asked, interrupt_asks, continued;
} signals;

static const struct {
    int number;
    const char *name;
} ending[] = {{SIGINT, "SIGINT"},   {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"},   {SIGQUIT, "SIGQUIT"},
              {SIGALRM, "SIGALRM"}, {SIGPIPE, "SIGPIPE"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};
static const int crashing[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

static void restore(void) {
    if (signals.terminal.restore) signals.terminal.restore();
}

static void resume(void) {
    if (signals.terminal.resume) signals.terminal.resume();
}

static void stop_machine(void) {
    struct machine *machine = signals.machine;
    if (machine) machine_stop_soon(machine);
}

_Noreturn void signals_die(int number) {
    sigset_t set;
    restore();
    prctl(PR_SET_DUMPABLE, 0); // a core of the guest's memory is wanted by nobody, and takes its time
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(128 + number);
}

// --- ends ---

// A write of our own that failed brings these two; it returns an error besides, which is told.
static bool is_of_a_write(int number, const siginfo_t *info) {
    return (number == SIGPIPE || number == SIGXFSZ) && (info->si_code == SI_KERNEL || info->si_pid == getpid());
}

// What waits in a system call is interrupted again and again, so that it sees that the run ends.
static void begin_end(void) {
    const struct itimerval ticks = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
    signals.ending_ms = wait_clock_ms();
    stop_machine();
    setitimer(ITIMER_REAL, &ticks, NULL);
}

// Some send a signal twice, like timeout(1). One that comes later does not wait for anything.
static void end_again(int number) {
    bool is_tick = number == SIGALRM;
    if (is_tick ? ++signals.ticks > TICKS_MOST : signals_patience() == 0) signals_die(signals.ending);
}

static void on_ending(int number, siginfo_t *info, void *context) {
    int none = 0, error = errno;
    (void)context;
    if (is_of_a_write(number, info)) return;
    if (number == SIGINT && signals.interrupt_asks && !atomic_exchange(&signals.asked, true))
        stop_machine();
    else if (atomic_compare_exchange_strong(&signals.ending, &none, number))
        begin_end();
    else
        end_again(number);
    errno = error;
}

int signals_ending(void) { return signals.ending; }

const char *signals_name(int number) {
    for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++)
        if (ending[i].number == number) return ending[i].name;
    return "a signal";
}

int signals_patience(void) {
    if (!signals.ending) return -1;
    long long left = signals.ending_ms + PATIENCE_MS - wait_clock_ms();
    return left > 0 ? (int)left : 0;
}

// --- crashes ---

static void on_crash(int number, siginfo_t *info, void *context) {
    static const char exhausted[] = "vmxray: the stack is exhausted; raise its limit (ulimit -s)\n";
    const ucontext_t *at = context;
    uintptr_t distance = (uintptr_t)info->si_addr - (uintptr_t)at->uc_mcontext.gregs[REG_RSP] + STACK_NEAR;
    restore();
    if (number == SIGSEGV && info->si_code > 0 && distance < 2 * STACK_NEAR &&
        write(STDERR_FILENO, exhausted, sizeof exhausted - 1) < 0)
        number = SIGSEGV; // nobody can be told
    signal(number, SIG_DFL);
    raise(number);
}

_Noreturn void signals_end_at_once(const char *text, int status) {
    restore();
    ssize_t wrote = write(STDERR_FILENO, text, strlen(text));
    _exit(wrote < 0 ? 1 : status);
}

// --- stopped and continued ---

static void on_suspend(int number) {
    int error = errno;
    struct sigaction ours, stops = {.sa_handler = SIG_DFL};
    sigset_t set, before;
    restore();
    sigaction(number, &stops, &ours);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, &before); // here it stops
    sigprocmask(SIG_SETMASK, &before, NULL);
    sigaction(number, &ours, NULL);
    resume();
    errno = error;
}

static void on_continue(int number) {
    int error = errno;
    (void)number;
    signals.continued = true;
    resume();
    errno = error;
}

bool signals_continued(void) { return atomic_exchange(&signals.continued, false); }

// --- the monitor ---

bool signals_asked(void) { return atomic_exchange(&signals.asked, false); }
bool signals_is_asked(void) { return signals.asked; }
bool signals_interrupt(void) { return signals_asked() || signals_ending(); }
void signals_ask(void) { signals.asked = true; }
void signals_interrupt_asks(bool asks) { signals.interrupt_asks = asks; }
bool signals_interrupt_is_asking(void) { return signals.interrupt_asks; }

// --- from the start on ---

static void handle(int number, struct sigaction action) {
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void signals_open(void) {
    static uint8_t stack[CRASH_STACK_BYTES];
    const stack_t crash_stack = {.ss_sp = stack, .ss_size = sizeof stack};
    const struct sigaction ends = {.sa_sigaction = on_ending, .sa_flags = SA_SIGINFO},
                           crashes = {.sa_sigaction = on_crash,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND},
                           suspends = {.sa_handler = on_suspend, .sa_flags = SA_RESTART},
                           continues = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    sigaltstack(&crash_stack, NULL);
    for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++) handle(ending[i].number, ends);
    for (unsigned i = 0; i < sizeof crashing / sizeof *crashing; i++) handle(crashing[i], crashes);
    handle(SIGTSTP, suspends);
    handle(SIGCONT, continues);
}

void signals_set_terminal(const struct signals_terminal *terminal) { signals.terminal = *terminal; }
void signals_set_machine(struct machine *machine) { signals.machine = machine; }
