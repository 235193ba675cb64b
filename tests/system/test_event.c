// Delivery of interrupts and exceptions: SDM Vol. 3A, chapter 6.
#include "tests/system/bench.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"

static enum outcome deliver(struct bench *b, uint8_t type, uint8_t vector, bool has_code, uint32_t code,
                            uint64_t payload) {
    struct event e = {
        .vector = vector, .type = type, .has_error_code = has_code, .error_code = code, .payload = payload};
    return event_deliver(b->cpu, &e);
}
static enum outcome external(struct bench *b, uint8_t vector) {
    return deliver(b, EVENT_EXTERNAL, vector, false, 0, 0);
}
static enum outcome exception(struct bench *b, uint8_t vector, bool has_code, uint32_t code, uint64_t payload) {
    return deliver(b, EVENT_HARDWARE_EXCEPTION, vector, has_code, code, payload);
}
static void flags(struct bench *b, uint64_t image) { cpu_set_rflags(b->cpu, image | 2); }

// --- 64-bit mode, 6.14 ---

static void test_long_frame(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK + 5;
        flags(&b, FLAG_IF | FLAG_TF | FLAG_NT | FLAG_CF | FLAG_AC);
        b.cpu->rip = 0x123456;
        ok(external(&b, 64) == OUT_OK && bench_vector(&b) == 64, "an external interrupt calls its handler");
        ok(b.cpu->gpr[RSP] == BENCH_STACK - 40, "the frame is five quadwords below RSP aligned down to 16");
        ok(bench_stack(&b, 0) == 0x123456 && bench_stack(&b, 1) == CODE64 && bench_stack(&b, 3) == BENCH_STACK + 5 &&
               bench_stack(&b, 4) == DATA0,
           "RIP, CS, RSP and SS are saved even without a change of privilege");
        ok(bench_stack(&b, 2) == (FLAG_IF | FLAG_TF | FLAG_NT | FLAG_CF | FLAG_AC | 2),
           "RFLAGS are saved, RF as it was");
        ok(!(b.cpu->rflags & (FLAG_IF | FLAG_TF | FLAG_NT | FLAG_RF)), "an interrupt gate clears IF, TF, NT, RF");
        ok(b.cpu->rflags & FLAG_AC && flags_cf(&b.cpu->flags), "and leaves the others");
        ok(b.cpu->segment[SS].selector == DATA0, "SS stays without a change of privilege");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, 64, CODE64, TYPE_TRAP_GATE32, 0, 0);
        flags(&b, FLAG_IF);
        ok(external(&b, 64) == OUT_OK && b.cpu->rflags & FLAG_IF, "a trap gate leaves IF");
    }
}

static void test_long_inner(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RSP] = 0x1234567;
        ok(external(&b, 64) == OUT_OK && cpu_cpl(b.cpu) == 0, "from CPL 3 to the handler's CPL 0");
        ok(b.cpu->gpr[RSP] == BENCH_STACK0 - 40 && bench_stack(&b, 3) == 0x1234567, "on RSP0 of the TSS");
        ok(b.cpu->segment[SS].selector == 0 && b.cpu->segment[SS].rights & RIGHTS_UNUSABLE, "SS becomes null");
        ok(b.cpu->segment[CS].selector == CODE64, "the RPL of CS is the new CPL");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, 2, CODE64, TYPE_INTERRUPT_GATE32, 0, 1);
        ok(deliver(&b, EVENT_NMI, 2, false, 0, 0) == OUT_OK && b.cpu->gpr[RSP] == BENCH_IST1 - 40, "IST wins over RSP");
        ok(b.cpu->boundary.nmi_blocked, "an NMI blocks NMIs");
    }
    WITH(b, bench_long(&b, 3)) {
        flat_poke(&b.f, BENCH_TSS + 4, 0x8000000000000000);
        bench_gate(&b, VECTOR_DF, CODE64, TYPE_INTERRUPT_GATE32, 0, 1);
        ok(external(&b, 64) == OUT_OK && bench_vector(&b) == VECTOR_DF,
           "a non-canonical RSP0 is #SS, whose delivery makes #DF");
    }
}

static void test_compatibility(void) {
    WITH(b, bench_compatibility(&b)) {
        ok(external(&b, 64) == OUT_OK && cpu_64bit(b.cpu) && b.cpu->gpr[RSP] == BENCH_STACK0 - 40,
           "from compatibility mode into 64-bit code with a 64-bit frame");
    }
}

// --- error codes, RF, CR2, DR6 ---

