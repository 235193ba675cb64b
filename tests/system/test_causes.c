// The table of causes: everything that the rows say can go wrong with an instruction is brought about once, and is
// explained by its row: exceptions (fault_rule.def), MSRs (msr.def), control registers (control.def). A row that
// nothing here brings about fails. tests/vmx/test_causes.c has what VT-x refuses.
#include "cpu/event/control.h"
#include "cpu/memory/mode.h"
#include "cpu/state/model.h"
#include "cpu/system/msr.h"
#include "devices/history/history.h"
#include "monitor/faults/fault.h"
#include "monitor/faults/fault_rules.h"
#include "monitor/faults/hint.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "vmx/insn/refusal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AT_PML4 = 0x1000,
    AT_PDPT = 0x2000,
    AT_PD = 0x3000,
    AT_GDT = 0x4000,
    AT_IDT = 0x5000,
    AT_CODE = 0x10000,
    AT_STACK = 0x20000,
    AT_DATA = 0x30000
};
enum { CODE64 = 0x08, DATA = 0x10, CODE32 = 0x18, ABSENT = 0x20, USER_CODE = 0x2b, USER_DATA = 0x33, TASK = 0x38 };

static void put(struct machine *m, uint64_t at, uint64_t value) { memcpy(inside_ram(m, at, 8), &value, 8); }

static void segments(struct cpu *c, unsigned cpl, bool wide) {
    for (unsigned s = ES; s <= GS; s++) {
        c->segment[s] = (struct segment){
            .limit = UINT32_MAX, .rights = 0xc093u | cpl << 5, .selector = (uint16_t)(cpl ? USER_DATA : DATA)};
        c->segment_base[s] = 0;
    }
    c->segment[CS].rights = (wide ? 0xa09bu : 0xc09bu) | cpl << 5;
    c->segment[CS].selector = (uint16_t)(cpl ? USER_CODE : wide ? CODE64 : CODE32);
}

// 64-bit mode at CPL 0, pages of 2 MBytes where linear is physical, an IDT without entries, SSE switched on.
static struct cpu *set_up(struct machine *m, unsigned cpl, bool wide) {
    alter_reset(m);
    put(m, AT_PML4, AT_PDPT | 7);
    put(m, AT_PDPT, AT_PD | 7);
    put(m, AT_PD, 0x87);
    put(m, AT_PD + 8, 0);
    memset(inside_ram(m, AT_IDT, 4096), 0, 4096);
    put(m, AT_GDT + CODE64, 0x00af9b000000ffff), put(m, AT_GDT + DATA, 0x00cf93000000ffff);
    put(m, AT_GDT + CODE32, 0x00cf9b000000ffff), put(m, AT_GDT + ABSENT, 0x00cf13000000ffff);
    struct cpu *c = inside_cpu(m, 0);
    c->control.cr0 = CR0_PE | CR0_PG | CR0_NE | CR0_ET | CR0_MP;
    c->control.cr3 = AT_PML4;
    c->control.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    c->control.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    segments(c, cpl, wide);
    c->gdtr = (struct descriptor_table){AT_GDT, 0x3f};
    c->idtr = (struct descriptor_table){AT_IDT, 0xfff};
    c->segment[TR].limit = 0x60; // no I/O permission bit map
    c->rip = AT_CODE;
    c->rflags = 2;
    memset(c->gpr, 0, sizeof c->gpr);
    c->gpr[RSP] = AT_STACK;
    c->boundary.activity = ACTIVITY_ACTIVE;
    return c;
}

// --- exceptions ---

// A 32-bit TSS, but shorter than 104 bytes.
#define SHORT_TSS (0x0000890000000020 | (uint64_t)AT_DATA << 16)
static void without_paging(struct cpu *c) {
    c->control.cr0 &= ~CR0_PG;
    c->control.efer = 0;
}

