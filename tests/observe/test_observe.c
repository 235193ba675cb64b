// Observers and points on one processor: nothing they do changes the state at any step, breakpoints stop before exactly
// the instructions that a stepped run begins, watchpoints after exactly the accesses that are made.
#include "cpu/watch/observe.h"
#include "tests/field.h"
#include "tests/cpu/program.h"
#include "tests/tap.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/tlb.h"
#include "cpu/processor/observing.h"

enum { RECORDS = 20000 };

// What was seen or hit, and whether to stop at it.
struct record {
    struct sight sight[RECORDS];
    unsigned count;
    bool stop;
};

static void note(struct record *r, struct cpu *cpu, const struct sight *sight) {
    if (r->count < RECORDS) r->sight[r->count++] = *sight;
    if (r->stop) cpu_stop(cpu);
}
static void see(void *context, struct cpu *cpu, const struct sight *sight) { note(context, cpu, sight); }
static void hit(struct point *point, struct cpu *cpu, const struct sight *sight) { note(point->context, cpu, sight); }

// Runs up to the step, through all stops.
static void run_to(struct flat *f, uint64_t step) {
    while (field(f->cpu, "time.steps") < step) {
        enum run_result result = cpu_run(f->cpu, step - field(f->cpu, "time.steps"));
        if (result == RUN_HALTED || result == RUN_SHUTDOWN) return;
    }
}

// An interrupt asked for every now and then: deliveries and breakpoints meet at the same boundary.
static void run_interrupted(struct flat *f, uint64_t step) {
    while (field(f->cpu, "time.steps") < step && field(f->cpu, "boundary.activity") == ACTIVITY_ACTIVE) {
        uint64_t next = field(f->cpu, "time.steps") - field(f->cpu, "time.steps") % 97 + 97;
        if (field(f->cpu, "time.steps") % 97 == 0 && f->interrupt < 0 &&
            field(f->cpu, "boundary.held_step") != field(f->cpu, "time.steps")) {
            f->interrupt = 40;
            field_put(f->cpu, "rflags", field(f->cpu, "rflags") | FLAG_IF);
            cpu_pend(f->cpu, PENDING_INTR, true);
        }
        enum run_result result = cpu_run(f->cpu, (next < step ? next : step) - field(f->cpu, "time.steps"));
        if (result == RUN_HALTED || result == RUN_SHUTDOWN) return;
    }
}

// --- equality ---

static struct record record;

static uint64_t registers_hash(struct flat *f) {
    cpu_canonicalise(f->cpu);
    return state_hash(&cpu_tlb_state, f->cpu->tlb, state_hash(&cpu_state, f->cpu, 1));
}

static bool equal_runs(uint64_t seed, struct observer *observer, struct point *points, bool interrupts,
                       const char *what) {
    struct flat free_run, seen;
    void (*run)(struct flat *, uint64_t) = interrupts ? run_interrupted : run_to;
    random_program(&free_run, seed);
    random_program(&seen, seed);
    cpu_observe(seen.cpu, observer);
    cpu_set_points(seen.cpu, points);
    bool equal = true;
    for (uint64_t step = 700; step <= 3500 && equal; step += 700) {
        run(&free_run, step);
        run(&seen, step);
        equal = loop_check(hash(&free_run) == hash(&seen), "seed %llx, %s, step %llu: rip %llx %llx",
                           (unsigned long long)seed, what, (unsigned long long)step,
                           (unsigned long long)field(free_run.cpu, "rip"), (unsigned long long)field(seen.cpu, "rip"));
    }
    flat_free(&free_run);
    flat_free(&seen);
    return equal;
}

