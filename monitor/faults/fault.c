// Exceptions and triple faults as facts; see fault.h.
#include "monitor/faults/fault.h"
#include "monitor/faults/fault_rules.h"
#include "monitor/faults/hint.h"
#include "cpu/state/model.h"
#include "cpu/state/section.h"
#include "monitor/vmcs/intercepts.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/explain/walk.h"
#include "vmx/insn/refusal.h"
#include <stddef.h>
#include <string.h>

enum { VECTORS = 32 };
static const struct {
    const char *text, *section;
} vectors[VECTORS] = {
#define VECTOR(number, text, section) [number] = {text, "SDM Vol. 3A, " section},
#include "monitor/faults/vector.def"
#undef VECTOR
};

static struct fact exception_of(const struct history_fault *f) {
    const struct place nowhere = {.space = PLACE_NONE};
    unsigned vector = f->vector % VECTORS;
    struct fact fact = {.rule = vmcs_vector_name(f->vector),
                        .section = vectors[vector].section ? vectors[vector].section : "SDM Vol. 3A, 6.15",
                        .section_title = "Exception and Interrupt Reference",
                        .text = vectors[vector].text ? vectors[vector].text : "reserved",
                        .holds = true,
                        .because = FACT_NO_CAUSE};
    fact_value(&fact, "vector", nowhere, f->vector, 0, 0);
    fact_value(&fact, "error code", nowhere, f->information, 0, 0);
    const struct place cr2 = {
        .space = PLACE_REGISTER, .level = (uint8_t)f->level, .bytes = 8, .address = offsetof(struct cpu, control.cr2)};
    if (f->vector == VECTOR_PF) fact_value(&fact, "CR2", cr2, f->value, 0, 0);
    return fact;
}

// --- the instruction, by the processor's own decoder ---

bool view_instruction(const struct view *view, uint64_t rip, struct insn *insn) {
    uint8_t bytes[15];
    unsigned bits = view_code_bits(view);
    const enum code_size size = bits == 64 ? CODE_64 : bits == 32 ? CODE_32 : CODE_16;
    uint64_t at = bits == 64 ? rip : (uint32_t)(view->base[CS] + rip);
    unsigned length = (unsigned)view_read(view, SPACE_LINEAR, at, bytes, sizeof bytes);
    return length && decode(view->cpu->wire.decoder, size, bytes, length, insn) == DECODE_OK;
}

void view_at_fault(const struct view *now, const struct history_fault *f, struct view *then) {
    *then = *now;
    memcpy(then->gpr, f->gpr, sizeof then->gpr);
    then->rip = f->rip, then->rflags = f->rflags;
    then->cr0 = f->cr0, then->cr3 = f->cr3, then->cr4 = f->cr4, then->efer = f->efer;
    then->idtr = (struct descriptor_table){f->idtr_base, f->idtr_limit};
    then->gdtr = (struct descriptor_table){f->gdtr_base, f->gdtr_limit};
    for (unsigned s = ES; s <= GS; s++) {
        then->base[s] = f->segment_base[s];
        then->segment[s].limit = f->segment_limit[s];
        then->segment[s].rights = f->segment_rights[s];
        then->segment[s].selector = f->selector[s];
    }
}

// Rows name instructions without the width that REX.W gives: "XSAVES" is also that of xsaves64.
static void rule_name(char *to, size_t size, const char *mnemonic) {
    size_t i = 0;
    for (; mnemonic[i] >= 'a' && mnemonic[i] <= 'z' && i + 1 < size; i++) to[i] = (char)(mnemonic[i] - 'a' + 'A');
    to[i] = '\0';
}

static unsigned of_controls(const struct view *view, const struct insn *insn, struct fact *facts, unsigned count,
                            unsigned max) {
    struct guest_rules guest;
    char name[24];
    if (!view->level || !guest_rules_of(view->cpu, view->vmcs, &guest)) return count;
    rule_name(name, sizeof name, insn->row->mnemonic);
    unsigned found = undefined_facts(&guest, name, facts + count, max - count), to = count;
    for (unsigned i = count; i < count + found; i++)
        if (facts[i].holds) facts[to++] = facts[i];
    return to;
}

// --- rules of VT-x that were put down when they refused ---

static struct fact refusal_row_fact(const struct history_refusal *r) {
    const struct refusal_row *row = refusal_row(r->row);
    struct fact fact = {.rule = row->name,
                        .section = section_texts[row->section].number,
                        .section_title = section_texts[row->section].title,
                        .text = row->text,
                        .when = row->when,
                        .hint = cause_hint(row->name),
                        .because = FACT_NO_CAUSE};
    const struct place nowhere = {.space = PLACE_NONE, .level = (uint8_t)r->level};
    if (*row->operand) fact_value(&fact, row->operand, nowhere, r->operand, 0, 0);
    if (*row->found) fact_value(&fact, row->found, nowhere, r->found, 0, 0);
    if (strstr(row->name, "_revision")) fact_value(&fact, "the revision identifier is", nowhere, vmx_revision(), 0, 0);
    return fact;
}

