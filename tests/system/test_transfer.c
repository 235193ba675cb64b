// IRET, far transfers, SYSCALL and its like: SDM Vol. 2A, 2B; Vol. 3A, 5.8, 6.14.3.
#include "tests/system/bench.h"
#include "cpu/memory/mode.h"

static void push64(struct bench *b, uint64_t v) { flat_poke(&b->f, b->cpu->gpr[RSP] -= 8, v); }
static void push32(struct bench *b, uint32_t v) {
    b->cpu->gpr[RSP] -= 4;
    memcpy(b->f.ram + b->cpu->gpr[RSP], &v, 4);
}
static void push16(struct bench *b, uint16_t v) {
    b->cpu->gpr[RSP] -= 2;
    memcpy(b->f.ram + b->cpu->gpr[RSP], &v, 2);
}
static void frame64(struct bench *b, uint64_t ss, uint64_t rsp, uint64_t rflags, uint64_t cs, uint64_t rip) {
    b->cpu->gpr[RSP] = BENCH_STACK;
    push64(b, ss), push64(b, rsp), push64(b, rflags), push64(b, cs), push64(b, rip);
}
static void frame32(struct bench *b, uint32_t eflags, uint32_t cs, uint32_t eip) {
    push32(b, eflags), push32(b, cs), push32(b, eip);
}
#define IRETQ 0x48, 0xcf

// --- IRET in 64-bit mode ---

static void test_iretq(void) {
    WITH(b, bench_long(&b, 0)) {
        frame64(&b, DATA3 | 3, 0x12345678, FLAG_IF | FLAG_IOPL | FLAG_CF | FLAG_RF | 2, USER64 | 3, 0x400000);
        bench_segment(&b, DS, DATA0, R_DATA32);
        b.cpu->boundary.nmi_blocked = 1;
        RUN(&b, IRETQ);
        ok(b.cpu->rip == 0x400000 && cpu_cpl(b.cpu) == 3 && b.cpu->gpr[RSP] == 0x12345678, "to CPL 3");
        ok((cpu_rflags(b.cpu) & ~FLAG_RF) == (FLAG_IF | FLAG_IOPL | FLAG_CF | 2), "RFLAGS are restored");
        ok(b.cpu->segment[DS].rights & RIGHTS_UNUSABLE, "DS of level 0 becomes null");
        ok(!b.cpu->boundary.nmi_blocked, "NMIs are unblocked, 6.7.1");
    }
    WITH(b, bench_long(&b, 0)) {
        frame64(&b, 0, BENCH_STACK, 2, CODE64, 0x400000);
        RUN(&b, IRETQ);
        ok(b.cpu->rip == 0x400000 && b.cpu->segment[SS].selector == 0 && cpu_cpl(b.cpu) == 0, "a null SS at CPL 0");
    }
    WITH(b, bench_long(&b, 0)) {
        frame64(&b, DATA3 | 3, 0x12345678, 2, USER32 | 3, 0x400000);
        RUN(&b, IRETQ);
        ok(b.cpu->rip == 0x400000 && !cpu_64bit(b.cpu) && cpu_cpl(b.cpu) == 3, "to compatibility mode");
    }
    WITH(b, bench_long(&b, 3)) {
        frame64(&b, DATA3 | 3, BENCH_STACK, FLAG_IF | FLAG_IOPL | FLAG_AC | 2, USER64 | 3, 0x400000);
        RUN(&b, IRETQ);
        ok(b.cpu->rip == 0x400000 && (b.cpu->rflags & (FLAG_IF | FLAG_IOPL | FLAG_AC)) == FLAG_AC,
           "at CPL 3 with IOPL 0, IF and IOPL stay as they are");
    }
}

