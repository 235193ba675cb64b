// What VMCSs lead to besides their regions: bitmaps, MSR areas, the virtual-APIC page, descriptors, logs. SDM Vol. 3C,
// 24.11.4. While a processor is in VMX non-root operation with a VMCS that leads to one, no other may change it: but
// the posted-interrupt descriptor, by locked instructions (29.6), what of the virtual-APIC page is no virtualized
// register (29.1), and the virtualization-exception information (25.5.7.2). It must be memory, and those that the
// processor stores to can serve one guest at a time. A log or descriptor that a guest or a program stores to was given
// back too early. NOT IMPLEMENTED: structures that hypervisors have which are guests, other than what level 0 makes of
// them.
#include "monitor/report/guests.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>
#include <string.h>

// How long it is used: while a control is 1, or for as many entries of 16 bytes as a field says (bit -1).
static const struct structure_row {
    enum vmcs_field address, control;
    int bit;
    uint32_t bytes; // of one entry
    bool one;       // the processor stores to it: no two guests that run at the same time may have the same
    const char *name;
} rows[] = {
#define ON(group, control) FIELD_##group##_CONTROLS, group##_##control
#define COUNT(field) FIELD_##field, -1
#define ONE true
#define MANY false
    {FIELD_IO_BITMAP_A, ON(PROC, USE_IO_BITMAPS), 4096, MANY, "I/O bitmap A"},
    {FIELD_IO_BITMAP_B, ON(PROC, USE_IO_BITMAPS), 4096, MANY, "I/O bitmap B"},
    {FIELD_MSR_BITMAPS, ON(PROC, USE_MSR_BITMAPS), 4096, MANY, "MSR bitmaps"},
    {FIELD_VMREAD_BITMAP, ON(PROC2, VMCS_SHADOWING), 4096, MANY, "VMREAD bitmap"},
    {FIELD_VMWRITE_BITMAP, ON(PROC2, VMCS_SHADOWING), 4096, MANY, "VMWRITE bitmap"},
    {FIELD_EPTP_LIST_ADDRESS, ON(PROC2, ENABLE_VM_FUNCTIONS), 4096, MANY, "EPTP list"},
    {FIELD_ENTRY_MSR_LOAD_ADDRESS, COUNT(ENTRY_MSR_LOAD_COUNT), 16, MANY, "VM-entry MSR-load area"},
    {FIELD_EXIT_MSR_LOAD_ADDRESS, COUNT(EXIT_MSR_LOAD_COUNT), 16, MANY, "VM-exit MSR-load area"},
    {FIELD_EXIT_MSR_STORE_ADDRESS, COUNT(EXIT_MSR_STORE_COUNT), 16, ONE, "VM-exit MSR-store area"},
    {FIELD_VIRTUAL_APIC_ADDRESS, ON(PROC, TPR_SHADOW), 4096, ONE, "virtual-APIC page"},
    {FIELD_POSTED_DESCRIPTOR, ON(PIN, POSTED_INTERRUPTS), 64, ONE, "posted-interrupt descriptor"},
    {FIELD_PML_ADDRESS, ON(PROC2, ENABLE_PML), 4096, ONE, "page-modification log"},
    {FIELD_VE_INFORMATION_ADDRESS, ON(PROC2, EPT_VIOLATION_VE), 4096, ONE, "virtualization-exception information area"},
#undef ON
#undef COUNT
#undef ONE
#undef MANY
};
enum { STRUCTURES = sizeof rows / sizeof *rows };

enum { PLACES = MACHINE_CPUS * STRUCTURES };

struct structures {
    // Of each processor: the VMCS it entered a guest with, and what that leads to.
    struct structure_user {
        uint64_t vmcs, running, step, rip, level;
    } user[MACHINE_CPUS];
    uint64_t address[PLACES], bytes[PLACES]; // bytes 0: not used
    // no state
    struct reports *reports;
    bool several; // processors
    struct point point;
};

static const struct state_field state_fields[] = {
    STATE_EACH(struct structures, user, vmcs),
    STATE_EACH(struct structures, user, running),
    STATE_EACH(struct structures, user, step),
    STATE_EACH(struct structures, user, rip),
    STATE_EACH_TO(struct structures, user, level, VMX_LEVELS - 1),
    STATE_ARRAY(struct structures, address),
    STATE_ARRAY(struct structures, bytes),
};
static const struct state_table table = STATE_TABLE("report structures", state_fields);

static struct machine *machine_of(const struct structures *t) { return t->reports->monitor->look.machine; }

static unsigned place_of(unsigned cpu, unsigned structure) { return cpu * STRUCTURES + structure; }

static bool overlaps(const struct structures *t, unsigned place, uint64_t address, uint64_t bytes) {
    return t->bytes[place] && (address - t->address[place] < t->bytes[place] || t->address[place] - address < bytes);
}

// --- VM entries ---

static bool has_secondary(const uint64_t *fields) { return fields[FIELD_PROC_CONTROLS] & BIT(PROC_ACTIVATE_SECONDARY); }

