// Instructions that cause VM exits, or behave otherwise, in VMX non-root operation. SDM Vol. 3C, 25.1, 25.3, 27.2.1.
// The arguments of each check are described in cpu/state/intercept.h.
#include "vmx/vmcs/vmcs.h"

static const struct vmcs *current(const struct cpu *cpu) { return vmx_of(cpu)->vmcs; }

static uint64_t linear_of_mode(const struct cpu *cpu, uint64_t linear) {
    return cpu_64bit(cpu) ? linear : (uint32_t)linear;
}

// --- exits without more conditions than the control that enabled the check ---

static const uint8_t plain_reason[64] = {
    [ICEPT_HLT] = EXIT_HLT,         [ICEPT_CPUID] = EXIT_CPUID,   [ICEPT_INVD] = EXIT_INVD,
    [ICEPT_WBINVD] = EXIT_WBINVD,   [ICEPT_RDTSC] = EXIT_RDTSC,   [ICEPT_RDPMC] = EXIT_RDPMC,
    [ICEPT_MONITOR] = EXIT_MONITOR, [ICEPT_GETSEC] = EXIT_GETSEC, [ICEPT_XSETBV] = EXIT_XSETBV,
    [ICEPT_RSM] = EXIT_RSM,
};

// --- control registers, Table 27-3 ---

enum {
    ACCESS_TO_CR = 0 << 4,
    ACCESS_FROM_CR = 1 << 4,
    ACCESS_CLTS = 2 << 4,
    ACCESS_LMSW = 3 << 4,
    LMSW_MEMORY = 1 << 6
};
enum { QUALIFICATION_GPR = 8, LMSW_SOURCE = 16 };

static bool cr3_is_target(const struct vmcs *vmcs, uint64_t value) {
    uint64_t count = vmcs_get(vmcs, CR3_TARGET_COUNT);
    for (unsigned i = 0; i < count && i < CR3_TARGETS; i++)
        if (vmcs->field[FIELD_CR3_TARGET0 + i] == value) return true;
    return false;
}

static bool cr_write_exits(const struct vmcs *vmcs, unsigned cr, uint64_t value) {
    switch (cr) {
    case 0: return (value ^ vmcs_get(vmcs, CR0_SHADOW)) & vmcs_get(vmcs, CR0_MASK);
    case 3: return vmcs_on(vmcs, PROC, CR3_LOAD_EXITING) && !cr3_is_target(vmcs, value);
    case 4: return (value ^ vmcs_get(vmcs, CR4_SHADOW)) & vmcs_get(vmcs, CR4_MASK);
    case 8: return vmcs_on(vmcs, PROC, CR8_LOAD_EXITING);
    default: return false;
    }
}

static enum outcome check_cr_write(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t value) {
    unsigned cr = a & 15, gpr = a >> 8 & 15;
    if (!cr_write_exits(current(cpu), cr, value)) return OUT_OK;
    return exit_for(cpu, op, EXIT_CR_ACCESS, cr | ACCESS_TO_CR | gpr << QUALIFICATION_GPR);
}

static enum outcome check_cr_read(struct cpu *cpu, const struct op *op, uint64_t cr, uint64_t gpr) {
    const struct vmcs *vmcs = current(cpu);
    bool exits = cr == 3 ? vmcs_on(vmcs, PROC, CR3_STORE_EXITING) : cr == 8 && vmcs_on(vmcs, PROC, CR8_STORE_EXITING);
    if (!exits) return OUT_OK;
    return exit_for(cpu, op, EXIT_CR_ACCESS, cr | ACCESS_FROM_CR | gpr << QUALIFICATION_GPR);
}

static enum outcome check_clts(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)a, (void)b;
    const struct vmcs *vmcs = current(cpu);
    if (!(vmcs_get(vmcs, CR0_MASK) & vmcs_get(vmcs, CR0_SHADOW) & CR0_TS)) return OUT_OK;
    return exit_for(cpu, op, EXIT_CR_ACCESS, ACCESS_CLTS);
}

