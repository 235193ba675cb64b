// A short text; see text.h.
#include "monitor/explain/text.h"
#include <stdarg.h>
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
