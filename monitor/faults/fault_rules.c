// What brings exceptions about: the rows of fault_rule.def; see fault_rules.h.
#include "monitor/faults/fault_rules.h"
#include "monitor/explain/walk.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/model.h"
#include "cpu/state/section.h"
#include <string.h>

// --- what the rows are asked of ---

struct fault_case {
    const struct history_fault *f;
    const struct view *view; // as it was
    const struct insn *insn; // NULL: none
    struct fact *fact;       // that the values go to
};

static bool is_named(const struct fault_case *c, const char *name) {
    size_t length = strlen(name);
    if (!c->insn || strncmp(c->insn->row->mnemonic, name, length) != 0) return false;
    return !c->insn->row->mnemonic[length] || !strcmp(c->insn->row->mnemonic + length, "64");
}
static bool has_trait(const struct fault_case *c, uint32_t trait) { return c->insn && c->insn->row->traits & trait; }
static bool first_is(const struct fault_case *c, unsigned class) {
    const struct operand *o = c->insn ? c->insn->operand : NULL;
    return o &&
           ((o[0].kind == OPERAND_REG && o[0].class == class) || (o[1].kind == OPERAND_REG && o[1].class == class));
}
static unsigned cpl_of(const struct fault_case *c) {
    bool vm86 = c->f->rflags & FLAG_VM;
    return vm86 ? 3 : c->f->cr0 & CR0_PE ? c->f->segment_rights[SS] >> RIGHTS_DPL_SHIFT & 3 : 0;
}
static unsigned iopl_of(const struct fault_case *c) { return (c->f->rflags & FLAG_IOPL) / (FLAG_IOPL & -FLAG_IOPL); }

static const struct operand *memory_of(const struct fault_case *c) {
    for (unsigned i = 0; c->insn && i < c->insn->operand_count; i++)
        if (c->insn->operand[i].kind == OPERAND_MEM || c->insn->operand[i].kind == OPERAND_MOFFS)
            return &c->insn->operand[i];
    return NULL;
}
static uint64_t offset_of(const struct fault_case *c) {
    const struct insn *i = c->insn;
    uint64_t at = (uint64_t)i->displacement;
    if (i->base == REG_RIP) at += c->f->rip + i->length;
    if (i->base < REG_NONE) at += c->f->gpr[i->base];
    if (i->index < REG_NONE) at += c->f->gpr[i->index] << i->scale;
    return i->address_size == 8 ? at : i->address_size == 4 ? (uint32_t)at : (uint16_t)at;
}
static bool is_64bit(const struct fault_case *c) { return view_code_bits(c->view) == 64; }
static uint64_t address_of(const struct fault_case *c) {
    bool based = !is_64bit(c) || c->insn->segment >= FS;
    return offset_of(c) + (based ? c->f->segment_base[c->insn->segment] : 0);
}
static bool is_canonical(const struct fault_case *c) {
    unsigned unused = 64u - c->view->cpu->wire.model->linear_bits;
    return (uint64_t)((int64_t)(address_of(c) << unused) >> unused) == address_of(c);
}
static bool passes_limit(const struct fault_case *c) {
    const unsigned s = c->insn->segment, bytes = memory_of(c)->size ? memory_of(c)->size : 1;
    const uint32_t rights = c->f->segment_rights[s];
    bool down = (rights & (RIGHTS_S | RIGHTS_CODE)) == RIGHTS_S && rights & RIGHTS_EXPAND_DOWN;
    return down ? offset_of(c) <= c->f->segment_limit[s] : offset_of(c) + bytes - 1 > c->f->segment_limit[s];
}
static uint64_t value_of_divisor(const struct fault_case *c) {
    const struct operand *o = &c->insn->operand[0];
    uint64_t value = 0;
    if (o->kind == OPERAND_REG && o->class == REG_GPR8H) return c->f->gpr[o->number] >> 8 & 0xff;
    if (o->kind == OPERAND_REG)
        value = c->f->gpr[o->number & 15];
    else
        (void)view_read(c->view, SPACE_LINEAR, address_of(c), &value, o->size <= 8 ? o->size : 8);
    return o->size >= 8 ? value : value & (BIT(8 * o->size) - 1);
}

