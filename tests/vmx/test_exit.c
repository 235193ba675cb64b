// VM exits: what causes them, the information they leave, the state they save and load. SDM Vol. 3C, 25, 27.
#include "tests/vmx/bench.h"
#include "cpu/engine/cpu_run.h"

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    return b;
}

static void test_round_trip(void) {
    struct bench *b = ready("48 c7 c1 05 00 00 00 0f a2"); // mov rcx, 5; cpuid
    struct cpu *cpu = b->cpu;
    field_put_at(cpu, "control.dr", 7, 0x700);
    gpr_put(cpu, RDX, 77);
    ok(bench_enter(b, 10) == EXIT_CPUID, "CPUID exits");
    ok(bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 7 && bench_field(b, EXIT_INSTRUCTION_LENGTH) == 2,
       "RIP and length");
    ok(gpr(cpu, RCX) == 5 && gpr(cpu, RDX) == 77, "general registers are those of the guest");
    ok(gpr(cpu, RSP) == AT_HOST_STACK && cpu_rflags(cpu) == 2, "RSP and RFLAGS of the host");
    ok(field(cpu, "gdtr.limit") == 0xffff && field(cpu, "idtr.limit") == 0xffff && field(cpu, "gdtr.base") == AT_GDT,
       "descriptor-table limits are FFFFH");
    ok(field_at(cpu, "control.dr", 7) == 0x400 && field(cpu, "msr.debugctl") == 0, "DR7 = 400H, IA32_DEBUGCTL = 0");
    ok(field_at(cpu, "segment[].rights", CS) == 0xa09b && field_at(cpu, "segment[].limit", CS) == ~0u && cpu_64bit(cpu),
       "CS is flat 64-bit code");
    ok(field_at(cpu, "segment[].rights", SS) == 0xc093 && field_at(cpu, "segment[].rights", TR) == 0x8b &&
           field_at(cpu, "segment[].limit", TR) == 0x67,
       "SS and TR");
    ok(field_at(cpu, "segment[].rights", LDTR) & RIGHTS_UNUSABLE && field_at(cpu, "segment[].selector", LDTR) == 0,
       "LDTR is unusable");
    ok(!cpu->second_stage && !field(cpu, "vpid") && !cpu->intercepts.enabled,
       "nothing of VMX non-root operation is left");
    ok(vmx_exit_count(cpu, 1, EXIT_CPUID) == 1 && vmx_entry_count(cpu, 1) == 1 && vmx_level(cpu) == 0, "counters");
    ok(bench_field(b, ENTRY_INTERRUPTION) == 0 && bench_field(b, IDT_VECTORING) == 0, "no event");
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    ok(bench_reenter(b, 10) == EXIT_CPUID && vmx_exit_count(cpu, 1, EXIT_CPUID) == 2, "and again");
    bench_free(b);
}

// One guest instruction with some controls: reason, qualification.
struct one {
    const char *hex, *text;
    void (*prepare)(struct bench *b);
    uint32_t reason;
    uint64_t qualification;
};