static void test_iretq_faults(void) {
    static const struct {
        uint64_t ss, cs, rip;
        int vector;
        uint32_t code;
        const char *what;
    } cases[] = {
        {DATA3 | 3, USER64 | 3, 0x800000000000, VECTOR_GP, 0, "a non-canonical RIP"},
        {0, USER64 | 3, 0x400000, VECTOR_GP, 0, "a null SS at CPL 3"},
        {DATA0, USER64 | 3, 0x400000, VECTOR_GP, DATA0, "SS of another level"},
        {DATA3 | 3, 0, 0x400000, VECTOR_GP, 0, "a null CS"},
        {DATA3 | 3, DATA3 | 3, 0x400000, VECTOR_GP, DATA3, "CS that is data"},
        {DATA3 | 3, CODE64 | 3, 0x400000, VECTOR_GP, CODE64, "CS whose DPL is not its RPL"},
        {DATA3 | 3, 0xf00 | 3, 0x400000, VECTOR_GP, 0xf00, "CS beyond the GDT"},
        {ABSENT, CODE64, 0x400000, VECTOR_SS, ABSENT, "SS not present"},
        {READ_ONLY_DATA, CODE64, 0x400000, VECTOR_GP, READ_ONLY_DATA, "SS that is not writable"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            frame64(&b, cases[i].ss, BENCH_STACK, 2, cases[i].cs, cases[i].rip);
            RUN(&b, IRETQ);
            ok(bench_faulted(&b, cases[i].vector, cases[i].code) && bench_stack(&b, 1) == FLAT_CODE, "IRET: %s",
               cases[i].what);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->rflags |= FLAG_NT;
        RUN(&b, IRETQ);
        ok(bench_faulted(&b, VECTOR_GP, 0), "IRET with NT in IA-32e mode: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        frame64(&b, DATA0, BENCH_STACK, 2, CODE64, 0x400000);
        RUN(&b, IRETQ);
        ok(bench_faulted(&b, VECTOR_GP, CODE64), "IRET to an inner level: #GP(CS)");
    }
}

// --- IRET elsewhere ---

static void test_iret_legacy(void) {
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        frame32(&b, FLAG_IF | 2, CODE32, 0x5000);
        RUN(&b, 0xcf);
        ok(b.cpu->rip == 0x5000 && b.cpu->gpr[RSP] == BENCH_STACK && b.cpu->rflags & FLAG_IF,
           "same level: three doublewords");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        push32(&b, DATA3 | 3), push32(&b, 0x7000);
        frame32(&b, 2, USER32 | 3, 0x5000);
        RUN(&b, 0xcf);
        ok(b.cpu->rip == 0x5000 && b.cpu->gpr[RSP] == 0x7000 && cpu_cpl(b.cpu) == 3, "outer level: with SS:ESP");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        frame32(&b, 2, CODE16, 0x15000);
        RUN(&b, 0xcf);
        ok(bench_faulted(&b, VECTOR_GP, 0), "EIP beyond the limit: #GP(0)");
    }
    WITH(b, bench_protected(&b, 0)) {
        static const uint16_t segments[] = {0x6000, 0x5000, 0x4000, 0x3000, 0x2000}; // GS FS DS ES SS
        b.cpu->gpr[RSP] = BENCH_STACK;
        for (unsigned i = 0; i < 5; i++) push32(&b, segments[i]);
        push32(&b, 0x8000);
        frame32(&b, FLAG_VM | FLAG_IF | 2, 0x1000, 0x100);
        RUN(&b, 0xcf);
        ok(cpu_vm86(b.cpu) && cpu_cpl(b.cpu) == 3 && b.cpu->rip == 0x100 && b.cpu->segment_base[CS] == 0x10000,
           "to virtual-8086 mode");
        ok(b.cpu->segment[GS].selector == 0x6000 && b.cpu->segment_base[ES] == 0x30000 && b.cpu->gpr[RSP] == 0x8000,
           "with all segments");
        ok(b.cpu->segment[DS].limit == 0xffff && b.cpu->segment[DS].rights == 0xf3, "of 64 KBytes, DPL 3");
    }
    WITH(b, bench_vm86(&b, 0)) {
        RUN(&b, 0xcf);
        ok(bench_faulted(&b, VECTOR_GP, 0), "in virtual-8086 mode with IOPL 0: #GP(0)");
    }
    WITH(b, bench_real(&b)) {
        push16(&b, FLAG_IF | FLAG_IOPL | 2), push16(&b, 0x1000), push16(&b, 0x200);
        RUN(&b, 0xcf);
        ok(b.cpu->rip == 0x200 && b.cpu->segment_base[CS] == 0x10000 && b.cpu->rflags & FLAG_IOPL,
           "in real-address mode");
    }
}

// --- far transfers ---

static void far_pointer(struct bench *b, uint32_t offset, uint16_t selector) {
    memcpy(b->f.ram + BENCH_DATA, &offset, 4);
    memcpy(b->f.ram + BENCH_DATA + 4, &selector, 2);
    b->cpu->gpr[RDI] = BENCH_DATA;
}

static void test_far_direct(void) {
    WITH(b, bench_long(&b, 0)) {
        far_pointer(&b, 0x400000, CODE32);
        RUN(&b, 0xff, 0x2f); // jmp far [rdi]
        ok(b.cpu->rip == 0x400000 && !cpu_64bit(b.cpu), "a far jump leaves 64-bit mode");
        ok(flat_peek(&b.f, BENCH_GDT + CODE32) >> 40 & 1, "and the descriptor is accessed");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        far_pointer(&b, 0x400000, CODE64);
        RUN(&b, 0xff, 0x1f); // call far [rdi]
        ok(b.cpu->rip == 0x400000 && b.cpu->gpr[RSP] == BENCH_STACK - 8 &&
               (uint32_t)flat_peek(&b.f, BENCH_STACK - 8) == FLAT_CODE + 2,
           "a far call pushes doublewords");
        RUN(&b, 0xcb);
        ok(b.cpu->rip == FLAT_CODE + 2 && b.cpu->gpr[RSP] == BENCH_STACK, "and RET comes back");
    }
    WITH(b, bench_protected(&b, 0)) {
        RUN(&b, 0xea, 0x00, 0x50, 0x00, 0x00, CODE16, 0x00);
        ok(b.cpu->rip == 0x5000 && (b.cpu->mode & MODE_CODE_MASK) == MODE_CODE_16, "to a 16-bit segment");
    }
    WITH(b, bench_real(&b)) {
        RUN(&b, 0x9a, 0x34, 0x12, 0x00, 0x10);
        ok(b.cpu->rip == 0x1234 && b.cpu->segment_base[CS] == 0x10000 && b.cpu->gpr[RSP] == 0x7ffc,
           "a far call in real-address mode");
    }
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        push32(&b, DATA0), push32(&b, 0x7000), push32(&b, CODE32), push32(&b, 0x5000);
        RUN(&b, 0xcb);
        ok(bench_faulted(&b, VECTOR_GP, CODE32), "RET to an inner level: #GP(CS)");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        push32(&b, DATA3 | 3), push32(&b, 0x7000), push32(&b, 1), push32(&b, USER32 | 3), push32(&b, 0x5000);
        RUN(&b, 0xca, 0x04, 0x00);
        ok(b.cpu->rip == 0x5000 && cpu_cpl(b.cpu) == 3 && b.cpu->gpr[RSP] == 0x7004, "RET imm16 releases both stacks");
    }
}

