// The machine as the page drives it: a few functions, and the monitor's own commands with what they print. Everything
// that the monitor explains is there at once; what is drawn as tables comes as JSON. There is one machine at a time.
//
// The options are the program's own, so that the machine is the same one, and so are its hashes.
#include "web/files.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_input.h"
#include "monitor/commands/command.h"
#include "monitor/commands/complete.h"
#include "monitor/drive/drive.h"
#include "monitor/drive/marks.h"
#include "monitor/files/written.h"
#include "monitor/load/load.h"
#include "monitor/show/names.h"
#include "monitor/show/where.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include "monitor/trace/trace.h"
#include "web/api.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

enum { ARGUMENTS = 64 };

static struct page {
    struct options options;
    char *words;
    char *argument[ARGUMENTS + 1];
    struct console console;
    struct boot boot;
    struct run run;
    struct monitor monitor;
    struct output output, json;
    struct text {
        char *bytes;
        size_t used;
    } said, state; // by the last command; the last state
    bool there;
} page;

// What is printed in a call, as long as it lasts.
static void gather(void *context, const char *text, size_t bytes) {
    struct text *to = context;
    char *more = realloc(to->bytes, to->used + bytes + 1);
    if (!more) return;
    to->bytes = more;
    memcpy(more + to->used, text, bytes);
    to->used += bytes;
    more[to->used] = 0;
}

static const char *text_of(struct text *text) { return text->bytes && text->used ? text->bytes : ""; }

// --- memory and files ---
void *EXPORT(web_alloc)(size_t bytes) { return malloc(bytes + 1); }
void EXPORT(web_free)(void *at) { free(at); }
bool EXPORT(web_file_add)(const char *name, uint8_t *bytes, size_t size) { return web_file_put(name, bytes, size); }

// --- opening ---
static void close_page(void) {
    if (!page.there) return;
    struct monitor *monitor = &page.monitor;
    stops_free(monitor);
    marks_free(monitor);
    symbols_free(monitor->look.symbols);
    free(monitor->listing.path);
    free(monitor->prompt.repeat);
    timeline_free(page.run.timeline);
    machine_free(page.run.machine);
    boot_close(&page.boot);
    output_free(&page.output);
    output_free(&page.json);
    free(page.said.bytes);
    free(page.state.bytes);
    page.there = false;
}

// A line is an argument.
static int split(char *words) {
    int count = 0;
    for (char *next, *word = words; word && count < ARGUMENTS; word = next) {
        next = strchr(word, '\n');
        if (next) *next++ = 0;
        page.argument[count++] = word;
    }
    page.argument[count] = NULL;
    return count;
}

static bool make_machine(void) {
    struct options *o = &page.options;
    char error[200];
    const struct console_wish wish = {
        .serial = o->serial, .serial_ports = o->machine.serial_ports, .debug = o->debug_console, .keys = true};
    const struct boot_wish boot = {o->kernel, o->initrd, o->append, o->protocol, o->machine.ram_bytes};
    console_plan(&page.console, &wish);
    if (!o->kernel) return complain("the page boots a kernel (-kernel), and none was named");
    if (!boot_open(&page.boot, &boot)) return false;
    console_connect(&page.console, &o->machine);
    page.run.machine = machine_new(&o->machine, error, sizeof error);
    if (!page.run.machine) return complain("%s", error);
    return boot_load(&page.boot, page.run.machine);
}

static void begin_monitor(void) {
    page.monitor = (struct monitor){.look = {.machine = page.run.machine, .level = -1},
                                    .run = &page.run,
                                    .letting_go.may_run = true,
                                    .carry_out = monitor_command};
    page.output = (struct output){.write = gather, .context = &page.said, .fd = -1};
    page.json = (struct output){.write = gather, .context = &page.state, .fd = -1};
    monitor_print_to(&page.monitor, &page.output);
    page.run.monitored = true;
    drive_follow(&page.monitor);
}

// Lines of `words` are the program's arguments, its name first. What is wrong goes to the messages. `words` is the
// page's afterwards.
bool EXPORT(web_open)(char *words, uint64_t history_bytes) {
    close_page();
    free(page.words);
    page = (struct page){.words = words};
    if (options_parse(&page.options, split(words), page.argument) != PARSED_RUN) return false;
    page.run = (struct run){.options = &page.options, .console = &page.console, .hashed_step = UINT64_MAX};
    if (!make_machine()) return false;
    page.run.timeline = timeline_new(page.run.machine, history_bytes);
    if (!page.run.timeline) return complain("not enough memory to keep the past");
    page.there = true;
    begin_monitor();
    return true;
}

// --- driving ---
static void begin(void) { page.said.used = 0; }

static const char *finish(void) {
    output_flush(&page.output);
    (void)console_flush(&page.console);
    return text_of(&page.said);
}

const char *EXPORT(web_command)(const char *line) {
    const char *repeated = page.monitor.prompt.repeat;
    if (!page.there) return "there is no machine\n";
    begin();
    if (*line || repeated) (void)monitor_command(&page.monitor, *line ? line : repeated);
    return finish();
}

// At most so many steps, for a page that looks for its user in between. True: it may go on; false: something has
// stopped the guest, and web_text says what.
bool EXPORT(web_run)(uint64_t steps) {
    if (!page.there) return false;
    struct monitor *monitor = &page.monitor;
    begin();
    const enum run_event event = drive_until(monitor, machine_steps(page.run.machine) + steps);
    if (event == RUN_TARGET) return true;
    if (event != RUN_OVER) stops_report(monitor);
    where_print(monitor);
    return false;
}
const char *EXPORT(web_text)(void) { return finish(); }

// What is typed on the serial console. How much was taken.
size_t EXPORT(web_type)(const uint8_t *bytes, size_t count) {
    if (!page.there || page.run.console->stdin_port < 0) return 0;
    const uint8_t port = (uint8_t)page.run.console->stdin_port;
    const size_t room = machine_room(page.run.machine, INPUT_SERIAL, port);
    const uint32_t taken = (uint32_t)(count < room ? count : room);
    const struct input input = {.kind = INPUT_SERIAL, .unit = port, .bytes = taken, .data = bytes};
    return taken && machine_offer(page.run.machine, &input) ? taken : 0;
}

uint64_t EXPORT(web_steps)(void) { return page.there ? machine_steps(page.run.machine) : 0; }
uint64_t EXPORT(web_hash)(void) { return page.there ? machine_hash(page.run.machine) : 0; }

// The n-th way to go on with a line whose last word begins at `start`; "": there are no more.
const char *EXPORT(web_complete)(const char *line, int start, int n) {
    static char *last;
    if (!page.there) return "";
    free(last);
    last = complete_candidate(&page.monitor, line, line + start, start, n);
    return last ? last : "";
}

// What the page draws (state.c).
const char *EXPORT(web_state)(void) {
    if (!page.there) return "null";
    page.state.used = 0;
    web_state_print(&page.monitor, &page.json);
    output_flush(&page.json);
    return text_of(&page.state);
}
