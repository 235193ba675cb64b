// Call stacks; see unwind.h.
#include "monitor/unwind/unwind.h"
#include "devices/history/history.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

// General registers of a level that waits are in no VMCS: they are those of its last VM exit, if that is where it
// waits.
static void take_registers(struct unwind *u) {
    const struct view *v = u->view;
    if (v->source == VIEW_LIVE) {
        memcpy(u->gpr, v->gpr, sizeof u->gpr);
        u->known = UINT16_MAX;
        return;
    }
    const struct history_cpu *past = machine_history_cpu(v->machine, v->cpu->id);
    const struct history_exit *e = past && v->level < HISTORY_LEVELS ? &past->loop[v->level].exit : NULL;
    if (v->source == VIEW_GUEST_AREA && e && e->rip == v->rip) {
        memcpy(u->gpr, e->gpr, sizeof u->gpr);
        u->known = UINT16_MAX;
    }
    unwind_set(u, RSP, v->gpr[RSP]);
}

void unwind_begin(struct unwind *u, const struct view *view, const struct symbols *symbols, uint64_t modules) {
    *u = (struct unwind){.view = view, .symbols = symbols, .modules = modules, .exact = true, .how = UNWIND_REGISTERS};
    take_registers(u);
    u->ip = view_code_address(view);
}

static bool ends(struct unwind *u, const char *why) {
    u->end = why;
    return false;
}

static bool is_user(uint64_t ip) { return !(ip >> 63); }

// Of user code under a kernel nothing is known but where it is.
static bool goes_to_user(const struct unwind *u) {
    char name[8];
    return view_cpl(u->view) < 3 && u->how == UNWIND_ORC && is_user(u->ip) &&
           !*symbols_name(u->symbols, (int)u->view->level, u->ip, name, sizeof name);
}

bool unwind_next(struct unwind *u) {
    static const struct {
        enum unwind_how how;
        enum unwind_step (*by)(struct unwind *);
    } ways[] = {{UNWIND_ORC, unwind_by_orc},
                {UNWIND_CFI, unwind_by_cfi},
                {UNWIND_FRAME_POINTER, unwind_by_frame_pointer},
                {UNWIND_GUESS, unwind_by_guess}};
    const struct unwind before = *u;
    if (view_code_bits(u->view) != 64) return ends(u, "calls of code that is not 64-bit are not followed");
    if (goes_to_user(u)) return ends(u, "user code");
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        enum unwind_step step = ways[i].by(u);
        // Tables may lead to another stack; what is found on this one lies higher.
        bool by_tables = ways[i].how == UNWIND_ORC || ways[i].how == UNWIND_CFI;
        bool onward = by_tables ? u->gpr[RSP] != before.gpr[RSP] : u->gpr[RSP] > before.gpr[RSP];
        if (step == STEP_DONE && onward && u->ip) {
            u->how = ways[i].how;
            return true;
        }
        *u = before;
        if (step == STEP_END) return ends(u, "the end of the stack");
    }
    return ends(u, "nothing says who called");
}
