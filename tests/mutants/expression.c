// Expressions, changed: comparisons by one, && and ||, a term left out, constants and bit ranges by one, a negation.
#include "tests/mutants/mutate.h"
#include <stdlib.h>
#include <string.h>

void copy_as_is(struct mutator *m, unsigned from, unsigned to) {
    if (from < to) fwrite(m->t[from].space, 1, (size_t)(m->t[to - 1].end - m->t[from].space), m->copy);
}

void copy_in_a_line(struct mutator *m, FILE *to, unsigned from, unsigned end) {
    for (unsigned i = from; i < end; i++) {
        if (i > from && m->t[i].space != m->t[i].start) fputc(' ', to);
        fwrite(m->t[i].start, 1, (size_t)(m->t[i].end - m->t[i].start), to);
    }
}

// A mutant: its line in the list, and its number in the copy. What follows is the changed expression.
static void note(struct mutator *m, unsigned from, unsigned to) {
    fprintf(m->list, "%u\t%s\t%u\t%s\t", ++m->mutants, m->file, m->t[from].line, m->context);
    copy_in_a_line(m, m->list, from, to);
    fputc('\t', m->list);
}
static void begin(struct mutator *m, unsigned from, unsigned to) {
    note(m, from, to);
    fprintf(m->copy, " (MUTANT(%u) ? ", m->mutants);
}

// --- binary operators ---
// Each with how tightly it binds, and what takes its place ("": nothing); `terms`: each side may be left out.
static const struct binary {
    const char *text, *other;
    unsigned tightness;
    bool left_out, right_out, truth;
} binaries[] = {
    {"||", "&&", 1, true, true, true},    {"&&", "||", 2, true, true, true},   {"|", "&", 3, true, true, false},
    {"^", "|", 4, false, false, false},   {"&", "|", 5, false, true, false},   {"==", "!=", 6, false, false, false},
    {"!=", "==", 6, false, false, false}, {"<", "<=", 7, false, false, false}, {"<=", "<", 7, false, false, false},
    {">", ">=", 7, false, false, false},  {">=", ">", 7, false, false, false}, {"<<", ">>", 8, false, false, false},
    {">>", "<<", 8, false, false, false}, {"+", "", 9, false, false, false},   {"-", "", 9, false, false, false},
    {"*", "", 10, false, false, false},   {"/", "", 10, false, false, false},  {"%", "", 10, false, false, false},
};

static bool is_type(const struct token *t) {
    static const char *const types[] = {"int", "unsigned", "char", "bool", "void", "long", "short"};
    if (t->kind != TOKEN_WORD) return false;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (token_is(t, types[i])) return true;
    return t->end - t->start > 2 && !memcmp(t->end - 2, "_t", 2);
}

// `(` ... `)` at the end of [from, close]: a cast, after which & and * are unary.
static bool ends_cast(const struct mutator *m, unsigned from, unsigned close) {
    unsigned open = close, depth = 1;
    while (open > from && depth) {
        open--;
        depth += token_is(&m->t[open], ")");
        depth -= token_is(&m->t[open], "(");
    }
    return token_is(&m->t[close - 1], "*") || (close - open == 2 && is_type(&m->t[close - 1]));
}

static bool ends_operand(const struct mutator *m, unsigned from, unsigned i) {
    const struct token *t = &m->t[i];
    if (t->kind == TOKEN_WORD) return !token_is(t, "return") && !token_is(t, "sizeof");
    if (token_is(t, ")")) return !ends_cast(m, from, i);
    return t->kind == TOKEN_NUMBER || t->kind == TOKEN_TEXT || token_is(t, "]") || token_is(t, "}");
}

static bool opens(const struct token *t) { return token_is(t, "(") || token_is(t, "[") || token_is(t, "{"); }

static const struct binary *binary_at(const struct mutator *m, unsigned from, unsigned i) {
    if (m->t[i].kind != TOKEN_PUNCTUATOR || i == from || !ends_operand(m, from, i - 1)) return NULL;
    for (unsigned b = 0; b < sizeof binaries / sizeof *binaries; b++)
        if (token_is(&m->t[i], binaries[b].text)) return &binaries[b];
    return NULL;
}

// The operator that binds least tightly, the last of several.
static const struct binary *top_operator(const struct mutator *m, unsigned from, unsigned to, unsigned *where) {
    const struct binary *top = NULL;
    for (unsigned i = from; i < to; i++) {
        const struct binary *b = binary_at(m, from, i);
        if (b && i + 1 < to && (!top || b->tightness <= top->tightness)) {
            top = b;
            *where = i;
        }
        if (opens(&m->t[i])) i = token_match(m->t, i);
    }
    return top;
}

