// What Tab completes to; see complete.h. The words that a command's row spells out literally (lower case, or with a
// minus) are candidates for its arguments, before names and symbols. A row that takes a FILE has files instead of
// these.
#include "cpu/timing/model.h"
#include "monitor/commands/command.h"
#include "monitor/commands/complete.h"
#include "monitor/drive/marks.h"
#include "monitor/files/escape.h"
#include "monitor/host/editor.h"
#include "monitor/info/info.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include "monitor/report/report.h"
#include "monitor/trace/trace.h"
#include "vmx/vmcs/vmx.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum source { FROM_COMMANDS, FROM_ROW, FROM_CHOICES, FROM_FILES, FROM_NAMES, FROM_SYMBOLS, FROM_NOWHERE };
static struct {
    enum source source;
    const char *line;
    unsigned index;
    size_t at;
    const struct command *row;
    const struct monitor *monitor;
    const struct look *look;
} walk;

static const char *next_command(void) {
    const struct command *c = command_at(walk.index++);
    return c ? c->name : NULL;
}

// The next literal word of the row.
static const char *next_of_row(char *word, size_t size) {
    const char *text = walk.row ? walk.row->arguments : "";
    while (text[walk.at]) {
        size_t length = strcspn(text + walk.at, " |[],:"), from = walk.at;
        walk.at += length ? length : 1;
        bool literal = length && (islower((unsigned char)text[from]) || text[from] == '-');
        if (!literal) continue;
        snprintf(word, size, "%.*s", (int)length, text + from);
        return word;
    }
    return NULL;
}

static bool is_row(const char *name) { return walk.row && strcmp(walk.row->name, name) == 0; }

// A row with FILE, but not FILE:LINE.
static bool takes_file(const struct command *row) {
    const char *file = row ? strstr(row->arguments, "FILE") : NULL;
    return file && file[4] != ':';
}

// A row with nothing but literal words: neither names nor symbols belong there.
static bool takes_words(const struct command *row) {
    const char *text = row ? row->arguments : "";
    while (*text && !isupper((unsigned char)*text)) text++;
    return row && *row->arguments && !*text;
}

static const char *device_name(unsigned index) {
    struct machine_part part;
    return machine_part(walk.look->machine, index, &part) ? part.name : NULL;
}

// Exit reasons; some numbers have none.
static const char *exit_reason(void) {
    enum { REASONS = 80 };
    const char *name = NULL;
    while (!name && walk.index < REASONS) name = vmx_exit_name(walk.index++);
    return name;
}

// What only one command knows: pages, devices, marks, what can be caught or traced.
static const char *next_choice(void) {
    if (is_row("goto")) return mark_name(walk.monitor, walk.index++);
    if (is_row("exits")) return strstr(walk.line, " cost ") ? exit_reason() : NULL;
    if (is_row("info")) return (strstr(walk.line, " device ") ? device_name : info_page_name)(walk.index++);
    if (is_row("timing")) return timing_model_name(walk.index++, NULL);
    if (is_row("catch") || is_row("tcatch")) return catch_name(walk.index++);
    if (is_row("report") && !strchr(walk.line, '=')) return report_word(walk.index++);
    return is_row("trace") && !strchr(walk.line, '=') ? trace_word(walk.index++) : NULL;
}

static const char *next(const char *begin, char *word, size_t size) {
    switch (walk.source) {
    case FROM_COMMANDS: return next_command();
    case FROM_ROW: return next_of_row(word, size);
    case FROM_CHOICES: return next_choice();
    case FROM_NAMES: return name_at(walk.index++);
    case FROM_SYMBOLS: return symbols_begin(walk.look->symbols, begin, &walk.at);
    default: return NULL;
    }
}

static const struct command *row_of(const char *line) {
    size_t length = strcspn(line, " \t/");
    const struct command *c, *found = NULL;
    for (unsigned i = 0; (c = command_at(i)); i++) {
        if (strncmp(c->name, line, length) != 0) continue;
        if (!c->name[length]) return c;
        found = found ? NULL : c;
    }
    return found;
}

static void begin(const char *line, int start) {
    line += strspn(line, " \t");
    walk.line = line;
    walk.index = 0;
    walk.at = 0;
    walk.row = row_of(line);
    walk.source = start == 0 || strncmp(line, "help ", 5) == 0 ? FROM_COMMANDS : FROM_ROW;
}

static enum source source_after(enum source source) {
    bool only_choices =
        is_row("info") || is_row("goto") || is_row("exits") || is_row("timing") || takes_words(walk.row);
    bool last = source == FROM_COMMANDS || source == FROM_FILES || (source == FROM_CHOICES && only_choices);
    if (source == FROM_CHOICES && !last) return takes_file(walk.row) ? FROM_FILES : FROM_NAMES;
    return last ? FROM_NOWHERE : (enum source)(source + 1);
}

// The next file, NULL after the last.
static char *next_file(const char *word) {
    char *file;
    while ((file = editor_file(word, (int)walk.index++)) && !escape_leaves(file)) free(file);
    return file;
}

char *complete_candidate(const struct monitor *monitor, const char *line, const char *word, int start, int state) {
    char text[128], *file;
    walk.monitor = monitor;
    walk.look = &monitor->look;
    if (!state) begin(line, start);
    while (walk.source != FROM_NOWHERE) {
        if (walk.source == FROM_FILES && (file = next_file(word))) return file;
        const char *candidate = next(word, text, sizeof text);
        bool fits = candidate && *candidate && strncasecmp(candidate, word, strlen(word)) == 0;
        if (fits && escape_leaves(candidate)) return strdup(candidate);
        if (candidate) continue;
        walk.source = source_after(walk.source);
        walk.index = 0;
        walk.at = 0;
    }
    return NULL;
}

bool complete_takes_file(const char *line) { return takes_file(row_of(line)); }
