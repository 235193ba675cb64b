// symbols and export: names for addresses, read and written.
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include "monitor/show/names.h"
#include "monitor/symbols/symbols_file.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// [level N] [at ADDRESS]
static bool take_options(struct monitor *monitor, const char *text, int *level, struct symbols_place *place) {
    char word[16];
    uint64_t value;
    while (take_word(&text, word, sizeof word)) {
        bool is_level = strcmp(word, "level") == 0;
        if (!is_level && strcmp(word, "at") != 0)
            return monitor_error(monitor, "symbols: what does %s mean? After the file may come level N and at ADDRESS",
                                 word);
        if (!take_value(&monitor->look, &text, &value)) return false;
        if (is_level && value >= VMX_LEVELS)
            return monitor_error(monitor, "there is no level %" PRIu64 "; the levels are 0 to %d", value,
                                 VMX_LEVELS - 1);
        if (is_level)
            *level = (int)value;
        else
            *place = (struct symbols_place){.moved = true, .at = value};
    }
    return true;
}

static bool from_linux(struct monitor *monitor, int level, const struct symbols_place *place) {
    if (place->moved)
        return monitor_error(monitor, "symbols kallsyms: at ADDRESS is for files; Linux's own table says where it is");
    bool done = level < 0 ? names_of_every_linux(monitor) : names_of_linux(monitor, (unsigned)level);
    if (done) symbols_list(monitor->look.symbols, monitor->output);
    return done;
}

static bool from_file(struct monitor *monitor, const char *from, int level, const struct symbols_place *place) {
    struct symbol_table *table = symbols_table_new(&monitor->look.symbols, from, level);
    if (!table)
        return monitor_error(monitor, "symbols %s: there are as many tables as there can be; symbols clear drops them",
                             from);
    const char *error = symbols_from_file(table, from, place);
    if (error) {
        symbols_table_drop(monitor->look.symbols, table);
        return monitor_error(monitor, "symbols %s: %s", from, error);
    }
    symbols_table_done(table);
    if (symbols_drop_same(monitor->look.symbols, table)) print(monitor, "(these symbols were there already)\n");
    symbols_list(monitor->look.symbols, monitor->output);
    return true;
}

bool command_symbols(struct monitor *monitor, const char *arguments) {
    char from[1024];
    int level = SYMBOLS_ANY_LEVEL;
    struct symbols_place place = {0};
    if (!take_word(&arguments, from, sizeof from)) {
        symbols_list(monitor->look.symbols, monitor->output);
        return true;
    }
    if (strcmp(from, "clear") == 0) {
        names_forget(monitor);
        return true;
    }
    if (!take_options(monitor, arguments, &level, &place)) return false;
    return strcmp(from, "kallsyms") == 0 ? from_linux(monitor, level, &place) : from_file(monitor, from, level, &place);
}

bool command_export(struct monitor *monitor, const char *arguments) {
    char path[1024], word[16] = "", error[1200];
    uint64_t level = 0;
    if (!take_word(&arguments, path, sizeof path))
        return monitor_error(monitor, "export into which file? export FILE [level N]");
    bool all = !take_word(&arguments, word, sizeof word);
    if (!all &&
        (!word_is(word, "level", 1) || !take_word(&arguments, word, sizeof word) || !parse_number(word, &level)))
        return monitor_error(monitor, "export %s: what does %s mean? level N may follow the file", path, word);
    size_t count =
        symbols_export(monitor->look.symbols, all ? SYMBOLS_ANY_LEVEL : (int)level, path, error, sizeof error);
    if (!count) return monitor_error(monitor, "export: %s", error);
    print(monitor, "%zu symbols in %s\n", count, path);
    return true;
}
