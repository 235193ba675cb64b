// walk: a translation explained through every stage, and for a guest of a guest twice: through the EPTs that its
// hypervisors wrote, and through the one that level 0 merged from them, with what that one has else. And translate, in
// one line. SDM Vol. 3C, 28.3; 28.3.7 for memory types.
#include "monitor/expression/expression.h"
#include "monitor/explain/memory_type.h"
#include "monitor/explain/walk_explain.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void explain_type(struct monitor *monitor, const struct view *view, const struct walk *first,
                         const struct walk *second, uint64_t physical) {
    const struct cpu *cpu = view->cpu;
    bool paged = first && first->count;
    unsigned pat = paged ? memory_type_pat(cpu, first->entry[first->count - 1].value, first->shift > 12) : TYPE_WB;
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

// --- guests of guests ---

// What the own EPTs of the levels give together.
struct together {
    unsigned level; // of the guest
    uint64_t physical;
    unsigned fails;                 // at this level's EPT; 0: the address is mapped
    unsigned rights, rights_with_0; // of those that guests wrote; and with that of level 0
    unsigned type;                  // of the level's own EPT, the first one
};

static struct together explain_own(struct monitor *monitor, const struct view *view, uint64_t gpa) {
    const unsigned all = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    struct together t = {view->level, .physical = gpa, .rights = all, .rights_with_0 = all, .type = TYPE_WB};
    struct walk w;
    for (unsigned n = view->level; n > 0; n--) {
        if (!view->own_ept[n]) {
            print(monitor, "guest-physical %012" PRIx64 " of level %u: without EPT it is that of level %u\n",
                  t.physical, n, n - 1);
            continue;
        }
        if (!walk_explain_own(monitor, view, n, t.physical, &w)) {
            t.fails = n;
            return t;
        }
        t.physical = w.result;
        t.rights_with_0 &= walk_ept_rights(&w);
        if (n > 1) t.rights = t.rights_with_0;
        if (n == view->level) t.type = w.entry[w.count - 1].value >> 3 & 7;
    }
    return t;
}

static void tell_stale(struct monitor *monitor, const struct together *t) {
    char who[40] = "level 1";
    if (t->level > 2) snprintf(who, sizeof who, "one of the levels 1 to %u", t->level - 1);
    print(monitor, "             %s has changed its EPT without INVEPT (28.4.3.4), or level 0 has not followed it\n",
          who);
}

// Level 0 may know better than its EPT for level 1 says, where level 1 has not been.
static void compare_rights(struct monitor *monitor, const struct together *t, unsigned rights) {
    if (rights & ~t->rights) {
        print_in(monitor, RED, "  stale      %s is more than the EPTs of the levels give together: %s\n",
                 walk_rights_name(rights), walk_rights_name(t->rights));
        tell_stale(monitor, t);
    } else if (rights & ~t->rights_with_0) {
        print(monitor, "  more than the EPT of level 0 has for level 1 there as yet\n");
    } else if (rights != t->rights_with_0) {
        print(monitor, "  less than the EPTs of the levels give together, %s: what is missing exits to level 0\n",
              walk_rights_name(t->rights_with_0));
    } else {
        print(monitor, "  as the EPTs of the levels give together\n");
    }
}

static void compare_failing(struct monitor *monitor, const struct together *t, bool maps) {
    if (t->fails == 1) {
        print(monitor, "  the EPT of level 0 has nothing for level 1 there as yet%s\n",
              maps ? "" : ": at the exit level 0 has to find the page");
    } else if (!maps) {
        print(monitor, "  nor does the EPT of level %u map it: level 0 has to give this exit to level %u\n",
              t->fails - 1, t->fails - 1);
    } else {
        print_in(monitor, RED, "  stale      the EPT of level %u does not map it\n", t->fails - 1);
        tell_stale(monitor, t);
    }
}

// What the processor's EPT has else than the levels' own. SDM Vol. 3C, 28.4.3.
static void compare(struct monitor *monitor, const struct together *t, const struct walk *w) {
    bool maps = w->fault == WALK_FINE;
    if (t->fails) {
        compare_failing(monitor, t, maps);
        return;
    }
    if (!maps) {
        print(monitor, "  not entered yet: at the exit level 0 has to enter %012" PRIx64 " %s\n",
              (uint64_t)(t->physical & BITS(51, 12)), walk_rights_name(t->rights_with_0));
        return;
    }
    if (w->result != t->physical) {
        print_in(monitor, RED, "  stale      the EPTs of the levels lead to %012" PRIx64 "\n", t->physical);
        tell_stale(monitor, t);
    } else {
        compare_rights(monitor, t, walk_ept_rights(w));
    }
    unsigned type = w->entry[w->count - 1].value >> 3 & 7;
    if (type != t->type)
        print(monitor, "  memory type %s is of level 0: the EPT of level %u says %s\n", memory_type_name(type),
              t->level - 1, memory_type_name(t->type));
}

// Whether the processor maps the address; the walk of its EPT then says where to.
static bool explain_nested(struct monitor *monitor, const struct view *view, uint64_t gpa, struct walk *w) {
    struct together t = explain_own(monitor, view, gpa);
    bool done = walk_explain_second(monitor, view, gpa, w);
    compare(monitor, &t, w);
    return done;
}

static bool explain_guest(struct monitor *monitor, const struct view *view, uint64_t gpa, struct walk *w) {
    if (view->has_own_ept) return explain_nested(monitor, view, gpa, w);
    bool done = walk_explain_second(monitor, view, gpa, w);
    if (view->level > 1)
        print(
            monitor,
            "  only the EPT that level 0 has merged: the EPT pointer of level %u was not seen (eptp12=EXPR gives it)\n",
            view->level - 1);
    return done;
}

// --- the commands ---

struct roots {
    bool has_cr3, has_eptp, has_eptp12;
    uint64_t cr3, eptp, eptp12;
};

// cr3=EXPR, eptp=EXPR, eptp12=EXPR in front.
static bool take_roots(struct monitor *monitor, const char **text, struct roots *r) {
    const struct {
        const char *name;
        bool *has;
        uint64_t *value;
    } kinds[] = {
        {"cr3=", &r->has_cr3, &r->cr3}, {"eptp=", &r->has_eptp, &r->eptp}, {"eptp12=", &r->has_eptp12, &r->eptp12}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    *r = (struct roots){0};
    for (unsigned k = 0; k < KINDS;) {
        size_t length = strlen(kinds[k].name);
        if (strncmp(*text, kinds[k].name, length) != 0 || (*text)[length] == '=') {
            k++;
            continue;
        }
        *text += length;
        if (!take_value(&monitor->look, text, kinds[k].value)) return false;
        *kinds[k].has = true;
        k = 0;
    }
    return true;
}

static bool use_roots(struct monitor *monitor, const struct roots *r, struct view *view) {
    if (r->has_cr3) view->cr3 = r->cr3;
    if (r->has_eptp) view->eptp = r->eptp;
    if (r->has_eptp) view->has_own_ept = false;
    if (!r->has_eptp12) return true;
    if (view->level < 2 || !view->eptp)
        return monitor_error(monitor, "eptp12= is for guests of guests, and level %u is not one now", view->level);
    if (!view->has_own_ept && view->level > 2)
        return monitor_error(monitor, "the EPT pointers of the levels between were not seen");
    view->own_ept[view->level] = r->eptp12;
    view->has_own_ept = true;
    return true;
}

bool command_walk(struct monitor *monitor, const char *arguments) {
    uint64_t gpa;
    struct roots roots;
    struct location place;
    struct walk first, second;
    if (!*arguments)
        return monitor_error(monitor,
                             "walk which address? walk [cr3=EXPR] [eptp=EXPR] [eptp12=EXPR] [@LEVEL:][gpa:]ADDRESS");
    if (!take_roots(monitor, &arguments, &roots) || !take_place(&monitor->look, &arguments, &place) ||
        !take_end(&monitor->look, arguments) || !use_roots(monitor, &roots, &place.view))
        return false;
    bool linear = place.space == SPACE_LINEAR, nested = place.view.eptp && place.space != SPACE_PHYSICAL;
    if (linear && !walk_explain_first(monitor, &place.view, place.address, &first)) return true;
    gpa = linear ? first.result : place.address;
    if (nested && !explain_guest(monitor, &place.view, gpa, &second)) return true;
    uint64_t physical = nested ? second.result : gpa;
    explain_type(monitor, &place.view, linear ? &first : NULL, nested ? &second : NULL, physical);
    explain_physical(monitor, &place.view, physical);
    return true;
}

bool command_translate(struct monitor *monitor, const char *arguments) {
    struct location p;
    uint64_t gpa, physical;
    if (!*arguments) return monitor_error(monitor, "translate which address? translate [@LEVEL:][gpa:]ADDRESS");
    if (!take_place(&monitor->look, &arguments, &p) || !take_end(&monitor->look, arguments)) return false;
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
