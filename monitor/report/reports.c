// Reports begin, end, and are listed; see report.h.
#include "monitor/report/report.h"
#include "devices/history/timeline.h"
#include "monitor/expression/expression.h"
#include "monitor/files/files.h"
#include "monitor/show/names.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum report_kind kind;
    const struct detector *detector;
} detectors[] = {
#define KIND(word, id, text) {REPORT_##id, &detector_##id},
#define DETECTOR(kind, id) {REPORT_##kind, &detector_##id},
#include "monitor/report/kind.def"
#undef KIND
#undef DETECTOR
};

static const struct state_field count_fields[] = {
    STATE_ARRAY(struct report_counts, filed),
    STATE_ONE(struct report_counts, errors),
    STATE_ONE_TO(struct report_counts, seen, REPORT_SEEN),
    STATE_EACH(struct report_counts, of, key),
    STATE_EACH(struct report_counts, of, times),
    STATE_EACH(struct report_counts, of, step),
    STATE_EACH(struct report_counts, of, rip),
    STATE_EACH_TO(struct report_counts, of, rule, REPORT_RULES - 1),
    STATE_EACH(struct report_counts, of, level),
};
static const struct state_table count_state = STATE_TABLE("reports", count_fields);

// --- while the guest runs ---

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct reports *rs = context;
    const unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    for (uint64_t left = rs->seers[sight->kind]; left; left &= left - 1)
        detectors[__builtin_ctzll(left)].detector->see(rs, cpu, sight, level);
}

// --- beginning and ending ---

static bool take_kinds(struct monitor *monitor, const char *what, uint64_t *kinds) {
    char word[32];
    while (*what) {
        size_t length = strcspn(what, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, what);
        unsigned i = 0;
        while (i < REPORT_KINDS && strcmp(report_word(i), word) != 0) i++;
        if (i == REPORT_KINDS && strcmp(word, "all") != 0)
            return monitor_error(monitor, "report %s: there is no such kind (report alone lists them)", word);
        *kinds |= i < REPORT_KINDS ? BIT(i) : BIT(REPORT_KINDS) - 1;
        what += length + (what[length] == ',');
    }
    return *kinds || monitor_error(monitor, "report what? (report alone lists the kinds)");
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), n = strlen(end);
    return length > n && strcmp(text + length - n, end) == 0;
}

static bool open_sink(struct monitor *monitor, struct report_sink *s) {
    if (strcmp(s->path, "stop") == 0) return true;
    s->errors = strcmp(s->path, "stderr") == 0;
    s->json = ends_with(s->path, ".jsonl");
    s->file = s->errors ? written_errors() : written_open(s->path, WRITTEN_LINES);
    return s->file || monitor_error(monitor, "report %s=%s: %s", s->what, s->path, files_why());
}

static void sink_free(struct report_sink *s) {
    free(s->what);
    free(s->path);
    *s = (struct report_sink){0};
}

static bool take_sink(struct monitor *monitor, const char *text, struct report_sink *s) {
    char word[1024];
    take_word(&text, word, sizeof word);
    const char *file = strchr(word, '=');
    if (*text) return monitor_error(monitor, "report %s: what does %s mean? Nothing comes after the file", word, text);
    if (!file || !file[1])
        return monitor_error(monitor, "report %s: to where? (report %s=FILE, stderr or stop)", word,
                             *word ? word : "all");
    s->what = strndup(word, (size_t)(file - word));
    s->path = strdup(file + 1);
    if (!s->what || !s->path) return monitor_error(monitor, "report: not enough memory");
    return take_kinds(monitor, s->what, &s->kinds) && open_sink(monitor, s);
}

static struct reports *reports_of(struct monitor *monitor) {
    if (monitor->reports) return monitor->reports;
    struct reports *rs = monitor->reports = calloc(1, sizeof *rs);
    if (!rs) return NULL;
    rs->monitor = monitor;
    rs->follower = (struct follower){.table = &count_state, .object = &rs->counts};
    rs->observer = (struct observer){.follows = true, .context = rs, .see = see};
    machine_add_follower(monitor->look.machine, &rs->follower);
    machine_add_observer(monitor->look.machine, &rs->observer);
    return rs;
}

static bool begin_detector(struct reports *rs, unsigned i) {
    const struct detector *d = detectors[i].detector;
    if (d->bytes && !(rs->data[i] = calloc(1, d->bytes))) return false;
    rs->memory[i] = (struct follower){.table = d->memory, .object = rs->data[i]};
    if (d->memory) machine_add_follower(rs->monitor->look.machine, &rs->memory[i]);
    rs->detectors |= BIT(i);
    rs->observer.wanted |= d->wanted;
    for (unsigned kind = 0; kind < OBSERVE_COUNT; kind++)
        if (d->wanted & BIT(kind)) rs->seers[kind] |= BIT(i);
    return !d->begin || d->begin(rs);
}

static void end_detector(struct reports *rs, unsigned i) {
    const struct detector *d = detectors[i].detector;
    if (d->end) d->end(rs);
    if (d->memory) machine_remove_follower(rs->monitor->look.machine, &rs->memory[i]);
    if (d->bytes) free(rs->data[i]);
}

