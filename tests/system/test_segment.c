// Segment registers, descriptor-table registers, ports, flags: SDM Vol. 3A, 2.4, 3.4, 5.5 to 5.10; Vol. 1, 19.5.
#include "tests/system/bench.h"
#include "cpu/memory/mode.h"
#include "cpu/engine/cpu_run.h"

#define MOV_DS_AX 0x8e, 0xd8
#define MOV_SS_AX 0x8e, 0xd0
#define MOV_FS_AX 0x8e, 0xe0

static void test_loads(void) {
    static const struct {
        uint16_t selector;
        unsigned cpl;
        bool stack;
        int vector;
        uint32_t code;
        const char *what;
    } cases[] = {
        {DATA0, 0, false, -1, 0, "DS: data"},
        {0, 0, false, -1, 0, "DS: null"},
        {3, 3, false, -1, 0, "DS: null with RPL 3"},
        {CODE32, 0, false, -1, 0, "DS: readable code"},
        {DATA0, 3, false, VECTOR_GP, DATA0, "DS: DPL below CPL"},
        {DATA0 | 3, 0, false, VECTOR_GP, DATA0, "DS: DPL below RPL"},
        {CONFORMING | 3, 3, false, -1, 0, "DS: conforming code of any level"},
        {ABSENT, 0, false, VECTOR_NP, ABSENT, "DS: not present"},
        {TASK, 0, false, VECTOR_GP, TASK, "DS: a TSS"},
        {0xff8, 0, false, VECTOR_GP, 0xff8, "DS: beyond the GDT"},
        {0xc, 0, false, VECTOR_GP, 0xc, "DS: LDT not loaded"},
        {DATA0, 0, true, -1, 0, "SS: data"},
        {0, 0, true, -1, 0, "SS: null at CPL 0"},
        {3, 3, true, VECTOR_GP, 0, "SS: null at CPL 3"},
        {1, 0, true, VECTOR_GP, 0, "SS: null with RPL not CPL"},
        {DATA3 | 3, 0, true, VECTOR_GP, DATA3, "SS: DPL not CPL"},
        {DATA0 | 3, 0, true, VECTOR_GP, DATA0, "SS: RPL not CPL"},
        {READ_ONLY_DATA, 0, true, VECTOR_GP, READ_ONLY_DATA, "SS: not writable"},
        {CODE32, 0, true, VECTOR_GP, CODE32, "SS: code"},
        {ABSENT, 0, true, VECTOR_SS, ABSENT, "SS: not present"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WITH(b, bench_long(&b, cases[i].cpl)) {
            b.cpu->gpr[RAX] = cases[i].selector;
            if (cases[i].stack)
                RUN(&b, MOV_SS_AX);
            else
                RUN(&b, MOV_DS_AX);
            unsigned s = cases[i].stack ? SS : DS;
            if (cases[i].vector < 0)
                ok(b.cpu->rip == FLAT_CODE + 2 && b.cpu->segment[s].selector == cases[i].selector, "%s", cases[i].what);
            else
                ok(bench_faulted(&b, cases[i].vector, cases[i].code), "%s", cases[i].what);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0x8e, 0xc8);
        ok(bench_vector(&b) == VECTOR_UD, "MOV to CS: #UD");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RAX] = 0;
        RUN(&b, MOV_SS_AX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "SS: null outside 64-bit mode: #GP(0)");
    }
}

