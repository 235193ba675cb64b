// break and watch: stops at addresses, and at what changes.
#include "monitor/explain/msr_name.h"
#include "monitor/explain/walk.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum point_space point_spaces[] = {
    [SPACE_LINEAR] = POINT_LINEAR, [SPACE_GPA] = POINT_GUEST_PHYSICAL, [SPACE_PHYSICAL] = POINT_PHYSICAL};

// Only the level that is named counts.
static int level_named(const char *text, const struct location *place) {
    return text[strspn(text, " \t")] == '@' ? (int)place->view.level : -1;
}

static void title_place(struct stop *stop, const char *what, const struct location *place) {
    char name[64];
    symbols_name(stop->monitor->look.symbols, (int)place->view.level, place->address, name, sizeof name);
    snprintf(stop->title, sizeof stop->title, "%s %s%s0x%" PRIx64 "%s%s%s", what,
             place->space == SPACE_LINEAR ? "" : space_names[place->space], place->space == SPACE_LINEAR ? "" : ":",
             place->address, *name && place->space == SPACE_LINEAR ? " <" : "",
             place->space == SPACE_LINEAR ? name : "", *name && place->space == SPACE_LINEAR ? ">" : "");
}

static void title_source(struct stop *stop, const struct location *place) {
    struct source_place source;
    size_t used = strlen(stop->title);
    if (place->space != SPACE_LINEAR ||
        !symbols_line(stop->monitor->look.symbols, (int)place->view.level, place->address, &source))
        return;
    snprintf(stop->title + used, sizeof stop->title - used, ", %s:%u", source.shown, source.line);
}

// What is seldom meant: an address that no fetch can have, or where nothing is mapped now.
static void remark_on_place(struct monitor *monitor, const struct location *place) {
    struct view now;
    char error[160];
    uint64_t guest_physical;
    if (place->space != SPACE_LINEAR) return;
    if (!cpu_canonical(look_cpu(&monitor->look), place->address)) {
        print(monitor, "   this address is not canonical: no fetch comes from there\n");
        return;
    }
    const bool there = view_of(monitor->look.machine, monitor->look.processor, (int)place->view.level,
                               place->view.history, &now, error, sizeof error);
    if (!there || walk_linear_to_guest(&now, place->address, &guest_physical)) return;
    print(monitor, "   nothing is mapped there now (walk @%u:0x%" PRIx64 "): it stops when something is, and runs\n",
          now.level, place->address);
}

// As in gdb: "*EXPRESSION" is the address itself. A copy without the star; to be freed.
static char *without_star(const char *arguments) {
    char *copy = strdup(arguments);
    if (!copy) return NULL;
    char *at = copy + strspn(copy, " \t");
    if (*at == '@') at += strcspn(at, ":") + (strchr(at, ':') != NULL);
    at += strspn(at, " \t");
    if (*at == '*') *at = ' ';
    return copy;
}

static bool break_at(struct monitor *monitor, const char *arguments, bool once) {
    struct location place;
    const char *from = arguments;
    if (!take_future_place(&monitor->look, &arguments, &place)) return false;
    struct stop *stop = stop_new(monitor, "");
    if (!stop) return false;
    title_place(stop, "break", &place);
    title_source(stop, &place);
    stop->level = level_named(from, &place);
    stop->once = once;
    stop->has_point = true;
    stop->point.address = place.address;
    stop->point.space = point_spaces[place.space];
    stop->point.access = POINT_EXECUTE;
    if (!stop_install(monitor, stop, arguments)) return false;
    remark_on_place(monitor, &place);
    return true;
}

static bool set_break(struct monitor *monitor, const char *arguments, bool once) {
    if (!*arguments) return monitor_error(monitor, "break where? break [@LEVEL:][gpa:|phys:]ADDRESS [if EXPRESSION]");
    char *plain = without_star(arguments);
    bool done = plain ? break_at(monitor, plain, once) : monitor_error(monitor, "not enough memory");
    free(plain);
    return done;
}

bool command_break(struct monitor *monitor, const char *arguments) { return set_break(monitor, arguments, false); }
bool command_tbreak(struct monitor *monitor, const char *arguments) { return set_break(monitor, arguments, true); }

// --- watch ---

// False: the level that runs does not have it.
static bool register_value(struct stop *stop, unsigned processor, uint64_t *value) {
    struct view view;
    char error[8];
    unsigned before = stop->monitor->look.processor;
    stop->monitor->look.processor = processor;
    bool known = view_make(&stop->monitor->look, -1, &view) &&
                 name_value(&view, stop->name.kind, stop->name.value, value, error, sizeof error);
    stop->monitor->look.processor = before;
    return known;
}

static bool register_changed(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    struct watched_value *w = &stop->of[cpu->id];
    uint64_t value;
    (void)sight;
    bool known = register_value(stop, cpu->id, &value), changed = known && w->known && value != w->value;
    if (changed) w->old = w->value;
    if (known) w->value = value;
    w->known |= known;
    return changed;
}

