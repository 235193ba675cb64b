// Delivery of interrupts and exceptions through the IDT, in every mode. SDM Vol. 3A, 6.10 to 6.15 (protected mode),
// 6.14 (64-bit mode), 6.15 (double fault), 6.8.3 and Vol. 3B, 17.3.1.1 (RF), 20.1.4 (real-address mode), 20.2.4, 20.3
// (virtual-8086 mode).
//
// A delivery either happens whole or, when it faults, changes nothing but memory below the stack pointer it was writing
// to and accessed flags of descriptors; CR2, DR6 and NMI blocking belong to the event itself and come first.
// NOT IMPLEMENTED: shadow stacks.
#include "cpu/counters/counters.h"
#include "cpu/memory/access.h"
#include "cpu/watch/debug.h"
#include "cpu/event/descriptor.h"
#include "cpu/watch/observe.h"
#include "cpu/event/segment.h"
#include "cpu/event/task.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"

#define NEVER UINT64_MAX // a step at which no shadow holds
#define ERROR_IDT 2u

struct gate {
    uint64_t offset;
    uint16_t selector;
    uint8_t type; // enum system_type
    uint8_t ist;
};

static bool event_software(const struct event *e) {
    return e->type == EVENT_SOFTWARE_INTERRUPT || e->type == EVENT_SOFTWARE_EXCEPTION;
}

// The EXT flag of error codes that arise during this delivery, SDM Vol. 3A, 6.13.
static uint32_t event_ext(const struct event *e) { return event_software(e) ? 0 : ERROR_EXT; }

static uint64_t saved_rip(const struct cpu *cpu, const struct event *e) {
    return cpu->rip + (event_software(e) || e->type == EVENT_PRIVILEGED_SOFTWARE_EXCEPTION ? e->length : 0);
}

// Faults set RF in the saved image: all exceptions but the traps #BP, #OF and #DB (general detection aside), and the
// aborts #DF and #MC.
uint64_t event_rflags(const struct cpu *cpu, const struct event *e) {
    uint64_t image = cpu_rflags(cpu);
    if (e->injected) return image;
    if (e->type != EVENT_HARDWARE_EXCEPTION) return event_software(e) ? image & ~FLAG_RF : image;
    switch (e->vector) {
    case VECTOR_BP:
    case VECTOR_OF:
    case VECTOR_DF:
    case VECTOR_MC: return image;
    case VECTOR_DB: return e->payload & DEBUG_BD ? image | FLAG_RF : image;
    default: return image | FLAG_RF;
    }
}

// --- the gate and its target ---

static bool gate_type_valid(const struct cpu *cpu, unsigned type) {
    if (type == TYPE_INTERRUPT_GATE32 || type == TYPE_TRAP_GATE32) return true;
    return !cpu_long(cpu) && (type == TYPE_INTERRUPT_GATE16 || type == TYPE_TRAP_GATE16 || type == TYPE_TASK_GATE);
}

static enum outcome gate_load(struct cpu *cpu, const struct event *e, struct gate *g) {
    uint32_t bytes = cpu_long(cpu) ? 16 : 8, code = (uint32_t)e->vector * 8 | ERROR_IDT | event_ext(e);
    uint64_t low = 0, high = 0, linear = cpu->idtr.base + e->vector * bytes;
    if (e->vector * bytes + bytes - 1 > cpu->idtr.limit) return cpu_fault_code(cpu, VECTOR_GP, code);
    TRY(system_load(cpu, linear, 64, &low));
    if (bytes == 16) TRY(system_load(cpu, linear + 8, 64, &high));
    uint32_t rights = (uint32_t)(low >> 40 & BITS(7, 0));
    g->type = (uint8_t)rights_system_type(rights);
    g->selector = (uint16_t)(low >> 16);
    g->ist = (uint8_t)(low >> 32 & 7);
    bool wide = g->type & BIT(3);
    g->offset = (low & BITS(15, 0)) | (wide ? low >> 32 & BITS(31, 16) : 0) | high << 32;
    if (!gate_type_valid(cpu, g->type)) return cpu_fault_code(cpu, VECTOR_GP, code);
    if (event_software(e) && rights_dpl(rights) < cpu_cpl(cpu)) return cpu_fault_code(cpu, VECTOR_GP, code);
    return rights & RIGHTS_P ? OUT_OK : cpu_fault_code(cpu, VECTOR_NP, code);
}

