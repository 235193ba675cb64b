// when-written, when-mapped: when a value changed last.
#include "monitor/drive/asking.h"
#include "monitor/drive/back.h"
#include "monitor/expression/expression.h"
#include "monitor/explain/walk.h"
#include "monitor/show/copied.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// -all in front or behind.
static bool take_all(const char **text) {
    static const char all[] = "-all";
    *text += strspn(*text, " ");
    size_t length = strlen(*text), own = sizeof all - 1;
    bool first = !strncmp(*text, all, own) && ((*text)[own] == ' ' || !(*text)[own]);
    if (first) *text += own + strspn(*text + own, " ");
    return first || (length > own && !strcmp(*text + length - own, all) && (*text)[length - own - 1] == ' ');
}

static void tell_nothing(struct monitor *monitor, const struct asking *a, const char *name) {
    struct timeline_facts f;
    timeline_facts(a->timeline, &f);
    print(monitor, "%s has not changed since step %" PRIu64 ", where the past begins.\n", name, f.first.steps);
}

static void tell_unsearched(struct monitor *monitor, const struct change *c) {
    if (c->unsearched)
        print_in(monitor, DIM,
                 "  (not looked for: changes that were undone, in %" PRIu64 " later steps; -all looks there)\n",
                 c->unsearched);
}

// The last change of other bits than those of `mask`.
static enum search last_change(struct asking *a, const struct asked *asked, enum search_depth depth, uint64_t mask,
                               struct change *change, const char **wrong) {
    enum search found = asked_changed(a, asked, depth, change, wrong);
    while (found == SEARCH_FOUND && mask && !((change->old ^ change->now) & ~mask)) {
        if (!timeline_go_step(a->timeline, change->step, wrong)) return SEARCH_WRONG;
        found = asked_changed(a, asked, depth, change, wrong);
    }
    return found;
}

// Of several pieces the one that changed last; *told is about that one then.
static enum search last_of_pieces(struct asking *a, const struct asked *asked, enum search_depth depth, uint64_t mask,
                                  struct asked *told, struct change *last, const char **wrong) {
    struct position from;
    enum search found = SEARCH_NOTHING;
    uint64_t unsearched = 0;
    machine_position(a->look.machine, &from);
    for (unsigned i = 0; i < asked->pieces; i++) {
        struct asked one = *asked;
        struct change change;
        one.place = asked->piece[i];
        if (i && !timeline_go(a->timeline, &from, wrong)) return SEARCH_WRONG;
        enum search piece = last_change(a, &one, depth, mask, &change, wrong);
        if (piece == SEARCH_WRONG) return piece;
        if (change.unsearched > unsearched) unsearched = change.unsearched;
        if (piece == SEARCH_NOTHING || (found == SEARCH_FOUND && change.step <= last->step)) continue;
        found = SEARCH_FOUND;
        *last = change;
        *told = one;
        place_name(&one.place, told->name, sizeof told->name);
    }
    last->unsearched = unsearched;
    return found;
}

static bool answer(struct asking *a, const struct asked *question, enum search_depth depth, uint64_t mask) {
    struct monitor *monitor = a->monitor;
    const char *wrong = NULL;
    struct change change = {0};
    struct asked which = *question;
    const struct asked *asked = &which;
    enum search found = question->pieces > 1 ? last_of_pieces(a, question, depth, mask, &which, &change, &wrong)
                                             : last_change(a, question, depth, mask, &change, &wrong);
    switch (found) {
    case SEARCH_WRONG:
        return monitor_error(monitor, "%s",
                             wrong && !strcmp(wrong, "interrupted") ? wrong : "the past cannot be replayed");
    case SEARCH_NOTHING:
        tell_nothing(monitor, a, asked->name);
        tell_unsearched(monitor, &change);
        return true;
    default: break;
    }
    print(monitor, "%s: ", asked->name);
    bool told = change_print(a, &change);
    tell_unsearched(monitor, &change);
    return told;
}

bool command_when_written(struct monitor *monitor, const char *arguments) {
    struct asked asked;
    struct asking asking;
    uint64_t step;
    char text[512];
    bool all = take_all(&arguments);
    if (!back_timeline(monitor)) return false;
    if (!*arguments)
        return monitor_error(
            monitor, "when was what written? when-written rax, u32[rsp + 8], GUEST_CR3, IA32_EFER, gpa:0x1000, ...");
    snprintf(text, sizeof text, "%s", arguments);
    if (all && strlen(text) >= 4 && !strcmp(text + strlen(text) - 4, "-all")) text[strlen(text) - 4] = 0;
    arguments = text;
    if (!take_asked_range(&monitor->look, &arguments, &asked) || !take_before(monitor, &arguments, &step) ||
        !take_end(&monitor->look, arguments) || !asking_begin(monitor, step, &asking))
        return false;
    bool done = answer(&asking, &asked, all ? SEARCH_STORES : SEARCH_QUICKLY, 0);
    return asking_end(&asking) && done;
}

