// A stage of a translation printed: each entry, the rights together, which rules of the manual it breaks. See
// walk_stage.h.
#include "monitor/show/walk_stage.h"
#include "monitor/explain/memory_type.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Single bits, then what has more of them.
static void print_bits(struct monitor *monitor, const struct walk *w, unsigned entry) {
    const struct look_entry *e = &w->look.entry[entry];
    struct walk_bit bit;
    for (unsigned i = 0; walk_bit(w, entry, i, &bit); i++)
        if (bit.single && bit.value) print(monitor, " %s", bit.name);
    for (unsigned i = 0; walk_bit(w, entry, i, &bit); i++)
        if (!bit.single && bit.value && w->kind != WALK_EPT) print(monitor, " %s %u", bit.name, (unsigned)bit.value);
    if (w->kind == WALK_EPT && ept_maps(e->kind)) print(monitor, " %s", memory_type_name(e->value >> 3 & 7));
}

static bool is_absent(const struct walk *w, unsigned entry) {
    return w->look.verdict == LOOK_NOT_PRESENT && entry + 1 == w->look.count;
}

static void print_entry(struct monitor *monitor, const struct view *view, const struct walk *w, unsigned i) {
    const struct look_entry *e = &w->look.entry[i];
    char name[16];
    uint64_t physical;
    snprintf(name, sizeof name, "%s[%u]", walk_entry_name(w, i), e->index);
    print(monitor, "  %-10s ", name);
    if (e->at == LOOK_REGISTER)
        print(monitor, "in the processor ");
    else
        print(monitor, "at %012" PRIx64, e->at);
    if (walk_entry_physical(view, w, i, &physical)) print(monitor, " (physical %012" PRIx64 ")", physical);
    print(monitor, " = %016" PRIx64, e->value);
    if (!is_absent(w, i)) print_bits(monitor, w, i);
    print(monitor, "\n");
}

// --- rights ---

// Without protection keys: the same for every page.
static bool may(const struct view *v, const struct walk *w, bool user, bool write, bool fetch) {
    bool exempt = v->rflags & FLAG_AC && !fetch;
    enum access_class class = user ? ACCESS_USER : exempt ? ACCESS_SUPERVISOR_ANY : ACCESS_SUPERVISOR;
    const struct translation_access access = {class, write, fetch};
    return access_permitted(&w->rules, w->look.rights, &access);
}

static void print_rights(struct monitor *monitor, const struct view *v, const struct walk *w) {
    uint64_t r = w->look.rights;
    print(monitor, "  together   %s, %s, %s: supervisor %c%c%c, user %c%c%c\n",
          r & TLB_USER ? "user page" : "supervisor page", r & TLB_WRITE ? "writable" : "read-only",
          r & TLB_EXECUTE ? "executable" : "not executable", may(v, w, false, false, false) ? 'r' : '-',
          may(v, w, false, true, false) ? 'w' : '-', may(v, w, false, false, true) ? 'x' : '-',
          may(v, w, true, false, false) ? 'r' : '-', may(v, w, true, true, false) ? 'w' : '-',
          may(v, w, true, false, true) ? 'x' : '-');
}

const char *show_rights_name(uint64_t rights) {
    static const char *const names[] = {"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"};
    return names[rights & 7];
}

// --- what went wrong ---

static void print_facts(struct monitor *monitor, const struct view *view, const struct walk *w) {
    struct fact facts[8];
    unsigned count = walk_facts(view, w, facts, sizeof facts / sizeof *facts);
    for (unsigned i = 0; i < count; i++)
        print(monitor, "             %s: %s (%s)\n", facts[i].rule, facts[i].text, facts[i].section);
}

static void print_not_present(struct monitor *monitor, const struct walk *w) {
    const char *name = walk_entry_name(w, w->look.count - 1);
    if (w->kind == WALK_EPT)
        print_in(monitor, RED,
                 "  EPT violation: bits 2:0%s of the EPT %s are 0 (28.3.3.2); an access exits with reason 48\n",
                 w->ept_rules.user_execute ? " and 10" : "", name);
    else
        print_in(monitor, RED, "  page fault: P is 0 in the %s (4.7); error code bit 0 is 0\n", name);
}