unsigned refusal_facts(const struct history_refusal *r, struct fact *facts, unsigned max) {
    if (!max || !refusal_row(r->row)) return 0;
    facts[0] = refusal_row_fact(r);
    return 1;
}

static unsigned of_vmx(const struct history_fault *f, const struct view *view, struct fact *facts, unsigned count,
                       unsigned max) {
    const struct history_cpu *past = vmx_history_cpu(view->cpu);
    const struct history_refusal *r = past ? history_refusal(past, 0) : NULL;
    if (!r || f->information || r->last_step != f->step || r->last_rip != f->rip) return count;
    return count + refusal_facts(r, facts + count, max - count);
}

// --- page faults: the entry that is in the way, by the tables as they are now ---

static unsigned of_tables(const struct history_fault *f, const struct view *then, struct fact *facts, unsigned count,
                          unsigned max) {
    struct access_answer answer;
    bool user = f->information & BIT(2), any = !(f->cr4 & CR4_SMAP) || f->rflags & FLAG_AC;
    const struct translation_access access = {.class = user  ? ACCESS_USER
                                                       : any ? ACCESS_SUPERVISOR_ANY
                                                             : ACCESS_SUPERVISOR,
                                              .write = f->information & BIT(1),
                                              .fetch = f->information & BIT(4)};
    unsigned from = count;
    if (f->vector != VECTOR_PF || !(f->cr0 & CR0_PG)) return count;
    count += walk_access(then, f->value, &access, &answer, facts + count, max - count);
    unsigned to = from;
    for (unsigned i = from; i < count; i++)
        if (!facts[i].holds) facts[to++] = facts[i];
    return to;
}

static unsigned causes(const struct history_fault *f, const struct view *now, struct fact *facts, unsigned count,
                       unsigned max) {
    struct view then;
    struct insn insn;
    view_at_fault(now, f, &then);
    bool known = view_instruction(&then, f->rip, &insn);
    unsigned from = count;
    count = of_vmx(f, &then, facts, count, max);
    if (count == from && known && f->vector == VECTOR_UD) count = of_controls(&then, &insn, facts, count, max);
    if (count == from && known) count = register_rule_facts(f, &then, &insn, facts, count, max);
    count = of_tables(f, &then, facts, count, max);
    if (count == from) count = fault_rule_facts(f, &then, known ? &insn : NULL, facts, count, max);
    for (unsigned i = from; i < count; i++) {
        facts[i].because = 0;
        facts[i].hint = cause_hint(facts[i].rule);
    }
    return count;
}

static unsigned code_facts(const struct history_fault *f, struct fact *facts, unsigned max) {
    switch (f->vector) {
    case VECTOR_PF: return page_fault_code_facts(f->information, facts, 1, max);
    case VECTOR_TS:
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_GP: return selector_code_facts(f->information, facts, 1, max);
    default: return 1;
    }
}

unsigned fault_facts(const struct history_fault *f, struct fact *facts, unsigned max) {
    if (!max) return 0;
    facts[0] = exception_of(f);
    return code_facts(f, facts, max);
}

unsigned fault_cause_facts(const struct history_fault *f, const struct view *view, struct fact *facts, unsigned max) {
    if (!max) return 0;
    facts[0] = exception_of(f);
    return causes(f, view, facts, 1, max);
}

unsigned delivery_facts(const struct history_fault *f, const struct view *now, struct fact *facts, unsigned max) {
    struct view then;
    struct history_fault gate = *f;
    gate.information = f->vector << 3 | 2;
    view_at_fault(now, f, &then);
    gate.vector = VECTOR_GP;
    unsigned count = fault_rule_facts(&gate, &then, NULL, facts, 0, max);
    for (unsigned i = 0; i < count; i++) facts[i].hint = cause_hint(facts[i].rule);
    return count;
}

// --- triple faults. SDM Vol. 3A, 6.15, double fault, table 6-5 ---

unsigned triple_facts(const struct history_cpu *past, struct fact *facts, unsigned max) {
    unsigned count = 0;
    for (unsigned i = 0; past->has_triple && i < past->chain_count && count < max; i++, count++) {
        facts[count] = exception_of(&past->chain[i]);
        if (count) facts[count].because = (int)count - 1;
    }
    if (!past->has_triple || count == max) return count;
    facts[count] = (struct fact){.rule = "triple fault",
                                 .section = vectors[VECTOR_DF].section,
                                 .section_title = "Exception and Interrupt Reference",
                                 .text = "an exception while the processor called the double-fault handler",
                                 .holds = true,
                                 .because = count ? (int)count - 1 : FACT_NO_CAUSE};
    return count + 1;
}
