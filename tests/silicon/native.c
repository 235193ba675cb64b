// The host's side: a process of its own that we trace. It has the pages of place.def, a stack for signals, and nothing
// else mapped, so a random instruction can hurt nobody. Single-stepping is TF in its RFLAGS; a fault comes as a signal,
// whose frame, once delivered, tells vector, error code and CR2. x86-64 Linux.
#define _GNU_SOURCE
#include <ucontext.h>
#undef REG_RIP // the decoder has one too
#include "tests/silicon/silicon.h"
#include "tests/tap.h"
#include <asm/ldt.h>
#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES 0x7e0000000000ull // the traced process's stack for signals
#define USER_END 0x7ffffffff000ull
enum { FRAME_BYTES = 16 * 4096, MEMORY_BYTES = PLACE_BYTES + FRAME_BYTES };

static const struct {
    uint64_t linear;
    unsigned page, rights;
} places[] = {
#define PLACE(linear, page, rights) {linear, page, rights},
#include "tests/silicon/place.def"
};
enum { PLACES = sizeof places / sizeof places[0] };

static struct {
    pid_t pid;
    int file;
    uint8_t *memory;                   // PLACE_BYTES, then FRAME_BYTES
    struct user_regs_struct registers; // to make system calls with
    uint64_t kept;                     // RFLAGS.ID, which no tracer can set: as the last instruction left it
} native;

uint8_t *place_at(uint8_t *memory, uint64_t linear) {
    for (unsigned i = 0; i < PLACES; i++)
        if (linear - places[i].linear < 4096) return memory + places[i].page * 4096 + (linear - places[i].linear);
    return NULL;
}
static const struct segment_row local[] = {
#define SEGMENT(index, base, limit, rights) [index] = {base, limit, rights},
#include "tests/silicon/segment.def"
};
enum { LOCALS = sizeof local / sizeof local[0] };

const struct segment_row *segment_find(uint16_t selector) {
    static const struct segment_row code_64 = {0, UINT32_MAX, 0xa0fb}, code_32 = {0, UINT32_MAX, 0xc0fb},
                                    data = {0, UINT32_MAX, 0xc0f3};
    if ((selector & 7) == 7 && selector >> 3 < LOCALS) return &local[selector >> 3];
    return selector == USER_CS_64 ? &code_64 : selector == USER_CS_32 ? &code_32 : selector == USER_DS ? &data : NULL;
}

uint8_t *native_memory(void) { return native.memory; }
uint64_t native_flags(uint64_t wanted) { return (wanted & ~FLAG_ID) | native.kept; }

// --- the host: CPUID is asked once, for it may leave a virtual machine ---

static struct { bool intel, feature[FEATURE_COUNT]; } host;

static void read_host(void) {
    static const struct {
        uint32_t leaf, subleaf, reg, bit;
    } table[FEATURE_COUNT] = {
#define FEATURE(name, leaf, subleaf, reg, bit, text) [FEATURE_##name] = {leaf, subleaf, reg, bit},
#include "cpu/state/feature.def"
#undef FEATURE
    };
    unsigned r[4];
    host.intel = __get_cpuid(0, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) && r[EBX] == signature_INTEL_ebx;
    host.feature[FEATURE_BASE] = true;
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        host.feature[f] = __get_cpuid_count(table[f].leaf, table[f].subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) &&
                          r[table[f].reg] >> table[f].bit & 1;
}

bool native_has(unsigned feature) { return host.feature[feature]; }
bool native_is_intel(void) { return host.intel; }
void native_take_for_intel(bool intel) { host.intel = intel; }
// Of selector 8 * index + 3, as LAR and LSL tell it at this level.
bool native_descriptor(unsigned index, uint32_t *rights, uint32_t *limit) {
    bool rights_told, limit_told;
    __asm__("lar %2, %0" : "=r"(*rights), "=@ccz"(rights_told) : "r"(8 * index + 3));
    __asm__("lsl %2, %0" : "=r"(*limit), "=@ccz"(limit_told) : "r"(8 * index + 3));
    return rights_told && limit_told;
}

