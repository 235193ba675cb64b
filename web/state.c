// The present as JSON: where the machine is in its past, its levels with their registers and next instructions, and
// the VMCS of each with what changed since the last entry with it.
#include "web/api.h"
#include "devices/history/history.h"
#include "devices/history/timeline.h"
#include "monitor/session/monitor.h"
#include "monitor/show/disassemble.h"
#include "monitor/symbols/symbols.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { INSTRUCTIONS = 14, LISTED_LEVELS = 5 };
#define put(...) output_print(to, PLAIN, __VA_ARGS__)

// Names and instructions have no control characters; quotation marks and backslashes they may have.
static void put_string(struct output *to, const char *text) {
    put("\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') put("\\");
        if ((unsigned char)*text >= ' ') put("%c", *text);
    }
    put("\"");
}

static void put_register(struct output *to, const char *name, uint64_t value, bool first) {
    put("%s[\"%s\",\"%" PRIx64 "\"]", first ? "" : ",", name, value);
}

static void put_registers(struct output *to, const struct view *v) {
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    put("\"registers\":[");
    put_register(to, "rip", v->rip, true);
    put_register(to, "rflags", v->rflags, false);
    for (unsigned i = 0; i < 16; i++)
        if (v->source == VIEW_LIVE || i == RSP) put_register(to, names[i], v->gpr[i], false);
    put_register(to, "cr0", v->cr0, false);
    put_register(to, "cr3", v->cr3, false);
    put_register(to, "cr4", v->cr4, false);
    put_register(to, "efer", v->efer, false);
    for (unsigned i = 0; i < 6; i++) put_register(to, segments[i], v->segment[i].selector, false);
    put("]");
}

static void put_code(struct output *to, const struct look *look, const struct view *v) {
    struct instruction i;
    char name[128];
    uint64_t address = view_code_address(v);
    put(",\"code\":[");
    for (unsigned n = 0; n < INSTRUCTIONS; n++, address += i.length) {
        disassemble(look, v, SPACE_LINEAR, address, 0, &i);
        put("%s[\"%" PRIx64 "\",", n ? "," : "", address);
        put_string(to, symbols_name(look->symbols, (int)v->level, address, name, sizeof name));
        put(",\"");
        for (unsigned b = 0; b < i.length; b++) put("%02x", i.bytes[b]);
        put("\",");
        put_string(to, i.text);
        put("]");
        if (!i.length) break;
    }
    put("]");
}

static void put_vmcs(struct output *to, const struct look *look, const struct view *v) {
    const struct history *past = machine_history(look->machine);
    const struct history_vmcs *entry = past ? history_entry(past, v->vmcs) : NULL;
    struct vmx_field field;
    uint64_t value;
    bool first = true;
    put(",\"vmcs\":\"%" PRIx64 "\",\"fields\":[", v->vmcs);
    for (unsigned i = 0; vmx_field(i, &field); i++) {
        if (!vmx_field_exists(v->cpu, i) || !vmx_vmcs_read(v->cpu, v->vmcs, i, &value)) continue;
        put("%s[\"%s\",\"%0*" PRIx64 "\",%d,%d,", first ? "" : ",", field.name, 2 * field.bytes, value, field.type,
            entry && entry->field[i] != value);
        put_string(to, field.text);
        put(",\"%x\"]", field.encoding);
        first = false;
    }
    put("]");
}

static void put_level(struct output *to, const struct look *look, unsigned level) {
    struct view v;
    char error[200];
    if (!view_of(look->machine, look->processor, (int)level, machine_history(look->machine), &v, error, sizeof error)) {
        put("null");
        return;
    }
    put("{\"level\":%u,\"live\":%d,\"mode\":", level, v.source == VIEW_LIVE);
    put_string(to, view_mode(&v));
    put(",\"cpl\":%u,", view_cpl(&v));
    put_registers(to, &v);
    put_code(to, look, &v);
    if (level && v.vmcs != VMX_NO_VMCS) put_vmcs(to, look, &v);
    put("}");
}

static void put_last_exit(struct output *to, const struct look *look) {
    const struct history_cpu *past = machine_history_cpu(look->machine, look->processor);
    const struct history_exit *exit = past ? history_last_exit(past) : NULL;
    const char *name = exit ? vmx_exit_name(exit->reason & 0xffff) : NULL;
    if (exit)
        put(",\"exit\":{\"step\":%" PRIu64 ",\"level\":%u,\"name\":\"%s\"}", exit->step, exit->level,
            name ? name : "unknown exit");
}

void web_state_print(struct monitor *monitor, struct output *to) {
    const struct look *look = &monitor->look;
    struct timeline_facts facts = {0};
    struct view now;
    char error[200];
    const bool there =
        view_of(look->machine, look->processor, -1, machine_history(look->machine), &now, error, sizeof error);
    timeline_facts(monitor->run->timeline, &facts);
    put("{\"step\":%" PRIu64 ",\"cycle\":%" PRIu64 ",\"first\":%" PRIu64 ",\"end\":%" PRIu64 ",\"past\":%d,\"over\":%d",
        machine_steps(look->machine), machine_cycles(look->machine), facts.first.steps, facts.end.steps, facts.in_past,
        monitor->run->over);
    put(",\"level\":%u", there ? now.level : 0);
    put_last_exit(to, look);
    put(",\"levels\":[");
    for (unsigned level = 0; level < LISTED_LEVELS && view_is_there(look_cpu(look), level); level++) {
        if (level) put(",");
        put_level(to, look, level);
    }
    put("]}");
}
