// Expressions: a parser by precedence into a small tree, and its evaluation. See expression.h.
#include "devices/asking/scan.h"
#include "monitor/expression/expression.h"
#include "monitor/expression/expression_node.h"
#include "monitor/host/parse.h"
#include "monitor/symbols/symbols.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Binary operators by rank, as in C. Longer spellings stand first.
static const struct {
    const char *text;
    uint8_t rank;
} binary[] = {
    {"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7}, {"<<", 8}, {">>", 8}, {"|", 3},
    {"^", 4},  {"&", 5},  {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10},
};
_Static_assert(sizeof binary / sizeof *binary == BINARIES, "one enumerator an operator");

enum { DEEPEST = 48 };

struct parser {
    const struct look *look;
    struct expression *e;
    const char *at;
    unsigned depth;
    bool failed;
};

static int fail(struct parser *p, const char *what) {
    if (!p->failed && *p->at)
        monitor_error(p->look, "%s at: %s", what, p->at);
    else if (!p->failed)
        monitor_error(p->look, "%s at the end of the expression", what);
    p->failed = true;
    return 0;
}

static void skip(struct parser *p) { p->at += strspn(p->at, " \t"); }

static bool take(struct parser *p, const char *text) {
    skip(p);
    if (strncmp(p->at, text, strlen(text)) != 0) return false;
    p->at += strlen(text);
    return true;
}

static int node(struct parser *p, enum operation op, int left, int right) {
    if (p->e->count == EXPRESSION_NODES) return fail(p, "the expression is too long");
    p->e->node[p->e->count] =
        (struct expression_node){.op = (uint8_t)op, .left = (uint8_t)left, .right = (uint8_t)right};
    return (int)p->e->count++;
}

static int ternary(struct parser *p);

// --- operands ---

// u8, s32, byte, qword, ...: bytes, with SIGNED; 0: not a size.
static unsigned size_of(const char *word, size_t length) {
    static const struct {
        const char *word;
        uint8_t bytes;
    } sizes[] = {{"u8", 1},           {"u16", 2}, {"u32", 4},  {"u64", 8},  {"s8", 1 | SIGNED}, {"s16", 2 | SIGNED},
                 {"s32", 4 | SIGNED}, {"s64", 8}, {"byte", 1}, {"word", 2}, {"dword", 4},       {"qword", 8}};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strlen(sizes[i].word) == length && memcmp(sizes[i].word, word, length) == 0) return sizes[i].bytes;
    return 0;
}

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

static size_t word_length(const char *text) {
    size_t length = 0;
    while (in_word(text[length]) || (length && text[length] == '.')) length++;
    return length;
}

enum space take_space(const char **text) {
    for (unsigned s = SPACE_LINEAR; s <= SPACE_PHYSICAL; s++) {
        size_t length = strlen(space_names[s]);
        if (strncmp(*text, space_names[s], length) != 0 || (*text)[length] != ':') continue;
        *text += length + 1;
        return (enum space)s;
    }
    return SPACE_LINEAR;
}

static int memory(struct parser *p, int address, unsigned bytes, enum space space) {
    int n = node(p, OP_MEMORY, address, 0);
    p->e->node[n].bytes = (uint8_t)bytes;
    p->e->node[n].space = (uint8_t)space;
    return n;
}

// After '['.
static int bracket(struct parser *p, unsigned bytes) {
    skip(p);
    enum space space = take_space(&p->at);
    int address = ternary(p);
    if (!p->failed && !take(p, "]")) return fail(p, "] is missing");
    return memory(p, address, bytes, space);
}

// Behind a decimal number k, M, G, T: thousands, millions and so on. False: it has more than 64 bits.
static bool take_thousands(char **end, uint64_t *value) {
    uint64_t factor = parse_factor(**end, 1000);
    if (!factor || in_word((*end)[1])) return true;
    ++*end;
    return !__builtin_mul_overflow(*value, factor, value);
}

static int number(struct parser *p) {
    char *end;
    bool two = p->at[0] == '0' && (p->at[1] | 32) == 'b', sixteen = p->at[0] == '0' && (p->at[1] | 32) == 'x';
    errno = 0;
    uint64_t value = two ? strtoull(p->at + 2, &end, 2) : strtoull(p->at, &end, sixteen ? 16 : 10);
    bool fits = two || sixteen || take_thousands(&end, &value);
    if (in_word(*end)) return fail(p, "this is no number (hexadecimal ones begin with 0x)");
    if (errno == ERANGE || !fits) return fail(p, "the number has more than 64 bits");
    int n = node(p, OP_NUMBER, 0, 0);
    p->e->node[n].value = value;
    p->at = end;
    return n;
}