static void test_far_faults(void) {
    static const struct {
        uint16_t selector;
        int vector;
        uint32_t code;
        const char *what;
    } cases[] = {
        {0, VECTOR_GP, 0, "null"},
        {DATA0, VECTOR_GP, DATA0, "data"},
        {USER64 | 3, VECTOR_GP, USER64, "code of another level"},
        {0xff8, VECTOR_GP, 0xff8, "beyond the GDT"},
        {SPARE, VECTOR_NP, SPARE, "not present"},
        {TASK, VECTOR_GP, TASK, "a TSS, in IA-32e mode"},
        {0x4 | 8, VECTOR_GP, 0x4 | 8, "of an LDT that is not loaded"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            bench_descriptor(&b, SPARE, 0, 0xfffff, R_CODE64 & ~0x80u);
            far_pointer(&b, 0x400000, cases[i].selector);
            RUN(&b, 0xff, 0x2f);
            ok(bench_faulted(&b, cases[i].vector, cases[i].code), "far jump to a selector %s", cases[i].what);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        bench_descriptor(&b, SPARE, 0, 0xfffff, R_CODE64 | 0x4000);
        far_pointer(&b, 0x400000, SPARE);
        RUN(&b, 0xff, 0x2f);
        ok(bench_faulted(&b, VECTOR_GP, SPARE), "far jump to a segment with L and D: #GP");
    }
}

static void call_gate(struct bench *b, uint16_t selector, uint64_t offset, unsigned parameters, unsigned dpl) {
    flat_poke(&b->f, BENCH_GDT + GATE,
              (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)parameters << 32 |
                  (uint64_t)(0x8c | dpl << 5) << 40 | (offset >> 16 & 0xffff) << 48);
    if (cpu_long(b->cpu)) flat_poke(&b->f, BENCH_GDT + GATE + 8, offset >> 32);
    far_pointer(b, 0, GATE | 3);
}
static void test_call_gates(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        call_gate(&b, CODE64, 0x400000, 0, 3);
        RUN(&b, 0xff, 0x1f);
        ok(b.cpu->rip == 0x400000 && cpu_cpl(b.cpu) == 0 && b.cpu->gpr[RSP] == BENCH_STACK0 - 32,
           "a 64-bit gate to level 0: on RSP0");
        ok(bench_stack(&b, 0) == FLAT_CODE + 2 && bench_stack(&b, 1) == (USER64 | 3) &&
               bench_stack(&b, 2) == BENCH_STACK && bench_stack(&b, 3) == (DATA3 | 3),
           "RIP, CS, RSP, SS");
        RUN(&b, 0x48, 0xcb);
        ok(b.cpu->rip == FLAT_CODE + 2 && cpu_cpl(b.cpu) == 3 && b.cpu->gpr[RSP] == BENCH_STACK, "and RET comes back");
    }
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        push32(&b, 0x111), push32(&b, 0x222);
        call_gate(&b, CODE32, 0x400000, 2, 3);
        RUN(&b, 0xff, 0x1f);
        ok(cpu_cpl(b.cpu) == 0 && b.cpu->gpr[RSP] == BENCH_STACK0 - 24 && bench_stack(&b, 2) == 0x222 &&
               bench_stack(&b, 3) == 0x111,
           "a 32-bit gate copies parameters");
    }
    WITH(b, bench_long(&b, 3)) {
        call_gate(&b, CODE64, 0x400000, 0, 0);
        RUN(&b, 0xff, 0x1f);
        ok(bench_faulted(&b, VECTOR_GP, GATE), "a gate of DPL 0 at CPL 3: #GP(gate)");
    }
    WITH(b, bench_long(&b, 3)) {
        call_gate(&b, CODE64, 0x400000, 0, 3);
        RUN(&b, 0xff, 0x2f);
        ok(bench_faulted(&b, VECTOR_GP, CODE64), "a jump through a gate to level 0: #GP(CS)");
    }
    WITH(b, bench_long(&b, 3)) {
        call_gate(&b, CODE32, 0x400000, 0, 3);
        RUN(&b, 0xff, 0x1f);
        ok(bench_faulted(&b, VECTOR_GP, CODE32), "a gate to 32-bit code in IA-32e mode: #GP(CS)");
    }
}