static void hlt(struct bench *b) { bench_on(b, PROC, HLT_EXITING); }
static void invlpg(struct bench *b) { bench_on(b, PROC, INVLPG_EXITING); }
static void invlpg_on(struct bench *b) { bench_on(b, PROC, INVLPG_EXITING), bench_on(b, PROC2, ENABLE_INVPCID); }
static void rdtsc(struct bench *b) { bench_on(b, PROC, RDTSC_EXITING); }
static void rdtscp(struct bench *b) { bench_on(b, PROC, RDTSC_EXITING), bench_on(b, PROC2, ENABLE_RDTSCP); }
static void rdpmc(struct bench *b) { bench_on(b, PROC, RDPMC_EXITING); }
static void cr3_load(struct bench *b) { bench_on(b, PROC, CR3_LOAD_EXITING); }
static void cr3_store(struct bench *b) { bench_on(b, PROC, CR3_STORE_EXITING); }
static void cr8_load(struct bench *b) { bench_on(b, PROC, CR8_LOAD_EXITING); }
static void cr8_store(struct bench *b) { bench_on(b, PROC, CR8_STORE_EXITING); }
static void cr0_ts(struct bench *b) { bench_set(b, CR0_MASK, CR0_TS), bench_set(b, CR0_SHADOW, CR0_TS); }
static void cr0_all(struct bench *b) { bench_set(b, CR0_MASK, ~0ull); }
static void cr4_all(struct bench *b) { bench_set(b, CR4_MASK, ~0ull); }
static void mov_dr(struct bench *b) { bench_on(b, PROC, MOV_DR_EXITING); }
static void io(struct bench *b) { bench_on(b, PROC, UNCONDITIONAL_IO_EXITING); }
static void io_bitmap(struct bench *b) {
    bench_on(b, PROC, USE_IO_BITMAPS);
    b->ram[AT_IO_A + 0x3f8 / 8] = 1;
    b->ram[AT_IO_B + (0x8000 - 0x8000) / 8] = 2;
}
static void pause_exit(struct bench *b) { bench_on(b, PROC, PAUSE_EXITING); }
static void tables(struct bench *b) { bench_on(b, PROC2, DESCRIPTOR_TABLE_EXITING); }
static void wbinvd(struct bench *b) { bench_on(b, PROC2, WBINVD_EXITING); }
static void rdrand(struct bench *b) { bench_on(b, PROC2, RDRAND_EXITING); }
static void rdseed(struct bench *b) { bench_on(b, PROC2, RDSEED_EXITING); }
static void monitor(struct bench *b) { bench_on(b, PROC, MONITOR_EXITING); }
static void mwait(struct bench *b) { bench_on(b, PROC, MWAIT_EXITING); }
static void nothing(struct bench *b) { (void)b; }
static void osxsave(struct bench *b) { bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE); }
static void msr_bitmap(struct bench *b) {
    bench_on(b, PROC, USE_MSR_BITMAPS);
    b->ram[AT_MSR_BITMAPS + 0x174 / 8] = 1 << (0x174 % 8);
    b->ram[AT_MSR_BITMAPS + 0xc00 + 0x82 / 8] = 1 << (0x82 % 8);
}

