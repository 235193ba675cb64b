// A trace as text: step, cycle, processor, level, and what was seen.
#include "monitor/commands/disassemble.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include "monitor/trace/trace.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void instruction(struct monitor *monitor, uint64_t linear) {
    struct view view;
    struct instruction i;
    char name[160];
    if (!view_make(monitor, -1, &view)) return;
    symbols_name(monitor, (int)view.level, linear, name, sizeof name);
    bool read = disassemble(monitor, &view, SPACE_LINEAR, linear, 0, &i);
    print(monitor, "%016" PRIx64 "%s%s%s  %s\n", linear, *name ? " <" : "", name, *name ? ">" : "",
          read && i.length ? i.text : "(cannot be read)");
}

static void plain(struct monitor *monitor, const struct sight *s, unsigned level) {
    switch (s->kind) {
    case OBSERVE_INSTRUCTION: instruction(monitor, s->linear); break;
    case OBSERVE_BRANCH: print(monitor, "branch at RIP 0x%" PRIx64 " to 0x%" PRIx64 "\n", s->rip, s->value); break;
    case OBSERVE_MEMORY:
        print(monitor, "%s %u at linear 0x%" PRIx64 ", physical 0x%" PRIx64 ": 0x%" PRIx64 ", at RIP 0x%" PRIx64 "\n",
              s->write ? "write" : "read", s->size, s->linear, s->physical, s->value, s->rip);
        break;
    case OBSERVE_WALK:
        print(monitor, "walk, %s: entry 0x%" PRIx64 " at physical 0x%" PRIx64 ", for 0x%" PRIx64 "\n",
              s->number == 2 ? "EPT" : "page tables", s->value, s->physical, s->linear);
        break;
    default: sight_print(monitor, s, level);
    }
}

// What the functions above print goes to the file: for so long the monitor's output is another one.
static void see(struct trace *trace, struct cpu *cpu, const struct sight *sight, unsigned level) {
    struct monitor *monitor = trace->monitor;
    struct output before = monitor->output;
    unsigned processor = monitor->processor;
    monitor->output = *(struct output *)trace->data;
    monitor->output.used = 0;
    monitor->processor = cpu->id;
    print(monitor, "%" PRIu64 " %" PRIu64 " %u L%u ", sight->step, trace_cycle(cpu, sight), cpu->id, level);
    plain(monitor, sight, level);
    fwrite(monitor->output.text, 1, monitor->output.used, trace->file);
    *(struct output *)trace->data = monitor->output;
    monitor->output = before;
    monitor->processor = processor;
}

static bool begin(struct trace *trace) {
    trace->data = calloc(1, sizeof(struct output));
    fputs("# step cycle processor level, and what was seen\n", trace->file);
    return trace->data;
}

static void end(struct trace *trace) { output_free(trace->data); }

const struct trace_format trace_text = {.suffix = NULL, .begin = begin, .see = see, .end = end};