// --- system calls ---

static void test_syscall(void) {
    const uint64_t star = (uint64_t)USER32 << 48 | (uint64_t)CODE64 << 32;
    WITH(b, bench_long(&b, 3)) {
        b.cpu->msr.star = star;
        b.cpu->msr.lstar = 0xffff800000001000;
        b.cpu->msr.sfmask = FLAG_IF | FLAG_TF | FLAG_CF;
        cpu_set_rflags(b.cpu, FLAG_IF | FLAG_CF | FLAG_ZF | 2);
        RUN(&b, 0x0f, 0x05);
        ok(b.cpu->rip == 0xffff800000001000 && cpu_cpl(b.cpu) == 0, "SYSCALL enters LSTAR at CPL 0");
        ok(b.cpu->gpr[RCX] == FLAT_CODE + 2 && b.cpu->gpr[R11] == (FLAG_IF | FLAG_CF | FLAG_ZF | 2), "RCX and R11");
        ok(cpu_rflags(b.cpu) == (FLAG_ZF | 2), "RFLAGS without FMASK");
        ok(b.cpu->segment[CS].selector == CODE64 && b.cpu->segment[SS].selector == DATA0 &&
               b.cpu->segment[SS].limit == UINT32_MAX,
           "fixed CS and SS");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->msr.star = star;
        b.cpu->gpr[RCX] = 0x400000;
        b.cpu->gpr[R11] = ~0ull;
        RUN(&b, 0x48, 0x0f, 0x07);
        ok(b.cpu->rip == 0x400000 && cpu_cpl(b.cpu) == 3 && cpu_64bit(b.cpu), "SYSRET to 64-bit mode");
        ok(cpu_rflags(b.cpu) == 0x3c7fd7, "RFLAGS are R11 and 3C7FD7H, with bit 1");
        ok(b.cpu->segment[CS].selector == (USER64 | 3) && b.cpu->segment[SS].selector == (DATA3 | 3),
           "CS is STAR + 16, SS + 8");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->msr.star = star;
        b.cpu->gpr[RCX] = 0xffff800000400000;
        RUN(&b, 0x0f, 0x07);
        ok(b.cpu->rip == 0x400000 && !cpu_64bit(b.cpu) && b.cpu->segment[CS].selector == (USER32 | 3),
           "SYSRET to compatibility mode");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RCX] = 0x800000000000;
        RUN(&b, 0x48, 0x0f, 0x07);
        ok(bench_faulted(&b, VECTOR_GP, 0) && cpu_cpl(b.cpu) == 0,
           "SYSRET to a non-canonical address: #GP(0) at CPL 0");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0x48, 0x0f, 0x07);
        ok(bench_faulted(&b, VECTOR_GP, 0), "SYSRET at CPL 3: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->control.efer &= ~EFER_SCE;
        RUN(&b, 0x0f, 0x05);
        ok(bench_vector(&b) == VECTOR_UD, "SYSCALL without EFER.SCE: #UD");
    }
    WITH(b, bench_compatibility(&b)) {
        RUN(&b, 0x0f, 0x05);
        ok(bench_vector(&b) == VECTOR_UD, "SYSCALL in compatibility mode: #UD");
    }
}

