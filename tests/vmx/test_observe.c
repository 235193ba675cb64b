// What observers see of VT-x, breakpoints and watchpoints on both sides of a VM entry, and that none of it changes
// anything. cpu/watch/observe.h.
#include "cpu/watch/observe.h"
#include "cpu/memory/peek.h"
#include "tests/vmx/bench.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/tlb.h"
#include "cpu/processor/observing.h"

enum { SIGHTS = 4000 };
static struct seen {
    struct sight sight[SIGHTS];
    unsigned level[SIGHTS];
    unsigned count;
    bool stop;
} seen;

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct seen *s = context;
    if (s->count == SIGHTS) return;
    s->level[s->count] = vmx_level(cpu);
    s->sight[s->count++] = *sight;
    if (s->stop) cpu_stop(cpu);
}
static void hit(struct point *point, struct cpu *cpu, const struct sight *sight) { see(point->context, cpu, sight); }

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    seen = (struct seen){0};
    return b;
}

static const struct sight *find(enum observe kind, unsigned from) {
    for (unsigned i = from; i < seen.count; i++)
        if (seen.sight[i].kind == kind) return &seen.sight[i];
    return NULL;
}
static unsigned level_at(const struct sight *s) { return seen.level[s - seen.sight]; }

static void test_sights(void) {
    struct bench *b = ready("0f a2");
    struct observer all = {.wanted = BITS(OBSERVE_COUNT - 1, 0), .context = &seen, .see = see};
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD);
    cpu_observe(b->cpu, &all);
    ok(bench_enter(b, 5) == EXIT_HLT, "a guest that is injected #UD and halts");
    const struct sight *entry = find(OBSERVE_ENTRY, 0), *injected = find(OBSERVE_EVENT_INJECTED, 0),
                       *exit = find(OBSERVE_EXIT, 0), *exception = find(OBSERVE_EXCEPTION, 0);
    ok(entry && entry->number == 1 && entry->value == AT_GUEST_CODE && entry->physical == AT_VMCS &&
           level_at(entry) == 1,
       "VM entry: VMLAUNCH, guest RIP, VMCS, level");
    ok(injected && injected->number == VECTOR_UD && injected > entry, "the event it injects");
    ok(exception && exception->number == VECTOR_UD && exception > injected, "and delivers");
    ok(exit && exit->number == EXIT_HLT && exit > exception && level_at(exit) == 1, "VM exit: reason and level");
    ok(find(OBSERVE_WALK, 0) && find(OBSERVE_TLB, 0), "walks and TLB fills");
    seen.count = 0;
    ok(bench_vmclear(b, AT_VMCS2) == SUCCEED && find(OBSERVE_VMX_INSTRUCTION, 0)->number == EXIT_VMCLEAR &&
           find(OBSERVE_VMX_INSTRUCTION, 0)->physical == AT_VMCS2,
       "VMCLEAR and its pointer");
    bench_set(b, GUEST_RIP, 0x1234);
    const struct sight *written = find(OBSERVE_VMWRITE, 0);
    ok(written && written->number == 0x681e && written->value == 0x1234 && written->old == AT_HANDLER + 16 * VECTOR_UD,
       "VMWRITE: field, value, what it replaced");
    bench_set(b, GUEST_RFLAGS, 0);
    seen.count = 0;
    (void)bench_vmresume(b);
    ok(find(OBSERVE_FAILED_ENTRY, 0) && find(OBSERVE_FAILED_ENTRY, 0)->number == (EXIT_INVALID_GUEST_STATE | BIT(31)),
       "an entry that fails with invalid guest state");
    bench_set(b, HOST_CR3, ~0ull);
    seen.count = 0;
    (void)bench_vmresume(b);
    ok(find(OBSERVE_FAILED_ENTRY, 0) && find(OBSERVE_FAILED_ENTRY, 0)->number == 8, "and one with VMfailValid 8");
    bench_free(b);
}

// --- equality ---

static uint64_t hash(struct bench *b) {
    const struct state_field all = {"ram", 0, 8, BENCH_RAM / 8, 8, ~0ull};
    const struct state_table ram = {.name = "ram", .fields = &all, .count = 1};
    cpu_canonicalise(b->cpu);
    uint64_t h = state_hash(&cpu_state, b->cpu, 1);
    h = state_hash(&cpu_tlb_state, b->cpu->tlb, h);
    h = state_hash(&vmx_state, bench_vmx(b), h);
    return state_hash(&ram, b->ram, h);
}

// The host resumes its guest for ever; the guest counts in memory, reads ports and executes CPUID.
static struct bench *looping(void) {
    struct bench *b =
        ready("48 ff 03 0f a2 bb 00 00 04 00 e4 80 eb f2"); // inc [rbx]; cpuid; mov ebx,data; in al,80h; jmp
    static const uint8_t host[] = {0x48, 0xc7, 0xc2, 0x1e, 0x68, 0,    0, // mov rdx, GUEST_RIP
                                   0x0f, 0x78, 0xd0,                      // vmread rax, rdx
                                   0x48, 0xc7, 0xc1, 0x0c, 0x44, 0,    0, // mov rcx, VM-exit instruction length
                                   0x0f, 0x78, 0xc9,                      // vmread rcx, rcx
                                   0x48, 0x01, 0xc8, 0x0f, 0x79, 0xd0,    // add rax, rcx; vmwrite rdx, rax
                                   0x0f, 0x01, 0xc3};                     // vmresume
    for (unsigned i = 0; i < sizeof host; i++) bench_store(b, AT_HOST_EXIT + i, 1, host[i]);
    bench_on(b, PROC, UNCONDITIONAL_IO_EXITING);
    (void)bench_enter(b, 1);
    return b;
}