static void test_hidden_part(void) {
    WITH(b, bench_long(&b, 0)) {
        bench_descriptor(&b, SPARE, 0x12345678, 0x54321, 0x8092); // G, data, not accessed
        b.cpu->gpr[RAX] = SPARE;
        RUN(&b, MOV_FS_AX);
        ok(b.cpu->segment_base[FS] == 0x12345678 && b.cpu->segment[FS].limit == 0x54321fff, "base and limit");
        ok(flat_peek(&b.f, BENCH_GDT + SPARE) >> 40 & 1 && b.cpu->segment[FS].rights == 0x8093,
           "the accessed flag is set, in memory too");
        b.cpu->gpr[RAX] = 0;
        RUN(&b, MOV_FS_AX);
        ok(b.cpu->segment_base[FS] == 0 && b.cpu->segment[FS].rights & RIGHTS_UNUSABLE, "null clears the base");
    }
    WITH(b, bench_real(&b)) {
        b.cpu->segment[DS].limit = UINT32_MAX;
        b.cpu->gpr[RAX] = 0x1234;
        RUN(&b, MOV_DS_AX);
        ok(b.cpu->segment_base[DS] == 0x12340 && b.cpu->segment[DS].limit == UINT32_MAX,
           "real-address mode keeps the limit");
    }
    WITH(b, bench_protected(&b, 0)) {
        uint32_t far[2] = {0x11223344, DATA0};
        memcpy(b.f.ram + BENCH_DATA, far, 6);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0xc5, 0x07); // lds eax, [edi]
        ok(b.cpu->gpr[RAX] == 0x11223344 && b.cpu->segment[DS].selector == DATA0, "LDS");
        b.cpu->gpr[RSP] = BENCH_STACK;
        RUN(&b, 0x1e); // push ds
        RUN(&b, 0x07); // pop es
        ok(b.cpu->gpr[RSP] == BENCH_STACK && b.cpu->segment[ES].selector == DATA0, "PUSH DS, POP ES");
        RUN(&b, 0x0f, 0xa1); // pop fs: whatever lies there
        ok(b.cpu->gpr[RSP] == BENCH_STACK + 4, "POP FS moves ESP by four");
    }
}

static void test_verify(void) {
    static const struct {
        uint16_t selector;
        bool lar, lsl, verr, verw;
    } cases[] = {
        {DATA0, true, true, true, true},         {0, false, false, false, false},
        {CODE32, true, true, true, false},       {READ_ONLY_DATA, true, true, true, false},
        {TASK, true, true, false, false},        {0xff8, false, false, false, false},
        {DATA0 | 3, false, false, false, false}, {CONFORMING | 3, true, true, true, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            b.cpu->gpr[RAX] = cases[i].selector;
            RUN(&b, 0x0f, 0x02, 0xd8);
            bool lar = flags_zf(&b.cpu->flags);
            RUN(&b, 0x0f, 0x03, 0xc8);
            bool lsl = flags_zf(&b.cpu->flags);
            RUN(&b, 0x0f, 0x00, 0xe0);
            bool verr = flags_zf(&b.cpu->flags);
            RUN(&b, 0x0f, 0x00, 0xe8);
            bool verw = flags_zf(&b.cpu->flags);
            ok(lar == cases[i].lar && lsl == cases[i].lsl && verr == cases[i].verr && verw == cases[i].verw,
               "LAR LSL VERR VERW of %x: %d %d %d %d", cases[i].selector, lar, lsl, verr, verw);
            if (i == 0) ok(b.cpu->gpr[RBX] == 0x00c09300 && b.cpu->gpr[RCX] == 0xffffffff, "rights and limit");
        }
    }
}

static void test_tables(void) {
    WITH(b, bench_long(&b, 0)) {
        uint8_t image[10] = {0x34, 0x12};
        uint64_t base = 0xffff800000001000;
        memcpy(image + 2, &base, 8);
        memcpy(b.f.ram + BENCH_DATA, image, 10);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0x0f, 0x01, 0x1f); // lidt [rdi]
        ok(b.cpu->idtr.limit == 0x1234 && b.cpu->idtr.base == base, "LIDT");
        RUN(&b, 0x0f, 0x01, 0x4f, 0x10); // sidt [rdi+16]
        ok(!memcmp(b.f.ram + BENCH_DATA + 16, image, 10), "SIDT");
    }
    WITH(b, bench_long(&b, 0)) {
        flat_poke(&b.f, BENCH_DATA, 0x0000800000000000ull << 16);
        flat_poke(&b.f, BENCH_DATA + 8, 0x8000);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0x0f, 0x01, 0x17);
        ok(bench_faulted(&b, VECTOR_GP, 0), "LGDT of a non-canonical base: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = TASK;
        RUN(&b, 0x0f, 0x00, 0xd8); // ltr ax
        ok(b.cpu->segment[TR].selector == TASK && (flat_peek(&b.f, BENCH_GDT + TASK) >> 40 & 0xf) == TYPE_TSS32_BUSY,
           "LTR makes the TSS busy");
        b.cpu->rip = FLAT_CODE;
        RUN(&b, 0x0f, 0x00, 0xd8);
        ok(bench_faulted(&b, VECTOR_GP, TASK), "LTR of a busy TSS: #GP");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = LOCAL;
        RUN(&b, 0x0f, 0x00, 0xd0); // lldt ax
        ok(b.cpu->segment[LDTR].selector == LOCAL && b.cpu->segment_base[LDTR] == BENCH_LDT, "LLDT");
        flat_poke(&b.f, BENCH_LDT + 8, flat_peek(&b.f, BENCH_GDT + DATA0));
        b.cpu->gpr[RAX] = 0xc;
        RUN(&b, MOV_DS_AX);
        ok(b.cpu->segment[DS].selector == 0xc, "a selector of the LDT");
        b.cpu->gpr[RAX] = DATA0;
        RUN(&b, 0x0f, 0x00, 0xd0);
        ok(bench_faulted(&b, VECTOR_GP, DATA0), "LLDT of data: #GP");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0x0f, 0x01, 0x07);
        ok(b.cpu->rip == FLAT_CODE + 3, "SGDT at CPL 3");
        b.cpu->control.cr4 |= CR4_UMIP;
        RUN(&b, 0x0f, 0x01, 0x07);
        ok(bench_faulted(&b, VECTOR_GP, 0), "with UMIP: #GP(0)");
    }
}