bool native_has_fsgsbase(void) { return getauxval(AT_HWCAP2) & 2; }

bool native_has_ldt(void) { return syscall(SYS_modify_ldt, 0, NULL, 0) == 0; }

// --- the traced process ---

static void set_ldt(void) {
    enum { WRITE = 0x11 };
    for (unsigned i = 0; i < LOCALS; i++) {
        uint32_t rights = local[i].rights;
        bool wide = local[i].limit >> 20;
        struct user_desc d = {.entry_number = i,
                              .base_addr = local[i].base,
                              .limit = wide ? local[i].limit >> 12 : local[i].limit,
                              .seg_32bit = rights >> 14 & 1,
                              .contents = rights >> 2 & 3,
                              .read_exec_only = !(rights & 2),
                              .limit_in_pages = wide,
                              .seg_not_present = !(rights & RIGHTS_P)};
        (void)syscall(SYS_modify_ldt, WRITE, &d, sizeof d);
    }
}

static void map_place(unsigned page, uint64_t linear, size_t bytes, unsigned rights) {
    int protection = (rights & R ? PROT_READ : 0) | (rights & W ? PROT_WRITE : 0) | (rights & X ? PROT_EXEC : 0);
    void *at = mmap((void *)linear, bytes, protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, native.file,
                    page * 4096);
    if (at != (void *)linear) _exit(1);
}

// The C library registers an area with the kernel, which the kernel would miss.
static void forget_rseq(void) {
#if __has_include(<sys/rseq.h>)
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    for (unsigned bytes = 20; bytes <= 256; bytes += 4)
        if (syscall(SYS_rseq, area, bytes, 1, RSEQ_SIG) == 0) return;
#endif
}

static void on_signal(int number) { (void)number; }

static void child_run(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < PLACES; i++) map_place(places[i].page, places[i].linear, 4096, places[i].rights);
    map_place(PLACE_PAGES, FRAMES, FRAME_BYTES, R | W);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < 5; i++) sigaction(signals[i], &action, NULL);
    if (sigaltstack(&(stack_t){.ss_sp = (void *)FRAMES, .ss_size = FRAME_BYTES}, NULL)) _exit(1);
    set_ldt();
    forget_rseq();
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(1);
    raise(SIGSTOP);
    _exit(1);
}

