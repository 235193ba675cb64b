// A report as text and as one JSON object a line; see report.h.
#include "monitor/report/report.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// "step N, processor N, level N, RIP 0x... <name>, file:line"
static void print_moment(const struct look *look, const struct report_moment *m) {
    char name[160];
    struct source_place place;
    print(look, "step %" PRIu64 ", processor %u, level %u, RIP 0x%" PRIx64, m->step, m->processor, m->level, m->rip);
    if (*symbols_name(look->symbols, (int)m->level, m->rip, name, sizeof name)) print(look, " <%s>", name);
    if (symbols_line(look->symbols, (int)m->level, m->rip, &place)) print(look, ", %s:%u", place.shown, place.line);
    print(look, "\n");
}

static void print_place(const struct look *look, const struct place *p) {
    switch (p->space) {
    case PLACE_PHYSICAL: print(look, "  at physical 0x%" PRIx64, p->address); break;
    case PLACE_GUEST: print(look, "  at guest-physical 0x%" PRIx64 " of level %u", p->address, p->level); break;
    case PLACE_LINEAR: print(look, "  at linear 0x%" PRIx64 " of level %u", p->address, p->level); break;
    case PLACE_FIELD: print(look, "  in the VMCS at 0x%" PRIx64, p->vmcs); break;
    case PLACE_MSR: print(look, "  MSR 0x%" PRIx64, p->address); break;
    default: break;
    }
}

void report_print(const struct look *look, const struct report *r, uint64_t times) {
    const struct report_row *row = report_row(r->rule);
    print(look, "%s %s: %s\n  ", report_word(row->kind), row->class == REPORT_ERROR ? "error" : "advice", row->text);
    print_moment(look, &r->at);
    print(look, "  %s; rule %s\n", row->section, row->name);
    for (unsigned i = 0; i < r->fact.values; i++) {
        const struct fact_value *v = &r->fact.value[i];
        print(look, "    %-32s = 0x%" PRIx64, v->name, v->now);
        print_place(look, &v->place);
        print(look, "\n");
    }
    if (r->began) {
        print(look, "  began: %s\n    ", r->began);
        print_moment(look, &r->beginning);
    }
    if (times > 1)
        print(look, "  the same for the %" PRIu64 "th time\n", times);
    else if (row->hint)
        print(look, "  hint: %s\n", row->hint);
}

// --- JSON ---

static void json_text(const struct look *look, const char *name, const char *text) {
    print(look, ",\"%s\":\"", name);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ')
            print(look, "\\u%04x", c);
        else
            print(look, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    print(look, "\"");
}

static void json_moment(const struct look *look, const struct report_moment *m) {
    char name[160];
    struct source_place place;
    print(look, "\"step\":%" PRIu64 ",\"processor\":%u,\"level\":%u,\"rip\":\"0x%" PRIx64 "\"", m->step, m->processor,
          m->level, m->rip);
    if (*symbols_name(look->symbols, (int)m->level, m->rip, name, sizeof name)) json_text(look, "symbol", name);
    if (!symbols_line(look->symbols, (int)m->level, m->rip, &place)) return;
    json_text(look, "file", place.shown);
    print(look, ",\"line\":%u", place.line);
}

static void json_value(const struct look *look, const struct fact_value *v) {
    static const char *const spaces[] = {
        [PLACE_REGISTER] = "register", [PLACE_MSR] = "msr",     [PLACE_FIELD] = "field",
        [PLACE_LINEAR] = "linear",     [PLACE_GUEST] = "guest", [PLACE_PHYSICAL] = "physical",
        [PLACE_DEVICE] = "device"};
    print(look, "{\"now\":\"0x%" PRIx64 "\"", v->now);
    json_text(look, "name", v->name);
    if (v->place.space && v->place.space < sizeof spaces / sizeof *spaces) {
        json_text(look, "space", spaces[v->place.space]);
        print(look, ",\"address\":\"0x%" PRIx64 "\",\"of_level\":%u", v->place.address, v->place.level);
        if (v->place.space == PLACE_FIELD) print(look, ",\"vmcs\":\"0x%" PRIx64 "\"", v->place.vmcs);
    }
    print(look, "}");
}

void report_print_json(const struct look *look, const struct report *r, uint64_t times) {
    const struct report_row *row = report_row(r->rule);
    print(look, "{");
    json_moment(look, &r->at);
    json_text(look, "kind", report_word(row->kind));
    json_text(look, "class", row->class == REPORT_ERROR ? "error" : "advice");
    json_text(look, "rule", row->name);
    json_text(look, "section", row->section);
    json_text(look, "text", row->text);
    print(look, ",\"times\":%" PRIu64 ",\"values\":[", times);
    for (unsigned i = 0; i < r->fact.values; i++) {
        if (i) print(look, ",");
        json_value(look, &r->fact.value[i]);
    }
    print(look, "]");
    if (r->began) {
        print(look, ",\"began\":{");
        json_moment(look, &r->beginning);
        json_text(look, "what", r->began);
        print(look, "}");
    }
    print(look, "}\n");
}
