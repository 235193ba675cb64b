// Who wrote each field of each VMCS last: the VMWRITE of a hypervisor, a VM exit that found another value than the
// field had, or nobody since the region was loaded. Writers are told apart by what writes: a VMWRITE stamps its field,
// also with the value that it had; a VM exit or entry stamps what it changes (vmcs_put). What a guest's VMWRITE does to
// its shadow VMCS is a VMWRITE to that VMCS; what of its VMWRITEs exits is kept with the rest of its VMCS
// (history_vmcs12.c). NOT IMPLEMENTED: writes to the region in memory while the VMCS is not on a processor.
#include "vmx/history/history.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

// Its place; else that of the one not used for the longest time, whose fields are as their region had them.
static struct vmcs_origin *place(struct history *h, uint64_t pointer, uint64_t step) {
    struct vmcs_origin *oldest = &h->origin[0];
    for (unsigned i = 0; i < HISTORY_ORIGINS; i++) {
        struct vmcs_origin *o = &h->origin[i];
        if (o->used && o->pointer == pointer) return o;
        if (o->used < oldest->used) oldest = o;
    }
    oldest->pointer = pointer;
    oldest->used = ++h->clock;
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        oldest->field[f] = (struct vmcs_stamp){stamp_when(step, 0, WRITER_REGION), 0};
    return oldest;
}

// The processor may be about to write into the VMCS of a guest that runs.
void history_origin_loaded(struct vmx *vmx) {
    vmx->origin = NULL;
    for (unsigned i = 0; i < HISTORY_ORIGINS; i++)
        if (vmx->history->origin[i].used && vmx->history->origin[i].pointer == vmx->current)
            vmx->origin = &vmx->history->origin[i];
}

// Nothing may depend on when a place is looked up: vmx->origin is no state.

void history_origin_begin(struct cpu *cpu, enum vmcs_writer writer) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t step = history_step(cpu);
    if (unlikely(!vmx->origin || vmx->origin->pointer != vmx->current))
        vmx->origin = place(vmx->history, vmx->current, step);
    vmx->origin_when = stamp_when(step, 0, writer);
}

// A shadow VMCS, or one of which nothing was looked up yet.
static struct vmcs_origin *find(struct vmx *vmx, uint64_t pointer, uint64_t step) {
    struct vmcs_origin *o = place(vmx->history, pointer, step);
    o->used = vmx->history->clock;
    if (pointer == vmx->current) vmx->origin = o;
    return o;
}

void history_origin_vmwrite(struct cpu *cpu, const struct op *op, uint64_t pointer, unsigned field) {
    struct vmx *vmx = vmx_of(cpu);
    struct vmcs_origin *o = vmx->origin;
    uint64_t step = cpu_steps(cpu, op) + cpu->wire.other_steps;
    if (unlikely(!o || o->pointer != pointer)) o = find(vmx, pointer, step);
    unsigned level = unlikely(vmx->non_root) ? level_running(cpu) : 0;
    o->field[field] = (struct vmcs_stamp){stamp_when(step, level, WRITER_VMWRITE), op_rip(cpu, op)};
}

const struct vmcs_stamp *history_stamp(const struct history *h, uint64_t vmcs, unsigned field) {
    for (unsigned i = 0; h && i < HISTORY_ORIGINS && field < FIELD_COUNT; i++)
        if (h->origin[i].used && h->origin[i].pointer == vmcs) return &h->origin[i].field[field];
    return NULL;
}