// LMSW never clears CR0.PE: a 0 for PE does not differ from anything.
static enum outcome check_lmsw(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t linear) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t source = a & UINT16_MAX, memory = a >> 16 & 1;
    uint64_t differs = (source ^ vmcs_get(vmx->vmcs, CR0_SHADOW)) & vmcs_get(vmx->vmcs, CR0_MASK) & BITS(3, 0);
    if (!(source & CR0_PE)) differs &= ~CR0_PE;
    if (!differs) return OUT_OK;
    exit_begin(cpu, op, EXIT_CR_ACCESS);
    vmx->exit.qualification = ACCESS_LMSW | (memory ? LMSW_MEMORY : 0) | source << LMSW_SOURCE;
    vmx->exit.has_linear = memory;
    vmx->exit.guest_linear = linear_of_mode(cpu, linear);
    return OUT_VMEXIT;
}

// --- debug registers, Table 27-4 ---

static enum outcome check_dr(struct cpu *cpu, const struct op *op, uint64_t number, uint64_t gpr) {
    return exit_for(cpu, op, EXIT_MOV_DR, number | gpr << QUALIFICATION_GPR);
}

// --- ports, Table 27-5 ---

enum { IO_IN = 3, IO_STRING = 4, IO_REP = 5, IO_IMMEDIATE = 6, IO_PORT = 16 };

// A bit set for any of the ports, or an access that wraps around the I/O address space.
static bool io_exits(struct cpu *cpu, unsigned port, unsigned size) {
    enum { PORTS_A_BITMAP = 0x8000 };
    const struct vmcs *vmcs = current(cpu);
    if (!vmcs_on(vmcs, PROC, USE_IO_BITMAPS)) return true;
    if (port + size - 1 > UINT16_MAX) return true;
    for (unsigned p = port; p < port + size; p++) {
        uint64_t bitmap = p < PORTS_A_BITMAP ? vmcs_get(vmcs, IO_BITMAP_A) : vmcs_get(vmcs, IO_BITMAP_B);
        if (physical_load(cpu, bitmap + p % PORTS_A_BITMAP / 8, 8) >> p % 8 & 1) return true;
    }
    return false;
}

static uint64_t io_qualification(uint64_t a) {
    uint64_t size = a >> 16 & 255, in = a >> 24 & 1, immediate = a >> 25 & 1, rep = a >> 26 & 1;
    return (size - 1) | in << IO_IN | rep << IO_REP | immediate << IO_IMMEDIATE | (a & UINT16_MAX) << IO_PORT;
}

static enum outcome check_io(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)b;
    if (!io_exits(cpu, a & UINT16_MAX, a >> 16 & 255)) return OUT_OK;
    return exit_for(cpu, op, EXIT_IO_INSTRUCTION, io_qualification(a));
}

static enum outcome check_ins_outs(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t linear) {
    struct vmx *vmx = vmx_of(cpu);
    if (!io_exits(cpu, a & UINT16_MAX, a >> 16 & 255)) return OUT_OK;
    exit_begin(cpu, op, EXIT_IO_INSTRUCTION);
    vmx->exit.qualification = io_qualification(a) | BIT(IO_STRING);
    vmx->exit.instruction_information = information_string_io(cpu, op, a >> 24 & 1);
    vmx->exit.has_linear = true;
    vmx->exit.guest_linear = linear_of_mode(cpu, linear);
    return OUT_VMEXIT;
}

// --- MSRs, 24.6.9 ---

enum { BITMAP_READ_LOW = 0x000, BITMAP_READ_HIGH = 0x400, BITMAP_WRITE_LOW = 0x800, BITMAP_WRITE_HIGH = 0xc00 };