static void run_to(struct cpu *cpu, uint64_t step) {
    while (field(cpu, "time.steps") < step) {
        enum run_result result = cpu_run(cpu, step - field(cpu, "time.steps"));
        if (result == RUN_HALTED || result == RUN_SHUTDOWN) return;
    }
}

static void test_equal(void) {
    loop_begin("each kind, going on and stopping, and points on both sides, leave all state as it is");
    for (unsigned kind = 0; kind < 2 * (OBSERVE_COUNT + 2); kind++) {
        struct bench *plain = looping(), *watched = looping();
        struct observer one = {.wanted = BIT(kind / 2), .context = &seen, .see = see};
        struct point point[] = {
            {.address = AT_GUEST_CODE + 3,
             .access = POINT_EXECUTE,
             .space = (enum point_space)(kind % 3),
             .next = &point[1]},
            {.address = AT_HOST_EXIT + 10,
             .access = POINT_EXECUTE,
             .space = (enum point_space)(kind % 3),
             .next = &point[2]},
            {.address = AT_GUEST_DATA,
             .bytes = 8,
             .access = POINT_WRITE | POINT_READ,
             .space = (enum point_space)(kind % 3)},
        };
        for (unsigned i = 0; i < 3; i++) point[i].context = &seen, point[i].hit = hit;
        seen.stop = kind % 2;
        if (kind / 2 < OBSERVE_COUNT)
            cpu_observe(watched->cpu, &one);
        else
            cpu_set_points(watched->cpu, point);
        run_to(plain->cpu, 3000);
        run_to(watched->cpu, 3000);
        const char *name = kind / 2 < OBSERVE_COUNT ? observe_row(kind / 2)->name : "points";
        loop_check(field(plain->cpu, "time.steps") == 3000 && field(watched->cpu, "time.steps") == 3000 &&
                       hash(plain) == hash(watched),
                   "%s", name);
        loop_check(bench_load(plain, AT_GUEST_DATA, 8) > 100, "the guest ran");
        bench_free(plain);
        bench_free(watched);
    }
    loop_end();
}

static void test_points(void) {
    struct bench *b = looping();
    struct point in_guest = {.address = AT_GUEST_CODE + 10,
                             .access = POINT_EXECUTE,
                             .space = POINT_GUEST_PHYSICAL,
                             .context = &seen,
                             .hit = hit};
    seen = (struct seen){.stop = true};
    cpu_set_points(b->cpu, &in_guest);
    ok(cpu_run(b->cpu, 1000) == RUN_STOPPED && field(b->cpu, "rip") == AT_GUEST_CODE + 10 && vmx_level(b->cpu) == 1,
       "a breakpoint at a guest-physical address");
    uint64_t counted = bench_load(b, AT_GUEST_DATA, 8);
    ok(cpu_run(b->cpu, 1000) == RUN_STOPPED && bench_load(b, AT_GUEST_DATA, 8) == counted + 1,
       "is met again in the next turn");
    struct point data = {.address = AT_GUEST_DATA,
                         .bytes = 1,
                         .access = POINT_WRITE,
                         .space = POINT_PHYSICAL,
                         .context = &seen,
                         .hit = hit};
    seen = (struct seen){.stop = true};
    cpu_set_points(b->cpu, &data);
    ok(cpu_run(b->cpu, 1000) == RUN_STOPPED && field(b->cpu, "rip") == AT_GUEST_CODE + 3,
       "a watchpoint stops after the store");
    ok(seen.count == 1 && seen.sight[0].write && seen.sight[0].old + 1 == seen.sight[0].value &&
           seen.sight[0].rip == AT_GUEST_CODE && seen.sight[0].linear == AT_GUEST_DATA,
       "with the old and the new value");
    struct peek_roots roots = peek_current(b->cpu);
    uint64_t physical = 0;
    ok(roots.eptp && peek_physical(b->cpu, &roots, AT_GUEST_DATA + 5, &physical) && physical == AT_GUEST_DATA + 5,
       "a translation through both stages");
    bench_store(b, AT_EPT_PD, 8, 0);
    ok(!peek_physical(b->cpu, &roots, AT_GUEST_DATA, &physical), "which EPT may end");
    bench_free(b);
}

// An exit that is asked to stop the run does so before the host's first instruction, wherever the exit came from.
static void test_stop_at_exit(void) {
    struct bench *b = ready("fb eb fe"); // sti; jmp $
    struct observer exits = {.wanted = BIT(OBSERVE_EXIT), .context = &seen, .see = see};
    seen.stop = true;
    cpu_observe(b->cpu, &exits);
    (void)bench_enter(b, 3);
    cpu_pend(b->cpu, PENDING_INTR, true);
    uint64_t steps = field(b->cpu, "time.steps");
    ok(cpu_run(b->cpu, 100) == RUN_STOPPED && field(b->cpu, "rip") == AT_HOST_EXIT &&
           field(b->cpu, "time.steps") == steps && seen.sight[0].number == EXIT_EXTERNAL_INTERRUPT,
       "an exit for an interrupt: before the host's first instruction");
    bench_free(b);
}

int main(void) {
    test_sights();
    test_points();
    test_stop_at_exit();
    test_equal();
    return done_testing();
}
