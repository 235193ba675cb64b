// why: VM exits and failed VM entries. SDM Vol. 3C, chapters 25, 26, 27.
#include "monitor/causes/entry.h"
#include "monitor/causes/exits.h"
#include "monitor/explain/msr_name.h"
#include "monitor/vmcs/intercepts.h"
#include "monitor/vtx/why.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vtx/vtx.h"
#include "vmx/ask/qualification.h"
#include <inttypes.h>
#include <string.h>

void why_qualification(struct monitor *monitor, unsigned reason, uint64_t qualification) {
    struct qualification_part part;
    const char *between = "  ";
    for (unsigned row = 0; qualification_next(reason, qualification, &row, &part); between = ", ") {
        print(monitor, "%s%s%s", between, part.name, *part.name ? " " : "");
        if (part.length)
            print(monitor, "%.*s", (int)part.length, part.text);
        else
            print(monitor, "0x%" PRIx64, part.value);
    }
}

static void print_place(struct monitor *monitor, unsigned level, uint64_t rip) {
    char name[160];
    print(monitor, "RIP %" PRIx64, rip);
    if (*symbols_name(monitor->look.symbols, (int)level, rip, name, sizeof name)) print(monitor, " <%s>", name);
}

static void print_interruption(struct monitor *monitor, const char *before, uint64_t information) {
    struct text text = {0};
    vmcs_interruption(&text, information);
    print(monitor, "%s%s", before, text.at);
}

// The control that the rule needs: the value of which one bit decides.
static void print_control(struct monitor *monitor, const struct fact *fact) {
    for (unsigned i = 0; i < fact->values; i++) {
        const struct fact_value *v = &fact->value[i];
        struct text names = {0};
        int field = vmx_field_find(v->name);
        enum control_group group;
        if (!v->mask || field < 0 || !vmcs_control_group((enum vmcs_field)field, &group)) continue;
        vmcs_controls(&names, group, v->mask);
        print(monitor, "  in this VMCS: %s = 0x%" PRIx64 ", of it%s = %u\n", v->name, v->now, names.at,
              (v->now & v->mask) != 0);
    }
}

// What the fields beside the qualification say, and what the exit was about.
static void print_details(struct monitor *monitor, const struct history_exit *e) {
    unsigned reason = e->reason & UINT16_MAX;
    if (e->interruption >> 31) {
        print_interruption(monitor, "  ", e->interruption);
        if (e->interruption >> 11 & 1) print(monitor, " %x", e->error_code);
        print(monitor, "\n");
    }
    if (reason == EXIT_EPT_VIOLATION || reason == EXIT_EPT_MISCONFIGURATION)
        print(monitor, "  guest-physical 0x%" PRIx64 ", linear 0x%" PRIx64 "  (walk @%u:gpa:0x%" PRIx64 ")\n",
              e->physical, e->linear, e->level, e->physical);
    if (reason == EXIT_RDMSR || reason == EXIT_WRMSR) print(monitor, "  MSR 0x%x\n", (unsigned)e->gpr[RCX]);
    if (reason == EXIT_CPUID) print(monitor, "  leaf 0x%x\n", (unsigned)e->gpr[RAX]);
    if (e->vectoring >> 31) {
        print_interruption(monitor, "  during the delivery of: ", e->vectoring);
        print(monitor, "; the hypervisor must inject it again (27.2.4, 26.6)\n");
    }
}

// The entry of EPT that was in the way.
static void print_entries(struct monitor *monitor, const struct history_exit *e) {
    enum { FACTS = 8 };
    struct fact fact[FACTS];
    struct view view;
    unsigned reason = e->reason & UINT16_MAX;
    if (reason != EXIT_EPT_VIOLATION && reason != EXIT_EPT_MISCONFIGURATION) return;
    if (!view_is_there(look_cpu(&monitor->look), e->level) || !view_make(&monitor->look, (int)e->level, &view)) return;
    unsigned count = exit_ept_facts(&view, e, fact, FACTS);
    for (unsigned i = 0; i < count; i++) print_broken(monitor, &fact[i]);
}

