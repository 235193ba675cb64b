// State of a guest that is another at its VM entry than at the VM exit before, although nothing asked for it: what VM
// exits do not save and the hypervisor has to (general-purpose registers, CR2, DR0 to DR6, FPU, MSRs; SDM Vol. 3C,
// 27.3.3, 27.5), and what the VMCS has (24.4.1). Looked at where it is known what the exit's instruction does to the
// guest, and the guest goes on at that instruction or behind it: whoever goes on elsewhere has been reset, moved, or
// given another task. NOT IMPLEMENTED: exits of instructions that a hypervisor emulates at length; VTPR.
#include "monitor/report/changed.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include <string.h>

enum { MSRS_MAY = 1 /* an MSR was written */, READS_PORT = 2, READS_CR = 4, RESTARTS = 8, FROM_OUTSIDE = 16 };
enum {
    A_C_D = 1 << RAX | 1 << RCX | 1 << RDX,
    A_D = 1 << RAX | 1 << RDX,
    STRINGS = 1 << RAX | 1 << RCX | 1 << RSI | 1 << RDI
};

// What an exit's instruction writes: general-purpose registers by their numbers, and enum above. RESTARTS: it is looked
// at only where the guest does the instruction again, of which an iteration may have been made.
static const struct effect {
    uint16_t reason, registers, more;
} effects[] = {
    {EXIT_EXTERNAL_INTERRUPT, 0, FROM_OUTSIDE},
    {EXIT_INTERRUPT_WINDOW, 0, FROM_OUTSIDE},
    {EXIT_NMI_WINDOW, 0, FROM_OUTSIDE},
    {EXIT_PREEMPTION_TIMER, 0, FROM_OUTSIDE},
    {EXIT_EPT_VIOLATION, STRINGS, RESTARTS},
    {EXIT_PML_FULL, 0, RESTARTS},
    {EXIT_CPUID, A_C_D | 1 << RBX, 0},
    {EXIT_HLT, 0, 0},
    {EXIT_INVLPG, 0, 0},
    {EXIT_RDTSC, A_D, 0},
    {EXIT_RDTSCP, A_C_D, 0},
    {EXIT_RDPMC, A_D, 0},
    {EXIT_RDMSR, A_D, 0},
    {EXIT_WRMSR, 0, MSRS_MAY},
    {EXIT_IO_INSTRUCTION, 0, READS_PORT},
    {EXIT_CR_ACCESS, 0, READS_CR},
    {EXIT_MONITOR, 0, 0},
    {EXIT_MWAIT, 0, 0},
    {EXIT_PAUSE, 0, 0},
    {EXIT_WBINVD, 0, 0},
};
static const struct effect of_nmi = {EXIT_EXCEPTION_NMI, 0, FROM_OUTSIDE};

// When a row of changed.def counts.
enum {
    LONG_MODE = 1,
    SYSCALL_USED = 1 << 1,
    RDTSCP_USED = 1 << 2,
    XSAVE_USED = 1 << 3,
    XSAVES_USED = 1 << 4,
    PKRU_USED = 1 << 5,
    DR_USED = 1 << 6,
    FPU_USED = 1 << 7,
    EPT_USED = 1 << 8,
    DEBUG_SAVED = 1 << 9,
    X87_USED = 1 << 10, // and the seven bits above, for each register
};
enum class { CLASS_REGISTER, CLASS_MSR, CLASS_FIELD, CLASS_OUTSIDE };

static const struct kept {
    uint8_t class;
    const char *name;
    uint32_t place, when;
} kept[] = {
#define KEPT(class, name, place, value, when) {CLASS_##class, name, place, when},
#include "monitor/report/changed.def"
#undef KEPT
};
enum { KEPT_ROWS = sizeof kept / sizeof *kept };

