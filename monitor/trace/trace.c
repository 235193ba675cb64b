// The trace command and -trace: what is traced, to where; see trace.h.
#include "monitor/trace/trace.h"
#include "devices/history/timeline.h"
#include "monitor/expression/expression.h"
#include "monitor/files/files.h"
#include "monitor/show/names.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row {
    const char *word;
    uint64_t sights;
    const char *text;
} rows[] = {
#define SEEN(kind) BIT(OBSERVE_##kind)
#define TRACE(word, sights, text) {word, sights, text},
#include "monitor/trace/trace.def"
#undef TRACE
};
enum { ROWS = sizeof rows / sizeof *rows };
const char *trace_word(unsigned index) { return index < ROWS ? rows[index].word : NULL; }
const char *trace_word_text(unsigned index) { return rows[index].text; }

#define NESTS (SEEN(EXIT) | SEEN(ENTRY))

static const struct trace_format *const formats[] = {&trace_json, &trace_folded, &trace_stat, &trace_text};

static const struct trace_format *format_of(const char *path) {
    unsigned i = 0;
    for (size_t length = strlen(path); formats[i]->suffix; i++) {
        size_t suffix = strlen(formats[i]->suffix);
        if (length > suffix && strcmp(path + length - suffix, formats[i]->suffix) == 0) break;
    }
    return formats[i];
}

// --- while the guest runs ---

static bool in_range(const struct trace *trace, const struct sight *s) {
    bool data = s->kind == OBSERVE_MEMORY || s->kind == OBSERVE_WALK || s->kind == OBSERVE_TLB;
    uint64_t address = data ? s->linear : s->rip;
    return address >= trace->from && address <= trace->to;
}

// The machine was stopped before this instruction, and runs on.
static bool seen_before(struct trace *trace, const struct cpu *cpu, const struct sight *s) {
    if (s->kind != OBSERVE_INSTRUCTION) return false;
    bool before = trace->begun[cpu->id].step == s->step + 1 && trace->begun[cpu->id].linear == s->linear;
    trace->begun[cpu->id].step = s->step + 1;
    trace->begun[cpu->id].linear = s->linear;
    return before;
}

// Whether it was written when the guest did it first.
static bool written_before(struct trace *trace, const struct cpu *cpu, const struct sight *s) {
    if (trace->spans || !trace->past) return false;
    uint64_t step = s->step + cpu->wire.other_steps;
    bool past = timeline_in_past(trace->past), before = past && (trace->was_live || step < trace->highest);
    trace->was_live |= !past;
    if (step > trace->highest) trace->highest = step;
    return before;
}

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct trace *trace = context;
    if (written_before(trace, cpu, sight)) return;
    if (written_is_broken(trace->file) || seen_before(trace, cpu, sight)) return;
    unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    if (trace->format->nests && BIT(sight->kind) & NESTS) trace_follow(trace, cpu, sight, level);
    if (!trace->format->see || !(trace->wanted & BIT(sight->kind))) return;
    if ((trace->level != TRACE_ANY_LEVEL && (unsigned)trace->level != level) || !in_range(trace, sight)) return;
    trace->format->see(trace, cpu, sight, level);
    trace->lines++;
}

// --- beginning and ending ---

// "exits,io=FILE": the words, up to the '='. False after an error.
static bool take_what(struct monitor *monitor, struct trace *trace, const char *what) {
    char word[32];
    while (*what) {
        size_t length = strcspn(what, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, what);
        unsigned i = 0;
        while (i < ROWS && strcmp(rows[i].word, word) != 0) i++;
        if (i == ROWS && strcmp(word, "all") != 0)
            return monitor_error(monitor, "trace %s: nothing of that name can be traced (trace alone lists what can)",
                                 word);
        for (unsigned j = 0; j < ROWS; j++)
            if (i == j || i == ROWS) trace->wanted |= rows[j].sights;
        what += length + (what[length] == ',');
    }
    return trace->wanted || monitor_error(monitor, "trace what? (trace alone lists what can be traced)");
}

static bool take_level(struct monitor *monitor, const char **text, struct trace *trace) {
    uint64_t level;
    if (!take_value(&monitor->look, text, &level)) return false;
    if (level >= VMX_LEVELS)
        return monitor_error(monitor, "trace: there is no level %" PRIu64 "; the levels are 0 to %d", level,
                             VMX_LEVELS - 1);
    trace->level = (int)level;
    return true;
}

static bool take_range(struct monitor *monitor, const char **text, struct trace *trace) {
    char word[8];
    if (!take_value(&monitor->look, text, &trace->from)) return false;
    if (!take_word(text, word, sizeof word) || strcmp(word, "to") != 0)
        return monitor_error(monitor, "trace: a range is given as from ADDRESS to ADDRESS");
    if (!take_value(&monitor->look, text, &trace->to)) return false;
    return trace->from <= trace->to || monitor_error(monitor, "trace: the range ends before it begins");
}