// --- ports ---

static void test_ports(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = 0x1122334455667788;
        RUN(&b, 0xe4, 0x60);
        ok(b.cpu->gpr[RAX] == 0x11223344556677ff, "IN AL keeps the rest of RAX");
        RUN(&b, 0xed);
        ok(b.cpu->gpr[RAX] == 0xffffffff, "IN EAX clears the upper half");
    }
    WITH(b, bench_long(&b, 3)) {
        flat_poke(&b.f, BENCH_TSS + 0x66, 0xffff);
        RUN(&b, 0xe4, 0x60);
        ok(bench_faulted(&b, VECTOR_GP, 0), "CPL above IOPL, no bitmap within the limit: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        uint16_t map = 0x68;
        memcpy(b.f.ram + BENCH_TSS + 0x66, &map, 2);
        b.f.ram[BENCH_TSS + 0x68 + 0x60 / 8] = 0x02; // port 61H is forbidden
        b.cpu->segment[TR].limit = 0x68 + 0x60 / 8 + 1;
        RUN(&b, 0xe4, 0x60);
        ok(b.cpu->rip == FLAT_CODE + 2, "a port that the bitmap allows");
        RUN(&b, 0x66, 0xe5, 0x60);
        ok(bench_faulted(&b, VECTOR_GP, 0), "a word of which one port is forbidden: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        uint16_t map = 0x68;
        memcpy(b.f.ram + BENCH_TSS + 0x66, &map, 2);
        b.cpu->segment[TR].limit = 0x68 + 0x60 / 8;
        RUN(&b, 0xe4, 0x60);
        ok(bench_faulted(&b, VECTOR_GP, 0), "the byte after the port's must be within the limit too");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RCX] = 3;
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN_STEPS(&b, 2, 0xf3, 0x6d);
        ok(b.cpu->gpr[RCX] == 1 && b.cpu->gpr[RDI] == BENCH_DATA + 8 && b.cpu->rip == FLAT_CODE,
           "REP INSD: an iteration is a step");
        (void)cpu_run(b.cpu, 1);
        ok(b.cpu->gpr[RCX] == 0 && b.cpu->rip == FLAT_CODE + 2 && flat_peek(&b.f, BENCH_DATA) == ~0ull,
           "the last one ends it");
    }
}

// --- flags, halt ---