static bool msr_exits(struct cpu *cpu, uint32_t index, bool write) {
    const struct vmcs *vmcs = current(cpu);
    if (!vmcs_on(vmcs, PROC, USE_MSR_BITMAPS)) return true;
    bool low = index <= 0x1fff, high = index >= 0xc0000000u && index <= 0xc0001fffu;
    if (!low && !high) return true;
    unsigned n = index & 0x1fff,
             part = low ? (write ? BITMAP_WRITE_LOW : BITMAP_READ_LOW) : (write ? BITMAP_WRITE_HIGH : BITMAP_READ_HIGH);
    return physical_load(cpu, vmcs_get(vmcs, MSR_BITMAPS) + part + n / 8, 8) >> n % 8 & 1;
}

// What the virtual APIC did is done: on to the next instruction.
static enum outcome virtualized(struct cpu *cpu, const struct op *op, enum outcome outcome) {
    if (outcome == OUT_LEAVE) cpu->rip = op_next_rip(cpu, op);
    return outcome;
}

static enum outcome check_rdmsr(struct cpu *cpu, const struct op *op, uint64_t index, uint64_t b) {
    (void)b;
    if (msr_exits(cpu, (uint32_t)index, false)) return exit_for(cpu, op, EXIT_RDMSR, 0);
    return virtualized(cpu, op, virtual_apic_rdmsr(cpu, index));
}

static enum outcome check_wrmsr(struct cpu *cpu, const struct op *op, uint64_t index, uint64_t value) {
    if (msr_exits(cpu, (uint32_t)index, true)) return exit_for(cpu, op, EXIT_WRMSR, 0);
    return virtualized(cpu, op, virtual_apic_wrmsr(cpu, index, value));
}

static enum outcome check_cr8(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t value) {
    (void)op;
    return virtual_apic_cr8(cpu, a, value);
}

// --- descriptor tables, Tables 27-10 and 27-11 ---

enum {
    INFORMATION_OPERAND_32 = 11,
    INFORMATION_IDENTITY = 28,
    INFORMATION_REGISTER = 10,
    INFORMATION_REG1 = 3,
    INFORMATION_REG2 = 28
};

// Outside 64-bit mode the operand size reported is that of the code segment.
static enum outcome check_gdtr_idtr(struct cpu *cpu, const struct op *op, uint64_t identity, uint64_t b) {
    (void)b;
    struct vmx *vmx = vmx_of(cpu);
    exit_begin(cpu, op, EXIT_GDTR_IDTR);
    vmx->exit.qualification = information_displacement(cpu, op);
    vmx->exit.instruction_information = information_memory(cpu, op) | (uint32_t)identity << INFORMATION_IDENTITY;
    if ((cpu->mode & MODE_CODE_MASK) == MODE_CODE_32) vmx->exit.instruction_information |= BIT(INFORMATION_OPERAND_32);
    return OUT_VMEXIT;
}

static enum outcome check_ldtr_tr(struct cpu *cpu, const struct op *op, uint64_t identity, uint64_t b) {
    (void)b;
    struct vmx *vmx = vmx_of(cpu);
    bool memory = information_is_memory(op);
    exit_begin(cpu, op, EXIT_LDTR_TR);
    vmx->exit.qualification = memory ? information_displacement(cpu, op) : 0;
    vmx->exit.instruction_information =
        memory ? information_memory(cpu, op)
               : (uint32_t)(BIT(INFORMATION_REGISTER) | (op->dst / 8u) << INFORMATION_REG1);
    vmx->exit.instruction_information |= (uint32_t)identity << INFORMATION_IDENTITY;
    return OUT_VMEXIT;
}

// --- instructions that are #UD without their "enable" control ---

static enum outcome check_rdtscp(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)a, (void)b;
    if (!vmcs_on(current(cpu), PROC2, ENABLE_RDTSCP)) return cpu_fault_ud(cpu);
    return vmcs_on(current(cpu), PROC, RDTSC_EXITING) ? exit_for(cpu, op, EXIT_RDTSCP, 0) : OUT_OK;
}

static enum outcome check_rdpid(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)op, (void)a, (void)b;
    return vmcs_on(current(cpu), PROC2, ENABLE_RDTSCP) ? OUT_OK : cpu_fault_ud(cpu);
}

