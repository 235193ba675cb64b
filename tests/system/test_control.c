// Control registers, debug registers, MSRs and CPUID: SDM Vol. 3A, 2.5, 4.1, 9.8.5; Vol. 3B, 17.2; Vol. 4.
#include "cpu/state/model.h"
#include "cpu/system/msr.h"
#include "cpu/event/control.h"
#include "tests/system/bench.h"
#include "cpu/event/event.h"

#define MOV_CR0_RAX 0x0f, 0x22, 0xc0
#define MOV_CR3_RAX 0x0f, 0x22, 0xd8
#define MOV_CR4_RAX 0x0f, 0x22, 0xe0

static void test_cr0(void) {
    static const struct {
        uint64_t clear, set;
        const char *what;
    } bad[] = {
        {0, BIT(32), "bits above 31"},
        {CR0_PE, 0, "PG without PE"},
        {0, CR0_NW, "NW without CD"},
        {CR0_PG, 0, "PG cleared in 64-bit mode"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            uint64_t old = b.cpu->control.cr0;
            b.cpu->gpr[RAX] = (old & ~bad[i].clear) | bad[i].set;
            RUN(&b, MOV_CR0_RAX);
            ok(bench_faulted(&b, VECTOR_GP, 0) && b.cpu->control.cr0 == old, "MOV CR0: %s: #GP(0)", bad[i].what);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = b.cpu->control.cr0 | CR0_TS | BIT(10);
        RUN(&b, MOV_CR0_RAX);
        ok(b.cpu->control.cr0 & CR0_TS && !(b.cpu->control.cr0 & BIT(10)) && b.cpu->rip == FLAT_CODE + 3,
           "reserved bits of CR0 are ignored");
        RUN(&b, 0x0f, 0x06);
        ok(!(b.cpu->control.cr0 & CR0_TS), "CLTS");
        b.cpu->gpr[RAX] = CR0_EM;
        RUN(&b, 0x0f, 0x01, 0xf0); // lmsw ax
        ok(b.cpu->control.cr0 & CR0_PE && b.cpu->control.cr0 & CR0_EM, "LMSW does not clear PE");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, MOV_CR0_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "MOV CR0 at CPL 3: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0x0f, 0x22, 0xc8);
        ok(bench_vector(&b) == VECTOR_UD, "MOV CR1: #UD at every level");
    }
}

static void test_long_mode_switch(void) {
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->control.cr4 = CR4_PAE;
        b.cpu->control.cr3 = FLAT_PML4;
        b.cpu->control.efer = EFER_LME;
        b.cpu->gpr[RAX] = CR0_PE | CR0_PG;
        RUN(&b, MOV_CR0_RAX);
        ok(b.cpu->control.efer & EFER_LMA && !cpu_64bit(b.cpu) && b.cpu->rip == FLAT_CODE + 3,
           "PG with LME: compatibility mode, LMA set");
        b.cpu->gpr[RAX] = CR0_PE;
        RUN(&b, MOV_CR0_RAX);
        ok(!(b.cpu->control.efer & EFER_LMA) && b.cpu->control.efer & EFER_LME, "and back");
        b.cpu->control.cr4 = 0;
        b.cpu->gpr[RAX] = CR0_PE | CR0_PG;
        RUN(&b, MOV_CR0_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "PG with LME, without PAE: #GP(0)");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->control.cr4 = CR4_PAE;
        b.cpu->control.cr3 = 0x8000;
        flat_poke(&b.f, 0x8000, 0x9000 | 3); // R/W is reserved in a PDPTE
        b.cpu->gpr[RAX] = CR0_PE | CR0_PG;
        RUN(&b, MOV_CR0_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0) && !(b.cpu->control.cr0 & CR0_PG), "a reserved bit in a PDPTE: #GP(0)");
    }
}

