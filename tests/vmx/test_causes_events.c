// The table of causes, events: every row of monitor/causes/event.def is brought about once by a processor, and told as
// `events` does: under its name, with its section, the vector and the exit that was in the way; so is
// every remark about VM exits (entry.def). A row that nothing here brings about fails.
#include "monitor/causes/entry.h"
#include "monitor/causes/event.h"
#include "tests/vmx/changes.h"
#include "vmx/history/history.h"
#include <string.h>

enum { EXTERNAL = 0x31, INJECTED = 0x40, OTHER = 0x41, NO_VECTOR = 0 };
#define NOP "90"
#define UD2 "0f 0b"
#define CPUID "0f a2"

// --- words of the table ---

static void pend(struct bench *b, unsigned what) { cpu_pend(b->cpu, what, true); }
static void enter(struct bench *b) { (void)bench_enter(b, 10); }
static void enter_first(struct bench *b) { (void)bench_enter(b, 0); }
static void run(struct bench *b) { (void)bench_run(b, NOP); }

// The IDT is not in the guest's physical memory: a VM exit cuts each delivery short.
static uint64_t idt_entry(void) { return AT_EPT_PT + 8 * (AT_IDT >> 12); }
static void cut_short(struct bench *b) {
    const uint64_t entry = bench_load(b, idt_entry(), 8);
    bench_store(b, idt_entry(), 8, 0);
    if (bench_enter(b, 10) != EXIT_EPT_VIOLATION) diag("no EPT violation");
    bench_store(b, idt_entry(), 8, entry);
}
static void inject(struct bench *b, unsigned vector) {
    INJECT(EVENT_EXTERNAL, vector, 0);
    SET(GUEST_RFLAGS, 2 | FLAG_IF);
}
static void inject_in_vain(struct bench *b) {
    inject(b, INJECTED);
    cut_short(b);
}
static void reenter(struct bench *b) { (void)bench_reenter(b, 10); }
static void interrupts_on(struct bench *b) {
    OFF(PIN, EXTERNAL_INTERRUPT_EXITING);
    SET(GUEST_RFLAGS, 2 | FLAG_IF);
}

// HAPPENS(kind, vector, guest, what is done)
#define EVENTS(HAPPENS)                                                                                                \
    HAPPENS(DELIVERED_INTERRUPT, EXTERNAL, NOP, interrupts_on(b); pend(b, PENDING_INTR); enter(b))                     \
    HAPPENS(DELIVERED_EXCEPTION, VECTOR_UD, UD2, enter(b))                                                             \
    HAPPENS(INJECTS, INJECTED, NOP, inject(b, INJECTED); enter(b))                                                     \
    HAPPENS(INTERRUPT, EXTERNAL, NOP, ON(EXIT, ACKNOWLEDGE_INTERRUPT); pend(b, PENDING_INTR); enter(b))                \
    HAPPENS(TAKEN, VECTOR_UD, UD2, SET(EXCEPTION_BITMAP, BIT(VECTOR_UD)); enter(b))                                    \
    HAPPENS(VECTORING, VECTOR_UD, UD2, cut_short(b))                                                                   \
    HAPPENS(REINJECTS, INJECTED, NOP, inject_in_vain(b); inject(b, INJECTED); reenter(b))                              \
    HAPPENS(REPLACES, INJECTED, NOP, inject_in_vain(b); inject(b, OTHER); reenter(b))                                  \
    HAPPENS(LOST, INJECTED, NOP, inject_in_vain(b); reenter(b))                                                        \
    HAPPENS(AGAIN, VECTOR_UD, UD2, cut_short(b); reenter(b))                                                           \
    HAPPENS(WINDOW, NO_VECTOR, NOP, ON(PROC, INTERRUPT_WINDOW_EXITING); SET(GUEST_RFLAGS, 2 | FLAG_IF); enter(b))      \
    HAPPENS(TRIPLE, NO_VECTOR, UD2, SET(GUEST_IDTR_LIMIT, 0); enter(b))                                                \
    HAPPENS(UNKNOWN, NO_VECTOR, NOP, pend(b, PENDING_INTR); enter(b))                                                  \
    HAPPENS(SIPI_DISCARDED, NO_VECTOR, NOP, enter_first(b); pend(b, PENDING_SIPI); (void)bench_continue(b, 1))         \
    HAPPENS(INIT_HELD, NO_VECTOR, NOP, pend(b, PENDING_INIT); run(b))

// --- the judge ---

static const struct history_event *find(struct bench *b, enum event_kind kind) {
    const struct history_event *e;
    for (uint64_t n = 0; (e = history_event(bench_vmx(b)->history, n)); n++)
        if (e->kind == kind) return e;
    return NULL;
}

