// profile: which functions of which levels run, found by looking now and then. The steps at which it looks are the same
// in every run. Under a timing model each look also takes the cycles of the step that follows it, so that a function's
// cycles are in proportion to those of all its steps.
#include "devices/machine/machine_observe.h"
#include "monitor/drive/drive.h"
#include "monitor/expression/expression.h"
#include "monitor/files/files.h"
#include "monitor/files/written.h"
#include "monitor/symbols/symbols.h"
#include "monitor/unwind/unwind.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_STEPS = 10007, FRAMES_MOST = 48, TEXT_BYTES = 4096, PLACES = 1 << 14, SHOWN = 40 };

// Counts of texts: open addressing; what there is no room for is counted as others.
struct counts {
    struct counted {
        char *text; // NULL: free
        unsigned level;
        uint64_t count, cycles;
    } place[PLACES];
    unsigned used;
    uint64_t others, other_cycles;
};
struct profile {
    struct counts functions, stacks;
    uint64_t steps, every, samples, cycles;
    bool timed;                       // a model says what steps take
    struct counted *function, *stack; // of the look whose step is under way; NULL: none
    uint64_t before, processor;       // its cycles then
    char path[1024];                  // empty: no stacks
    struct written *file;
};

static uint64_t mix(const char *text, unsigned level) {
    uint64_t h = 0xcbf29ce484222325 + level; // FNV-1a
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 0x100000001b3;
    return h ^ h >> 32;
}

// NULL: it is one of the others.
static struct counted *count(struct counts *c, unsigned level, const char *text) {
    uint64_t at = mix(text, level);
    struct counted *p;
    for (;; at++) {
        p = &c->place[at % PLACES];
        if (!p->text || (p->level == level && strcmp(p->text, text) == 0)) break;
    }
    if (!p->text) {
        if (c->used == PLACES / 2 || !(p->text = strdup(text))) {
            c->others++;
            return NULL;
        }
        p->level = level;
        c->used++;
    }
    p->count++;
    return p;
}

static void counts_free(struct counts *c) {
    for (unsigned i = 0; i < PLACES; i++) free(c->place[i].text);
}

// --- looking ---

// Without offset; what has no name is told apart by whether it can be the kernel's.
static void function_of(const struct monitor *monitor, unsigned level, uint64_t address, char *text, size_t size) {
    symbols_name(monitor->look.symbols, (int)level, address, text, size);
    text[strcspn(text, "+")] = '\0';
    if (!*text) snprintf(text, size, "%s", address >> 63 ? "[kernel]" : "[user]");
    for (char *at = text; (at = strchr(at, ';'));) *at = ':';
}

static void put_before(char *text, const char *name) {
    size_t length = strlen(name), used = strlen(text);
    if (used + length + 2 > TEXT_BYTES) return;
    memmove(text + length + 1, text, used + 1);
    memcpy(text, name, length);
    text[length] = ';';
}

static void look_at_stack(struct monitor *monitor, struct profile *p, const struct view *view, char *text) {
    struct unwind u;
    char name[160];
    unwind_begin(&u, view, monitor->look.symbols, monitor->names.of[view->level].head);
    function_of(monitor, view->level, unwind_code(&u), text, TEXT_BYTES);
    for (unsigned i = 1; i < FRAMES_MOST && unwind_next(&u) && u.how != UNWIND_GUESS; i++) {
        function_of(monitor, view->level, unwind_code(&u), name, sizeof name);
        put_before(text, name);
    }
    snprintf(name, sizeof name, "L%u", view->level);
    put_before(text, name);
    p->stack = count(&p->stacks, view->level, text);
}

static uint64_t cycles_of(const struct machine *machine, uint64_t processor) {
    const struct cpu *cpu = machine_cpu(machine, (unsigned)processor);
    return cpu_cycles_now(cpu) - cpu->time.idle_cycles;
}

// The step after a look is over.
static void take_cycles(struct machine *machine, struct profile *p) {
    uint64_t took = cycles_of(machine, p->processor) - p->before;
    p->cycles += took;
    if (p->function) p->function->cycles += took;
    if (p->stack) p->stack->cycles += took;
    if (!p->stack) p->stacks.other_cycles += took;
}

static uint64_t sample(struct monitor *monitor, void *context) {
    struct profile *p = context;
    char text[TEXT_BYTES], error[160];
    struct machine *machine = monitor->look.machine;
    struct view view;
    bool ends = p->before;
    if (ends) take_cycles(machine, p);
    p->function = p->stack = NULL;
    p->before = 0;
    if (ends && p->every > 1) return p->every - 1;
    p->processor = machine_turn(machine);
    if (!view_of(machine, (unsigned)p->processor, -1, machine_history(machine), &view, error, sizeof error))
        return p->every;
    p->samples++;
    function_of(monitor, view.level, view_code_address(&view), text, sizeof text);
    p->function = count(&p->functions, view.level, text);
    if (p->file) look_at_stack(monitor, p, &view, text);
    if (!p->timed) return p->every;
    p->before = cycles_of(machine, p->processor);
    return 1;
}