// $ and $N: values printed before; $NAME: a register, never a symbol.
static int dollar(struct parser *p) {
    const struct look *m = p->look;
    if (isalpha((unsigned char)*p->at)) return -1;
    uint64_t which = isdigit((unsigned char)*p->at) ? strtoull(p->at, (char **)&p->at, 10) : m->printed.count;
    if (!which || which > m->printed.count || m->printed.count - which >= LOOK_VALUES)
        return fail(p, "print has given no such value yet");
    int n = node(p, OP_NUMBER, 0, 0);
    p->e->node[n].value = m->printed.value[which % LOOK_VALUES];
    return n;
}

static int named(struct parser *p, bool symbols) {
    char word[256];
    bool quoted = *p->at == '\'';
    if (quoted) p->at++;
    size_t length = quoted ? strcspn(p->at, "'") : word_length(p->at);
    unsigned bytes = quoted ? 0 : size_of(p->at, length);
    if (bytes && p->at[length] == '[') {
        p->at += length + 1;
        return bracket(p, bytes);
    }
    snprintf(word, sizeof word, "%.*s", (int)length, p->at);
    struct name name = name_find(p->look, word, symbols);
    if (name.kind == NAME_NONE)
        return fail(p, symbols_any(p->look->symbols)
                           ? "there is no register, VMCS field, MSR, exit reason or symbol of that name"
                           : "there is no register, VMCS field, MSR or exit reason of that name, and no "
                             "symbols are known (symbols FILE)");
    p->at += length;
    if (quoted && *p->at == '\'') p->at++;
    int n = node(p, name.kind == NAME_NUMBER ? OP_NUMBER : OP_NAME, 0, 0);
    p->e->node[n].value = name.kind == NAME_NUMBER ? name.value : name.value | (uint64_t)name.kind << NAME_SHIFT;
    return n;
}

static int primary(struct parser *p) {
    skip(p);
    if (take(p, "(")) {
        int inside = ternary(p);
        return p->failed || take(p, ")") ? inside : fail(p, ") is missing");
    }
    if (take(p, "[")) return bracket(p, 8);
    if (isdigit((unsigned char)*p->at)) return number(p);
    bool is_dollar = take(p, "$");
    if (is_dollar) {
        int value = dollar(p);
        if (value >= 0) return value;
    }
    if (isalpha((unsigned char)*p->at) || *p->at == '_' || *p->at == '\'') return named(p, !is_dollar);
    return fail(p, "a value is missing");
}

// The size of *(u32*)address, after '*'. 0: there is no cast.
static unsigned cast(struct parser *p) {
    skip(p);
    if (*p->at != '(') return 0;
    const char *word = p->at + 1 + strspn(p->at + 1, " ");
    size_t length = word_length(word);
    unsigned bytes = size_of(word, length);
    const char *after = word + length;
    after += strspn(after, " ");
    if (!bytes || *after != '*') return 0;
    after += 1 + strspn(after + 1, " ");
    if (*after != ')') return 0;
    p->at = after + 1;
    return bytes;
}

static int unary(struct parser *p) {
    if (++p->depth > DEEPEST) return fail(p, "the expression is nested too deep");
    int result = 0;
    if (take(p, "-"))
        result = node(p, OP_NEGATE, unary(p), 0);
    else if (take(p, "!"))
        result = node(p, OP_NOT, unary(p), 0);
    else if (take(p, "~"))
        result = node(p, OP_INVERT, unary(p), 0);
    else if (take(p, "+"))
        result = unary(p);
    else if (take(p, "*")) {
        unsigned bytes = cast(p);
        result = memory(p, unary(p), bytes ? bytes : 8, SPACE_LINEAR);
    } else {
        result = primary(p);
    }
    p->depth--;
    return result;
}

static int operator_at(struct parser *p) {
    skip(p);
    for (int i = 0; i < BINARIES; i++)
        if (strncmp(p->at, binary[i].text, strlen(binary[i].text)) == 0) return i;
    return -1;
}

static int climb(struct parser *p, unsigned lowest) {
    int left = unary(p), operator;
    while (!p->failed && (operator= operator_at(p)) >= 0 && binary[operator].rank >= lowest) {
        p->at += strlen(binary[operator].text);
        int right = climb(p, binary[operator].rank + 1u);
        left = node(p, OP_BINARY + operator, left, right);
    }
    return left;
}

static int ternary(struct parser *p) {
    if (++p->depth > DEEPEST) return fail(p, "the expression is nested too deep");
    int condition = climb(p, 1);
    if (!p->failed && take(p, "?")) {
        int yes = ternary(p);
        if (!p->failed && !take(p, ":")) return fail(p, ": is missing");
        condition = node(p, OP_CHOOSE, condition, node(p, OP_ELSE, yes, ternary(p)));
    }
    p->depth--;
    return condition;
}

// The last node is the root.
bool expression_compile(const struct look *look, const char **text, struct expression *expression) {
    struct parser p = {.look = look, .e = expression, .at = *text};
    expression->count = 0;
    ternary(&p);
    skip(&p);
    *text = p.at;
    return !p.failed;
}

