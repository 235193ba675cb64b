// The VMX instructions in every mode and at every privilege level, in VMX root and non-root operation; which of several
// errors comes first; operand sizes outside 64-bit mode. SDM Vol. 3C, chapter 30.
#include "tests/vmx/bench.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *hex;
    enum exit_reason reason;
    bool anywhere; // exits from every mode
} instructions[] = {
    {"INVEPT", "66 0f 38 80 03", EXIT_INVEPT, false}, {"INVVPID", "66 0f 38 81 03", EXIT_INVVPID, false},
    {"VMCALL", "0f 01 c1", EXIT_VMCALL, true},        {"VMCLEAR", "66 0f c7 33", EXIT_VMCLEAR, false},
    {"VMLAUNCH", "0f 01 c2", EXIT_VMLAUNCH, false},   {"VMPTRLD", "0f c7 33", EXIT_VMPTRLD, false},
    {"VMPTRST", "0f c7 3b", EXIT_VMPTRST, false},     {"VMREAD", "0f 78 c3", EXIT_VMREAD, false},
    {"VMRESUME", "0f 01 c3", EXIT_VMRESUME, false},   {"VMWRITE", "0f 79 c3", EXIT_VMWRITE, false},
    {"VMXOFF", "0f 01 c4", EXIT_VMXOFF, false},       {"VMXON", "f3 0f c7 33", EXIT_VMXON, false},
};
enum { INSTRUCTIONS = sizeof instructions / sizeof instructions[0] };

// --- VMX non-root operation ---

static void privilege_3(struct bench *b) {
    bench_set(b, GUEST_CS_SELECTOR, CODE_SELECTOR | 3);
    bench_set(b, GUEST_SS_SELECTOR, DATA_SELECTOR | 3);
    bench_set(b, GUEST_CS_RIGHTS, bench_field(b, GUEST_CS_RIGHTS) | 0x60);
    bench_set(b, GUEST_SS_RIGHTS, bench_field(b, GUEST_SS_RIGHTS) | 0x60);
}
static void compatibility(struct bench *b) { bench_set(b, GUEST_CS_RIGHTS, 0xc09b); }
static void protected_mode(struct bench *b) {
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CS_RIGHTS, 0xc09b);
    bench_on(b, PROC2, UNRESTRICTED_GUEST);
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) & ~(uint64_t)CR0_PG);
}
static void sixteen_bit(struct bench *b, uint64_t rights) {
    protected_mode(b);
    for (unsigned s = ES; s <= GS; s++) {
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, AT_GUEST_CODE >> 4);
        bench_write(b, FIELD_GUEST_ES_BASE + s, AT_GUEST_CODE);
        bench_write(b, FIELD_GUEST_ES_LIMIT + s, 0xffff);
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, rights);
    }
    bench_set(b, GUEST_RIP, 0);
}
static void real_address(struct bench *b) {
    sixteen_bit(b, 0x93);
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) & ~(uint64_t)CR0_PE);
}
static void virtual_8086(struct bench *b) {
    sixteen_bit(b, 0xf3);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_VM);
}
static void nothing(struct bench *b) { (void)b; }

static const struct mode {
    const char *name;
    void (*set)(struct bench *b);
    bool privileged_3, exits;
} modes[] = {
    {"64-bit mode", nothing, false, true},
    {"64-bit mode, CPL 3", nothing, true, true},
    {"compatibility mode", compatibility, false, false},
    {"compatibility mode, CPL 3", compatibility, true, false},
    {"protected mode", protected_mode, false, true},
    {"protected mode, CPL 3", protected_mode, true, true},
    {"real-address mode", real_address, false, false},
    {"virtual-8086 mode", virtual_8086, false, false},
};