static void test_cr3_cr4(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = FLAT_PML4 | BIT(40);
        RUN(&b, MOV_CR3_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "CR3 beyond the physical address width: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = FLAT_PML4 | BIT(63);
        RUN(&b, MOV_CR3_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "CR3 bit 63 without PCIDE: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = b.cpu->control.cr4 | CR4_PCIDE;
        RUN(&b, MOV_CR4_RAX);
        b.cpu->gpr[RAX] = FLAT_PML4 | BIT(63) | 5;
        RUN(&b, MOV_CR3_RAX);
        ok(b.cpu->control.cr3 == (FLAT_PML4 | 5), "CR3 bit 63 with PCIDE is not stored");
        b.cpu->gpr[RAX] = b.cpu->control.cr4 & ~CR4_PCIDE;
        RUN(&b, MOV_CR4_RAX);
        ok(!(b.cpu->control.cr4 & CR4_PCIDE), "PCIDE can be cleared");
        b.cpu->gpr[RAX] = b.cpu->control.cr4 | CR4_PCIDE;
        RUN(&b, MOV_CR4_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "setting PCIDE with CR3[11:0] not 0: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = b.cpu->control.cr4 & ~CR4_PAE;
        RUN(&b, MOV_CR4_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "clearing PAE in IA-32e mode: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = b.cpu->control.cr4 | BIT(15);
        RUN(&b, MOV_CR4_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "a reserved bit of CR4: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = 16;
        RUN(&b, 0x44, 0x0f, 0x22, 0xc0); // mov cr8, rax
        ok(bench_faulted(&b, VECTOR_GP, 0), "CR8 above 15: #GP(0)");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RAX] = CR4_PCIDE;
        RUN(&b, MOV_CR4_RAX);
        ok(bench_faulted(&b, VECTOR_GP, 0), "PCIDE outside IA-32e mode: #GP(0)");
    }
}

static void test_masks(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->intercepts.cr0_mask = CR0_TS | CR0_NE;
        b.cpu->intercepts.cr0_shadow = CR0_TS;
        RUN(&b, 0x0f, 0x20, 0xc0); // mov rax, cr0
        ok(b.cpu->gpr[RAX] == ((b.cpu->control.cr0 & ~CR0_NE) | CR0_TS),
           "reading gives the shadow where the mask is 1, 25.3");
        b.cpu->gpr[RAX] = (b.cpu->control.cr0 & ~CR0_NE) | CR0_TS | CR0_MP;
        uint64_t old = b.cpu->control.cr0;
        RUN(&b, MOV_CR0_RAX);
        ok(b.cpu->control.cr0 == (old | CR0_MP), "writing leaves the bits that the mask owns");
    }
}

static void test_dr(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = 0xffffffff;
        RUN(&b, 0x0f, 0x23, 0xf0); // mov dr6, rax
        ok(b.cpu->control.dr[6] == 0xffffeff0 + 0xf, "DR6: fixed ones, bit 12 is 0");
        b.cpu->gpr[RAX] = 0xffffffff & ~BIT(13);
        RUN(&b, 0x0f, 0x23, 0xf8);
        ok(b.cpu->control.dr[7] == 0xffff07ff, "DR7: bit 10 is 1, 11, 12, 14, 15 are 0");
        RUN(&b, 0x0f, 0x21, 0xe3); // mov rbx, dr4
        ok(b.cpu->gpr[RBX] == b.cpu->control.dr[6], "DR4 stands for DR6");
        b.cpu->gpr[RAX] = BIT(32);
        RUN(&b, 0x0f, 0x23, 0xf8);
        ok(bench_faulted(&b, VECTOR_GP, 0), "DR7 above 31 bits: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.cr4 |= CR4_DE;
        RUN(&b, 0x0f, 0x21, 0xe3);
        ok(bench_vector(&b) == VECTOR_UD, "DR4 with CR4.DE: #UD");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[7] |= BIT(13);
        RUN(&b, 0x0f, 0x21, 0xc3);
        ok(bench_vector(&b) == VECTOR_DB && b.cpu->control.dr[6] & DEBUG_BD && !(b.cpu->control.dr[7] & BIT(13)),
           "DR7.GD: #DB with BD");
    }
}

// --- MSRs ---

static bool wrmsr(struct bench *b, uint32_t index, uint64_t value) {
    return msr_write(b->cpu, NULL, index, value) == OUT_OK;
}
static uint64_t rdmsr(struct bench *b, uint32_t index) {
    uint64_t value = 0xbadbadbad;
    enum outcome outcome = msr_read(b->cpu, NULL, index, &value);
    return outcome == OUT_OK ? value : 0xbadbadbad;
}

static void test_msr(void) {
    static const struct {
        uint32_t index;
        uint64_t good, bad;
        const char *name;
    } rows[] = {
        {0xc0000080, EFER_SCE | EFER_LME | EFER_NXE, BIT(2), "IA32_EFER"},
        {0xc0000082, 0xffff800000000000, 0x800000000000, "IA32_LSTAR"},
        {0xc0000100, 0x7fffffffffff, 0xffff000000000000, "IA32_FS_BASE"},
        {0x140, 1, 2, "MSR_MISC_FEATURES_ENABLES"},
        {0x199, BIT(32) | 0xa00, BIT(33), "IA32_PERF_CTL"},
        {0xc0000103, 0xffffffff, BIT(32), "IA32_TSC_AUX"},
        {0x277, 0x0007010600070406, 0x0007020600070406, "IA32_PAT"},
        {0x2ff, 0xc06, 0xc02, "IA32_MTRR_DEF_TYPE"},
        {0x200, 0xff80000006, 0xff80000002, "IA32_MTRR_PHYSBASE0"},
        {0x201, 0xff80000800, BIT(40), "IA32_MTRR_PHYSMASK0"},
        {0x250, 0x0606060606060606, 0x0606060606060602, "IA32_MTRR_FIX64K_00000"},
        {0x176, 0xffff800000000000, 0x800000000000, "IA32_SYSENTER_EIP"},
        {0x48, 5, BIT(5), "IA32_SPEC_CTRL"},
        {0x49, 1, 2, "IA32_PRED_CMD"},
        {0x1d9, 3, BIT(5), "IA32_DEBUGCTL"},
        {0xda0, 0, 1, "IA32_XSS"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            bool good = wrmsr(&b, rows[i].index, rows[i].good);
            bool bad = wrmsr(&b, rows[i].index, rows[i].bad);
            bool same =
                rows[i].index == 0x49 || rows[i].index == 0xc0000080 || rdmsr(&b, rows[i].index) == rows[i].good;
            ok(good && !bad && same, "%s takes %llx and refuses %llx", rows[i].name, (unsigned long long)rows[i].good,
               (unsigned long long)rows[i].bad);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        ok(!wrmsr(&b, 0xc0000080, EFER_SCE | EFER_NXE), "EFER.LME cannot change while paging is on");
        ok(wrmsr(&b, 0xc0000080, EFER_LME) && b.cpu->control.efer == (EFER_LME | EFER_LMA),
           "EFER.LMA cannot be written");
        ok(rdmsr(&b, 0x12345) == 0xbadbadbad && !wrmsr(&b, 0x12345, 0), "an unknown MSR: #GP(0)");
        ok(!wrmsr(&b, 0xfe, 0) && rdmsr(&b, 0x49) == 0xbadbadbad, "read-only and write-only MSRs: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RCX] = 0x12345;
        RUN(&b, 0x0f, 0x32);
        ok(bench_faulted(&b, VECTOR_GP, 0), "RDMSR of it too");
    }
}

static void test_tsc(void) {
    WITH(b, bench_long(&b, 0)) {
        RUN_STEPS(&b, 4, 0x90, 0x90, 0x90, 0x0f, 0x31);
        ok(b.cpu->gpr[RAX] == 3 && b.cpu->gpr[RDX] == 0, "RDTSC after three instructions");
        ok(wrmsr(&b, 0x10, 1000000) && rdmsr(&b, 0x10) == 1000000 && rdmsr(&b, 0x3b) == 1000000 - 4,
           "writing the TSC shows in TSC_ADJUST");
        ok(wrmsr(&b, 0x3b, 0) && rdmsr(&b, 0x10) == 4, "and TSC_ADJUST moves the TSC, Vol. 3B, 17.17.3");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->control.cr4 |= CR4_TSD;
        RUN(&b, 0x0f, 0x31);
        ok(bench_faulted(&b, VECTOR_GP, 0), "RDTSC at CPL 3 with CR4.TSD: #GP(0)");
    }
}

static void test_cpuid_faulting(void) {
    for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
        WITH(b, bench_long(&b, cpl)) {
            const uint64_t has_faulting = BIT(31);
            bool on = rdmsr(&b, 0xce) & has_faulting && wrmsr(&b, 0x140, 1);
            RUN(&b, 0x0f, 0xa2);
            ok(on && bench_faulted(&b, VECTOR_GP, 0) == (cpl == 3), "CPUID faulting, CPL %u", cpl);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        ok(rdmsr(&b, 0x198) == rdmsr(&b, 0x199) && wrmsr(&b, 0x199, 0x500) && rdmsr(&b, 0x198) == 0xa00,
           "IA32_PERF_STATUS: the one ratio that there is");
        ok(wrmsr(&b, 0xc0000084, ~0ull) && rdmsr(&b, 0xc0000084) == ~0ull, "IA32_FMASK takes all bits");
    }
}

// --- CPUID ---

static void test_cpuid(void) {
    WITH(b, bench_long(&b, 0)) {
        loop_begin("CPUID has the bits of the model's features");
        static const struct {
            const char *text;
            uint32_t leaf, subleaf;
            uint8_t reg, bit;
        } rows[] = {
#define FEATURE(name, leaf, subleaf, reg, bit, text) {text, leaf, subleaf, reg, bit},
#include "cpu/state/feature.def"
#undef FEATURE
        };
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct cpuid_result r = cpuid(b.cpu, rows[i].leaf, rows[i].subleaf);
            uint32_t word = rows[i].reg == EAX   ? r.eax
                            : rows[i].reg == EBX ? r.ebx
                            : rows[i].reg == ECX ? r.ecx
                                                 : r.edx;
            bool apic = !strcmp(rows[i].text, "apic"); // follows IA32_APIC_BASE, which is 0 here
            loop_check((word >> rows[i].bit & 1) == (!apic && b.cpu->wire.model->features[i + 1]), "%s", rows[i].text);
        }
        loop_end();
        struct cpuid_result r = cpuid(b.cpu, 0, 0);
        ok(r.eax == 0x1c && !memcmp(&r.ebx, "Genu", 4) && !memcmp(&r.edx, "ineI", 4) && !memcmp(&r.ecx, "ntel", 4),
           "leaf 0");
        r = cpuid(b.cpu, 0x15, 0);
        ok((uint64_t)r.ecx * r.ebx / r.eax == b.cpu->wire.model->tsc_hz, "leaf 15H gives the TSC's frequency");
        r = cpuid(b.cpu, 0xd, 0);
        ok(r.eax == 0x203 && r.ebx == 576 && r.ecx == 2696, "leaf 0DH: x87, SSE and PKRU state");
        ok(!(cpuid(b.cpu, 1, 0).ecx >> 27 & 1), "OSXSAVE follows CR4");
        b.cpu->control.cr4 |= CR4_OSXSAVE;
        ok(cpuid(b.cpu, 1, 0).ecx >> 27 & 1, "when it is set");
        ok(cpuid(b.cpu, 0x80000008, 0).eax == (48 << 8 | 40), "address sizes");
        struct cpuid_result beyond = cpuid(b.cpu, 0x1234, 0), highest = cpuid(b.cpu, 0x1c, 0);
        ok(!memcmp(&beyond, &highest, sizeof beyond), "a leaf too high answers like the highest");
    }
    WITH(b, bench_compatibility(&b)) {
        ok(!(cpuid(b.cpu, 0x80000001, 0).edx >> 11 & 1), "SYSCALL is enumerated in 64-bit mode only");
    }
}

static void test_models(void) {
    struct cpu_model m;
    char error[200];
    ok(cpu_model_parse("x86-64-v2", &m, error, sizeof error) && m.features[FEATURE_SSE42] && !m.features[FEATURE_VMX],
       "x86-64-v2");
    ok(cpu_model_parse("server,-vmx,-xsave", &m, error, sizeof error) && !m.features[FEATURE_VMX] &&
           !m.features[FEATURE_XSAVES],
       "a feature goes with what needs it");
    ok(!cpu_model_parse("serverr", &m, error, sizeof error) && strstr(error, "x86-64-v2"), "an unknown model: %s",
       error);
    ok(!cpu_model_parse("server,+avx512", &m, error, sizeof error) && strstr(error, "avx512"), "an unknown feature: %s",
       error);
    ok(!cpu_model_parse("server,+avx2", &m, error, sizeof error) && strstr(error, "not implemented"), "%s", error);
    ok(!cpu_model_parse("server,vmx", &m, error, sizeof error), "%s", error);
    ok(!cpu_model_parse("x86-64-v2,+xsaves", &m, error, sizeof error), "%s", error);
    loop_begin("models are sound");
    for (unsigned i = 0; cpu_model_at(i); i++) {
        const struct cpu_model *at = cpu_model_at(i);
        loop_check(cpu_model_parse(at->name, &m, error, sizeof error), "%s: %s", at->name, error);
        loop_check(strlen(at->brand) < 48 && strlen(at->vendor) == 12, "%s", at->brand);
    }
    loop_end();
}

static void test_reset(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->fpu.vector[3].u64[0] = 5;
        b.cpu->msr.lstar = 5;
        b.cpu->control.cr0 = CR0_PE | CR0_NW | CR0_CD;
        cpu_reset(b.cpu, true);
        ok(b.cpu->rip == 0xfff0 && b.cpu->segment_base[CS] == 0xffff0000 && b.cpu->control.cr0 == 0x60000010 &&
               cpu_real(b.cpu),
           "INIT");
        ok(b.cpu->fpu.vector[3].u64[0] == 5 && b.cpu->msr.lstar == 5, "leaves XMM registers and LSTAR");
        ok(b.cpu->gpr[RDX] == b.cpu->wire.model->signature && b.cpu->control.dr[6] == 0xffff0ff0 &&
               b.cpu->control.dr[7] == 0x400,
           "EDX, DR6, DR7");
        cpu_reset(b.cpu, false);
        ok(b.cpu->fpu.vector[3].u64[0] == 0 && b.cpu->msr.lstar == 0 && b.cpu->fpu.mxcsr == 0x1f80 &&
               b.cpu->control.xcr0 == 1 && b.cpu->msr.pat == 0x0007040600070406,
           "RESET does not");
    }
}

static void test_misc_enable(void) {
    enum { MISC_ENABLE = 0x1a0, READ_ONLY = BIT(7) | BIT(11) | BIT(12) };
    WITH(b, bench_long(&b, 0)) {
        uint64_t value = 0, wanted = BIT(34) | BIT(23) | BIT(22) | BIT(18) | BIT(16) | BIT(3) | BIT(0);
        ok(msr_write(b.cpu, NULL, MISC_ENABLE, wanted) == OUT_OK &&
               msr_read(b.cpu, NULL, MISC_ENABLE, &value) == OUT_OK && value == (wanted | READ_ONLY),
           "IA32_MISC_ENABLE: the writable bits of Vol. 4, Table 2-2");
        ok(!(cpuid(b.cpu, 0x80000001, 0).edx & BIT(20)), "XD disabled: CPUID does not list NX");
        ok(msr_write(b.cpu, NULL, MISC_ENABLE, BIT(1)) == OUT_FAULT, "a reserved bit: #GP");
    }
}

// Of each member that holds an MSR: after RESET it is as after power-up, whatever it was. A new one is easily
// forgotten.
static void test_reset_of_msrs(void) {
    static const struct {
        const char *name;
        size_t offset, bytes;
    } rows[] = {
#define MSR(type, name, greatest)                                                                                      \
    {#name, offsetof(struct model_specific_registers, name), sizeof(((struct model_specific_registers *)0)->name)},
#define MSR_ARRAY(type, name, count, greatest) MSR(type, name, greatest)
#include "cpu/state/member.def"
    };
    loop_begin("RESET leaves no MSR as it was");
    WITH(b, bench_long(&b, 0)) {
        cpu_reset(b.cpu, false);
        const struct model_specific_registers fresh = b.cpu->msr;
        memset(&b.cpu->msr, 0x5a, sizeof b.cpu->msr);
        cpu_reset(b.cpu, false);
        const uint8_t *is = (const uint8_t *)&b.cpu->msr, *was = (const uint8_t *)&fresh;
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
            loop_check(!memcmp(is + rows[i].offset, was + rows[i].offset, rows[i].bytes), "%s", rows[i].name);
        loop_end();
    }
}

int main(void) {
    test_cr0();
    test_long_mode_switch();
    test_cr3_cr4();
    test_masks();
    test_dr();
    test_msr();
    test_tsc();
    test_cpuid_faulting();
    test_cpuid();
    test_models();
    test_reset();
    test_reset_of_msrs();
    test_misc_enable();
    return done_testing();
}
