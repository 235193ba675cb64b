// State of a guest that is another at its VM entry than at the VM exit before, although nothing asked for it: what VM
// exits do not save and the hypervisor has to (general-purpose registers, CR2, MSRs of SYSCALL and SWAPGS; SDM Vol. 3C,
// 27.3.3, 27.5), and what the VMCS has (24.4.1). Looked at where it is known what the exit's instruction does to the
// guest, and the guest goes on at that instruction or behind it: whoever goes on elsewhere has been reset, moved, or
// given another task.
// NOT IMPLEMENTED: what a host uses of its guest's by itself (protection keys, the mask of XSAVE); exits of
// instructions that a hypervisor emulates at length.
#include "monitor/report/guests.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>
#include <string.h>

enum { MSRS_MAY = 1 /* an MSR was written */, READS_PORT = 2, READS_CR = 4 };

// What an exit's instruction writes: general-purpose registers by their numbers, and enum above.
static const struct effect {
    uint16_t reason, registers, more;
} effects[] = {
    {EXIT_EXTERNAL_INTERRUPT, 0, 0},
    {EXIT_INTERRUPT_WINDOW, 0, 0},
    {EXIT_NMI_WINDOW, 0, 0},
    {EXIT_PREEMPTION_TIMER, 0, 0},
    {EXIT_CPUID, 0xf, 0},
    {EXIT_HLT, 0, 0},
    {EXIT_RDTSC, 5, 0},
    {EXIT_RDMSR, 5, 0},
    {EXIT_WRMSR, 0, MSRS_MAY},
    {EXIT_IO_INSTRUCTION, 0, READS_PORT},
    {EXIT_CR_ACCESS, 0, READS_CR},
    {EXIT_PAUSE, 0, 0},
};

