// walk: a translation explained, entry by entry, through every stage. And translate, in one line.
#include "cpu/model.h"
#include "monitor/expression.h"
#include "monitor/memory_type.h"
#include "monitor/symbols.h"
#include "monitor/walk.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum stage { STAGE_FIRST, STAGE_SECOND };
enum when { WHEN_ANY, WHEN_MAPS, WHEN_LARGE, WHEN_SMALL };
static const struct {
    enum stage stage;
    enum when when;
    unsigned bit;
    const char *name;
} bits[] = {
#define ENTRY_BIT(stage, when, bit, name) {STAGE_##stage, WHEN_##when, bit, name},
#include "monitor/paging.def"
#undef ENTRY_BIT
};

static bool large(const struct walk *w) { return w->shift > 12; }
static bool maps(const struct walk *w, unsigned i) { return w->fault == WALK_FINE && i + 1 == w->count; }

static bool applies(const struct walk *w, unsigned i, enum when when) {
    switch (when) {
    case WHEN_ANY: return true;
    case WHEN_MAPS: return maps(w, i);
    case WHEN_LARGE: return maps(w, i) && large(w);
    default: return maps(w, i) && !large(w);
    }
}

static void print_bits(struct monitor *monitor, const struct walk *w, unsigned i) {
    uint64_t value = w->entry[i].value;
    enum stage stage = w->kind == WALK_EPT ? STAGE_SECOND : STAGE_FIRST;
    for (unsigned b = 0; b < sizeof bits / sizeof *bits; b++)
        if (bits[b].stage == stage && value >> bits[b].bit & 1 && applies(w, i, bits[b].when))
            print(monitor, " %s", bits[b].name);
    if (stage == STAGE_SECOND && maps(w, i)) print(monitor, " %s", memory_type_name(value >> 3 & 7));
    unsigned key = (unsigned)(value >> 59 & 15);
    if (stage == STAGE_FIRST && maps(w, i) && key && w->kind >= WALK_4) print(monitor, " key %u", key);
}