static const struct one ones[] = {
    {"f4", "HLT", hlt, EXIT_HLT, 0},
    {"0f 08", "INVD", nothing, EXIT_INVD, 0},
    {"0f 01 38", "INVLPG [rax]", invlpg, EXIT_INVLPG, 0x1000},
    {"66 0f 38 82 48 10", "INVPCID rcx, [rax+10h]", invlpg_on, EXIT_INVPCID, 0x10},
    {"0f 31", "RDTSC", rdtsc, EXIT_RDTSC, 0},
    {"0f 01 f9", "RDTSCP", rdtscp, EXIT_RDTSCP, 0},
    {"0f 33", "RDPMC", rdpmc, EXIT_RDPMC, 0},
    {"0f 01 d1", "XSETBV", osxsave, EXIT_XSETBV, 0},
    {"0f 32", "RDMSR without bitmaps", nothing, EXIT_RDMSR, 0},
    {"0f 30", "WRMSR without bitmaps", nothing, EXIT_WRMSR, 0},
    {"b9 74 01 00 00 0f 32", "RDMSR 174H in the bitmap", msr_bitmap, EXIT_RDMSR, 0},
    {"b9 82 00 00 c0 0f 30", "WRMSR C0000082H in the bitmap", msr_bitmap, EXIT_WRMSR, 0},
    {"b9 74 01 00 00 0f 30 f4", "WRMSR 174H not in the bitmap", msr_bitmap, EXIT_HLT, 0},
    {"b9 00 00 00 40 0f 32", "RDMSR 40000000H, out of the ranges", msr_bitmap, EXIT_RDMSR, 0},
    {"0f 22 d8", "MOV CR3, rax", cr3_load, EXIT_CR_ACCESS, 3},
    {"0f 20 da", "MOV rdx, CR3", cr3_store, EXIT_CR_ACCESS, 3 | 1 << 4 | RDX << 8},
    {"44 0f 22 c1", "MOV CR8, rcx", cr8_load, EXIT_CR_ACCESS, 8 | RCX << 8},
    {"44 0f 20 c3", "MOV rbx, CR8", cr8_store, EXIT_CR_ACCESS, 8 | 1 << 4 | RBX << 8},
    {"0f 06", "CLTS", cr0_ts, EXIT_CR_ACCESS, 2 << 4},
    {"b8 0b 00 00 00 0f 01 f0", "LMSW ax", cr0_all, EXIT_CR_ACCESS, 3 << 4 | 0xb << 16},
    {"0f 22 c0", "MOV CR0, rax", cr0_all, EXIT_CR_ACCESS, 0},
    {"0f 22 e1", "MOV CR4, rcx", cr4_all, EXIT_CR_ACCESS, 4 | RCX << 8},
    {"0f 21 f8", "MOV rax, DR7", mov_dr, EXIT_MOV_DR, 7 | 1 << 4},
    {"0f 23 d6", "MOV DR2, rsi", mov_dr, EXIT_MOV_DR, 2 | RSI << 8},
    {"e4 60", "IN al, 60H", io, EXIT_IO_INSTRUCTION, 0x600048},
    {"66 ba f8 03 ef", "OUT dx, eax with port 3F8H in the bitmap", io_bitmap, EXIT_IO_INSTRUCTION, 0x3f80003},
    {"66 ba f7 03 ee f4", "OUT dx, al with port 3F7H not in the bitmap", io_bitmap, EXIT_HLT, 0},
    {"66 ba f7 03 66 ef", "OUT dx, ax that reaches port 3F8H", io_bitmap, EXIT_IO_INSTRUCTION, 0x3f70001},
    {"66 ba 00 80 66 ed", "IN ax, dx that reaches port 8001H", io_bitmap, EXIT_IO_INSTRUCTION, 0x80000009},
    {"66 ba ff ff 66 ed", "IN ax, dx that wraps", io_bitmap, EXIT_IO_INSTRUCTION, 0xffff0009},
    {"66 ba f8 03 f3 6e", "REP OUTSB", io_bitmap, EXIT_IO_INSTRUCTION, 0x3f80030},
    {"f3 90", "PAUSE", pause_exit, EXIT_PAUSE, 0},
    {"0f 01 50 20", "LGDT [rax+20h]", tables, EXIT_GDTR_IDTR, 0x20},
    {"0f 00 d8", "LTR ax", tables, EXIT_LDTR_TR, 0},
    {"0f 09", "WBINVD", wbinvd, EXIT_WBINVD, 0},
    {"0f c7 f1", "RDRAND ecx", rdrand, EXIT_RDRAND, 0},
    {"48 0f c7 fa", "RDSEED rdx", rdseed, EXIT_RDSEED, 0},
    {"0f 01 c8", "MONITOR", monitor, EXIT_MONITOR, 0},
    {"0f 01 c9", "MWAIT, not armed", mwait, EXIT_MWAIT, 0},
    {"31 c9 0f 01 c8 0f 01 c9", "MWAIT, armed", mwait, EXIT_MWAIT, 1},
    {"0f 01 c1", "VMCALL", nothing, EXIT_VMCALL, 0},
    {"0f 01 c2", "VMLAUNCH", nothing, EXIT_VMLAUNCH, 0},
    {"0f 01 c3", "VMRESUME", nothing, EXIT_VMRESUME, 0},
    {"0f 01 c4", "VMXOFF", nothing, EXIT_VMXOFF, 0},
    {"f3 0f c7 70 08", "VMXON [rax+8]", nothing, EXIT_VMXON, 8},
    {"66 0f c7 b0 00 01 00 00", "VMCLEAR [rax+100h]", nothing, EXIT_VMCLEAR, 0x100},
    {"0f c7 35 10 00 00 00", "VMPTRLD [rip+10h]", nothing, EXIT_VMPTRLD, AT_GUEST_CODE + 7 + 0x10},
    {"0f c7 78 f8", "VMPTRST [rax-8]", nothing, EXIT_VMPTRST, ~0ull - 7},
    {"0f 78 c3", "VMREAD", nothing, EXIT_VMREAD, 0},
    {"0f 79 43 40", "VMWRITE [rbx+40h]", nothing, EXIT_VMWRITE, 0x40},
    {"66 0f 38 80 03", "INVEPT", nothing, EXIT_INVEPT, 0},
    {"66 0f 38 81 03", "INVVPID", nothing, EXIT_INVVPID, 0},
};

