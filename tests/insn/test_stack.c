// What the comparison with the host cannot reach of stack, flags and branches: real-address mode, virtual-8086 mode,
// segment limits, privilege, non-canonical addresses, faults that must change nothing.
#include "cpu/event/segment.h"
#include "tests/cpu/flat.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/tlb.h"

static struct flat f;
static int caught; // vector of the last event; -1: none
static uint32_t caught_code;

static enum outcome catch_event(struct cpu *cpu, const struct event *event) {
    (void)cpu;
    caught = event->vector;
    caught_code = event->error_code;
    return OUT_VMEXIT;
}
static enum outcome after_event(struct cpu *cpu) {
    (void)cpu;
    return OUT_OK;
}

// --- modes ---

static void fresh(void) {
    struct cpu *cpu = f.cpu;
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu_set_rflags(cpu, BIT(1));
    cpu->boundary.pending = 0;
    cpu->boundary.pending_debug = 0;
    cpu->intercepts.event = catch_event;
    cpu->intercepts.exit = after_event;
    caught = -1;
}
static void long_mode(unsigned cpl) {
    fresh();
    flat_long_mode(&f);
    flat_segment(f.cpu, CS, cpl ? 0x33 : 0x10, cpl ? 0xa0fb : 0xa09b);
    flat_segment(f.cpu, SS, cpl ? 0x2b : 0x18, cpl ? 0xc0f3 : 0xc093);
    cpu_update_mode(f.cpu);
}
static void protected_mode(unsigned cpl) {
    fresh();
    flat_long_mode(&f);
    f.cpu->control.efer = 0;
    f.cpu->control.cr0 = CR0_PE | CR0_ET | CR0_NE;
    flat_segment(f.cpu, CS, cpl ? 0x33 : 0x10, cpl ? 0xc0fb : 0xc09b);
    flat_segment(f.cpu, SS, cpl ? 0x2b : 0x18, cpl ? 0xc0f3 : 0xc093);
    cpu_update_mode(f.cpu);
    tlb_select(f.cpu);
}
static void real_segments(void) {
    for (unsigned s = 0; s < 6; s++) segment_load_real(f.cpu, s, s == CS ? FLAT_CODE >> 4 & 0xf000 : 0x2000);
}
static void real_mode(void) {
    fresh();
    f.cpu->control.efer = 0;
    f.cpu->control.cr0 = CR0_ET;
    f.cpu->control.cr4 = 0;
    for (unsigned s = 0; s < 6; s++)
        f.cpu->segment[s] = (struct segment){.limit = 0xffff, .rights = s == CS ? 0x9b : 0x93};
    real_segments();
    f.cpu->rip = 0;
    cpu_update_mode(f.cpu);
    tlb_select(f.cpu);
}
static void vm86_mode(unsigned iopl) {
    real_mode();
    f.cpu->control.cr0 = CR0_PE | CR0_ET | CR0_NE;
    cpu_set_rflags(f.cpu, BIT(1) | FLAG_VM | (uint64_t)iopl << 12);
    for (unsigned s = 0; s < 6; s++) f.cpu->segment[s].rights = 0xf3;
    cpu_update_mode(f.cpu);
}

// Runs `steps` steps of the bytes, placed at CS:RIP.
#define RUN(steps, ...) run(steps, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void run(unsigned steps, const uint8_t *code, size_t size) {
    uint64_t at = cpu_64bit(f.cpu) ? f.cpu->rip : f.cpu->rip + f.cpu->segment_base[CS];
    flat_write(&f, at, code, size);
    (void)cpu_run(f.cpu, steps);
}

// --- real-address mode ---

static void test_real_stack(void) {
    real_mode();
    f.cpu->gpr[RSP] = 0x12340000;
    f.cpu->gpr[RAX] = 0xabcd;
    RUN(1, 0x50);
    ok(f.cpu->gpr[RSP] == 0x1234fffe && (uint16_t)flat_peek(&f, 0x2fffe) == 0xabcd,
       "PUSH wraps SP and leaves the rest of ESP");
    real_mode();
    f.cpu->gpr[RSP] = 1;
    RUN(1, 0x50);
    ok(caught == VECTOR_SS && f.cpu->gpr[RSP] == 1, "PUSH across the end of the segment: #SS, nothing changed");
    real_mode();
    f.cpu->gpr[RSP] = 0x100;
    RUN(1, 0x54);
    ok((uint16_t)flat_peek(&f, 0x200fe) == 0x100, "PUSH SP stores the value before the push");
    real_mode();
    f.cpu->gpr[RSP] = 0x100;
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP) f.cpu->gpr[i] = 0x1110 + i;
    RUN(2, 0x60, 0x61);
    ok((uint16_t)flat_peek(&f, 0x200fe) == 0x1110 && (uint16_t)flat_peek(&f, 0x200f6) == 0x100 &&
           f.cpu->gpr[RSP] == 0x100 && f.cpu->gpr[RDI] == 0x1117,
       "PUSHA stores AX first and the old SP; POPA skips it");
}