// The handler's code segment; *cpl becomes its privilege level.
static enum outcome handler_load(struct cpu *cpu, const struct gate *g, uint32_t ext, struct descriptor *d,
                                 unsigned *cpl) {
    uint32_t code = selector_code(g->selector) | ext;
    if (selector_null(g->selector)) return cpu_fault_code(cpu, VECTOR_GP, ext);
    TRY(descriptor_fetch(cpu, g->selector, 8, VECTOR_GP, ext, d));
    if (!rights_code(d->rights) || rights_dpl(d->rights) > *cpl) return cpu_fault_code(cpu, VECTOR_GP, code);
    if (cpu_long(cpu) && (d->rights & (RIGHTS_L | RIGHTS_DB)) != RIGHTS_L) return cpu_fault_code(cpu, VECTOR_GP, code);
    if (!(d->rights & RIGHTS_P)) return cpu_fault_code(cpu, VECTOR_NP, code);
    if (!rights_conforming(d->rights)) *cpl = rights_dpl(d->rights);
    if (cpu_vm86(cpu) && *cpl != 0) return cpu_fault_code(cpu, VECTOR_GP, code);
    TRY(descriptor_target(cpu, d, g->offset, ext));
    return descriptor_mark_accessed(cpu, d);
}

static void enter_handler(struct cpu *cpu, const struct gate *g, const struct descriptor *d, unsigned cpl) {
    bool interrupt = g->type == TYPE_INTERRUPT_GATE16 || g->type == TYPE_INTERRUPT_GATE32;
    segment_set_code(cpu, g->selector, cpl, d);
    cpu->rip = g->offset;
    cpu->rflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (interrupt ? FLAG_IF : 0));
}

// --- one delivery in each mode ---

static enum outcome deliver_long(struct cpu *cpu, const struct event *e) {
    struct gate g;
    struct descriptor d;
    unsigned old_cpl = cpu_cpl(cpu), cpl = old_cpl;
    uint32_t ext = event_ext(e);
    TRY(gate_load(cpu, e, &g));
    TRY(handler_load(cpu, &g, ext, &d, &cpl));
    struct stack s = {.sp = cpu->gpr[RSP], .mask = ~0ull, .flat = true, .cpl = cpl, .fault_code = ext};
    if (g.ist || cpl < old_cpl) TRY(tss_stack_64(cpu, cpl, g.ist, ext, &s.sp));
    s.sp &= ~15ull;
    TRY(transfer_push(cpu, &s, 64, cpu->segment[SS].selector));
    TRY(transfer_push(cpu, &s, 64, cpu->gpr[RSP]));
    TRY(transfer_push(cpu, &s, 64, event_rflags(cpu, e)));
    TRY(transfer_push(cpu, &s, 64, cpu->segment[CS].selector));
    TRY(transfer_push(cpu, &s, 64, saved_rip(cpu, e)));
    if (e->has_error_code) TRY(transfer_push(cpu, &s, 64, e->error_code));
    cpu->gpr[RSP] = s.sp;
    if (cpl < old_cpl) segment_set_null_stack(cpu, cpl);
    enter_handler(cpu, &g, &d, cpl);
    return OUT_OK;
}

static enum outcome push_data_segments(struct cpu *cpu, struct stack *s, unsigned w) {
    static const uint8_t order[] = {GS, FS, DS, ES};
    for (unsigned i = 0; i < 4; i++) TRY(transfer_push(cpu, s, w, cpu->segment[order[i]].selector));
    return OUT_OK;
}

static enum outcome push_return(struct cpu *cpu, struct stack *s, unsigned w, const struct event *e) {
    TRY(transfer_push(cpu, s, w, event_rflags(cpu, e)));
    TRY(transfer_push(cpu, s, w, cpu->segment[CS].selector));
    TRY(transfer_push(cpu, s, w, saved_rip(cpu, e)));
    return e->has_error_code ? transfer_push(cpu, s, w, e->error_code) : OUT_OK;
}

static enum outcome deliver_inner(struct cpu *cpu, const struct event *e, const struct gate *g,
                                  const struct descriptor *d, unsigned cpl) {
    static const uint8_t cleared[] = {ES, DS, FS, GS};
    unsigned w = g->type & BIT(3) ? 32 : 16;
    bool vm86 = cpu_vm86(cpu);
    uint16_t ss = 0;
    struct descriptor stack_segment;
    uint64_t sp = 0;
    TRY(tss_stack(cpu, cpl, event_ext(e), &ss, &stack_segment, &sp));
    TRY(descriptor_mark_accessed(cpu, &stack_segment));
    struct stack s = transfer_stack_of(ss, &stack_segment, sp, cpl, event_ext(e));
    if (vm86) TRY(push_data_segments(cpu, &s, w));
    TRY(transfer_push(cpu, &s, w, cpu->segment[SS].selector));
    TRY(transfer_push(cpu, &s, w, cpu->gpr[RSP]));
    TRY(push_return(cpu, &s, w, e));
    for (unsigned i = 0; vm86 && i < 4; i++) segment_set_null(cpu, cleared[i], 0);
    segment_set(cpu, SS, ss, &stack_segment);
    cpu->gpr[RSP] = (uint32_t)s.sp;
    enter_handler(cpu, g, d, cpl);
    return OUT_OK;
}