static bool take_steps(struct monitor *monitor, const char **text, struct trace *trace) {
    char word[8];
    trace->spans = true;
    if (!take_value(&monitor->look, text, &trace->first)) return false;
    if (!take_word(text, word, sizeof word) || strcmp(word, "to") != 0)
        return monitor_error(monitor, "trace: a span is given as steps STEP to STEP");
    if (!take_value(&monitor->look, text, &trace->last)) return false;
    return trace->first <= trace->last || monitor_error(monitor, "trace: the span ends before it begins");
}

static bool take_limits(struct monitor *monitor, const char *text, struct trace *trace) {
    char word[16];
    while (take_word(&text, word, sizeof word)) {
        bool taken =
            strcmp(word, "level") == 0  ? take_level(monitor, &text, trace)
            : strcmp(word, "from") == 0 ? take_range(monitor, &text, trace)
            : strcmp(word, "steps") == 0
                ? take_steps(monitor, &text, trace)
                : monitor_error(
                      monitor,
                      "trace: what does %s mean? After the file may come level N, from ADDRESS to ADDRESS, and steps "
                      "STEP to STEP",
                      word);
        if (!taken) return false;
    }
    return true;
}

static bool open_file(struct monitor *monitor, struct trace *trace) {
    trace->format = format_of(trace->path);
    trace->file = written_open(trace->path, WRITTEN_LINES);
    if (!trace->file) return monitor_error(monitor, "trace %s=%s: %s", trace->what, trace->path, files_why());
    if (trace->format->begin && !trace->format->begin(trace)) return monitor_error(monitor, "trace: not enough memory");
    return true;
}

static void trace_free(struct trace *trace) {
    if (trace->file) (void)written_close(trace->file, NULL, 0);
    free(trace->data);
    free(trace->path);
    free(trace->what);
    free(trace);
}

static bool prepare(struct monitor *monitor, struct trace *trace, const char *text) {
    char word[1024];
    take_word(&text, word, sizeof word);
    char *file = strchr(word, '=');
    if (!file || !file[1]) return monitor_error(monitor, "trace %s: to which file? (trace exits,io=FILE)", word);
    *file++ = '\0';
    trace->path = strdup(file);
    trace->what = strdup(word);
    if (!trace->path || !trace->what) return monitor_error(monitor, "trace: not enough memory");
    return take_what(monitor, trace, word) && take_limits(monitor, text, trace) && open_file(monitor, trace);
}

// What the stack of a processor stands on when the trace begins: unknown levels wait below.
static void begin_stacks(struct trace *trace) {
    for (unsigned i = 0; machine_cpu(trace->look->machine, i); i++) {
        const struct cpu *cpu = machine_cpu(trace->look->machine, i);
        trace->stack[i].since = cpu_cycles_now(cpu);
    }
}

bool trace_start(struct monitor *monitor, const char *text) {
    names_begin(monitor);
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace) return monitor_error(monitor, "trace: not enough memory");
    trace->look = &monitor->look;
    trace->level = TRACE_ANY_LEVEL;
    trace->to = UINT64_MAX;
    if (!prepare(monitor, trace, text)) {
        trace_free(trace);
        return false;
    }
    begin_stacks(trace);
    trace->past = monitor->run->timeline;
    trace->was_live = trace->past && !timeline_in_past(trace->past);
    trace->observer = (struct observer){
        .wanted = trace->wanted | (trace->format->nests ? NESTS : 0), .again = true, .context = trace, .see = see};
    machine_add_observer(monitor->look.machine, &trace->observer);
    trace->next = monitor->traces;
    trace->number = trace->next ? trace->next->number + 1 : 1;
    monitor->traces = trace;
    return true;
}

static bool finish(struct monitor *monitor, struct trace *trace) {
    machine_remove_observer(monitor->look.machine, &trace->observer);
    if (trace->format->nests) trace_settle(trace);
    trace->format->end(trace);
    char why[300];
    bool written = written_close(trace->file, why, sizeof why);
    trace->file = NULL;
    if (!written) monitor_error(monitor, "trace %s=%s: %s", trace->what, trace->path, why);
    trace_free(trace);
    return written;
}

bool trace_end(struct monitor *monitor) {
    bool written = true;
    while (monitor->traces) {
        struct trace *trace = monitor->traces;
        monitor->traces = trace->next;
        written = finish(monitor, trace) && written;
    }
    return written;
}

bool trace_end_one(struct monitor *monitor, struct trace *trace) {
    struct trace **at = &monitor->traces;
    while (*at != trace) at = &(*at)->next;
    *at = trace->next;
    return finish(monitor, trace);
}

void trace_list(struct monitor *monitor) {
    for (const struct trace *t = monitor->traces; t; t = t->next)
        print(monitor, "trace %u: %s to %s, %" PRIu64 " so far%s\n", t->number, t->what, t->path, t->lines,
              written_is_broken(t->file) ? ", then it could not be written" : "");
    if (monitor->traces) return;
    print(monitor, "What can be traced:\n");
    for (unsigned i = 0; i < ROWS; i++) print(monitor, "  %-13s %s\n", rows[i].word, rows[i].text);
    print(monitor, "  %-13s all of these\n", "all");
}
