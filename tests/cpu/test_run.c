// The run loop and the block cache: exact steps at faults and MMIO, self-modifying code, instructions across pages,
// interrupt shadows, and equality of free, stepped and cache-less runs over random programs.
#include "tests/cpu/program.h"
#include "tests/tap.h"
#include "cpu/processor/processor.h"

static void test_fault_in_block(void) {
    struct flat f;
    // inc rax; inc rax; mov rbx,[rcx]; inc rax; jmp $
    START(&f, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0x48, 0x8b, 0x19, 0x48, 0xff, 0xc0, 0xeb, 0xfe);
    f.cpu->gpr[RCX] = 0x7000000000;
    (void)cpu_run(f.cpu, 3);
    ok(f.cpu->time.steps == 3 && f.cpu->rip == HANDLERS + 0x40 && f.cpu->gpr[RAX] == 2,
       "a fault is a step; later ones wait");
    ok(f.cpu->control.cr2 == 0x7000000000 && flat_peek(&f, f.cpu->gpr[RSP] + 8) == FLAT_CODE + 6,
       "CR2 and the saved RIP");
    flat_free(&f);
}

// Flags that a later instruction replaces are not computed, unless something in between may stop.
static void test_fault_between_flags(void) {
    struct flat f;
    // add eax,1; add esi,[rcx] (a fault); imul edx,edx,3; jmp $
    START(&f, 0x83, 0xc0, 0x01, 0x03, 0x31, 0x6b, 0xd2, 0x03, 0xeb, 0xfe);
    f.cpu->gpr[RAX] = 0xffffffff;
    f.cpu->gpr[RCX] = 0x7000000000;
    (void)cpu_run(f.cpu, 4);
    uint64_t saved = flat_peek(&f, f.cpu->gpr[RSP] + 16);
    ok((saved & FLAGS_ARITHMETIC) == (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF),
       "a fault saves the flags of what came before");
    flat_free(&f);
}

static void test_self_modifying(void) {
    struct flat f;
    // mov byte [rip+3],0xc3 (the next `inc eax` becomes `inc ebx`); inc eax (ff c0 -> ff c3); jmp $
    START(&f, 0xc6, 0x05, 0x01, 0x00, 0x00, 0x00, 0xc3, 0xff, 0xc0, 0xeb, 0xfe);
    (void)cpu_run(f.cpu, 2);
    ok(f.cpu->gpr[RAX] == 0 && f.cpu->gpr[RBX] == 1, "a store into the next instruction is seen by it");
    (void)cpu_run(f.cpu, 100);
    f.cpu->rip = FLAT_CODE + 7;
    flat_poke(&f, DATA, 0);
    (void)cpu_run(f.cpu, 1);
    ok(f.cpu->gpr[RBX] == 2, "and stays");
    flat_free(&f);
}

// --- code that changes under the instruction that runs ---

// Runs the program whole and in single steps without caches; both must end the same.
static void whole_and_stepped(struct flat f[2], uint64_t steps, const char *what) {
    (void)cpu_run(f[0].cpu, steps);
    for (uint64_t i = 0; i < steps; i++) {
        (void)cpu_run(f[1].cpu, 1);
        cpu_drop_derived(f[1].cpu);
    }
    bool same = f[0].cpu->rip == f[1].cpu->rip && cpu_rflags(f[0].cpu) == cpu_rflags(f[1].cpu);
    same = same && !memcmp(f[0].cpu->gpr, f[1].cpu->gpr, sizeof f[0].cpu->gpr);
    ok(same && !memcmp(f[0].ram, f[1].ram, FLAT_RAM), "%s: whole and stepped are the same run (RIP %lx, %lx)", what,
       (unsigned long)f[0].cpu->rip, (unsigned long)f[1].cpu->rip);
}

enum { ALIAS = 0x40000000 };

// REP STOSB at `at` fills from 5 bytes before itself on, with NOPs, perhaps through another linear address.
static void stos_over_itself(uint64_t at, uint64_t base, const char *what) {
    struct flat f[2];
    for (unsigned i = 0; i < 2; i++) {
        START(&f[i], 0x90);
        uint8_t nops[32];
        memset(nops, 0x90, sizeof nops);
        flat_write(&f[i], at, nops, sizeof nops);
        flat_write(&f[i], at, (const uint8_t[]){0xf3, 0xaa}, 2);
        flat_map(&f[i], ALIAS, FLAT_CODE, 7);
        flat_map(&f[i], ALIAS + 4096, FLAT_CODE + 4096, 7);
        f[i].cpu->rip = at;
        f[i].cpu->gpr[RAX] = 0x90;
        f[i].cpu->gpr[RCX] = 100;
        f[i].cpu->gpr[RDI] = at - 5 - FLAT_CODE + base;
        // Stores there before, so that nothing stands in the way of many iterations at once.
        uint64_t outcome = 0;
        for (unsigned page = 0; page < 2; page++)
            outcome |= (uint64_t)store(f[i].cpu, base + 4096 * page + 64, 8, 0x90);
        ok(outcome == OUT_OK, "%s: set up", what);
    }
    whole_and_stepped(f, 12, what);
    ok(f[0].cpu->gpr[RCX] < 100 - 5 && f[0].cpu->gpr[RCX] > 100 - 9,
       "%s: its prefix becomes a NOP, STOSB comes once more", what);
    for (unsigned i = 0; i < 2; i++) flat_free(&f[i]);
}