static const char *const register_names[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                             "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};

struct changed {
    struct changed_guest {
        uint64_t key, step, conditions, length; // key 0: free; length of the exit's instruction
        uint64_t value[KEPT_ROWS];
    } guest[GUESTS];
    struct implicit implicit;
};

static const struct state_field fields[] = {
    STATE_WORDS(struct changed, guest),
    STATE_WORDS(struct changed, implicit),
};
static const struct state_table table = STATE_TABLE("report changed", fields);

static const struct effect *effect_of(const struct history_exit *e) {
    if (e->reason == EXIT_EXCEPTION_NMI)
        return (e->interruption & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT == EVENT_NMI ? &of_nmi : NULL;
    for (unsigned i = 0; i < sizeof effects / sizeof *effects; i++)
        if (effects[i].reason == e->reason) return &effects[i];
    return NULL;
}

// --- values ---

static uint64_t as_read(const uint64_t *f, enum vmcs_field cr, enum vmcs_field mask, enum vmcs_field shadow) {
    return (f[cr] & ~f[mask]) | (f[shadow] & f[mask]);
}

static void read_values(const struct cpu *cpu, const uint64_t *f, uint64_t value[KEPT_ROWS]) {
    unsigned i = 0;
#define KEPT(class, name, place, expression, when) value[i++] = (expression);
#include "monitor/report/changed.def"
#undef KEPT
}

static uint64_t conditions(const struct cpu *cpu, const uint64_t *f) {
    const uint64_t proc = f[FIELD_PROC_CONTROLS], efer = cpu->control.efer, cr4 = cpu->control.cr4;
    const uint64_t proc2 = proc & BIT(PROC_ACTIVATE_SECONDARY) ? f[FIELD_PROC2_CONTROLS] : 0;
    const bool debug = f[FIELD_EXIT_CONTROLS] & BIT(EXIT_SAVE_DEBUG_CONTROLS) &&
                       f[FIELD_ENTRY_CONTROLS] & BIT(ENTRY_LOAD_DEBUG_CONTROLS);
    return (efer & EFER_LMA ? LONG_MODE : 0u) | (efer & EFER_SCE ? SYSCALL_USED : 0u) |
           (proc2 & BIT(PROC2_ENABLE_RDTSCP) ? RDTSCP_USED : 0u) | (cr4 & CR4_OSXSAVE ? XSAVE_USED : 0u) |
           (proc2 & BIT(PROC2_ENABLE_XSAVES) && cr4 & CR4_OSXSAVE ? XSAVES_USED : 0u) |
           (cr4 & CR4_PKE ? PKRU_USED : 0u) | (proc & BIT(PROC_MOV_DR_EXITING) ? 0u : DR_USED) |
           (cpu->control.cr0 & (CR0_TS | CR0_EM) ? 0u : FPU_USED) | (proc2 & BIT(PROC2_ENABLE_EPT) ? EPT_USED : 0u) |
           (debug ? DEBUG_SAVED : 0u) | (uint64_t)(uint8_t)~cpu->fpu.x87.empty * X87_USED;
}

// --- VM exits ---

static struct changed_guest *guest_of(struct changed *c, const struct seen *at, bool *is_new) {
    const uint64_t key = guest_key(at->cpu, at->level);
    struct changed_guest *g = &c->guest[guest_find(&c->guest[0].key, sizeof c->guest[0], key, is_new)];
    if (*is_new) g->key = key, g->step = 0;
    return g;
}

static void see_exit(struct changed *c, const struct seen *at) {
    bool is_new;
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    const uint64_t *f = vmx_vmcs_fields(at->cpu, vmx_current_vmcs(at->cpu));
    if (!effect_of(e) || !f) return;
    struct changed_guest *g = guest_of(c, at, &is_new);
    g->step = e->step;
    g->conditions = conditions(at->cpu, f);
    g->length = f[FIELD_EXIT_INSTRUCTION_LENGTH];
    read_values(at->cpu, f, g->value);
}

// --- VM entries ---

static void file(const struct seen *at, enum report_rule rule, const char *name, struct place place, uint64_t then,
                 uint64_t now, unsigned same) {
    struct report r = guest_report(at->cpu, rule, at->sight, at->level);
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    report_value(&r, name, place, now);
    report_value(&r, "at the VM exit", (struct place){0}, then);
    report_value(&r, "exit reason", (struct place){0}, e->reason);
    r.same = same;
    guest_beginning(&r, at->cpu, at->level, "the last VM exit of the guest");
    report_file(at->reports, at->cpu, &r);
}

// The port by which guests talk to VMware, which QEMU has too: its commands answer in registers that IN does not write.
static bool is_backdoor(const struct history_exit *e) {
    enum { PORT_SHIFT = 16, PORT = 0x5658, MAGIC = 0x564d5868 };
    return e->qualification >> PORT_SHIFT == PORT && (uint32_t)e->gpr[RAX] == MAGIC;
}

static unsigned registers_written(const struct effect *effect, const struct history_exit *e) {
    enum { IN = 8, MOV_FROM_CR = 1 };
    if (effect->more == READS_PORT && is_backdoor(e)) return A_C_D | 1 << RBX | STRINGS;
    if (effect->more == READS_PORT) return e->qualification & IN ? 1 : 0;
    if (effect->more == READS_CR)
        return (e->qualification >> 4 & 3) == MOV_FROM_CR ? 1u << (e->qualification >> 8 & 15) : 0;
    return effect->registers;
}

static void compare_registers(const struct seen *at, unsigned written) {
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    for (unsigned i = 0; i < 16; i++) {
        if (written >> i & 1 || i == RSP || e->gpr[i] == at->cpu->gpr[i]) continue;
        const struct place place = {.space = PLACE_REGISTER,
                                    .level = (uint8_t)at->level,
                                    .processor = (uint8_t)at->cpu->id,
                                    .bytes = 8,
                                    .address = offsetof(struct cpu, gpr) + 8 * i};
        file(at, RULE_changed_register, register_names[i], place, e->gpr[i], at->cpu->gpr[i], KEPT_ROWS + i);
    }
}

static bool injects(const struct seen *at, unsigned vector) {
    return at->sight->information & INTERRUPTION_VALID && (at->sight->information & INTERRUPTION_VECTOR) == vector;
}

// Whether what is kept in this row may have been written. A MOV to CR, an MSR, a port: much may follow.
static bool may_differ(const struct seen *at, const struct kept *k, const struct effect *effect) {
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    switch (k->class) {
    case CLASS_REGISTER: return k->place == offsetof(struct cpu, control.cr2) && injects(at, VECTOR_PF);
    case CLASS_MSR: return effect->more == MSRS_MAY;
    case CLASS_FIELD: return effect->more & ~FROM_OUTSIDE;
    default:
        return effect->more != FROM_OUTSIDE || e->vectoring & INTERRUPTION_VALID || injects(at, VECTOR_DB) ||
               injects(at, VECTOR_NMI);
    }
}

static struct place place_of(const struct seen *at, const struct kept *k) {
    const struct place place = {.level = (uint8_t)at->level,
                                .processor = (uint8_t)at->cpu->id,
                                .bytes = 8,
                                .address = k->place,
                                .space = k->class == CLASS_MSR ? PLACE_MSR : PLACE_REGISTER};
    return k->class >= CLASS_FIELD ? place_of_field(at->sight->physical, k->place) : place;
}

static void compare_kept(const struct seen *at, const struct changed_guest *g, const uint64_t *f,
                         const struct effect *effect) {
    uint64_t now[KEPT_ROWS];
    read_values(at->cpu, f, now);
    if (!memcmp(now, g->value, sizeof now)) return;
    const uint64_t both = conditions(at->cpu, f) & g->conditions;
    for (unsigned i = 0; i < KEPT_ROWS; i++) {
        const struct kept *k = &kept[i];
        if (now[i] == g->value[i] || k->when & ~both || may_differ(at, k, effect)) continue;
        file(at, k->class >= CLASS_FIELD ? RULE_changed_field : RULE_changed_register, k->name, place_of(at, k),
             g->value[i], now[i], i);
    }
}

// The guest goes on at the instruction, or behind it.
static bool goes_on(const struct seen *at, const struct history_exit *e, const struct effect *effect) {
    enum { INSTRUCTION_BYTES = 15 };
    if (effect->more & (RESTARTS | FROM_OUTSIDE)) return at->cpu->rip == e->rip;
    return at->cpu->rip - e->rip <= INSTRUCTION_BYTES;
}

// In the middle of an instruction, or after another one.
static void compare_rip(const struct seen *at, const struct changed_guest *g, const struct history_exit *e) {
    const uint64_t by = at->cpu->rip - e->rip;
    if (by && by != g->length)
        file(at, RULE_changed_field, "GUEST_RIP", place_of_field(at->sight->physical, FIELD_GUEST_RIP), e->rip,
             at->cpu->rip, KEPT_ROWS + 16);
}

static void see_entry(struct changed *c, const struct seen *at) {
    enum { STRING = 16 };
    bool is_new;
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    const struct effect *effect = effect_of(e);
    const uint64_t *f = vmx_vmcs_fields(at->cpu, vmx_current_vmcs(at->cpu));
    if (!effect || !f || !goes_on(at, e, effect)) return;
    if (e->reason == EXIT_IO_INSTRUCTION && e->qualification & STRING) return;
    const struct changed_guest *g = guest_of(c, at, &is_new);
    if (is_new || g->step != e->step) return;
    compare_registers(at, registers_written(effect, e));
    compare_kept(at, g, f, effect);
    if (!effect->more) compare_rip(at, g, e);
}

// --- the detector ---

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct changed *c = reports->data[REPORT_CHANGED];
    const struct seen at = {reports, cpu, s, level};
    implicit_see(&c->implicit, &at);
    if (s->kind == OBSERVE_EXIT)
        see_exit(c, &at);
    else if (s->kind == OBSERVE_ENTRY)
        see_entry(c, &at);
}

const struct detector detector_CHANGED = {.wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_MSR_WRITE) |
                                                    BIT(OBSERVE_IMPLICIT),
                                          .bytes = sizeof(struct changed),
                                          .memory = &table,
                                          .see = see};
