// stale: translations that the TLB of a level still holds and that the tables no longer give, and which instruction was
// forgotten. SDM Vol. 3A, 4.10; Vol. 3C, 28.4.
//
// Only more than the tables give counts: another page, or rights that they lack now. Whether a guest-physical mapping
// went stale (INVEPT) or a linear one (INVLPG, INVVPID) is told by what the processor remembers of guest-physical
// mappings; where it remembers nothing, by the tables: a linear stage that fails is a linear mapping that went stale.
#include "cpu/memory/tlb.h"
#include "monitor/expression/expression.h"
#include "monitor/explain/walk.h"
#include "monitor/session/monitor.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdlib.h>

struct search {
    struct monitor *monitor;
    struct view view;
    uint16_t vpid, pcid;
    uint64_t eptp; // as the TLB's contexts have it
    unsigned checked, found;
    bool guest_physical, linear; // kinds found
};

static uint64_t field(const struct search *s, enum vmcs_field which) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(s->view.cpu, s->view.vmcs, which, &value);
    return value;
}

static void describe(struct search *s) {
    const struct view *v = &s->view;
    bool vpid = v->level && field(s, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1 &&
                field(s, FIELD_PROC2_CONTROLS) >> PROC2_ENABLE_VPID & 1;
    s->vpid = vpid ? (uint16_t)field(s, FIELD_VPID) : 0;
    s->pcid = !(v->cr0 & CR0_PG) ? TLB_PCID_NONE : v->cr4 & CR4_PCIDE ? (uint16_t)(v->cr3 & 0xfff) : 0;
    s->eptp = v->eptp ? (v->eptp & BITS(51, 12)) | 1 : 0;
}

static const struct tlb_context *context_of(const struct search *s) {
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        const struct tlb_context *c = &s->view.cpu->tlb->context[i];
        if (c->used && c->vpid == s->vpid && c->pcid == s->pcid && c->eptp == s->eptp) return c;
    }
    return NULL;
}

// --- what the tables give now ---

struct fresh {
    bool linear, whole; // the first stage maps it; both do
    uint64_t guest_physical, physical, rights;
    bool read, execute; // by EPT
};

static struct fresh walk_again(const struct view *view, uint64_t linear) {
    struct walk first, second;
    struct fresh f = {.read = true, .execute = true, .rights = TLB_WRITE | TLB_USER | TLB_EXECUTE | TLB_STAGE2_WRITE};
    f.linear = walk_first_stage(view, linear, &first);
    f.guest_physical = f.physical = first.result;
    if (!f.linear) return f;
    for (unsigned i = 0; i < first.count; i++) {
        if (first.kind == WALK_PAE && first.entry[i].level == 3) continue; // PDPTEs have no rights
        if (!(first.entry[i].value & BIT(1))) f.rights &= ~TLB_WRITE;
        if (!(first.entry[i].value & BIT(2))) f.rights &= ~TLB_USER;
        if (first.entry[i].value & BIT(63)) f.rights &= ~TLB_EXECUTE;
    }
    f.whole = true;
    if (!view->eptp) return f;
    f.whole = walk_second_stage(view, f.guest_physical, &second);
    f.physical = second.result;
    for (unsigned i = 0; i < second.count; i++) {
        f.read &= second.entry[i].value & BIT(0);
        if (!(second.entry[i].value & BIT(1))) f.rights &= ~TLB_STAGE2_WRITE;
        f.execute &= second.entry[i].value >> 2 & 1;
    }
    return f;
}

static bool is_stale(const struct tlb_entry *e, const struct fresh *f, bool fetch) {
    const uint64_t compared = TLB_WRITE | TLB_USER | TLB_EXECUTE | TLB_STAGE2_WRITE;
    if (!f->whole || (e->page & TLB_PAGE_MASK) != (f->physical & TLB_PAGE_MASK)) return true;
    if (e->page & compared & ~f->rights) return true;
    return fetch ? !f->execute : !f->read;
}

// The processor remembers that this guest-physical page is at `physical`, and EPT does not say so any more.
static bool mapping_is_stale(const struct search *s, uint64_t guest_physical, uint64_t physical) {
    struct vmx_mapping m;
    for (unsigned i = 0; vmx_mapping(s->view.cpu, i, &m); i++)
        if (m.valid && m.eptp == (s->eptp & ~1ull) && m.guest_physical == (guest_physical & ~4095ull))
            return m.physical == physical;
    return false;
}

// --- one translation ---

static uint64_t page_of(uint64_t value) { return value & TLB_PAGE_MASK; }

static void print_rights(struct monitor *monitor, uint64_t rights) {
    print(monitor, "%s%s%s", rights & TLB_WRITE && rights & TLB_STAGE2_WRITE ? "w" : "-",
          rights & TLB_EXECUTE ? "x" : "-", rights & TLB_USER ? "u" : "-");
}

