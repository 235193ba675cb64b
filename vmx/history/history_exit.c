// VM exits, VM entries and entries that failed; see history.h. Exits and entries are what every run pays for: they
// write once, where it stays, and call little.
#include "vmx/history/history.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"
#include <string.h>

enum { INSTRUCTION_BYTES = 15 };

// --- exits ---

// No progress: the guest was entered where it left, and left there again without having retired an instruction.
static bool is_stuck(const struct history_loop *l, const struct cpu *cpu, const struct exit_record *r, uint64_t step) {
    const struct history_exit *last = &l->exit;
    return l->entry_rip == cpu->rip && step - l->entry_step <= 1 && last->reason == r->reason &&
           last->rip == cpu->rip && last->qualification == r->qualification &&
           last->physical == (r->has_physical ? r->guest_physical : 0) &&
           last->linear == (r->has_linear ? r->guest_linear : 0) && last->interruption == r->interruption &&
           !memcmp(last->gpr, cpu->gpr, sizeof last->gpr);
}

void history_note_exit(struct cpu *cpu) {
    const struct vmx *vmx = vmx_of(cpu);
    struct history_cpu *c = vmx_of(cpu)->past;
    const struct exit_record *r = &vmx->exit;
    uint64_t step = history_step(cpu);
    unsigned level = level_running(cpu);
    struct history_loop *l = &c->loop[level];
    struct history_exit *e = &l->exit;
    if (unlikely(is_stuck(l, cpu, r, step))) {
        l->times++;
    } else {
        l->times = 0;
        l->first_step = step;
    }
    e->step = step;
    e->rip = cpu->rip;
    e->vmcs = vmx->current;
    e->qualification = r->qualification;
    e->linear = r->has_linear ? r->guest_linear : 0;
    e->physical = r->has_physical ? r->guest_physical : 0;
    e->reason = r->reason;
    e->interruption = r->interruption;
    e->error_code = r->error_code;
    e->vectoring = (uint32_t)vmcs_get(vmx->vmcs, IDT_VECTORING);
    e->level = level;
    memcpy(e->gpr, cpu->gpr, sizeof e->gpr);
    c->has_exit = 1;
    c->exit_level = level;
    history_event_exit(cpu, e);
    if (unlikely(level > 1 || c->cost.top)) history_cost_exit(cpu, level);
    c->reads = 0;
    if (unlikely(r->reason == EXIT_VMREAD || r->reason == EXIT_VMWRITE))
        history_vmcs12_exit(cpu, level);
    else
        c->twelve = 0; // anything else may change which VMCS is loaded
}

// --- entries ---

// The place of this VMCS, or that of the one not used for the longest time.
static struct history_vmcs *place(struct history *h, struct history_cpu *c, uint64_t vmcs) {
    unsigned oldest = 0;
    if (likely(h->vmcs[c->entered].used && h->vmcs[c->entered].pointer == vmcs)) return &h->vmcs[c->entered];
    for (unsigned i = 0; i < HISTORY_VMCSS; i++) {
        bool same = h->vmcs[i].used && h->vmcs[i].pointer == vmcs;
        if (same || h->vmcs[i].used < h->vmcs[oldest].used) oldest = i;
        if (same) break;
    }
    c->entered = oldest;
    return &h->vmcs[oldest];
}

#define VMX_INSTRUCTIONS                                                                                               \
    (BIT(EXIT_VMCLEAR) | BIT(EXIT_VMLAUNCH) | BIT(EXIT_VMPTRLD) | BIT(EXIT_VMPTRST) | BIT(EXIT_VMREAD) |               \
     BIT(EXIT_VMRESUME) | BIT(EXIT_VMWRITE) | BIT(EXIT_VMXON) | BIT(EXIT_INVEPT) | BIT(EXIT_INVVPID))

