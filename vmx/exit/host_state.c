// Loading host state on VM exit. SDM Vol. 3C, 27.5.
#include "vmx/exit/exit.h"
#include "cpu/counters/counters.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/paging.h"

#define DR7_INITIAL 0x400u

enum { TYPE_DATA = 3, TYPE_CODE = 11, TYPE_TSS = 11 };
#define RIGHTS_FLAT (RIGHTS_S | RIGHTS_P | RIGHTS_G)

// What follows from VM and AC is left to the cpu_update_space that comes after.
void load_rflags(struct cpu *cpu, uint64_t image) {
    cpu->rflags = (cpu->rflags & ~(FLAG_VM | FLAG_AC)) | (image & (FLAG_VM | FLAG_AC));
    cpu_set_rflags(cpu, image);
}

static void load_registers(struct cpu *cpu, const struct vmcs *vmcs, bool host_64) {
    cpu->control.cr0 = (vmcs_get(vmcs, HOST_CR0) & ~CR0_UNCHANGED) | (cpu->control.cr0 & CR0_UNCHANGED);
    cpu->control.cr3 = vmcs_get(vmcs, HOST_CR3) & ~vmx_of(cpu)->capability.physical_reserved;
    cpu->control.cr4 = host_64 ? vmcs_get(vmcs, HOST_CR4) | CR4_PAE : vmcs_get(vmcs, HOST_CR4) & ~CR4_PCIDE;
    cpu->control.dr[7] = DR7_INITIAL;
    cpu->msr.debugctl = 0;
    cpu->msr.sysenter_cs = vmcs_get(vmcs, HOST_SYSENTER_CS);
    cpu->msr.sysenter_esp = vmcs_get(vmcs, HOST_SYSENTER_ESP);
    cpu->msr.sysenter_eip = vmcs_get(vmcs, HOST_SYSENTER_EIP);
    if (vmcs_on(vmcs, EXIT, LOAD_EFER)) cpu->control.efer = vmcs_get(vmcs, HOST_EFER);
    cpu->control.efer = (cpu->control.efer & ~(EFER_LMA | EFER_LME)) | (host_64 ? EFER_LMA | EFER_LME : 0);
    if (vmcs_on(vmcs, EXIT, LOAD_PAT)) cpu->msr.pat = vmcs_get(vmcs, HOST_PAT);
    if (vmcs_on(vmcs, EXIT, LOAD_PERF_GLOBAL_CTRL)) performance_load_global(cpu, vmcs_get(vmcs, HOST_PERF_GLOBAL_CTRL));
    cpu->gpr[RSP] = vmcs_get(vmcs, HOST_RSP);
    cpu->rip = vmcs_get(vmcs, HOST_RIP);
    load_rflags(cpu, BIT(1));
}

static void load_data_segment(struct cpu *cpu, unsigned s, uint64_t selector, uint64_t base) {
    uint64_t rights = selector ? TYPE_DATA | RIGHTS_FLAT | RIGHTS_DB : RIGHTS_UNUSABLE;
    if (s == SS) rights |= RIGHTS_DB;
    cpu->segment[s] = (struct segment){
        .selector = (uint16_t)selector, .limit = selector ? UINT32_MAX : 0, .rights = (uint32_t)rights};
    cpu->segment_base[s] = base;
}

// 27.5.2. An unusable FS or GS keeps its base in 64-bit mode; elsewhere it is undefined: 0.
static void load_segments(struct cpu *cpu, const struct vmcs *vmcs, bool host_64) {
    cpu->segment[CS] =
        (struct segment){.selector = (uint16_t)vmcs_get(vmcs, HOST_CS_SELECTOR),
                         .limit = UINT32_MAX,
                         .rights = (uint32_t)(TYPE_CODE | RIGHTS_FLAT | (host_64 ? RIGHTS_L : RIGHTS_DB))};
    cpu->segment_base[CS] = 0;
    load_data_segment(cpu, SS, vmcs_get(vmcs, HOST_SS_SELECTOR), 0);
    load_data_segment(cpu, DS, vmcs_get(vmcs, HOST_DS_SELECTOR), 0);
    load_data_segment(cpu, ES, vmcs_get(vmcs, HOST_ES_SELECTOR), 0);
    uint64_t fs = vmcs_get(vmcs, HOST_FS_SELECTOR), gs = vmcs_get(vmcs, HOST_GS_SELECTOR);
    load_data_segment(cpu, FS, fs, host_64 || fs ? vmcs_get(vmcs, HOST_FS_BASE) : 0);
    load_data_segment(cpu, GS, gs, host_64 || gs ? vmcs_get(vmcs, HOST_GS_BASE) : 0);
    cpu->segment[TR] = (struct segment){.selector = (uint16_t)vmcs_get(vmcs, HOST_TR_SELECTOR),
                                        .limit = 0x67,
                                        .rights = (uint32_t)(TYPE_TSS | RIGHTS_P)};
    cpu->segment_base[TR] = vmcs_get(vmcs, HOST_TR_BASE);
    cpu->segment[LDTR] = (struct segment){.rights = (uint32_t)RIGHTS_UNUSABLE};
    cpu->segment_base[LDTR] = 0;
    cpu->gdtr = (struct descriptor_table){vmcs_get(vmcs, HOST_GDTR_BASE), UINT16_MAX};
    cpu->idtr = (struct descriptor_table){vmcs_get(vmcs, HOST_IDTR_BASE), UINT16_MAX};
}

// 27.5.5, 27.5.6
static void load_non_register(struct cpu *cpu) {
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu->boundary.sti_shadow_step = cpu->boundary.mov_ss_shadow_step = ~0ull;
    cpu->boundary.pending_debug = 0;
    cpu_pend(cpu, PENDING_DEBUG, false);
    cpu_pend(cpu, PENDING_VMX, false);
    if (cpu->time.vmx_deadline_cycles != ~0ull) cpu->attention |= ATTENTION_MACHINE;
    cpu->time.vmx_deadline_cycles = ~0ull;
    cpu_monitor_clear(cpu);
}

bool load_host_state(struct cpu *cpu) {
    const struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    bool host_64 = vmcs_on(vmcs, EXIT, HOST_ADDRESS_SPACE_SIZE);
    load_registers(cpu, vmcs, host_64);
    load_segments(cpu, vmcs, host_64);
    load_non_register(cpu);
    if (host_64 || !(cpu->control.cr4 & CR4_PAE)) return true;
    bool valid = true;
    enum outcome outcome = paging_load_pdptes(cpu, cpu->control.cr3, cpu->control.pdpte, &valid);
    return outcome == OUT_OK && valid;
}