static void test_non_root(void) {
    for (unsigned m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        loop_begin("VMX instructions in a guest in %s %s", modes[m].name,
                   modes[m].exits ? "exit" : "are #UD, but for VMCALL");
        for (unsigned i = 0; i < INSTRUCTIONS; i++) {
            struct bench *b = bench_new("server");
            bench_prepare(b);
            bench_set(b, EXCEPTION_BITMAP, ~0u);
            modes[m].set(b);
            if (modes[m].privileged_3) privilege_3(b);
            bench_guest(b, instructions[i].hex);
            gpr_put(b->cpu, RBX, AT_GUEST_DATA);
            uint32_t reason = bench_enter(b, 5);
            unsigned vector = reason == EXIT_EXCEPTION_NMI ? bench_field(b, EXIT_INTERRUPTION) & 255 : 256;
            bool exits = modes[m].exits || instructions[i].anywhere;
            loop_check(exits ? reason == instructions[i].reason : vector == VECTOR_UD, "%s: reason %u, vector %u",
                       instructions[i].name, reason, vector);
            bench_free(b);
        }
        loop_end();
    }
}

// --- VMX root operation ---

static enum ran run_with(struct bench *b, const char *hex, unsigned cpl, uint32_t code_rights) {
    struct cpu *cpu = b->cpu;
    struct segment segments[GS + 1];
    memcpy(segments, cpu->segment, sizeof segments);
    bench_store(b, AT_TSS + 4, 8, AT_HOST_STACK); // RSP0
    field_put_at(cpu, "segment[].rights", CS, code_rights | cpl << 5);
    field_put_at(cpu, "segment[].selector", CS, (uint16_t)(CODE_SELECTOR | cpl));
    field_put_at(cpu, "segment[].rights", SS, field_at(cpu, "segment[].rights", SS) | (cpl << 5));
    field_put_at(cpu, "segment[].selector", SS, (uint16_t)(DATA_SELECTOR | cpl));
    cpu_update_mode(cpu);
    gpr_put(cpu, RBX, AT_DATA);
    enum ran ran = bench_run(b, hex);
    memcpy(cpu->segment, segments, sizeof segments);
    cpu_update_mode(cpu);
    return ran;
}

static void test_root(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    loop_begin("VMX instructions in compatibility mode are #UD");
    for (unsigned i = 0; i < INSTRUCTIONS; i++)
        for (unsigned cpl = 0; cpl <= 3; cpl += 3)
            loop_check(run_with(b, instructions[i].hex, cpl, 0xc09b) == RAN_UD, "%s, CPL %u", instructions[i].name,
                       cpl);
    loop_end();
    loop_begin("VMX instructions at CPL 3 are #GP(0)");
    for (unsigned i = 0; i < INSTRUCTIONS; i++)
        loop_check(run_with(b, instructions[i].hex, 3, 0xa09b) == RAN_GP, "%s", instructions[i].name);
    loop_end();
    (void)bench_vmx_instruction(b, "0f 01 c4");
    loop_begin("at CPL 3 outside VMX operation all but VMXON are #UD");
    for (unsigned i = 0; i < INSTRUCTIONS; i++)
        loop_check(run_with(b, instructions[i].hex, 3, 0xa09b) ==
                       (instructions[i].reason == EXIT_VMXON ? RAN_GP : RAN_UD),
                   "%s", instructions[i].name);
    loop_end();
    bench_free(b);
}

// --- the order of errors ---

enum { UNMAPPED = 0x40000000 };
static const char *const vmread_memory = "0f 78 03", *const vmwrite_memory = "0f 79 03"; // rax names the field, [rbx]
static enum ran at_unmapped(struct bench *b, const char *hex, uint64_t rax) {
    gpr_put(b->cpu, RAX, rax);
    gpr_put(b->cpu, RBX, UNMAPPED);
    cpu_set_rflags(b->cpu, 2);
    return bench_run(b, hex);
}
static bool fails(struct bench *b, const char *hex, uint64_t rax, uint64_t flag, unsigned number) {
    bool ran = at_unmapped(b, hex, rax) == RAN_ON && (cpu_rflags(b->cpu) & FLAGS_ARITHMETIC) == flag;
    return ran && (flag != FLAG_ZF || bench_field(b, INSTRUCTION_ERROR) == number);
}

