// info vmx: VMX operation and what the processor keeps of VMCSs; by it one sees what outlived a reset. SDM Vol. 3C,
// 23.6-23.8, 24.1, 24.11.1.
#include "monitor/info/info.h"
#include "monitor/vmcs/vmcs.h"
#include <inttypes.h>

enum { CR4_VMXE_BIT = 13, FEATURE_LOCK = 1 << 0, FEATURE_IN_SMX = 1 << 1, FEATURE_OUTSIDE_SMX = 1 << 2 };

static void print_feature_control(struct monitor *monitor, uint64_t value) {
    print(monitor, "IA32_FEATURE_CONTROL  %016" PRIx64 "  %s", value, value & FEATURE_LOCK ? "locked" : "not locked");
    if (value & FEATURE_IN_SMX) print(monitor, ", VMX in SMX operation");
    if (value & FEATURE_OUTSIDE_SMX) print(monitor, ", VMX outside SMX operation");
    if (!(value & FEATURE_LOCK)) print(monitor, ": VMXON would fault");
    print(monitor, "\n");
}

static void print_operation(struct monitor *monitor, const struct cpu *cpu, const struct vmx_operation *o) {
    const char *where = !o->on                 ? "outside VMX operation"
                        : vmx_in_non_root(cpu) ? "in VMX non-root operation"
                                               : "in VMX root operation";
    print_in(monitor, BOLD, "processor %u %s", cpu->id, where);
    if (vmx_in_non_root(cpu)) print(monitor, ": level %u runs", vmx_level(cpu));
    print(monitor, "\n");
    print_feature_control(monitor, o->feature_control);
    print(monitor, "CR4.VMXE              %u\n", (unsigned)(cpu->control.cr4 >> CR4_VMXE_BIT & 1));
    if (o->on) print(monitor, "VMXON region          %" PRIx64 "\n", o->vmxon);
    if (o->init_blocked) print(monitor, "an INIT waits for the end of VMX root operation (25.2)\n");
    if (o->nmi_blocked) print(monitor, "virtual-NMI blocking is in effect (24.4.2)\n");
    if (o->abort) print_in(monitor, RED, "VMX abort %u: %s\n", o->abort, vmx_abort_text(o->abort));
}

static void print_kept(struct monitor *monitor, const struct cpu *cpu, const struct vmx_kept *k) {
    print(monitor, "  %-16" PRIx64 "  %s", k->pointer, k->shadow ? "shadow" : k->launched ? "launched" : "clear");
    if (k->pointer == vmx_current_vmcs(cpu)) print(monitor, ", current");
    for (unsigned level = 1; level < VMX_LEVELS; level++)
        if (vmx_level_vmcs(cpu, level) == k->pointer) print(monitor, ", level %u", level);
    print(monitor, "\n");
}

// Hypervisors that are guests: what they have loaded for guests of their own.
static void print_guests(struct monitor *monitor, const struct cpu *cpu) {
    for (unsigned level = 1; level < VMX_LEVELS; level++) {
        struct vmx_level_info info;
        if (!vmx_level_info(cpu, level, &info) || info.current == VMX_NO_VMCS) continue;
        print(monitor, "level %u has loaded VMCS %" PRIx64 " of its own memory\n", level, info.current);
    }
}

bool info_vmx(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct cpu *cpu = look_cpu(&monitor->look);
    struct vmx_operation operation;
    struct vmx_kept kept;
    unsigned count = 0;
    if (!cpu->wire.extension) return monitor_error(monitor, "info vmx: this processor has no VT-x");
    vmx_operation(cpu, &operation);
    print_operation(monitor, cpu, &operation);
    for (; vmx_kept(cpu, count, &kept); count++) {
        if (!count) print(monitor, "VMCSs that are active on the processor\n");
        print_kept(monitor, cpu, &kept);
    }
    if (!count) print(monitor, "no VMCS is active on the processor\n");
    print_guests(monitor, cpu);
    if (!operation.on && count)
        print(monitor,
              "VMXOFF left them active: VMCLEAR them before their memory is used for anything else (24.11.1)\n");
    if (!operation.on && !count && !operation.feature_control) print(monitor, "all as after power-up\n");
    return true;
}
