// VMCSs that guests use for guests of their own. No processor knows them: whoever runs such a guest keeps them as it
// likes. But every VMWRITE of the guest is seen, as a VM exit or as an access to its shadow VMCS, and so is what each
// of its VMREADs gave it. SDM Vol. 3C, 24.10, 27.2.5 (Table 27-14), 30.3. NOT IMPLEMENTED: VMREAD with a memory operand
// that exits.
#include "vmx/history/history.h"
#include "vmx/level/view.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

static unsigned place(struct history *h, unsigned level, uint64_t pointer) {
    unsigned oldest = 0, found = HISTORY_VMCS12S;
    for (unsigned i = 0; i < HISTORY_VMCS12S; i++) {
        struct history_vmcs12 *v = &h->vmcs12[i];
        if (v->used && v->level == level && v->pointer == pointer) found = i;
        if (v->when < h->vmcs12[oldest].when) oldest = i;
    }
    if (found == HISTORY_VMCS12S) {
        found = oldest;
        h->vmcs12[found] = (struct history_vmcs12){.used = 1, .level = level, .pointer = pointer};
    }
    h->vmcs12[found].when = ++h->clock;
    return found;
}

static void note(struct history_vmcs12 *v, const struct cpu *cpu, uint64_t encoding, uint64_t value, uint8_t how) {
    int field = vmx_field_encoded(cpu, encoding);
    if (field < 0) return;
    if (encoding & 1) value = value << 32 | (uint32_t)v->field[field];
    v->field[field] = value;
    v->known[field] |= how;
    if (how == VMCS12_WRITTEN)
        v->stamp[field] =
            (struct vmcs_stamp){stamp_when(history_step(cpu), (unsigned)v->level, WRITER_VMWRITE), cpu->rip};
}

// The VMCS that the guest at `level` has loaded; NULL: not known.
static struct history_vmcs12 *loaded(struct cpu *cpu, unsigned level) {
    struct history *h = vmx_of(cpu)->history;
    struct history_cpu *c = vmx_of(cpu)->past;
    struct vmx_level_info info;
    if (!c->twelve || c->twelve_level != level) {
        c->twelve = 0;
        c->twelve_level = level;
        if (vmx_level_info(cpu, level, &info) && info.current != VMX_NO_VMCS)
            c->twelve = place(h, level, info.current) + 1;
    }
    return c->twelve ? &h->vmcs12[c->twelve - 1] : NULL;
}

enum { OPERAND_REGISTER = 10, REG1 = 3, REG2 = 28 };

static bool operand(struct cpu *cpu, uint32_t information, uint64_t *value) {
    if (!(information >> OPERAND_REGISTER & 1)) return level_operand(cpu, value);
    *value = cpu->gpr[information >> REG1 & 15];
    return true;
}

void history_vmcs12_exit(struct cpu *cpu, unsigned level) {
    const struct exit_record *r = &vmx_of(cpu)->exit;
    struct history_cpu *c = vmx_of(cpu)->past;
    uint32_t information = r->instruction_information;
    uint64_t value = 0, encoding = cpu->gpr[information >> REG2 & 15];
    struct history_vmcs12 *v = loaded(cpu, level);
    if (!v) return;
    c->reads = r->reason == EXIT_VMREAD && information >> OPERAND_REGISTER & 1;
    c->read_gpr = information >> REG1 & 15;
    c->read_field = (uint32_t)encoding;
    if (r->reason == EXIT_VMWRITE && operand(cpu, information, &value))
        note(v, cpu, encoding, cpu_64bit(cpu) ? value : (uint32_t)value, VMCS12_WRITTEN);
}

// The guest goes on: the register has what it was shown.
void history_vmcs12_entry(struct cpu *cpu, unsigned level) {
    struct history_cpu *c = vmx_of(cpu)->past;
    c->reads = 0;
    if (c->twelve && level == c->twelve_level)
        note(&vmx_of(cpu)->history->vmcs12[c->twelve - 1], cpu, c->read_field, cpu->gpr[c->read_gpr], VMCS12_READ);
}
