// The host's side of a comparison: a trampoline in assembly, and signals turned back into exception vectors.
#define _GNU_SOURCE
#include "tests/vector/native.h"
#include "cpu/state/model.h"
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <ucontext.h>

static struct state *running;
static sigjmp_buf back;

// RDI: the state. Loads x87, SSE, general registers and flags, calls the instruction, stores all again.
void native_trampoline(struct state *state);
__asm__(".text\n"
        "native_trampoline:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rdi, %r15\n"
        "  fxrstor64 (%r15)\n"
        "  mov 512(%r15), %rax; mov 520(%r15), %rcx; mov 528(%r15), %rdx; mov 536(%r15), %rbx\n"
        "  mov 560(%r15), %rsi; mov 568(%r15), %rdi\n"
        "  push 576(%r15); popfq\n"
        "  mov $0x100000, %r14\n"
        "  call *%r14\n"
        "  pushfq; pop 576(%r15)\n"
        "  mov %rax, 512(%r15); mov %rcx, 520(%r15); mov %rdx, 528(%r15); mov %rbx, 536(%r15)\n"
        "  mov %rsi, 560(%r15); mov %rdi, 568(%r15)\n"
        "  fxsave64 (%r15)\n"
        "  fninit; cld\n"
        "  push $0x1f80; ldmxcsr (%rsp); pop %rax\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n");

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    const ucontext_t *u = context;
    static const int registers[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    for (unsigned i = 0; i < 8; i++) running->gpr[i] = (uint64_t)u->uc_mcontext.gregs[registers[i]];
    running->flags = (uint64_t)u->uc_mcontext.gregs[REG_EFL];
    memcpy(running->fx, u->uc_mcontext.fpregs, sizeof(running->fx));
    running->vector = (int)u->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(back, 1);
}

bool native_has(unsigned feature) {
    static const struct {
        uint32_t leaf, subleaf, reg, bit;
    } table[FEATURE_COUNT] = {
#define FEATURE(name, leaf, subleaf, reg, bit, text) [FEATURE_##name] = {leaf, subleaf, reg, bit},
#include "cpu/state/feature.def"
#undef FEATURE
    };
    unsigned r[4];
    if (feature == FEATURE_BASE) return true;
    if (!__get_cpuid_count(table[feature].leaf, table[feature].subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]))
        return false;
    return r[table[feature].reg] >> table[feature].bit & 1;
}

bool native_is_reference(void) {
    unsigned a, b, c, d;
    bool intel = __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
    return intel && native_has(FEATURE_FDP_EXCPTN) && native_has(FEATURE_FCS_FDS);
}

bool native_open(void) {
    static uint8_t stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
    if (sigaltstack(&alternate, NULL)) return false;
    for (unsigned i = 0; i < 4; i++)
        if (sigaction(signals[i], &action, NULL)) return false;
    int protection = PROT_READ | PROT_WRITE | PROT_EXEC, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    return mmap((void *)NATIVE_CODE, 4096, protection, flags, -1, 0) == (void *)NATIVE_CODE &&
           mmap((void *)NATIVE_DATA, 4096, PROT_READ | PROT_WRITE, flags, -1, 0) == (void *)NATIVE_DATA;
}

void native_code(const uint8_t *bytes, unsigned length) {
    memcpy((void *)NATIVE_CODE, bytes, length);
    ((uint8_t *)NATIVE_CODE)[length] = 0xc3;
}

void native_run(struct state *state) {
    static const uint32_t mxcsr = 0x1f80;
    memcpy((void *)NATIVE_DATA, state->data, NATIVE_DATA_BYTES);
    running = state;
    state->vector = -1;
    if (!sigsetjmp(back, 1))
        native_trampoline(state);
    else
        __asm__ volatile("fninit; ldmxcsr %0; cld" ::"m"(mxcsr));
    memcpy(state->data, (void *)NATIVE_DATA, NATIVE_DATA_BYTES);
}