// How much of it the guest uses; of the virtual-APIC page of a guest with a TPR shadow alone, VTPR.
static uint64_t bytes_used(const uint64_t *fields, const struct structure_row *row, uint64_t *address) {
    enum { VTPR = 0x80, VTPR_BYTES = 4 };
    const uint64_t whole = BIT(PROC2_APIC_REGISTERS) | BIT(PROC2_VIRTUAL_INTERRUPTS) | BIT(PROC2_VIRTUALIZE_X2APIC);
    *address = fields[row->address];
    if (row->bit < 0) return row->bytes * (fields[row->control] & UINT16_MAX);
    if (row->control == FIELD_PROC2_CONTROLS && !has_secondary(fields)) return 0;
    if (!(fields[row->control] >> row->bit & 1)) return 0;
    bool virtual = has_secondary(fields) && fields[FIELD_PROC2_CONTROLS] & whole;
    if (row->address != FIELD_VIRTUAL_APIC_ADDRESS || virtual) return row->bytes;
    *address += VTPR;
    return VTPR_BYTES;
}

static struct place structure_place(uint64_t address) {
    return (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = address};
}

static void file_at_entry(struct structures *t, struct cpu *cpu, const struct sight *s, unsigned level, unsigned i,
                          enum report_rule rule) {
    struct report r = guest_report(cpu, rule, s, level);
    const unsigned place = place_of((unsigned)cpu->id, i);
    report_value(&r, rows[i].name, structure_place(t->address[place]), t->address[place]);
    report_value(&r, "VMCS pointer", (struct place){0}, s->physical);
    r.same = i;
    report_file(t->reports, cpu, &r);
}

// Whether a guest runs on another processor with the same.
static bool is_shared(const struct structures *t, const struct cpu *cpu, uint64_t vmcs, unsigned i) {
    const unsigned own = place_of((unsigned)cpu->id, i);
    for (unsigned n = 0; machine_cpu(machine_of(t), n); n++)
        if (n != (unsigned)cpu->id && t->user[n].running && t->user[n].vmcs != vmcs &&
            overlaps(t, place_of(n, i), t->address[own], t->bytes[own]))
            return true;
    return false;
}

static void flag(struct structures *t, uint64_t address, uint64_t bytes, bool on) {
    for (uint64_t at = address & ~(PAGE_BYTES - 1); at < address + bytes; at += PAGE_BYTES)
        machine_flag_page(machine_of(t), at, PAGE_USED, on);
}

// The pages of what only one may have, and with several processors of all.
static bool is_watched(const struct structures *t, unsigned i) {
    return t->several || rows[i].address == FIELD_PML_ADDRESS || rows[i].address == FIELD_POSTED_DESCRIPTOR;
}

static void see_entry(struct structures *t, struct cpu *cpu, const struct sight *s, unsigned level) {
    const uint64_t *fields = vmx_vmcs_fields(cpu, s->physical);
    struct structure_user *u = &t->user[cpu->id];
    const struct report_moment now = report_moment(cpu, s);
    if (!fields) return;
    *u = (struct structure_user){s->physical, 1, now.step, s->old, level};
    for (unsigned i = 0; i < STRUCTURES; i++) {
        const unsigned place = place_of((unsigned)cpu->id, i);
        uint64_t address;
        const uint64_t bytes = bytes_used(fields, &rows[i], &address);
        const bool known = t->address[place] == address && t->bytes[place] == bytes;
        t->address[place] = address, t->bytes[place] = bytes;
        if (!bytes) continue;
        if (!known && is_watched(t, i)) flag(t, address, bytes, true);
        if (!known && !machine_ram(machine_of(t), address, bytes))
            file_at_entry(t, cpu, s, level, i, RULE_vmcs_no_memory);
        if (t->several && rows[i].one && is_shared(t, cpu, s->physical, i))
            file_at_entry(t, cpu, s, level, i, RULE_vmcs_shared);
    }
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct structures *t = reports->data[DETECTOR_STRUCTURES];
    if (s->kind == OBSERVE_ENTRY)
        see_entry(t, cpu, s, level);
    else if (s->kind == OBSERVE_EXIT)
        t->user[cpu->id].running = 0;
    else if (s->number == EXIT_VMXOFF || (s->number == EXIT_VMCLEAR && s->physical == t->user[cpu->id].vmcs))
        memset(&t->bytes[place_of((unsigned)cpu->id, 0)], 0, STRUCTURES * sizeof *t->bytes);
}

// --- stores ---

static void file_use(struct structures *t, struct cpu *cpu, const struct sight *s, unsigned by, unsigned i,
                     enum report_rule rule) {
    const struct structure_user *u = &t->user[by];
    const unsigned size = s->size < 8 ? s->size : 8;
    struct report r = report_at(cpu, rule, s);
    report_value(&r, rows[i].name, structure_place(t->address[place_of(by, i)]), t->address[place_of(by, i)]);
    report_value(&r, s->write ? "written" : "read",
                 (struct place){.space = PLACE_PHYSICAL, .bytes = (uint8_t)size, .address = s->physical}, s->value);
    report_value(&r, "VMCS pointer", (struct place){0}, u->vmcs);
    report_value(&r, "of processor", (struct place){0}, by);
    r.same = i;
    r.began = "the VM entry that uses it";
    r.beginning = (struct report_moment){.step = u->step, .rip = u->rip, .processor = by, .level = 0};
    report_file(t->reports, cpu, &r);
}