static void test_order(void) {
    enum { NO_FIELD = 0x6, GUEST_RIP = 0x681e };
    struct bench *b = bench_new("server");
    ok(at_unmapped(b, "f3 0f c7 33", 0) == RAN_PF, "VMXON reads its operand");
    field_put(b->cpu, "msr.feature_control", 0);
    ok(at_unmapped(b, "f3 0f c7 33", 0) == RAN_GP, "after it has looked at IA32_FEATURE_CONTROL");
    field_put(b->cpu, "msr.feature_control", 5);
    bench_prepare(b);
    ok(at_unmapped(b, "f3 0f c7 33", 0) == RAN_ON, "in VMX root operation it fails without reading it");
    ok(at_unmapped(b, "0f c7 33", 0) == RAN_PF && at_unmapped(b, "66 0f c7 33", 0) == RAN_PF &&
           at_unmapped(b, "0f c7 3b", 0) == RAN_PF,
       "VMPTRLD, VMCLEAR and VMPTRST access memory");
    ok(fails(b, "66 0f 38 80 03", 0, FLAG_ZF, ERROR_INVEPT_INVVPID_OPERAND) &&
           fails(b, "66 0f 38 81 03", 4, FLAG_ZF, ERROR_INVEPT_INVVPID_OPERAND),
       "an unsupported type of INVEPT or INVVPID is seen before the descriptor is read");
    ok(at_unmapped(b, "66 0f 38 80 03", 2) == RAN_PF && at_unmapped(b, "66 0f 38 81 03", 2) == RAN_PF,
       "a supported one after");
    ok(fails(b, vmread_memory, NO_FIELD, FLAG_ZF, ERROR_UNSUPPORTED_COMPONENT) &&
           at_unmapped(b, vmread_memory, GUEST_RIP) == RAN_PF,
       "VMREAD: the field must exist before memory is written");
    ok(at_unmapped(b, vmwrite_memory, NO_FIELD) == RAN_PF, "VMWRITE: memory is read before the field must exist");
    ok(bench_vmclear(b, AT_VMCS) == SUCCEED, "no current VMCS");
    ok(fails(b, vmread_memory, GUEST_RIP, FLAG_CF, 0) && fails(b, vmwrite_memory, GUEST_RIP, FLAG_CF, 0),
       "without one neither touches memory");
    field_put(b->cpu, "boundary.mov_ss_shadow_step", field(b->cpu, "time.steps"));
    ok(bench_vmlaunch(b) == FAIL_INVALID, "and VM entry does not look at blocking by MOV SS");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED, "with one");
    field_put(b->cpu, "boundary.mov_ss_shadow_step", field(b->cpu, "time.steps"));
    ok(bench_vmresume(b) == ERROR_MOV_SS_BLOCKING, "it does, before it looks at the launch state");
    bench_free(b);
}

// --- VMREAD and VMWRITE of a shadow VMCS ---

static struct bench *shadowing(const char *guest) {
    enum { AT_BITMAP = 0x61000 };
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_on(b, PROC2, VMCS_SHADOWING);
    bench_set(b, VMCS_LINK_POINTER, AT_SHADOW);
    bench_set(b, VMREAD_BITMAP, AT_BITMAP);
    bench_set(b, VMWRITE_BITMAP, AT_BITMAP);
    bench_set(b, EXCEPTION_BITMAP, ~0u);
    gpr_put(b->cpu, RAX, 0x681e);
    return b;
}

static void test_shadow(void) {
    struct bench *b = shadowing("0f 78 c3 f4"); // vmread rbx, rax; hlt
    privilege_3(b);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_GP,
       "VMREAD of a shadow VMCS at CPL 3 is #GP");
    gpr_put(b->cpu, RAX, 0x1681e);
    ok(bench_reenter(b, 5) == EXIT_VMREAD, "but an encoding with bits above 14 exits");
    bench_free(b);
    b = shadowing("0f 78 c3 f4");
    compatibility(b);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_UD,
       "in compatibility mode it is #UD");
    bench_free(b);
    b = shadowing("0f 78 c3 f4");
    bench_set(b, VMCS_LINK_POINTER, ~0ull);
    ok(bench_enter(b, 5) == EXIT_HLT && (bench_field(b, GUEST_RFLAGS) & FLAGS_ARITHMETIC) == FLAG_CF,
       "without a VMCS link pointer it is VMfailInvalid");
    bench_free(b);
}

// --- outside 64-bit mode ---

