// walk: a translation explained through every stage, and for a guest of a guest twice: through the EPTs that its
// hypervisors wrote, and through the one that level 0 merged from them, with what that one has else. And translate, in
// one line. What is found is found in monitor/explain. SDM Vol. 3C, 28.3; 28.3.7 for memory types.
#include "monitor/expression/expression.h"
#include "monitor/explain/memory_type.h"
#include "monitor/explain/nested.h"
#include "monitor/show/walk_stage.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void show_type(struct monitor *monitor, const struct memory_type_found *f) {
    print(monitor, "  memory type %s: %s %s", memory_type_name(f->type), f->by_ept ? "EPT" : "MTRR",
          memory_type_name(f->base));
    if (f->paged) print(monitor, ", PAT %s%s", memory_type_name(f->pat), f->ignores_pat ? " (ignored: IPAT)" : "");
    print(monitor, "%s\n", f->disabled ? ", CR0.CD is 1" : "");
}

static void show_physical(struct monitor *monitor, const struct view *view, uint64_t physical) {
    print_in(monitor, BOLD, "physical %012" PRIx64, physical);
    print(monitor, ": %s\n", machine_ram(view->machine, physical, 1) ? "RAM" : "no RAM (a device, or nothing)");
}

// --- guests of guests ---

static void show_own(struct monitor *monitor, const struct view *view, const struct nested *n) {
    for (unsigned i = 0; i < n->stages; i++) {
        const struct nested_stage *s = &n->stage[i];
        if (s->has_ept)
            show_own_stage(monitor, view, s->level, &s->walk);
        else
            print(monitor, "guest-physical %012" PRIx64 " of level %u: without EPT it is that of level %u\n",
                  s->address, s->level, s->level - 1);
    }
}

static void tell_stale(struct monitor *monitor, const struct nested *n) {
    char who[40] = "level 1";
    if (n->level > 2) snprintf(who, sizeof who, "one of the levels 1 to %u", n->level - 1);
    print(monitor, "             %s has changed its EPT without INVEPT (28.4.3.4), or level 0 has not followed it\n",
          who);
}

static void show_stale(struct monitor *monitor, const struct nested *n, const struct walk *w,
                       enum nested_difference difference) {
    if (difference == NESTED_STALE_MAPPED)
        print_in(monitor, RED, "  stale      the EPT of level %u does not map it\n", n->fails - 1);
    else if (difference == NESTED_STALE_ADDRESS)
        print_in(monitor, RED, "  stale      the EPTs of the levels lead to %012" PRIx64 "\n", n->physical);
    else
        print_in(monitor, RED, "  stale      %s is more than the EPTs of the levels give together: %s\n",
                 show_rights_name(w->look.rights), show_rights_name(n->rights));
    tell_stale(monitor, n);
}

static void show_difference(struct monitor *monitor, const struct nested *n, const struct walk *w,
                            enum nested_difference difference) {
    switch (difference) {
    case NESTED_STALE_ADDRESS:
    case NESTED_STALE_RIGHTS:
    case NESTED_STALE_MAPPED: show_stale(monitor, n, w, difference); break;
    case NESTED_SAME: print(monitor, "  as the EPTs of the levels give together\n"); break;
    case NESTED_MORE_THAN_LEVEL_0:
        print(monitor, "  more than the EPT of level 0 has for level 1 there as yet\n");
        break;
    case NESTED_LESS:
        print(monitor, "  less than the EPTs of the levels give together, %s: what is missing exits to level 0\n",
              show_rights_name(n->rights_with_0));
        break;
    case NESTED_NOT_YET: print(monitor, "  the EPT of level 0 has nothing for level 1 there as yet\n"); break;
    case NESTED_NOT_YET_MERGED:
        print(monitor, "  the EPT of level 0 has nothing for level 1 there as yet: at the exit level 0 has to find the "
                       "page\n");
        break;
    case NESTED_GIVES_EXIT:
        print(monitor, "  nor does the EPT of level %u map it: level 0 has to give this exit to level %u\n",
              n->fails - 1, n->fails - 1);
        break;
    case NESTED_TO_BE_MERGED:
        print(monitor, "  not entered yet: at the exit level 0 has to enter %012" PRIx64 " %s\n",
              (uint64_t)(n->physical & BITS(51, 12)), show_rights_name(n->rights_with_0));
        break;
    }
}