// Whether the instruction at RIP has a LOCK prefix, or is XCHG, which needs none.
static bool is_locked(const struct structures *t, const struct cpu *cpu) {
    enum { LOCK = 0xf0, XCHG = 0x86, BYTES = 4 };
    uint8_t bytes[BYTES] = {0};
    const uint64_t at = cpu->segment_base[CS] + cpu->rip;
    (void)machine_read_linear(machine_of(t), (unsigned)cpu->id, at, bytes, sizeof bytes);
    for (unsigned i = 0; i < BYTES; i++)
        if (bytes[i] == LOCK || (bytes[i] & ~1) == XCHG) return true;
    return false;
}

// VTPR, VPPR, VEOI, VISR, VIRR, VICR, and no others: 29.1.1. VTMR, at 180H, belongs to software.
static bool is_virtualized(uint64_t offset) {
    const uint64_t at = offset & ~15ull;
    return at == 0x80 || at == 0xa0 || at == 0xb0 || (at >= 0x100 && at < 0x180) || (at >= 0x200 && at < 0x280) ||
           at == 0x300 || at == 0x310;
}

static bool may_change(const struct structures *t, const struct cpu *cpu, const struct sight *s, unsigned i,
                       bool device) {
    switch (rows[i].address) {
    case FIELD_POSTED_DESCRIPTOR: return !device && is_locked(t, cpu);
    case FIELD_VIRTUAL_APIC_ADDRESS: return !is_virtualized(s->physical & (PAGE_BYTES - 1));
    default: return rows[i].address == FIELD_VE_INFORMATION_ADDRESS;
    }
}

// The processor that stores is another one than that which is in the guest.
static void stored(struct structures *t, struct cpu *cpu, const struct sight *s, unsigned by, unsigned i, bool device) {
    if (!t->user[by].running || by == (unsigned)cpu->id || !t->several || !s->write) return;
    if (!may_change(t, cpu, s, i, device)) file_use(t, cpu, s, by, i, RULE_vmcs_changed);
}

// Level 0 keeps logs for all its guests, and descriptors for those that have none of their own.
static bool is_given_back(const struct structures *t, const struct cpu *cpu, unsigned by, unsigned i, bool device) {
    const bool descriptor = rows[i].address == FIELD_POSTED_DESCRIPTOR && t->user[by].level == 1;
    const bool owned = descriptor || rows[i].address == FIELD_PML_ADDRESS;
    const unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    return owned && (device || level || cpu_cpl(cpu) == 3);
}

static bool concerns(struct point *point, const struct cpu *cpu, uint64_t physical) {
    const struct structures *t = point->context;
    (void)physical;
    return t->several || (cpu->wire.extension && vmx_level(cpu)) || cpu_cpl(cpu) == 3;
}

static void hit(struct point *point, struct cpu *cpu, const struct sight *s) {
    struct structures *t = point->context;
    const bool device = s->linear == ~0ull && s->number == STORED_BY_DEVICE;
    const uint64_t page = s->physical & ~(PAGE_BYTES - 1);
    bool used = false;
    if (s->linear == ~0ull && !device) return;
    for (unsigned n = 0; machine_cpu(machine_of(t), n); n++)
        for (unsigned i = 0; i < STRUCTURES; i++) {
            used |= overlaps(t, place_of(n, i), page, PAGE_BYTES);
            if (!overlaps(t, place_of(n, i), s->physical, s->size)) continue;
            stored(t, cpu, s, n, i, device);
            if (t->reports->kinds & BIT(REPORT_MEMORY) && is_given_back(t, cpu, n, i, device))
                file_use(t, cpu, s, n, i, RULE_memory_given_back);
        }
    if (!used) machine_flag_page(machine_of(t), page, PAGE_USED, false);
}

// --- beginning and ending ---

static bool begin(struct reports *reports) {
    struct structures *t = reports->data[DETECTOR_STRUCTURES];
    t->reports = reports;
    t->several = machine_cpu(machine_of(t), 1);
    t->point = (struct point){.address = PAGE_USED,
                              .space = POINT_PAGES,
                              .access = POINT_WRITE,
                              .follows = true,
                              .context = t,
                              .concerns = concerns,
                              .hit = hit};
    machine_add_point(machine_of(t), &t->point);
    return true;
}

static void end(struct reports *reports) {
    struct structures *t = reports->data[DETECTOR_STRUCTURES];
    machine_remove_point(machine_of(t), &t->point);
    for (unsigned place = 0; place < PLACES; place++)
        if (t->bytes[place]) flag(t, t->address[place], t->bytes[place], false);
}

const struct detector detector_STRUCTURES = {.wanted =
                                                 BIT(OBSERVE_ENTRY) | BIT(OBSERVE_EXIT) | BIT(OBSERVE_VMX_INSTRUCTION),
                                             .bytes = sizeof(struct structures),
                                             .memory = &table,
                                             .begin = begin,
                                             .see = see,
                                             .end = end};
