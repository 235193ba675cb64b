// Which bytes instructions access, and with which alignment: data breakpoints and alignment checking at CPL 3, of this
// machine's processor (a child that is traced, with DR0 and EFLAGS.AC set) and of ours. Every byte near the operand is
// watched for once, for writes and for any access. SDM Vol. 3B, 17.2.5; Vol. 3A, 6.15, interrupt 17.
#include "tests/insn/harness.h"
#include "cpu/memory/mode.h"
#include "tests/tap.h"
#include "cpu/watch/debug.h"
#include <cpuid.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPERAND = HARNESS_MIDDLE, STACK = HARNESS_MIDDLE - 128, BELOW = 16 };
enum leave {
    NOT_ALIGNED = 1, // no #AC is compared
    NOT_WATCHED = 2, // no bytes
    ONLY_64 = 4,
    ONLY_32 = 8,
    NOT_FIRST = 16, // not the first four bytes
    AS_AMD = 32,    // bytes that were seen on AMD's processors alone: compared there
};
enum watched { WATCHED_WRITE = 1, WATCHED_ACCESS = 3 }; // R/W0 of DR7

static struct harness h;
static pid_t child;
static int child_memory;

// rBX, rSI and rDI have the address of the operand, rSP that of a stack; rCX is 2, rAX 3.
static const struct access {
    const char *name, *hex;
    uint16_t bytes; // that are watched, from the address on; 0: those below rSP
    uint8_t leave;  // what is not compared, or where it does not exist
    const char *why;
} accesses[] = {
    {"MOV load", "8b 03", 4, 0, ""},
    {"MOV store", "48 89 03", 8, ONLY_64, ""},
    {"ADD to memory", "01 03", 4, 0, ""},
    {"CMPXCHG that fails", "0f b1 0b", 4, 0, ""},
    {"CMPXCHG8B that fails", "0f c7 0b", 8, 0, ""},
    {"CMPXCHG16B", "48 0f c7 0b", 16, ONLY_64, ""},
    {"a shift by 0", "c1 23 00", 4, AS_AMD, ""},
    {"BTS", "0f ab 0b", 4, 0, ""},
    {"BT", "0f a3 0b", 4, 0, ""},
    {"XADD", "0f c1 0b", 4, 0, ""},
    {"MOVBE", "0f 38 f0 03", 4, 0, ""},
    {"MOV to DS", "8e 1b", 2, 0, ""},
    {"MOV from DS", "8c 1b", 2, 0, ""},
    {"LAR", "0f 02 03", 2, 0, ""},
    {"VERR", "0f 00 23", 2, 0, ""},
    {"LEA", "8d 03", 4, 0, ""},
    {"a NOP with an operand", "0f 1f 03", 4, 0, ""},
    {"PREFETCHT0", "0f 18 0b", 4, 0, ""},
    {"CLFLUSH", "0f ae 3b", 64, 0, ""},
    {"MOVNTI", "0f c3 03", 4, 0, ""},
    {"XLAT", "d7", 12, 0, ""},
    {"MOVSD", "a5", 4, 0, ""},
    {"REP STOSD", "f3 ab", 8, 0, ""},
    {"REPE CMPSW", "66 f3 a7", 4, 0, ""},
    {"PUSH", "50", 0, 0, ""},
    {"PUSHF", "9c", 0, 0, ""},
    {"PUSH FS", "0f a0", 0, ONLY_64, ""},
    {"PUSH FS, 32-bit", "0f a0", 0, ONLY_32 | NOT_ALIGNED | NOT_WATCHED,
     "Intel's move 16 bits, AMD's 32 (Vol. 2B, PUSH)"},
    {"PUSH of memory", "ff 33", 8, 0, ""},
    {"POP to memory", "8f 03", 8, 0, ""},
    {"ENTER", "c8 10 00 00", 0, AS_AMD, ""},
    {"ENTER, nested", "c8 10 00 02", 0, AS_AMD, ""},
    {"CALL", "e8 00 00 00 00", 0, 0, ""},
    {"PUSHA", "60", 0, ONLY_32, ""},
    {"POPA", "61", 0, ONLY_32, ""},
    {"LES", "c4 03", 6, ONLY_32, ""},
    {"ARPL", "63 03", 2, ONLY_32, ""},
    {"FLD m32", "d9 03", 4, 0, ""},
    {"FLD m64", "dd 03", 8, 0, ""},
    {"FLD m80", "db 2b", 10, 0, ""},
    {"FSTP m80", "db 3b", 10, 0, ""},
    {"FBSTP", "df 33", 10, 0, ""},
    {"FNSTCW", "d9 3b", 2, 0, ""},
    {"FNSTENV", "d9 33", 32, AS_AMD, ""},
    {"FNSTENV, 16-bit", "66 d9 33", 16, AS_AMD, ""},
    {"FLDENV", "d9 23", 32, AS_AMD, ""},
    {"FLDENV, 16-bit", "66 d9 23", 16, AS_AMD, ""},
    {"FNSAVE", "dd 33", 112, AS_AMD, ""},
    {"FNSAVE, 16-bit", "66 dd 33", 96, AS_AMD, ""},
    {"FRSTOR", "dd 23", 112, AS_AMD, ""},
    {"FRSTOR, 16-bit", "66 dd 23", 96, AS_AMD, ""},
    {"STMXCSR", "0f ae 1b", 4, 0, ""},
    {"MOVD", "66 0f 6e 03", 4, 0, ""},
    {"MOVQ to MMX", "0f 6f 03", 8, 0, ""},
    {"MOVQ from MMX", "0f 7f 03", 8, 0, ""},
    {"MOVAPS", "0f 28 03", 16, 0, ""},
    {"ADDSD", "f2 0f 58 03", 8, 0, ""},
    {"PINSRW", "66 0f c4 03 00", 2, 0, ""},
    {"MOVUPS", "0f 10 03", 16, NOT_ALIGNED, "whether it raises #AC depends on the processor (Vol. 3A, 6.15)"},
    {"LDDQU", "f2 0f f0 03", 16, NOT_ALIGNED, "the same"},
    {"FXSAVE", "0f ae 03", 512, NOT_ALIGNED | AS_AMD, "#AC or #GP, depending on the processor (the same)"},
    {"FXRSTOR", "0f ae 0b", 512, NOT_ALIGNED | NOT_WATCHED, "the same; AMD's read the last byte, and not MXCSR_MASK"},
    {"XSAVE", "0f ae 23", 640, NOT_ALIGNED | AS_AMD, "#AC or #GP, depending on the processor (the same)"},
    {"XSAVEOPT", "0f ae 33", 640, NOT_ALIGNED | NOT_WATCHED, "what is in use is the processor's affair (Vol. 1, 13.6)"},
    {"XSAVEC", "0f c7 23", 640, NOT_ALIGNED | NOT_WATCHED, "the same"},
    {"XRSTOR", "0f ae 2b", 640, NOT_ALIGNED | NOT_FIRST | AS_AMD, "the same; AMD's look at the first word, too"},
    {"MASKMOVQ", "0f f7 c0", 8, NOT_ALIGNED | NOT_WATCHED, "not guaranteed (Vol. 2A, MASKMOVQ)"},
};