void stop_watch_begin(struct stop *stop) {
    if (stop->filter != register_changed) return;
    for (unsigned i = 0; machine_cpu(stop->monitor->look.machine, i); i++)
        stop->of[i].known = register_value(stop, i, &stop->of[i].value);
}

static bool number_is(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    (void)cpu;
    return sight->number == stop->number_wanted;
}

// Registers are compared before each instruction; CRs, MSRs and VMCS fields are watched where they are written.
static void watch_name(struct stop *stop, const char *word, struct name name) {
    struct vmx_field field;
    stop->name = name;
    stop->filter = number_is;
    if (name.kind == NAME_FIELD && vmx_field((unsigned)name.value, &field)) {
        stop->wanted = (stop->read_wanted ? BIT(OBSERVE_VMREAD) : 0) | (stop->write_wanted ? BIT(OBSERVE_VMWRITE) : 0);
        stop->number_wanted = field.encoding;
    } else if (name.kind == NAME_MSR) {
        stop->wanted =
            (stop->read_wanted ? BIT(OBSERVE_MSR_READ) : 0) | (stop->write_wanted ? BIT(OBSERVE_MSR_WRITE) : 0);
        stop->number_wanted = name.value;
    } else if ((word[0] | 32) == 'c' && (word[1] | 32) == 'r' && !word[3] && word[2] != '2') {
        stop->wanted = BIT(OBSERVE_CONTROL_REGISTER);
        stop->number_wanted = (uint64_t)(word[2] - '0');
    } else {
        stop->wanted = BIT(OBSERVE_INSTRUCTION);
        stop->filter = register_changed;
    }
}

static bool watch_register(struct monitor *monitor, const char *word, struct name name, const char *rest,
                           struct stop *stop) {
    if (stop->read_wanted && name.kind == NAME_REGISTER) {
        stop_discard(stop);
        return monitor_error(monitor, "watch -r %s: reads of a register cannot be seen", word);
    }
    const char *access = !stop->read_wanted ? "" : stop->write_wanted ? "-a " : "-r ";
    snprintf(stop->title, sizeof stop->title, "watch %s%s", access, word);
    watch_name(stop, word, name);
    return stop_install(monitor, stop, rest);
}

// The size: what follows the address, else that of the memory or the symbol that is named, else 8 bytes.
static bool take_watched(struct monitor *monitor, const char **arguments, struct location *place, uint64_t *bytes) {
    *bytes = 0;
    if (!take_memory_place(&monitor->look, arguments, place, bytes)) return false;
    if (!*bytes) *bytes = symbols_size(monitor->look.symbols, (int)place->view.level, place->address);
    if (!*bytes) *bytes = 8;
    bool has_bytes = **arguments && strncmp(*arguments, "if", 2) != 0;
    if (has_bytes && !take_value(&monitor->look, arguments, bytes)) return false;
    if (*bytes && *bytes <= 1 << 20) return true;
    return monitor_error(monitor, "watch: %" PRIu64 " bytes; 1 to 0x100000 can be watched", *bytes);
}

static bool watch_memory(struct monitor *monitor, const char *arguments, struct stop *stop) {
    struct location place;
    uint64_t bytes;
    const char *from = arguments;
    size_t used;
    if (!take_watched(monitor, &arguments, &place, &bytes)) {
        stop_discard(stop);
        return false;
    }
    title_place(stop, stop->read_wanted ? stop->write_wanted ? "watch -a" : "watch -r" : "watch", &place);
    used = strlen(stop->title);
    snprintf(stop->title + used, sizeof stop->title - used, ", %" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    stop->level = level_named(from, &place);
    stop->has_point = true;
    stop->point.address = place.address;
    stop->point.bytes = bytes;
    stop->point.space = point_spaces[place.space];
    stop->point.access = (stop->read_wanted ? POINT_READ : 0) | (stop->write_wanted ? POINT_WRITE : 0);
    return stop_install(monitor, stop, arguments);
}

bool command_watch(struct monitor *monitor, const char *arguments) {
    char word[64], access = 'w';
    if (arguments[0] == '-' && arguments[1] && strchr("rwa", arguments[1]) && arguments[2] == ' ') {
        access = arguments[1];
        arguments += 2 + strspn(arguments + 2, " ");
    }
    const char *rest = arguments;
    if (!take_word(&rest, word, sizeof word))
        return monitor_error(monitor,
                             "watch what? watch [-r|-w|-a] ADDRESS[, BYTES] | MEMORY | REGISTER | MSR | VMCS-FIELD");
    struct stop *stop = stop_new(monitor, "");
    if (!stop) return false;
    stop->read_wanted = access != 'w';
    stop->write_wanted = access != 'r';
    struct name name = name_find(&monitor->look, word + (word[0] == '$'), false);
    bool alone = !*rest || strncmp(rest, "if", 2) == 0;
    if (alone && name.kind != NAME_NONE && name.kind != NAME_NUMBER)
        return watch_register(monitor, word, name, rest, stop);
    return watch_memory(monitor, arguments, stop);
}
