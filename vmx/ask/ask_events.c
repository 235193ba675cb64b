// Whether an exception, an NMI or an external interrupt exits instead of being delivered. SDM Vol. 3C, 25.2, 27.2.2;
// rows in exits.def.
#include "vmx/ask/exit_words.h"

#define EXITS(intercept, reason, control, when, reports, section, what, rule)
#define CAUSE(reason, control, section, what, rule)

enum event_class { EVENTS_EXCEPTION, EVENTS_NMI, EVENTS_INTERRUPT, EVENTS_NEVER };

static enum event_class class_of(const struct event *e) {
    switch (e->type) {
    case EVENT_EXTERNAL: return EVENTS_INTERRUPT;
    case EVENT_NMI: return EVENTS_NMI;
    case EVENT_SOFTWARE_INTERRUPT: return EVENTS_NEVER;
    default: return EVENTS_EXCEPTION;
    }
}

static bool exits(const struct ask *c, const struct event *e) {
    enum event_class class = class_of(e);
#define EVENT_EXITS(event, reason, control, when, section, what, rule)                                                 \
    if (class == EVENTS_##event && (control) && (when)) return true;
#include "vmx/ask/exits.def"
#undef EVENT_EXITS
    return false;
}

// Single-step and breakpoint traps come at an instruction boundary; other exceptions from an attempt at an instruction.
static bool is_trap(const struct event *e) {
    return e->type == EVENT_HARDWARE_EXCEPTION && e->vector == VECTOR_DB && !(e->payload & DEBUG_BD);
}

// 27.2.3: the instruction in execution is an IRET that removed virtual-NMI blocking before it met the fault.
static bool nmi_unblocked(const struct cpu *cpu) {
    return vmx_of(cpu)->nmi_unblocked_step == cpu->time.steps - 1 && !cpu->attempt.delivering_valid;
}

static void exception_record(const struct cpu *cpu, const struct event *e, struct exit_record *w) {
    bool error_code = e->has_error_code && cpu->control.cr0 & CR0_PE;
    bool fault = e->type == EVENT_HARDWARE_EXCEPTION && !is_trap(e) && e->vector != VECTOR_DF;
    w->attempted = !is_trap(e) && e->vector != VECTOR_MF; // #MF saves no blocking by STI or MOV SS, 27.1
    w->resume_flag = fault ? RF_SET : RF_AS_IS;
    w->interruption = interruption_of(e, error_code);
    if (e->vector != VECTOR_DF && nmi_unblocked(cpu)) w->interruption |= INTERRUPTION_NMI_UNBLOCKING;
    w->error_code = error_code ? e->error_code : 0;
    if (e->type >= EVENT_SOFTWARE_INTERRUPT) w->instruction_length = e->length;
    if (e->vector == VECTOR_PF) w->qualification = cpu_64bit(cpu) ? e->payload : (uint32_t)e->payload;
    if (e->vector == VECTOR_DB) w->qualification = e->payload & (DEBUG_B0_B3 | DEBUG_BD | DEBUG_BS);
}

// An interrupt's vector is known, and reported, if "acknowledge interrupt on exit" is 1.
static void boundary_record(const struct ask *c, const struct event *e, struct exit_record *w) {
    w->attempted = false;
    w->resume_flag = RF_AS_IS;
    w->nmi = e->type == EVENT_NMI;
    if (w->nmi || vmcs_on(c->vmcs, EXIT, ACKNOWLEDGE_INTERRUPT)) w->interruption = interruption_of(e, false);
}

bool ask_event_exits(const struct ask *ask, const struct event *event, struct exit_record *would) {
    if (!exits(ask, event)) return false;
    bool interrupt = event->type == EVENT_EXTERNAL;
    *would = record_of(NULL, interrupt ? EXIT_EXTERNAL_INTERRUPT : EXIT_EXCEPTION_NMI);
    if (interrupt || event->type == EVENT_NMI)
        boundary_record(ask, event, would);
    else
        exception_record(ask->cpu, event, would);
    return true;
}
