// The rows of kinds and rules. Filing reports: counted, written, and the run stopped. See report.h.
#include "monitor/report/report.h"
#include "cpu/processor/observing.h"
#include "devices/history/timeline.h"
#include "vmx/vmcs/vmx.h"

static const struct {
    const char *word, *text;
} kinds[] = {
#define KIND(word, id, text) {word, text},
#define DETECTOR(kind, id)
#include "monitor/report/kind.def"
#undef KIND
#undef DETECTOR
};

static const struct report_row rules[] = {
#define RULE(kind, name, class, section, text, hint) {REPORT_##kind, REPORT_##class, #name, section, text, hint},
#include "monitor/report/rule.def"
#undef RULE
};

const struct report_row *report_row(enum report_rule rule) { return &rules[rule]; }
const char *report_word(unsigned kind) { return kind < REPORT_KINDS ? kinds[kind].word : NULL; }
const char *report_word_text(unsigned kind) { return kinds[kind].text; }

// --- making one ---

struct report_moment report_moment(const struct cpu *cpu, const struct sight *sight) {
    return (struct report_moment){.step = sight->step + cpu->wire.other_steps,
                                  .rip = sight->rip,
                                  .processor = (uint32_t)cpu->id,
                                  .level = cpu->wire.extension ? vmx_level(cpu) : 0};
}

struct report report_at(const struct cpu *cpu, enum report_rule rule, const struct sight *sight) {
    const struct report_row *row = report_row(rule);
    return (struct report){.rule = rule,
                           .at = report_moment(cpu, sight),
                           .fact = {.rule = row->name,
                                    .section = row->section,
                                    .text = row->text,
                                    .hint = row->hint,
                                    .because = FACT_NO_CAUSE}};
}

void report_value(struct report *report, const char *name, struct place place, uint64_t now) {
    fact_value(&report->fact, name, place, now, 0, 0);
}

// --- counting ---

static uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t h = (a ^ b) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static uint64_t key_of(const struct report *r) {
    return mixed(mixed(mixed(r->rule + 1, r->at.rip), r->at.level), r->same) | 1;
}

// How often the same was filed, with this one. What finds no room any more is counted as one.
static uint64_t count(struct report_counts *c, const struct report *r) {
    const uint64_t key = key_of(r);
    unsigned i = 0;
    const struct report_row *row = report_row(r->rule);
    c->filed[row->kind]++;
    c->errors += row->class == REPORT_ERROR;
    while (i < c->seen && c->of[i].key != key) i++;
    if (i == REPORT_SEEN) i--;
    if (i == c->seen) {
        c->seen++;
        c->of[i].key = key, c->of[i].step = r->at.step, c->of[i].rip = r->at.rip;
        c->of[i].rule = r->rule, c->of[i].level = r->at.level;
    }
    return ++c->of[i].times;
}

static bool power_of_ten(uint64_t n) {
    while (n % 10 == 0) n /= 10;
    return n == 1;
}

// --- writing ---

static void put(struct reports *rs, struct report_sink *sink, const struct report *r, uint64_t times) {
    struct look look = rs->monitor->look;
    look.output = &rs->text;
    look.processor = r->at.processor;
    rs->text.used = 0;
    (sink->json ? report_print_json : report_print)(&look, r, times);
    (void)written_put(sink->file, rs->text.text, rs->text.used);
    if (sink->errors) (void)written_flush(sink->file);
    rs->text.used = 0;
}

static void stop(struct reports *rs, struct cpu *cpu, const struct report *r, uint64_t times) {
    struct reports_pending *p = &rs->pending;
    if (p->count < REPORT_PENDING) {
        p->times[p->count] = times;
        p->of[p->count++] = *r;
    }
    cpu_stop(cpu);
}

// What is gone through once more was written when it came first.
static bool written_before(struct reports *rs, const struct report *r) {
    const struct timeline *t = rs->monitor->run->timeline;
    bool before = t && timeline_in_past(t) && r->at.step <= rs->told;
    if (r->at.step > rs->told) rs->told = r->at.step;
    return before;
}

void report_file(struct reports *rs, struct cpu *cpu, struct report *r) {
    const uint64_t times = count(&rs->counts, r), kind = BIT(report_row(r->rule)->kind);
    if (!power_of_ten(times)) return;
    bool before = written_before(rs, r);
    for (unsigned i = 0; i < rs->sinks; i++) {
        struct report_sink *sink = &rs->sink[i];
        if (!(sink->kinds & kind)) continue;
        if (!sink->file && times == 1 && (rs->monitor->run->running || rs->looking_back))
            stop(rs, cpu, r, times);
        else if (sink->file && !before)
            put(rs, sink, r, times);
    }
}