static void test_instructions(void) {
    for (unsigned i = 0; i < sizeof ones / sizeof ones[0]; i++) {
        struct bench *b = ready(ones[i].hex);
        ones[i].prepare(b);
        gpr_put(b->cpu, RAX, gpr_put(b->cpu, RCX, 0x1000));
        uint32_t reason = bench_enter(b, 10);
        uint64_t q = bench_field(b, EXIT_QUALIFICATION);
        ok(reason == ones[i].reason && q == ones[i].qualification,
           "%s: reason %u (is %u), qualification %llx (is %llx)", ones[i].text, ones[i].reason, reason,
           (unsigned long long)ones[i].qualification, (unsigned long long)q);
        bench_free(b);
    }
}

static void test_information(void) {
    struct bench *b = ready("66 0f 38 80 54 cb 40"); // INVEPT rdx, [rbx+rcx*8+40h]
    bench_enter(b, 5);
    ok(bench_field(b, INSTRUCTION_INFORMATION) == (3 | 2 << 7 | DS << 15 | RCX << 18 | RBX << 23 | (uint32_t)RDX << 28),
       "INVEPT: scaling, address size, segment, index, base, Reg2 (%llx)",
       (unsigned long long)bench_field(b, INSTRUCTION_INFORMATION));
    bench_free(b);
    b = ready("66 0f 38 82 54 cb 40"); // INVPCID rdx, [rbx+rcx*8+40h]
    invlpg_on(b);
    bench_enter(b, 5);
    ok(bench_field(b, INSTRUCTION_INFORMATION) == (3 | 2 << 7 | DS << 15 | RCX << 18 | RBX << 23 | (uint32_t)RDX << 28),
       "INVPCID: the same");
    bench_free(b);
    b = ready("0f 78 c3"); // VMREAD rbx, rax
    bench_enter(b, 5);
    ok(bench_field(b, INSTRUCTION_INFORMATION) == (BIT(10) | RBX << 3 | RAX << 28), "VMREAD: Reg1 and Reg2");
    bench_free(b);
    b = ready("64 0f 79 01"); // VMWRITE rax, fs:[rcx]
    bench_enter(b, 5);
    ok(bench_field(b, INSTRUCTION_INFORMATION) == (2 << 7 | FS << 15 | BIT(22) | RCX << 23),
       "VMWRITE: FS override, no index");
    bench_free(b);
    static const struct {
        const char *hex, *text;
        uint32_t information;
    } random[] = {{"48 0f c7 f2", "RDRAND rdx", RDX << 3 | 2 << 11},
                  {"0f c7 f1", "RDRAND ecx", RCX << 3 | 1 << 11},
                  {"66 0f c7 f3", "RDRAND bx", RBX << 3 | 0 << 11},
                  {"49 0f c7 f9", "RDSEED r9", 9 << 3 | 2 << 11},
                  {"66 0f c7 f8", "RDSEED ax", RAX << 3 | 0 << 11}};
    for (unsigned i = 0; i < sizeof random / sizeof random[0]; i++) {
        b = ready(random[i].hex);
        bench_on(b, PROC2, RDRAND_EXITING);
        bench_on(b, PROC2, RDSEED_EXITING);
        bench_enter(b, 5);
        ok(bench_field(b, INSTRUCTION_INFORMATION) == random[i].information, "%s: register and operand size",
           random[i].text);
        bench_free(b);
    }
}