static void both(struct mutator *m, const char *text) {
    fputs(text, m->copy);
    fputs(text, m->list);
}
static void both_tokens(struct mutator *m, unsigned from, unsigned to) {
    copy_in_a_line(m, m->copy, from, to);
    copy_in_a_line(m, m->list, from, to);
}

// The expression with one side left out. What is only true or false is made a truth value: it may have been a pointer.
static void one_side(struct mutator *m, const struct binary *b, unsigned from, unsigned to, unsigned left,
                     unsigned right) {
    begin(m, from, to);
    fputs(b->truth ? "!!(" : "(", m->copy);
    both_tokens(m, left, right);
    fputs(") :", m->copy);
    fputc('\n', m->list);
}

static void copy_binary(struct mutator *m, const struct binary *b, unsigned from, unsigned to, unsigned at) {
    unsigned open = 0;
    if (*b->other) {
        begin(m, from, to);
        fputc('(', m->copy);
        both_tokens(m, from, at);
        both(m, " ");
        both(m, b->other);
        both(m, " ");
        both_tokens(m, at + 1, to);
        fputs(") :", m->copy);
        fputc('\n', m->list);
        open++;
    }
    if (b->left_out) one_side(m, b, from, to, at + 1, to), open++;
    if (b->right_out) one_side(m, b, from, to, from, at), open++;
    if (open) fputs(" (", m->copy);
    copy_expression(m, from, at);
    copy_as_is(m, at, at + 1);
    copy_expression(m, at + 1, to);
    if (open) fputc(')', m->copy);
    for (; open; open--) fputc(')', m->copy);
}

// --- constants ---

static bool is_integer(const struct token *t, unsigned long long *value) {
    char *end;
    if (t->kind != TOKEN_NUMBER) return false;
    *value = strtoull(t->start, &end, 0);
    while (end < t->end && strchr("uUlL", *end)) end++;
    return end == t->end;
}

enum { NO_LIMIT = ~0u };
// A number one less and one more, within [least, most]; in the list its surroundings are seen, [from, to).
static void copy_number(struct mutator *m, unsigned at, unsigned from, unsigned to, long long least,
                        unsigned long long most) {
    unsigned long long value;
    unsigned open = 0;
    if (!is_integer(&m->t[at], &value)) {
        copy_as_is(m, at, at + 1);
        return;
    }
    for (int by = -1; by <= 1; by += 2) {
        if (by < 0 ? value == 0 || (long long)value - 1 < least : value >= most) continue;
        begin(m, from, to);
        fprintf(m->copy, "(");
        copy_in_a_line(m, m->copy, at, at + 1);
        fprintf(m->copy, " %c 1) :", by < 0 ? '-' : '+');
        copy_in_a_line(m, m->list, from, at);
        fprintf(m->list, " %lld ", (long long)value + by);
        copy_in_a_line(m, m->list, at + 1, to);
        fputc('\n', m->list);
        open++;
    }
    copy_as_is(m, at, at + 1);
    for (; open; open--) fputc(')', m->copy);
}

// --- what has no operator outside its brackets ---

static unsigned next_comma(const struct mutator *m, unsigned from, unsigned to) {
    unsigned i = from;
    for (; i < to && !token_is(&m->t[i], ","); i++)
        if (opens(&m->t[i])) i = token_match(m->t, i);
    return i;
}

// BITS(high, low), bits(X, high, low): a range that stays one. One that ends with bit 31 ends with its field.
static bool copy_range(struct mutator *m, unsigned name, unsigned open, unsigned close) {
    unsigned long long high, low;
    if (!token_is(&m->t[name], "BITS") && !token_is(&m->t[name], "bits")) return false;
    if (close - open < 4 || !is_integer(&m->t[close - 1], &low) || !token_is(&m->t[close - 2], ",") ||
        !is_integer(&m->t[close - 3], &high) || !(token_is(&m->t[close - 4], ",") || close - 4 == open))
        return false;
    copy_as_is(m, open + 1, close - 3);
    copy_number(m, close - 3, name, close + 1, (long long)low, high == 31 ? 31 : 63);
    copy_as_is(m, close - 2, close - 1);
    copy_number(m, close - 1, name, close + 1, 0, high);
    return true;
}

static void copy_arguments(struct mutator *m, unsigned from, unsigned to) {
    while (from < to) {
        unsigned comma = next_comma(m, from, to);
        copy_expression(m, from, comma);
        if (comma < to) copy_as_is(m, comma, comma + 1);
        from = comma + 1;
    }
}

static void copy_brackets(struct mutator *m, unsigned first, unsigned open, unsigned close) {
    copy_as_is(m, open, open + 1);
    if (token_is(&m->t[open], "{"))
        copy_initialiser(m, open + 1, close);
    else if (token_is(&m->t[open], "[") && close - open == 2)
        copy_as_is(m, open + 1, close);
    else if (!(open > first && copy_range(m, open - 1, open, close)))
        copy_arguments(m, open + 1, close);
    copy_as_is(m, close, close + 1);
}