// FAULT(rule, CPL, 64 bits, "code", what else)
#define FAULTS(FAULT)                                                                                                  \
    FAULT(divide_by_zero, 0, true, "f7f1", )                                                                           \
    FAULT(divide_too_large, 0, true, "f7f1", c->gpr[RCX] = 1; c->gpr[RDX] = 7)                                         \
    FAULT(debug_breakpoint, 0, true, "90", c->control.dr[0] = AT_CODE; c->control.dr[7] = 0x402)                       \
    FAULT(debug_access, 0, true, "0f21c0", c->control.dr[7] = 0x2400)                                                  \
    FAULT(debug_step, 0, true, "9090", c->rflags |= FLAG_TF)                                                           \
    FAULT(debug_int1, 0, true, "f1", )                                                                                 \
    FAULT(breakpoint, 0, true, "cc", )                                                                                 \
    FAULT(overflow, 0, false, "ce", cpu_set_rflags(c, 2 | FLAG_OF))                                                    \
    FAULT(bound, 0, false, "620500000300", c->gpr[RAX] = 5)                                                            \
    FAULT(ud_undecodable, 0, true, "06", )                                                                             \
    FAULT(ud_meant, 0, true, "0f0b", )                                                                                 \
    FAULT(ud_osxsave, 0, true, "0f01d0", )                                                                             \
    FAULT(ud_osfxsr, 0, true, "0f28c1", c->control.cr4 &= ~CR4_OSFXSR)                                                 \
    FAULT(ud_emulated, 0, true, "0f28c1", c->control.cr0 |= CR0_EM)                                                    \
    FAULT(ud_not_protected, 0, false, "0f00c0", c->control.cr0 &= ~(CR0_PE | CR0_PG); c->control.efer = 0)             \
    FAULT(ud_fsgsbase, 0, true, "f3480faec0", )                                                                        \
    FAULT(ud_pke, 0, true, "0f01ee", )                                                                                 \
    FAULT(ud_sce, 0, true, "0f05", c->control.efer &= ~EFER_SCE)                                                       \
    FAULT(ud_monitor_cpl, 3, true, "0f01c8", )                                                                         \
    FAULT(ud_debug_aliases, 0, true, "0f21e0", c->control.cr4 |= CR4_DE)                                               \
    FAULT(nm_task_switched, 0, true, "0f28c1", c->control.cr0 |= CR0_TS)                                               \
    FAULT(nm_emulated, 0, true, "d9e8", c->control.cr0 |= CR0_EM)                                                      \
    FAULT(gp_cpl, 3, true, "f4", )                                                                                     \
    FAULT(gp_iopl, 3, true, "fa", )                                                                                    \
    FAULT(gp_port, 3, true, "ec", )                                                                                    \
    FAULT(gp_xcr, 0, true, "0f01d1", c->control.cr4 |= CR4_OSXSAVE; c->gpr[RCX] = 1; c->gpr[RAX] = 1)                  \
    FAULT(gp_xcr0, 0, true, "0f01d1", c->control.cr4 |= CR4_OSXSAVE)                                                   \
    FAULT(gp_canonical, 0, true, "488b03", c->gpr[RBX] = 1ull << 60)                                                   \
    FAULT(gp_alignment, 0, true, "0f2803", c->gpr[RBX] = AT_DATA + 8)                                                  \
    FAULT(gp_null_segment, 0, false, "8b03", c->segment[DS] = (struct segment){.rights = RIGHTS_UNUSABLE})             \
    FAULT(gp_limit, 0, false, "8b03", c->segment[DS].limit = 0xfff; c->segment[DS].rights &= ~(uint32_t)RIGHTS_G;      \
          c->gpr[RBX] = 0xffe)                                                                                         \
    FAULT(gp_debug_register, 0, true, "0f23f8", c->gpr[RAX] = 1ull << 40)                                              \
    FAULT(gp_sysenter, 0, true, "0f34", )                                                                              \
    FAULT(gp_mxcsr, 0, true, "0fae13", c->gpr[RBX] = AT_DATA; put(m, AT_DATA, 0xffff0000))                             \
    FAULT(gp_target, 0, true, "c3", put(m, AT_STACK, 1ull << 60))                                                      \
    FAULT(unaligned, 3, true, "8b03", c->gpr[RBX] = AT_DATA + 1; c->control.cr0 |= CR0_AM; c->rflags |= FLAG_AC)       \
    FAULT(stack_canonical, 0, true, "50", c->gpr[RSP] = 1ull << 60)                                                    \
    FAULT(stack_limit, 0, false, "50", c->segment[SS].limit = 0xfff; c->segment[SS].rights &= ~(uint32_t)RIGHTS_G;     \
          c->gpr[RSP] = 0x2000)                                                                                        \
    FAULT(gate_dpl, 3, true, "cd80", put(m, AT_IDT + 0x800, 0x00008e0000080000))                                       \
    FAULT(gate_limit, 0, true, "cd80", c->idtr.limit = 0xff)                                                           \
    FAULT(gate_type, 0, true, "cd80", )                                                                                \
    FAULT(gate_absent, 0, true, "cd80", put(m, AT_IDT + 0x800, 0x00000e0000080000))                                    \
    FAULT(selector_limit, 0, true, "8ed8", c->gpr[RAX] = 0x100)                                                        \
    FAULT(selector_unfit, 0, true, "8ed0", c->gpr[RAX] = CODE64)                                                       \
    FAULT(selector_absent, 0, true, "8ed8", c->gpr[RAX] = ABSENT)                                                      \
    FAULT(selector_stack, 0, true, "8ed0", c->gpr[RAX] = ABSENT)                                                       \
    FAULT(selector_task, 0, false, "ea000000003800", without_paging(c); put(m, AT_GDT + TASK, SHORT_TSS))              \
    FAULT(x87_error, 0, true, "dbe3d92bd9eed9eedef9d9e8", c->gpr[RBX] = AT_DATA; put(m, AT_DATA, 0x37e))               \
    FAULT(simd_error, 0, true, "0fae130f5ec1", c->gpr[RBX] = AT_DATA; put(m, AT_DATA, 0x1f00))

