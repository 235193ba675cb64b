// The filter of system calls; see jail.h. seccomp(2); siginfo_t of SIGSYS: sigaction(2).
//
// NOT IMPLEMENTED: builds with sanitizers or coverage counters, whose runtimes read and write files and start threads
// and programs when they end: they have no filter.
#define _GNU_SOURCE // AT_EMPTY_PATH, REG_RDI
#include "monitor/jail/jail.h"
#include "monitor/files/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef VMXRAY_INSTRUMENTED
#define VMXRAY_INSTRUMENTED 0
#endif
#ifdef __has_feature
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer))
#elif defined __SANITIZE_ADDRESS__
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

enum { CALLS = 512, REFUSED_BY_FILTER = 1 /* SYS_SECCOMP, which not every C library names */ };

struct row {
    unsigned use;
    int call;
    uint32_t action;
    unsigned conditions;
    struct scmp_arg_cmp condition;
};

// What the handler needs, from before anything is refused: names are looked up in allocated memory.
static struct {
    const char *name[CALLS];
    int status;
    bool closed;
} jail;

bool jail_is_closed(void) { return jail.closed; }

static void on_refused(int number, siginfo_t *info, void *context) {
    char text[300];
    unsigned call = (unsigned)info->si_syscall;
    const greg_t *of = ((const ucontext_t *)context)->uc_mcontext.gregs;
    if (info->si_code != REFUSED_BY_FILTER) signals_die(number);
    const char *name = call < CALLS && jail.name[call] ? jail.name[call] : "unknown";
    snprintf(
        text, sizeof text,
        "vmxray: the jail has ended this run, which has no use for the system call %s (%u), arguments %llx %llx %llx; "
        "please report this (-sandbox off runs without the jail)\n",
        name, call, of[REG_RDI], of[REG_RSI], of[REG_RDX]);
    signals_end_at_once(text, jail.status);
}

static void prepare_handler(int status) {
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    jail.status = status;
    for (int i = 0; i < CALLS; i++)
        if (!jail.name[i]) jail.name[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
    sigemptyset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
}

static bool add_row(scmp_filter_ctx filter, const struct row *row) {
    int error = seccomp_rule_add_array(filter, row->action, row->call, row->conditions, &row->condition);
    return error == 0 || error == -EEXIST;
}

static bool add_rows(scmp_filter_ctx filter, unsigned uses) {
#define ANY                                                                                                            \
    0, { 0 }
#define IS(argument, value)                                                                                            \
    1, { argument, SCMP_CMP_EQ, value, 0 }
#define HAS(argument, bits, value)                                                                                     \
    1, { argument, SCMP_CMP_MASKED_EQ, bits, value }
#define LACKS(argument, bits) HAS(argument, bits, 0)
#define ALLOW(use, call, condition) {JAIL_##use, SCMP_SYS(call), SCMP_ACT_ALLOW, condition},
#define REFUSE(use, call, condition, error) {JAIL_##use, SCMP_SYS(call), SCMP_ACT_ERRNO(error), condition},
    const struct row rows[] = {
#include "monitor/jail/jail.def"
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].use & (uses | JAIL_BASE) && !add_row(filter, &rows[i])) return false;
    return true;
}

// Programs of another architecture's numbers are none of ours. Some kernels would slow the process down against side
// channels, which the guest's code, never executed as it is, does not need.
static int load(scmp_filter_ctx filter, unsigned uses) {
    (void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); // threads that are there already
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); // the kernel's reason
    return add_rows(filter, uses) ? seccomp_load(filter) : -EINVAL;
}

bool jail_close(unsigned uses, int refused_status, char *why, size_t why_size) {
    if (VMXRAY_INSTRUMENTED || IS_SANITIZED) {
        snprintf(why, why_size, "this build has sanitizers or counters, which need other system calls");
        return false;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    prepare_handler(refused_status);
    int error = filter ? load(filter, uses) : -ENOMEM;
    if (filter) seccomp_release(filter);
    jail.closed = error == 0;
    if (error) snprintf(why, why_size, "the kernel takes no filter of system calls here (%s)", strerror(-error));
    return error == 0;
}