static void test_exceptions(void) {
    WITH(b, bench_long(&b, 0)) {
        ok(exception(&b, VECTOR_GP, true, 0x1234, 0) == OUT_OK && bench_faulted(&b, VECTOR_GP, 0x1234),
           "the error code is on top");
        ok(bench_stack(&b, 3) & FLAG_RF, "a fault saves RF set, 17.3.1.1");
    }
    WITH(b, bench_long(&b, 0)) {
        ok(exception(&b, VECTOR_PF, true, 2, 0xdeadbeef000) == OUT_OK && b.cpu->control.cr2 == 0xdeadbeef000,
           "#PF loads CR2");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[6] = 0xffff0ff1;
        b.cpu->control.dr[7] = 0x2400;
        ok(exception(&b, VECTOR_DB, false, 0, DEBUG_BS) == OUT_OK && b.cpu->control.dr[6] == (0xffff0ff0 | DEBUG_BS),
           "#DB sets BS and replaces B0 to B3");
        ok(b.cpu->control.dr[7] == 0x400 && !(bench_stack(&b, 2) & FLAG_RF),
           "#DB clears DR7.GD; a trap does not set RF");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0xcd, 0x40); // int 40h
        ok(bench_vector(&b) == 0x40 && bench_stack(&b, 0) == FLAT_CODE + 2 && !(bench_stack(&b, 2) & FLAG_RF),
           "INT n saves the address of the next instruction");
    }
}

static void test_gate_faults(void) {
    WITH(b, bench_long(&b, 0)) {
        flat_poke(&b.f, BENCH_IDT + 16 * 64, flat_peek(&b.f, BENCH_IDT + 16 * 64) & ~(1ull << 47));
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_NP, 64 * 8 + 3),
           "a gate not present: #NP(vector * 8 + IDT + EXT)");
    }
    WITH(b, bench_long(&b, 0)) {
        flat_poke(&b.f, BENCH_IDT + 16 * 64, flat_peek(&b.f, BENCH_IDT + 16 * 64) & ~(1ull << 47));
        RUN(&b, 0xcd, 0x40);
        ok(bench_faulted(&b, VECTOR_NP, 64 * 8 + 2), "for INT n EXT is 0");
        ok(bench_stack(&b, 1) == FLAT_CODE, "and the fault is of the INT n itself");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0xcd, 0x0e);
        ok(bench_faulted(&b, VECTOR_GP, 14 * 8 + 2), "INT n through a gate of DPL 0 at CPL 3: #GP");
    }
    WITH(b, bench_long(&b, 3)) {
        ok(external(&b, 14) == OUT_OK && bench_vector(&b) == 14, "external interrupts pass any gate's DPL");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->idtr.limit = 64 * 16 - 1;
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_GP, 64 * 8 + 3), "beyond the IDT limit: #GP");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, 64, CODE64, TYPE_TASK_GATE, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_GP, 64 * 8 + 3), "a task gate in IA-32e mode: #GP");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, 64, CODE32, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_GP, CODE32 + 1),
           "a 32-bit handler in IA-32e mode: #GP(selector)");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, 64, 0, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_GP, 1), "a null handler segment: #GP(EXT)");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_descriptor(&b, SPARE, 0, 0xfffff, R_CODE64 & ~0x80u);
        bench_gate(&b, 64, SPARE, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_NP, SPARE + 1),
           "a handler segment not present: #NP(selector)");
    }
}

// --- 6.15 ---

static void absent(struct bench *b, unsigned vector) {
    uint64_t at = BENCH_IDT + 16 * vector;
    flat_poke(&b->f, at, flat_peek(&b->f, at) & ~(1ull << 47));
}
static void unmapped_stack(struct bench *b) { b->cpu->gpr[RSP] = 0x7000000000; }

static void test_double_fault(void) {
    WITH(b, bench_long(&b, 0)) {
        absent(&b, VECTOR_GP);
        ok(exception(&b, VECTOR_GP, true, 0, 0) == OUT_OK && bench_faulted(&b, VECTOR_DF, 0),
           "#NP while delivering #GP: #DF(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        absent(&b, VECTOR_UD);
        ok(exception(&b, VECTOR_UD, false, 0, 0) == OUT_OK && bench_vector(&b) == VECTOR_NP,
           "#UD is benign: #NP is delivered");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, VECTOR_PF, CODE64, TYPE_INTERRUPT_GATE32, 0, 1);
        unmapped_stack(&b);
        ok(exception(&b, VECTOR_GP, true, 0, 0) == OUT_OK && bench_vector(&b) == VECTOR_PF &&
               b.cpu->control.cr2 == 0x7000000000 - 8,
           "#PF while delivering #GP is delivered");
    }
    WITH(b, bench_long(&b, 0)) {
        bench_gate(&b, VECTOR_DF, CODE64, TYPE_INTERRUPT_GATE32, 0, 1);
        unmapped_stack(&b);
        ok(exception(&b, VECTOR_PF, true, 0, 5) == OUT_OK && bench_vector(&b) == VECTOR_DF,
           "#PF while delivering #PF: #DF");
    }
    WITH(b, bench_long(&b, 0)) {
        unmapped_stack(&b);
        ok(exception(&b, VECTOR_PF, true, 0, 5) == OUT_STOP && b.cpu->boundary.activity == ACTIVITY_SHUTDOWN,
           "without a stack: shutdown");
    }
}

