// Each VMX instruction: who may execute it, and its errors, in the order of SDM Vol. 3C, 30.3.
#include "tests/vmx/bench.h"

static void test_vmxon(void) {
    struct bench *b = bench_new("server");
    bench_store(b, AT_VMXON, 4, VMCS_REVISION);
    ok(bench_vmx_instruction(b, "0f 01 c4") == FAULTED_UD, "VMXOFF outside VMX operation is #UD");
    field_put(b->cpu, "control.cr4", field(b->cpu, "control.cr4") & (~CR4_VMXE));
    ok(bench_vmxon(b, AT_VMXON) == FAULTED_UD, "VMXON with CR4.VMXE = 0 is #UD");
    field_put(b->cpu, "control.cr4", field(b->cpu, "control.cr4") | CR4_VMXE);
    field_put(b->cpu, "msr.feature_control", 0);
    ok(bench_vmxon(b, AT_VMXON) == FAULTED_GP, "VMXON with IA32_FEATURE_CONTROL unlocked is #GP(0)");
    field_put(b->cpu, "msr.feature_control", 1);
    ok(bench_vmxon(b, AT_VMXON) == FAULTED_GP, "VMXON with IA32_FEATURE_CONTROL locked without VMX is #GP(0)");
    field_put(b->cpu, "msr.feature_control", 5);
    field_put(b->cpu, "control.cr0", field(b->cpu, "control.cr0") & (~CR0_NE));
    ok(bench_vmxon(b, AT_VMXON) == FAULTED_GP, "VMXON with CR0.NE = 0 is #GP(0)");
    field_put(b->cpu, "control.cr0", field(b->cpu, "control.cr0") | CR0_NE);
    ok(bench_vmxon(b, AT_VMXON + 8) == FAIL_INVALID, "VMXON with an unaligned pointer is VMfailInvalid");
    ok(bench_vmxon(b, 1ull << 45) == FAIL_INVALID,
       "VMXON with a pointer beyond the physical-address width is VMfailInvalid");
    ok(bench_vmxon(b, AT_VMCS) == FAIL_INVALID, "VMXON with a wrong revision identifier is VMfailInvalid");
    bench_store(b, AT_SHADOW, 4, VMCS_REVISION | BIT(31));
    ok(bench_vmxon(b, AT_SHADOW) == FAIL_INVALID, "or one whose bit 31 is set");
    field_put(b->cpu, "boundary.monitor_address", AT_DATA);
    ok(bench_vmxon(b, AT_VMXON) == SUCCEED && field(b->cpu, "boundary.monitor_address") == MWAIT_UNARMED,
       "VMXON succeeds, and clears address-range monitoring");
    gpr_put(b->cpu, RAX, AT_DATA);
    ok(bench_vmx_instruction(b, "0f c7 38") == SUCCEED && bench_load(b, AT_DATA, 8) == ~0ull,
       "there is no current VMCS: VMPTRST stores all ones");
    ok(bench_vmxon(b, AT_VMXON) == FAIL_INVALID, "VMXON in VMX root operation without a VMCS is VMfailInvalid");
    bench_store(b, AT_VMCS, 4, VMCS_REVISION);
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED && bench_vmxon(b, AT_VMXON) == ERROR_VMXON_IN_ROOT,
       "with one it is error 15");
    ok(bench_vmx_instruction(b, "0f 01 c1") == ERROR_VMCALL_IN_ROOT, "VMCALL in VMX root operation is error 1");
    ok(bench_vmx_instruction(b, "0f 01 d4") == FAULTED_UD, "VMFUNC outside VMX non-root operation is #UD");
    ok(bench_vmx_instruction(b, "f0 0f 01 c4") == FAULTED_UD, "LOCK VMXOFF is #UD");
    field_put(b->cpu, "boundary.monitor_address", AT_DATA);
    ok(bench_vmx_instruction(b, "0f 01 c4") == SUCCEED && field(b->cpu, "boundary.monitor_address") == MWAIT_UNARMED,
       "VMXOFF succeeds, and clears address-range monitoring");
    ok(bench_vmx_instruction(b, "0f 01 c4") == FAULTED_UD, "and VMX operation is over");
    bench_free(b);
}

