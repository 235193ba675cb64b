// Values and places among the arguments of a command.
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "vmx/vmcs/vmx.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_view(const struct look *look, int level, bool future, struct view *view) {
    if (!future || level < 0 || view_exists(look, (unsigned)level)) return view_make(look, level, view);
    if (level >= VMX_LEVELS)
        return monitor_error(look, "there is no level %d; the levels are 0 to %d", level, VMX_LEVELS - 1);
    if (!view_make(look, -1, view)) return false;
    view->level = (unsigned)level;
    return true;
}

// @LEVEL: in front.
static bool take_any_view(const struct look *look, const char **text, bool future, struct view *view) {
    int level = look->level;
    *text += strspn(*text, " \t");
    if (**text == '@') {
        char *end;
        unsigned long number = strtoul(*text + 1, &end, 10);
        if (!isdigit((unsigned char)(*text)[1]) || *end != ':')
            return monitor_error(look, "%s: write @LEVEL: in front, like @1:rip", *text);
        if (number >= VMX_LEVELS)
            return monitor_error(look, "there is no level %lu; the levels are 0 to %d", number, VMX_LEVELS - 1);
        level = (int)number;
        *text = end + 1;
    }
    return make_view(look, level, future, view);
}

bool take_view(const struct look *look, const char **text, struct view *view) {
    return take_any_view(look, text, false, view);
}

bool take_future_view(const struct look *look, const char **text, struct view *view) {
    return take_any_view(look, text, true, view);
}

// Symbols are those of the level that is meant.
static bool compile(const struct look *look, const char **text, const struct view *view,
                    struct expression *expression) {
    struct look of_level = *look;
    of_level.level = (int)view->level;
    return expression_compile(&of_level, text, expression);
}

static bool evaluate(const struct look *look, const char **text, const struct view *view, uint64_t *value) {
    struct expression expression;
    char error[200];
    if (!compile(look, text, view, &expression)) return false;
    if (expression_value(&expression, view, value, error, sizeof error)) return true;
    return monitor_error(look, "%s", error);
}

static void skip_comma(const char **text) {
    *text += strspn(*text, " \t");
    if (**text == ',') ++*text;
    *text += strspn(*text, " \t");
}

// FILE:LINE, where FILE has a point or a slash in it. Its length with the line; 0: something else stands there.
static size_t source_length(const char *text, size_t *name) {
    size_t length = strcspn(text, " \t,"), digits = 0;
    while (digits < length && isdigit((unsigned char)text[length - digits - 1])) digits++;
    if (!digits || digits > 9 || length < digits + 2 || text[length - digits - 1] != ':') return 0;
    *name = length - digits - 1;
    return strcspn(text, "./") < *name && !strpbrk(text, "'[") ? length : 0;
}

static bool take_source(const struct look *look, const char **text, size_t name, size_t length,
                        struct location *place) {
    struct source_place source;
    char path[1024], error[1200];
    snprintf(path, sizeof path, "%.*s", (int)name, *text);
    unsigned line = (unsigned)strtoul(*text + name + 1, NULL, 10);
    if (!symbols_line_find(look->symbols, (int)place->view.level, path, line, &source, error, sizeof error))
        return monitor_error(look, "%s", error);
    place->space = SPACE_LINEAR;
    place->address = source.address;
    *text += length;
    return true;
}

// An address, or with `bytes` perhaps the memory itself.
static bool take_address(const struct look *look, const char **text, struct location *place, uint64_t *bytes) {
    struct expression expression;
    char error[200];
    const char *after = *text;
    place->space = take_space(text);
    bool plain = !bytes || after != *text;
    if (plain) return evaluate(look, text, &place->view, &place->address);
    if (!compile(look, text, &place->view, &expression)) return false;
    if (expression_is_memory(&expression)
            ? expression_memory(&expression, &place->view, &place->space, bytes, &place->address, error, sizeof error)
            : expression_value(&expression, &place->view, &place->address, error, sizeof error))
        return true;
    return monitor_error(look, "%s", error);
}

static bool take(const struct look *look, const char **text, bool future, struct location *place, uint64_t *bytes) {
    size_t name;
    if (!take_any_view(look, text, future, &place->view)) return false;
    size_t length = source_length(*text, &name);
    if (length ? !take_source(look, text, name, length, place) : !take_address(look, text, place, bytes)) return false;
    skip_comma(text);
    return true;
}

bool take_place(const struct look *look, const char **text, struct location *place) {
    return take(look, text, false, place, NULL);
}
bool take_future_place(const struct look *look, const char **text, struct location *place) {
    return take(look, text, true, place, NULL);
}
bool take_memory_place(const struct look *look, const char **text, struct location *place, uint64_t *bytes) {
    return take(look, text, true, place, bytes);
}

bool take_value(const struct look *look, const char **text, uint64_t *value) {
    struct view view;
    if (!take_any_view(look, text, false, &view) || !evaluate(look, text, &view, value)) return false;
    skip_comma(text);
    return true;
}

bool take_end(const struct look *look, const char *text) {
    text += strspn(text, " \t");
    return !*text || monitor_error(look, "%s: nothing more is expected here", text);
}