static const char *entry_name(unsigned level) {
    static const char *const names[] = {"", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
    return names[level];
}

static void print_entry(struct monitor *monitor, const struct view *view, const struct walk *w, unsigned i) {
    const struct walk_entry *e = &w->entry[i];
    char name[16];
    uint64_t physical;
    snprintf(name, sizeof name, "%s[%u]", entry_name(e->level), e->index);
    print(monitor, "  %-10s ", name);
    if (e->at == ~0ull)
        print(monitor, "in the processor ");
    else
        print(monitor, "at %012" PRIx64, e->at);
    if (w->kind != WALK_EPT && view->eptp && e->at != ~0ull && walk_guest_physical(view, e->at, &physical))
        print(monitor, " (physical %012" PRIx64 ")", physical);
    print(monitor, " = %016" PRIx64, e->value);
    print_bits(monitor, w, i);
    print(monitor, "\n");
}

// --- rights ---

struct rights {
    bool write, user, execute;
};

static struct rights combine(const struct walk *w) {
    struct rights r = {true, true, true};
    for (unsigned i = 0; i < w->count; i++) {
        if (w->kind == WALK_PAE && w->entry[i].level == 3) continue; // PDPTEs have no rights
        r.write &= w->entry[i].value >> 1 & 1;
        r.user &= w->entry[i].value >> 2 & 1;
        r.execute &= !(w->entry[i].value >> 63);
    }
    return r;
}

// SDM Vol. 3A, 4.6.1, without protection keys.
static void print_rights(struct monitor *monitor, const struct view *v, const struct walk *w) {
    struct rights r = combine(w);
    bool smep = v->cr4 & CR4_SMEP, smap = v->cr4 & CR4_SMAP && !(v->rflags & FLAG_AC), wp = v->cr0 & CR0_WP;
    bool data = !r.user || !smap;
    print(monitor, "  together   %s, %s, %s: supervisor %c%c%c, user %c%c%c\n",
          r.user ? "user page" : "supervisor page", r.write ? "writable" : "read-only",
          r.execute ? "executable" : "not executable", data ? 'r' : '-', data && (r.write || !wp) ? 'w' : '-',
          r.execute && !(r.user && smep) ? 'x' : '-', r.user ? 'r' : '-', r.user && r.write ? 'w' : '-',
          r.user && r.execute ? 'x' : '-');
}

static void print_ept_rights(struct monitor *monitor, const struct walk *w) {
    uint64_t rights = 7;
    for (unsigned i = 0; i < w->count; i++) rights &= w->entry[i].value;
    print(monitor, "  together   %c%c%c\n", rights & 1 ? 'r' : '-', rights & 2 ? 'w' : '-', rights & 4 ? 'x' : '-');
}

// --- what went wrong ---

static void print_not_present(struct monitor *monitor, const struct walk *w) {
    const char *name = entry_name(w->entry[w->count - 1].level);
    if (w->kind == WALK_EPT)
        print_in(monitor, RED,
                 "  EPT violation: bits 2:0 of the EPT %s are 0 (28.3.3.2); an access exits with reason 48\n", name);
    else
        print_in(monitor, RED, "  page fault: P is 0 in the %s (4.7); error code bit 0 is 0\n", name);
}

static void print_reserved(struct monitor *monitor, const struct view *view, const struct walk *w) {
    const struct walk_entry *e = &w->entry[w->count - 1];
    const char *name = entry_name(e->level);
    if (w->kind == WALK_EPT && e->bad == 2) {
        print_in(monitor, RED, "  EPT misconfiguration: the EPT %s is writable and not readable (28.3.3.1)\n", name);
        return;
    }
    print_in(monitor, RED, "  %s: reserved bits %" PRIx64 " are set in the %s%s (%s)\n",
             w->kind == WALK_EPT ? "EPT misconfiguration" : "page fault", e->bad, w->kind == WALK_EPT ? "EPT " : "",
             name, w->kind == WALK_EPT ? "28.3.3.1" : "4.7; error code bits 3 and 0 are 1");
    if (e->bad >> 63 && !(view->efer & EFER_NXE)) print(monitor, "             XD is reserved because EFER.NXE is 0\n");
    if (e->bad & BITS(51, 0) & ~(BIT(view->cpu->model->physical_bits) - 1))
        print(monitor, "             physical addresses have %u bits\n", view->cpu->model->physical_bits);
}

static void print_fault(struct monitor *monitor, const struct view *view, const struct walk *w) {
    switch (w->fault) {
    case WALK_NOT_PRESENT: print_not_present(monitor, w); break;
    case WALK_RESERVED: print_reserved(monitor, view, w); break;
    case WALK_NOT_CANONICAL:
        print_in(monitor, RED, "  not canonical: #GP(0), or #SS(0) through SS (Vol. 1, 3.3.7.1)\n");
        break;
    case WALK_NO_TABLE:
        print_in(monitor, RED, "  the next table, at %012" PRIx64 ", is not in RAM%s\n", w->entry[w->count].at,
                 view->eptp && w->kind != WALK_EPT ? " or not mapped by EPT (walk gpa: explains)" : "");
        break;
    default: break;
    }
}

// --- the stages ---

static const char *page_size(const struct walk *w) {
    switch (w->shift) {
    case 21: return "2-MByte page";
    case 22: return "4-MByte page";
    case 30: return "1-GByte page";
    default: return "4-KByte page";
    }
}

static uint64_t page_of(const struct walk *w) { return w->result & ~(BIT(w->shift) - 1); }

static bool explain_first(struct monitor *monitor, const struct view *view, uint64_t linear, struct walk *w) {
    static const char *const kinds[] = {"paging is off", "32-bit paging", "PAE paging", "4-level paging",
                                        "5-level paging"};
    char name[160];
    bool done = walk_first_stage(view, linear, w);
    print_in(monitor, BOLD, "linear %016" PRIx64, linear);
    if (*symbols_name(monitor, (int)view->level, linear, name, sizeof name)) print(monitor, " <%s>", name);
    print(monitor, ", level %u: %s", view->level, kinds[w->kind]);
    if (w->kind != WALK_NO_PAGING) print(monitor, ", CR3 %016" PRIx64, w->root);
    print(monitor, "\n");
    for (unsigned i = 0; i < w->count; i++) print_entry(monitor, view, w, i);
    if (!done)
        print_fault(monitor, view, w);
    else if (w->kind != WALK_NO_PAGING)
        print_rights(monitor, view, w);
    if (done && w->kind != WALK_NO_PAGING) print(monitor, "  %s at %012" PRIx64 "\n", page_size(w), page_of(w));
    return done;
}

static bool explain_second(struct monitor *monitor, const struct view *view, uint64_t gpa, struct walk *w) {
    bool done = walk_second_stage(view, gpa, w);
    print_in(monitor, BOLD, "guest-physical %012" PRIx64, gpa);
    print(monitor, " of level %u: EPT, EPTP %016" PRIx64 " (%s, %u levels%s)\n", view->level, view->eptp,
          memory_type_name(view->eptp & 7), (unsigned)(view->eptp >> 3 & 7) + 1,
          view->eptp & BIT(6) ? ", A and D flags" : "");
    for (unsigned i = 0; i < w->count; i++) print_entry(monitor, view, w, i);
    if (!done)
        print_fault(monitor, view, w);
    else
        print_ept_rights(monitor, w);
    if (done) print(monitor, "  %s at %012" PRIx64 "\n", page_size(w), page_of(w));
    return done;
}

static void explain_type(struct monitor *monitor, const struct view *view, const struct walk *first,
                         const struct walk *second, uint64_t physical) {
    const struct cpu *cpu = view->cpu;
    bool paged = first && first->count;
    unsigned pat = paged ? memory_type_pat(cpu, first->entry[first->count - 1].value, large(first)) : TYPE_WB;
    unsigned base = memory_type_mtrr(cpu, physical);
    const char *from = "MTRR";
    bool ignores_pat = false;
    if (second) {
        uint64_t entry = second->entry[second->count - 1].value;
        base = entry >> 3 & 7;
        ignores_pat = entry >> 6 & 1;
        from = "EPT";
    }
    unsigned type = view->cr0 & CR0_CD ? TYPE_UC : ignores_pat ? base : memory_type_combine(base, pat);
    print(monitor, "  memory type %s: %s %s", memory_type_name(type), from, memory_type_name(base));
    if (paged) print(monitor, ", PAT %s%s", memory_type_name(pat), ignores_pat ? " (ignored: IPAT)" : "");
    print(monitor, "%s\n", view->cr0 & CR0_CD ? ", CR0.CD is 1" : "");
}

static void explain_physical(struct monitor *monitor, const struct view *view, uint64_t physical) {
    print_in(monitor, BOLD, "physical %012" PRIx64, physical);
    print(monitor, ": %s\n", machine_ram(view->machine, physical, 1) ? "RAM" : "no RAM (a device, or nothing)");
}

// cr3=EXPR and eptp=EXPR in front.
static bool take_roots(struct monitor *monitor, const char **text, bool *has_cr3, uint64_t *cr3, bool *has_eptp,
                       uint64_t *eptp) {
    for (;;) {
        *text += strspn(*text, " \t");
        bool is_cr3 = strncmp(*text, "cr3=", 4) == 0 && (*text)[4] != '=';
        bool is_eptp = strncmp(*text, "eptp=", 5) == 0 && (*text)[5] != '=';
        if (!is_cr3 && !is_eptp) return true;
        *text += is_cr3 ? 4 : 5;
        if (!take_value(monitor, text, is_cr3 ? cr3 : eptp)) return false;
        *(is_cr3 ? has_cr3 : has_eptp) = true;
    }
}

bool command_walk(struct monitor *monitor, const char *arguments) {
    bool has_cr3 = false, has_eptp = false;
    uint64_t cr3 = 0, eptp = 0, gpa;
    struct place place;
    struct walk first, second;
    if (!*arguments)
        return monitor_error(monitor, "walk which address? walk [cr3=EXPR] [eptp=EXPR] [@LEVEL:][gpa:]ADDRESS");
    if (!take_roots(monitor, &arguments, &has_cr3, &cr3, &has_eptp, &eptp) ||
        !take_place(monitor, &arguments, &place) || !take_end(monitor, arguments))
        return false;
    if (has_cr3) place.view.cr3 = cr3;
    if (has_eptp) place.view.eptp = eptp;
    bool linear = place.space == SPACE_LINEAR, nested = place.view.eptp && place.space != SPACE_PHYSICAL;
    if (linear && !explain_first(monitor, &place.view, place.address, &first)) return true;
    gpa = linear ? first.result : place.address;
    if (nested && !explain_second(monitor, &place.view, gpa, &second)) return true;
    uint64_t physical = nested ? second.result : gpa;
    explain_type(monitor, &place.view, linear ? &first : NULL, nested ? &second : NULL, physical);
    explain_physical(monitor, &place.view, physical);
    return true;
}

bool command_translate(struct monitor *monitor, const char *arguments) {
    struct place p;
    uint64_t gpa, physical;
    if (!*arguments) return monitor_error(monitor, "translate which address? translate [@LEVEL:][gpa:]ADDRESS");
    if (!take_place(monitor, &arguments, &p) || !take_end(monitor, arguments)) return false;
    gpa = p.address;
    if (p.space == SPACE_LINEAR && !walk_linear_to_guest(&p.view, p.address, &gpa))
        return monitor_error(monitor, "linear 0x%" PRIx64 " is not mapped (walk explains)", p.address);
    if (p.space == SPACE_LINEAR) print(monitor, "linear 0x%" PRIx64 " -> ", p.address);
    if (p.view.eptp && p.space != SPACE_PHYSICAL) {
        print(monitor, "guest-physical 0x%" PRIx64 " -> ", gpa);
        if (!walk_guest_physical(&p.view, gpa, &physical))
            return monitor_error(monitor, "not mapped by EPT (walk explains)");
        gpa = physical;
    }
    print(monitor, "physical 0x%" PRIx64 "\n", gpa);
    return true;
}
