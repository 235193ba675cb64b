// INS and OUTS, with and without repeat prefixes. SDM Vol. 2A, "INS", Vol. 2B, "OUTS", "REP"; Vol. 1, 19.5.
#include "tests/system/bench.h"
#include "cpu/memory/mode.h"

static struct {
    unsigned count, size;
    uint16_t port;
    uint32_t value[8];
} sent;

static uint32_t port_in(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    (void)machine, (void)cpu;
    sent.port = port, sent.size = size;
    return 0x44332211 + sent.count++;
}
static void port_out(void *machine, struct cpu *cpu, uint16_t port, unsigned size, uint32_t value) {
    (void)machine, (void)cpu;
    sent.port = port, sent.size = size;
    if (sent.count < 8) sent.value[sent.count++] = value;
}

static void setup(struct bench *b, uint64_t count) {
    memset(&sent, 0, sizeof sent);
    b->f.platform.port_in = port_in;
    b->f.platform.port_out = port_out;
    b->cpu->gpr[RDX] = 0xffff0123;
    b->cpu->gpr[RCX] = count;
    b->cpu->gpr[RSI] = b->cpu->gpr[RDI] = BENCH_DATA;
    for (unsigned i = 0; i < 4; i++) flat_poke(&b->f, BENCH_DATA + 8 * i, 0x0807060504030201 + 0x0808080808080808 * i);
}

// REPNE does what REP does.
static void test_out(uint8_t prefix) {
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 3);
        RUN(&b, prefix, 0x6e);
        ok(b.cpu->rip == FLAT_CODE && b.cpu->gpr[RCX] == 2 && sent.count == 1, "%X 6E: an iteration is a step", prefix);
        RUN_STEPS(&b, 2, prefix, 0x6e);
        ok(b.cpu->rip == FLAT_CODE + 2 && b.cpu->gpr[RCX] == 0 && b.cpu->gpr[RSI] == BENCH_DATA + 3, "and the last");
        ok(sent.port == 0x123 && sent.size == 1 && sent.value[0] == 1 && sent.value[1] == 2 && sent.value[2] == 3,
           "the bytes in their order, to the port in DX");
    }
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 2);
        RUN_STEPS(&b, 2, prefix, 0x6f);
        ok(sent.size == 4 && sent.count == 2 && sent.value[0] == 0x04030201 && sent.value[1] == 0x08070605,
           "%X 6F: doublewords", prefix);
        setup(&b, 2);
        b.cpu->gpr[RSI] += 2;
        b.cpu->rflags |= FLAG_DF;
        b.cpu->rip = FLAT_CODE;
        RUN_STEPS(&b, 2, 0x66, prefix, 0x6f);
        ok(sent.size == 2 && sent.value[0] == 0x0403 && sent.value[1] == 0x0201 && b.cpu->gpr[RSI] == BENCH_DATA - 2,
           "words, downwards with DF");
    }
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 0);
        RUN(&b, prefix, 0x6f);
        ok(b.cpu->rip == FLAT_CODE + 2 && sent.count == 0 && b.cpu->gpr[RSI] == BENCH_DATA, "a count of 0: nothing");
    }
}

static void test_in(uint8_t prefix) {
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 3);
        RUN_STEPS(&b, 3, prefix, 0x6c);
        ok(b.cpu->rip == FLAT_CODE + 2 && b.cpu->gpr[RCX] == 0 && b.cpu->gpr[RDI] == BENCH_DATA + 3 && sent.size == 1,
           "%X 6C: three bytes", prefix);
        ok(flat_peek(&b.f, BENCH_DATA) == 0x0807060504131211, "and no more");
    }
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 2);
        RUN_STEPS(&b, 2, prefix, 0x6d);
        ok(flat_peek(&b.f, BENCH_DATA) == 0x4433221244332211 && sent.size == 4 && sent.port == 0x123,
           "%X 6D: doublewords", prefix);
        setup(&b, 0x100000002);
        b.cpu->rip = FLAT_CODE;
        RUN_STEPS(&b, 2, 0x67, prefix, 0x6d);
        ok(b.cpu->rip == FLAT_CODE + 3 && b.cpu->gpr[RCX] == 0 && sent.count == 2, "with 32-bit addresses ECX counts");
    }
}

static void test_segments(void) {
    WITH(b, bench_protected(&b, 0)) {
        setup(&b, 1);
        b.cpu->segment_base[FS] = 8;
        cpu_update_mode(b.cpu);
        RUN(&b, 0x64, 0x6e);
        ok(sent.value[0] == 9, "OUTS with a segment override");
        RUN(&b, 0x64, 0x6c);
        ok(flat_peek(&b.f, BENCH_DATA) == 0x0807060504030212, "INS is to ES whatever the override");
    }
    WITH(b, bench_protected(&b, 0)) {
        setup(&b, 1);
        bench_segment(&b, ES, READ_ONLY_DATA, R_READ_ONLY);
        cpu_update_mode(b.cpu);
        RUN(&b, 0x6c);
        ok(bench_faulted(&b, VECTOR_GP, 0) && b.cpu->gpr[RDI] == BENCH_DATA,
           "INS to a segment that is not writable: #GP(0)");
    }
}

static void test_faults(void) {
    WITH(b, bench_long(&b, 0)) {
        setup(&b, 5);
        b.cpu->gpr[RDI] = BENCH_DATA + 4094;
        flat_map(&b.f, BENCH_DATA + 4096, 0, 0);
        RUN_STEPS(&b, 3, 0xf3, 0x6c);
        ok(bench_faulted(&b, VECTOR_PF, 2) && b.cpu->control.cr2 == BENCH_DATA + 4096 &&
               bench_stack(&b, 1) == FLAT_CODE,
           "#PF in an iteration: at the instruction");
        ok(b.cpu->gpr[RCX] == 3 && b.cpu->gpr[RDI] == BENCH_DATA + 4096, "with the registers of those that were done");
    }
    WITH(b, bench_long(&b, 3)) {
        setup(&b, 5);
        memset(b.f.ram + BENCH_TSS + 102, 0xff, 2); // the bitmap's base is beyond the limit
        RUN(&b, 0xf3, 0x6e);
        ok(bench_faulted(&b, VECTOR_GP, 0) && b.cpu->gpr[RCX] == 5 && sent.count == 0,
           "CPL above IOPL and no bitmap: #GP(0), nothing is sent");
    }
}

int main(void) {
    static const uint8_t prefixes[] = {0xf3, 0xf2};
    for (unsigned i = 0; i < 2; i++) {
        test_out(prefixes[i]);
        test_in(prefixes[i]);
    }
    test_segments();
    test_faults();
    return done_testing();
}
