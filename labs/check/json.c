// A verdict as one JSON object on one line, for who grades.
#include "labs/check/claim.h"
#include "monitor/files/escape.h"
#include <inttypes.h>

static void put_text(struct output *o, const char *name, const char *text) {
    output_print(o, PLAIN, ",\"%s\":\"", name);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < ' ')
            output_print(o, PLAIN, "\\u%04x", c);
        else
            output_print(o, PLAIN, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    output_print(o, PLAIN, "\"");
}

static void put_place(struct output *o, const struct trial *trial, const struct moment *m) {
    const struct answer_place p = answer_place(trial, m);
    output_print(o, PLAIN, ",\"step\":%" PRIu64 ",\"level\":%u,\"rip\":\"0x%" PRIx64 "\"", m->step, m->level, p.rip);
    if (*p.symbol) put_text(o, "symbol", p.symbol);
    if (!p.file) return;
    put_text(o, "file", p.file);
    output_print(o, PLAIN, ",\"line\":%u", p.line);
}

static void put_facts(struct output *o, const struct trial *trial, const struct moment *m) {
    enum { MOST = 4 };
    struct fact facts[MOST];
    const unsigned count = answer_facts(trial, m, facts, MOST);
    output_print(o, PLAIN, ",\"rules\":[");
    for (unsigned i = 0; i < count; i++)
        output_print(o, PLAIN, "%s\"%s\"", i ? "," : "", facts[i].rule ? facts[i].rule : "");
    output_print(o, PLAIN, "]");
}

static void put_claim(struct output *o, const struct trial *trial, const struct verdict *v) {
    const struct moment *m = v->claim->at(trial);
    output_print(o, PLAIN, ",\"exercise\":%u", v->exercise);
    put_text(o, "answer", v->claim->name);
    put_text(o, "what", v->claim->what);
    put_text(o, "section", v->claim->section);
    put_text(o, "next", v->claim->next);
    if (!m) return;
    put_place(o, trial, m);
    put_facts(o, trial, m);
}

static const char *end_of(const struct trial *trial) {
    switch (trial->end) {
    case MACHINE_STEPS: return "steps";
    case MACHINE_STUCK: return "halted";
    case MACHINE_TRIPLE_FAULT: return "triple fault";
    default: return "otherwise";
    }
}

void answer_json(struct output *o, const struct trial *trial, const struct verdict *v) {
    output_print(o, PLAIN, "{\"lab\":\"%s\",\"passed\":%s,\"done\":[", v->lab->folder, v->claim ? "false" : "true");
    for (unsigned i = 0; i < v->exercises; i++)
        output_print(o, PLAIN, "%s%s", i ? "," : "", v->done[i] ? "true" : "false");
    output_print(o, PLAIN, "],\"end\":\"%s\",\"steps\":%" PRIu64, end_of(trial), trial->steps);
    if (v->claim) put_claim(o, trial, v);
    output_print(o, PLAIN, "}\n");
}