static void show_nested(struct monitor *monitor, const struct view *view, const struct nested *n,
                        const struct walk *w) {
    show_own(monitor, view, n);
    show_second_stage(monitor, view, w);
    show_difference(monitor, n, w, nested_compare(n, w));
    if (n->fails || w->look.verdict != LOOK_MAPS) return;
    unsigned type = (unsigned)((walk_last(w)->value & EPT_MEMORY_TYPE) >> 3);
    if (type != n->type)
        print(monitor, "  memory type %s is of level 0: the EPT of level %u says %s\n", memory_type_name(type),
              n->level - 1, memory_type_name(n->type));
}

// Whether the processor maps the address; the walk of its EPT then says where to.
static bool show_guest(struct monitor *monitor, const struct view *view, uint64_t gpa, struct walk *w) {
    struct nested nested;
    bool done = walk_second_stage(view, gpa, w);
    if (view->has_own_ept) {
        nested_walk(view, gpa, &nested);
        show_nested(monitor, view, &nested, w);
        return done;
    }
    show_second_stage(monitor, view, w);
    if (view->level > 1)
        print(
            monitor,
            "  only the EPT that level 0 has merged: the EPT pointer of level %u was not seen (eptp12=EXPR gives it)\n",
            view->level - 1);
    return done;
}

// --- an access ---

// Of the kind that /LETTERS name, as a level makes it.
struct wanted {
    bool given;
    struct translation_access access;
};

static bool take_access(struct monitor *monitor, const char **text, struct wanted *w) {
    char mode = 0;
    *w = (struct wanted){.given = **text == '/'};
    if (!w->given) return true;
    for ((*text)++; **text && **text != ' '; (*text)++) {
        if (!strchr("rwxus", **text))
            return monitor_error(monitor, "walk /%c: r, w or x (read, write, fetch), then u or s (user, supervisor)",
                                 **text);
        if (**text == 'w') w->access.write = true;
        if (**text == 'x') w->access.fetch = true;
        if (**text == 'u' || **text == 's') mode = **text;
    }
    if (w->access.write && w->access.fetch)
        return monitor_error(monitor, "walk: an access writes or fetches, not both");
    while (**text == ' ') (*text)++;
    w->access.class = mode == 'u' ? ACCESS_USER : mode == 's' ? ACCESS_SUPERVISOR : ACCESS_SUPERVISOR_ANY;
    return true;
}

// A mode that is not named is that of the level's CPL; EFLAGS.AC exempts data accesses of supervisor mode from SMAP.
static void settle_mode(const struct view *view, bool named_user, struct translation_access *a) {
    bool user = named_user || (a->class == ACCESS_SUPERVISOR_ANY && view_cpl(view) == 3);
    bool exempt = view->rflags & FLAG_AC && !a->fetch;
    a->class = user ? ACCESS_USER : exempt ? ACCESS_SUPERVISOR_ANY : ACCESS_SUPERVISOR;
}

static void show_page_fault(struct monitor *monitor, uint32_t code) {
    const char *name, *text;
    print_in(monitor, RED, "page fault, error code 0x%" PRIx32 "\n", code);
    for (unsigned bit = 0; bit < 32; bit++)
        if (code >> bit & 1 && page_fault_bit_row(bit, &name, &text)) print(monitor, "  %s is 1: %s\n", name, text);
}