static void test_not_enabled(void) {
    static const struct {
        const char *hex, *text;
    } list[] = {
        {"0f 01 f9", "RDTSCP"}, {"66 0f 38 82 08", "INVPCID"}, {"48 0f c7 28", "XSAVES"}, {"48 0f c7 18", "XRSTORS"}};
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = ready(list[i].hex);
        bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE);
        bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_UD));
        gpr_put(b->cpu, RAX, AT_GUEST_DATA);
        ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 0xfff) == 0x306,
           "%s is #UD without its enable control", list[i].text);
        bench_free(b);
    }
}

static void test_masks(void) {
    struct bench *b = ready("0f 20 c0 0f 20 e3 0f 06 f4"); // mov rax, cr0; mov rbx, cr4; clts; hlt
    bench_set(b, CR0_MASK, CR0_TS | CR0_PE);
    bench_set(b, CR0_SHADOW, 0);
    bench_set(b, CR4_MASK, CR4_VMXE | CR4_SMEP);
    bench_set(b, CR4_SHADOW, CR4_SMEP);
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) | CR0_TS);
    ok(bench_enter(b, 10) == EXIT_HLT, "reads of masked bits do not exit, nor does CLTS with the shadow 0");
    ok(!(gpr(b->cpu, RAX) & (CR0_TS | CR0_PE)), "MOV from CR0 reads the shadow");
    ok(gpr(b->cpu, RBX) & CR4_SMEP && !(gpr(b->cpu, RBX) & CR4_VMXE), "MOV from CR4 reads the shadow");
    ok(bench_field(b, GUEST_CR0) & CR0_TS, "CLTS leaves a bit that the host owns");
    bench_free(b);
    b = ready("0f 22 d8 f4");
    bench_on(b, PROC, CR3_LOAD_EXITING);
    bench_set(b, CR3_TARGET1, AT_PML4);
    bench_set(b, CR3_TARGET_COUNT, 2);
    gpr_put(b->cpu, RAX, AT_PML4);
    ok(bench_enter(b, 10) == EXIT_HLT, "MOV to CR3 of a CR3-target value does not exit");
    bench_free(b);
}

static void test_exceptions(void) {
    struct bench *b = ready("0f 0b");
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_UD));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI, "#UD in the exception bitmap exits");
    ok(bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | 3 << 8 | VECTOR_UD), "as a hardware exception");
    ok(bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_field(b, GUEST_RFLAGS) & FLAG_RF,
       "RIP of the fault, RF set");
    bench_free(b);
    b = ready("0f 0b");
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_UD,
       "otherwise the guest's handler runs");
    bench_free(b);
    b = ready("cc");
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_BP));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | 6 << 8 | VECTOR_BP) &&
           bench_field(b, EXIT_INSTRUCTION_LENGTH) == 1 && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "INT3 is a software exception");
    bench_free(b);
    for (unsigned match = 0; match < 2; match++) {
        b = ready("48 8b 04 25 00 00 00 40"); // mov rax, [40000000h]: not mapped
        bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_PF));
        bench_set(b, PAGE_FAULT_MASK, 1);
        bench_set(b, PAGE_FAULT_MATCH, match);
        uint32_t reason = bench_enter(b, 5);
        ok(reason == (match ? EXIT_HLT : EXIT_EXCEPTION_NMI), "page fault, error code 0, match %u: reason %u", match,
           reason);
        if (!match)
            ok(bench_field(b, EXIT_QUALIFICATION) == 0x40000000 && field(b->cpu, "control.cr2") == 0,
               "the address in the qualification, not in CR2");
        bench_free(b);
    }
    b = ready("0f 0b");
    bench_set(b, GUEST_IDTR_LIMIT, 0);
    ok(bench_enter(b, 5) == EXIT_TRIPLE_FAULT, "a triple fault exits");
    ok(bench_field(b, IDT_VECTORING) == 0 && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_ACTIVE,
       "without vectoring information");
    bench_free(b);
    b = ready("0f 0b");
    bench_set(b, GUEST_IDTR_LIMIT, 0);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_GP));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI &&
           bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | BIT(11) | 3 << 8 | VECTOR_GP) &&
           bench_field(b, IDT_VECTORING) == (BIT(31) | 3 << 8 | VECTOR_UD),
       "a fault during delivery: IDT-vectoring information");
    ok((bench_field(b, EXIT_ERROR_CODE) & 0xff) == (VECTOR_UD << 3 | 3), "error code with EXT and IDT");
    bench_free(b);
}