// --- descriptors ---

static uint64_t gate_at(const struct fault_case *c) {
    return c->f->idtr_base + (c->f->information >> 3) * (c->f->efer & EFER_LMA ? 16 : 8);
}
static uint64_t raw_at(const struct fault_case *c, uint64_t linear) {
    uint64_t raw = 0;
    (void)view_read(c->view, SPACE_LINEAR, linear, &raw, sizeof raw);
    return raw;
}
static bool gate_passes_limit(const struct fault_case *c) {
    uint64_t bytes = c->f->efer & EFER_LMA ? 16 : 8;
    return (c->f->information >> 3) * bytes + bytes - 1 > c->f->idtr_limit;
}
static bool gate_is_gate(const struct fault_case *c) {
    unsigned type = raw_at(c, gate_at(c)) >> 40 & 0x1f;
    if (type == TYPE_INTERRUPT_GATE32 || type == TYPE_TRAP_GATE32) return true;
    return !(c->f->efer & EFER_LMA) && (type >= TYPE_TASK_GATE && type <= TYPE_TRAP_GATE16);
}
static uint64_t descriptor_at(const struct fault_case *c) { return c->f->gdtr_base + (c->f->information & 0xfff8); }

// --- values ---

static struct place in_register(const struct fault_case *c) {
    return (struct place){.space = PLACE_NONE, .level = (uint8_t)c->f->level};
}
static struct place in_memory(const struct fault_case *c, uint64_t linear) {
    struct place p = {.space = PLACE_NONE, .level = (uint8_t)c->f->level};
    uint64_t physical;
    if (walk_linear(c->view, linear, &physical))
        p = (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = physical};
    return p;
}
static void put_memory(struct fault_case *c, const char *name, uint64_t linear) {
    fact_value(c->fact, name, in_memory(c, linear), raw_at(c, linear), 0, 0);
    fact_value(c->fact, "at linear address", in_register(c), linear, 0, 0);
}

// The words of the rows: `c` is the case, `f` the fault.
#define is(name) is_named(c, name)
#define trait(bit) has_trait(c, bit)
#define is_register(class) first_is(c, class)
#define cpl() cpl_of(c)
#define iopl() iopl_of(c)
#define real_mode() (!(f->cr0 & CR0_PE))
#define protected_mode() (f->cr0 & CR0_PE && !(f->rflags & FLAG_VM))
#define in_64bit() is_64bit(c)
#define is_privileged() (trait(T_CPL0) || (is("mov") && (is_register(REG_CR) || is_register(REG_DR))) || is("xsetbv"))
#define of_flags() (is("cli") || is("sti"))
#define of_port() (is("in") || is("out") || is("ins") || is("outs"))
#define of_transfer() (is("jmp") || is("call") || is("ret") || is("iret") || is("sysret") || is("sysexit"))
#define of_xsave()                                                                                                     \
    (c->insn &&                                                                                                        \
     (c->insn->row->feature == FEATURE_XSAVE || is("xsaves") || is("xrstors") || is("xsavec") || is("xsaveopt")))
#define has_memory() (memory_of(c) != NULL)
#define address() address_of(c)
#define address_canonical() is_canonical(c)
#define segment_unusable() (f->segment_rights[c->insn->segment] & RIGHTS_UNUSABLE)
#define beyond_limit() passes_limit(c)
#define divisor() value_of_divisor(c)
#define by_gate() (f->information & 2)
#define by_selector() (!(f->information & 2) && f->information & 0xfff8)
#define gate_beyond_limit() gate_passes_limit(c)
#define gate_type_good() gate_is_gate(c)
#define selector_beyond_limit() (!(f->information & 4) && (f->information & 0xfff8) + 7 > f->gdtr_limit)