// --- telling ---

static int by_count(const void *a, const void *b) {
    const struct counted *x = a, *y = b;
    if (x->cycles != y->cycles) return x->cycles > y->cycles ? -1 : 1;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    return x->text && y->text ? strcmp(x->text, y->text) : 0;
}

static void print_function(struct monitor *monitor, const struct profile *p, const struct counted *c) {
    const double looks = 100.0 * (double)c->count / (double)p->samples;
    print(monitor, "%5u  %10" PRIu64 "  %5.1f%%  ", c->level, c->count, looks);
    if (p->timed)
        print(monitor, "%5.1f%%  %8.2f  ", p->cycles ? 100.0 * (double)c->cycles / (double)p->cycles : 0,
              (double)c->cycles / (double)c->count);
    print(monitor, "%s\n", c->text);
}

static void print_functions(struct monitor *monitor, struct profile *p) {
    qsort(p->functions.place, PLACES, sizeof *p->functions.place, by_count);
    print(monitor, "%" PRIu64 " looks, one each %" PRIu64 " steps\n", p->samples, p->every);
    print_in(monitor, BOLD, "level  %10s  %6s  ", "looks", "share");
    if (p->timed) print_in(monitor, BOLD, "%6s  %8s  ", "cycles", "a step");
    print_in(monitor, BOLD, "function\n");
    for (unsigned i = 0; i < SHOWN && p->functions.place[i].count; i++)
        print_function(monitor, p, &p->functions.place[i]);
    if (p->functions.used > SHOWN) print(monitor, "       and %u more\n", p->functions.used - SHOWN);
}

// Of a look the steps that it stands for, or their cycles.
static void write_stacks(struct monitor *monitor, struct profile *p) {
    char why[300];
    qsort(p->stacks.place, PLACES, sizeof *p->stacks.place, by_count);
    for (unsigned i = 0; i < PLACES && p->stacks.place[i].count; i++) {
        const struct counted *c = &p->stacks.place[i];
        if (!p->timed || c->cycles)
            written_print(p->file, "%s %" PRIu64 "\n", c->text, p->timed ? c->cycles : c->count);
    }
    uint64_t others = p->timed ? p->stacks.other_cycles : p->stacks.others;
    if (others) written_print(p->file, "others %" PRIu64 "\n", others);
    if (written_close(p->file, why, sizeof why))
        print(monitor, "%u stacks in %s\n", p->stacks.used, p->path);
    else
        monitor_error(monitor, "profile: %s: %s", p->path, why);
}

// --- the command ---

// A word alone: what follows may be a path, not a division.
static bool take_number(struct monitor *monitor, const char **text, uint64_t *value) {
    char word[64];
    const char *at = word;
    if (!take_word(text, word, sizeof word)) return monitor_error(monitor, "profile: a number of steps is missing");
    return take_value(&monitor->look, &at, value) && take_end(&monitor->look, at);
}

static bool take(struct monitor *monitor, const char *text, struct profile *p) {
    char word[sizeof p->path];
    if (!*text) return monitor_error(monitor, "profile: how many steps? profile 10000000");
    p->every = USUAL_STEPS;
    if (!take_number(monitor, &text, &p->steps)) return false;
    while (take_word(&text, word, sizeof word)) {
        if (strcmp(word, "every") != 0)
            snprintf(p->path, sizeof p->path, "%s", word);
        else if (!take_number(monitor, &text, &p->every))
            return false;
    }
    if (!p->every || !p->steps || p->steps > INT64_MAX)
        return monitor_error(monitor, "profile: steps from 1 on, please: profile 10000000 every 10007");
    p->file = *p->path ? written_open(p->path, WRITTEN_LINES) : NULL;
    if (*p->path && !p->file) return monitor_error(monitor, "profile: %s: %s", p->path, files_why());
    written_begin();
    return true;
}

bool command_profile(struct monitor *monitor, const char *arguments) {
    struct profile *p = calloc(1, sizeof *p);
    if (!p) return monitor_error(monitor, "not enough memory");
    bool done = take(monitor, arguments, p);
    p->timed = machine_configuration(monitor->look.machine)->timing;
    if (done) {
        enum run_event event =
            drive_looking(monitor, machine_steps(monitor->look.machine) + p->steps, p->every, sample, p);
        print_functions(monitor, p);
        if (p->file) write_stacks(monitor, p);
        done = drive_stopped(monitor, event);
    }
    counts_free(&p->functions);
    counts_free(&p->stacks);
    free(p);
    return done;
}
