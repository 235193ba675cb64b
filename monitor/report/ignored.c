// Fields that a hypervisor wrote since its last VM entry with a VMCS, and that the entry ignores for lack of a control.
// SDM Vol. 3C, 24.6 to 24.8. Values of 0 are what software writes to be tidy, and before the first entry much is
// written for controls that come later. Of a hypervisor that is a guest, what it wrote into its own VMCS, when it
// executes VMLAUNCH or VMRESUME.
#include "monitor/explain/own_vmcs.h"
#include "monitor/report/guests.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>

static const struct ignored_row {
    enum vmcs_field field, control;
    unsigned bit;
    bool first; // also by the first entry
} rows[] = {
#define FIRST(field, group, control)                                                                                   \
    { FIELD_##field, FIELD_##group##_CONTROLS, group##_##control, true }
#define ROW(field, group, control)                                                                                     \
    { FIELD_##field, FIELD_##group##_CONTROLS, group##_##control, false }
    FIRST(PROC2_CONTROLS, PROC, ACTIVATE_SECONDARY),
    FIRST(EPT_POINTER, PROC2, ENABLE_EPT),
    FIRST(VPID, PROC2, ENABLE_VPID),
    ROW(POSTED_VECTOR, PIN, POSTED_INTERRUPTS),
    ROW(POSTED_DESCRIPTOR, PIN, POSTED_INTERRUPTS),
    ROW(PREEMPTION_TIMER, PIN, PREEMPTION_TIMER),
    ROW(IO_BITMAP_A, PROC, USE_IO_BITMAPS),
    ROW(IO_BITMAP_B, PROC, USE_IO_BITMAPS),
    ROW(MSR_BITMAPS, PROC, USE_MSR_BITMAPS),
    ROW(TSC_OFFSET, PROC, TSC_OFFSETTING),
    ROW(TPR_THRESHOLD, PROC, TPR_SHADOW),
    ROW(VIRTUAL_APIC_ADDRESS, PROC, TPR_SHADOW),
    ROW(APIC_ACCESS_ADDRESS, PROC2, VIRTUALIZE_APIC_ACCESSES),
    ROW(GUEST_PDPTE0, PROC2, ENABLE_EPT),
    ROW(GUEST_INTERRUPT_STATUS, PROC2, VIRTUAL_INTERRUPTS),
    ROW(EOI_EXIT_BITMAP0, PROC2, VIRTUAL_INTERRUPTS),
    ROW(EOI_EXIT_BITMAP1, PROC2, VIRTUAL_INTERRUPTS),
    ROW(EOI_EXIT_BITMAP2, PROC2, VIRTUAL_INTERRUPTS),
    ROW(EOI_EXIT_BITMAP3, PROC2, VIRTUAL_INTERRUPTS),
    ROW(PLE_GAP, PROC2, PAUSE_LOOP_EXITING),
    ROW(PLE_WINDOW, PROC2, PAUSE_LOOP_EXITING),
    ROW(EPTP_LIST_ADDRESS, PROC2, ENABLE_VM_FUNCTIONS),
    ROW(VMREAD_BITMAP, PROC2, VMCS_SHADOWING),
    ROW(VMWRITE_BITMAP, PROC2, VMCS_SHADOWING),
    ROW(PML_ADDRESS, PROC2, ENABLE_PML),
    ROW(VE_INFORMATION_ADDRESS, PROC2, EPT_VIOLATION_VE),
    ROW(XSS_EXITING_BITMAP, PROC2, ENABLE_XSAVES),
    ROW(TSC_MULTIPLIER, PROC2, TSC_SCALING),
    ROW(HOST_PAT, EXIT, LOAD_PAT),
    ROW(HOST_EFER, EXIT, LOAD_EFER),
    ROW(GUEST_PAT, ENTRY, LOAD_PAT),
    ROW(GUEST_EFER, ENTRY, LOAD_EFER),
    ROW(GUEST_DEBUGCTL, ENTRY, LOAD_DEBUG_CONTROLS),
#undef ROW
#undef FIRST
};
enum { ROWS = sizeof rows / sizeof *rows };

struct ignored {
    struct ignored_entry {
        uint64_t key, step; // the last VM entry with a VMCS; key 0: free
    } of[GUESTS];
    // no state
    struct reports *reports;
};

static const struct state_field state_fields[] = {
    STATE_EACH(struct ignored, of, key),
    STATE_EACH(struct ignored, of, step),
};
static const struct state_table table = STATE_TABLE("report ignored", state_fields);

// The VMCS of a hypervisor at `level`, as it has it.
struct entered {
    unsigned level;
    uint64_t vmcs;
    const uint64_t *field;
    const struct vmcs_stamp *stamp;
    struct vmcs_source guest; // level 1 and more: fields may be in its shadow VMCS
};

static uint64_t controls_of(const struct entered *e, enum vmcs_field control) {
    uint64_t value = e->field[control];
    if (e->level) (void)vmcs_shadowed(&e->guest, control, &value);
    return value;
}

static bool is_on(const struct entered *e, const struct ignored_row *row) {
    if (row->control == FIELD_PROC2_CONTROLS && !(controls_of(e, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1))
        return false;
    return controls_of(e, row->control) >> row->bit & 1;
}

static void file(struct ignored *g, struct cpu *cpu, struct report r, const struct entered *e,
                 const struct ignored_row *row) {
    const struct vmcs_stamp *stamp = &e->stamp[row->field];
    struct vmx_field field;
    if (!vmx_field(row->field, &field)) return;
    struct place place = place_of_field(e->vmcs, row->field);
    place.level = (uint8_t)e->level;
    report_value(&r, field.text, place, e->field[row->field]);
    (void)vmx_field(row->control, &field);
    place = place_of_field(e->vmcs, row->control);
    place.level = (uint8_t)e->level;
    report_value(&r, field.text, place, controls_of(e, row->control));
    report_value(&r, "the bit that is 0", (struct place){0}, row->bit);
    r.same = row->field;
    r.began = "VMWRITE of the field";
    r.beginning = (struct report_moment){stamp_step(stamp), stamp->rip, (uint32_t)cpu->id, e->level};
    report_file(g->reports, cpu, &r);
}

// The step of the last entry with the VMCS; this one is noted.
static uint64_t last_entry(struct ignored *g, const struct entered *e, uint64_t step) {
    const uint64_t key = e->vmcs ^ ((uint64_t)e->level << 1) ^ 1;
    bool is_new;
    struct ignored_entry *n = &g->of[guest_find(&g->of[0].key, sizeof g->of[0], key, &is_new)];
    const uint64_t last = is_new ? 0 : n->step;
    *n = (struct ignored_entry){key, step};
    return last;
}

static void look(struct ignored *g, struct cpu *cpu, const struct report *at, const struct entered *e) {
    const uint64_t last = last_entry(g, e, at->at.step);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct vmcs_stamp *stamp = &e->stamp[rows[i].field];
        if (e->field[rows[i].field] && (last || rows[i].first) && stamp_step(stamp) > last &&
            stamp_writer(stamp) == WRITER_VMWRITE && !is_on(e, &rows[i]))
            file(g, cpu, *at, e, &rows[i]);
    }
}

// An entry of the processor: what level 0 wrote.
static void see_entry(struct ignored *g, struct cpu *cpu, const struct sight *s) {
    const struct entered e = {.vmcs = s->physical,
                              .field = vmx_vmcs_fields(cpu, s->physical),
                              .stamp = history_stamp(vmx_history(cpu), s->physical, 0)};
    struct report r = report_at(cpu, RULE_vmcs_ignored, s);
    r.at.level = 0;
    r.at.rip = s->old;
    if (e.field && e.stamp) look(g, cpu, &r, &e);
}

static void see_exit(struct ignored *g, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct vmx_level_info info;
    if ((s->number != EXIT_VMLAUNCH && s->number != EXIT_VMRESUME) || !vmx_level_info(cpu, level, &info)) return;
    const struct history *h = vmx_history(cpu);
    const struct history_vmcs12 *v = history_vmcs12(h, level, info.current);
    if (!v) return;
    const struct entered e = {
        level, info.current, v->field, v->stamp, {g->reports->monitor->look.machine, h, cpu, level}};
    const struct report r = report_at(cpu, RULE_vmcs_ignored, s);
    look(g, cpu, &r, &e);
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct ignored *g = reports->data[DETECTOR_IGNORED];
    if (s->kind == OBSERVE_ENTRY)
        see_entry(g, cpu, s);
    else if (level)
        see_exit(g, cpu, s, level);
}

static bool begin(struct reports *reports) {
    ((struct ignored *)reports->data[DETECTOR_IGNORED])->reports = reports;
    return true;
}

const struct detector detector_IGNORED = {.wanted = BIT(OBSERVE_ENTRY) | BIT(OBSERVE_EXIT),
                                          .bytes = sizeof(struct ignored),
                                          .memory = &table,
                                          .begin = begin,
                                          .see = see};
