// A trace as text: step, cycle, processor, level, and what was seen.
#include "monitor/show/disassemble.h"
#include "monitor/show/sight.h"
#include "monitor/symbols/symbols.h"
#include "monitor/trace/trace.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void instruction(const struct look *look, uint64_t linear) {
    struct view view;
    struct instruction i;
    char name[160];
    if (!view_make(look, -1, &view)) return;
    symbols_name(look->symbols, (int)view.level, linear, name, sizeof name);
    bool read = disassemble(look, &view, SPACE_LINEAR, linear, 0, &i);
    print(look, "%016" PRIx64 "%s%s%s  %s\n", linear, *name ? " <" : "", name, *name ? ">" : "",
          read && i.length ? i.text : "(cannot be read)");
}

// " <name>" or "".
static const char *named(const struct look *look, unsigned level, uint64_t address, char *text, size_t size) {
    char name[160];
    *text = '\0';
    if (*symbols_name(look->symbols, (int)level, address, name, sizeof name)) snprintf(text, size, " <%s>", name);
    return text;
}

static void plain(const struct look *look, const struct sight *s, unsigned level) {
    char name[176];
    switch (s->kind) {
    case OBSERVE_INSTRUCTION: instruction(look, s->linear); break;
    case OBSERVE_BRANCH:
        print(look, "branch at RIP 0x%" PRIx64 "%s", s->rip, named(look, level, s->rip, name, sizeof name));
        print(look, " to 0x%" PRIx64 "%s\n", s->value, named(look, level, s->value, name, sizeof name));
        break;
    case OBSERVE_MEMORY:
        print(look, "%s %u at linear 0x%" PRIx64 ", physical 0x%" PRIx64 ": 0x%" PRIx64 ", at RIP 0x%" PRIx64 "%s\n",
              s->write ? "write" : "read", s->size, s->linear, s->physical, s->value, s->rip,
              named(look, level, s->rip, name, sizeof name));
        break;
    case OBSERVE_WALK:
        print(look, "walk, %s: entry 0x%" PRIx64 " at physical 0x%" PRIx64 ", for 0x%" PRIx64 "\n",
              s->number == 2 ? "EPT" : "page tables", s->value, s->physical, s->linear);
        break;
    default: sight_print(look, s, level);
    }
}

// What the functions above print goes to the file: they are given a look with an output of its own.
static void see(struct trace *trace, struct cpu *cpu, const struct sight *sight, unsigned level) {
    struct look look = *trace->look;
    look.output = trace->data;
    look.processor = cpu->id;
    look.sight = NULL;
    print(&look, "%" PRIu64 " %" PRIu64 " %u L%u ", sight->step, trace_cycle(cpu, sight), cpu->id, level);
    plain(&look, sight, level);
    (void)written_put(trace->file, look.output->text, look.output->used);
    look.output->used = 0;
}

static bool begin(struct trace *trace) {
    trace->data = calloc(1, sizeof(struct output));
    written_print(trace->file, "# step cycle processor level, and what was seen\n");
    return trace->data;
}

static void end(struct trace *trace) { output_free(trace->data); }

const struct trace_format trace_text = {.suffix = NULL, .begin = begin, .see = see, .end = end};
