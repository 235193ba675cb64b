// The capability MSRs agree with each other and with the rows. SDM Vol. 3D, Appendix A.
#include "cpu/system/msr.h"
#include "tests/vmx/bench.h"
#include <stdio.h>
#include <string.h>

static uint64_t msr(struct bench *b, uint32_t index) {
    uint64_t v = 0;
    if (!capability_msr_read(b->cpu, index, &v)) bail("MSR %x", index);
    return v;
}

static void test_controls(struct bench *b) {
    static const struct {
        uint32_t plain, precise;
        uint64_t default1;
        const char *name;
    } groups[] = {
        {0x481, 0x48d, 0x16, "pin-based"},
        {0x482, 0x48e, 0x0401e172, "primary"},
        {0x483, 0x48f, 0x00036dff, "exit"},
        {0x484, 0x490, 0x000011ff, "entry"},
    };
    for (unsigned i = 0; i < 4; i++) {
        uint64_t plain = msr(b, groups[i].plain), precise = msr(b, groups[i].precise);
        ok((plain & groups[i].default1) == groups[i].default1, "%s: the default1 class is fixed to 1", groups[i].name);
        ok((plain & ~precise & UINT32_MAX) == (groups[i].default1 & ~precise), "%s: TRUE differs only there",
           groups[i].name);
        ok(plain >> 32 == precise >> 32, "%s: the same allowed 1-settings", groups[i].name);
        ok(!(precise & ~(precise >> 32) & UINT32_MAX), "%s: what must be 1 may be 1", groups[i].name);
    }
    ok((msr(b, 0x48b) & UINT32_MAX) == 0, "secondary controls may all be 0");
    ok(msr(b, 0x48e) >> 63, "secondary controls can be activated");
}

static void test_others(struct bench *b) {
    uint64_t basic = msr(b, 0x480), misc = msr(b, 0x485), cap = msr(b, 0x48c), v;
    ok((basic & 0x7fffffff) == VMCS_REVISION && !(basic & BIT(31)), "revision identifier");
    ok((basic >> 32 & 0x1fff) == 4096, "region size");
    ok(!(basic & BIT(48)) && (basic >> 50 & 15) == 6 && basic & BIT(54) && basic & BIT(55),
       "write-back, INS/OUTS, TRUE MSRs");
    ok(misc & BIT(5) && misc & BIT(6) && (misc >> 16 & 511) == 4, "EFER.LMA store, HLT, four CR3 targets");
    ok((cap & (BIT(6) | BIT(14) | BIT(20) | BIT(25) | BIT(26))) == (BIT(6) | BIT(14) | BIT(20) | BIT(25) | BIT(26)),
       "EPT as Linux wants it");
    ok((msr(b, 0x486) & ~msr(b, 0x487)) == 0 && (msr(b, 0x488) & ~msr(b, 0x489)) == 0, "fixed bits");
    ok(msr(b, 0x491) == 1, "IA32_VMX_VMFUNC: EPTP switching");
    ok(!capability_msr_write(b->cpu, 0x480, 0), "capability MSRs cannot be written");
    unsigned highest = 0;
    bench_prepare(b);
    for (unsigned e = 0; e < 0x8000; e++)
        if (bench_vmread(b, e, &v) == SUCCEED && (e >> 1 & 511) > highest) highest = e >> 1 & 511;
    ok(msr(b, 0x48a) == highest << 1, "IA32_VMX_VMCS_ENUM is the highest index that VMREAD accepts (%u)", highest);
}

static void test_feature_control(void) {
    struct bench *b = bench_new("server");
    field_put(b->cpu, "msr.feature_control", 0);
    ok(!capability_msr_write(b->cpu, 0x3a, 1 << 8), "reserved bits of IA32_FEATURE_CONTROL");
    ok(capability_msr_write(b->cpu, 0x3a, 5) && field(b->cpu, "msr.feature_control") == 5, "lock with VMX outside SMX");
    ok(!capability_msr_write(b->cpu, 0x3a, 0), "once locked it cannot be written");
    bench_free(b);
}

// IA32_EFER has the bits that go with features.
static void test_efer(void) {
    static const struct {
        const char *model;
        uint64_t refused;
    } rows[] = {{"server", 0},
                {"server,-syscall", EFER_SCE},
                {"server,-nx", EFER_NXE},
                {"server,-nx,-syscall", EFER_NXE | EFER_SCE},
                {"server,-lm", EFER_SCE | EFER_LME}};
    struct msr_refusal refusal;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench *b = bench_new(rows[i].model);
        field_put(b->cpu, "control.cr0", CR0_PE);
        field_put(b->cpu, "control.efer", 0);
        bool refused = msr_refuses(b->cpu, 0xc0000080, true, EFER_SCE | EFER_LME | EFER_NXE, &refusal);
        ok(refused == (rows[i].refused != 0) && (!refused || refusal.bits == rows[i].refused), "%s: refuses %llx",
           rows[i].model, (unsigned long long)rows[i].refused);
        ok(!msr_refuses(b->cpu, 0xc0000080, true, (EFER_SCE | EFER_LME | EFER_NXE) & ~rows[i].refused, &refusal),
           "and nothing else");
        bench_free(b);
    }
    struct bench *b = bench_new("server,-nx,-lm");
    ok(msr_refuses(b->cpu, 0xc0000080, false, 0, &refusal) && !refusal.name, "without both there is none");
    bench_free(b);
    b = bench_new("server"); // which has no local APIC
    ok(msr_refuses(b->cpu, 0x1b, false, 0, &refusal) && !refusal.bits && !refusal.name &&
           strstr(refusal.rule, "no such"),
       "no such MSR");
    bench_free(b);
}

static void test_timer_rate(void) {
    char text[64];
    struct cpu_model model;
    loop_begin("bits 4:0 of IA32_VMX_MISC are the rate that the model has, 0 to 31");
    for (unsigned rate = 0; rate < 100; rate++) {
        snprintf(text, sizeof text, "server,preemption_timer_rate=%u", rate);
        bool taken = cpu_model_parse(text, &model, (char[200]){0}, 200);
        loop_check(taken == (rate < 32), "%s", text);
        if (!taken) continue;
        struct bench *b = bench_new(text);
        loop_check((msr(b, 0x485) & 31) == rate, "%s: %llx", text, (unsigned long long)msr(b, 0x485));
        bench_free(b);
    }
    static const char *const refused[] = {"", "-1", "007", "1x", "x", " 1"};
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, "server,preemption_timer_rate=%s", refused[i]);
        loop_check(!cpu_model_parse(text, &model, (char[200]){0}, 200), "%s", text);
    }
    loop_end();
}

int main(void) {
    struct bench *b = bench_new("server");
    test_controls(b);
    test_others(b);
    bench_free(b);
    test_feature_control();
    test_efer();
    test_timer_rate();
    return done_testing();
}