static void test_real_addresses(void) {
    real_mode();
    f.cpu->gpr[RBX] = 0xffff;
    f.cpu->gpr[RSI] = 2;
    f.ram[0x20001] = 0x77;
    RUN(1, 0x8a, 0x00);
    ok((uint8_t)f.cpu->gpr[RAX] == 0x77, "[BX+SI] wraps at 64 KBytes");
    real_mode();
    f.cpu->gpr[RBX] = 0xffff;
    RUN(1, 0x8b, 0x07);
    ok(caught == VECTOR_GP, "a word at FFFFH: #GP");
    real_mode();
    f.cpu->gpr[RBP] = 0xffff;
    RUN(1, 0x8b, 0x46, 0x00);
    ok(caught == VECTOR_SS, "a word at SS:FFFFH: #SS");
    real_mode();
    f.cpu->gpr[RCX] = 0x50000;
    RUN(1, 0xe3, 0x10);
    ok(f.cpu->rip == 0x12, "JCXZ in 16-bit code looks at CX");
    real_mode();
    f.cpu->gpr[RCX] = 0x50000;
    RUN(1, 0x67, 0xe3, 0x10);
    ok(f.cpu->rip == 3, "JECXZ looks at ECX");
    real_mode();
    f.cpu->rip = 0x8000;
    RUN(1, 0xe9, 0xfd, 0x7f);
    ok(f.cpu->rip == 0, "a 16-bit JMP wraps IP");
}

// --- flags ---

static void popf_with(uint64_t image) {
    f.cpu->gpr[RSP] = 0x8000;
    uint64_t at = cpu_64bit(f.cpu) ? 0x8000 : f.cpu->segment_base[SS] + 0x8000;
    flat_poke(&f, at, image);
    RUN(1, 0x9d);
}

static void test_popf(void) {
    uint64_t all = FLAGS_DEFINED & ~FLAG_TF;
    real_mode();
    popf_with(all);
    ok((cpu_rflags(f.cpu) & (FLAG_IF | FLAG_IOPL | FLAG_NT)) == (FLAG_IF | FLAG_IOPL | FLAG_NT),
       "POPF in real-address mode sets IF, IOPL, NT");
    long_mode(3);
    popf_with(all);
    ok((cpu_rflags(f.cpu) & (FLAG_IF | FLAG_IOPL)) == 0 && caught < 0,
       "POPF at CPL 3 with IOPL 0 leaves IF and IOPL, silently");
    ok((cpu_rflags(f.cpu) & (FLAG_AC | FLAG_ID | FLAG_NT | FLAG_DF)) == (FLAG_AC | FLAG_ID | FLAG_NT | FLAG_DF),
       "and sets AC, ID, NT, DF");
    ok((cpu_rflags(f.cpu) & (FLAG_VM | FLAG_RF | FLAG_VIF | FLAG_VIP)) == 0, "but not VM, RF, VIF, VIP");
    long_mode(0);
    popf_with(all);
    ok((cpu_rflags(f.cpu) & (FLAG_IF | FLAG_IOPL)) == (FLAG_IF | FLAG_IOPL), "POPF at CPL 0 sets IF and IOPL");
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    flat_poke(&f, 0x8000, FLAG_TF);
    RUN(2, 0x9d, 0x90, 0x90);
    ok(caught < 0 && f.cpu->boundary.pending & PENDING_DEBUG,
       "TF set by POPF: the trap comes after the next instruction");
}

static void test_vm86(void) {
    vm86_mode(0);
    popf_with(0);
    ok(caught == VECTOR_GP && f.cpu->gpr[RSP] == 0x8000, "POPF in virtual-8086 mode with IOPL 0: #GP");
    vm86_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    RUN(1, 0x9c);
    ok(caught == VECTOR_GP, "PUSHF too");
    vm86_mode(3);
    popf_with(FLAG_IF);
    ok(caught < 0 && cpu_rflags(f.cpu) & FLAG_IF && cpu_iopl(f.cpu) == 3, "with IOPL 3 POPF sets IF and keeps IOPL");
    vm86_mode(0);
    f.cpu->control.cr4 |= CR4_VME;
    popf_with(FLAG_IF | FLAG_CF);
    ok(caught < 0 && (cpu_rflags(f.cpu) & (FLAG_IF | FLAG_VIF | FLAG_CF)) == (FLAG_VIF | FLAG_CF),
       "with CR4.VME IF goes to VIF");
    f.cpu->gpr[RSP] = 0x8000;
    RUN(1, 0x9c);
    ok(((uint16_t)flat_peek(&f, 0x27ffe) & (FLAG_IF | FLAG_IOPL)) == (FLAG_IF | FLAG_IOPL),
       "and PUSHF shows VIF as IF, IOPL as 3");
}

