// MONITOR and MWAIT: SDM Vol. 2B; Vol. 3A, 8.10.4.
#include "cpu/state/model.h"
#include "cpu/pages/monitor.h"
#include "tests/system/bench.h"
#include "cpu/processor/processor.h"

#define MONITOR_RAX 0x0f, 0x01, 0xc8
#define MWAIT 0x0f, 0x01, 0xc9
#define STORE_RSI_EAX 0x89, 0x06
#define STORE_RDI_EAX 0x89, 0x07
#define STORE_RSI_XMM0 0x0f, 0x11, 0x06
#define REP_STOSQ 0xf3, 0x48, 0xab
#define CMPXCHG_RSI_ECX 0x0f, 0xb1, 0x0e
enum { LINE = BENCH_DATA + 128, OTHER_PAGE = BENCH_DATA + 4096 };

// RAX is in the line, RSI where stores go.
static void monitoring(struct bench *b, unsigned cpl) {
    bench_long(b, cpl);
    b->cpu->gpr[RAX] = LINE + 8;
    b->cpu->gpr[RSI] = LINE;
    b->cpu->gpr[RCX] = b->cpu->gpr[RDX] = 0;
}
static bool waits(const struct bench *b) { return b->cpu->boundary.activity == ACTIVITY_HLT && b->cpu->boundary.mwait; }
static bool armed(const struct bench *b) { return b->cpu->boundary.monitor_address == LINE; }

static void test_wait(void) {
    WITH(b, monitoring(&b, 0)) {
        RUN(&b, MONITOR_RAX, MWAIT);
        ok(armed(&b) && b.cpu->rip == FLAT_CODE + 3, "MONITOR arms the line around DS:RAX");
        ok(cpu_run(b.cpu, 1) == RUN_BUDGET && waits(&b) && b.cpu->rip == FLAT_CODE + 6, "MWAIT waits behind itself");
        uint64_t steps = b.cpu->time.steps;
        ok(cpu_run(b.cpu, 10) == RUN_HALTED && b.cpu->time.steps == steps, "and executes nothing");
    }
    WITH(b, monitoring(&b, 0)) {
        RUN(&b, MWAIT);
        ok(!waits(&b) && b.cpu->rip == FLAT_CODE + 3, "MWAIT without MONITOR goes on");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RAX] = FLAT_MMIO;
        RUN_STEPS(&b, 2, MONITOR_RAX, MWAIT);
        ok(!waits(&b) && !b.f.mmio_reads, "outside RAM nothing is armed, nor read");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->segment_base[FS] = 0x1000;
        b.cpu->gpr[RAX] = 0x1200000000 + LINE - 0x1000;
        RUN(&b, 0x64, 0x67, MONITOR_RAX); // fs, 32-bit address
        ok(armed(&b), "segment override and address size count");
    }
}

static void test_faults(void) {
    static const struct {
        unsigned cpl;
        bool off, mwait;
        uint64_t rcx;
        int vector;
        const char *what;
    } rows[] = {
        {3, false, false, 0, VECTOR_UD, "MONITOR at CPL 3: #UD"},
        {3, false, true, 0, VECTOR_UD, "MWAIT at CPL 3: #UD"},
        {0, true, false, 0, VECTOR_UD, "MONITOR switched off in IA32_MISC_ENABLE: #UD"},
        {0, true, true, 0, VECTOR_UD, "MWAIT switched off in IA32_MISC_ENABLE: #UD"},
        {0, false, false, 1, VECTOR_GP, "MONITOR with an extension: #GP"},
        {0, false, true, 2, VECTOR_GP, "MWAIT with an unknown extension: #GP"},
        {0, false, true, BIT(32), VECTOR_GP, "64-bit mode looks at all of RCX"},
        {0, false, true, 1, -1, "MWAIT with masked interrupts as break events"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WITH(b, monitoring(&b, rows[i].cpl)) {
            if (rows[i].off) b.cpu->msr.misc_enable &= ~MISC_ENABLE_MONITOR;
            b.cpu->gpr[RCX] = rows[i].rcx;
            if (rows[i].mwait)
                RUN(&b, MWAIT);
            else
                RUN(&b, MONITOR_RAX);
            ok(bench_vector(&b) == rows[i].vector, "%s", rows[i].what);
        }
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RAX] = 0x7000000000;
        RUN(&b, MONITOR_RAX);
        ok(bench_faulted(&b, VECTOR_PF, 0) && b.cpu->control.cr2 == 0x7000000000, "MONITOR faults as a load does");
        ok(b.cpu->boundary.monitor_address == MWAIT_UNARMED, "and arms nothing");
    }
}

