// why: exceptions, triple faults, #UD for what a VMCS does not enable. SDM Vol. 3A, 6.15; Vol. 3C, 25.3.
#include "monitor/show/disassemble.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/session/monitor.h"
#include "monitor/vtx/why.h"
#include "cpu/state/model.h"
#include <inttypes.h>
#include <string.h>

static const struct {
    const char *text, *section;
} vectors[32] = {
#define VECTOR(number, text, section) [number] = {text, section},
#include "monitor/vtx/vector.def"
#undef VECTOR
};

// Instructions that are #UD in VMX non-root operation unless a control enables them.
static const struct {
    const char *mnemonic;
    uint8_t field, bit;
    const char *control;
} enabled[] = {
    {"rdtscp", FIELD_PROC2_CONTROLS, PROC2_ENABLE_RDTSCP, "enable RDTSCP"},
    {"rdpid", FIELD_PROC2_CONTROLS, PROC2_ENABLE_RDTSCP, "enable RDTSCP"},
    {"invpcid", FIELD_PROC2_CONTROLS, PROC2_ENABLE_INVPCID, "enable INVPCID"},
    {"xsaves", FIELD_PROC2_CONTROLS, PROC2_ENABLE_XSAVES, "enable XSAVES/XRSTORS"},
    {"xrstors", FIELD_PROC2_CONTROLS, PROC2_ENABLE_XSAVES, "enable XSAVES/XRSTORS"},
    {"vmfunc", FIELD_PROC2_CONTROLS, PROC2_ENABLE_VM_FUNCTIONS, "enable VM functions"},
};

static void upper(char *to, size_t size, const char *from) {
    size_t i = 0;
    for (; from[i] && from[i] != ' ' && i + 1 < size; i++)
        to[i] = from[i] >= 'a' && from[i] <= 'z' ? (char)(from[i] - 'a' + 'A') : from[i];
    to[i] = '\0';
}

static void explain_ud(struct monitor *monitor, const struct view *view, const char *text) {
    char name[24];
    upper(name, sizeof name, text);
    for (unsigned i = 0; view->level && i < sizeof enabled / sizeof *enabled; i++) {
        uint64_t value = 0;
        size_t length = strlen(enabled[i].mnemonic);
        if (strncmp(text, enabled[i].mnemonic, length) != 0) continue;
        (void)vmx_vmcs_read(view->cpu, view->vmcs, enabled[i].field, &value);
        if (value >> enabled[i].bit & 1) continue;
        print_in(monitor, RED, "  %s: %s is 0 in this VMCS (%" PRIx64 ")\n", name, enabled[i].control, view->vmcs);
        print(monitor, "  SDM Vol. 3C, 24.6.2, 25.3: without it the instruction causes an invalid-opcode exception\n");
        return;
    }
    if (text[0] == 'v' && text[1] == 'm' && !vmx_in_operation(view->cpu))
        print_in(monitor, RED, "  %s: outside VMX operation (VMXON was not executed), SDM Vol. 3C, 30.3\n", name);
}

// SDM Vol. 3A, 4.7.
static void explain_page_fault(struct monitor *monitor, const struct history_fault *f) {
    uint64_t e = f->information;
    print(monitor, "  linear 0x%" PRIx64 ", error code %" PRIx64 ": %s, %s, %s%s%s  (walk @%u:0x%" PRIx64 ")\n",
          f->value, e,
          e >> 4 & 1   ? "instruction fetch"
          : e >> 1 & 1 ? "write"
                       : "read",
          e >> 2 & 1 ? "user-mode access" : "supervisor-mode access", e & 1 ? "page-level protection" : "not present",
          e >> 3 & 1 ? ", reserved bit set" : "", e >> 5 & 1 ? ", protection key" : "", f->level, f->value);
}

// SDM Vol. 3A, 6.13.
static void explain_selector(struct monitor *monitor, uint64_t e) {
    static const char *const tables[] = {"GDT", "IDT", "LDT", "IDT"};
    if (e)
        print(monitor, "  error code %" PRIx64 ": %s, entry %u%s\n", e, tables[e >> 1 & 3], (unsigned)(e >> 3 & 0x1fff),
              e & 1 ? ", during the delivery of an event" : "");
    else
        print(monitor, "  error code 0: not about a descriptor\n");
}

void why_fault(struct monitor *monitor, const struct history_fault *f) {
    struct view view;
    struct instruction i;
    char name[160];
    unsigned vector = f->vector & 31;
    print_in(monitor, BOLD, "exception %u %s at level %u: %s\n", f->vector, vmcs_vector_name(f->vector), f->level,
             vectors[vector].text ? vectors[vector].text : "");
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64, f->step, f->rip);
    if (*symbols_name(monitor->look.symbols, (int)f->level, f->rip, name, sizeof name)) print(monitor, " <%s>", name);
    print(monitor, ", SDM Vol. 3A, %s\n", vectors[vector].section ? vectors[vector].section : "6.15");
    if (vector == VECTOR_PF) explain_page_fault(monitor, f);
    if (vector == VECTOR_GP || vector == VECTOR_SS || vector == VECTOR_NP || vector == VECTOR_TS)
        explain_selector(monitor, f->information);
    if (!view_make(&monitor->look, (int)f->level, &view)) return;
    uint64_t at = view_code_bits(&view) == 64 ? f->rip : (uint32_t)(view.base[CS] + f->rip);
    if (!disassemble(&monitor->look, &view, SPACE_LINEAR, at, 0, &i)) return;
    print(monitor, "  %s\n", i.text);
    if (vector == VECTOR_UD) explain_ud(monitor, &view, i.text);
}

// SDM Vol. 3A, 6.15, double fault, Table 6-5.
void why_triple(struct monitor *monitor, const struct history_cpu *c) {
    print_in(monitor, BOLD,
             "triple fault at level %u: an exception while the processor called the double-fault handler\n",
             c->triple.level);
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64 ", SDM Vol. 3A, 6.15 (interrupt 8). How it came about:\n",
          c->triple.step, c->triple.rip);
    for (unsigned i = c->chain_count; i-- > 0;) {
        const struct history_fault *f = &c->chain[i];
        print(monitor, "  %u. exception %u %s, error code %" PRIx64, c->chain_count - i, f->vector,
              vmcs_vector_name(f->vector), f->information);
        if (f->vector == VECTOR_PF) print(monitor, ", linear 0x%" PRIx64, f->value);
        print(monitor, "\n");
    }
    print(monitor, "  %u. one more exception, which ends it\n", c->chain_count + 1);
    if (c->chain_count) why_fault(monitor, &c->chain[c->chain_count - 1]);
}