// What the exit hides: an event that would have come, and a vector that is not known.
static void print_remarks(struct monitor *monitor, const struct history_exit *e) {
    enum { REMARKS = 4 };
    struct fact fact[REMARKS];
    unsigned count = exit_remark_facts(look_cpu(&monitor->look), e, fact, REMARKS);
    for (unsigned i = 0; i < count; i++) {
        print_in(monitor, BOLD, "  remark: ");
        print(monitor, "%s. %s\n", fact[i].text, fact[i].section);
    }
}

void why_exit(struct monitor *monitor, const struct history_exit *e) {
    enum { FACTS = 16 };
    struct fact facts[FACTS];
    unsigned reason = e->reason & UINT16_MAX;
    const char *name = vmx_exit_name(reason), *text = vmx_exit_text(reason);
    print_in(monitor, BOLD, "VM exit %s (%u) from level %u: %s\n", name ? name : "?", reason, e->level,
             text ? text : "?");
    print(monitor, "  step %" PRIu64 ", VMCS %" PRIx64 ", ", e->step, e->vmcs);
    print_place(monitor, e->level, e->rip);
    print(monitor, "\n");
    if (exit_facts(look_cpu(&monitor->look), e, facts, FACTS)) {
        print(monitor, "  %s.\n  %s\n", facts[0].text, facts[0].section);
        print_control(monitor, &facts[0]);
    }
    print(monitor, "  qualification 0x%" PRIx64, e->qualification);
    why_qualification(monitor, reason, e->qualification);
    print(monitor, "\n");
    print_details(monitor, e);
    print_entries(monitor, e);
    print_remarks(monitor, e);
}

// --- failed entries ---

static void print_msr(struct monitor *monitor, const struct history_failure *f) {
    struct fact fact;
    const char *name = msr_name((uint32_t)f->msr);
    if (!entry_msr_facts(look_cpu(&monitor->look), f, &fact, 1)) return;
    print(monitor, "  entry %" PRIu64 " of the VM-entry MSR-load area: MSR %" PRIx64 "H%s%s, value 0x%" PRIx64 "\n",
          f->qualification, f->msr, name ? " " : "", name ? name : "", f->value);
    print_broken(monitor, &fact);
}

// Of VM-instruction errors that are about the state of the VMCS or of the processor, not about a field.
static void print_error(struct monitor *monitor, const struct history_failure *f, unsigned error) {
    struct fact fact;
    if (!entry_error_facts(look_cpu(&monitor->look), f, error, &fact, 1)) return;
    print_broken(monitor, &fact);
}

void why_failure(struct monitor *monitor, const struct history_failure *f) {
    bool guest = f->number >> 31;
    unsigned number = f->number & UINT16_MAX;
    const char *text = guest ? vmx_exit_text(number) : vmx_error_text(number);
    if (!f->number)
        print_in(monitor, BOLD, "VM entry failed: VMfailInvalid, CF is 1\n");
    else
        print_in(monitor, BOLD, "VM entry failed: %s (%s %u)\n", text, guest ? "exit reason" : "VM-instruction error",
                 number);
    print(monitor, "  step %" PRIu64 ", ", f->step);
    if (f->vmcs == VMX_NO_VMCS)
        print(monitor, "no current VMCS, ");
    else
        print(monitor, "VMCS %" PRIx64 ", ", f->vmcs);
    print_place(monitor, 0, f->rip);
    print(monitor, "\n");
    if (guest && f->qualification) {
        print(monitor, "  qualification 0x%" PRIx64, f->qualification);
        why_qualification(monitor, number, f->qualification);
        print(monitor, "\n");
    }
    if (guest && number == EXIT_MSR_LOADING) print_msr(monitor, f);
    if (!guest) print_error(monitor, f, number);
    struct fact facts[HISTORY_RULES];
    unsigned count = failure_facts(f, facts, HISTORY_RULES);
    print_checks(monitor, facts, count);
}
