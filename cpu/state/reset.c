// Power-up, RESET and INIT. SDM Vol. 3A, 9.1.1, Table 9-1; 10.4.7.3 (INIT and the local APIC); 8.4 (multiple
// processors).
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
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
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->debugctl = 0;
    cpu->pending_debug = 0;
}

// What RESET does and INIT does not.
static void reset_power(struct cpu *cpu) {
    memset(cpu->vector, 0, sizeof cpu->vector);
    memset(cpu->opmask, 0, sizeof cpu->opmask);
    memset(&cpu->x87, 0, sizeof cpu->x87);
    cpu->x87.control = 0x40;
    cpu->mxcsr = 0x1f80;
    cpu->xcr0 = 1;
    cpu->xss = 0;
    cpu->pkru = 0;
    cpu->star = cpu->lstar = cpu->cstar = cpu->sfmask = cpu->kernel_gs_base = cpu->tsc_aux = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->pat = 0x0007040600070406;
    cpu->misc_enable = BIT(0) | BIT(11) | BIT(12); // fast strings; no BTS, no PEBS
    if (cpu_model_has(cpu->model, FEATURE_MONITOR)) cpu->misc_enable |= MISC_ENABLE_MONITOR;
    cpu->spec_ctrl = cpu->feature_control = cpu->power_ctl = 0;
    cpu->tsc_adjust = 0;
    cpu->tsc_base = 0 - (cpu->steps + cpu->idle_cycles);
    cpu->mtrr_def_type = 0;
    memset(cpu->mtrr_fixed, 0, sizeof cpu->mtrr_fixed);
    memset(cpu->mtrr_base, 0, sizeof cpu->mtrr_base);
    memset(cpu->mtrr_mask, 0, sizeof cpu->mtrr_mask);
    cpu->mcg_status = 0;
    cpu->bios_sign_id = 0;
}

static bool bootstrap_processor(struct cpu *cpu) {
    enum { APIC_BASE = 0x1b, BSP = 1 << 8 };
    uint64_t base = BSP;
    const struct platform *p = cpu->platform;
    if (p && p->msr_read) (void)p->msr_read(p->machine, cpu, APIC_BASE, &base);
    return base & BSP;
}

void cpu_reset(struct cpu *cpu, bool init) {
    if (cpu->extension && cpu->extension->reset) cpu->extension->reset(cpu, init);
    uint64_t caches = init ? cpu->cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW;
    if (!init) reset_power(cpu);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[RDX] = cpu->model->signature;
    cpu->rip = 0xfff0;
    flags_set(&cpu->flags, 0);
    cpu->rflags = BIT(1);
    cpu->cr0 = CR0_ET | caches;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    memset(cpu->pdpte, 0, sizeof cpu->pdpte);
    cpu->efer = 0;
    reset_segments(cpu);
    reset_debug(cpu);
    cpu->activity = bootstrap_processor(cpu) ? ACTIVITY_ACTIVE : ACTIVITY_WAIT_FOR_SIPI;
    cpu->pending &= PENDING_INTR;
    cpu->sti_shadow_step = cpu->mov_ss_shadow_step = UINT64_MAX;
    cpu->nmi_blocked = 0;
    cpu_monitor_clear(cpu);
    cpu->delivering_valid = false;
    cpu->trap = 0;
    cpu->attention |= ATTENTION_EVENT;
    tlb_reset(cpu);
    cpu_update_mode(cpu);
}
