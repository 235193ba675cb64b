// What must be seen for an expression to have another value: by whoever goes through the past and does not want to ask
// at each step. See expression.h.
#include "cpu/state/cpu.h"
#include "devices/asking/scan.h"
#include "monitor/explain/walk.h"
#include "monitor/expression/expression.h"
#include "monitor/expression/expression_node.h"

static struct name name_of(const struct expression_node *n) {
    return (struct name){(enum name_kind)(n->value >> NAME_SHIFT), n->value & (BIT(NAME_SHIFT) - 1)};
}

// What must be seen for a name to have another value; 0: it may have at any step.
static uint64_t sights_of(const struct expression_node *n, const struct view *view) {
    const struct name name = name_of(n);
    struct place place;
    char error[200];
    uint64_t sights = name_sights(&name);
    if (!sights && name_place(view, &name, &place, error, sizeof error)) sights = place_sights(view->machine, &place);
    return sights;
}

static bool is_constant(const struct expression *e, unsigned index) {
    const struct expression_node *n = &e->node[index];
    switch (n->op) {
    case OP_NUMBER: return true;
    case OP_NAME:
    case OP_MEMORY: return false;
    case OP_NEGATE:
    case OP_NOT:
    case OP_INVERT: return is_constant(e, n->left);
    default: return is_constant(e, n->left) && is_constant(e, n->right);
    }
}

static bool has_names(const struct expression *e) {
    for (unsigned i = 0; i < e->count; i++)
        if (e->node[i].op == OP_NAME) return true;
    return false;
}

bool expression_physical(const struct view *view, enum space space, uint64_t address, uint64_t *physical) {
    *physical = address;
    if (space == SPACE_LINEAR) return walk_linear(view, address, physical);
    return space == SPACE_PHYSICAL || !view->eptp || walk_guest_physical(view, address, physical);
}

// Memory at an address that does not change becomes that physical memory. Operands stand before what uses them.
static bool settle(struct expression *e, unsigned index, const struct view *view, struct place *out) {
    struct expression_node *n = &e->node[index];
    struct expression address = *e;
    uint64_t value, physical;
    char error[200];
    if (!is_constant(e, n->left)) return false;
    address.count = n->left + 1u;
    if (!expression_value(&address, view, &value, error, sizeof error)) return false;
    if (!expression_physical(view, (enum space)n->space, value, &physical)) return false;
    *out = (struct place){.space = PLACE_PHYSICAL, .bytes = n->bytes & 15, .address = physical};
    e->node[n->left] = (struct expression_node){.op = OP_NUMBER, .value = physical};
    n->space = SPACE_PHYSICAL;
    uint64_t there;
    return physical % PAGE_BYTES + out->bytes <= PAGE_BYTES && place_read(view->machine, out, &there);
}

bool expression_watch(struct expression *expression, const struct view *view, bool named,
                      struct expression_watch *out) {
    struct expression settled = *expression;
    bool alone = !has_names(expression);
    *out = (struct expression_watch){0};
    for (unsigned i = 0; i < settled.count; i++) {
        const struct expression_node *n = &settled.node[i];
        if (n->op == OP_MEMORY) {
            bool fixed = n->space == SPACE_PHYSICAL || alone;
            if (!fixed || out->memories == EXPRESSION_MEMORIES ||
                !settle(&settled, i, view, &out->memory[out->memories++]))
                return false;
        } else if (n->op == OP_NAME) {
            uint64_t sights = named ? 0 : sights_of(n, view);
            if (!sights) return false;
            out->sights |= sights;
        }
    }
    if (!out->sights && !out->memories) return false;
    *expression = settled;
    return true;
}