static void copy_primary(struct mutator *m, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        if (opens(&m->t[i])) {
            unsigned close = token_match(m->t, i);
            copy_brackets(m, from, i, close);
            i = close;
        } else if (m->t[i].kind == TOKEN_NUMBER && i + 1 == to && i == from) {
            copy_number(m, i, i, to, 0, NO_LIMIT);
        } else {
            copy_as_is(m, i, i + 1);
        }
    }
}

static void copy_unary(struct mutator *m, unsigned from, unsigned to) {
    bool negation = token_is(&m->t[from], "!");
    if (!negation && !token_is(&m->t[from], "~")) {
        copy_as_is(m, from, from + 1);
        copy_expression(m, from + 1, to);
        return;
    }
    begin(m, from, to);
    fputs(negation ? "!!(" : "(", m->copy);
    both_tokens(m, from + 1, to);
    fputc('\n', m->list);
    fputs(") :", m->copy);
    copy_as_is(m, from, from + 1);
    copy_expression(m, from + 1, to);
    fputc(')', m->copy);
}

static bool is_assignment(const struct token *t) {
    size_t length = (size_t)(t->end - t->start);
    return t->kind == TOKEN_PUNCTUATOR && t->end[-1] == '=' && !token_is(t, "==") && !token_is(t, "!=") &&
           !token_is(t, "<=") && !token_is(t, ">=") && length <= 3;
}

// The first token outside brackets that `wanted` finds, or `to`.
static unsigned find(const struct mutator *m, unsigned from, unsigned to, bool (*wanted)(const struct token *)) {
    for (; from < to && !wanted(&m->t[from]); from++)
        if (opens(&m->t[from])) from = token_match(m->t, from);
    return from;
}
static bool is_question(const struct token *t) { return token_is(t, "?"); }

static unsigned find_colon(const struct mutator *m, unsigned from, unsigned to) {
    unsigned depth = 0;
    for (unsigned i = from; i < to; i++) {
        if (opens(&m->t[i])) i = token_match(m->t, i);
        depth += is_question(&m->t[i]);
        if (token_is(&m->t[i], ":") && depth-- == 0) return i;
    }
    return to;
}

static void copy_choice(struct mutator *m, unsigned from, unsigned question, unsigned to) {
    unsigned colon = find_colon(m, question + 1, to);
    copy_expression(m, from, question);
    copy_as_is(m, question, question + 1);
    copy_expression(m, question + 1, colon);
    if (colon == to) return;
    copy_as_is(m, colon, colon + 1);
    copy_expression(m, colon + 1, to);
}

// The control of a rule, BY(PIN, NMI_EXITING): it applies without it. BY may be two constants (vmx/ask/rules.c), then
// it stays what it is: choose.h.
static bool copy_control(struct mutator *m, unsigned from, unsigned to) {
    if (!token_is(&m->t[from], "BY") || token_match(m->t, from + 1) != to - 1) return false;
    note(m, from, to);
    fputs("true\n", m->list);
    fprintf(m->copy, " MUTANT_BY(%u, ", m->mutants);
    copy_as_is(m, from + 2, to);
    return true;
}

static bool copy_whole(struct mutator *m, unsigned from, unsigned to) {
    if (!token_is(&m->t[from], "sizeof")) return copy_control(m, from, to);
    copy_as_is(m, from, to);
    return true;
}

void copy_expression(struct mutator *m, unsigned from, unsigned to) {
    if (from >= to) return;
    unsigned at;
    const struct binary *b;
    unsigned comma = next_comma(m, from, to), assigned = find(m, from, to, is_assignment);
    if (comma < to) {
        copy_arguments(m, from, to);
    } else if (assigned < to) {
        copy_as_is(m, from, assigned + 1);
        copy_expression(m, assigned + 1, to);
    } else if ((at = find(m, from, to, is_question)) < to) {
        copy_choice(m, from, at, to);
    } else if ((b = top_operator(m, from, to, &at))) {
        copy_binary(m, b, from, to, at);
    } else if (copy_whole(m, from, to)) {
        return;
    } else if (m->t[from].kind == TOKEN_PUNCTUATOR && !opens(&m->t[from])) {
        copy_unary(m, from, to);
    } else {
        copy_primary(m, from, to);
    }
}

void copy_initialiser(struct mutator *m, unsigned from, unsigned to) {
    while (from < to) {
        unsigned comma = next_comma(m, from, to), assigned = find(m, from, comma, is_assignment);
        if (assigned < comma)
            copy_as_is(m, from, assigned + 1), copy_expression(m, assigned + 1, comma);
        else
            copy_expression(m, from, comma);
        if (comma < to) copy_as_is(m, comma, comma + 1);
        from = comma + 1;
    }
}
