// Assertions of invariants notice what they are there for; where they are not compiled in, nothing happens.
#include "cpu/event/invariants.h"
#include "cpu/pages/pages.h"
#include "tests/system/bench.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOP 0x90
#define IN 0xec
#define LOAD_RSI 0x8b, 0x06
#define STORE_RSI 0x89, 0x06

static void nothing(struct bench *b) { RUN(b, NOP); }

// IN, during which the processor is broken, as a body might.
static uint32_t in_breaks_base(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    (void)machine, (void)port, (void)size;
    cpu->segment_base[GS] = BIT(63);
    return 0;
}
static uint32_t in_breaks_rights(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    (void)machine, (void)port, (void)size;
    cpu->segment[DS].rights = RIGHTS_P | RIGHTS_S | RIGHTS_CODE; // neither accessed nor readable
    return 0;
}
static uint32_t in_breaks_budget(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    (void)machine, (void)port, (void)size;
    cpu->budget -= 2; // one more than the run has
    return 0;
}
static void base(struct bench *b) {
    b->f.platform.port_in = in_breaks_base;
    RUN(b, IN);
}
static void rights(struct bench *b) {
    b->f.platform.port_in = in_breaks_rights;
    RUN(b, IN);
}
static void budget(struct bench *b) {
    b->f.platform.port_in = in_breaks_budget;
    RUN(b, IN);
}
static void generation(struct bench *b) {
    b->cpu->tlb->next_generation = 1;
    RUN(b, LOAD_RSI);
}

// Whether a process in which this happens is ended by an assertion.
static bool noticed(void (*break_it)(struct bench *b)) {
    pid_t child = fork();
    if (child < 0) bail("no process");
    if (!child) {
        (void)dup2(open("/dev/null", O_WRONLY), 2);
        struct bench b;
        bench_new(&b);
        bench_long(&b, 0);
        b.cpu->gpr[RSI] = BENCH_DATA;
        break_it(&b);
        bench_free(&b);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#ifdef VMXRAY_INVARIANTS
enum { ASSERTED = true };
#else
enum { ASSERTED = false };
#endif

// Of a saved state that somebody made up: such a processor is not held to what it would break further.
static void pending(void) {
    struct bench b;
    bench_new(&b);
    bench_long(&b, 0);
    bool sound = !cpu_invariant_broken(b.cpu);
    b.cpu->boundary.pending_debug = BIT(12);
    ok(sound && cpu_invariant_broken(b.cpu), "pending debug exceptions that DR6 has no bit for are no guest's");
    bench_free(&b);
}

int main(void) {
    static const struct {
        void (*break_it)(struct bench *b);
        const char *what;
    } rows[] = {{base, "a segment base that is not canonical is noticed"},
                {rights, "a segment whose rights no instruction loads is noticed"},
                {budget, "a budget that went below nothing is noticed"},
                {generation, "a TLB entry from a generation to come is noticed"}};
    ok(!noticed(nothing), "a processor in order passes");
    pending();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ASSERTED)
            ok(noticed(rows[i].break_it), "%s", rows[i].what);
        else
            skip(rows[i].what, "built without assertions, which SAN=1 has");
    return done_testing();
}
