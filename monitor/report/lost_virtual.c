// The virtual APIC of a guest with virtual-interrupt delivery, and posted interrupts: SDM Vol. 3C, 29.1.4, 29.2, 29.6.
// The processor does not look into VIRR and VISR to find what is pending or in service, but believes RVI and SVI; and
// it looks into the posted-interrupt descriptor when the notification comes, not before. Other processors may set
// requests at any time: what is missing must still be missing when the guest has run for a while.
#include "monitor/report/lost.h"
#include "vmx/vmcs/vmcs.h"

enum { RAN_STEPS = 10000, OFFSET_VISR = 0x100, OFFSET_VIRR = 0x200, REGISTER_BYTES = 16, SVI_SHIFT = 8 };

static struct machine *machine_of(const struct seen *at) { return at->reports->monitor->look.machine; }

// The highest vector of a table and 1; 0: none.
static unsigned highest(const struct seen *at, uint64_t table) {
    for (unsigned i = 8; i-- > 0;) {
        uint32_t bits = 0;
        if (machine_read(machine_of(at), table + i * REGISTER_BYTES, &bits, sizeof bits) && bits)
            return i * 32 + 32 - (unsigned)__builtin_clz(bits);
    }
    return 0;
}

static bool is_set(const struct seen *at, uint64_t table, unsigned vector) {
    uint32_t bits = 0;
    return machine_read(machine_of(at), table + vector / 32 * REGISTER_BYTES, &bits, sizeof bits) &&
           bits >> vector % 32 & 1;
}

static uint64_t page(const struct seen *at) { return guest_field(at->cpu, FIELD_VIRTUAL_APIC_ADDRESS); }

static struct place byte_of_vector(uint64_t table, unsigned vector) {
    return (struct place){
        .space = PLACE_PHYSICAL, .bytes = 4, .address = table + (uint64_t)vector / 32 * REGISTER_BYTES};
}

static struct lost_virtual *memory_of(struct lost *l, const struct seen *at, bool *is_new) {
    const uint64_t key = guest_key(at->cpu, at->level);
    struct lost_virtual *v = &l->virtual[guest_find(&l->virtual[0].key, sizeof l->virtual[0], key, is_new)];
    if (*is_new) *v = (struct lost_virtual){.key = key};
    return v;
}

// Since this VM entry it was there, and nothing came of it.
static void began(struct report *report, const struct seen *at) {
    const struct history_loop *l = &vmx_history_cpu(at->cpu)->loop[at->level];
    const struct lost_moment m = {.step = l->entry_step, .rip = l->entry_rip, .level = at->level};
    lost_began(report, at->cpu, &m, "the last VM entry of the guest, when it was there already");
}

// --- requests ---

// An interrupt requested in VIRR that RVI does not show.
static unsigned unseen_request(const struct seen *at) {
    const unsigned vector = highest(at, page(at) + OFFSET_VIRR);
    const uint64_t requesting = guest_field(at->cpu, FIELD_GUEST_INTERRUPT_STATUS) & 0xff;
    return vector > requesting + 1 ? vector : 0;
}

static void judge_request(struct lost *l, const struct seen *at, struct lost_virtual *v) {
    const unsigned vector = (unsigned)(v->irr - 1) % 256;
    const uint64_t table = page(at) + OFFSET_VIRR, status = guest_field(at->cpu, FIELD_GUEST_INTERRUPT_STATUS);
    if ((status & 0xff) >= vector || !is_set(at, table, vector)) return;
    struct report r = report_at(at->cpu, RULE_lost_request, at->sight);
    report_value(&r, "vector", byte_of_vector(table, vector), vector);
    report_value(&r, "RVI", place_of_field(guest_exit(at->cpu, at->level)->vmcs, FIELD_GUEST_INTERRUPT_STATUS),
                 status & 0xff);
    r.same = vector;
    began(&r, at);
    report_file(l->reports, at->cpu, &r);
}

// --- what is in service ---

static void judge_service(struct lost *l, const struct seen *at) {
    const unsigned vector = highest(at, page(at) + OFFSET_VISR);
    const uint64_t serving = guest_field(at->cpu, FIELD_GUEST_INTERRUPT_STATUS) >> SVI_SHIFT & 0xff;
    if (vector ? vector == serving + 1 : !serving) return;
    struct report r = guest_report(at->cpu, RULE_lost_service, at->sight, at->level);
    report_value(&r, "SVI", place_of_field(at->sight->physical, FIELD_GUEST_INTERRUPT_STATUS), serving);
    report_value(&r, "highest vector in VISR",
                 vector ? byte_of_vector(page(at) + OFFSET_VISR, vector - 1) : (struct place){0},
                 vector ? vector - 1 : 0);
    r.same = serving;
    guest_beginning(&r, at->cpu, at->level, "the last VM exit of the guest");
    report_file(l->reports, at->cpu, &r);
}

// --- posted interrupts ---

static bool posts(const struct seen *at) {
    return guest_field(at->cpu, FIELD_PIN_CONTROLS) & BIT(PIN_POSTED_INTERRUPTS);
}

static bool read_posted(const struct seen *at, uint64_t posted[4]) {
    return machine_read(machine_of(at), guest_field(at->cpu, FIELD_POSTED_DESCRIPTOR), posted, 4 * sizeof *posted);
}

static void judge_posted(struct lost *l, const struct seen *at, const struct lost_virtual *v) {
    uint64_t now[4];
    unsigned i = 0;
    if (!read_posted(at, now)) return;
    while (i < 4 && !(v->posted[i] & now[i])) i++;
    if (i == 4) return;
    const uint64_t descriptor = guest_field(at->cpu, FIELD_POSTED_DESCRIPTOR);
    struct report r = report_at(at->cpu, RULE_lost_posted, at->sight);
    report_value(&r, "requests of the descriptor",
                 (struct place){.space = PLACE_PHYSICAL, .bytes = 8, .address = descriptor + 8 * i}, now[i]);
    report_value(&r, "notification vector", place_of_field(guest_exit(at->cpu, at->level)->vmcs, FIELD_POSTED_VECTOR),
                 guest_field(at->cpu, FIELD_POSTED_VECTOR));
    r.same = descriptor;
    began(&r, at);
    report_file(l->reports, at->cpu, &r);
}

// --- VM entries and VM exits ---

void lost_virtual_entry(struct lost *l, const struct seen *at) {
    bool is_new;
    if (!guest_secondary(at->cpu, PROC2_VIRTUAL_INTERRUPTS)) return;
    struct lost_virtual *v = memory_of(l, at, &is_new);
    v->irr = unseen_request(at);
    v->posted[0] = v->posted[1] = v->posted[2] = v->posted[3] = 0;
    if (posts(at)) (void)read_posted(at, v->posted);
    judge_service(l, at);
}

void lost_virtual_exit(struct lost *l, const struct seen *at) {
    bool is_new;
    if (guest_ran(at->cpu, at->level) < RAN_STEPS || !guest_secondary(at->cpu, PROC2_VIRTUAL_INTERRUPTS)) return;
    struct lost_virtual *v = memory_of(l, at, &is_new);
    if (is_new) return;
    if (v->irr) judge_request(l, at, v);
    if (posts(at)) judge_posted(l, at, v);
}