static void test_stos_over_itself(void) {
    stos_over_itself(FLAT_CODE + 0x100, FLAT_CODE, "REP STOSB");
    stos_over_itself(FLAT_CODE + 0x100, ALIAS, "REP STOSB by another address");
    stos_over_itself(FLAT_CODE + 4095, FLAT_CODE, "REP STOSB across pages");
    stos_over_itself(FLAT_CODE + 4095, ALIAS, "REP STOSB across pages by another address");
}

// The page of code is a page table as well: an access sets the accessed flag in the next instruction.
static void test_accessed_in_code(void) {
    struct flat f;
    // mov rbx,[rcx]; 5 nops; the entry: xchg r8d,eax; nop, ...
    START(&f, 0x48, 0x8b, 0x19, 0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0x90, 0x90, 0, 0, 0, 0, 0, 0xeb, 0xfe);
    flat_map(&f, ALIAS, 0, 7);
    uint64_t pdpt = flat_peek(&f, FLAT_PML4) & BITS(51, 12), directory = flat_peek(&f, pdpt + 8) & BITS(51, 12);
    flat_poke(&f, directory, FLAT_CODE | 7);
    f.cpu->gpr[RCX] = ALIAS + 4096;
    (void)cpu_run(f.cpu, 7);
    ok(f.ram[FLAT_CODE + 8] == 0x61 && f.cpu->rip == HANDLERS && flat_peek(&f, f.cpu->gpr[RSP]) == FLAT_CODE + 8,
       "an accessed flag set in the running block makes another instruction (RIP %lx)", (unsigned long)f.cpu->rip);
    flat_free(&f);
}

// A page table in MMIO: a chip sees the read at the step of the access.
static void test_table_in_mmio(void) {
    struct flat f;
    // nop; nop; mov rbx,[rcx]; jmp $
    START(&f, 0x90, 0x90, 0x48, 0x8b, 0x19, 0xeb, 0xfe);
    flat_map(&f, ALIAS, 0, 7);
    uint64_t pdpt = flat_peek(&f, FLAT_PML4) & BITS(51, 12), directory = flat_peek(&f, pdpt + 8) & BITS(51, 12);
    flat_poke(&f, directory, FLAT_MMIO | 7);
    flat_poke(&f, DATA, 0x1234);
    f.mmio_value = DATA | 0x67;
    f.cpu->gpr[RCX] = ALIAS;
    (void)cpu_run(f.cpu, 10);
    ok(f.mmio_reads == 1 && f.mmio_step == 3 && f.cpu->gpr[RBX] == 0x1234, "a walk reads MMIO once, at its step (%lu)",
       (unsigned long)f.mmio_step);
    flat_free(&f);
}

// ENTER copies frame pointers from where it writes, and its frame ends in decoded code: it must not begin again.
static void test_enter_once(void) {
    struct flat f[2];
    for (unsigned i = 0; i < 2; i++) {
        // nop; enter 0x1000, 8; jmp $
        START(&f[i], 0x90, 0xc8, 0x00, 0x10, 0x08, 0xeb, 0xfe);
        f[i].cpu->gpr[RSP] = FLAT_CODE + 0x1800;
        f[i].cpu->gpr[RBP] = FLAT_CODE + 0x17e3;
        for (unsigned at = 0; at < 128; at++) f[i].ram[FLAT_CODE + 0x1780 + at] = (uint8_t)(at * 37);
    }
    whole_and_stepped(f, 2, "ENTER over its own source");
    for (unsigned i = 0; i < 2; i++) flat_free(&f[i]);
}

