// A trace for Perfetto and Chrome's tracing: the Trace Event Format, JSON array form. A process is a processor of the
// machine; its first track has VM exits as slices nested in each other, and each level has a track of when it ran.
// A microsecond on the screen is a cycle.
#include "monitor/trace/trace.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTED = 0, LEVELS = 1 }; // track numbers

struct json {
    bool open; // a record was written: the next one needs a comma
    int running[MACHINE_CPUS];
    uint64_t named[MACHINE_CPUS]; // tracks
};

// Begins a record; the caller closes it.
static void record(struct trace *trace, char phase, unsigned processor, unsigned track, uint64_t cycle) {
    struct json *j = trace->data;
    written_print(trace->file, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRIu64, j->open ? "," : "", phase,
                  processor, track, cycle);
    j->open = true;
}

static void name_track(struct trace *trace, unsigned processor, unsigned track) {
    struct json *j = trace->data;
    if (j->named[processor] >> track & 1) return;
    if (!j->named[processor]) {
        record(trace, 'M', processor, 0, 0);
        written_print(trace->file, ",\"name\":\"process_name\",\"args\":{\"name\":\"processor %u\"}}", processor);
    }
    j->named[processor] |= BIT(track);
    record(trace, 'M', processor, track, 0);
    if (track == NESTED)
        written_print(trace->file, ",\"name\":\"thread_name\",\"args\":{\"name\":\"VM exits\"}}");
    else
        written_print(trace->file, ",\"name\":\"thread_name\",\"args\":{\"name\":\"level %u\"}}", track - LEVELS);
}

static void run_level(struct trace *trace, unsigned processor, int level, uint64_t cycle) {
    struct json *j = trace->data;
    if (j->running[processor] == level) return;
    if (j->running[processor] >= 0) {
        record(trace, 'E', processor, LEVELS + (unsigned)j->running[processor], cycle);
        written_print(trace->file, "}");
    }
    j->running[processor] = level;
    if (level < 0) return;
    name_track(trace, processor, LEVELS + (unsigned)level);
    record(trace, 'B', processor, LEVELS + (unsigned)level, cycle);
    written_print(trace->file, ",\"name\":\"level %d runs\"}", level);
}

// The members of a sight that its row in cpu/watch/observe.def names.
// `function`: what the level was in; "": not known.
static void arguments(struct trace *trace, const struct sight *s, unsigned level, const char *function) {
    const struct observe_row *row = observe_row(s->kind);
    written_print(trace->file, ",\"args\":{\"step\":%" PRIu64 ",\"level\":%u,\"rip\":\"0x%" PRIx64 "\"", s->step, level,
                  s->rip);
    if (*function && !strpbrk(function, "\"\\")) written_print(trace->file, ",\"function\":\"%s\"", function);
    const struct {
        const char *text;
        uint64_t value;
    } members[] = {{row->number, s->number}, {row->value, s->value},       {row->old, s->old},
                   {row->linear, s->linear}, {row->physical, s->physical}, {row->information, s->information}};
    for (unsigned i = 0; i < sizeof members / sizeof *members; i++)
        if (*members[i].text)
            written_print(trace->file, ",\"%s\":\"0x%" PRIx64 "\"", members[i].text, members[i].value);
    written_print(trace->file, "}}");
}

static void push(struct trace *trace, unsigned processor, const struct trace_frame *frame) {
    char name[64], function[120];
    name_track(trace, processor, NESTED);
    record(trace, 'B', processor, NESTED, frame->begin);
    written_print(trace->file, ",\"name\":\"%s\"", trace_frame_name(frame, name, sizeof name));
    arguments(trace, &frame->sight, frame->level, trace_frame_function(trace, frame, function, sizeof function));
    run_level(trace, processor, frame->reason == TRACE_RUNS ? (int)frame->level : 0, frame->begin);
}

static void pop(struct trace *trace, unsigned processor, const struct trace_frame *frame, uint64_t cycle) {
    (void)frame;
    record(trace, 'E', processor, NESTED, cycle);
    written_print(trace->file, "}");
}

// Exits and entries are slices already.
static void see(struct trace *trace, struct cpu *cpu, const struct sight *s, unsigned level) {
    const struct observe_row *row = observe_row(s->kind);
    if (s->kind == OBSERVE_EXIT || s->kind == OBSERVE_ENTRY) return;
    name_track(trace, cpu->id, LEVELS + level);
    record(trace, 'i', cpu->id, LEVELS + level, trace_cycle(cpu, s));
    written_print(trace->file, ",\"s\":\"t\",\"name\":\"%s\"", row->name);
    arguments(trace, s, level, "");
}

static bool begin(struct trace *trace) {
    struct json *j = trace->data = calloc(1, sizeof *j);
    if (!j) return false;
    for (unsigned i = 0; i < MACHINE_CPUS; i++) j->running[i] = -1;
    written_print(trace->file, "[");
    return true;
}

static void end(struct trace *trace) {
    for (unsigned i = 0; machine_cpu(trace->look->machine, i); i++) {
        const struct cpu *cpu = machine_cpu(trace->look->machine, i);
        run_level(trace, i, -1, cpu_cycles_now(cpu));
    }
    written_print(trace->file, "\n]\n");
}

const struct trace_format trace_json = {
    .suffix = ".json", .nests = true, .begin = begin, .see = see, .push = push, .pop = pop, .end = end};