static void test_interrupts(void) {
    struct bench *b = ready("90 90 90 f4");
    bench_on(b, EXIT, ACKNOWLEDGE_INTERRUPT);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 5) == EXIT_EXTERNAL_INTERRUPT && bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | 0x31),
       "acknowledged: the vector");
    ok(bench_field(b, GUEST_RIP) == AT_GUEST_CODE, "before the first instruction, whatever RFLAGS.IF");
    bench_free(b);
    b = ready("90 f4");
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 5) == EXIT_EXTERNAL_INTERRUPT && !(bench_field(b, EXIT_INTERRUPTION) & BIT(31)) &&
           field(b->cpu, "boundary.pending") & PENDING_INTR,
       "not acknowledged: it stays pending");
    bench_free(b);
    b = ready("90 f4");
    bench_off(b, PIN, EXTERNAL_INTERRUPT_EXITING);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x31,
       "without the control the guest takes it");
    bench_free(b);
    b = ready("90 f4");
    bench_enter(b, 1);
    cpu_pend(b->cpu, PENDING_NMI, true);
    ok(bench_continue(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | 2 << 8 | 2),
       "an NMI exits");
    ok(field(b->cpu, "boundary.nmi_blocked") && !(field(b->cpu, "boundary.pending") & PENDING_NMI),
       "and blocks NMIs afterwards");
    bench_free(b);
}

static void test_windows(void) {
    struct bench *b = ready("90 fb 90 90 f4"); // nop; sti; nop; nop; hlt
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    ok(bench_enter(b, 10) == EXIT_INTERRUPT_WINDOW && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 3,
       "after the shadow of STI");
    bench_free(b);
    b = ready("90 f4");
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    ok(bench_enter(b, 5) == EXIT_INTERRUPT_WINDOW && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "at once when IF is 1");
    bench_free(b);
    b = ready("90 f4");
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI);
    ok(bench_enter(b, 5) == EXIT_INTERRUPT_WINDOW && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 1,
       "one instruction later with blocking by STI");
    bench_free(b);
    b = ready("90 48 cf f4"); // nop; iretq
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_on(b, PROC, NMI_WINDOW_EXITING);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    bench_store(b, AT_GUEST_STACK, 8, AT_GUEST_CODE);
    bench_store(b, AT_GUEST_STACK + 8, 8, CODE_SELECTOR);
    bench_store(b, AT_GUEST_STACK + 16, 8, 2);
    bench_store(b, AT_GUEST_STACK + 24, 8, AT_GUEST_STACK);
    bench_store(b, AT_GUEST_STACK + 32, 8, DATA_SELECTOR);
    ok(bench_enter(b, 10) == EXIT_NMI_WINDOW && bench_field(b, GUEST_RIP) == AT_GUEST_CODE, "NMI window after IRET");
    ok(!(bench_field(b, GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI), "virtual-NMI blocking is over");
    bench_free(b);
    b = ready("f4");
    bench_off(b, PROC, HLT_EXITING);
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_HLT);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    ok(bench_enter(b, 5) == EXIT_INTERRUPT_WINDOW && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_HLT,
       "wakes from HLT, which is saved");
    bench_free(b);
}

