// An answer as a teacher gives it: what happened, at which instruction, by which rule, and what to look at next.
#include "labs/check/claim.h"
#include "monitor/causes/entry.h"
#include "monitor/faults/fault.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vmcs/vmcs.h"
#include "vmx/insn/refusal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 110, INDENT = 12, FACTS = 6 };

// --- where ---

static const char *below_labs(const char *path) {
    const char *at = strstr(path, "labs/");
    return at ? at : path;
}

struct answer_place answer_place(const struct trial *trial, const struct moment *m) {
    struct answer_place p = {.rip = m->caller ? m->caller : m->rip};
    struct source_place line;
    (void)symbols_name(trial->symbols, SYMBOLS_ANY_LEVEL, p.rip, p.symbol, sizeof p.symbol);
    if (!symbols_line(trial->symbols, SYMBOLS_ANY_LEVEL, p.rip, &line)) return p;
    p.file = below_labs(line.path);
    p.line = line.line;
    (void)source_text(&line, line.line, p.text, sizeof p.text);
    return p;
}

static void print_place(struct output *o, const struct trial *trial, const char *word, const struct moment *m) {
    struct answer_place p = answer_place(trial, m);
    output_print(o, PLAIN, "    %-7s ", word);
    if (p.file) output_print(o, BOLD, "%s:%u ", p.file, p.line);
    if (*p.symbol) output_print(o, PLAIN, "<%s> ", p.symbol);
    output_print(o, PLAIN, "RIP 0x%" PRIx64 ", level %u, step %" PRIu64 "\n", p.rip, m->level, m->step);
    if (*p.text) output_print(o, BOLD, "    %7s | %s\n", "", p.text + strspn(p.text, " \t"));
}

// --- what the machine knows of it ---

static unsigned refused_facts(const struct moment *m, struct fact *fact) {
    const struct refusal_row *row = refusal_row(m->number);
    *fact =
        (struct fact){.rule = row->name, .text = row->text, .section = "SDM Vol. 3C, 30.3", .because = FACT_NO_CAUSE};
    return 1;
}

static unsigned report_facts(const struct moment *m, struct fact *fact) {
    const struct report_row *row = report_row((enum report_rule)m->number);
    *fact = (struct fact){
        .rule = row->name, .text = row->text, .section = row->section, .hint = row->hint, .because = FACT_NO_CAUSE};
    return 1;
}

unsigned answer_facts(const struct trial *trial, const struct moment *m, struct fact *facts, unsigned max) {
    (void)trial;
    if (!m || !max) return 0;
    if (m->kind == OBSERVE_FAILED_ENTRY && m->failure) return failure_facts(m->failure, facts, max);
    if (m->kind == MOMENT_REFUSED) return refused_facts(m, facts);
    if (m->kind == MOMENT_REPORT) return report_facts(m, facts);
    return 0;
}

// The fields that a rule read: their values, and the VMWRITE that gave each its value.
static void print_values(struct output *o, const struct trial *trial, const struct moment *m, const struct fact *fact) {
    for (unsigned i = 0; i < fact->values; i++) {
        const struct fact_value *v = &fact->value[i];
        output_print(o, PLAIN, "    %-7s %s = 0x%" PRIx64, "found", v->name, v->now);
        if (v->mask) output_print(o, PLAIN, ", of the bits 0x%" PRIx64 " wanted 0x%" PRIx64, v->mask, v->needed);
        if (v->source) output_print(o, PLAIN, " (%s)", v->source);
        output_print(o, PLAIN, "\n");
        if (v->place.space != PLACE_FIELD) continue;
        const struct moment *by = moment_before(trial, m, OBSERVE_VMWRITE, (uint32_t)v->place.address);
        if (by) print_place(o, trial, "written", by);
    }
}

static void print_facts(struct output *o, const struct trial *trial, const struct moment *m) {
    struct fact facts[FACTS];
    unsigned count = answer_facts(trial, m, facts, FACTS);
    for (unsigned i = 0; i < count; i++) {
        output_print(o, PLAIN, "    %-7s %s%s", "rule", facts[i].section ? facts[i].section : "",
                     facts[i].section ? ": " : "");
        output_wrap(o, INDENT, INDENT, WIDTH, facts[i].text);
        print_values(o, trial, m, &facts[i]);
        if (i == 0 && facts[i].hint) {
            output_print(o, PLAIN, "    %-7s ", "hint");
            output_wrap(o, INDENT, INDENT, WIDTH, facts[i].hint);
        }
    }
    if (m && m->kind == OBSERVE_EXCEPTION)
        output_print(o, PLAIN, "    %-7s vector %u %s\n", "found", m->number, vmcs_vector_name(m->number));
}

// --- the whole ---

static void print_row(struct output *o, const char *word, const char *text) {
    output_print(o, PLAIN, "    %-7s ", word);
    output_wrap(o, INDENT, INDENT, WIDTH, text);
}

static void print_claim(struct output *o, const struct trial *trial, const struct verdict *v) {
    const struct claim *c = v->claim;
    const struct moment *m = c->at(trial);
    output_print(o, PLAIN, "\n  exercise %u: ", v->exercise);
    output_wrap(o, 14, 4, WIDTH, c->what);
    if (m) print_place(o, trial, "where", m);
    if (*c->found_name)
        output_print(o, PLAIN, "    %-7s %s = 0x%" PRIx64 "\n", "found", c->found_name, c->found(trial));
    print_facts(o, trial, m);
    if (*c->section) print_row(o, "read", c->section);
    print_row(o, "next", c->next);
    output_print(o, DIM, "  [answer %s]\n", c->name);
}

void answer_print(struct output *o, const struct trial *trial, const struct verdict *v) {
    output_print(o, BOLD, "lab %s: %s\n", v->lab->folder, v->lab->setup.title);
    for (unsigned i = 0; i < v->exercises; i++) {
        output_print(o, PLAIN, "  %u  %-84s ", i + 1, v->lab->exercise[i]);
        output_print(o, v->done[i] ? GREEN : RED, "%s\n", v->done[i] ? "done" : "not yet");
    }
    if (v->claim) print_claim(o, trial, v);
}
