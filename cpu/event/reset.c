// Power-up, RESET and INIT. SDM Vol. 3A, 9.1.1, Table 9-1; 10.4.7.3 (INIT and the local APIC); 8.4 (multiple
// processors).
#include "cpu/state/cpu.h"
#include "cpu/counters/counters.h"
#include "cpu/state/model.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"
#include "cpu/memory/tlb.h"
#include <string.h>

enum { RIGHTS_DATA = 0x93, RIGHTS_LDT = 0x82, RIGHTS_TSS_BUSY = 0x8b, LIMIT_64K = 0xffff };

static void reset_segments(struct cpu *cpu) {
    for (unsigned i = ES; i <= GS; i++) {
        cpu->segment[i] = (struct segment){LIMIT_64K, RIGHTS_DATA, 0};
        cpu->segment_base[i] = 0;
    }
    cpu->segment[CS].selector = 0xf000;
    cpu->segment_base[CS] = 0xffff0000;
    cpu->segment[LDTR] = (struct segment){LIMIT_64K, RIGHTS_LDT, 0};
    cpu->segment[TR] = (struct segment){LIMIT_64K, RIGHTS_TSS_BUSY, 0};
    cpu->segment_base[LDTR] = cpu->segment_base[TR] = 0;
    cpu->gdtr = cpu->idtr = (struct descriptor_table){0, LIMIT_64K};
}

static void reset_debug(struct cpu *cpu) {
    memset(cpu->control.dr, 0, sizeof cpu->control.dr);
    cpu->control.dr[6] = 0xffff0ff0;
    cpu->control.dr[7] = 0x400;
    cpu->msr.debugctl = 0;
    cpu->boundary.pending_debug = 0;
}

// What RESET does and INIT does not.
static void reset_power(struct cpu *cpu) {
    memset(cpu->fpu.vector, 0, sizeof cpu->fpu.vector);
    memset(cpu->fpu.opmask, 0, sizeof cpu->fpu.opmask);
    memset(&cpu->fpu.x87, 0, sizeof cpu->fpu.x87);
    cpu->fpu.x87.control = 0x40;
    cpu->fpu.mxcsr = 0x1f80;
    cpu->control.xcr0 = 1;
    cpu->msr.xss = 0;
    cpu->control.pkru = 0;
    cpu->msr.star = cpu->msr.lstar = cpu->msr.cstar = cpu->msr.sfmask = cpu->msr.kernel_gs_base = cpu->msr.tsc_aux = 0;
    cpu->msr.sysenter_cs = cpu->msr.sysenter_esp = cpu->msr.sysenter_eip = 0;
    cpu->msr.pat = 0x0007040600070406;
    cpu->msr.misc_enable = BIT(0) | BIT(11) | BIT(12); // fast strings; no BTS, no PEBS
    if (cpu_model_has(cpu->wire.model, FEATURE_MONITOR)) cpu->msr.misc_enable |= MISC_ENABLE_MONITOR;
    if (cpu_model_has(cpu->wire.model, FEATURE_EIST)) cpu->msr.misc_enable |= MISC_ENABLE_EIST;
    if (cpu_model_has(cpu->wire.model, FEATURE_PMU)) cpu->msr.misc_enable |= MISC_ENABLE_PERFMON;
    cpu->msr.perf_ctl = cpu_model_ratio(cpu->wire.model) << PERF_RATIO_SHIFT;
    cpu->msr.misc_features_enables = 0;
    cpu->msr.spec_ctrl = cpu->msr.feature_control = cpu->msr.power_ctl = 0;
    cpu->msr.tsc_adjust = 0;
    cpu->time.tsc_base = 0 - cpu_cycles_now(cpu);
    cpu->msr.mtrr_def_type = 0;
    memset(cpu->msr.mtrr_fixed, 0, sizeof cpu->msr.mtrr_fixed);
    memset(cpu->msr.mtrr_base, 0, sizeof cpu->msr.mtrr_base);
    memset(cpu->msr.mtrr_mask, 0, sizeof cpu->msr.mtrr_mask);
    cpu->msr.mcg_status = 0;
    cpu->msr.bios_sign_id = 0;
}

static bool bootstrap_processor(struct cpu *cpu) {
    enum { APIC_BASE = 0x1b, BSP = 1 << 8 };
    uint64_t base = BSP;
    const struct platform *p = cpu->wire.platform;
    if (p && p->msr_read) (void)p->msr_read(p->machine, cpu, APIC_BASE, &base);
    return base & BSP;
}

void cpu_reset(struct cpu *cpu, bool init) {
    if (cpu->wire.extension && cpu->wire.extension->reset) cpu->wire.extension->reset(cpu, init);
    uint64_t caches = init ? cpu->control.cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW;
    if (!init) reset_power(cpu);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[RDX] = cpu->wire.model->signature;
    cpu->rip = 0xfff0;
    flags_set(&cpu->flags, 0);
    cpu->rflags = BIT(1);
    cpu->control.cr0 = CR0_ET | caches;
    cpu->control.cr2 = cpu->control.cr3 = cpu->control.cr4 = 0;
    memset(cpu->control.pdpte, 0, sizeof cpu->control.pdpte);
    cpu->control.efer = 0;
    reset_segments(cpu);
    reset_debug(cpu);
    cpu->boundary.activity = bootstrap_processor(cpu) ? ACTIVITY_ACTIVE : ACTIVITY_WAIT_FOR_SIPI;
    cpu->boundary.pending &= PENDING_INTR;
    cpu->boundary.sti_shadow_step = cpu->boundary.mov_ss_shadow_step = cpu->boundary.held_step = UINT64_MAX;
    cpu->boundary.nmi_blocked = 0;
    cpu_monitor_clear(cpu);
    cpu->attempt.delivering_valid = false;
    cpu->attempt.trap = 0;
    cpu->attention |= ATTENTION_EVENT;
    tlb_reset(cpu);
    cpu_update_mode(cpu);
    performance_reset(cpu, init);
}
