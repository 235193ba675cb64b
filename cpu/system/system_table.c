// The registers that locate descriptor tables and the task's segment: LGDT SGDT LIDT SIDT LLDT SLDT LTR STR.
// SDM Vol. 3A, 2.4; Vol. 2A and 2B, the instructions; Vol. 3C, 25.1.1 (the VM exit comes before the operand's checks).
#include "cpu/engine/body.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/intercept.h"

static enum outcome umip(struct cpu *cpu) {
    return cpu->control.cr4 & CR4_UMIP && cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
}

// --- GDTR, IDTR: a limit and a base of 4 bytes, 8 in 64-bit mode. Each is aligned by itself (SDM Vol. 3A, 3.5.1) ---

static unsigned pointer_bytes(const struct cpu *cpu) { return cpu_64bit(cpu) ? 10 : 6; }

static enum outcome table_store(struct cpu *cpu, const struct op *op, const struct descriptor_table *table,
                                uint8_t what) {
    uint64_t linear = 0;
    unsigned size = pointer_bytes(cpu), w = 8 * (size - 2);
    TRY(umip(cpu));
    TRY(intercept(cpu, op, ICEPT_GDTR_IDTR, OPERAND(.table = {what})));
    TRY(op_linear(cpu, op, size, true, &linear));
    TRY(store_probe(cpu, linear, size));
    uint64_t base_at = cpu_long(cpu) ? linear + 2 : (uint32_t)(linear + 2);
    TRY(memory_alignment(cpu, base_at, w / 8));
    TRY(store(cpu, linear, 16, table->limit));
    return store(cpu, base_at, w, table->base);
}

// With a 16-bit operand size the base has 24 bits.
static enum outcome table_load(struct cpu *cpu, const struct op *op, struct descriptor_table *table, uint8_t what,
                               unsigned w) {
    uint8_t image[10] = {0};
    uint64_t linear = 0;
    TRY(intercept(cpu, op, ICEPT_GDTR_IDTR, OPERAND(.table = {what})));
    TRY(op_linear(cpu, op, pointer_bytes(cpu), false, &linear));
    TRY(load_bytes(cpu, linear, image, pointer_bytes(cpu)));
    uint64_t base = bytes_get(image + 2, 64);
    if (cpu_64bit(cpu) && !cpu_canonical_register(cpu, base)) return cpu_fault_gp0(cpu);
    if (!cpu_64bit(cpu) && w == 16) base &= BITS(23, 0);
    *table = (struct descriptor_table){base, (uint16_t)bytes_get(image, 16)};
    return OUT_OK;
}

#define FORMS_TABLE(X, n) X(n, M, 16) X(n, M, 32)
BODY(sgdt) {
    (void)F, (void)W;
    return table_store(cpu, op, &cpu->gdtr, TABLE_GDTR);
}
BODY(sidt) {
    (void)F, (void)W;
    return table_store(cpu, op, &cpu->idtr, TABLE_IDTR);
}
BODY(lgdt) {
    (void)F;
    return table_load(cpu, op, &cpu->gdtr, TABLE_LOAD + TABLE_GDTR, W);
}
BODY(lidt) {
    (void)F;
    return table_load(cpu, op, &cpu->idtr, TABLE_LOAD + TABLE_IDTR, W);
}
INSTANTIATE(sgdt, END, FORMS_TABLE)
INSTANTIATE(sidt, END, FORMS_TABLE)
INSTANTIATE(lgdt, END, FORMS_TABLE)
INSTANTIATE(lidt, END, FORMS_TABLE)

// --- LDTR, TR ---