static void to_32_bits(struct bench *b) {
    struct cpu *cpu = b->cpu;
    bench_store(b, AT_DATA, 8, 0x87); // a page of 4 MBytes at 0
    field_put(cpu, "control.efer", 0);
    field_put(cpu, "control.cr3", AT_DATA);
    field_put(cpu, "control.cr4", (field(cpu, "control.cr4") & ~CR4_PAE) | CR4_PSE);
    field_put_at(cpu, "segment[].rights", CS, 0xc09b);
    tlb_flush_vpid(cpu, 0, true);
    cpu_update_mode(cpu);
}

static void test_32_bits(void) {
    struct bench *b = bench_new("server");
    uint64_t value = 0;
    bench_prepare(b);
    bench_set(b, TSC_OFFSET, 0x123456789abcdef0);
    to_32_bits(b);
    ok(bench_vmread(b, 0x2010, &value) == SUCCEED && value == 0x9abcdef0 &&
           bench_vmread(b, 0x2011, &value) == SUCCEED && value == 0x12345678,
       "VMREAD of a field of 64 bits by its halves");
    ok(bench_vmread(b, 0xffffffff00002010ull, &value) == SUCCEED && value == 0x9abcdef0,
       "32 bits of the register name the field");
    bench_store(b, AT_GUEST_DATA, 8, ~0ull);
    gpr_put(b->cpu, RAX, 0x2010), gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    ok(bench_vmx_instruction(b, vmread_memory) == SUCCEED && bench_load(b, AT_GUEST_DATA, 8) == 0xffffffff9abcdef0,
       "VMREAD writes 32 bits to memory");
    field_put_at(b->cpu, "segment[].rights", CS, 0x809b);
    cpu_update_mode(b->cpu);
    gpr_put(b->cpu, RAX, 0x2010);
    ok(bench_vmx_instruction(b, "0f 78 c3") == SUCCEED && gpr(b->cpu, RBX) == 0x9abcdef0,
       "also in a code segment of 16 bits");
    field_put_at(b->cpu, "segment[].rights", CS, 0xc09b);
    cpu_update_mode(b->cpu);
    ok(bench_vmwrite(b, 0x2010, 0xaaaabbbb11112222) == SUCCEED && bench_field(b, TSC_OFFSET) == 0x11112222,
       "VMWRITE of a field of 64 bits clears its high half");
    ok(bench_vmwrite(b, 0x2011, 0x33334444) == SUCCEED && bench_field(b, TSC_OFFSET) == 0x3333444411112222,
       "which is written by itself");
    ok(bench_vmwrite(b, 0x681e, ~0ull) == SUCCEED && bench_field(b, GUEST_RIP) == UINT32_MAX,
       "and of a natural-width one too");
    gpr_put(b->cpu, RAX, 1ull << 32 | 2), gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    ok(bench_vmx_instruction(b, "66 0f 38 80 03") == SUCCEED, "32 bits of the register are INVEPT's type");
    bench_free(b);
}

