// VMCSs that guests use for guests of their own. No processor knows them: whoever runs such a guest keeps them as it
// likes. But every VMWRITE of the guest is seen, as a VM exit or as an access to its shadow VMCS, and so is what each
// of its VMREADs gave it. SDM Vol. 3C, 24.10, 27.2.5 (Table 27-14), 30.3. NOT IMPLEMENTED: VMREAD with a memory operand
// that exits.
#include "devices/machine/machine_observe.h"
#include "monitor/commands/command.h"
#include "monitor/explain/history.h"

const struct history_vmcs12 *history_vmcs12(const struct history *h, unsigned level, uint64_t pointer) {
    for (unsigned i = 0; i < HISTORY_VMCS12S; i++)
        if (h->vmcs12[i].used && h->vmcs12[i].level == level && h->vmcs12[i].pointer == pointer) return &h->vmcs12[i];
    return NULL;
}

static struct history_vmcs12 *place(struct history *h, unsigned level, uint64_t pointer) {
    struct history_vmcs12 *oldest = &h->vmcs12[0], *found = NULL;
    for (unsigned i = 0; i < HISTORY_VMCS12S; i++) {
        struct history_vmcs12 *v = &h->vmcs12[i];
        if (v->used && v->level == level && v->pointer == pointer) found = v;
        if (v->when < oldest->when) oldest = v;
    }
    if (!found) *(found = oldest) = (struct history_vmcs12){.used = true, .level = level, .pointer = pointer};
    found->when = ++h->clock;
    return found;
}

static void note(struct history_vmcs12 *v, const struct cpu *cpu, uint64_t encoding, uint64_t value, uint8_t how) {
    int field = vmx_field_encoded(cpu, encoding);
    if (field < 0) return;
    if (encoding & 1) value = value << 32 | (uint32_t)v->field[field];
    v->field[field] = value;
    v->known[field] |= how;
}

enum { OPERAND_REGISTER = 10, REG1 = 3, REG2 = 28, NO_BASE = 27, BASE = 23, NO_INDEX = 22, INDEX = 18 };

static bool operand(struct history *h, struct cpu *cpu, uint32_t information, uint64_t displacement, uint64_t *value) {
    if (information >> OPERAND_REGISTER & 1) {
        *value = cpu->gpr[information >> REG1 & 15];
        return true;
    }
    uint64_t address = displacement;
    if (!(information >> NO_BASE & 1)) address += cpu->gpr[information >> BASE & 15];
    if (!(information >> NO_INDEX & 1)) address += cpu->gpr[information >> INDEX & 15] << (information & 3);
    address += cpu->segment_base[information >> 15 & 7];
    return machine_read_linear(h->monitor->look.machine, cpu->id, address, value, 8);
}

// The VMCS that the guest at `level` has loaded; NULL: not known.
static struct history_vmcs12 *loaded(struct history *h, const struct cpu *cpu, unsigned level) {
    struct history_cpu *c = &h->cpu[cpu->id];
    struct vmx_level_info info;
    if (c->twelve && c->twelve_level == level) return c->twelve;
    c->twelve = NULL;
    c->twelve_level = level;
    if (vmx_level_info(cpu, level, &info) && info.current != VMX_NO_VMCS) c->twelve = place(h, level, info.current);
    return c->twelve;
}

// A guest's VMREAD or VMWRITE exits. Anything else may change which VMCS is loaded.
void history_vmcs12_exit(struct history *h, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct history_cpu *c = &h->cpu[cpu->id];
    uint64_t information = 0, value = 0;
    c->reads = false;
    if (s->number != EXIT_VMREAD && s->number != EXIT_VMWRITE) {
        c->twelve = NULL;
        return;
    }
    struct history_vmcs12 *v = loaded(h, cpu, level);
    if (!v) return;
    (void)vmx_vmcs_read(cpu, vmx_current_vmcs(cpu), FIELD_INSTRUCTION_INFORMATION, &information);
    uint64_t encoding = cpu->gpr[information >> REG2 & 15];
    c->reads = s->number == EXIT_VMREAD && information >> OPERAND_REGISTER & 1;
    c->read_gpr = information >> REG1 & 15;
    c->read_field = (unsigned)encoding;
    if (s->number == EXIT_VMWRITE && operand(h, cpu, (uint32_t)information, s->value, &value))
        note(v, cpu, encoding, value, VMCS12_WRITTEN);
}

// The guest goes on: the register has what it was shown.
void history_vmcs12_entry(struct history *h, struct cpu *cpu) {
    struct history_cpu *c = &h->cpu[cpu->id];
    c->reads = false;
    if (c->twelve && vmx_level(cpu) == c->twelve_level)
        note(c->twelve, cpu, c->read_field, cpu->gpr[c->read_gpr], VMCS12_READ);
}