static void test_observers_equal(void) {
    loop_begin("each kind of observer, going on or stopping, leaves the state of random programs as it is");
    for (unsigned kind = 0; kind <= OBSERVE_COUNT; kind++) {
        for (uint64_t i = 1; i <= 3; i++) {
            uint64_t wanted = kind < OBSERVE_COUNT ? BIT(kind) : BITS(OBSERVE_COUNT - 1, 0);
            record = (struct record){.stop = i % 2};
            struct observer observer = {.wanted = wanted, .context = &record, .see = see};
            const char *name = kind < OBSERVE_COUNT ? observe_row(kind)->name : "all kinds";
            if (!equal_runs(i * 0x9e3779b97f4a7c15ull, &observer, NULL, i % 3 != 1, name)) break;
        }
    }
    loop_end();
}

// Breakpoints at instructions that the program begins, watchpoints anywhere in what it reads and writes.
static void random_points(struct point *points, unsigned count, uint64_t *seed, unsigned access) {
    struct flat f;
    random_program(&f, *seed);
    for (unsigned i = 0; i < count; i++) {
        uint64_t r = random_next(seed);
        run_interrupted(&f, field(f.cpu, "time.steps") + r % 50);
        uint64_t data = r % 4 == 0 ? FLAT_CODE + 0x700 + (r >> 8) % 0x1000 : DATA + (r >> 8) % 0x2000;
        points[i] = (struct point){.address = access == POINT_EXECUTE ? field(f.cpu, "rip") : data,
                                   .bytes = 1 + (r >> 40) % 8,
                                   .space = (enum point_space)((r >> 50) % 3),
                                   .access = access == POINT_EXECUTE ? access : (unsigned)((r >> 60) % 3 + 1) << 1,
                                   .context = &record,
                                   .hit = hit,
                                   .next = i + 1 < count ? &points[i + 1] : NULL};
    }
    flat_free(&f);
}

static void test_points_equal(void) {
    unsigned hits = 0;
    loop_begin("breakpoints and watchpoints leave the state of random programs as it is");
    for (uint64_t i = 1; i <= 24; i++) {
        struct point points[60];
        uint64_t seed = i * 0x9e3779b97f4a7c15ull, random = seed;
        unsigned access = i % 4 ? POINT_EXECUTE : POINT_READ;
        record = (struct record){.stop = true};
        random_points(points, 60, &random, access);
        equal_runs(seed, NULL, points, i % 2, i % 4 ? "breakpoints" : "watchpoints");
        hits += record.count;
    }
    loop_end();
    ok(hits > 2000, "which were hit (%u times)", hits);
}

// --- exactness ---

static void test_breakpoints_exact(void) {
    unsigned expected = 0, all = 0;
    loop_begin("a breakpoint stops before each attempt at its instruction, and at no other step");
    for (uint64_t i = 1; i <= 20; i++) {
        struct flat stepped, f;
        uint64_t seed = i * 0x9e3779b97f4a7c15ull;
        struct point point;
        random_program(&stepped, seed);
        random_program(&f, seed);
        run_to(&stepped, 40 + i);
        record = (struct record){.stop = true};
        point = (struct point){.address = field(stepped.cpu, "rip"),
                               .access = POINT_EXECUTE,
                               .space = (enum point_space)(i % 3),
                               .context = &record,
                               .hit = hit};
        flat_free(&stepped);
        random_program(&stepped, seed);
        cpu_set_points(f.cpu, &point);
        for (unsigned n = 0; n < 2000; n++) {
            if (field(stepped.cpu, "rip") == point.address &&
                field(stepped.cpu, "boundary.activity") == ACTIVITY_ACTIVE) {
                expected++;
                while (record.count < 1 && field(f.cpu, "time.steps") < 2000 &&
                       cpu_run(f.cpu, 2000 - field(f.cpu, "time.steps")) == RUN_STOPPED) {}
                all += record.count;
                loop_check(record.count == 1 && record.sight[0].step == field(stepped.cpu, "time.steps") &&
                               field(f.cpu, "time.steps") == field(stepped.cpu, "time.steps") &&
                               field(f.cpu, "rip") == point.address && registers_hash(&f) == registers_hash(&stepped),
                           "seed %llu: step %llu, not %llu", (unsigned long long)i,
                           (unsigned long long)field(f.cpu, "time.steps"),
                           (unsigned long long)field(stepped.cpu, "time.steps"));
                record.count = 0;
            }
            if (cpu_run(stepped.cpu, 1) != RUN_BUDGET) break;
        }
        run_to(&f, 2000);
        loop_check(record.count == 0 || field(f.cpu, "time.steps") > 2000, "seed %llu: stopped once more",
                   (unsigned long long)i);
        flat_free(&stepped);
        flat_free(&f);
    }
    loop_end();
    ok(all == expected && all >= 20, "as often as it is reached (%u of %u)", all, expected);
}