static enum outcome selector_store(struct cpu *cpu, const struct op *op, enum form f, unsigned w, unsigned segment,
                                   uint8_t what) {
    uint64_t linear = 0;
    TRY(umip(cpu));
    TRY(intercept(cpu, op, ICEPT_LDTR_TR, OPERAND(.table = {what})));
    if (f == FORM_M) TRY(op_linear(cpu, op, 2, true, &linear));
    uint16_t selector = cpu->segment[segment].selector;
    if (f == FORM_M) return store(cpu, linear, 16, selector);
    reg_set(cpu, op->dst, w, selector);
    return OUT_OK;
}
static enum outcome selector_source(struct cpu *cpu, const struct op *op, enum form f, uint8_t what,
                                    uint16_t *selector) {
    uint64_t linear = 0, value = 0;
    TRY(intercept(cpu, op, ICEPT_LDTR_TR, OPERAND(.table = {what})));
    if (f == FORM_M) TRY(op_linear(cpu, op, 2, false, &linear));
    if (f == FORM_M)
        TRY(load(cpu, linear, 16, &value));
    else
        value = reg_get(cpu, op->dst, 16);
    *selector = (uint16_t)value;
    return OUT_OK;
}

// A system descriptor of the GDT; in IA-32e mode of 16 bytes, with a canonical base.
static enum outcome system_descriptor(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    uint32_t code = selector_code(selector);
    if (selector & SELECTOR_TI) return cpu_fault_code(cpu, VECTOR_GP, code);
    TRY(descriptor_fetch(cpu, selector, cpu_long(cpu) ? 16 : 8, VECTOR_GP, 0, d));
    return cpu_long(cpu) && !cpu_canonical_register(cpu, d->base) ? cpu_fault_code(cpu, VECTOR_GP, code) : OUT_OK;
}

static enum outcome ldtr_load(struct cpu *cpu, uint16_t selector) {
    struct descriptor d;
    if (selector_null(selector)) {
        segment_set_null(cpu, LDTR, selector);
        return OUT_OK;
    }
    TRY(system_descriptor(cpu, selector, &d));
    if (rights_system_type(d.rights) != TYPE_LDT) return cpu_fault_code(cpu, VECTOR_GP, selector_code(selector));
    if (!(d.rights & RIGHTS_P)) return cpu_fault_code(cpu, VECTOR_NP, selector_code(selector));
    segment_set(cpu, LDTR, selector, &d);
    return OUT_OK;
}

// The TSS becomes busy, in memory too.
static enum outcome tr_load(struct cpu *cpu, uint16_t selector) {
    enum { TYPE_BYTE = 5, BUSY = 2 };
    struct descriptor d;
    if (selector_null(selector)) return cpu_fault_gp0(cpu);
    TRY(system_descriptor(cpu, selector, &d));
    unsigned type = rights_system_type(d.rights);
    if (type != TYPE_TSS32 && (cpu_long(cpu) || type != TYPE_TSS16))
        return cpu_fault_code(cpu, VECTOR_GP, selector_code(selector));
    if (!(d.rights & RIGHTS_P)) return cpu_fault_code(cpu, VECTOR_NP, selector_code(selector));
    d.rights |= BUSY;
    TRY(system_store(cpu, d.linear + TYPE_BYTE, 8, d.rights & BITS(7, 0)));
    segment_set(cpu, TR, selector, &d);
    return OUT_OK;
}

BODY(sldt) { return selector_store(cpu, op, F, W, LDTR, TABLE_LDTR); }
BODY(str) { return selector_store(cpu, op, F, W, TR, TABLE_TR); }
BODY(lldt) {
    uint16_t selector = 0;
    (void)W;
    TRY(selector_source(cpu, op, F, TABLE_LOAD + TABLE_LDTR, &selector));
    return ldtr_load(cpu, selector);
}
BODY(ltr) {
    uint16_t selector = 0;
    (void)W;
    TRY(selector_source(cpu, op, F, TABLE_LOAD + TABLE_TR, &selector));
    return tr_load(cpu, selector);
}
#define FORMS_STORE_SELECTOR(X, n) WIDTHS_WORD(X, n, R) X(n, M, 32)
#define FORMS_LOAD_SELECTOR(X, n) X(n, R, 32) X(n, M, 32)
INSTANTIATE(sldt, END, FORMS_STORE_SELECTOR)
INSTANTIATE(str, END, FORMS_STORE_SELECTOR)
INSTANTIATE(lldt, END, FORMS_LOAD_SELECTOR)
INSTANTIATE(ltr, END, FORMS_LOAD_SELECTOR)