// --- what VT-x sees ---

static struct {
    unsigned count;
    uint8_t vector[4];
    bool delivering[4];
    uint8_t original[4];
} seen;
static enum outcome watch(struct cpu *cpu, const struct event *e) {
    seen.vector[seen.count] = e->vector;
    seen.delivering[seen.count] = cpu->attempt.delivering_valid;
    seen.original[seen.count++] = cpu->attempt.delivering.vector;
    return OUT_OK;
}
static enum outcome exits(struct cpu *cpu, const struct event *e) {
    (void)watch(cpu, e);
    return e->vector == VECTOR_NP ? OUT_VMEXIT : OUT_OK;
}
static void test_intercepts(void) {
    WITH(b, bench_long(&b, 0)) {
        memset(&seen, 0, sizeof seen);
        b.cpu->intercepts.event = watch;
        absent(&b, VECTOR_GP);
        ok(exception(&b, VECTOR_GP, true, 0, 0) == OUT_OK && seen.count == 3,
           "the event, the nested one and #DF are asked about");
        ok(seen.vector[0] == VECTOR_GP && seen.vector[1] == VECTOR_NP && seen.vector[2] == VECTOR_DF, "in this order");
        ok(!seen.delivering[0] && seen.delivering[1] && seen.original[1] == VECTOR_GP && !seen.delivering[2],
           "IDT-vectoring information is that of the event in delivery; none for #DF, 27.2.4");
        ok(!b.cpu->attempt.delivering_valid, "none after delivery");
    }
    WITH(b, bench_long(&b, 0)) {
        memset(&seen, 0, sizeof seen);
        b.cpu->intercepts.event = exits;
        absent(&b, 64);
        uint64_t rsp = b.cpu->gpr[RSP];
        ok(external(&b, 64) == OUT_VMEXIT && b.cpu->attempt.delivering_valid && b.cpu->attempt.delivering.vector == 64,
           "an exit during delivery leaves the record");
        ok(b.cpu->gpr[RSP] == rsp && b.cpu->rip == FLAT_CODE, "and the state as before");
    }
}

// --- protected mode, 6.12 ---

static void test_protected(void) {
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        flags(&b, FLAG_IF);
        ok(external(&b, 64) == OUT_OK && b.cpu->gpr[RSP] == BENCH_STACK - 12, "same level: EFLAGS, CS, EIP");
        ok(bench_stack(&b, 0) == FLAT_CODE && bench_stack(&b, 1) == CODE32 && bench_stack(&b, 2) == (FLAG_IF | 2),
           "in this order");
    }
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->gpr[RSP] = 0x123450;
        ok(exception(&b, VECTOR_GP, true, 7, 0) == OUT_OK && b.cpu->gpr[RSP] == BENCH_STACK0 - 24,
           "inner level: on ESP0");
        ok(bench_stack(&b, 0) == 7 && bench_stack(&b, 4) == 0x123450 && bench_stack(&b, 5) == (DATA3 | 3),
           "with SS:ESP");
        ok(b.cpu->segment[SS].selector == DATA0 && cpu_cpl(b.cpu) == 0, "SS0 is loaded");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        bench_gate(&b, 64, CODE32, TYPE_TRAP_GATE16, 0, 0);
        ok(external(&b, 64) == OUT_OK && b.cpu->gpr[RSP] == BENCH_STACK - 6 &&
               b.cpu->rip == ((BENCH_HANDLERS + 64 * 16) & 0xffff),
           "a 16-bit gate pushes words and has a 16-bit offset");
    }
    WITH(b, bench_protected(&b, 3)) {
        flat_poke(&b.f, BENCH_TSS + 4, BENCH_STACK0 | (uint64_t)DATA3 << 32);
        bench_gate(&b, VECTOR_TS, CONFORMING, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_TS, DATA3 + 1),
           "SS0 of the wrong level: #TS(selector + EXT)");
    }
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->segment[TR].limit = 8;
        bench_gate(&b, VECTOR_TS, CONFORMING, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_TS, TASK + 1), "a TSS too small: #TS(TR + EXT)");
    }
}

// --- real-address mode, Vol. 3B, 20.1.4; virtual-8086 mode, 20.3 ---

