// VMCSs that guests use for guests of their own. No processor knows them: whoever runs such a guest keeps them as it
// likes. But every VMWRITE of the guest is seen, as a VM exit or as an access to its shadow VMCS, and so is what each
// of its VMREADs gave it. SDM Vol. 3C, 24.10, 27.2.5 (Table 27-14), 30.3. NOT IMPLEMENTED: VMREAD with a memory operand
// that exits.
#include "devices/machine_observe.h"
#include "monitor/history.h"

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

// The VMCS that the guest at `level` has loaded. False: not known.
static bool current_of(const struct cpu *cpu, unsigned level, uint64_t *pointer) {
    struct vmx_level_info info;
    if (!level || !vmx_level_info(cpu, level, &info) || info.current == VMX_NO_VMCS) return false;
    *pointer = info.current;
    return true;
}

static void note(struct history *h, const struct cpu *cpu, uint64_t pointer, uint64_t encoding, uint64_t value,
                 uint8_t how) {
    int field = vmx_field_encoded(cpu, encoding);
    unsigned level = vmx_level(cpu);
    if (field < 0) return;
    struct history_vmcs12 *v = place(h, level, pointer);
    if (encoding & 1) value = value << 32 | (uint32_t)v->field[field];
    v->field[field] = value;
    v->known[field] |= how;
}

// In VMX non-root operation: on the shadow VMCS.
void history_vmcs12_access(struct history *h, struct cpu *cpu, const struct sight *s) {
    uint64_t pointer;
    unsigned level = vmx_level(cpu);
    if (level && current_of(cpu, level, &pointer))
        note(h, cpu, pointer, s->number, s->value, s->kind == OBSERVE_VMREAD ? VMCS12_READ : VMCS12_WRITTEN);
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
    return machine_read_linear(h->monitor->machine, cpu->id, address, value, 8);
}

// The guest's VMREAD or VMWRITE exits.
void history_vmcs12_exit(struct history *h, struct cpu *cpu, const struct sight *s) {
    struct history_cpu *c = &h->cpu[cpu->id];
    uint64_t information = 0, pointer, value = 0;
    unsigned level = vmx_level(cpu);
    if ((s->number != EXIT_VMREAD && s->number != EXIT_VMWRITE) || !current_of(cpu, level, &pointer)) return;
    (void)vmx_vmcs_read(cpu, vmx_current_vmcs(cpu), FIELD_INSTRUCTION_INFORMATION, &information);
    uint64_t encoding = cpu->gpr[information >> REG2 & 15];
    if (s->number == EXIT_VMWRITE) {
        if (operand(h, cpu, (uint32_t)information, s->value, &value))
            note(h, cpu, pointer, encoding, value, VMCS12_WRITTEN);
        return;
    }
    c->reads = information >> OPERAND_REGISTER & 1;
    c->read_level = level;
    c->read_gpr = information >> REG1 & 15;
    c->read_field = (unsigned)encoding;
    c->read_vmcs = pointer;
}

// The guest goes on: the register has what it was shown.
void history_vmcs12_entry(struct history *h, struct cpu *cpu) {
    struct history_cpu *c = &h->cpu[cpu->id];
    if (!c->reads || vmx_level(cpu) != c->read_level) return;
    c->reads = false;
    note(h, cpu, c->read_vmcs, c->read_field, cpu->gpr[c->read_gpr], VMCS12_READ);
}
