// Exceptions and triple faults as facts; see fault.h.
#include "monitor/causes/fault.h"
#include "cpu/decode/insn.h"
#include "cpu/state/model.h"
#include "cpu/state/section.h"
#include "monitor/vmcs/intercepts.h"
#include "monitor/vmcs/vmcs.h"
#include <stddef.h>
#include <string.h>

enum { VECTORS = 32 };
static const struct {
    const char *text, *section;
} vectors[VECTORS] = {
#define VECTOR(number, text, section) [number] = {text, "SDM Vol. 3A, " section},
#include "monitor/causes/vector.def"
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

// --- #UD: by the processor's own decoder and its rows ---

static bool instruction_at(const struct view *view, uint64_t rip, struct insn *insn) {
    uint8_t bytes[15];
    unsigned bits = view_code_bits(view);
    const enum code_size size = bits == 64 ? CODE_64 : bits == 32 ? CODE_32 : CODE_16;
    uint64_t at = bits == 64 ? rip : (uint32_t)(view->base[CS] + rip);
    unsigned length = (unsigned)view_read(view, SPACE_LINEAR, at, bytes, sizeof bytes);
    return length && decode(view->cpu->wire.decoder, size, bytes, length, insn) == DECODE_OK;
}

// Rows name instructions without the width that REX.W gives: "XSAVES" is also that of xsaves64.
static void rule_name(char *to, size_t size, const char *mnemonic) {
    size_t i = 0;
    for (; mnemonic[i] >= 'a' && mnemonic[i] <= 'z' && i + 1 < size; i++) to[i] = (char)(mnemonic[i] - 'a' + 'A');
    to[i] = '\0';
}

static unsigned outside_operation(const struct view *view, const struct insn *insn, struct fact *facts,
                                  unsigned count) {
    if (insn->row->feature != FEATURE_VMX || !strcmp(insn->row->mnemonic, "vmxon")) return count;
    facts[count] = (struct fact){.rule = insn->row->mnemonic,
                                 .section = section_texts[SECTION_S30_3].number,
                                 .section_title = section_texts[SECTION_S30_3].title,
                                 .text = "outside VMX operation (VMXON was not executed)",
                                 .holds = !vmx_in_operation(view->cpu)};
    fact_value(&facts[count++], "VMX operation", (struct place){.space = PLACE_NONE}, vmx_in_operation(view->cpu), 0,
               1);
    return count;
}

static unsigned invalid_opcode(const struct view *view, uint64_t rip, struct fact *facts, unsigned count,
                               unsigned max) {
    struct guest_rules guest;
    struct insn insn;
    char name[24];
    if (!instruction_at(view, rip, &insn)) return count;
    rule_name(name, sizeof name, insn.row->mnemonic);
    unsigned from = count;
    if (view->level && guest_rules_of(view->cpu, view->vmcs, &guest))
        count += undefined_facts(&guest, name, facts + count, max - count);
    else if (count < max)
        count = outside_operation(view, &insn, facts, count);
    for (unsigned i = from; i < count; i++) facts[i].because = 0;
    return count;
}

unsigned fault_facts(const struct history_fault *f, const struct view *view, struct fact *facts, unsigned max) {
    if (!max) return 0;
    facts[0] = exception_of(f);
    switch (f->vector) {
    case VECTOR_PF: return page_fault_code_facts(f->information, facts, 1, max);
    case VECTOR_TS:
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_GP: return selector_code_facts(f->information, facts, 1, max);
    case VECTOR_UD: return view ? invalid_opcode(view, f->rip, facts, 1, max) : 1;
    default: return 1;
    }
}

// --- triple faults. SDM Vol. 3A, 6.15, double fault, table 6-5 ---

unsigned triple_facts(const struct history_cpu *past, struct fact *facts, unsigned max) {
    unsigned count = 0;
    for (unsigned i = past->chain_count; past->has_triple && i-- > 0 && count < max; count++) {
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
