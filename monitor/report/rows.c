// The rows of kinds and rules; see report.h.
#include "monitor/report/report.h"

static const struct {
    const char *word, *text;
} kinds[] = {
#define KIND(word, id, text) {word, text},
#include "monitor/report/kind.def"
#undef KIND
};

static const struct report_row rules[] = {
#define RULE(kind, name, class, section, text, hint) {REPORT_##kind, REPORT_##class, #name, section, text, hint},
#include "monitor/report/rule.def"
#undef RULE
};

const struct report_row *report_row(enum report_rule rule) { return &rules[rule]; }
const char *report_word(unsigned kind) { return kind < REPORT_KINDS ? kinds[kind].word : NULL; }
const char *report_word_text(unsigned kind) { return kinds[kind].text; }