static const struct {
    enum vmcs_field field;
    const char *name;
} fields_kept[] = {
#define KEPT(name)                                                                                                     \
    { FIELD_GUEST_##name, "GUEST_" #name }
#define KEPT_SEGMENT(s) KEPT(s##_SELECTOR), KEPT(s##_LIMIT), KEPT(s##_RIGHTS), KEPT(s##_BASE)
    KEPT_SEGMENT(ES), KEPT_SEGMENT(CS), KEPT_SEGMENT(SS),   KEPT_SEGMENT(DS),   KEPT_SEGMENT(FS),
    KEPT_SEGMENT(GS), KEPT_SEGMENT(TR), KEPT(GDTR_LIMIT),   KEPT(GDTR_BASE),    KEPT(IDTR_LIMIT),
    KEPT(IDTR_BASE),  KEPT(RSP),        KEPT(SYSENTER_ESP), KEPT(SYSENTER_EIP),
#undef KEPT_SEGMENT
#undef KEPT
};
enum { FIELDS_KEPT = sizeof fields_kept / sizeof *fields_kept };

static const char *const register_names[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                             "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};

struct changed {
    struct changed_guest {
        uint64_t key, step, cr2, star, lstar, sfmask, kernel_gs_base, efer; // key 0: free
    } of[GUESTS];
    uint64_t field[GUESTS * FIELDS_KEPT];
    // no state
    struct reports *reports;
    struct follower follower;
};

static const struct state_field state_fields[] = {
    STATE_EACH(struct changed, of, key),   STATE_EACH(struct changed, of, step),
    STATE_EACH(struct changed, of, cr2),   STATE_EACH(struct changed, of, star),
    STATE_EACH(struct changed, of, lstar), STATE_EACH(struct changed, of, sfmask),
    STATE_EACH(struct changed, of, efer),  STATE_EACH(struct changed, of, kernel_gs_base),
    STATE_ARRAY(struct changed, field),
};
static const struct state_table table = STATE_TABLE("report changed", state_fields);

static const struct effect *effect_of(uint32_t reason) {
    for (unsigned i = 0; i < sizeof effects / sizeof *effects; i++)
        if (effects[i].reason == reason) return &effects[i];
    return NULL;
}

static uint64_t *fields_of(struct changed *c, const struct changed_guest *g) {
    return &c->field[(size_t)(g - c->of) * FIELDS_KEPT];
}

// --- VM exits ---

static void see_exit(struct changed *c, const struct cpu *cpu, unsigned level) {
    bool is_new;
    const struct history_exit *e = guest_exit(cpu, level);
    const uint64_t *fields = vmx_vmcs_fields(cpu, vmx_current_vmcs(cpu)), key = guest_key(cpu, level);
    struct changed_guest *g = &c->of[guest_find(&c->of[0].key, sizeof c->of[0], key, &is_new)];
    g->key = key;
    g->step = e->step;
    g->cr2 = cpu->control.cr2;
    g->efer = cpu->control.efer;
    g->star = cpu->msr.star, g->lstar = cpu->msr.lstar, g->sfmask = cpu->msr.sfmask;
    g->kernel_gs_base = cpu->msr.kernel_gs_base;
    for (unsigned i = 0; fields && i < FIELDS_KEPT; i++) fields_of(c, g)[i] = fields[fields_kept[i].field];
}

// --- VM entries ---

// One thing that is compared.
struct compared {
    struct changed *c;
    struct cpu *cpu;
    const struct sight *sight;
    unsigned level;
};

static void compare(const struct compared *k, enum report_rule rule, const char *name, struct place place,
                    uint64_t then, uint64_t now) {
    if (then == now) return;
    struct report r = guest_report(k->cpu, rule, k->sight, k->level);
    const struct history_exit *e = guest_exit(k->cpu, k->level);
    report_value(&r, name, place, now);
    report_value(&r, "at the VM exit", (struct place){0}, then);
    report_value(&r, "exit reason", (struct place){0}, e->reason);
    r.same = (uint64_t)(unsigned char)name[0] << 16 | (uint64_t)(unsigned char)name[1] << 8 |
             (unsigned char)name[strlen(name) - 1];
    guest_beginning(&r, k->cpu, k->level, "the last VM exit of the guest");
    report_file(k->c->reports, k->cpu, &r);
}

static unsigned registers_written(const struct effect *effect, const struct history_exit *e) {
    enum { IN = 8, MOV_FROM_CR = 1 };
    if (effect->more == READS_PORT) return e->qualification & IN ? 1 : 0;
    if (effect->more == READS_CR)
        return (e->qualification >> 4 & 3) == MOV_FROM_CR ? 1u << (e->qualification >> 8 & 15) : 0;
    return effect->registers;
}

static void compare_registers(const struct compared *k, unsigned written) {
    const struct history_exit *e = guest_exit(k->cpu, k->level);
    for (unsigned i = 0; i < 16; i++)
        if (!(written >> i & 1) && i != RSP)
            compare(k, RULE_changed_register, register_names[i], (struct place){0}, e->gpr[i], k->cpu->gpr[i]);
}

static void compare_msrs(const struct compared *k, const struct changed_guest *g) {
    const struct cpu *cpu = k->cpu;
    const struct place place = {.space = PLACE_MSR, .level = (uint8_t)k->level, .bytes = 8};
    const uint64_t both = g->efer & cpu->control.efer;
#define COMPARE(index, name, member)                                                                                   \
    compare(k, RULE_changed_register, name,                                                                            \
            (struct place){.space = place.space, .level = place.level, .bytes = 8, .address = (index)}, g->member,     \
            cpu->msr.member)
    if (!(both & EFER_LMA)) return;
    COMPARE(0xc0000102, "IA32_KERNEL_GS_BASE", kernel_gs_base);
    if (!(both & EFER_SCE)) return;
    COMPARE(0xc0000081, "IA32_STAR", star);
    COMPARE(0xc0000082, "IA32_LSTAR", lstar);
    COMPARE(0xc0000084, "IA32_FMASK", sfmask);
#undef COMPARE
}

static void compare_fields(const struct compared *k, const struct changed_guest *g, const struct effect *effect) {
    const uint64_t *fields = vmx_vmcs_fields(k->cpu, vmx_current_vmcs(k->cpu));
    if (!fields || effect->more) return; // a MOV to CR, an MSR: much may follow
    for (unsigned i = 0; i < FIELDS_KEPT; i++)
        compare(k, RULE_changed_field, fields_kept[i].name, place_of_field(k->sight->physical, fields_kept[i].field),
                fields_of(k->c, g)[i], fields[fields_kept[i].field]);
}

// The guest goes on at the instruction, or behind it.
static bool goes_on(const struct cpu *cpu, const struct history_exit *e) {
    enum { INSTRUCTION_BYTES = 15 };
    return cpu->rip - e->rip <= INSTRUCTION_BYTES;
}

static bool is_page_fault(uint64_t information) {
    return information & INTERRUPTION_VALID && (information & INTERRUPTION_VECTOR) == VECTOR_PF;
}

static void see_entry(struct changed *c, struct cpu *cpu, const struct sight *s, unsigned level) {
    enum { STRING = 16 };
    bool is_new;
    const struct history_exit *e = guest_exit(cpu, level);
    const struct effect *effect = effect_of(e->reason);
    const struct changed_guest *g = &c->of[guest_find(&c->of[0].key, sizeof c->of[0], guest_key(cpu, level), &is_new)];
    if (is_new || !effect || g->step != e->step || !goes_on(cpu, e)) return;
    if (e->reason == EXIT_IO_INSTRUCTION && e->qualification & STRING) return;
    const struct compared k = {c, cpu, s, level};
    compare_registers(&k, registers_written(effect, e));
    if (!is_page_fault(s->information))
        compare(&k, RULE_changed_register, "CR2", (struct place){0}, g->cr2, cpu->control.cr2);
    if (effect->more != MSRS_MAY) compare_msrs(&k, g);
    compare_fields(&k, g, effect);
}

// --- beginning and ending ---

static bool begin(struct reports *reports) {
    struct changed *c = calloc(1, sizeof *c);
    if (!c) return false;
    reports->data[REPORT_CHANGED] = c;
    c->reports = reports;
    c->follower = (struct follower){.table = &table, .object = c};
    machine_add_follower(reports->monitor->look.machine, &c->follower);
    return true;
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct changed *c = reports->data[REPORT_CHANGED];
    if (s->kind == OBSERVE_EXIT)
        see_exit(c, cpu, level);
    else
        see_entry(c, cpu, s, level);
}

static void end(struct reports *reports) {
    struct changed *c = reports->data[REPORT_CHANGED];
    machine_remove_follower(reports->monitor->look.machine, &c->follower);
    free(c);
}

const struct detector detector_CHANGED = {
    .wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), .begin = begin, .see = see, .end = end};