static void test_watch_exact(void) {
    static struct record accesses;
    unsigned hits = 0;
    loop_begin("a watchpoint stops after each access that touches it, with its values");
    for (uint64_t i = 1; i <= 20; i++) {
        struct flat seen, watched;
        uint64_t seed = i * 0x9e3779b97f4a7c15ull, random = seed;
        struct point point;
        random_program(&seen, seed);
        random_program(&watched, seed);
        random_points(&point, 1, &random, POINT_READ);
        point.address = i % 2 ? FLAT_CODE + 0x700 + (random >> 8) % 0x800 : DATA;
        point.bytes = 200;
        accesses = record = (struct record){0};
        record.stop = true;
        struct observer observer = {.wanted = BIT(OBSERVE_MEMORY), .context = &accesses, .see = see};
        cpu_observe(seen.cpu, &observer);
        cpu_set_points(watched.cpu, &point);
        run_to(&seen, 1500);
        unsigned next = 0;
        while (field(watched.cpu, "time.steps") < 1500) {
            unsigned before = record.count;
            if (cpu_run(watched.cpu, 1500 - field(watched.cpu, "time.steps")) != RUN_STOPPED) break;
            loop_check(record.count > before && record.sight[before].step == field(watched.cpu, "time.steps"),
                       "stop after the access");
        }
        for (unsigned a = 0; a < accesses.count; a++) {
            const struct sight *s = &accesses.sight[a];
            uint64_t end = point.address + point.bytes;
            if (!(point.access & (s->write ? POINT_WRITE : POINT_READ)) || s->linear + s->size <= point.address ||
                s->linear >= end)
                continue;
            const struct sight *w = &record.sight[next];
            bool same = next < record.count && w->step == s->step && w->linear == s->linear && w->value == s->value &&
                        w->old == s->old && w->size == s->size && w->write == s->write && w->rip == s->rip;
            if (!loop_check(same, "seed %llu access %u: step %llu, not %llu", (unsigned long long)i, a,
                            (unsigned long long)w->step, (unsigned long long)s->step))
                break;
            next++;
        }
        loop_check(next == record.count, "seed %llu: %u hits, not %u", (unsigned long long)i, record.count, next);
        hits += next;
        flat_free(&seen);
        flat_free(&watched);
    }
    loop_end();
    ok(hits > 100, "there were such accesses (%u)", hits);
}