// --- evaluation ---

struct evaluation {
    const struct expression *e;
    const struct view *view;
    char *error;
    size_t error_size;
    bool failed;
};

static uint64_t value_of(struct evaluation *v, unsigned index);

static uint64_t wrong(struct evaluation *v, const char *before, uint64_t number, const char *after) {
    if (!v->failed) snprintf(v->error, v->error_size, "%s0x%llx%s", before, (unsigned long long)number, after);
    v->failed = true;
    return 0;
}

static uint64_t memory_value(struct evaluation *v, const struct expression_node *n) {
    uint64_t address = value_of(v, n->left), value = 0;
    unsigned bytes = n->bytes & 15;
    if (v->failed) return 0;
    if (view_read(v->view, n->space, address, &value, bytes) < bytes)
        return wrong(v, "the memory at ", address, " cannot be read (walk explains)");
    return n->bytes & SIGNED ? (uint64_t)((int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes)) : value;
}

uint64_t expression_operate(unsigned operator, uint64_t a, uint64_t b) {
    switch (operator) {
    case B_EQ: return a == b;
    case B_NE: return a != b;
    case B_LE: return a <= b;
    case B_GE: return a >= b;
    case B_SHL: return b < 64 ? a << b : 0;
    case B_SHR: return b < 64 ? a >> b : 0;
    case B_BOR: return a | b;
    case B_XOR: return a ^ b;
    case B_BAND: return a & b;
    case B_LT: return a < b;
    case B_GT: return a > b;
    case B_ADD: return a + b;
    case B_SUB: return a - b;
    case B_MUL: return a * b;
    case B_DIV: return a / b;
    default: return a % b;
    }
}

static uint64_t arithmetic(struct evaluation *v, unsigned operator, uint64_t a, uint64_t b) {
    if ((operator== B_DIV || operator== B_MOD) && !b) return wrong(v, "", a, " is divided by 0");
    return expression_operate(operator, a, b);
}

static uint64_t binary_value(struct evaluation *v, const struct expression_node *n) {
    unsigned operator= n->op - OP_BINARY;
    uint64_t left = value_of(v, n->left);
    if (v->failed) return 0;
    if (operator== B_OR) return left || value_of(v, n->right);
    if (operator== B_AND) return left && value_of(v, n->right);
    uint64_t right = value_of(v, n->right);
    return v->failed ? 0 : arithmetic(v, operator, left, right);
}

static uint64_t value_of(struct evaluation *v, unsigned index) {
    const struct expression_node *n = &v->e->node[index];
    uint64_t value = 0;
    switch (n->op) {
    case OP_NUMBER: return n->value;
    case OP_NAME:
        v->failed |= !name_value(v->view, (enum name_kind)(n->value >> NAME_SHIFT), n->value & (BIT(NAME_SHIFT) - 1),
                                 &value, v->error, v->error_size);
        return value;
    case OP_MEMORY: return memory_value(v, n);
    case OP_NEGATE: return -value_of(v, n->left);
    case OP_NOT: return !value_of(v, n->left);
    case OP_INVERT: return ~value_of(v, n->left);
    case OP_CHOOSE: {
        const struct expression_node *branches = &v->e->node[n->right];
        return value_of(v, value_of(v, n->left) ? branches->left : branches->right);
    }
    default: return binary_value(v, n);
    }
}

bool expression_value(const struct expression *expression, const struct view *view, uint64_t *value, char *error,
                      size_t error_size) {
    struct evaluation v = {expression, view, error, error_size, false};
    *value = value_of(&v, expression->count - 1);
    return !v.failed;
}

bool expression_memory(const struct expression *expression, const struct view *view, enum space *space, uint64_t *bytes,
                       uint64_t *address, char *error, size_t error_size) {
    struct evaluation v = {expression, view, error, error_size, false};
    const struct expression_node *root = &expression->node[expression->count - 1];
    *address = value_of(&v, root->left);
    *space = (enum space)root->space;
    *bytes = root->bytes & 15;
    return !v.failed;
}

const char *expression_sight_name(const struct expression *expression) {
    for (unsigned i = 0; i < expression->count; i++) {
        const struct expression_node *n = &expression->node[i];
        const struct name name = {(enum name_kind)(n->value >> NAME_SHIFT), n->value & (BIT(NAME_SHIFT) - 1)};
        if (n->op == OP_NAME && name_is_of_sight(&name)) return name_at((unsigned)name.value);
    }
    return NULL;
}

bool expression_reads_memory(const struct expression *expression) {
    for (unsigned i = 0; i < expression->count; i++)
        if (expression->node[i].op == OP_MEMORY) return true;
    return false;
}

bool expression_is_memory(const struct expression *expression) {
    return expression->node[expression->count - 1].op == OP_MEMORY;
}