static bool has_value(const struct fact *fact, const char *what, uint64_t value) {
    for (unsigned i = 0; i < fact->values; i++)
        if (!strcmp(fact->value[i].name, what)) return fact->value[i].now == value;
    return false;
}

static void check(struct bench *b, enum event_kind kind, const char *name, unsigned vector) {
    const struct history_event *e = find(b, kind);
    const struct fact fact = e ? event_fact(e) : (struct fact){0};
    bool told = e && !strcmp(fact.rule, name) && *fact.text && *fact.section && has_value(&fact, "vector", vector);
    bool by_exit = kind == EVENT_VECTORING || kind == EVENT_LOST;
    ok(told && (!by_exit || has_value(&fact, "exit reason", EXIT_EPT_VIOLATION)), "%s: %s", name,
       e ? fact.text : "did not happen");
}

static void test_rows(void) {
#define HAPPENS(kind, vector, guest, ...)                                                                              \
    {                                                                                                                  \
        struct bench *b = bench_new("server");                                                                         \
        bench_prepare(b);                                                                                              \
        bench_guest(b, guest);                                                                                         \
        __VA_ARGS__;                                                                                                   \
        check(b, EVENT_##kind, #kind, vector);                                                                         \
        bench_free(b);                                                                                                 \
    }
    EVENTS(HAPPENS)
#undef HAPPENS
}

static void test_complete(void) {
    static const bool tried[EVENT_KINDS] = {
#define HAPPENS(kind, ...) [EVENT_##kind] = true,
        EVENTS(HAPPENS)
#undef HAPPENS
    };
    loop_begin("every row of event.def is brought about");
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        const struct history_event e = {.kind = (uint8_t)kind};
        loop_check(tried[kind], "%s", event_fact(&e).rule);
    }
    loop_end();
}

// --- what is remarked beside ---

// REMARKED(row, guest, what is done)
#define REMARKS(REMARKED)                                                                                              \
    REMARKED(not_acknowledged, NOP, pend(b, PENDING_INTR); enter(b))                                                   \
    REMARKED(instead_of_trap_flag, CPUID, ON(PROC, MONITOR_TRAP_FLAG); enter(b))                                       \
    REMARKED(instead_of_step, CPUID, SET(GUEST_RFLAGS, 2 | FLAG_TF); enter(b))

static void check_remark(struct bench *b, const char *row) {
    const struct history_cpu *past = bench_vmx(b)->past;
    struct fact fact;
    unsigned count = exit_remark_facts(b->cpu, &past->loop[past->exit_level].exit, &fact, 1);
    ok(count && !strcmp(fact.rule, row) && *fact.section, "%s: %s", row, count ? fact.text : "not remarked");
}

static void test_remarks(void) {
    static const char *const rows[] = {
#define ENTRY_ERROR(...)
#define ENTRY_INVALID(...)
#define AREA_RULE(...)
#define REMARK(name, ...) #name,
#include "monitor/causes/entry.def"
#undef REMARK
#undef AREA_RULE
#undef ENTRY_INVALID
#undef ENTRY_ERROR
    };
    bool tried[sizeof rows / sizeof *rows] = {false};
#define REMARKED(row, guest, ...)                                                                                      \
    {                                                                                                                  \
        struct bench *b = bench_new("server");                                                                         \
        bench_prepare(b);                                                                                              \
        bench_guest(b, guest);                                                                                         \
        __VA_ARGS__;                                                                                                   \
        check_remark(b, #row);                                                                                         \
        bench_free(b);                                                                                                 \
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) tried[i] |= !strcmp(rows[i], #row);                  \
    }
    REMARKS(REMARKED)
#undef REMARKED
    loop_begin("every remark about exits is brought about");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) loop_check(tried[i], "%s", rows[i]);
    loop_end();
}

// INIT waits until VMX root operation ends; a start-up IPI that comes there is gone.
static void test_in_root(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    pend(b, PENDING_INIT);
    run(b);
    ok(find(b, EVENT_INIT_HELD) && bench_vmx(b)->init_blocked, "INIT in VMX root operation is held, and told");
    bench_vmx(b)->init_blocked = 0;
    pend(b, PENDING_SIPI);
    run(b);
    ok(find(b, EVENT_SIPI_DISCARDED), "a SIPI of a processor that does not wait for one is discarded, and told");
    bench_free(b);
}

int main(void) {
    test_rows();
    test_complete();
    test_remarks();
    test_in_root();
    return done_testing();
}
