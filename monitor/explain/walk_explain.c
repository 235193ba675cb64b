// A stage of a translation explained: each entry, the rights together, why it faults. SDM Vol. 3A, 4.3 to 4.7; Vol. 3C,
// 28.3.
#include "monitor/explain/walk_explain.h"
#include "cpu/state/model.h"
#include "monitor/explain/memory_type.h"
#include "monitor/symbols/symbols.h"
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
#include "monitor/explain/paging.def"
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

// Where that is another address than the one it is read at.
static bool entry_physical(const struct view *view, const struct walk *w, uint64_t at, uint64_t *physical) {
    if (w->kind == WALK_EPT) return w->memory && walk_own(view, w->memory, at, physical);
    return view->eptp && walk_guest_physical(view, at, physical);
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
    if (e->at != ~0ull && entry_physical(view, w, e->at, &physical))
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

unsigned walk_ept_rights(const struct walk *w) {
    uint64_t rights = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    for (unsigned i = 0; i < w->count; i++) rights &= w->entry[i].value;
    return (unsigned)rights;
}

const char *walk_rights_name(unsigned rights) {
    static const char *const names[] = {"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"};
    return names[rights & 7];
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
    if (e->bad & BITS(51, 0) & ~(BIT(view->cpu->wire.model->physical_bits) - 1))
        print(monitor, "             physical addresses have %u bits\n", view->cpu->wire.model->physical_bits);
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

bool walk_explain_first(struct monitor *monitor, const struct view *view, uint64_t linear, struct walk *w) {
    static const char *const kinds[] = {"paging is off", "32-bit paging", "PAE paging", "4-level paging",
                                        "5-level paging"};
    char name[160];
    bool done = walk_first_stage(view, linear, w);
    print_in(monitor, BOLD, "linear %016" PRIx64, linear);
    if (*symbols_name(monitor->look.symbols, (int)view->level, linear, name, sizeof name))
        print(monitor, " <%s>", name);
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

static bool explain_ept(struct monitor *monitor, const struct view *view, unsigned level, const struct walk *w,
                        const char *whose) {
    bool done = w->fault == WALK_FINE;
    print_in(monitor, BOLD, "guest-physical %012" PRIx64, w->address);
    print(monitor, " of level %u: %s, EPTP %016" PRIx64 " (%s, %u levels%s)\n", level, whose, w->root,
          memory_type_name(w->root & 7), (unsigned)(w->root >> 3 & 7) + 1, w->root & BIT(6) ? ", A and D flags" : "");
    for (unsigned i = 0; i < w->count; i++) print_entry(monitor, view, w, i);
    if (!done)
        print_fault(monitor, view, w);
    else
        print(monitor, "  together   %s\n", walk_rights_name(walk_ept_rights(w)));
    if (done) print(monitor, "  %s at %012" PRIx64 "\n", page_size(w), page_of(w));
    return done;
}

bool walk_explain_second(struct monitor *monitor, const struct view *view, uint64_t gpa, struct walk *w) {
    (void)walk_second_stage(view, gpa, w);
    return explain_ept(monitor, view, view->level, w, view->has_own_ept ? "EPT of the processor" : "EPT");
}

bool walk_explain_own(struct monitor *monitor, const struct view *view, unsigned level, uint64_t address,
                      struct walk *w) {
    char whose[40];
    snprintf(whose, sizeof whose, "EPT of level %u", level - 1);
    (void)walk_own_stage(view, level, address, w);
    return explain_ept(monitor, view, level, w, whose);
}