static void test_mwait(void) {
    struct bench *b = ready("31 c9 0f 01 c8 0f 01 c9"); // xor ecx, ecx; monitor; mwait
    bench_on(b, PIN, EXTERNAL_INTERRUPT_EXITING);
    (void)bench_enter(b, 10);
    ok(field(b->cpu, "boundary.mwait") && b->cpu->intercepts.non_root, "MWAIT waits in VMX non-root operation");
    cpu_pend(b->cpu, PENDING_INTR, true);
    (void)cpu_run(b->cpu, 1);
    ok(bench_field(b, EXIT_REASON) == EXIT_EXTERNAL_INTERRUPT && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 8,
       "an interrupt exits behind it");
    ok(bench_field(b, GUEST_ACTIVITY) == ACTIVITY_ACTIVE && !field(b->cpu, "boundary.mwait"),
       "the wait is not saved, 24.4.2");
    bench_free(b);
}

static void test_blocking(void) {
    struct bench *b = ready("fb f4"); // sti; hlt
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_INTERRUPTIBILITY) == BLOCKING_BY_STI,
       "HLT after STI: blocking by STI is saved");
    bench_free(b);
    b = ready("8e d0 f4"); // mov ss, eax; hlt
    gpr_put(b->cpu, RAX, DATA_SELECTOR);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_INTERRUPTIBILITY) == BLOCKING_BY_MOV_SS,
       "HLT after MOV SS");
    bench_free(b);
    b = ready("fb 90 f4");
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_INTERRUPTIBILITY) == 0,
       "no blocking two instructions later");
    bench_free(b);
}

static void test_timer(void) {
    struct bench *b = ready("eb fe");
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 0);
    ok(bench_enter(b, 5) == EXIT_PREEMPTION_TIMER && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "a timer of 0 expires at once");
    bench_free(b);
    b = ready("90 90 0f a2");
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_on(b, EXIT, SAVE_PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 1000);
    ok(bench_enter(b, 5) == EXIT_CPUID && bench_field(b, PREEMPTION_TIMER) >= 999 &&
           bench_field(b, PREEMPTION_TIMER) <= 1000,
       "what is left is saved");
    ok(field(b->cpu, "time.vmx_deadline_cycles") == ~0ull, "no deadline outside VMX non-root operation");
    bench_free(b);
}

static void test_msr_areas(void) {
    struct bench *b = ready("0f a2");
    bench_store(b, AT_MSR_AREA, 8, 0xc0000082); // LSTAR
    bench_store(b, AT_MSR_AREA + 8, 8, 0x1234);
    bench_set(b, ENTRY_MSR_LOAD_COUNT, 1);
    bench_store(b, AT_MSR_AREA + 0x100, 8, 0xc0000082);
    bench_set(b, EXIT_MSR_STORE_ADDRESS, AT_MSR_AREA + 0x100);
    bench_set(b, EXIT_MSR_STORE_COUNT, 1);
    bench_store(b, AT_MSR_AREA + 0x200, 8, 0xc0000082);
    bench_store(b, AT_MSR_AREA + 0x208, 8, 0x5678);
    bench_set(b, EXIT_MSR_LOAD_ADDRESS, AT_MSR_AREA + 0x200);
    bench_set(b, EXIT_MSR_LOAD_COUNT, 1);
    ok(bench_enter(b, 5) == EXIT_CPUID && bench_load(b, AT_MSR_AREA + 0x108, 8) == 0x1234 &&
           field(b->cpu, "msr.lstar") == 0x5678,
       "loaded, stored, loaded");
    bench_store(b, AT_MSR_AREA, 8, 0xc0000100); // FS.base is not allowed
    ok(bench_reenter(b, 5) == (BIT(31) | EXIT_MSR_LOADING) && bench_field(b, EXIT_QUALIFICATION) == 1,
       "a bad entry is reason 34");
    ok(field(b->cpu, "msr.lstar") == 0x5678 && !bench_vmx(b)->non_root, "and the host runs");
    bench_store(b, AT_MSR_AREA, 8, 0xc0000082);
    bench_store(b, AT_MSR_AREA + 0x200, 8, 0x801);
    bench_reenter(b, 5);
    ok(bench_load(b, AT_VMCS + 4, 4) == ABORT_LOADING_MSRS && field(b->cpu, "boundary.activity") == ACTIVITY_SHUTDOWN,
       "a bad exit entry is VMX abort 4");
    bench_free(b);
}

