// why: the values of a fact, bit by bit, and its hints.
#include "monitor/explain/text.h"
#include "monitor/show/disassemble.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_bits(struct monitor *monitor, const char *before, uint64_t bits, const char *after) {
    struct text text = {0};
    text_bits(&text, bits);
    print(monitor, "%s%s%s", before, text.at, after);
}

// "bits 1, 2 and 4 must be 1", and from where that is known.
static void print_wanted(struct monitor *monitor, const struct fact_value *v) {
    uint64_t ones = v->mask & v->needed & ~v->now, zeros = v->mask & ~v->needed & v->now;
    if (!ones && !zeros) return;
    print(monitor, "\n      ");
    if (ones) print_bits(monitor, "", ones, " must be 1");
    if (zeros) print_bits(monitor, ones ? "; " : "", zeros, " must be 0");
    if (v->source) print(monitor, ": %s", v->source);
}

void print_values(struct monitor *monitor, const struct fact *fact) {
    for (unsigned i = 0; i < fact->values; i++) {
        const struct fact_value *v = &fact->value[i];
        if (!strcmp(v->name, "bits in the way")) {
            print_bits(monitor, "    in the way: ", v->now, "\n");
            continue;
        }
        print(monitor, "    %-40s = 0x%" PRIx64, v->name, v->now);
        print_wanted(monitor, v);
        print(monitor, "\n");
    }
}

void print_hints(struct monitor *monitor, const struct fact *fact) {
    if (fact->hint) print_in(monitor, BOLD, "  hint: %s\n", fact->hint);
}

void print_broken(struct monitor *monitor, const struct fact *fact) {
    print_in(monitor, RED, "  %s\n", fact->text);
    print(monitor, "    %s", fact->section);
    if (fact->section_title) print(monitor, ", %s", fact->section_title);
    if (fact->rule) print(monitor, "; rule %s", fact->rule);
    print(monitor, "\n");
    print_values(monitor, fact);
    print_hints(monitor, fact);
}

bool instruction_at(struct monitor *monitor, unsigned level, uint64_t rip, char *text, size_t size) {
    struct view view;
    struct instruction i;
    if (!view_is_there(look_cpu(&monitor->look), level) || !view_make(&monitor->look, (int)level, &view)) return false;
    uint64_t at = view_code_bits(&view) == 64 ? rip : (uint32_t)(view.base[CS] + rip);
    if (!disassemble(&monitor->look, &view, SPACE_LINEAR, at, 0, &i)) return false;
    snprintf(text, size, "%s", i.text);
    return true;
}
