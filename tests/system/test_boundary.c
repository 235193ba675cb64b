// Which of several events an instruction boundary takes: SDM Vol. 3A, Table 6-2, by the rows of boundary.def.
#include "cpu/engine/boundary.h"
#include "tests/system/bench.h"

#define JMP_SELF 0xeb, 0xfe

static void test_order(void) {
    loop_begin("the rows are in the order of the manual's classes");
    for (unsigned i = 1; i < BOUNDARY_CAUSES; i++)
        loop_check(boundary_rows[i - 1].priority <= boundary_rows[i].priority, "%s", boundary_rows[i].text);
    loop_end();
}

// One attempt, at a boundary where these wait and nothing blocks them; what waits after it.
static uint32_t waits_after(struct bench *b, uint32_t pending) {
    flat_write(&b->f, FLAT_CODE, (const uint8_t[]){JMP_SELF}, 2);
    for (unsigned vector = 0; vector < 256; vector++)
        flat_write(&b->f, BENCH_HANDLERS + 16 * vector, (const uint8_t[]){JMP_SELF}, 2);
    b->f.interrupt = 64;
    b->cpu->rflags |= FLAG_IF;
    b->cpu->boundary.pending_debug = pending & PENDING_DEBUG ? DEBUG_BS : 0;
    cpu_pend(b->cpu, pending, true);
    (void)cpu_run(b->cpu, 1);
    return b->cpu->boundary.pending;
}

// Traps on the previous instruction, NMIs, interrupts.
static void test_pairs(void) {
    static const struct {
        uint32_t pending;
        int vector;
        enum boundary_cause row;
    } causes[] = {{PENDING_DEBUG, VECTOR_DB, BOUNDARY_DEBUG},
                  {PENDING_NMI, VECTOR_NMI, BOUNDARY_NMI},
                  {PENDING_INTR, 64, BOUNDARY_INTERRUPT}};
    loop_begin("of two the higher is taken, an attempt follows, and the other waits");
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < 3; j++) {
            unsigned first = boundary_rows[causes[i].row].priority < boundary_rows[causes[j].row].priority ? i : j;
            WITH(b, bench_long(&b, 0)) {
                uint32_t both = causes[i].pending | causes[j].pending, left = waits_after(&b, both);
                loop_check(left == (both & ~causes[first].pending) && bench_vector(&b) == causes[first].vector,
                           "%x of %x waits, vector %d", left, both, bench_vector(&b));
            }
        }
    loop_end();
}

static bool bootstrap_apic(void *machine, struct cpu *cpu, uint32_t index, uint64_t *value) {
    (void)machine, (void)cpu, (void)index;
    *value = BIT(8); // IA32_APIC_BASE: the bootstrap processor, which goes on after INIT
    return true;
}

static void test_init(void) {
    WITH(b, bench_long(&b, 0)) {
        b.f.platform.msr_read = bootstrap_apic;
        ok(waits_after(&b, PENDING_INIT | PENDING_NMI) == 0 && cpu_real(b.cpu) && !b.cpu->boundary.nmi_blocked,
           "INIT comes before an NMI, which it forgets");
    }
    WITH(b, bench_long(&b, 0)) {
        ok(waits_after(&b, PENDING_INIT | PENDING_INTR) == PENDING_INTR && b.f.interrupt == 64,
           "and before an interrupt, which goes on waiting");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->boundary.sipi_vector = 0x12;
        ok(waits_after(&b, PENDING_INIT | PENDING_SIPI) == 0 && b.cpu->segment_base[CS] == 0x12000 &&
               b.cpu->boundary.activity == ACTIVITY_ACTIVE,
           "a SIPI is taken with its INIT");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->boundary.activity = ACTIVITY_WAIT_FOR_SIPI;
        ok(waits_after(&b, PENDING_INTR) == PENDING_INTR && b.cpu->boundary.activity == ACTIVITY_WAIT_FOR_SIPI,
           "an interrupt does not end the wait for a SIPI");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->boundary.activity = ACTIVITY_SHUTDOWN;
        ok(waits_after(&b, PENDING_NMI) == PENDING_NMI && b.cpu->boundary.activity == ACTIVITY_SHUTDOWN,
           "outside VMX non-root operation no NMI ends the shutdown state");
    }
    loop_begin("the vector of a SIPI is the page where CS begins");
    for (unsigned vector = 0; vector < 256; vector += 5) {
        WITH(b, bench_long(&b, 0)) {
            b.cpu->boundary.sipi_vector = vector;
            loop_check(waits_after(&b, PENDING_INIT | PENDING_SIPI) == 0 && b.cpu->segment_base[CS] == vector << 12 &&
                           b.cpu->segment[CS].selector == vector << 8,
                       "%x", vector);
        }
    }
    loop_end();
    WITH(b, bench_long(&b, 0)) {
        ok(waits_after(&b, PENDING_SIPI | PENDING_NMI) == 0 && bench_vector(&b) == VECTOR_NMI,
           "a SIPI without INIT is forgotten, and an NMI taken at the same boundary");
    }
}

int main(void) {
    test_order();
    test_pairs();
    test_init();
    return done_testing();
}