// Kinds that were not looked for yet.
static bool begin_kinds(struct reports *rs, uint64_t kinds) {
    const uint64_t others = kinds & ~rs->kinds;
    for (unsigned i = 0; i < REPORT_DETECTORS; i++)
        if (others & BIT(detectors[i].kind) && !(rs->detectors & BIT(i)) && !begin_detector(rs, i))
            return monitor_error(rs->monitor, "report: not enough memory");
    rs->kinds |= kinds;
    machine_observers_changed(rs->monitor->look.machine);
    return true;
}

// Checkpoints that were made before know nothing of what is followed now.
static bool begin_past(struct monitor *monitor) {
    struct timeline *t = monitor->run->timeline;
    return !t || timeline_begin_anew(t) || monitor_error(monitor, "report: not enough memory for the past");
}

bool reports_begin(struct monitor *monitor, const char *text) {
    names_begin(monitor);
    struct reports *rs = reports_of(monitor);
    if (!rs) return monitor_error(monitor, "report: not enough memory");
    if (rs->sinks == REPORT_SINKS) return monitor_error(monitor, "report: there are eight already, and can be no more");
    struct report_sink *s = &rs->sink[rs->sinks];
    bool begun = take_sink(monitor, text, s) && begin_kinds(rs, s->kinds) && begin_past(monitor);
    if (begun)
        rs->sinks++;
    else
        sink_free(s);
    return begun;
}

static bool close_sink(struct monitor *monitor, struct report_sink *s) {
    char why[300];
    bool written = !s->file || (s->errors ? written_flush(s->file) : written_close(s->file, why, sizeof why));
    if (!written && !s->errors) monitor_error(monitor, "report %s=%s: %s", s->what, s->path, why);
    sink_free(s);
    return written;
}

bool reports_end(struct monitor *monitor) {
    struct reports *rs = monitor->reports;
    bool written = true;
    if (!rs) return true;
    for (unsigned i = 0; i < REPORT_DETECTORS; i++)
        if (rs->detectors & BIT(i)) end_detector(rs, i);
    machine_remove_observer(monitor->look.machine, &rs->observer);
    machine_remove_follower(monitor->look.machine, &rs->follower);
    for (unsigned i = 0; i < rs->sinks; i++) written = close_sink(monitor, &rs->sink[i]) && written;
    output_free(&rs->text);
    free(rs);
    monitor->reports = NULL;
    return written;
}

void reports_forget(struct monitor *monitor) {
    if (monitor->reports) monitor->reports->pending.count = 0;
}

void reports_look_back(struct monitor *monitor, bool on) {
    if (monitor->reports) monitor->reports->looking_back = on;
}

bool reports_keep(struct monitor *monitor, struct reports_pending *kept) {
    const struct reports *rs = monitor->reports;
    if (!rs || !rs->pending.count) return false;
    *kept = rs->pending;
    return true;
}

void reports_recall(struct monitor *monitor, const struct reports_pending *kept) {
    if (monitor->reports) monitor->reports->pending = *kept;
}

void reports_tell(struct monitor *monitor) {
    struct reports *rs = monitor->reports;
    for (unsigned i = 0; rs && i < rs->pending.count; i++) {
        struct look look = monitor->look;
        look.processor = rs->pending.of[i].at.processor;
        report_print(&look, &rs->pending.of[i], rs->pending.times[i]);
    }
    reports_forget(monitor);
}

// --- the command ---

static void list_counts(struct monitor *monitor, const struct reports *rs) {
    const struct report_counts *c = &rs->counts;
    for (unsigned i = 0; i < c->seen; i++) {
        const struct report_row *row = report_row((enum report_rule)c->of[i].rule);
        print(monitor, "  %-7s %-7s %s: level %u, RIP 0x%" PRIx64 ", first at step %" PRIu64 ", %" PRIu64 " time%s\n",
              report_word(row->kind), row->class == REPORT_ERROR ? "error" : "advice", row->name, c->of[i].level,
              c->of[i].rip, c->of[i].step, c->of[i].times, c->of[i].times == 1 ? "" : "s");
    }
    if (!c->seen) print(monitor, "  nothing was reported\n");
}

static void list(struct monitor *monitor) {
    const struct reports *rs = monitor->reports;
    for (unsigned i = 0; rs && i < rs->sinks; i++) print(monitor, "report %s=%s\n", rs->sink[i].what, rs->sink[i].path);
    if (rs) {
        list_counts(monitor, rs);
        return;
    }
    print(monitor, "What can be reported:\n");
    for (unsigned i = 0; report_word(i); i++) print(monitor, "  %-9s %s\n", report_word(i), report_word_text(i));
    print(monitor, "  %-9s all of these\n", "all");
}

bool command_report(struct monitor *monitor, const char *arguments) {
    if (strcmp(arguments, "off") == 0) {
        bool was = monitor->reports, ended = reports_end(monitor);
        return (!was || begin_past(monitor)) && ended;
    }
    if (!*arguments) {
        list(monitor);
        return true;
    }
    bool begun = reports_begin(monitor, arguments);
    written_begin();
    return begun;
}