// #UD comes before the check of the privilege level, which comes before the exit.
static enum outcome check_invpcid(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)a, (void)b;
    struct vmx *vmx = vmx_of(cpu);
    if (!vmcs_on(vmx->vmcs, PROC2, ENABLE_INVPCID)) return cpu_fault_ud(cpu);
    if (cpu_cpl(cpu) || !vmcs_on(vmx->vmcs, PROC, INVLPG_EXITING)) return OUT_OK;
    exit_begin(cpu, op, EXIT_INVPCID);
    vmx->exit.qualification = information_displacement(cpu, op);
    vmx->exit.instruction_information = information_memory(cpu, op) | (uint32_t)(op->dst / 8) << INFORMATION_REG2;
    return OUT_VMEXIT;
}

static enum outcome check_xss(struct cpu *cpu, const struct op *op, enum exit_reason reason, uint64_t features) {
    struct vmx *vmx = vmx_of(cpu);
    if (!vmcs_on(vmx->vmcs, PROC2, ENABLE_XSAVES)) return cpu_fault_ud(cpu);
    if (cpu_cpl(cpu) || !(features & cpu->msr.xss & vmcs_get(vmx->vmcs, XSS_EXITING_BITMAP))) return OUT_OK;
    exit_begin(cpu, op, reason);
    vmx->exit.qualification = information_displacement(cpu, op);
    vmx->exit.instruction_information = information_memory(cpu, op);
    return OUT_VMEXIT;
}
static enum outcome check_xsaves(struct cpu *cpu, const struct op *op, uint64_t features, uint64_t b) {
    (void)b;
    return check_xss(cpu, op, EXIT_XSAVES, features);
}
static enum outcome check_xrstors(struct cpu *cpu, const struct op *op, uint64_t features, uint64_t b) {
    (void)b;
    return check_xss(cpu, op, EXIT_XRSTORS, features);
}

// --- the rest ---

static enum outcome check_invlpg(struct cpu *cpu, const struct op *op, uint64_t linear, uint64_t b) {
    (void)b;
    return exit_for(cpu, op, EXIT_INVLPG, linear_of_mode(cpu, linear));
}

// Table 27-12
static enum outcome random_exit(struct cpu *cpu, const struct op *op, enum exit_reason reason, uint64_t gpr,
                                uint64_t bytes) {
    exit_begin(cpu, op, reason);
    vmx_of(cpu)->exit.instruction_information = (uint32_t)(gpr << 3 | (bytes == 8 ? 2u : bytes == 4 ? 1u : 0u) << 11);
    return OUT_VMEXIT;
}
static enum outcome check_rdrand(struct cpu *cpu, const struct op *op, uint64_t gpr, uint64_t bytes) {
    return random_exit(cpu, op, EXIT_RDRAND, gpr, bytes);
}
static enum outcome check_rdseed(struct cpu *cpu, const struct op *op, uint64_t gpr, uint64_t bytes) {
    return random_exit(cpu, op, EXIT_RDSEED, gpr, bytes);
}

// 25.1.3, PAUSE-loop exiting: at CPL 0 only, and only if "PAUSE exiting" is 0.
static enum outcome check_pause(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)a, (void)b;
    struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC, PAUSE_EXITING)) return exit_for(cpu, op, EXIT_PAUSE, 0);
    if (cpu_cpl(cpu)) return OUT_OK;
    uint64_t now = cpu_cycles(cpu, op), last = vmx->ple_last;
    vmx->ple_last = now;
    if (!last || now - last > vmcs_get(vmx->vmcs, PLE_GAP))
        vmx->ple_first = now;
    else if (now - vmx->ple_first > vmcs_get(vmx->vmcs, PLE_WINDOW))
        return exit_for(cpu, op, EXIT_PAUSE, 0);
    return OUT_OK;
}