static enum outcome deliver_task(struct cpu *cpu, const struct event *e, const struct gate *g) {
    struct task_switch t = {.source = TASK_EVENT,
                            .selector = g->selector,
                            .rip = saved_rip(cpu, e),
                            .rflags = event_rflags(cpu, e),
                            .ext = event_ext(e),
                            .has_error_code = e->has_error_code,
                            .error_code = e->error_code};
    return task_switch(cpu, NULL, &t);
}

static enum outcome deliver_protected(struct cpu *cpu, const struct event *e) {
    struct gate g;
    struct descriptor d;
    unsigned cpl = cpu_cpl(cpu);
    TRY(gate_load(cpu, e, &g));
    if (g.type == TYPE_TASK_GATE) return deliver_task(cpu, e, &g);
    TRY(handler_load(cpu, &g, event_ext(e), &d, &cpl));
    if (cpl < cpu_cpl(cpu)) return deliver_inner(cpu, e, &g, &d, cpl);
    struct stack s = transfer_stack(cpu);
    s.fault_code = event_ext(e);
    TRY(push_return(cpu, &s, g.type & BIT(3) ? 32 : 16, e));
    transfer_adopt(cpu, &s);
    enter_handler(cpu, &g, &d, cpl);
    return OUT_OK;
}

static enum outcome deliver_real(struct cpu *cpu, const struct event *e) {
    enum { ENTRY = 4 };
    uint64_t vector = 0;
    if (e->vector * ENTRY + ENTRY - 1u > cpu->idtr.limit) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->idtr.base + e->vector * ENTRY, 32, &vector));
    struct stack s = transfer_stack(cpu);
    TRY(transfer_push(cpu, &s, 16, event_rflags(cpu, e)));
    TRY(transfer_push(cpu, &s, 16, cpu->segment[CS].selector));
    TRY(transfer_push(cpu, &s, 16, saved_rip(cpu, e)));
    transfer_adopt(cpu, &s);
    segment_load_real(cpu, CS, (uint16_t)(vector >> 16));
    cpu->rip = vector & BITS(15, 0);
    cpu->rflags &= ~(FLAG_TF | FLAG_IF | FLAG_RF | FLAG_AC);
    return OUT_OK;
}

static enum outcome deliver(struct cpu *cpu, const struct event *e) {
    return cpu_long(cpu) ? deliver_long(cpu, e) : cpu_real(cpu) ? deliver_real(cpu, e) : deliver_protected(cpu, e);
}

// --- what an event does beside calling its handler ---

// B0 to B3 tell the latest #DB only; the other bits stay until software clears them. SDM Vol. 3B, 17.2.3.
static void debug_registers_update(struct cpu *cpu, uint64_t bits) {
    cpu->control.dr[6] = (cpu->control.dr[6] & ~(uint64_t)DEBUG_B0_B3) | bits;
    cpu->control.dr[7] &= ~DR7_GD;
    cpu->msr.debugctl &= ~(DEBUGCTL_LBR | DEBUGCTL_BTF);
    if (unlikely(cpu->performance.branch_control & 1)) { // SDM Vol. 3B, 18.1.4.5
        cpu->performance.branch_control &= ~1ull;
        performance_update(cpu);
    }
}

// A debug exception that MOV SS held back: the breakpoints of one that is delivered now are reported with it; those
// held back by another event come at its handler's first instruction. A held-back single step is lost: delivery clears
// TF.
static uint64_t pending_debug_take(struct cpu *cpu, uint64_t taken) {
    uint64_t bits = cpu->boundary.pending_debug & taken & DEBUG_B0_B3;
    cpu->boundary.pending_debug &= ~(taken | DEBUG_BS);
    cpu_pend(cpu, PENDING_DEBUG, cpu->boundary.pending_debug != 0);
    return bits;
}

static void event_effects(struct cpu *cpu, const struct event *e) {
    bool debug = e->vector == VECTOR_DB &&
                 (e->type == EVENT_HARDWARE_EXCEPTION || e->type == EVENT_PRIVILEGED_SOFTWARE_EXCEPTION);
    if (e->type == EVENT_NMI) cpu->boundary.nmi_blocked = 1;
    if (cpu->boundary.pending_debug || debug) {
        uint64_t held = pending_debug_take(cpu, debug ? ~0ull : 0);
        if (debug) debug_registers_update(cpu, e->payload | held);
    }
    if (e->type != EVENT_HARDWARE_EXCEPTION) return;
    if (e->vector == VECTOR_PF) cpu->control.cr2 = e->payload;
}