// Waits until it stands; the signal that stopped it, or 0 when it is gone.
static int child_wait(void) {
    int status;
    while (waitpid(native.pid, &status, __WALL) < 0)
        if (errno != EINTR) return 0;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

// Has the traced process make a system call with the two bytes at PLACE_CODE.
static bool child_call(uint64_t number, uint64_t first, uint64_t second) {
    struct user_regs_struct r = native.registers;
    memcpy(native.memory, "\x0f\x05", 2);
    r.rip = PLACE_CODE;
    r.rax = number, r.rdi = first, r.rsi = second;
    r.orig_rax = ~0ull;
    if (ptrace(PTRACE_SETREGS, native.pid, NULL, &r) || ptrace(PTRACE_SINGLESTEP, native.pid, NULL, NULL)) return false;
    return child_wait() == SIGTRAP && !ptrace(PTRACE_GETREGS, native.pid, NULL, &r) && r.rax == 0;
}

// Nothing but the places and the signal stack stays.
static bool child_strip(void) {
    static const struct {
        uint64_t from, to;
    } holes[] = {
        {0x10000, PLACE_CODE}, {PLACE_CODE_END, 0x20000000}, {0x20006000, FRAMES}, {FRAMES + FRAME_BYTES, USER_END}};
    for (unsigned i = 0; i < sizeof holes / sizeof holes[0]; i++)
        if (!child_call(SYS_munmap, holes[i].from, holes[i].to - holes[i].from)) return false;
    return true;
}

// One processor for both: handing over is quicker, and RDPID and its like stay the same.
static void stay_on_one_processor(void) {
    cpu_set_t set;
    int here = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(here < 0 ? 0 : here, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

// A processor in software is no judge.
static bool is_emulated(void) {
    unsigned a, b, c, d;
    char name[13] = {0};
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31)) return false;
    __cpuid(0x40000000, a, b, c, d);
    memcpy(name, &b, 4), memcpy(name + 4, &c, 4), memcpy(name + 8, &d, 4);
    return !strcmp(name, "TCGTCGTCGTCG");
}

// --- a run that does not end ---

enum { PATIENCE_SECONDS = 30 };
static volatile sig_atomic_t runs, runs_seen;

// A kernel may let an instruction fault for ever: the traced process is then ended, and native_run says so.
static void look_for_progress(int number) {
    (void)number;
    if (runs == runs_seen) kill(native.pid, SIGKILL);
    runs_seen = runs;
}

static void watch_progress(void) {
    const struct itimerval often = {{PATIENCE_SECONDS, 0}, {PATIENCE_SECONDS, 0}};
    (void)sigaction(SIGALRM, &(struct sigaction){.sa_handler = look_for_progress}, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
}

// --- opening ---

// The two take turns, a few microseconds each: where others want the processor too, short slices come soon (since Linux
// 6.12; before, this does nothing).
static void take_short_turns(void) {
    enum { SLICE_NANOSECONDS = 100000 };
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = 48, .runtime = SLICE_NANOSECONDS};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

bool native_open(const char **why) {
    read_host();
    if (is_emulated()) return *why = "the host's processor is emulated", false;
    native.file = memfd_create("silicon", MFD_CLOEXEC);
    if (native.file < 0 || ftruncate(native.file, MEMORY_BYTES)) return *why = "no shared memory", false;
    native.memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, native.file, 0);
    if (native.memory == MAP_FAILED) return *why = "no shared memory", false;
    memset(native.memory, 0, MEMORY_BYTES);
    stay_on_one_processor();
    take_short_turns();
    native.pid = fork();
    if (native.pid == 0) child_run();
    if (native.pid < 0 || child_wait() != SIGSTOP) return *why = "no process can be traced here", false;
    ptrace(PTRACE_SETOPTIONS, native.pid, NULL, (void *)(long)PTRACE_O_EXITKILL);
    if (ptrace(PTRACE_GETREGS, native.pid, NULL, &native.registers)) return *why = "no registers of it", false;
    if (!child_strip()) return *why = "its memory cannot be unmapped", false;
    watch_progress();
    return true;
}

void native_close(void) {
    if (!native.memory) return;
    if (native.pid > 0) kill(native.pid, SIGKILL), (void)child_wait();
    munmap(native.memory, MEMORY_BYTES);
    close(native.file);
}

// --- one run ---

static void registers_from(const struct silicon_state *s, struct user_regs_struct *r) {
    *r = (struct user_regs_struct){.rax = s->gpr[RAX],
                                   .rcx = s->gpr[RCX],
                                   .rdx = s->gpr[RDX],
                                   .rbx = s->gpr[RBX],
                                   .rsp = s->gpr[RSP],
                                   .rbp = s->gpr[RBP],
                                   .rsi = s->gpr[RSI],
                                   .rdi = s->gpr[RDI],
                                   .r8 = s->gpr[8],
                                   .r9 = s->gpr[9],
                                   .r10 = s->gpr[10],
                                   .r11 = s->gpr[11],
                                   .r12 = s->gpr[12],
                                   .r13 = s->gpr[13],
                                   .r14 = s->gpr[14],
                                   .r15 = s->gpr[15],
                                   .rip = s->rip,
                                   .eflags = s->rflags,
                                   .orig_rax = ~0ull,
                                   .es = s->selector[ES],
                                   .cs = s->selector[CS],
                                   .ss = s->selector[SS],
                                   .ds = s->selector[DS],
                                   .fs = s->selector[FS],
                                   .gs = s->selector[GS],
                                   .fs_base = s->fs_base,
                                   .gs_base = s->gs_base};
}

static void registers_to(const struct user_regs_struct *r, struct silicon_state *s) {
    const uint64_t gpr[16] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                              r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};
    const uint64_t selector[6] = {r->es, r->cs, r->ss, r->ds, r->fs, r->gs};
    memcpy(s->gpr, gpr, sizeof gpr);
    for (unsigned i = 0; i < 6; i++) s->selector[i] = (uint16_t)selector[i];
    s->rip = r->rip, s->rflags = r->eflags;
    s->fs_base = r->fs_base, s->gs_base = r->gs_base;
}