#define NOTHING
#define VALUE(name, now, needed, mask) fact_value(c->fact, name, in_register(c), now, (needed) & (mask), mask);
#define REG(name) fact_value(c->fact, #name, in_register(c), f->gpr[name], 0, 0);
#define CR(name, now, bit) fact_value(c->fact, name, in_register(c), now, bit, bit);
#define CR_0(name, now, bit) fact_value(c->fact, name, in_register(c), now, 0, bit);
#define DIVISOR()                                                                                                      \
    if (!is("aam")) fact_value(c->fact, "divisor", in_register(c), divisor(), 0, 0);
#define MEMORY()                                                                                                       \
    if (has_memory()) fact_value(c->fact, "address of the operand", in_register(c), address(), 0, 0);
#define OPERANDS()                                                                                                     \
    for (unsigned i = 0; i < 2; i++)                                                                                   \
        if (c->insn->operand[i].kind == OPERAND_REG && c->insn->operand[i].class == REG_GPR)                           \
            fact_value(c->fact, "the value", in_register(c), f->gpr[c->insn->operand[i].number & 15], 0, BITS(63, 32));
#define SEGMENT()                                                                                                      \
    fact_value(c->fact, "selector", in_register(c), f->selector[c->insn->segment], 0, 0);                              \
    fact_value(c->fact, "limit", in_register(c), f->segment_limit[c->insn->segment], 0, 0);
#define GATE()                                                                                                         \
    fact_value(c->fact, "vector", in_register(c), f->information >> 3, 0, 0);                                          \
    put_memory(c, "entry of the IDT", gate_at(c));                                                                     \
    fact_value(c->fact, "limit of IDTR", in_register(c), f->idtr_limit, 0, 0);
#define DESCRIPTOR()                                                                                                   \
    put_memory(c, "descriptor", descriptor_at(c));                                                                     \
    fact_value(c->fact, "limit of GDTR", in_register(c), f->gdtr_limit, 0, 0);

static const struct {
    const char *name, *text;
    uint8_t vector, section;
} rows[] = {
#define FAULT_RULE(vector, name, when, values, section, text) {#name, text, VECTOR_##vector, SECTION_##section},
#include "monitor/faults/fault_rule.def"
#undef FAULT_RULE
};
enum {
#define FAULT_RULE(vector, name, when, values, section, text) ROW_##name,
#include "monitor/faults/fault_rule.def"
#undef FAULT_RULE
    ROWS
};

static bool holds(unsigned row, const struct fault_case *c) {
    const struct history_fault *f = c->f;
    const struct view *view = c->view;
    const struct insn *insn = c->insn;
    (void)view, (void)insn;
    switch (row) {
#define FAULT_RULE(vector, name, when, values, section, text)                                                          \
    case ROW_##name:                                                                                                   \
        return when;
#include "monitor/faults/fault_rule.def"
#undef FAULT_RULE
    default: return false;
    }
}

static void put_values(unsigned row, struct fault_case *c) {
    const struct history_fault *f = c->f;
    const struct view *view = c->view;
    (void)view, (void)f;
    switch (row) {
#define FAULT_RULE(vector, name, when, values, section, text)                                                          \
    case ROW_##name:                                                                                                   \
        values break;
#include "monitor/faults/fault_rule.def"
#undef FAULT_RULE
    default: break;
    }
}

unsigned fault_rule_facts(const struct history_fault *f, const struct view *then, const struct insn *insn,
                          struct fact *facts, unsigned count, unsigned max) {
    struct fault_case c = {f, then, insn, NULL};
    for (unsigned row = 0; row < ROWS && count < max; row++) {
        if (rows[row].vector != f->vector || !holds(row, &c)) continue;
        facts[count] = (struct fact){.rule = rows[row].name,
                                     .section = section_texts[rows[row].section].number,
                                     .section_title = section_texts[rows[row].section].title,
                                     .text = rows[row].text,
                                     .holds = true};
        c.fact = &facts[count++];
        put_values(row, &c);
    }
    return count;
}