static void test_sights(void) {
    struct flat f;
    // mov byte [rsi],7; cmp byte [rsi],7; je +2; nop; nop; mov ecx,0x277; rdmsr; out 0x80,al; cpuid; ud2
    START(&f, 0xc6, 0x06, 0x07, 0x80, 0x3e, 0x07, 0x74, 0x02, 0x90, 0x90, 0xb9, 0x77, 0x02, 0, 0, 0x0f, 0x32, 0xe6,
          0x80, 0x0f, 0xa2, 0x0f, 0x0b, 0xeb, 0xfe);
    gpr_put(f.cpu, RSI, DATA);
    f.ram[DATA] = 3;
    record = (struct record){0};
    const uint64_t wanted = BIT(OBSERVE_MEMORY) | BIT(OBSERVE_BRANCH) | BIT(OBSERVE_MSR_READ) | BIT(OBSERVE_IO) |
                            BIT(OBSERVE_CPUID) | BIT(OBSERVE_EXCEPTION);
    struct observer observer = {.wanted = wanted, .context = &record, .see = see};
    cpu_observe(f.cpu, &observer);
    run_to(&f, 8);
    const struct sight *s = record.sight;
    ok(s[0].kind == OBSERVE_MEMORY && s[0].write && s[0].old == 3 && s[0].value == 7 && s[0].size == 1 &&
           s[0].step == 1 && s[0].linear == DATA && s[0].physical == DATA && s[0].rip == FLAT_CODE,
       "a write: what it replaced, where");
    ok(s[1].kind == OBSERVE_MEMORY && !s[1].write && s[1].value == 7 && s[1].step == 2, "a read");
    ok(s[2].kind == OBSERVE_BRANCH && s[2].rip == FLAT_CODE + 6 && s[2].value == FLAT_CODE + 10 && s[2].step == 3,
       "a branch");
    ok(s[3].kind == OBSERVE_MSR_READ && s[3].number == 0x277 && s[3].value == field(f.cpu, "msr.pat") && s[3].step == 5,
       "RDMSR");
    ok(s[4].kind == OBSERVE_IO && s[4].write && s[4].number == 0x80 && s[4].size == 1 && s[4].step == 6, "OUT");
    ok(s[5].kind == OBSERVE_CPUID && s[5].step == 7 && s[5].rip == FLAT_CODE + 19, "CPUID");
    ok(s[6].kind == OBSERVE_EXCEPTION && s[6].number == VECTOR_UD && s[6].step == 8 && s[6].rip == FLAT_CODE + 21,
       "#UD");
    flat_free(&f);
}

// A breakpoint on the first instruction of a handler: the stop is after the delivery, which is not repeated.
static void test_held(void) {
    struct flat f;
    START(&f, 0xfb, 0x90, 0x90, 0x90, 0xeb, 0xfb); // sti; nop; nop; nop; jmp back to the last nops
    struct point point = {.address = HANDLERS + 0x80, .access = POINT_EXECUTE, .context = &record, .hit = hit};
    record = (struct record){.stop = true};
    cpu_set_points(f.cpu, &point);
    f.interrupt = 40;
    cpu_pend(f.cpu, PENDING_INTR, true);
    ok(cpu_run(f.cpu, 100) == RUN_STOPPED && field(f.cpu, "rip") == HANDLERS + 0x80 && field(f.cpu, "time.steps") == 2,
       "stopped in the handler");
    cpu_pend(f.cpu, PENDING_NMI, true); // comes when the attempt is over
    uint64_t rsp = gpr(f.cpu, RSP);
    (void)cpu_run(f.cpu, 1);
    ok(gpr(f.cpu, R15) == 1 && gpr(f.cpu, RSP) == rsp, "the attempt comes before another event");
    (void)cpu_run(f.cpu, 1);
    ok(gpr(f.cpu, RSP) != rsp, "which then is taken");
    flat_free(&f);
}

// Unset again, blocks are as they were.
static void test_unset(void) {
    struct flat f;
    START(&f, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xeb, 0xf8);
    struct point point = {.address = FLAT_CODE + 3, .access = POINT_EXECUTE, .context = &record, .hit = hit};
    record = (struct record){.stop = true};
    cpu_set_points(f.cpu, &point);
    (void)cpu_run(f.cpu, 100);
    ok(record.count == 1 && field(f.cpu, "time.steps") == 1, "a breakpoint in the middle of a block");
    cpu_pass(f.cpu);
    (void)cpu_run(f.cpu, 100);
    ok(record.count == 2 && field(f.cpu, "time.steps") == 4, "once in a round");
    cpu_set_points(f.cpu, NULL);
    ok(cpu_run(f.cpu, 1000) == RUN_BUDGET && field(f.cpu, "time.steps") == 1004 && record.count == 2,
       "and no more when it is removed");
    flat_free(&f);
}

int main(void) {
    test_sights();
    test_held();
    test_unset();
    test_breakpoints_exact();
    test_watch_exact();
    test_points_equal();
    test_observers_equal();
    return done_testing();
}