// --- branches and stack in protected and 64-bit mode ---

static void test_limits(void) {
    protected_mode(0);
    f.cpu->segment[CS].limit = FLAT_CODE + 0xfff;
    RUN(1, 0xe9, 0x00, 0x20, 0x00, 0x00);
    ok(caught == VECTOR_GP && caught_code == 0 && f.cpu->rip == FLAT_CODE, "JMP beyond the limit: #GP(0)");
    protected_mode(0);
    f.cpu->segment[CS].limit = FLAT_CODE + 0x3f;
    f.cpu->gpr[RCX] = 5;
    RUN(1, 0xe2, 0x70);
    ok(caught == VECTOR_GP && f.cpu->gpr[RCX] == 5, "LOOP beyond the limit: #GP(0), ECX unchanged");
    protected_mode(0);
    f.cpu->segment[SS].limit = 0xfff;
    f.cpu->gpr[RSP] = 0x1002;
    RUN(1, 0x50);
    ok(caught == VECTOR_SS && f.cpu->gpr[RSP] == 0x1002, "PUSH beyond the stack's limit: #SS(0)");
    protected_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    flat_poke(&f, 0x7ff8, ~0ull);
    RUN(1, 0x0e);
    ok((uint32_t)(flat_peek(&f, 0x7ff8) >> 32) == 0xffff0010 && f.cpu->gpr[RSP] == 0x7ffc,
       "a 32-bit PUSH of a segment register writes 16 bits");
}

static void test_canonical(void) {
    const uint64_t hole = BIT(47);
    long_mode(0);
    f.cpu->gpr[RAX] = hole;
    f.cpu->gpr[RSP] = 0x8000;
    RUN(1, 0xff, 0xd0);
    ok(caught == VECTOR_GP && f.cpu->gpr[RSP] == 0x8000 && f.cpu->rip == FLAT_CODE,
       "CALL to a non-canonical address: #GP(0) at the CALL");
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    flat_poke(&f, 0x8000, hole);
    RUN(1, 0xc3);
    ok(caught == VECTOR_GP && f.cpu->gpr[RSP] == 0x8000, "RET to one: #GP(0), RSP unchanged");
    long_mode(0);
    f.cpu->gpr[RSP] = hole + 0x100;
    RUN(1, 0x50);
    ok(caught == VECTOR_SS && caught_code == 0, "PUSH to one: #SS(0)");
    long_mode(0);
    f.cpu->gpr[RBP] = hole;
    f.cpu->gpr[RSP] = 0x8000;
    RUN(1, 0xc9);
    ok(caught == VECTOR_SS && f.cpu->gpr[RSP] == 0x8000, "LEAVE from one: #SS(0), RSP unchanged");
}

static void test_pop(void) {
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    flat_poke(&f, 0x8000, 0x1122);
    RUN(1, 0x8f, 0x44, 0x24, 0x10);
    ok(flat_peek(&f, 0x8018) == 0x1122, "POP [RSP+16] uses the pointer after the pop");
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    f.cpu->gpr[RAX] = 0x7fff00000000;
    RUN(1, 0x8f, 0x00);
    ok(caught == VECTOR_PF && f.cpu->gpr[RSP] == 0x8000, "POP whose store faults leaves RSP");
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    flat_poke(&f, 0x8000, 0x4444);
    RUN(1, 0x5c);
    ok(f.cpu->gpr[RSP] == 0x4444, "POP RSP ends with the value");
    long_mode(0);
    f.cpu->gpr[RSP] = 0x8000;
    RUN(1, 0x54);
    ok(flat_peek(&f, 0x7ff8) == 0x8000, "PUSH RSP stores the value before the push");
    long_mode(0);
    flat_map(&f, 0x7000, 0x7000, 0);
    tlb_flush_vpid(f.cpu, 0, true);
    f.cpu->gpr[RSP] = 0x8100;
    RUN(1, 0xc8, 0x00, 0x02, 0x00);
    ok(caught == VECTOR_PF && f.cpu->gpr[RSP] == 0x8100, "ENTER checks the page of the final stack pointer");
    flat_map(&f, 0x7000, 0x7000, 7);
}

int main(void) {
    flat_new(&f);
    test_real_stack();
    test_real_addresses();
    test_popf();
    test_vm86();
    test_limits();
    test_canonical();
    test_pop();
    flat_free(&f);
    return done_testing();
}