static void show_verdict(struct monitor *monitor, const struct access_answer *a) {
    switch (a->verdict) {
    case ACCESS_DONE: print(monitor, "is done, at physical %012" PRIx64 "\n", a->physical); break;
    case ACCESS_PAGE_FAULT: show_page_fault(monitor, a->error_code); break;
    case ACCESS_EPT_VIOLATION:
        print_in(monitor, RED, "EPT violation, qualification 0x%" PRIx64 ", guest-physical %012" PRIx64 "\n",
                 a->qualification, a->guest_physical);
        break;
    case ACCESS_EPT_MISCONFIGURATION:
        print_in(monitor, RED, "EPT misconfiguration, guest-physical %012" PRIx64 "\n", a->guest_physical);
        break;
    case ACCESS_NOT_CANONICAL: print_in(monitor, RED, "not canonical\n"); break;
    case ACCESS_NO_MEMORY: print_in(monitor, RED, "a table is not in RAM\n"); break;
    }
}

static void show_value(struct monitor *monitor, const struct fact_value *v) {
    const struct place *p = &v->place;
    print(monitor, "    %s", v->name);
    if (p->space == PLACE_PHYSICAL)
        print(monitor, " at physical %012" PRIx64, p->address);
    else if (p->space == PLACE_GUEST)
        print(monitor, " at guest-physical %012" PRIx64 " of level %u", p->address, p->level);
    else if (p->space == PLACE_FIELD)
        print(monitor, " in field 0x%04" PRIx64 " of VMCS %" PRIx64, p->address, p->vmcs);
    print(monitor, " = %" PRIx64 "\n", v->now);
}

static void show_fact(struct monitor *monitor, const struct fact *f) {
    print(monitor, "  %s: %s (%s)\n", f->rule, f->text, f->section);
    for (unsigned i = 0; i < f->values; i++) show_value(monitor, &f->value[i]);
}

static void show_access(struct monitor *monitor, const struct location *place, const struct wanted *wanted) {
    enum { FACTS = 8 };
    struct translation_access access = wanted->access;
    struct access_answer answer;
    struct fact facts[FACTS];
    settle_mode(&place->view, access.class == ACCESS_USER, &access);
    unsigned count = walk_access(&place->view, place->address, &access, &answer, facts, FACTS);
    print(monitor, "a %s in %s mode: ",
          access.fetch   ? "fetch"
          : access.write ? "write"
                         : "read",
          access.class == ACCESS_USER ? "user" : "supervisor");
    show_verdict(monitor, &answer);
    for (unsigned i = 0; i < count; i++)
        if (!facts[i].holds) show_fact(monitor, &facts[i]);
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

static void show_walk(struct monitor *monitor, const struct location *place) {
    struct walk first, second;
    const struct view *view = &place->view;
    uint64_t physical = place->address;
    bool linear = place->space == SPACE_LINEAR, nested = view->eptp && place->space != SPACE_PHYSICAL;
    if (linear) {
        bool mapped = walk_first_stage(view, place->address, &first);
        show_first_stage(monitor, view, &first);
        if (!mapped) return;
        physical = first.look.result;
    }
    if (nested) {
        if (!show_guest(monitor, view, physical, &second)) return;
        physical = second.look.result;
    }
    const struct memory_type_found type =
        memory_type_of(view, linear ? &first : NULL, nested ? &second : NULL, physical);
    show_type(monitor, &type);
    show_physical(monitor, view, physical);
}

bool command_walk(struct monitor *monitor, const char *arguments) {
    struct roots roots;
    struct location place;
    struct wanted wanted;
    if (!*arguments)
        return monitor_error(
            monitor, "walk which address? walk [/rwxus] [cr3=EXPR] [eptp=EXPR] [eptp12=EXPR] [@LEVEL:][gpa:]ADDRESS");
    if (!take_access(monitor, &arguments, &wanted) || !take_roots(monitor, &arguments, &roots) ||
        !take_place(&monitor->look, &arguments, &place) || !take_end(&monitor->look, arguments) ||
        !use_roots(monitor, &roots, &place.view))
        return false;
    if (wanted.given && place.space != SPACE_LINEAR)
        return monitor_error(
            monitor, "walk with /r, /w, /x, /u or /s asks what comes of an access, by a linear address: leave gpa: "
                     "or phys: away");
    show_walk(monitor, &place);
    if (wanted.given) show_access(monitor, &place, &wanted);
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
