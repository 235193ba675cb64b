// Statements, functions and macros, and rows of tables: where the expressions are that may be changed.
#include "tests/mutants/mutate.h"
#include <string.h>

static bool is_one_of(const struct token *t, const char *const *words, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (token_is(t, words[i])) return true;
    return false;
}
#define IS_ONE_OF(t, ...)                                                                                              \
    is_one_of(t, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static bool opens(const struct token *t) { return IS_ONE_OF(t, "(", "[", "{"); }
static bool is_directive(const struct token *t) { return t->begins_line && token_is(t, "#"); }

// The token outside brackets that is `text`, or `to`.
static unsigned find(const struct mutator *m, unsigned from, unsigned to, const char *text) {
    for (; from < to && !token_is(&m->t[from], text); from++)
        if (opens(&m->t[from])) from = token_match(m->t, from);
    return from;
}

static unsigned directive_end(const struct mutator *m, unsigned at) {
    for (at++; m->t[at].kind != TOKEN_END && !m->t[at].begins_line; at++) {}
    return at;
}

static unsigned copy_condition(struct mutator *m, unsigned at) {
    unsigned close = token_match(m->t, at + 1);
    copy_as_is(m, at, at + 2);
    for (unsigned from = at + 2; from < close;) {
        unsigned part = find(m, from, close, ";");
        copy_initialiser(m, from, part);
        if (part < close) copy_as_is(m, part, part + 1);
        from = part + 1;
    }
    copy_as_is(m, close, close + 1);
    return close + 1;
}

// A declaration or an expression up to its semicolon.
static unsigned copy_simple(struct mutator *m, unsigned at, unsigned to) {
    unsigned end = find(m, at, to, ";");
    if (token_is(&m->t[at], "return")) {
        copy_as_is(m, at, at + 1);
        copy_expression(m, at + 1, end);
    } else if (find(m, at, end, "=") < end || find(m, at, end, "(") < end || find(m, at, end, "|=") < end) {
        copy_initialiser(m, at, end);
    } else {
        copy_as_is(m, at, end);
    }
    return end;
}

static unsigned copy_statement(struct mutator *m, unsigned at, unsigned to) {
    const struct token *t = &m->t[at];
    unsigned end = at + 1;
    if (token_is(t, "{")) {
        end = token_match(m->t, at);
        copy_as_is(m, at, at + 1);
        copy_statements(m, at + 1, end);
        copy_as_is(m, end, end + 1);
        return end + 1;
    }
    if (IS_ONE_OF(t, "if", "while", "switch", "for")) return copy_condition(m, at);
    if (is_directive(t))
        end = directive_end(m, at);
    else if (IS_ONE_OF(t, "case", "default"))
        end = find(m, at, to, ":") + 1;
    else if (IS_ONE_OF(t, "enum", "static", "_Static_assert", "goto", "asm"))
        end = find(m, at, to, ";");
    else if (!IS_ONE_OF(t, ";", "else", "do") && !token_is(&m->t[at + 1], ":"))
        return copy_simple(m, at, to);
    copy_as_is(m, at, end);
    return end;
}

void copy_statements(struct mutator *m, unsigned from, unsigned to) {
    while (from < to) {
        unsigned next = copy_statement(m, from, to);
        from = next > from ? next : from + 1;
    }
}

static void set_context(struct mutator *m, unsigned from, unsigned to) {
    size_t length = 0;
    for (unsigned i = from; i < to && length < sizeof m->context - 1; i++)
        for (const char *p = m->t[i].start; p < m->t[i].end && length < sizeof m->context - 1; p++)
            m->context[length++] = *p;
    m->context[length] = 0;
}

// A macro's body that is an expression. One without parameters may have to be a constant.
static void copy_define(struct mutator *m, unsigned at, unsigned end) {
    unsigned body = at + 3;
    bool plain = body < end && token_is(&m->t[body], "(") && m->t[body].space == m->t[body].start;
    if (plain) body = token_match(m->t, body) + 1;
    plain = plain && body < end;
    for (unsigned i = body; i < end; i++)
        plain &= !IS_ONE_OF(&m->t[i], "{", ";", "#", "if", "case", "return", "static", "else", "extern",
                            "__attribute__", "=");
    plain = plain && find(m, body, end, ",") == end;
    copy_as_is(m, at, plain ? body : end);
    if (!plain) return;
    set_context(m, at + 2, at + 3);
    copy_expression(m, body, end);
}

void copy_source(struct mutator *m) {
    unsigned i = 0;
    while (m->t[i].kind != TOKEN_END) {
        const struct token *t = &m->t[i];
        unsigned end = i + 1;
        if (is_directive(t)) {
            end = directive_end(m, i);
            if (token_is(&m->t[i + 1], "define"))
                copy_define(m, i, end);
            else
                copy_as_is(m, i, end);
        } else if (token_is(t, "{") && i && token_is(&m->t[i - 1], ")")) {
            unsigned open = i;
            for (unsigned depth = 0;
                 open-- && (depth += token_is(&m->t[open], ")")) && (depth -= token_is(&m->t[open], "("));) {}
            if (open) set_context(m, open - 1, open);
            end = copy_statement(m, i, 0);
        } else {
            copy_as_is(m, i, token_is(t, "{") ? (end = token_match(m->t, i) + 1) : end);
        }
        i = end;
    }
    copy_as_is(m, i, i + 1);
}

static const struct row_kind *row_kind(const struct mutator *m, unsigned i) {
    for (unsigned r = 0; r < m->row_kinds; r++)
        if (token_is(&m->t[i], m->rows[r].name) && token_is(&m->t[i + 1], "(")) return &m->rows[r];
    return NULL;
}

static unsigned copy_row(struct mutator *m, const struct row_kind *kind, unsigned at) {
    unsigned close = token_match(m->t, at + 1), from = at + 2;
    copy_as_is(m, at, from);
    set_context(m, from, find(m, from, close, ","));
    for (unsigned column = 1; from < close; column++) {
        unsigned end = find(m, from, close, ",");
        bool changed = false;
        for (unsigned i = 0; i < kind->count; i++) changed |= kind->columns[i] == column;
        if (!changed)
            copy_as_is(m, from, end);
        else if (find(m, from, end, ";") < end)
            copy_statements(m, from, end);
        else
            copy_expression(m, from, end);
        if (end < close) copy_as_is(m, end, end + 1);
        from = end + 1;
    }
    copy_as_is(m, close, close + 1);
    return close + 1;
}

void copy_rows(struct mutator *m) {
    unsigned i = 0;
    while (m->t[i].kind != TOKEN_END) {
        const struct row_kind *kind = row_kind(m, i);
        if (kind)
            i = copy_row(m, kind, i);
        else
            copy_as_is(m, i, i + 1), i++;
    }
    copy_as_is(m, i, i + 1);
}