// The guest's last exit was by a VMX instruction, which who runs it has carried out: it goes on behind it, and the
// flags say what came of it.
static void note_told(struct cpu *cpu, struct history_cpu *c, const struct history_exit *e) {
    uint64_t flags = vmcs_get(vmx_of(cpu)->vmcs, GUEST_RFLAGS) & (FLAG_CF | FLAG_ZF);
    struct history_told *t = &c->told;
    if (!flags || cpu->rip <= e->rip || cpu->rip - e->rip > INSTRUCTION_BYTES) return;
    bool again = t->times && t->rip == e->rip && t->level == e->level && t->flags == flags;
    *t = (struct history_told){e->step, e->rip, flags, again ? t->times + 1 : 1, e->reason, e->level};
}

void history_note_entry(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    struct history_cpu *c = vmx->past;
    struct history_vmcs *v = place(vmx->history, c, vmx->current);
    uint64_t step = history_step(cpu);
    unsigned level = level_running(cpu);
    v->pointer = vmx->current;
    v->step = step;
    v->level = level;
    v->used = ++vmx->history->clock;
    vmx->origin->used = v->used;
    memcpy(v->field, vmx->vmcs->field, vmx->history->field_bytes);
    const struct history_exit *last = &c->loop[level].exit;
    if (unlikely(last->reason < 64 && VMX_INSTRUCTIONS >> last->reason & 1)) note_told(cpu, c, last);
    c->loop[level].entry_step = step;
    c->loop[level].entry_rip = cpu->rip;
    if (unlikely(c->owed[level].valid)) history_event_entry(cpu, level, step);
    if (unlikely(c->reads)) history_vmcs12_entry(cpu, level);
    if (unlikely(c->cost.top)) history_cost_entry(cpu, level);
}

struct history_failure *history_note_failure(struct cpu *cpu, const struct op *op, uint32_t number,
                                             uint64_t qualification) {
    struct history_cpu *c = vmx_of(cpu)->past;
    struct history_failure *f = &c->failure;
    c->has_failure = 1;
    f->step = cpu_steps(cpu, op) + (op ? 1 : 0) + cpu->wire.other_steps;
    f->rip = op ? op_rip(cpu, op) : cpu->rip;
    f->vmcs = vmx_of(cpu)->current;
    f->qualification = qualification;
    f->number = number;
    f->count = 0;
    f->msr = f->value = 0;
    return f;
}

// Of the same rule again and again the first one is kept: what follows a VMPTRLD that failed are many VMWRITEs.
static struct history_refusal *refusal_place(struct history_cpu *c, unsigned row) {
    struct history_refusal *last = c->refusals ? &c->refusal[(c->refusals - 1) % HISTORY_REFUSALS] : NULL;
    if (last && last->row == row) return last;
    last = &c->refusal[c->refusals++ % HISTORY_REFUSALS];
    last->times = 0;
    return last;
}

void history_note_refusal(struct cpu *cpu, const struct op *op, unsigned row, uint64_t operand, uint64_t found) {
    const struct vmx *vmx = vmx_of(cpu);
    struct history_refusal *r = refusal_place(vmx->past, row);
    r->last_step = cpu_steps(cpu, op) + (op ? 1 : 0) + cpu->wire.other_steps;
    r->last_rip = op ? op_rip(cpu, op) : cpu->rip;
    if (r->times++) return;
    r->step = r->last_step;
    r->rip = r->last_rip;
    r->vmcs = vmx->current;
    r->operand = operand;
    r->found = found;
    r->row = row;
    r->level = vmx->non_root ? level_running(cpu) : 0;
}

// --- regions ---

static bool was_cleared(const struct history *h, uint64_t region) {
    for (unsigned i = 0; i < HISTORY_CLEARED && i < h->clears; i++)
        if (h->cleared[i] == region) return true;
    return h->clears > HISTORY_CLEARED; // too many to know
}

void history_note_cleared(struct cpu *cpu, uint64_t region) {
    struct history *h = vmx_of(cpu)->history;
    if (h->uncleared == region) h->uncleared = 0;
    if (h->clears <= HISTORY_CLEARED && was_cleared(h, region)) return;
    h->cleared[h->clears++ % HISTORY_CLEARED] = region;
}

void history_note_loaded(struct cpu *cpu, uint64_t region) {
    struct history *h = vmx_of(cpu)->history;
    if (!was_cleared(h, region)) h->uncleared = region;
}