static void test_pointers(void) {
    struct bench *b = bench_new("server");
    uint64_t value = 0;
    bench_prepare(b);
    ok(bench_vmclear(b, AT_VMCS + 1) == ERROR_VMCLEAR_ADDRESS, "VMCLEAR with an unaligned pointer is error 2");
    ok(bench_vmclear(b, 1ull << 40) == ERROR_VMCLEAR_ADDRESS, "VMCLEAR beyond the physical-address width is error 2");
    ok(bench_vmclear(b, AT_VMXON) == ERROR_VMCLEAR_VMXON_POINTER, "VMCLEAR of the VMXON pointer is error 3");
    ok(bench_vmptrld(b, AT_VMCS2 + 64) == ERROR_VMPTRLD_ADDRESS, "VMPTRLD with an unaligned pointer is error 9");
    ok(bench_vmptrld(b, AT_VMXON) == ERROR_VMPTRLD_VMXON_POINTER, "VMPTRLD of the VMXON pointer is error 10");
    ok(bench_vmptrld(b, AT_DATA) == ERROR_VMPTRLD_REVISION, "VMPTRLD with a wrong revision identifier is error 11");
    ok(bench_vmptrld(b, AT_SHADOW) == SUCCEED && bench_vmlaunch(b) == FAIL_INVALID,
       "a shadow VMCS can be current, and not be entered");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED, "back to the ordinary VMCS");
    gpr_put(b->cpu, RAX, AT_DATA);
    ok(bench_vmx_instruction(b, "0f c7 38") == SUCCEED && bench_load(b, AT_DATA, 8) == AT_VMCS,
       "VMPTRST stores the pointer");
    ok(bench_vmwrite(b, 0x681e, 0x1234) == SUCCEED, "VMWRITE Guest RIP");
    ok(bench_vmptrld(b, AT_VMCS2) == SUCCEED && bench_vmread(b, 0x681e, &value) == SUCCEED && value == 0,
       "another VMCS has its own Guest RIP");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED && bench_vmread(b, 0x681e, &value) == SUCCEED && value == 0x1234,
       "the first one keeps its");
    ok(bench_vmclear(b, AT_VMCS2) == SUCCEED && bench_vmread(b, 0x681e, &value) == SUCCEED && value == 0x1234,
       "VMCLEAR of another VMCS leaves the current one");
    ok(bench_vmclear(b, AT_VMCS) == SUCCEED, "VMCLEAR of the current VMCS");
    gpr_put(b->cpu, RAX, AT_DATA);
    ok(bench_vmx_instruction(b, "0f c7 38") == SUCCEED && bench_load(b, AT_DATA, 8) == ~0ull, "makes none current");
    ok(bench_vmread(b, 0x681e, &value) == FAIL_INVALID, "then VMREAD is VMfailInvalid");
    ok(bench_vmwrite(b, 0x681e, 1) == FAIL_INVALID, "and VMWRITE");
    ok(bench_vmlaunch(b) == FAIL_INVALID, "and VMLAUNCH");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED && bench_vmread(b, 0x681e, &value) == SUCCEED && value == 0x1234,
       "the region in memory brings the field back");
    bench_free(b);
}

// More VMCSs than the processor keeps, so that some go to memory and come back.
static void test_many(void) {
    struct bench *b = bench_new("server");
    enum { COUNT = 3 * VMCS_SLOTS, AT = 0x100000 };
    uint64_t value = 0;
    bench_prepare(b);
    for (unsigned i = 0; i < COUNT; i++) bench_store(b, AT + 4096 * i, 4, VMCS_REVISION);
    for (unsigned i = 0; i < COUNT; i++)
        if (bench_vmptrld(b, AT + 4096 * i) != SUCCEED || bench_vmwrite(b, 0x681c, 1000 + i) != SUCCEED)
            bail("VMCS %u", i);
    loop_begin("%d VMCSs keep their fields apart", COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        loop_check(bench_vmptrld(b, AT + 4096 * i) == SUCCEED, "%u", i);
        loop_check(bench_vmread(b, 0x681c, &value) == SUCCEED && value == 1000 + i, "%u: %llu", i,
                   (unsigned long long)value);
    }
    loop_end();
    bench_free(b);
}