static void test_real(void) {
    WITH(b, bench_real(&b)) {
        flags(&b, FLAG_IF | FLAG_TF);
        ok(exception(&b, VECTOR_GP, true, 0, 0) == OUT_OK && bench_vector(&b) == VECTOR_GP,
           "the vector table has segment and offset");
        ok(b.cpu->gpr[RSP] == 0x8000 - 6 && (uint16_t)flat_peek(&b.f, 0x8000 - 6) == 0x7c00,
           "three words; no error code");
        ok(!(b.cpu->rflags & (FLAG_IF | FLAG_TF)), "IF and TF are cleared");
    }
    WITH(b, bench_real(&b)) {
        RUN(&b, 0xcd, 0x10);
        ok(bench_vector(&b) == 0x10 && (uint16_t)flat_peek(&b.f, b.cpu->gpr[RSP]) == 0x7c02, "INT n");
    }
}

static void test_vm86(void) {
    WITH(b, bench_vm86(&b, 3)) {
        ok(external(&b, 64) == OUT_OK && !cpu_vm86(b.cpu) && cpu_cpl(b.cpu) == 0, "leaves virtual-8086 mode");
        ok(b.cpu->gpr[RSP] == BENCH_STACK0 - 36, "nine doublewords on ESP0");
        ok(bench_stack(&b, 0) == 0x100 && bench_stack(&b, 1) == 0x1000 && bench_stack(&b, 2) & FLAG_VM &&
               bench_stack(&b, 3) == 0x8000 && bench_stack(&b, 4) == 0x2000,
           "EIP, CS, EFLAGS, ESP, SS");
        ok(bench_stack(&b, 5) == 0x2000 && bench_stack(&b, 8) == 0x2000, "and the data segments");
        ok(b.cpu->segment[DS].selector == 0 && b.cpu->segment[DS].rights & RIGHTS_UNUSABLE, "which become null");
    }
    WITH(b, bench_vm86(&b, 0)) {
        RUN(&b, 0xcd, 0x40);
        ok(bench_faulted(&b, VECTOR_GP, 0), "INT n with IOPL 0: #GP(0)");
    }
    WITH(b, bench_vm86(&b, 0)) {
        RUN(&b, 0xcc);
        ok(bench_vector(&b) == VECTOR_BP, "INT3 does not depend on IOPL");
    }
    WITH(b, bench_vm86(&b, 3)) {
        bench_gate(&b, 64, CONFORMING, TYPE_INTERRUPT_GATE32, 0, 0);
        ok(external(&b, 64) == OUT_OK && bench_faulted(&b, VECTOR_GP, CONFORMING + 1),
           "a handler not of level 0: #GP(selector)");
    }
}

// Vol. 2A, "INT n/INTO/INT3/INT1": a trap through vector 4 if OF is set.
static void test_into(void) {
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        RUN(&b, 0xce);
        ok(b.cpu->rip == FLAT_CODE + 1, "INTO without OF: the next instruction");
        flags_set(&b.cpu->flags, FLAG_OF);
        RUN(&b, 0xce);
        ok(bench_vector(&b) == VECTOR_OF && bench_stack(&b, 0) == FLAT_CODE + 2 && cpu_cpl(b.cpu) == 0,
           "INTO with OF: vector 4, after the instruction");
    }
    WITH(b, bench_protected(&b, 3)) {
        bench_gate(&b, VECTOR_OF, CODE32, TYPE_INTERRUPT_GATE32, 0, 0);
        flags_set(&b.cpu->flags, FLAG_OF);
        RUN(&b, 0xce);
        ok(bench_faulted(&b, VECTOR_GP, VECTOR_OF * 8 + 2), "through a gate of DPL 0 at CPL 3: #GP(vector * 8 + 2)");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0xce);
        ok(bench_vector(&b) == VECTOR_UD, "INTO in 64-bit mode: #UD");
    }
}

// Vol. 2B, "UD": with a ModR/M byte, which may be the operand of a load that is not done.
static void test_undefined(void) {
    static const struct {
        uint8_t code[3];
        const char *what;
    } all[] = {{{0x0f, 0x0b, 0}, "UD2"},
               {{0x0f, 0xb9, 0x07}, "UD1"},
               {{0x0f, 0xff, 0x07}, "UD0"},
               {{0x0f, 0xff, 0xc1}, "UD0"}};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->gpr[RDI] = 0x800000000000;
            bench_run(&b, all[i].code, 3, 1);
            ok(bench_vector(&b) == VECTOR_UD && bench_stack(&b, 0) == FLAT_CODE, "%s: #UD", all[i].what);
        }
    }
}

int main(void) {
    test_long_frame();
    test_long_inner();
    test_compatibility();
    test_exceptions();
    test_gate_faults();
    test_double_fault();
    test_intercepts();
    test_protected();
    test_real();
    test_vm86();
    test_into();
    test_undefined();
    return done_testing();
}
