// Moments with names, and those that undo goes back to.
#include "monitor/drive/marks.h"
#include "devices/history/timeline.h"
#include "monitor/drive/back.h"
#include "monitor/drive/drive.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 32, UNDONE = 32 };
struct marks {
    struct mark {
        char name[32];
        struct position at;
    } mark[MARKS];
    unsigned count;
    struct position before[UNDONE]; // each of the last commands that moved
    unsigned undone;
};

void marks_free(struct monitor *monitor) { free(monitor->marks); }

static bool marks_make(struct monitor *monitor) {
    return monitor->marks || (monitor->marks = calloc(1, sizeof *monitor->marks));
}

static struct mark *find(const struct monitor *monitor, const char *name) {
    struct marks *m = monitor->marks;
    for (unsigned i = 0; m && i < m->count; i++)
        if (!strcmp(m->mark[i].name, name)) return &m->mark[i];
    return NULL;
}

bool mark_find(const struct monitor *monitor, const char *name, struct position *at) {
    const struct mark *mark = find(monitor, name);
    if (mark) *at = mark->at;
    return mark;
}

bool mark_at(const struct monitor *monitor, unsigned index, struct position *at) {
    const struct marks *m = monitor->marks;
    if (!m || index >= m->count) return false;
    *at = m->mark[index].at;
    return true;
}

const char *mark_name(const struct monitor *monitor, unsigned index) {
    unsigned own = monitor->marks ? monitor->marks->count : 0;
    struct position at;
    return index < own ? monitor->marks->mark[index].name : replay_mark(monitor->run, index - own, &at);
}

static bool list_marks(struct monitor *monitor) {
    const struct marks *m = monitor->marks;
    for (unsigned i = 0; m && i < m->count; i++)
        print(monitor, "%-16s step %" PRIu64 "\n", m->mark[i].name, m->mark[i].at.steps);
    struct position at;
    const char *name;
    unsigned recorded = 0;
    for (; (name = replay_mark(monitor->run, recorded, &at)); recorded++)
        print(monitor, "%-16s step %" PRIu64 ", in the recording\n", name, at.steps);
    if ((!m || !m->count) && !recorded) print(monitor, "No marks. mark NAME makes one here.\n");
    return true;
}

// Letters of any language, and no quotation marks, which somebody else may have left around nothing.
static bool is_name(const char *name) {
    unsigned char first = (unsigned char)*name;
    if (!isalpha(first) && first != '_' && first < 0x80) return false;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '"' || *c == '\'') return false;
    return true;
}

bool command_mark(struct monitor *monitor, const char *name) {
    if (!*name) return list_marks(monitor);
    struct mark *mark = find(monitor, name);
    if (!back_timeline(monitor)) return false;
    if (strlen(name) >= sizeof mark->name || !is_name(name))
        return monitor_error(monitor,
                             "mark: a name begins with a letter, has no spaces or quotation marks, and at most "
                             "31 characters");
    if (!strcmp(name, "end"))
        return monitor_error(monitor, "mark: %s has a meaning of its own (goto end); choose another name", name);
    if (!marks_make(monitor)) return monitor_error(monitor, "not enough memory");
    if (!mark && monitor->marks->count == MARKS) return monitor_error(monitor, "there can be %d marks", MARKS);
    if (!mark) mark = &monitor->marks->mark[monitor->marks->count++];
    if (*mark->name) print(monitor, "%s was at step %" PRIu64 " and is here now.\n", name, mark->at.steps);
    strcpy(mark->name, name);
    machine_position(monitor->look.machine, &mark->at);
    record_mark(monitor->run, mark->name, &mark->at);
    if (!timeline_in_past(monitor->run->timeline)) (void)timeline_keep(monitor->run->timeline);
    return true;
}

// --- undo ---

void marks_note_move(struct monitor *monitor, const struct position *before) {
    struct position now;
    machine_position(monitor->look.machine, &now);
    if (position_same(before, &now) || !marks_make(monitor)) return;
    struct marks *m = monitor->marks;
    if (m->undone == UNDONE) memmove(m->before, m->before + 1, --m->undone * sizeof *m->before);
    m->before[m->undone++] = *before;
}

bool command_undo(struct monitor *monitor, const char *arguments) {
    struct marks *m = monitor->marks;
    (void)arguments;
    if (!back_timeline(monitor)) return false;
    if (!m || !m->undone) return monitor_error(monitor, "no command has moved the guest; there is nothing to undo");
    const struct position before = m->before[m->undone - 1];
    if (!back_to_position(monitor, &before)) return false;
    m->undone--;
    return drive_stopped(monitor, RUN_TARGET);
}