static void test_page_crossing(void) {
    struct flat f;
    START(&f, 0x90);
    uint64_t at = FLAT_CODE + 4096 - 3;
    static const uint8_t code[] = {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0xeb, 0xfe}; // mov rax, imm64; jmp $
    flat_write(&f, at, code, sizeof code);
    f.cpu->rip = at;
    (void)cpu_run(f.cpu, 1);
    ok(f.cpu->gpr[RAX] == 0x0807060504030201 && f.cpu->rip == at + 10, "an instruction across two pages");
    static const uint8_t jump[] = {0x90, 0xeb, 0x00}; // nop; jmp to the crossing instruction
    flat_write(&f, at - 3, jump, sizeof jump);
    flat_write(&f, at + 10, (const uint8_t[]){0xeb, 0xf1}, 2); // and back
    f.cpu->rip = at - 3;
    (void)cpu_run(f.cpu, 400);
    ok(f.cpu->time.steps == 401, "and reached through blocks that are linked");
    flat_map(&f, FLAT_CODE + 4096, 0, 0);
    tlb_flush_vpid(f.cpu, 0, true);
    f.cpu->rip = at;
    (void)cpu_run(f.cpu, 1);
    ok(f.cpu->control.cr2 == FLAT_CODE + 4096, "its second page is not present: CR2 names that page");
    flat_free(&f);
}

static void test_mmio(void) {
    struct flat f;
    // inc rbx; inc rbx; mov eax,[rcx]; inc rbx; mov [rcx],ebx; jmp $
    START(&f, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0x8b, 0x01, 0x48, 0xff, 0xc3, 0x89, 0x19, 0xeb, 0xfe);
    f.cpu->gpr[RCX] = FLAT_MMIO;
    f.mmio_value = 0x12345678;
    (void)cpu_run(f.cpu, 3);
    ok(f.cpu->gpr[RAX] == 0x12345678 && f.mmio_reads == 1 && f.mmio_step == 3, "MMIO is read once, at its step");
    (void)cpu_run(f.cpu, 10);
    ok(f.mmio_writes == 1 && f.mmio_value == 3 && f.mmio_step == 5, "and written once, at its step");
    flat_free(&f);
}

// A loop over MMIO: after every lone access the chain of blocks meets the next one.
static void test_mmio_loop(void) {
    struct flat f;
    // inc rbx; mov eax,[rcx]; inc rbx; mov [rcx],ebx; jmp back
    START(&f, 0x48, 0xff, 0xc3, 0x8b, 0x01, 0x48, 0xff, 0xc3, 0x89, 0x19, 0xeb, 0xf4);
    f.cpu->gpr[RCX] = FLAT_MMIO;
    for (unsigned i = 0; i < 10; i++) (void)cpu_run(f.cpu, 500);
    ok(f.cpu->time.steps == 5000 && f.cpu->gpr[RBX] == 2000 && f.mmio_reads == 1000 && f.mmio_writes == 1000,
       "no step is lost");
    flat_free(&f);
}

static void test_shadow(void) {
    struct flat f;
    // sti; inc rbx; inc rbx; jmp $
    START(&f, 0xfb, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0xeb, 0xfe);
    f.interrupt = 40;
    cpu_pend(f.cpu, PENDING_INTR, true);
    (void)cpu_run(f.cpu, 2);
    ok(f.cpu->gpr[RBX] == 1 && f.cpu->rip == FLAT_CODE + 4, "STI lets one more instruction run");
    (void)cpu_run(f.cpu, 1);
    ok(f.cpu->gpr[R15] == 1 && f.cpu->gpr[RBX] == 1, "then the interrupt is taken");
    (void)cpu_run(f.cpu, 2);
    ok(f.cpu->gpr[RBX] == 2, "and the program goes on");
    flat_free(&f);
}

static void test_single_step(void) {
    struct flat f;
    // inc rbx; inc rbx; jmp $
    START(&f, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0xeb, 0xfe);
    f.cpu->rflags |= FLAG_TF;
    (void)cpu_run(f.cpu, 2);
    // The second step is the first instruction of the #DB handler.
    ok(f.cpu->gpr[RBX] == 1 && f.cpu->rip == HANDLERS + 4 && f.cpu->control.dr[6] & DEBUG_BS,
       "TF traps after one instruction");
    uint64_t saved = flat_peek(&f, f.cpu->gpr[RSP]);
    f.cpu->rip = FLAT_CODE;
    f.cpu->rflags |= FLAG_TF;
    (void)cpu_run(f.cpu, 100);
    ok(f.cpu->gpr[RBX] == 2 + 1, "nor does a block that is chained to hide it");
    ok(saved == FLAT_CODE + 4, "the saved RIP is after it (the handler has added one)");
    flat_free(&f);
}

enum { CALLED = FLAT_CODE + 0x3000, OTHER_CODE = FLAT_CODE + 0x7000 };

