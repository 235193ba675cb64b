// What is likely meant where a rule is broken; see hint.h.
#include "monitor/faults/hint.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char *rule, *text;
} rows[] = {
#define HINT(rule, text) {#rule, text},
#include "monitor/faults/hint.def"
#undef HINT
};

const char *cause_hint(const char *rule) {
    for (unsigned i = 0; rule && i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].rule, rule)) return rows[i].text;
    return NULL;
}

const char *cause_hint_rule(unsigned index) { return index < sizeof rows / sizeof *rows ? rows[index].rule : NULL; }