static void test_init(void) {
    struct bench *b = ready("eb fe");
    cpu_pend(b->cpu, PENDING_INIT, true);
    ok(bench_run(b, "90") == RAN_ON && bench_vmx(b)->vmcs, "INIT is blocked in VMX root operation");
    ok(bench_enter(b, 5) == EXIT_INIT && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "and exits from VMX non-root operation");
    cpu_pend(b->cpu, PENDING_INIT, true);
    (void)bench_run(b, "90");
    (void)bench_run(b, "0f 01 c4");
    (void)cpu_run(b->cpu, 1);
    ok(!(field(b->cpu, "control.cr0") & CR0_PE) && bench_vmx(b)->vmxon_pointer == VMCS_NONE, "VMXOFF lets it through");
    bench_free(b);
}

static void test_failed_entry(void) {
    struct bench *b = ready("0f a2");
    bench_set(b, GUEST_RFLAGS, 0);
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | 3 << 8 | VECTOR_UD);
    ok(bench_enter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE) && bench_field(b, EXIT_QUALIFICATION) == 0,
       "reason 33");
    ok(bench_field(b, ENTRY_INTERRUPTION) & BIT(31) && !bench_vmx(b)->vmcs->launched,
       "injection and launch state stay");
    bench_set(b, GUEST_RFLAGS, 2);
    bench_set(b, ENTRY_INTERRUPTION, 0);
    bench_set(b, VMCS_LINK_POINTER, AT_SHADOW);
    ok(bench_enter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE) && bench_field(b, EXIT_QUALIFICATION) == 4,
       "qualification 4: the link pointer");
    bench_free(b);
}

// A VMCS entered right after a VMLAUNCH that exited is for a guest of the guest.
static void test_levels(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, "0f 01 c2"); // vmlaunch
    ok(bench_enter(b, 5) == EXIT_VMLAUNCH && vmx_exit_count(b->cpu, 1, EXIT_VMLAUNCH) == 1, "level 1 launches a guest");
    ok(bench_vmclear(b, AT_VMCS2) == SUCCEED && bench_vmptrld(b, AT_VMCS2) == SUCCEED, "a second VMCS");
    bench_valid_vmcs(b);
    bench_guest(b, "f4");
    ok(bench_enter(b, 5) == EXIT_HLT && vmx_exit_count(b->cpu, 2, EXIT_HLT) == 1, "is for level 2");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED && bench_reenter(b, 5) == EXIT_HLT &&
           vmx_exit_count(b->cpu, 1, EXIT_HLT) == 1,
       "the first one stays level 1");
    bench_free(b);
}

int main(void) {
    test_round_trip();
    test_instructions();
    test_information();
    test_not_enabled();
    test_masks();
    test_exceptions();
    test_interrupts();
    test_windows();
    test_mwait();
    test_blocking();
    test_timer();
    test_msr_areas();
    test_init();
    test_failed_entry();
    test_levels();
    return done_testing();
}
