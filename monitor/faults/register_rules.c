// Why RDMSR, WRMSR and MOV to a control register are refused: the processor's own rows (cpu/system/msr.def,
// cpu/event/control.def), asked of the registers as they were; see fault_rules.h.
#include "cpu/event/control.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/section.h"
#include "cpu/system/msr.h"
#include "monitor/faults/fault_rules.h"
#include "monitor/explain/msr_name.h"
#include <string.h>

static const struct place nowhere = {.space = PLACE_NONE};

// --- MSRs ---

unsigned msr_facts(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct fact *facts,
                   unsigned count, unsigned max) {
    struct msr_refusal r;
    if (count == max || !msr_refuses(cpu, index, write, value, &r)) return count;
    const char *name = r.name ? r.name : msr_name(index);
    facts[count] = (struct fact){.rule = name    ? name
                                         : write ? "WRMSR"
                                                 : "RDMSR",
                                 .section = "SDM Vol. 4, table 2-2",
                                 .section_title = "IA-32 Architectural MSRs",
                                 .text = r.rule,
                                 .holds = true};
    fact_value(&facts[count], "MSR", nowhere, index, 0, 0);
    if (write) fact_value(&facts[count], "value", nowhere, value, 0, 0);
    if (r.bits) fact_value(&facts[count], "bits in the way", nowhere, r.bits, 0, r.bits);
    return count + 1;
}

static unsigned of_msr(const struct history_fault *f, const struct view *then, bool write, struct fact *facts,
                       unsigned count, unsigned max) {
    uint64_t value = f->gpr[RDX] << 32 | (uint32_t)f->gpr[RAX];
    return msr_facts(then->cpu, (uint32_t)f->gpr[RCX], write, value, facts, count, max);
}

// --- control registers ---

static struct cr_write write_at(const struct history_fault *f, const struct view *then) {
    struct cr_write w = cr_write_of(then->cpu);
    w.cr0 = f->cr0, w.cr3 = f->cr3, w.cr4 = f->cr4, w.efer = f->efer;
    w.code_l = f->segment_rights[CS] & RIGHTS_L;
    w.in_long = f->efer & EFER_LMA;
    w.in_64bit = w.in_long && w.code_l;
    return w;
}

static unsigned of_control(const struct history_fault *f, const struct view *then, unsigned cr, uint64_t value,
                           struct fact *facts, unsigned count, unsigned max) {
    static const char *const names[] = {"CR0", "CR1", "CR2", "CR3", "CR4"};
    const struct cr_write w = write_at(f, then);
    const struct cr_rule *rule;
    for (unsigned i = 0; (rule = cr_rule(i)) && count < max; i++) {
        uint64_t bits = rule->cr == cr ? cr_rule_bits(i, &w, value) : 0;
        if (!bits) continue;
        facts[count] = (struct fact){.rule = rule->name,
                                     .section = section_texts[rule->section].number,
                                     .section_title = section_texts[rule->section].title,
                                     .text = rule->text,
                                     .holds = true};
        fact_value(&facts[count], names[cr % 5], nowhere, cr == 0 ? f->cr0 : cr == 3 ? f->cr3 : f->cr4, 0, 0);
        fact_value(&facts[count], "value", nowhere, value, 0, 0);
        fact_value(&facts[count++], "bits in the way", nowhere, bits, 0, bits);
    }
    return count;
}

unsigned register_rule_facts(const struct history_fault *f, const struct view *then, const struct insn *insn,
                             struct fact *facts, unsigned count, unsigned max) {
    const struct operand *o = insn->operand;
    const char *name = insn->row->mnemonic;
    if (f->vector != VECTOR_GP || f->information) return count;
    if (!strcmp(name, "rdmsr")) return of_msr(f, then, false, facts, count, max);
    if (!strcmp(name, "wrmsr")) return of_msr(f, then, true, facts, count, max);
    if (!strcmp(name, "mov") && o[0].kind == OPERAND_REG && o[0].class == REG_CR)
        return of_control(f, then, o[0].number, f->gpr[o[1].number & 15], facts, count, max);
    return count;
}