// Lets the signal be delivered, stops at its handler, and reads the frame.
static void read_frame(int number, struct silicon_state *s) {
    struct user_regs_struct r;
    if (ptrace(PTRACE_SINGLESTEP, native.pid, NULL, (void *)(long)number) || child_wait() != SIGTRAP)
        bail("signal %d cannot be delivered", number);
    if (ptrace(PTRACE_GETREGS, native.pid, NULL, &r) || r.rsp - FRAMES >= FRAME_BYTES) bail("no frame of a signal");
    const ucontext_t *u = (const void *)(native.memory + PLACE_BYTES + (r.rsp - FRAMES) + 8);
    enum { GREG_ERR = 19, GREG_TRAPNO = 20, GREG_CR2 = 22 }; // the names of <sys/ucontext.h> are not ours alone
    s->vector = (unsigned)u->uc_mcontext.gregs[GREG_TRAPNO];
    s->error_code = (uint64_t)u->uc_mcontext.gregs[GREG_ERR];
    s->cr2 = s->vector == VECTOR_PF ? (uint64_t)u->uc_mcontext.gregs[GREG_CR2] : 0;
}

// The kernel tells #DB and #BP by the signal alone, #UD too: no second step for these.
static void read_end(int number, struct silicon_state *s) {
    siginfo_t info;
    s->error_code = s->cr2 = 0;
    if (ptrace(PTRACE_GETSIGINFO, native.pid, NULL, &info)) bail("no account of a signal");
    if (number == SIGTRAP)
        s->vector = info.si_code == SI_KERNEL ? VECTOR_BP : VECTOR_DB;
    else if (number == SIGILL)
        s->vector = VECTOR_UD;
    else
        read_frame(number, s);
}

static bool is_fault(int number) {
    return number == SIGTRAP || number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
}

void native_run(const struct silicon_case *c, struct silicon_state *out) {
    struct user_regs_struct r;
    struct user_fpregs_struct fx;
    int number;
    runs++;
    registers_from(&c->state, &r);
    memcpy(&fx, &c->state.fx, sizeof fx);
    if (ptrace(PTRACE_SETREGS, native.pid, NULL, &r)) bail("registers cannot be set");
    if (ptrace(PTRACE_SETFPREGS, native.pid, NULL, &fx)) bail("x87 and XMM registers cannot be set");
    do {
        if (ptrace(PTRACE_CONT, native.pid, NULL, NULL)) bail("the traced process does not go on");
        number = child_wait();
        if (!number)
            bail("case %lu: the traced process is gone, or did not end within %u s", c->number, PATIENCE_SECONDS);
    } while (!is_fault(number));
    if (ptrace(PTRACE_GETREGS, native.pid, NULL, &r)) bail("registers cannot be read");
    if (ptrace(PTRACE_GETFPREGS, native.pid, NULL, &fx)) bail("x87 and XMM registers cannot be read");
    registers_to(&r, out);
    native.kept = r.eflags & FLAG_ID;
    memcpy(&out->fx, &fx, sizeof fx);
    read_end(number, out);
}

bool native_can(enum code_size size) {
    struct silicon_state out;
    struct silicon_case c = {.size = size};
    const struct segment_row *code;
    if (size == CODE_16 && !native_has_ldt()) return false;
    c.state.selector[CS] = size == CODE_64 ? USER_CS_64 : size == CODE_32 ? USER_CS_32 : LDT_SELECTOR(0);
    c.state.selector[SS] = c.state.selector[DS] = c.state.selector[ES] = USER_DS;
    code = segment_find(c.state.selector[CS]);
    c.state.rip = PLACE_CODE - code->base;
    c.state.rflags = FLAG_TF | FLAG_IF;
    c.state.fx.control = 0x37f, c.state.fx.mxcsr = 0x1f80;
    native.memory[0] = 0x90;
    native_run(&c, &out);
    return out.vector == VECTOR_DB && out.rip == c.state.rip + 1;
}
