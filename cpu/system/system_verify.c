// Asking about a selector without loading it: LAR LSL VERR VERW. They answer in ZF. SDM Vol. 3A, 5.10; Vol. 2A, 2B.
#include "cpu/engine/body.h"
#include "cpu/event/descriptor.h"

// The descriptor when the selector is not null and within its table; *found otherwise false.
static enum outcome look_up(struct cpu *cpu, uint16_t selector, struct descriptor *d, bool *found) {
    *found = !selector_null(selector) && descriptor_within(cpu, selector, 8);
    return *found ? descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, d) : OUT_OK;
}

static bool visible(const struct cpu *cpu, uint16_t selector, uint32_t rights) {
    unsigned dpl = rights_dpl(rights);
    return rights_conforming(rights) || (dpl >= cpu_cpl(cpu) && dpl >= selector_rpl(selector));
}

// Table 3-53 (LAR) and 3-57 (LSL) of SDM Vol. 2A.
#define LAR_TYPES                                                                                                      \
    (BIT(TYPE_TSS16) | BIT(TYPE_LDT) | BIT(TYPE_TSS16_BUSY) | BIT(TYPE_CALL_GATE16) | BIT(TYPE_TASK_GATE) |            \
     BIT(TYPE_TSS32) | BIT(TYPE_TSS32_BUSY) | BIT(TYPE_CALL_GATE32))
#define LAR_TYPES_LONG (BIT(TYPE_LDT) | BIT(TYPE_TSS32) | BIT(TYPE_TSS32_BUSY) | BIT(TYPE_CALL_GATE32))
#define LSL_TYPES (BIT(TYPE_TSS16) | BIT(TYPE_LDT) | BIT(TYPE_TSS16_BUSY) | BIT(TYPE_TSS32) | BIT(TYPE_TSS32_BUSY))
#define LSL_TYPES_LONG (BIT(TYPE_LDT) | BIT(TYPE_TSS32) | BIT(TYPE_TSS32_BUSY))

static bool type_in(uint32_t rights, uint64_t system_types) {
    return rights & RIGHTS_S || system_types & BIT(rights_system_type(rights));
}

ALWAYS_INLINE enum outcome selector_operand(struct cpu *cpu, const struct op *op, enum form f, uint8_t reg,
                                            uint16_t *selector) {
    uint64_t value = 0, linear = 0;
    if (f == FORM_RM || f == FORM_M) {
        TRY(op_linear(cpu, op, 2, false, &linear));
        TRY(load(cpu, linear, 16, &value));
    } else {
        value = reg_get(cpu, reg, 16);
    }
    *selector = (uint16_t)value;
    return OUT_OK;
}

BODY(lar) {
    uint16_t selector = 0;
    struct descriptor d = {0};
    bool found = false;
    TRY(selector_operand(cpu, op, F, op->src, &selector));
    TRY(look_up(cpu, selector, &d, &found));
    found = found && visible(cpu, selector, d.rights) && type_in(d.rights, cpu_long(cpu) ? LAR_TYPES_LONG : LAR_TYPES);
    if (found) reg_set(cpu, op->dst, W, d.raw >> 32 & (W == 16 ? BITS(15, 8) : BITS(15, 8) | BITS(23, 20)));
    flags_set_zf(&cpu->flags, found);
    return OUT_OK;
}
INSTANTIATE(lar, NEXT, FORMS_REG_RM)

BODY(lsl) {
    uint16_t selector = 0;
    struct descriptor d = {0};
    bool found = false;
    TRY(selector_operand(cpu, op, F, op->src, &selector));
    TRY(look_up(cpu, selector, &d, &found));
    found = found && visible(cpu, selector, d.rights) && type_in(d.rights, cpu_long(cpu) ? LSL_TYPES_LONG : LSL_TYPES);
    if (found) reg_set(cpu, op->dst, W, d.limit);
    flags_set_zf(&cpu->flags, found);
    return OUT_OK;
}
INSTANTIATE(lsl, NEXT, FORMS_REG_RM)

BODY(verr) {
    uint16_t selector = 0;
    struct descriptor d = {0};
    bool found = false;
    (void)W;
    TRY(selector_operand(cpu, op, F, op->dst, &selector));
    TRY(look_up(cpu, selector, &d, &found));
    bool readable = !(d.rights & RIGHTS_CODE) || d.rights & RIGHTS_READABLE;
    flags_set_zf(&cpu->flags, found && d.rights & RIGHTS_S && readable && visible(cpu, selector, d.rights));
    return OUT_OK;
}
BODY(verw) {
    uint16_t selector = 0;
    struct descriptor d = {0};
    bool found = false;
    (void)W;
    TRY(selector_operand(cpu, op, F, op->dst, &selector));
    TRY(look_up(cpu, selector, &d, &found));
    flags_set_zf(&cpu->flags, found && rights_writable_data(d.rights) && visible(cpu, selector, d.rights));
    return OUT_OK;
}
#define FORMS_VERIFY(X, n) X(n, R, 32) X(n, M, 32)
INSTANTIATE(verr, NEXT, FORMS_VERIFY)
INSTANTIATE(verw, NEXT, FORMS_VERIFY)
