// Pure questions to VT-x: would this instruction, this event, this VM entry exit or fail, under this VMCS, these
// capabilities and this view of memory? Nothing changes, nothing is recorded, no cache is filled, no device is asked
// (unless the view says so). The processor itself asks, and then does what the answer says (vmx/exit, vmx/entry); what
// explains asks about a moment or a VMCS of its choice.
#ifndef VMX_ASK_H
#define VMX_ASK_H
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

// Memory as VT-x reads it: bitmaps, lists, the virtual-APIC page.
struct memory_view {
    void *context;
    const uint8_t *(*page)(void *context, uint64_t physical); // 4 KBytes of RAM or ROM; NULL: there is none
    // What answers where there is none. NULL: nobody is asked, and it reads as ones.
    uint64_t (*device)(void *context, uint64_t physical, unsigned bytes);
};

struct ask {
    const struct cpu *cpu; // with VT-x: the guest's registers and mode; for VM entry, those of its hypervisor
    const struct vmcs *vmcs;
    const struct vmx_capability *capability;
    struct memory_view memory;
    struct vmx_reads *reads; // what explains sets it: every value that a rule read is noted here
};

// The processor as it is, its current VMCS, its memory. The second may ask devices, as the processor does.
const uint8_t *ask_cpu_page(void *cpu, uint64_t physical);
uint64_t ask_cpu_device(void *cpu, uint64_t physical, unsigned bytes);
ALWAYS_INLINE struct ask ask_about(const struct cpu *cpu) {
    const struct vmx *vmx = vmx_of(cpu);
    return (struct ask){.cpu = cpu,
                        .vmcs = vmx->vmcs,
                        .capability = &vmx->capability,
                        .memory = {.context = (void *)(uintptr_t)cpu, .page = ask_cpu_page}};
}
ALWAYS_INLINE struct ask ask_of_processor(struct cpu *cpu) {
    struct ask ask = ask_about(cpu);
    ask.memory.device = ask_cpu_device;
    return ask;
}
// Little-endian; within one page.
uint64_t ask_memory(const struct ask *ask, uint64_t physical, unsigned bytes);

// Whether the instruction exits, and if so, with which record. `op` may be NULL: then what the record takes from it
// (length, instruction information, displacement) is 0.
bool ask_exits(const struct ask *ask, const struct op *op, enum intercept what, union intercept_operand operand,
               struct exit_record *would);
// Whether the control that the instruction needs in VMX non-root operation is 0: #UD.
bool ask_undefined(const struct ask *ask, enum intercept what);
// Whether an event exits that would be delivered through the IDT now. Not of an event that VM entry injects: that never
// exits directly.
bool ask_event_exits(const struct ask *ask, const struct event *event, struct exit_record *would);
// Bodies need to ask for these: BIT(ICEPT_...).
uint64_t ask_enabled(const struct ask *ask);
bool ask_ept_memory_type(const struct ask *ask, uint64_t type);
// As VM entry checks the EPTP field.
bool ask_eptp(const struct ask *ask, uint64_t eptp);

#endif