static void test_flags(void) {
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0xfa);
        ok(bench_faulted(&b, VECTOR_GP, 0), "CLI at CPL 3 with IOPL 0: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.f.interrupt = 64;
        cpu_pend(b.cpu, PENDING_INTR, true);
        RUN_STEPS(&b, 2, 0xfb, 0x90, 0x90); // sti; nop; nop
        ok(bench_vector(&b) == -1 && b.cpu->rip == FLAT_CODE + 2, "STI holds interrupts off for one instruction");
        (void)cpu_run(b.cpu, 1);
        ok(bench_stack(&b, 0) == FLAT_CODE + 2, "then one is taken");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->rflags |= FLAG_IF;
        b.cpu->gpr[RAX] = DATA0;
        uint8_t code[] = {MOV_SS_AX, 0x90, 0x90};
        flat_write(&b.f, FLAT_CODE, code, sizeof code);
        (void)cpu_run(b.cpu, 1);
        b.f.interrupt = 64;
        cpu_pend(b.cpu, PENDING_INTR, true);
        (void)cpu_run(b.cpu, 1);
        ok(b.cpu->rip == FLAT_CODE + 3, "MOV SS holds interrupts off for one instruction");
        (void)cpu_run(b.cpu, 1);
        ok(bench_stack(&b, 0) == FLAT_CODE + 3, "then one is taken");
    }
    WITH(b, bench_long(&b, 0)) {
        uint8_t code[] = {0xf4};
        flat_write(&b.f, FLAT_CODE, code, sizeof code);
        ok(cpu_run(b.cpu, 10) == RUN_HALTED && b.cpu->rip == FLAT_CODE + 1 && b.cpu->time.steps == 1,
           "HLT halts after one step");
        b.cpu->rflags |= FLAG_IF;
        b.f.interrupt = 64;
        cpu_pend(b.cpu, PENDING_INTR, true);
        (void)cpu_run(b.cpu, 1);
        ok(bench_stack(&b, 0) == FLAT_CODE + 1, "an interrupt ends it");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0x0f, 0x01, 0xcb);
        ok(bench_vector(&b) == VECTOR_UD, "STAC at CPL 3: #UD");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0x0f, 0x01, 0xcb);
        ok(b.cpu->rflags & FLAG_AC, "STAC");
        b.cpu->control.cr4 |= CR4_SMAP;
        cpu_update_mode(b.cpu);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0x8b, 0x07); // mov eax, [rdi]: the page is a user page
        ok(b.cpu->rip == FLAT_CODE + 5, "with AC, user pages are open to CPL 0");
        RUN_STEPS(&b, 2, 0x0f, 0x01, 0xca, 0x8b, 0x07);
        ok(b.cpu->rip != FLAT_CODE + 10, "after CLAC they are not");
    }
}

static void test_bases(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->segment_base[GS] = 1, b.cpu->msr.kernel_gs_base = 2;
        RUN(&b, 0x0f, 0x01, 0xf8);
        ok(b.cpu->segment_base[GS] == 2 && b.cpu->msr.kernel_gs_base == 1, "SWAPGS");
        RUN(&b, 0xf3, 0x0f, 0xae, 0xc0);
        ok(bench_vector(&b) == VECTOR_UD, "RDFSBASE without CR4.FSGSBASE: #UD");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->control.cr4 |= CR4_FSGSBASE;
        b.cpu->gpr[RAX] = 0x1234567890;
        RUN(&b, 0xf3, 0x48, 0x0f, 0xae, 0xd0); // wrfsbase rax
        RUN(&b, 0xf3, 0x0f, 0xae, 0xc3);       // rdfsbase ebx
        ok(b.cpu->segment_base[FS] == 0x1234567890 && b.cpu->gpr[RBX] == 0x34567890, "WRFSBASE, RDFSBASE");
        RUN(&b, 0xf3, 0x0f, 0xae, 0xd8);       // wrgsbase eax
        RUN(&b, 0xf3, 0x48, 0x0f, 0xae, 0xcb); // rdgsbase rbx
        ok(b.cpu->segment_base[GS] == 0x34567890 && b.cpu->gpr[RBX] == 0x34567890, "WRGSBASE of 32 bits, RDGSBASE");
        b.cpu->gpr[RAX] = 0x800000000000;
        RUN(&b, 0xf3, 0x48, 0x0f, 0xae, 0xd8);
        ok(bench_faulted(&b, VECTOR_GP, 0), "WRGSBASE of a non-canonical base: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, 0x48, 0x0f, 0xc7, 0xf0); // rdrand rax
        uint64_t first = b.cpu->gpr[RAX];
        RUN(&b, 0x48, 0x0f, 0xc7, 0xf0);
        ok(first && b.cpu->gpr[RAX] != first && flags_cf(&b.cpu->flags) && !flags_zf(&b.cpu->flags), "RDRAND, with CF");
    }
}

int main(void) {
    test_loads();
    test_hidden_part();
    test_verify();
    test_tables();
    test_ports();
    test_flags();
    test_bases();
    return done_testing();
}
