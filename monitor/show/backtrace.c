// bt: the calls that led here, level by level: those of the level that is looked at, then those of its hypervisor up to
// where it entered the guest, and so on down to level 0.
#include "monitor/explain/walk.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include "monitor/show/where.h"
#include "monitor/unwind/unwind.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FRAMES_MOST = 64 };

static void print_frame(struct monitor *monitor, const struct unwind *u, unsigned number) {
    struct source_place source;
    char name[160];
    int level = (int)u->view->level;
    print(monitor, "#%-3u%016" PRIx64, number, u->ip);
    if (*(u->exact ? symbols_name : symbols_name_behind)(monitor->look.symbols, level, u->ip, name, sizeof name))
        print_in(monitor, YELLOW, " <%s>", name);
    if (u->how == UNWIND_GUESS) print(monitor, " ?");
    if (symbols_line(monitor->look.symbols, level, unwind_code(u), &source))
        print_in(monitor, GREEN, "  %s:%u", source.shown, source.line);
    print(monitor, "\n");
}

static void print_head(struct monitor *monitor, const struct view *view, unsigned looked_at) {
    print_in(monitor, BOLD, "level %u", view->level);
    if (view->source == VIEW_HOST_AREA)
        print(monitor, ": where the next VM exit comes to\n");
    else if (view->source == VIEW_LIVE)
        print(monitor, ": runs\n");
    else if (view->level == looked_at)
        print(monitor, ": where it waits\n");
    else
        print(monitor, ": where it entered level %u\n", view->level + 1);
}

static unsigned print_level(struct monitor *monitor, const struct view *view, unsigned number, unsigned most) {
    struct unwind u;
    struct backing backing = {0};
    struct view with = *view;
    with.backing = &backing;
    unwind_begin(&u, &with, monitor->look.symbols, monitor->names.of[view->level].head);
    bool more = true;
    unsigned frames = 0;
    for (; more && frames < most; frames++) {
        print_frame(monitor, &u, number + frames);
        more = unwind_next(&u);
    }
    if (more)
        print(monitor, "    (there are more)\n");
    else
        print_in(monitor, DIM, "    (%s)\n", u.end);
    return frames;
}

// A number of frames for each level.
static bool take_most(struct monitor *monitor, const char *text, unsigned *most) {
    uint64_t value = FRAMES_MOST;
    text += strspn(text, " \t");
    if (*text && (!take_value(&monitor->look, &text, &value) || !take_end(&monitor->look, text))) return false;
    if (!value || value > FRAMES_MOST)
        return monitor_error(monitor, "bt: 1 to %d frames of each level can be had", FRAMES_MOST);
    *most = (unsigned)value;
    return true;
}

// [@LEVEL]: from that level on, else from the one that is looked at.
static bool take_level(struct monitor *monitor, const char **text, struct view *view) {
    uint64_t level;
    char word[8];
    if (**text != '@') return view_make(&monitor->look, monitor->look.level, view);
    if (!take_word(text, word, sizeof word) || !parse_number(word + 1, &level) || level >= VMX_LEVELS)
        return monitor_error(monitor, "bt %s: which level? bt @2 begins with level 2", word);
    return view_make(&monitor->look, (int)level, view);
}

bool command_backtrace(struct monitor *monitor, const char *arguments) {
    struct view view;
    unsigned most = 0, number = 0;
    if (!take_level(monitor, &arguments, &view) || !take_most(monitor, arguments, &most)) return false;
    const unsigned looked_at = view.level;
    for (unsigned level = looked_at;; level--) {
        if (level != looked_at && !view_make(&monitor->look, (int)level, &view)) return false;
        if (looked_at || view.source != VIEW_LIVE) print_head(monitor, &view, looked_at);
        number += print_level(monitor, &view, number, most);
        if (!level || (view.source == VIEW_LIVE && !view.level)) return true;
    }
}