static void test_cpuid(void) {
    WITH(b, monitoring(&b, 0)) {
        const uint32_t flag = 1 << 3;
        struct cpuid_result r = cpuid(b.cpu, 5, 0);
        ok(r.eax == MONITOR_LINE && r.ebx == MONITOR_LINE && r.ecx == 3, "leaf 5: lines of 64 bytes, extensions");
        ok(cpuid(b.cpu, 1, 0).ecx & flag, "leaf 1 lists MONITOR");
        b.cpu->msr.misc_enable &= ~MISC_ENABLE_MONITOR;
        ok(!(cpuid(b.cpu, 1, 0).ecx & flag), "unless IA32_MISC_ENABLE has switched it off");
    }
}

// A store to the page before, so that it has a write tag; then MONITOR and the store in one block.
static void test_own_stores(void) {
    WITH(b, monitoring(&b, 0)) {
        RUN_STEPS(&b, 4, STORE_RSI_EAX, STORE_RSI_EAX, MONITOR_RAX, STORE_RSI_EAX, MWAIT);
        ok(!armed(&b), "a store to the line triggers the monitor");
        (void)cpu_run(b.cpu, 1);
        ok(!waits(&b), "and MWAIT goes on");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RSI] = LINE + 64;
        b.cpu->gpr[RDI] = LINE - 4;
        RUN_STEPS(&b, 7, STORE_RSI_EAX, STORE_RDI_EAX, MONITOR_RAX, STORE_RSI_EAX, STORE_RDI_EAX, STORE_RSI_EAX, MWAIT);
        ok(waits(&b), "stores next to the line do not");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RDI] = LINE + 64;
        RUN_STEPS(&b, 4, MONITOR_RAX, STORE_RDI_EAX, STORE_RDI_EAX, STORE_RSI_EAX);
        ok(!armed(&b), "nor do they hide one that follows");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RSI] = LINE - 15;
        RUN_STEPS(&b, 2, MONITOR_RAX, STORE_RSI_XMM0);
        ok(!armed(&b), "a store that reaches into the line does");
    }
    WITH(b, monitoring(&b, 0)) {
        b.cpu->gpr[RAX] = OTHER_PAGE;
        b.cpu->gpr[RSI] = OTHER_PAGE - 2;
        RUN_STEPS(&b, 2, MONITOR_RAX, STORE_RSI_EAX);
        ok(b.cpu->boundary.monitor_address == MWAIT_UNARMED, "so does one that crosses pages");
    }
    WITH(b, monitoring(&b, 0)) {
        RUN_STEPS(&b, 2, MONITOR_RAX, CMPXCHG_RSI_ECX);
        ok(!armed(&b), "so does CMPXCHG that finds another value");
    }
    WITH(b, monitoring(&b, 0)) {
        RUN_STEPS(&b, 3, STORE_RSI_EAX, STORE_RSI_EAX, MONITOR_RAX);
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RCX] = 16;
        RUN_STEPS(&b, 16, REP_STOSQ);
        ok(armed(&b), "a repeated store that ends before the line does not");
        b.cpu->gpr[RCX] = 100;
        b.cpu->rip = FLAT_CODE;
        RUN_STEPS(&b, 100, REP_STOSQ);
        ok(!armed(&b) && b.cpu->gpr[RCX] == 0, "one that runs over it does");
    }
}

// --- another processor over the same memory ---

static struct cpu *second_cpu(struct bench *b) {
    struct flat f = b->f;
    f.cpu = cpu_new(&b->f.model, b->f.decoder, &b->f.platform, 1);
    if (!f.cpu) exit(1);
    flat_long_mode(&f);
    f.cpu->gpr[RSI] = OTHER_PAGE;
    f.cpu->gpr[RDI] = LINE + 60;
    return f.cpu;
}