// --- the tables of an address ---

enum { STAGES = VMX_LEVELS + 1 };
#define EPT_FLAGS BITS(9, 8)
struct tables {
    struct asked asked[STAGES * LOOK_ENTRIES];
    uint64_t flags[STAGES * LOOK_ENTRIES]; // that translations set: accessed, dirty
    unsigned count;
};

// `guest`: of the EPT that was written for that level; 0: of the linear stage, or of the processor's EPT.
static void add_entry(struct tables *t, const struct view *view, const struct walk *walk, unsigned entry,
                      unsigned guest) {
    if (t->count == STAGES * LOOK_ENTRIES) return;
    struct asked *a = &t->asked[t->count];
    uint64_t at = walk->look.entry[entry].at;
    (void)walk_entry_physical(view, walk, entry, &at);
    *a = (struct asked){.view = *view};
    a->place = (struct place){.space = PLACE_PHYSICAL,
                              .processor = (uint8_t)view->cpu->id,
                              .bytes = walk->kind == WALK_32 ? 4 : 8,
                              .address = at};
    bool ept = walk->kind == WALK_EPT;
    int used =
        snprintf(a->name, sizeof a->name, "%s%s at 0x%" PRIx64, ept ? "EPT " : "", walk_entry_name(walk, entry), at);
    if (ept && guest && used > 0 && (size_t)used < sizeof a->name)
        snprintf(a->name + used, sizeof a->name - (size_t)used, ", of the EPT of level %u", guest - 1);
    t->flags[t->count++] = walk->kind == WALK_EPT ? EPT_FLAGS : BITS(6, 5);
}

// An entry that maps nothing at this moment.
static void tell_not_mapped(struct monitor *monitor, const struct asked *asked, uint64_t flags) {
    uint64_t value = 0, present = flags == EPT_FLAGS ? BITS(2, 0) : 1;
    if (place_read(monitor->look.machine, &asked->place, &value) && !(value & present))
        print(monitor, "%s is 0x%" PRIx64 ": not mapped.\n", asked->name, value);
}

// The tables that the hypervisors of a guest's guest wrote, from level to level. The last of them is level 0's.
static void find_own_tables(const struct view *view, uint64_t guest, struct tables *t) {
    struct walk walk;
    bool maps = true;
    for (unsigned level = view->has_own_ept && view->level > 1 ? view->level : 0; level > 0 && maps; level--) {
        if (!view->own_ept[level]) continue;
        maps = walk_own_stage(view, level, guest, &walk);
        for (unsigned i = 0; i < walk.look.count; i++) add_entry(t, view, &walk, i, level);
        guest = walk.look.result;
    }
}

// Every entry that the translation reads, down to memory.
static void find_tables(const struct location *at, struct tables *t) {
    struct walk walk;
    uint64_t guest = at->address;
    bool maps = true;
    t->count = 0;
    if (at->space == SPACE_LINEAR) {
        maps = walk_first_stage(&at->view, guest, &walk);
        for (unsigned i = 0; i < walk.look.count; i++) add_entry(t, &at->view, &walk, i, 0);
        guest = walk.look.result;
    }
    if (!maps || !at->view.eptp || at->space == SPACE_PHYSICAL) return;
    (void)walk_second_stage(&at->view, guest, &walk);
    for (unsigned i = 0; i < walk.look.count; i++) add_entry(t, &at->view, &walk, i, 0);
    find_own_tables(&at->view, guest, t);
}

bool command_when_mapped(struct monitor *monitor, const char *arguments) {
    struct location at;
    struct tables tables;
    struct asking asking;
    uint64_t step;
    bool done = true;
    if (!back_timeline(monitor)) return false;
    if (!*arguments) return monitor_error(monitor, "when was which address mapped? when-mapped [@LEVEL:][gpa:]ADDRESS");
    if (!take_place(&monitor->look, &arguments, &at) || !take_before(monitor, &arguments, &step) ||
        !take_end(&monitor->look, arguments))
        return false;
    find_tables(&at, &tables);
    if (!tables.count) return monitor_error(monitor, "no tables translate this address: it is physical");
    for (unsigned i = 0; i < tables.count && done; i++) {
        if (!asking_begin(monitor, step, &asking)) return false;
        if (step == ~0ull) tell_not_mapped(monitor, &tables.asked[i], tables.flags[i]);
        done = answer(&asking, &tables.asked[i], SEARCH_QUICKLY, tables.flags[i]);
        done = asking_end(&asking) && done;
    }
    return done;
}
