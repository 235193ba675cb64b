// Expressions over registers, for who asks at each step: operands stand before their operators among the nodes, so that
// all nodes are gone through once, without a look at what does not matter. See expression.h.
#include "cpu/state/cpu.h"
#include "devices/asking/place.h"
#include "monitor/expression/expression.h"
#include "monitor/expression/expression_node.h"
#include <string.h>

enum { QUICK_REGISTER = OP_BINARY + BINARIES, QUICK_FLAGS };

static bool take_register(const struct expression_node *n, const struct view *view, struct expression_quick_node *q) {
    const struct name name = {(enum name_kind)(n->value >> NAME_SHIFT), n->value & (BIT(NAME_SHIFT) - 1)};
    struct place place;
    char error[8];
    if (name.kind != NAME_REGISTER || !name_place(view, &name, &place, error, sizeof error)) return false;
    bool flags = place.address == offsetof(struct cpu, rflags);
    *q = (struct expression_quick_node){flags ? QUICK_FLAGS : QUICK_REGISTER, .bytes = place.bytes,
                                        .value = place.address};
    return place.space == PLACE_REGISTER;
}

static bool take_node(const struct expression *e, const struct expression_node *n, const struct view *view,
                      struct expression_quick_node *q) {
    *q = (struct expression_quick_node){n->op, n->left, n->right, .value = n->value};
    if (n->op == OP_CHOOSE) q->right = e->node[n->right].left, q->third = e->node[n->right].right;
    if (n->op == OP_NAME) return take_register(n, view, q);
    return n->op != OP_MEMORY && n->op != OP_BINARY + B_DIV && n->op != OP_BINARY + B_MOD;
}

bool expression_quicken(const struct expression *e, const struct view *view, struct expression_quick *quick) {
    quick->count = 0;
    if (view->source != VIEW_LIVE) return false;
    for (unsigned i = 0; i < e->count; i++)
        if (!take_node(e, &e->node[i], view, &quick->node[i])) return false;
    quick->count = e->count;
    return true;
}

static uint64_t register_value(const struct expression_quick_node *q, const struct cpu *cpu) {
    const uint8_t *from = (const uint8_t *)cpu + q->value;
    uint64_t value = 0;
    if (q->bytes == sizeof value)
        memcpy(&value, from, sizeof value);
    else
        memcpy(&value, from, q->bytes);
    return value;
}

static uint64_t flags_value(const struct expression_quick_node *q, const struct cpu *cpu) {
    return cpu_rflags(cpu) & (~0ull >> (64 - 8 * q->bytes));
}

static uint64_t binary_value(unsigned operator, uint64_t a, uint64_t b) {
    if (operator== B_OR) return a || b;
    if (operator== B_AND) return a && b;
    return expression_operate(operator, a, b);
}

static uint64_t node_value(const struct expression_quick_node *q, const uint64_t *value, const struct cpu *cpu) {
    switch (q->op) {
    case OP_NUMBER: return q->value;
    case QUICK_REGISTER: return register_value(q, cpu);
    case QUICK_FLAGS: return flags_value(q, cpu);
    case OP_NEGATE: return -value[q->left];
    case OP_NOT: return !value[q->left];
    case OP_INVERT: return ~value[q->left];
    case OP_CHOOSE: return value[q->left] ? value[q->right] : value[q->third];
    case OP_ELSE: return 0;
    default: return binary_value(q->op - OP_BINARY, value[q->left], value[q->right]);
    }
}

uint64_t expression_quick_value(const struct expression_quick *quick, const struct cpu *cpu) {
    uint64_t value[EXPRESSION_NODES];
    for (unsigned i = 0; i < quick->count; i++) value[i] = node_value(&quick->node[i], value, cpu);
    return value[quick->count - 1];
}