static unsigned code_of(const struct access *a, uint8_t bytes[16]) {
    unsigned n = 0;
    for (char *at = (char *)a->hex, *end; n < 12; at = end) {
        unsigned long byte = strtoul(at, &end, 16);
        if (end == at) break;
        bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static void child_new(void) {
    char path[40];
    int status;
    child = fork();
    if (child == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
    child_memory = open(path, O_RDWR);
}

static bool poke_debug(unsigned number, uint64_t value) {
    return ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg) + 8 * number, value) == 0;
}

static enum code_size size;

static void host_install(const uint8_t bytes[16], unsigned length) {
    uint64_t words[3] = {0};
    memcpy(words, bytes, length);
    memcpy((uint8_t *)words + length, (const uint8_t[]){0x0f, 0x0b}, 2); // UD2
    for (unsigned i = 0; i < 3; i++)
        (void)ptrace(PTRACE_POKEDATA, child, HARNESS_CODE + HARNESS_INSN + 8 * i, words[i]);
}

// Memory around the operand is 0, the x87 FPU as after FNINIT.
static void host_reset(void) {
    static const uint8_t zero[HARNESS_WINDOW];
    struct user_fpregs_struct fpu;
    (void)pwrite(child_memory, zero, sizeof zero, OPERAND - HARNESS_WINDOW / 2);
    (void)ptrace(PTRACE_GETFPREGS, child, NULL, &fpu);
    memset(&fpu, 0, offsetof(struct user_fpregs_struct, padding));
    fpu.cwd = 0x37f;
    fpu.mxcsr = 0x1f80;
    (void)ptrace(PTRACE_SETFPREGS, child, NULL, &fpu);
}

// The vector of the fault; VECTOR_DB: a breakpoint was hit; -1: neither.
static int host_run(uint64_t operand, uint64_t rsp, uint64_t rflags, uint64_t dr7, uint64_t dr0) {
    struct user_regs_struct r;
    siginfo_t info;
    int status;
    host_reset();
    (void)poke_debug(7, 0);
    (void)poke_debug(0, dr0);
    (void)poke_debug(7, dr7);
    (void)ptrace(PTRACE_GETREGS, child, NULL, &r);
    r.rip = HARNESS_CODE + HARNESS_INSN;
    r.rsp = rsp, r.rbp = STACK, r.rbx = r.rsi = r.rdi = operand, r.rcx = 2, r.rax = 3, r.rdx = 0;
    r.eflags = rflags;
    r.cs = size == CODE_64 ? 0x33 : 0x23; // Linux's selectors
    r.ds = r.es = r.ss = 0x2b;
    r.orig_rax = ~0ull;
    (void)ptrace(PTRACE_SETREGS, child, NULL, &r);
    (void)ptrace(PTRACE_CONT, child, NULL, NULL);
    (void)waitpid(child, &status, 0);
    (void)ptrace(PTRACE_GETSIGINFO, child, NULL, &info);
    switch (WSTOPSIG(status)) {
    case SIGTRAP: return VECTOR_DB;
    case SIGBUS: return VECTOR_AC;
    case SIGSEGV: return info.si_code == SI_KERNEL ? VECTOR_GP : VECTOR_PF;
    default: return -1;
    }
}

static struct segment segments[SEGMENT_COUNT]; // as the code begins

static int ours_run(uint64_t operand, uint64_t rsp, uint64_t rflags, uint64_t dr7, uint64_t dr0) {
    struct processor_state in = {.rflags = rflags}, out;
    in.gpr[RSP] = rsp, in.gpr[RBP] = STACK, in.gpr[RBX] = in.gpr[RSI] = in.gpr[RDI] = operand;
    in.gpr[RCX] = 2, in.gpr[RAX] = 3;
    in.fx = (struct fx_image){.control = 0x37f, .mxcsr = 0x1f80};
    memcpy(h.cpu->segment, segments, sizeof segments);
    h.cpu->control.dr[0] = dr0;
    h.cpu->control.dr[7] = dr7 | 0x400;
    h.cpu->boundary.pending_debug = 0;
    cpu_pend(h.cpu, PENDING_DEBUG, false);
    cpu_update_space(h.cpu);
    harness_ours(&h, &in, &out);
    if (out.fault) return (int)out.fault - 1;
    return h.cpu->boundary.pending_debug ? VECTOR_DB : -1;
}

static bool both(const struct access *a, uint64_t operand, uint64_t rsp, uint64_t rflags, uint64_t dr7, uint64_t dr0) {
    int host = host_run(operand, rsp, rflags, dr7, dr0), ours = ours_run(operand, rsp, rflags, dr7, dr0);
    return loop_check(host == ours, "%s: operand +%d, rSP %+d, watched %llx (DR7 %llx): host %d, ours %d", a->name,
                      (int)(operand - OPERAND), (int)(rsp - STACK), (unsigned long long)(dr7 ? dr0 - OPERAND : 0),
                      (unsigned long long)dr7, host, ours);
}

static void compare_alignment(const struct access *a) {
    static const uint8_t off[] = {0, 1, 2, 3, 4, 6, 8, 9, 10, 12};
    for (unsigned i = 0; i < sizeof off; i++) {
        bool stack = !a->bytes;
        (void)both(a, stack ? OPERAND : OPERAND + off[i], stack ? STACK + off[i] : STACK, FLAG_AC | FLAG_IF | 2, 0, 0);
    }
}

static void compare_bytes(const struct access *a) {
    uint64_t first = a->bytes ? OPERAND - BELOW : STACK - 48, end = a->bytes ? OPERAND + a->bytes + BELOW : STACK + 16;
    static const enum watched kinds[] = {WATCHED_WRITE, WATCHED_ACCESS};
    for (unsigned k = 0; k < 2; k++)
        for (uint64_t at = first; at < end; at++)
            if (!(a->leave & NOT_FIRST) || at - OPERAND >= 4)
                (void)both(a, OPERAND, STACK, FLAG_IF | 2, 1 | kinds[k] << 16, at);
}

static bool host_is_amd(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx;
}

static void compare(const struct access *a) {
    bool watched = !(a->leave & NOT_WATCHED) && (!(a->leave & AS_AMD) || host_is_amd());
    uint8_t bytes[16];
    unsigned length = code_of(a, bytes);
    harness_code(&h, size, bytes, length, true);
    host_install(bytes, length);
    memcpy(segments, h.cpu->segment, sizeof segments);
    loop_begin("%s-bit code: %s%s%s", size == CODE_64 ? "64" : "32", a->name, *a->why ? ": not all is compared: " : "",
               a->why);
    if (!(a->leave & NOT_ALIGNED)) compare_alignment(a);
    if (watched) compare_bytes(a);
    (void)loop_check(both(a, OPERAND, STACK, FLAG_IF | 2, 0, 0), "%s: plain", a->name);
    (void)loop_end();
}

static void compare_all(enum code_size in) {
    size = in;
    for (unsigned i = 0; i < sizeof accesses / sizeof *accesses; i++)
        if (!(accesses[i].leave & (size == CODE_64 ? ONLY_32 : ONLY_64))) compare(&accesses[i]);
}

int main(void) {
    harness_new(&h);
    h.cpu->control.cr0 |= CR0_AM;
    child_new();
    if (!poke_debug(7, 0x10001) || !poke_debug(7, 0)) {
        skip("accesses as on this machine's processor", "a child's debug registers cannot be set here");
    } else {
        static const enum code_size sizes[] = {CODE_64, CODE_32};
        for (unsigned n = 0; n < 2; n++) compare_all(sizes[n]);
    }
    (void)kill(child, SIGKILL);
    harness_free(&h);
    return done_testing();
}