static void test_fields(void) {
    struct bench *b = bench_new("server");
    uint64_t value = 0;
    bench_prepare(b);
    loop_begin("every field takes what VMWRITE gives it, as wide as it is");
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        uint64_t pattern = 0xfedcba9876543210ull + f;
        if (!bench_vmx(b)->capability.exists[f]) continue;
        loop_check(bench_vmwrite(b, field_encoding(f), pattern) == SUCCEED, "VMWRITE %s", field_name(f));
        loop_check(bench_vmread(b, field_encoding(f), &value) == SUCCEED && value == (pattern & field_mask(f)), "%s",
                   field_name(f));
        if ((field_encoding(f) >> 13 & 3) != 1) continue;
        loop_check(bench_vmread(b, field_encoding(f) | 1, &value) == SUCCEED && value == pattern >> 32, "%s high",
                   field_name(f));
        loop_check(bench_vmwrite(b, field_encoding(f) | 1, 0x12345678) == SUCCEED, "%s high", field_name(f));
        loop_check(bench_vmread(b, field_encoding(f), &value) == SUCCEED &&
                       value == (0x1234567800000000 | (uint32_t)pattern),
                   "%s after its high half", field_name(f));
    }
    loop_end();
    ok(bench_vmread(b, 0x6, &value) == ERROR_UNSUPPORTED_COMPONENT,
       "VMREAD of a field that does not exist is error 12");
    ok(bench_vmwrite(b, 0x6c18, 0) == ERROR_UNSUPPORTED_COMPONENT, "VMWRITE of one too");
    ok(bench_vmread(b, 0x4003, &value) == ERROR_UNSUPPORTED_COMPONENT,
       "the high half of a 32-bit field does not exist");
    ok(bench_vmread(b, 0x10000681eull, &value) == ERROR_UNSUPPORTED_COMPONENT,
       "reserved bits of an encoding are looked at");
    ok(bench_vmread(b, 0x4fff, &value) == ERROR_UNSUPPORTED_COMPONENT, "so are high indexes");
    bench_free(b);
}

static int invalidate(struct bench *b, const char *hex, uint64_t type, uint64_t low, uint64_t high) {
    bench_store(b, AT_DATA, 8, low);
    bench_store(b, AT_DATA + 8, 8, high);
    gpr_put(b->cpu, RAX, type);
    gpr_put(b->cpu, RBX, AT_DATA);
    return bench_vmx_instruction(b, hex);
}