// 25.3: MWAIT for interrupts that are masked does not wait while one could come at once: as if nothing were monitored.
static enum outcome check_mwait(struct cpu *cpu, const struct op *op, uint64_t armed, uint64_t b) {
    (void)b;
    const uint64_t masked_interrupts = BIT(0);
    const struct vmx *vmx = vmx_of(cpu);
    if (vmcs_on(vmx->vmcs, PROC, MWAIT_EXITING)) return exit_for(cpu, op, EXIT_MWAIT, armed);
    bool waits = vmcs_on(vmx->vmcs, PROC, INTERRUPT_WINDOW_EXITING) || vmx->virtual_interrupt;
    if (waits && !(cpu->rflags & FLAG_IF) && (uint32_t)cpu->gpr[RCX] == masked_interrupts) cpu_monitor_clear(cpu);
    return OUT_OK;
}

// 25.3: IRET removes blocking by NMI when NMIs do not exit, virtual-NMI blocking when that is tracked, or none.
static enum outcome check_iret(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b) {
    (void)a, (void)b;
    struct vmx *vmx = vmx_of(cpu);
    bool virtual = cpu->intercepts.virtual_nmis, tracks = virtual || !vmcs_on(vmx->vmcs, PIN, NMI_EXITING);
    if (!tracks || !(virtual ? vmx->virtual_nmi_blocked : cpu->boundary.nmi_blocked)) return OUT_OK;
    vmx->virtual_nmi_blocked = cpu->boundary.nmi_blocked = 0;
    vmx->nmi_unblocked_step = cpu_steps(cpu, op);
    cpu_look(cpu);
    return OUT_OK;
}

// RF as it would be saved in the old TSS.
static enum outcome check_task_switch(struct cpu *cpu, const struct op *op, uint64_t qualification, uint64_t b) {
    (void)b;
    exit_begin(cpu, op, EXIT_TASK_SWITCH);
    vmx_of(cpu)->exit.qualification = qualification;
    vmx_of(cpu)->exit.resume_flag = cpu->attempt.delivering_valid ? RF_EVENT : RF_AS_IS;
    return OUT_VMEXIT;
}

typedef enum outcome check_fn(struct cpu *cpu, const struct op *op, uint64_t a, uint64_t b);
static check_fn *const checks[64] = {
    [ICEPT_CR_WRITE] = check_cr_write,
    [ICEPT_CR_READ] = check_cr_read,
    [ICEPT_CLTS] = check_clts,
    [ICEPT_LMSW] = check_lmsw,
    [ICEPT_DR] = check_dr,
    [ICEPT_IO] = check_io,
    [ICEPT_INS_OUTS] = check_ins_outs,
    [ICEPT_RDMSR] = check_rdmsr,
    [ICEPT_WRMSR] = check_wrmsr,
    [ICEPT_GDTR_IDTR] = check_gdtr_idtr,
    [ICEPT_LDTR_TR] = check_ldtr_tr,
    [ICEPT_RDTSCP] = check_rdtscp,
    [ICEPT_INVPCID] = check_invpcid,
    [ICEPT_XSAVES] = check_xsaves,
    [ICEPT_XRSTORS] = check_xrstors,
    [ICEPT_INVLPG] = check_invlpg,
    [ICEPT_RDRAND] = check_rdrand,
    [ICEPT_RDSEED] = check_rdseed,
    [ICEPT_PAUSE] = check_pause,
    [ICEPT_MWAIT] = check_mwait,
    [ICEPT_IRET] = check_iret,
    [ICEPT_CR8] = check_cr8,
    [ICEPT_RDPID] = check_rdpid,
    [ICEPT_TASK_SWITCH] = check_task_switch,
};

enum outcome intercept_check(struct cpu *cpu, const struct op *op, enum intercept what, uint64_t a, uint64_t b) {
    if (checks[what]) return checks[what](cpu, op, a, b);
    return plain_reason[what] ? exit_for(cpu, op, plain_reason[what], a) : OUT_OK;
}