// Rows that are not brought about here, and where they are, or why they cannot be.
static const struct {
    const char *rule, *why;
} elsewhere[] = {
    {"ud_avx", "AVX is not modelled"},
    {"double_fault", "test_double_fault"},
    {"turned_violation", "vmx/test_causes_faults"},
    {"machine_check", "not modelled: injected by vmx/test_causes_faults"},
    {"control_protection", "not modelled: injected by vmx/test_causes_faults"},
};

static unsigned hex(const char *text, uint8_t *bytes) {
    unsigned n = 0;
    for (; text[2 * n]; n++) {
        char pair[3] = {text[2 * n], text[2 * n + 1], 0};
        bytes[n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

// Runs until the machine stops by a triple fault: the first exception of the chain is the one that is meant.
static const struct history_fault *bring_about(struct machine *m, const char *code) {
    struct cpu *c = inside_cpu(m, 0);
    uint8_t bytes[32];
    unsigned count = hex(code, bytes);
    memcpy(inside_ram(m, AT_CODE, 32), bytes, count);
    cpu_update_mode(c);
    machine_drop_derived(m);
    ((struct history_cpu *)machine_history_cpu(m, 0))->chain_count = 0;
    (void)machine_run(m, 8);
    const struct history_cpu *past = machine_history_cpu(m, 0);
    return past->chain_count ? &past->chain[0] : NULL;
}

static void check_fault(struct machine *m, const char *rule, const char *code) {
    enum { FACTS = 16 };
    struct fact facts[FACTS];
    struct view view;
    char error[160];
    const struct history_fault *f = bring_about(m, code);
    if (!f || !view_of(m, 0, 0, machine_history(m), &view, error, sizeof error)) {
        ok(false, "%s: an exception", rule);
        return;
    }
    unsigned count = fault_cause_facts(f, &view, facts, FACTS);
    const struct fact *fact = fact_named(facts, count, rule);
    const char *hint = cause_hint(rule);
    ok(fact && *fact->text && fact->section && (!hint || (fact->hint && !strcmp(fact->hint, hint))),
       "%s: %s (vector %u, %s)", rule, fact ? fact->text : "not explained", f->vector,
       count > 1 ? facts[1].rule : "nothing");
}

static void test_faults(struct machine *m) {
#define FAULT(rule, cpl, wide, code, ...)                                                                              \
    {                                                                                                                  \
        struct cpu *c = set_up(m, cpl, wide);                                                                          \
        (void)c;                                                                                                       \
        __VA_ARGS__;                                                                                                   \
        check_fault(m, #rule, code);                                                                                   \
    }
    FAULTS(FAULT)
#undef FAULT
}

// #UD whose gate is no gate: the second exception of the chain, before the third ends it.
static void test_double_fault(struct machine *m) {
    enum { FACTS = 16 };
    struct fact facts[FACTS];
    struct view view;
    char error[160];
    (void)set_up(m, 0, true);
    (void)bring_about(m, "0f0b");
    const struct history_cpu *past = machine_history_cpu(m, 0);
    const struct fact *fact = NULL;
    if (!view_of(m, 0, 0, machine_history(m), &view, error, sizeof error)) bail("%s", error);
    for (unsigned i = 0; i < past->chain_count && !fact; i++) {
        if (past->chain[i].vector != VECTOR_DF) continue;
        fact = fact_named(facts, fault_cause_facts(&past->chain[i], &view, facts, FACTS), "double_fault");
    }
    ok(fact && *fact->text && fact->section, "double_fault: %s", fact ? fact->text : "not explained");
}

static void test_complete(void) {
    static const char *const rules[] = {
#define FAULT_RULE(vector, name, when, values, section, text) #name,
#include "monitor/faults/fault_rule.def"
#undef FAULT_RULE
    };
    static const char *const tried[] = {
#define FAULT(rule, cpl, wide, code, ...) #rule,
        FAULTS(FAULT)
#undef FAULT
    };
    loop_begin("every row of fault_rule.def is brought about, or has its reason");
    for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool found = false;
        for (unsigned j = 0; j < sizeof tried / sizeof *tried; j++) found |= !strcmp(rules[i], tried[j]);
        for (unsigned j = 0; j < sizeof elsewhere / sizeof *elsewhere; j++)
            found |= !strcmp(rules[i], elsewhere[j].rule);
        loop_check(found, "%s", rules[i]);
    }
    loop_end();
}

// Every vector has its name and section, and rules or error codes that say more.
static void test_vectors(void) {
    loop_begin("every exception has its words");
    for (unsigned vector = 0; vector <= VECTOR_CP; vector++) {
        struct fact fact;
        const struct history_fault f = {.vector = vector};
        if (vector == 9 || vector == 15) continue; // reserved
        loop_check(fault_facts(&f, &fact, 1) == 1 && strcmp(fact.text, "reserved") != 0, "%u", vector);
    }
    loop_end();
}

// --- MSRs: each row read, written with values that some row refuses; the processor and the explanation agree ---

static bool agrees(struct cpu *c, uint32_t index, bool write, uint64_t value, unsigned *refused) {
    struct msr_refusal r = {0};
    struct fact fact;
    uint64_t read;
    bool says = msr_refuses(c, index, write, value, &r);
    bool does = (write ? msr_write(c, NULL, index, value) : msr_read(c, NULL, index, &read)) != OUT_OK;
    *refused += does;
    return says == does && (!says || (r.rule && *r.rule && msr_facts(c, index, write, value, &fact, 0, 1) == 1));
}

static void test_msrs(struct machine *m) {
    static const uint64_t values[] = {
        0, 1, 2, 5, 0x702, BIT(63), ~0ull, BIT(47), 0xfee00d00, 0x0007040600070406, BIT(10), BIT(20)};
    struct cpu *c = set_up(m, 0, true);
    unsigned refused = 0, rows = 0;
    loop_begin("RDMSR and WRMSR are refused as their rows say, and explained by them");
    for (uint32_t index = 0; index < 0x1000; index++) {
        loop_check(agrees(c, index, false, 0, &refused), "RDMSR %x", index);
        for (unsigned i = 0; i < sizeof values / sizeof *values; i++, rows++)
            loop_check(agrees(c, index, true, values[i], &refused), "WRMSR %x, %llx", index,
                       (unsigned long long)values[i]);
    }
    for (uint32_t index = 0xc0000080; index < 0xc0000110; index++)
        for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
            loop_check(agrees(c, index, false, 0, &refused), "RDMSR %x", index);
            loop_check(agrees(c, index, true, values[i], &refused), "WRMSR %x, %llx", index,
                       (unsigned long long)values[i]);
        }
    loop_end();
    ok(refused > 1000, "%u accesses were refused", refused);
}

// --- control registers ---

// CONTROL(rule, CPL 0 in 64-bit mode or 32-bit, register, value, what else)
#define CONTROLS(CONTROL)                                                                                              \
    CONTROL(cr0_high, true, 0, BIT(32) | 0x80000033, )                                                                 \
    CONTROL(cr0_pg_pe, true, 0, 0x80000030, )                                                                          \
    CONTROL(cr0_nw_cd, true, 0, 0xa0000033, )                                                                          \
    CONTROL(cr0_long_pae, false, 0, 0x80000033, c->control.cr0 &= ~CR0_PG; c->control.efer = EFER_LME;                 \
            c->control.cr4 &= ~CR4_PAE)                                                                                \
    CONTROL(cr0_long_cs, false, 0, 0x80000033, c->control.cr0 &= ~CR0_PG; c->control.efer = EFER_LME;                  \
            c->segment[CS].rights |= RIGHTS_L)                                                                         \
    CONTROL(cr0_long_tss, false, 0, 0x80000033, c->control.cr0 &= ~CR0_PG; c->control.efer = EFER_LME;                 \
            c->segment[TR].rights = 0x83)                                                                              \
    CONTROL(cr0_long_pg, true, 0, 0x33, )                                                                              \
    CONTROL(cr0_pcide_pg, false, 0, 0x33, c->control.cr4 |= CR4_PCIDE)                                                 \
    CONTROL(cr3_width, true, 3, BIT(55), )                                                                             \
    CONTROL(cr4_reserved, true, 4, BIT(40) | CR4_PAE, )                                                                \
    CONTROL(cr4_long_pae, true, 4, 0, )                                                                                \
    CONTROL(cr4_pcide_mode, false, 4, CR4_PCIDE | CR4_PAE, c->control.cr0 &= ~CR0_PG; c->control.efer = 0)             \
    CONTROL(cr4_pcide_cr3, true, 4, CR4_PCIDE | CR4_PAE, c->control.cr3 |= 0x18)
// In VMX operation: tests/vmx/test_hints_causes.c. No model has LA57.

static void check_control(struct machine *m, const char *rule, unsigned cr, uint64_t value) {
    char code[16];
    struct cpu *c = inside_cpu(m, 0);
    c->gpr[RAX] = value;
    snprintf(code, sizeof code, "0f22%02x", 0xc0 | cr << 3);
    check_fault(m, rule, code);
}

static void test_controls(struct machine *m) {
#define CONTROL(rule, wide, cr, value, ...)                                                                            \
    {                                                                                                                  \
        struct cpu *c = set_up(m, 0, wide);                                                                            \
        (void)c;                                                                                                       \
        __VA_ARGS__;                                                                                                   \
        check_control(m, #rule, cr, value);                                                                            \
    }
    CONTROLS(CONTROL)
#undef CONTROL
    static const char *const tried[] = {
#define CONTROL(rule, wide, cr, value, ...) #rule,
        CONTROLS(CONTROL)
#undef CONTROL
            "cr0_vmx",
        "cr4_vmx", "cr4_long_la57"};
    loop_begin("every row of control.def is brought about");
    for (unsigned i = 0; cr_rule(i); i++) {
        bool found = false;
        for (unsigned j = 0; j < sizeof tried / sizeof *tried; j++) found |= !strcmp(cr_rule(i)->name, tried[j]);
        loop_check(found, "%s", cr_rule(i)->name);
    }
    loop_end();
}

// --- what waits: every row has its words, here and where it is told ---

static void test_waiting(void) {
    static const char *const told[] = {
#define TOLD(rule, text) #rule,
#include "monitor/vtx/waiting.def"
#undef TOLD
    };
    static const struct {
        const char *name, *section, *text;
    } rows[] = {
#define WAITS(name, section, text) {#name, section, text},
#include "monitor/causes/waiting.def"
#undef WAITS
    };
    loop_begin("everything that keeps an event waiting is told");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = false;
        for (unsigned j = 0; j < sizeof told / sizeof *told; j++) found |= !strcmp(told[j], rows[i].name);
        loop_check(found && *rows[i].text && *rows[i].section, "%s", rows[i].name);
    }
    loop_end();
}

// A hint is about a rule that is brought about: here, or where VMX instructions are refused.
static void test_hints(void) {
    static const char *const tried[] = {
#define FAULT(rule, cpl, wide, code, ...) #rule,
        FAULTS(FAULT)
#undef FAULT
#define CONTROL(rule, wide, cr, value, ...) #rule,
            CONTROLS(CONTROL)
#undef CONTROL
                "cr0_vmx",
        "cr4_vmx"}; // in VMX operation: vmx/test_hints_causes
    loop_begin("every hint is about a rule that is brought about");
    for (unsigned i = 0; cause_hint_rule(i); i++) {
        bool found = false;
        for (unsigned j = 0; j < sizeof tried / sizeof *tried; j++) found |= !strcmp(tried[j], cause_hint_rule(i));
        for (unsigned j = 0; refusal_row(j); j++) found |= !strcmp(refusal_row(j)->name, cause_hint_rule(i));
        loop_check(found, "%s", cause_hint_rule(i));
    }
    loop_end();
}

int main(void) {
    struct machine *m = door_machine(1, 4 << 20);
    test_faults(m);
    test_double_fault(m);
    test_complete();
    test_vectors();
    test_controls(m);
    test_msrs(m);
    test_waiting();
    test_hints();
    machine_free(m);
    return done_testing();
}