static void print_stale(struct search *s, const struct tlb_entry *e, const struct fresh *f, bool fetch) {
    struct monitor *m = s->monitor;
    uint64_t had = page_of(e->page);
    bool second = s->eptp && f->linear &&
                  (!f->whole || !f->read || mapping_is_stale(s, f->guest_physical, had) ||
                   (e->page & TLB_STAGE2_WRITE & ~f->rights));
    print_in(m, RED, "%s 0x%012" PRIx64, fetch ? "fetch" : "data ", e->tag);
    print(m, "  TLB: %012" PRIx64 " ", had);
    print_rights(m, e->page);
    print(m, "  tables: ");
    if (f->whole) {
        print(m, "%012" PRIx64 " ", page_of(f->physical));
        print_rights(m, f->rights);
    } else if (f->linear) {
        print(m, "EPT does not map guest-physical 0x%" PRIx64, f->guest_physical);
    } else {
        print(m, "not mapped");
    }
    if (second && f->whole) print(m, "  guest-physical 0x%" PRIx64, f->guest_physical);
    if (second || f->linear)
        print(m, "  %s is missing\n", second ? "INVEPT" : "INVLPG");
    else
        print(m, "  no INVLPG since\n");
    s->guest_physical |= second;
    s->linear |= !second;
    s->found++;
}

static void check(struct search *s, const struct tlb_context *c, const struct tlb_entry *entry, unsigned count,
                  bool fetch) {
    for (unsigned i = 0; i < count; i++) {
        const struct tlb_entry *e = &entry[i];
        bool global = e->page & TLB_GLOBAL;
        if (e->tag & 1 || e->generation != (global ? c->global_generation : c->generation)) continue;
        s->checked++;
        struct fresh f = walk_again(&s->view, e->tag);
        if (is_stale(e, &f, fetch)) print_stale(s, e, &f, fetch);
    }
}

// --- guest-physical mappings that no linear address uses now ---

static void check_mappings(struct search *s) {
    struct vmx_mapping m;
    struct walk w;
    for (unsigned i = 0; s->eptp && vmx_mapping(s->view.cpu, i, &m); i++) {
        if (!m.valid || m.eptp != (s->eptp & ~1ull)) continue;
        bool maps = walk_second_stage(&s->view, m.guest_physical, &w);
        s->checked++;
        if (maps && w.result == m.physical) continue;
        print_in(s->monitor, RED, "guest-physical 0x%012" PRIx64, m.guest_physical);
        print(s->monitor, "  cached: %012" PRIx64 "  EPT: ", m.physical);
        if (maps)
            print(s->monitor, "%012" PRIx64 "  INVEPT is missing\n", w.result);
        else
            print(s->monitor, "not mapped  INVEPT is missing\n");
        s->guest_physical = true;
        s->found++;
    }
}

static void conclude(const struct search *s) {
    struct monitor *m = s->monitor;
    if (!s->found) {
        print(m, "level %u: all %u translations that the processor remembers are as the tables say\n", s->view.level,
              s->checked);
        return;
    }
    print(m, "level %u: %u of %u translations that the processor remembers are stale\n", s->view.level, s->found,
          s->checked);
    if (s->guest_physical)
        print(m,
              "  EPT was changed and INVEPT for EPTP %" PRIx64
              " was not executed: the processor may go on using what it\n"
              "  remembers. SDM Vol. 3C, 28.4.3.1, 28.4.3.4\n",
              s->view.eptp);
    if (s->linear)
        print(m,
              "  page tables were changed and neither INVLPG nor MOV to CR3%s was executed: the processor may go on "
              "using\n"
              "  what it remembers. It may be delayed where nothing is at the address now. SDM Vol. 3A, 4.10.4.2, "
              "4.10.4.4%s\n",
              s->vpid ? ", nor INVVPID" : "", s->vpid ? "; Vol. 3C, 28.4.3.3" : "");
}

static bool take_level(struct monitor *monitor, const char *arguments, int *level) {
    uint64_t value;
    *level = monitor->look.level;
    if (!*arguments) return true;
    if (*arguments == '@') arguments++;
    if (!take_value(&monitor->look, &arguments, &value) || !take_end(&monitor->look, arguments)) return false;
    if (value >= VMX_LEVELS) return monitor_error(monitor, "stale: levels are 0 to %d", VMX_LEVELS - 1);
    *level = (int)value;
    return true;
}

bool command_stale(struct monitor *monitor, const char *arguments) {
    struct search s = {.monitor = monitor};
    int level;
    if (!take_level(monitor, arguments, &level) || !view_make(&monitor->look, level, &s.view)) return false;
    s.view.has_own_ept = false; // the processor knows nothing of these
    describe(&s);
    const struct tlb_context *c = context_of(&s);
    for (unsigned b = 0; c && b < TLB_BANKS; b++) {
        const struct tlb_bank *bank = &s.view.cpu->tlb->bank[b];
        check(&s, c, bank->data, TLB_DATA, false);
        check(&s, c, bank->fetch, TLB_FETCH, true);
    }
    check_mappings(&s);
    conclude(&s);
    return true;
}
