// Stacks with the cycles spent in them, one a line, as scripts that draw flame graphs read them: who ran, for whose VM
// exit, below whose.
#include "monitor/trace/trace.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATHS = 4096, PATH_BYTES = 900 };
struct folded {
    unsigned paths;
    struct path {
        char *text;
        uint64_t cycles;
    } path[PATHS];
    uint64_t others; // cycles of paths that there was no room for
};

// "L2 CPUID payload": the semicolon is taken.
static void frame_text(const struct trace *trace, const struct trace_frame *frame, char *text, size_t size) {
    char function[120];
    trace_frame_name(frame, text, size);
    size_t used = strlen(text);
    if (!*trace_frame_function(trace, frame, function, sizeof function)) return;
    snprintf(text + used, size - used, " %s", function);
    for (char *at = text; (at = strchr(at, ';'));) *at = ':';
}

static void path_of(const struct trace *trace, unsigned processor, char *text, size_t size) {
    const struct trace_stack *s = &trace->stack[processor];
    char name[160];
    size_t used = (size_t)snprintf(text, size, "cpu%u", processor);
    for (unsigned i = 0; i < s->frames && used < size; i++) {
        frame_text(trace, &s->frame[i], name, sizeof name);
        used += (size_t)snprintf(text + used, size - used, ";%s", name);
    }
    // level 0 at work, for those below
    bool guest_runs = s->frames && s->frame[s->frames - 1].reason == TRACE_RUNS;
    if (!guest_runs && used < size) snprintf(text + used, size - used, ";L0 runs");
}

static void spent(struct trace *trace, unsigned processor, uint64_t cycles) {
    struct folded *f = trace->data;
    char text[PATH_BYTES];
    path_of(trace, processor, text, sizeof text);
    unsigned i = 0;
    while (i < f->paths && strcmp(f->path[i].text, text) != 0) i++;
    if (i == f->paths) {
        char *copy = i < PATHS ? strdup(text) : NULL;
        if (!copy) {
            f->others += cycles;
            return;
        }
        f->path[f->paths++] = (struct path){copy, 0};
    }
    f->path[i].cycles += cycles;
}

static bool begin(struct trace *trace) { return (trace->data = calloc(1, sizeof(struct folded))); }

static int by_text(const void *a, const void *b) {
    return strcmp(((const struct path *)a)->text, ((const struct path *)b)->text);
}

static void end(struct trace *trace) {
    struct folded *f = trace->data;
    qsort(f->path, f->paths, sizeof *f->path, by_text);
    for (unsigned i = 0; i < f->paths; i++) {
        written_print(trace->file, "%s %" PRIu64 "\n", f->path[i].text, f->path[i].cycles);
        free(f->path[i].text);
    }
    if (f->others) written_print(trace->file, "others %" PRIu64 "\n", f->others);
}

const struct trace_format trace_folded = {
    .suffix = ".folded", .nests = true, .begin = begin, .spent = spent, .end = end};
