// MONITOR and MWAIT. SDM Vol. 3A, 8.10; Vol. 2B, MONITOR, MWAIT; Vol. 3C, 25.1.3 and 26.7 (VMX).
//
// The monitor is armed for a line of RAM by its physical address. It is triggered by a store of any processor to the
// line, its own included, by the delivery of any event, by TLB invalidations and writes to control registers, by fast
// system calls and far transfers, and by VMX transitions. MWAIT with the monitor armed waits as HLT does, and for its
// trigger; with ECX[0] set, for an interrupt that is masked too. It executes nothing meanwhile, whatever the hint in
// EAX: every C-state is alike. With the monitor not armed it goes on at once.
// NOT IMPLEMENTED: memory types (all RAM counts as write-back); UMONITOR, UMWAIT, TPAUSE.
#include "cpu/pages/monitor.h"
#include "cpu/memory/access.h"
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/state/model.h"
#include "cpu/integer/string.h"

static bool armed(const struct cpu *cpu) { return cpu->boundary.monitor_address != MWAIT_UNARMED; }

// Not #GP: the instructions are undefined above CPL 0, and while IA32_MISC_ENABLE says so.
static bool permitted(const struct cpu *cpu) { return !cpu_cpl(cpu) && cpu->msr.misc_enable & MISC_ENABLE_MONITOR; }

static uint64_t extensions(const struct cpu *cpu) { return cpu_64bit(cpu) ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX]; }

BODY(monitor) {
    BODY_UNUSED;
    if (!permitted(cpu)) return cpu_fault_ud(cpu);
    TRY(intercept(cpu, op, ICEPT_MONITOR, NO_OPERAND));
    if (extensions(cpu)) return cpu_fault_gp0(cpu);
    uint64_t linear = 0, physical = 0;
    TRY(segment_linear(cpu, op->ea & EA_SEGMENT, string_register(cpu, op, RAX), 1, false, &linear));
    TRY(memory_translate(cpu, linear, 1, &physical));
    cpu_monitor_clear(cpu);
    struct page_frame frame = physical_frame(cpu, physical);
    if (frame_exists(frame)) monitor_arm(cpu, frame, physical);
    return OUT_OK;
}
INSTANTIATE(monitor, NEXT, FORMS_ONE_NONE)

BODY(mwait) {
    BODY_UNUSED;
    const uint64_t masked_interrupts = BIT(0);
    if (!permitted(cpu)) return cpu_fault_ud(cpu);
    TRY(intercept(cpu, op, ICEPT_MWAIT, OPERAND(.mwait = {armed(cpu)})));
    if (extensions(cpu) & ~masked_interrupts) return cpu_fault_gp0(cpu);
    cpu->rip = op_next_rip(cpu, op);
    if (!armed(cpu)) return OUT_STOP;
    cpu->boundary.activity = ACTIVITY_HLT;
    cpu->boundary.mwait = extensions(cpu) & masked_interrupts ? MWAIT_MASKED : MWAIT_PLAIN;
    return OUT_STOP;
}
INSTANTIATE(mwait, END, FORMS_ONE_NONE)