// The links of calls and returns are guesses: the page that is called becomes another one.
static void test_call_elsewhere(void) {
    struct flat f;
    // call CALLED; inc rdx; jmp to the start
    START(&f, 0xe8, 0xfb, 0x2f, 0x00, 0x00, 0x48, 0xff, 0xc2, 0xeb, 0xf6);
    flat_write(&f, CALLED, (const uint8_t[]){0x48, 0xff, 0xc3, 0xc3}, 4);     // inc rbx; ret
    flat_write(&f, OTHER_CODE, (const uint8_t[]){0x48, 0xff, 0xc1, 0xc3}, 4); // inc rcx; ret
    f.cpu->gpr[RBX] = f.cpu->gpr[RCX] = f.cpu->gpr[RDX] = 0;
    (void)cpu_run(f.cpu, 500);
    ok(f.cpu->gpr[RBX] == 100 && f.cpu->gpr[RDX] == 100 && f.cpu->rip == FLAT_CODE, "calls and returns between pages");
    flat_map(&f, CALLED, OTHER_CODE, 7);
    tlb_flush_vpid(f.cpu, 0, true);
    (void)cpu_run(f.cpu, 500);
    ok(f.cpu->gpr[RBX] == 100 && f.cpu->gpr[RCX] == 100, "the page is mapped elsewhere: its new code is called");
    flat_map(&f, CALLED, 0, 0);
    tlb_flush_vpid(f.cpu, 0, true);
    (void)cpu_run(f.cpu, 2);
    ok(f.cpu->control.cr2 == CALLED && f.cpu->gpr[RCX] == 100, "it is not present: the fetch faults");
    flat_free(&f);
}

static void test_return_elsewhere(void) {
    struct flat f;
    // call CALLED; inc rdx; jmp to the start; at 16: inc rcx; jmp to the start
    START(&f, 0xe8, 0xfb, 0x2f, 0x00, 0x00, 0x48, 0xff, 0xc2, 0xeb, 0xf6, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x48,
          0xff, 0xc1, 0xeb, 0xeb);
    // inc rbx; test bl,1; jz to the ret; add qword [rsp],11; ret
    static const uint8_t code[] = {0x48, 0xff, 0xc3, 0xf6, 0xc3, 0x01, 0x74, 0x05, 0x48, 0x83, 0x04, 0x24, 0x0b, 0xc3};
    flat_write(&f, CALLED, code, sizeof code);
    f.cpu->gpr[RBX] = f.cpu->gpr[RCX] = f.cpu->gpr[RDX] = 0;
    (void)cpu_run(f.cpu, 50 * (7 + 8));
    ok(f.cpu->gpr[RBX] == 100 && f.cpu->gpr[RCX] == 50 && f.cpu->gpr[RDX] == 50 && f.cpu->rip == FLAT_CODE,
       "returns that go elsewhere every other time");
    flat_free(&f);
}

// --- equality over random programs ---

enum style { FREE, STEPPED, DROPPED };
static void advance(struct flat *f, uint64_t steps, enum style style) {
    uint64_t end = f->cpu->time.steps + steps;
    while (f->cpu->time.steps < end) {
        uint64_t left = end - f->cpu->time.steps, n = style == FREE      ? left
                                                      : style == STEPPED ? 1
                                                      : left < 37        ? left
                                                                         : 37;
        if (style == DROPPED) cpu_drop_derived(f->cpu);
        enum run_result result = cpu_run(f->cpu, n);
        if (result == RUN_HALTED || result == RUN_SHUTDOWN) return;
    }
}

static void test_equality(void) {
    loop_begin("free, stepped and cache-less runs of random programs are equal");
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct flat f[3];
        for (unsigned i = 0; i < 3; i++) random_program(&f[i], seed * 0x9e3779b97f4a7c15ull);
        for (unsigned round = 0; round < 6; round++) {
            uint64_t h[3];
            for (unsigned i = 0; i < 3; i++) {
                advance(&f[i], 700 + 91 * round, (enum style)i);
                h[i] = hash(&f[i]);
            }
            loop_check(h[0] == h[1] && h[0] == h[2], "seed %llu round %u: rip %llx %llx %llx steps %llu %llu %llu",
                       (unsigned long long)seed, round, (unsigned long long)f[0].cpu->rip,
                       (unsigned long long)f[1].cpu->rip, (unsigned long long)f[2].cpu->rip,
                       (unsigned long long)f[0].cpu->time.steps, (unsigned long long)f[1].cpu->time.steps,
                       (unsigned long long)f[2].cpu->time.steps);
        }
        for (unsigned i = 0; i < 3; i++) flat_free(&f[i]);
    }
    loop_end();
}

int main(void) {
    test_fault_in_block();
    test_fault_between_flags();
    test_self_modifying();
    test_stos_over_itself();
    test_accessed_in_code();
    test_table_in_mmio();
    test_enter_once();
    test_page_crossing();
    test_mmio();
    test_mmio_loop();
    test_shadow();
    test_single_step();
    test_call_elsewhere();
    test_return_elsewhere();
    test_equality();
    return done_testing();
}
