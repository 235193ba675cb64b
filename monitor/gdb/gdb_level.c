// The state of a level for gdb: the processor's own, or what its VMCS holds while it waits. A VM exit leaves a guest's
// general registers to the software below; they are remembered here as they were at the exit, while gdb is connected.
#include "devices/history/history.h"
#include "monitor/gdb/gdb_private.h"
#include "monitor/session/monitor.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

enum gdb_source gdb_source(const struct gdb *gdb, struct gdb_thread thread, uint64_t *vmcs) {
    uint64_t unused = 0, *pointer = vmcs ? vmcs : &unused;
    const struct cpu *cpu = gdb_cpu(gdb, thread);
    unsigned running = vmx_level(cpu);
    *pointer = running == thread.level && running ? vmx_current_vmcs(cpu) : vmx_level_vmcs(cpu, thread.level);
    if (running == thread.level) return GDB_LIVE;
    if (thread.level == 0) return GDB_HOST_AREA;
    return *pointer == VMX_NO_VMCS ? GDB_ABSENT : GDB_GUEST_AREA;
}

// --- general registers, remembered ---

const struct gdb_saved *gdb_saved_of(const struct gdb *gdb, unsigned cpu, uint64_t vmcs) {
    for (unsigned i = 0; i < sizeof gdb->saved / sizeof gdb->saved[0]; i++) {
        const struct gdb_saved *s = &gdb->saved[i];
        if (s->used && s->vmcs == vmcs && s->cpu == cpu) return s;
    }
    return NULL;
}

static void see_exit(void *context, struct cpu *cpu, const struct sight *sight) {
    struct gdb *gdb = context;
    uint64_t vmcs = vmx_current_vmcs(cpu);
    struct gdb_saved *s = (struct gdb_saved *)gdb_saved_of(gdb, cpu->id, vmcs);
    (void)sight;
    if (!s) s = &gdb->saved[gdb->next_saved++ % (sizeof gdb->saved / sizeof gdb->saved[0])];
    *s = (struct gdb_saved){.vmcs = vmcs, .cpu = cpu->id, .used = true, .cr2 = cpu->control.cr2};
    memcpy(s->gpr, cpu->gpr, sizeof s->gpr);
}

void gdb_level_init(struct gdb *gdb) {
    gdb->exits = (struct observer){.wanted = BIT(OBSERVE_EXIT), .context = gdb, .see = see_exit};
}

// --- the view ---

bool gdb_view(const struct gdb *gdb, struct gdb_thread thread, struct view *view, uint32_t *known) {
    uint64_t vmcs = 0;
    char error[160];
    enum gdb_source source = gdb_source(gdb, thread, &vmcs);
    if (source == GDB_ABSENT || !view_of(gdb->host.machine, thread.cpu, (int)thread.level,
                                         machine_history(gdb->host.machine), view, error, sizeof error))
        return false;
    *known = source == GDB_LIVE ? ~0u : BIT(RSP);
    const struct gdb_saved *saved = source == GDB_GUEST_AREA ? gdb_saved_of(gdb, thread.cpu, vmcs) : NULL;
    if (!saved) return true;
    uint64_t rsp = view->gpr[RSP];
    memcpy(view->gpr, saved->gpr, sizeof view->gpr);
    view->gpr[RSP] = rsp;
    view->cr2 = saved->cr2;
    *known = ~0u;
    return true;
}