// --- exceptions during delivery, SDM Vol. 3A, Table 6-5 ---

enum event_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum event_class event_class(const struct event *e) {
    if (e->type != EVENT_HARDWARE_EXCEPTION) return BENIGN;
    switch (e->vector) {
    case VECTOR_DE:
    case VECTOR_TS:
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_GP:
    case VECTOR_CP: return CONTRIBUTORY;
    case VECTOR_PF:
    case VECTOR_VE: return PAGE_FAULT;
    case VECTOR_DF: return DOUBLE_FAULT;
    default: return BENIGN;
    }
}

static bool makes_double_fault(const struct event *first, const struct event *second) {
    enum event_class a = event_class(first), b = event_class(second);
    return (a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && (b == CONTRIBUTORY || b == PAGE_FAULT));
}

static void remember(struct cpu *cpu, const struct event *e) {
    if (cpu->wire.extension) cpu->wire.extension->delivers(cpu, e);
}

static enum outcome shutdown(struct cpu *cpu) {
    cpu->attempt.delivering_valid = false;
    remember(cpu, NULL);
    OBSERVE_TELL(cpu, NULL, TRIPLE_FAULT);
    if (cpu->intercepts.shutdown) TRY(cpu->intercepts.shutdown(cpu));
    cpu->boundary.activity = ACTIVITY_SHUTDOWN;
    return OUT_STOP;
}

static enum outcome event_intercept(struct cpu *cpu, const struct event *e) {
    return cpu->intercepts.event ? cpu->intercepts.event(cpu, e) : OUT_OK;
}

static void tell_event(struct cpu *cpu, const struct event *e) {
    remember(cpu, e);
    if (e->type == EVENT_EXTERNAL || e->type == EVENT_NMI || e->type == EVENT_SOFTWARE_INTERRUPT)
        OBSERVE_TELL(cpu, NULL, INTERRUPT, .number = e->vector, .information = e->type);
    else
        OBSERVE_TELL(cpu, NULL, EXCEPTION, .number = e->vector, .value = e->payload, .information = e->error_code);
}

static void delivered(struct cpu *cpu) {
    cpu->attempt.delivering_valid = false;
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu->attempt.trap = 0;
    cpu->boundary.sti_shadow_step = cpu->boundary.mov_ss_shadow_step = NEVER;
    if (unlikely(cpu->breakpoints.hits)) debug_hits_pend(cpu); // by the frame: before the handler's first instruction
    cpu_update_mode(cpu);
}

// What was hit by a delivery that did not take place is forgotten, as by an instruction that faults.
static enum outcome undelivered(struct cpu *cpu, enum outcome outcome) {
    if (outcome != OUT_OK) cpu->breakpoints.hits = 0;
    return outcome;
}

// An alignment-check exception that comes up while one is delivered to CPL 3 is delivered, and comes up again: nothing
// but a VM exit ends that (XSA-156). A processor then does nothing more; here it shuts down.
enum { ENDLESS = 32 };

enum outcome event_deliver(struct cpu *cpu, const struct event *event) {
    struct event now = *event;
    cpu->attempt.delivering_valid = false;
    if (cpu->boundary.mwait) cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
    for (unsigned faults = 0;; faults++) {
        if (unlikely(faults == ENDLESS)) return shutdown(cpu);
        TRY(event_intercept(cpu, &now)); // what exits directly does so from the inactive state, SDM Vol. 3C, 27.1
        cpu->boundary.activity = ACTIVITY_ACTIVE;
        tell_event(cpu, &now);
        event_effects(cpu, &now);
        cpu->attempt.delivering = now;
        cpu->attempt.delivering_valid = true;
        enum outcome outcome = undelivered(cpu, deliver(cpu, &now));
        if (outcome == OUT_OK) {
            delivered(cpu);
            return OUT_OK;
        }
        if (outcome != OUT_FAULT) return outcome;
        struct event second = cpu->attempt.fault;
        if (event_class(&now) == DOUBLE_FAULT && event_class(&second) != BENIGN) {
            TRY(event_intercept(cpu, &second));
            return shutdown(cpu);
        }
        if (makes_double_fault(&now, &second)) {
            TRY(event_intercept(cpu, &second));
            cpu->attempt.delivering_valid = false;
            second = (struct event){.vector = VECTOR_DF, .type = EVENT_HARDWARE_EXCEPTION, .has_error_code = true};
        }
        now = second;
    }
}
