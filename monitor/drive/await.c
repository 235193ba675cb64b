// Waiting for one thing; see await.h.
#include "monitor/drive/await.h"
#include "cpu/state/cpu.h"
#include "monitor/drive/drive.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/observing.h"

struct waiter {
    struct monitor *monitor;
    await_fn *holds;
    void *context;
    struct awaited *awaited;
};

static void await_see(void *context, struct cpu *cpu, const struct sight *sight) {
    const struct waiter *w = context;
    if (w->awaited->seen || !w->holds(w->monitor, cpu, sight, w->context)) return;
    *w->awaited = (struct awaited){true, *sight, cpu->wire.extension ? vmx_level(cpu) : 0};
    cpu_stop(cpu);
}

enum run_event await_sight(struct monitor *monitor, uint64_t wanted, await_fn *holds, void *context,
                           struct awaited *awaited) {
    struct waiter waiter = {monitor, holds, context, awaited};
    struct observer observer = {.wanted = wanted, .context = &waiter, .see = await_see};
    awaited->seen = false;
    machine_add_observer(monitor->look.machine, &observer);
    enum run_event event = drive_until(monitor, UINT64_MAX);
    machine_remove_observer(monitor->look.machine, &observer);
    return event;
}