static void print_reserved(struct monitor *monitor, const struct view *view, const struct walk *w) {
    const struct look_entry *e = walk_last(w);
    const char *name = walk_entry_name(w, w->look.count - 1);
    if (w->kind == WALK_EPT)
        print_in(monitor, RED,
                 "  EPT misconfiguration: bits 0x%" PRIx64
                 " of the EPT %s (28.3.3.1); an access exits with reason 49\n",
                 e->bad, name);
    else
        print_in(monitor, RED,
                 "  page fault: reserved bits 0x%" PRIx64 " are set in the %s (4.7; error code bits 3 and 0 are 1)\n",
                 e->bad, name);
    print_facts(monitor, view, w);
    if (e->bad & BITS(51, 0) & ~(BIT(view->cpu->wire.model->physical_bits) - 1))
        print(monitor, "             physical addresses have %u bits\n", view->cpu->wire.model->physical_bits);
}

static void print_fault(struct monitor *monitor, const struct view *view, const struct walk *w) {
    switch (w->look.verdict) {
    case LOOK_NOT_PRESENT: print_not_present(monitor, w); break;
    case LOOK_RESERVED: print_reserved(monitor, view, w); break;
    case LOOK_NOT_CANONICAL:
        print_in(monitor, RED, "  not canonical: #GP(0), or #SS(0) through SS (Vol. 1, 3.3.7.1)\n");
        break;
    case LOOK_TOO_WIDE:
        print_in(monitor, RED,
                 "  EPT violation: four levels translate 48 bits (28.3.2); an access exits with reason 48\n");
        break;
    case LOOK_NO_ENTRY:
        print_in(monitor, RED, "  the next table, at %012" PRIx64 ", is not in RAM%s\n", w->look.next,
                 view->eptp && w->kind != WALK_EPT ? " or not mapped by EPT (walk gpa: explains)" : "");
        break;
    default: break;
    }
}

// --- the stages ---

static void print_page(struct monitor *monitor, const struct walk *w) {
    static const char *const sizes[] = {[12] = "4-KByte", [21] = "2-MByte", [22] = "4-MByte", [30] = "1-GByte"};
    uint64_t page = w->look.result & ~(BIT(w->look.shift) - 1);
    print(monitor, "  %s page at %012" PRIx64 "\n", sizes[w->look.shift], page);
}

void show_first_stage(struct monitor *monitor, const struct view *view, const struct walk *w) {
    static const char *const kinds[] = {"paging is off", "32-bit paging", "PAE paging", "4-level paging",
                                        "5-level paging"};
    uint64_t linear = w->look.address;
    char name[160];
    print_in(monitor, BOLD, "linear %016" PRIx64, linear);
    if (*symbols_name(monitor->look.symbols, (int)view->level, linear, name, sizeof name))
        print(monitor, " <%s>", name);
    print(monitor, ", level %u: %s", view->level, kinds[w->kind]);
    if (w->kind != WALK_NO_PAGING) print(monitor, ", CR3 %016" PRIx64, w->root);
    print(monitor, "\n");
    for (unsigned i = 0; i < w->look.count; i++) print_entry(monitor, view, w, i);
    if (w->look.verdict != LOOK_MAPS) return print_fault(monitor, view, w);
    if (w->kind == WALK_NO_PAGING) return;
    print_rights(monitor, view, w);
    print_page(monitor, w);
}

static void show_ept(struct monitor *monitor, const struct view *view, unsigned level, const struct walk *w,
                     const char *whose) {
    print_in(monitor, BOLD, "guest-physical %012" PRIx64, w->look.address);
    print(monitor, " of level %u: %s, EPTP %016" PRIx64 " (%s, %u levels%s)\n", level, whose, w->root,
          memory_type_name(w->root & 7), (unsigned)(w->root >> 3 & 7) + 1,
          w->ept_rules.accessed_dirty ? ", A and D flags" : "");
    for (unsigned i = 0; i < w->look.count; i++) print_entry(monitor, view, w, i);
    if (w->look.verdict != LOOK_MAPS) return print_fault(monitor, view, w);
    print(monitor, "  together   %s", show_rights_name(w->look.rights));
    if (w->ept_rules.user_execute) // "mode-based execute control for EPT": x is then of supervisor-mode addresses
        print(monitor, ", user-mode linear addresses %s", w->look.rights & EPT_USER_EXECUTE ? "x" : "- (bit 10, XU)");
    print(monitor, "\n");
    print_page(monitor, w);
}

void show_second_stage(struct monitor *monitor, const struct view *view, const struct walk *w) {
    show_ept(monitor, view, view->level, w, view->has_own_ept ? "EPT of the processor" : "EPT");
}

void show_own_stage(struct monitor *monitor, const struct view *view, unsigned level, const struct walk *w) {
    char whose[40];
    snprintf(whose, sizeof whose, "EPT of level %u", level - 1);
    show_ept(monitor, view, level, w, whose);
}
