// A short text; see text.h.
#include "monitor/explain/text.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

void text_add(struct text *text, const char *format, ...) {
    va_list arguments;
    if (!text->used) text->at[0] = 0;
    va_start(arguments, format);
    int length = vsnprintf(text->at + text->used, sizeof text->at - text->used, format, arguments);
    va_end(arguments);
    if (length > 0) text->used += (size_t)length;
    if (text->used >= sizeof text->at) text->used = sizeof text->at - 1;
}

void text_item(struct text *text, const char *before, const char *between, const char *item) {
    text_add(text, "%s%s", text->used ? between : before, item);
}

// The highest bit of the run of ones that begins at `low`.
static int run_end(uint64_t bits, int low) {
    while (low < 63 && bits >> (low + 1) & 1) low++;
    return low;
}

void text_bits(struct text *text, uint64_t bits) {
    enum { SHORT = 2 }; // a run of so many is told bit by bit
    text_add(text, bits & (bits - 1) ? "bits " : "bit ");
    for (int low = 0; low < 64; low++) {
        if (!(bits >> low & 1)) continue;
        int high = run_end(bits, low);
        if (high - low < SHORT) high = low;
        uint64_t rest = high < 63 ? bits >> (high + 1) << (high + 1) : 0;
        bool last = rest && (!(rest & (rest - 1)) || (rest >> SHORT & rest && !(((rest & -rest) + rest) & rest)));
        text_add(text, high == low ? "%d" : "%d:%d", high, low);
        if (rest) text_add(text, last ? " and " : ", ");
        low = high;
    }
}