static void test_sysenter(void) {
    WITH(b, bench_compatibility(&b)) {
        b.cpu->msr.sysenter_cs = CODE64;
        b.cpu->msr.sysenter_eip = 0xffff800000001000;
        b.cpu->msr.sysenter_esp = 0xffff800000002000;
        b.cpu->rflags |= FLAG_IF;
        RUN(&b, 0x0f, 0x34);
        ok(b.cpu->rip == 0xffff800000001000 && b.cpu->gpr[RSP] == 0xffff800000002000 && cpu_64bit(b.cpu) &&
               !(b.cpu->rflags & FLAG_IF),
           "SYSENTER enters 64-bit mode with IF clear");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->msr.sysenter_cs = CODE64;
        b.cpu->gpr[RDX] = 0x400000, b.cpu->gpr[RCX] = 0x7000;
        RUN(&b, 0x0f, 0x35);
        ok(b.cpu->rip == 0x400000 && b.cpu->gpr[RSP] == 0x7000 && cpu_cpl(b.cpu) == 3 && !cpu_64bit(b.cpu) &&
               b.cpu->segment[CS].selector == (CODE64 + 16 + 3),
           "SYSEXIT to compatibility mode");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0x0f, 0x35);
        ok(bench_faulted(&b, VECTOR_GP, 0), "SYSEXIT with a null IA32_SYSENTER_CS: #GP(0)");
    }
    WITH(b, bench_real(&b)) {
        b.cpu->msr.sysenter_cs = CODE64;
        RUN(&b, 0x0f, 0x34);
        ok(bench_vector(&b) == VECTOR_GP, "SYSENTER in real-address mode: #GP");
    }
}

static void test_dropped_segment_base(void) {
    WITH(b, bench_long(&b, 0)) {
        const uint64_t frame[5] = {0x1000, USER64 | 3, 2, BENCH_STACK, DATA3 | 3};
        memcpy(b.f.ram + BENCH_STACK, frame, sizeof frame);
        b.cpu->gpr[RSP] = BENCH_STACK;
        b.cpu->segment_base[GS] = 0x400000;
        RUN(&b, 0x48, 0xcf);
        ok(cpu_cpl(b.cpu) == 3 && b.cpu->segment[GS].selector == 0 && b.cpu->segment[GS].rights & RIGHTS_UNUSABLE,
           "IRET to an outer level makes GS of a lower DPL null");
        ok(b.cpu->segment_base[GS] == 0x400000, "and leaves its base");
    }
}

int main(void) {
    test_iretq();
    test_iretq_faults();
    test_iret_legacy();
    test_far_direct();
    test_far_faults();
    test_call_gates();
    test_syscall();
    test_sysenter();
    test_dropped_segment_base();
    return done_testing();
}