static void test_invalidations(void) {
    struct bench *b = bench_new("server");
    const char *invept = "66 0f 38 80 03", *invvpid = "66 0f 38 81 03";
    uint64_t eptp = AT_EPT_PML4 | 3 << 3 | 6;
    ok(invalidate(b, invept, 2, 0, 0) == FAULTED_UD, "INVEPT outside VMX operation is #UD");
    bench_prepare(b);
    ok(invalidate(b, invept, 0, eptp, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVEPT type 0 is error 28");
    ok(invalidate(b, invept, 3, eptp, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVEPT type 3 is error 28");
    ok(invalidate(b, invept, 1ull << 32 | 1, eptp, 0) == ERROR_INVEPT_INVVPID_OPERAND, "all 64 bits of the type count");
    ok(invalidate(b, invept, 1, eptp | 1 << 11, 0) == ERROR_INVEPT_INVVPID_OPERAND,
       "INVEPT with a bad EPTP is error 28");
    ok(invalidate(b, invept, 1, eptp, 0) == SUCCEED, "INVEPT of one EPTP");
    ok(invalidate(b, invept, 2, ~0ull, 0) == SUCCEED, "INVEPT of all");
    ok(invalidate(b, invvpid, 4, 1, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVVPID type 4 is error 28");
    ok(invalidate(b, invvpid, 1, 1 << 16 | 1, 0) == ERROR_INVEPT_INVVPID_OPERAND, "reserved bits of the descriptor");
    ok(invalidate(b, invvpid, 0, 0, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVVPID of an address with VPID 0");
    ok(invalidate(b, invvpid, 0, 1, 1ull << 60) == ERROR_INVEPT_INVVPID_OPERAND, "INVVPID of a non-canonical address");
    ok(invalidate(b, invvpid, 1, 0, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVVPID of VPID 0");
    ok(invalidate(b, invvpid, 3, 0, 0) == ERROR_INVEPT_INVVPID_OPERAND, "INVVPID of VPID 0, retaining globals");
    loop_begin("INVVPID succeeds");
    for (unsigned type = 0; type < 4; type++)
        loop_check(invalidate(b, invvpid, type, 1, 0x1000) == SUCCEED, "type %u", type);
    loop_end();
    bench_free(b);
}

static void test_entry_order(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    ok(bench_vmresume(b) == ERROR_VMRESUME_NOT_LAUNCHED, "VMRESUME of a clear VMCS is error 5");
    field_put(b->cpu, "boundary.mov_ss_shadow_step", field(b->cpu, "time.steps"));
    ok(bench_vmlaunch(b) == ERROR_MOV_SS_BLOCKING, "VMLAUNCH with blocking by MOV SS is error 26");
    bench_set(b, CR3_TARGET_COUNT, 5);
    ok(bench_vmlaunch(b) == ERROR_CONTROL_FIELD, "VMLAUNCH with a bad control is error 7");
    bench_set(b, CR3_TARGET_COUNT, 0);
    bench_set(b, HOST_TR_SELECTOR, 0);
    ok(bench_vmlaunch(b) == ERROR_HOST_STATE_FIELD, "VMLAUNCH with bad host state is error 8");
    bench_set(b, HOST_TR_SELECTOR, TSS_SELECTOR);
    bench_set(b, GUEST_RFLAGS, 0);
    field_put(b->cpu, "boundary.monitor_address", AT_DATA);
    ok(bench_enter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE) &&
           field(b->cpu, "boundary.monitor_address") == MWAIT_UNARMED,
       "VMLAUNCH with bad guest state: a VM exit, and address-range monitoring is cleared");
    bench_set(b, GUEST_RFLAGS, 2);
    bench_guest(b, "0f a2");
    ok(bench_enter(b, 5) == EXIT_CPUID, "VMLAUNCH enters, CPUID exits");
    ok(bench_vmlaunch(b) == ERROR_VMLAUNCH_NOT_CLEAR, "VMLAUNCH of a launched VMCS is error 4");
    ok(bench_reenter(b, 5) == EXIT_CPUID, "VMRESUME enters");
    ok(bench_vmclear(b, AT_VMCS) == SUCCEED && bench_vmptrld(b, AT_VMCS) == SUCCEED, "VMCLEAR and VMPTRLD again");
    ok(bench_vmresume(b) == ERROR_VMRESUME_NOT_LAUNCHED, "VMCLEAR made the launch state clear");
    bench_free(b);
}

// Table 30-1, errors 6 and 4: a VMCS that was not cleared before VMXOFF.
static void test_entry_after_vmxoff(void) {
    for (unsigned more = 0; more < 2 * VMCS_SLOTS; more += VMCS_SLOTS) {
        enum { AT = 0x100000 };
        struct bench *b = bench_new("server");
        bench_prepare(b);
        bench_guest(b, "0f a2");
        ok(bench_enter(b, 5) == EXIT_CPUID && bench_reenter(b, 5) == EXIT_CPUID, "VMLAUNCH and VMRESUME");
        for (unsigned i = 0; i < more; i++) { // until the region holds the launch state
            bench_store(b, AT + 4096 * i, 4, VMCS_REVISION);
            if (bench_vmptrld(b, AT + 4096 * i) != SUCCEED) bail("VMCS %u", i);
        }
        ok(bench_vmptrld(b, AT_VMCS) == SUCCEED && bench_reenter(b, 5) == EXIT_CPUID, "VMRESUME after %u other VMCSs",
           more);
        for (unsigned i = 0; i < more; i++)
            if (bench_vmptrld(b, AT + 4096 * i) != SUCCEED) bail("VMCS %u", i);
        bool again = bench_vmx_instruction(b, "0f 01 c4") == SUCCEED && bench_vmxon(b, AT_VMXON) == SUCCEED &&
                     bench_vmptrld(b, AT_VMCS) == SUCCEED;
        ok(again && bench_vmresume(b) == ERROR_VMRESUME_AFTER_VMXOFF, "after VMXOFF and VMXON VMRESUME is error 6");
        ok(bench_vmlaunch(b) == ERROR_VMLAUNCH_NOT_CLEAR, "and VMLAUNCH error 4");
        ok(bench_vmclear(b, AT_VMCS) == SUCCEED && bench_vmptrld(b, AT_VMCS) == SUCCEED &&
               bench_enter(b, 5) == EXIT_CPUID && bench_reenter(b, 5) == EXIT_CPUID,
           "after VMCLEAR all is well");
        bench_free(b);
    }
}

static void test_without_vmx(void) {
    struct bench *b = bench_new("server,-vmx");
    uint64_t value = 0;
    ok(bench_vmxon(b, AT_VMXON) == FAULTED_UD, "a model without VMX has no VMXON");
    ok(!capability_msr_read(b->cpu, 0x480, &value), "and no capability MSRs");
    bench_free(b);
}

int main(void) {
    test_vmxon();
    test_pointers();
    test_many();
    test_fields();
    test_invalidations();
    test_entry_order();
    test_entry_after_vmxoff();
    test_without_vmx();
    return done_testing();
}