static void test_other_stores(void) {
    WITH(b, monitoring(&b, 0)) {
        struct cpu *other = second_cpu(&b);
        uint64_t at = FLAT_CODE + 0x1000;
        const uint8_t stores[] = {STORE_RDI_EAX, STORE_RSI_EAX, STORE_RSI_EAX, STORE_RDI_EAX};
        flat_write(&b.f, at, stores, sizeof stores);
        other->rip = at;
        (void)cpu_run(other, 1); // has a write tag for the page now
        RUN_STEPS(&b, 2, MONITOR_RAX, MWAIT);
        (void)cpu_run(other, 2);
        ok(waits(&b), "stores of another processor to another page end no wait");
        (void)cpu_run(other, 1);
        ok(b.cpu->boundary.activity == ACTIVITY_ACTIVE && !b.cpu->boundary.mwait && b.cpu->rip == FLAT_CODE + 6,
           "one to the line does");
        cpu_free(other);
    }
    WITH(b, monitoring(&b, 0)) {
        RUN_STEPS(&b, 2, MONITOR_RAX, MWAIT);
        cpu_drop_derived(b.cpu);
        (void)pages_store(&b.f.pages, LINE, 1);
        ok(!waits(&b), "so does one of a device, caches dropped");
    }
    WITH(b, monitoring(&b, 0)) {
        for (unsigned i = 0; i < 300; i++) {
            b.cpu->gpr[RAX] = BENCH_DATA + 4096ull * i;
            b.cpu->rip = FLAT_CODE;
            RUN(&b, MONITOR_RAX);
        }
        b.cpu->gpr[RSI] = b.cpu->gpr[RAX];
        RUN(&b, STORE_RSI_EAX);
        ok(b.cpu->boundary.monitor_address == MWAIT_UNARMED, "of very many pages the last one is still monitored");
    }
}

// --- events ---

static void test_interrupts(void) {
    static const struct {
        bool open;
        uint64_t rcx;
        int vector;
        bool waits;
        const char *what;
    } rows[] = {
        {false, 0, -1, true, "a masked interrupt does not end the wait"},
        {false, 1, -1, false, "but does with ECX[0], and is not delivered"},
        {true, 0, 64, false, "an interrupt that is not masked is delivered"},
        {true, 1, 64, false, "with ECX[0] as well"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WITH(b, monitoring(&b, 0)) {
            if (rows[i].open) b.cpu->rflags |= FLAG_IF;
            RUN(&b, MONITOR_RAX, MWAIT, 0x90);
            b.cpu->gpr[RCX] = rows[i].rcx;
            (void)cpu_run(b.cpu, 1);
            b.f.interrupt = 64;
            cpu_pend(b.cpu, PENDING_INTR, true);
            uint64_t steps = b.cpu->time.steps;
            (void)cpu_run(b.cpu, 1);
            bool went_on = b.cpu->time.steps == steps + 1;
            bool right = rows[i].waits        ? waits(&b) && !went_on
                         : rows[i].vector < 0 ? went_on && b.cpu->rip == FLAT_CODE + 7 && b.f.interrupt == 64
                                              : b.f.interrupt == -1 && bench_stack(&b, 0) == FLAT_CODE + 6;
            ok(right, "%s", rows[i].what);
        }
    }
    WITH(b, monitoring(&b, 0)) {
        RUN_STEPS(&b, 2, MONITOR_RAX, MWAIT);
        cpu_pend(b.cpu, PENDING_NMI, true);
        (void)cpu_run(b.cpu, 1);
        ok(!waits(&b) && b.cpu->boundary.nmi_blocked, "an NMI is delivered");
    }
}

#define MOV_CR3_RBX 0x0f, 0x22, 0xdb
#define INVLPG_RSI 0x0f, 0x01, 0x3e
#define INT_64 0xcd, 0x40
#define SYSCALL 0x0f, 0x05
static void test_triggers(void) {
    static const struct {
        uint8_t code[3];
        bool triggers;
        const char *what;
    } rows[] = {
        {{MOV_CR3_RBX}, true, "a write to CR3"}, {{INVLPG_RSI}, true, "INVLPG"},
        {{INT_64}, true, "an interrupt"},        {{SYSCALL}, true, "SYSCALL"},
        {{0x90}, false, "NOP does not"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WITH(b, monitoring(&b, 0)) {
            b.cpu->gpr[RBX] = b.cpu->control.cr3;
            b.cpu->msr.star = (uint64_t)CODE64 << 32;
            RUN(&b, MONITOR_RAX);
            RUN(&b, rows[i].code[0], rows[i].code[1], rows[i].code[2]);
            ok(armed(&b) != rows[i].triggers, "between MONITOR and MWAIT: %s", rows[i].what);
        }
    }
}

int main(void) {
    test_wait();
    test_faults();
    test_cpuid();
    test_own_stores();
    test_other_stores();
    test_interrupts();
    test_triggers();
    return done_testing();
}