// Segments of memory operands, "Protected Mode Exceptions" of each instruction.
enum { READ_ONLY = 0xc091, EXECUTE_ONLY = 0xc099, READABLE_CODE = 0xc09b, DATA_RIGHTS = 0xc093, UNUSABLE = 0x10000 };
enum { NO_OVERRIDE, CS_OVERRIDE = 0x2e, SS_OVERRIDE = 0x36 };
enum { BELOW_LIMIT = 7 }; // bytes of the operand, where the limit is in the way
static const struct {
    const char *name;
    unsigned override;
    uint32_t rights, limit;
    int reads, writes; // the vector with which an instruction that reads or writes memory fails; -1: none
} segments[] = {
    {"a data segment", NO_OVERRIDE, DATA_RIGHTS, UINT32_MAX, -1, -1},
    {"a read-only segment", NO_OVERRIDE, READ_ONLY, UINT32_MAX, -1, VECTOR_GP},
    {"an unusable segment", NO_OVERRIDE, UNUSABLE, UINT32_MAX, VECTOR_GP, VECTOR_GP},
    {"the limit", NO_OVERRIDE, DATA_RIGHTS & ~RIGHTS_G, AT_GUEST_DATA + BELOW_LIMIT - 1, VECTOR_GP, VECTOR_GP},
    {"a code segment", CS_OVERRIDE, READABLE_CODE, UINT32_MAX, -1, VECTOR_GP},
    {"an execute-only segment", CS_OVERRIDE, EXECUTE_ONLY, UINT32_MAX, VECTOR_GP, VECTOR_GP},
    {"the stack segment's limit", SS_OVERRIDE, DATA_RIGHTS & ~RIGHTS_G, AT_GUEST_DATA + BELOW_LIMIT - 1, VECTOR_SS,
     VECTOR_SS},
};
static const struct {
    const char *name, *hex;
    uint64_t rax;
    unsigned bytes;
    bool writes;
} with_memory[] = {
    {"INVEPT", "66 0f 38 80 03", 2, 16, false}, {"INVVPID", "66 0f 38 81 03", 2, 16, false},
    {"VMCLEAR", "66 0f c7 33", 0, 8, false},    {"VMPTRLD", "0f c7 33", 0, 8, false},
    {"VMPTRST", "0f c7 3b", 0, 8, true},        {"VMREAD", "0f 78 03", 0x2010, 4, true},
    {"VMWRITE", "0f 79 03", 0x2010, 4, false},
};
// The vector of the fault; -1: none.
static int fault_of(struct bench *b, unsigned i, unsigned s) {
    struct cpu *cpu = b->cpu;
    char hex[40];
    unsigned which = segments[s].override == CS_OVERRIDE ? CS : segments[s].override == SS_OVERRIDE ? SS : DS;
    snprintf(hex, sizeof hex, segments[s].override ? "%02x %s" : "%.0x%s", segments[s].override, with_memory[i].hex);
    struct segment ss = cpu->segment[SS];
    field_put_at(cpu, "segment[].rights", CS, READABLE_CODE);
    field_put_at(cpu, "segment[].rights", DS, DATA_RIGHTS), field_put_at(cpu, "segment[].limit", DS, UINT32_MAX);
    field_put_at(cpu, "segment[].rights", which, segments[s].rights),
        field_put_at(cpu, "segment[].limit", which, segments[s].limit);
    cpu_update_mode(cpu);
    gpr_put(cpu, RAX, with_memory[i].rax), gpr_put(cpu, RBX, AT_GUEST_DATA);
    enum ran ran = bench_run(b, hex);
    cpu->segment[SS] = ss;
    if (ran == RAN_ON || ran == RAN_ELSEWHERE) return ran == RAN_ON ? -1 : -2;
    return (int)(field(cpu, "rip") - AT_HANDLER) / 16;
}

static void test_segments(void) {
    enum { AT_IDT32 = 0x63000, GATE = 0x8e00 };
    struct bench *b = bench_new("server");
    bench_prepare(b);
    to_32_bits(b);
    for (uint64_t v = 0; v < 32; v++)
        bench_store(b, AT_IDT32 + 8 * v, 8,
                    ((AT_HANDLER + 16 * v) & 0xffff) | CODE_SELECTOR << 16 | (uint64_t)GATE << 32 |
                        (uint64_t)(AT_HANDLER >> 16) << 48);
    b->cpu->idtr = (struct descriptor_table){AT_IDT32, 0xff};
    bench_store(b, AT_GDT + CODE_SELECTOR, 8, 0x00cf9b000000ffff);
    bench_store(b, AT_VMCS2, 4, VMCS_REVISION);
    for (unsigned s = 0; s < sizeof segments / sizeof segments[0]; s++) {
        loop_begin("memory operands and %s", segments[s].name);
        for (unsigned i = 0; i < sizeof with_memory / sizeof with_memory[0]; i++) {
            bench_store(b, AT_GUEST_DATA, 8, AT_VMCS2);
            int expected = with_memory[i].writes ? segments[s].writes : segments[s].reads;
            if (segments[s].limit != UINT32_MAX && with_memory[i].bytes <= BELOW_LIMIT) expected = -1;
            int vector = fault_of(b, i, s);
            loop_check(vector == expected, "%s: %d", with_memory[i].name, vector);
        }
        loop_end();
    }
    bench_free(b);
}

int main(void) {
    test_non_root();
    test_root();
    test_order();
    test_shadow();
    test_32_bits();
    test_segments();
    return done_testing();
}
