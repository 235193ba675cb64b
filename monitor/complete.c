// What Tab completes to; see complete.h. The words that a command's row spells out literally (lower case, or with a
// minus) are candidates for its arguments, before names and symbols.
#include "monitor/complete.h"
#include "monitor/info.h"
#include "monitor/stops.h"
#include "monitor/symbols.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <readline/readline.h>

// readline's callbacks have no argument of their own.
static struct monitor *monitor;
void complete_for(struct monitor *m) { monitor = m; }

enum source { FROM_COMMANDS, FROM_ROW, FROM_PAGES, FROM_CATCHES, FROM_NAMES, FROM_SYMBOLS, FROM_NOWHERE };
static struct {
    enum source source;
    unsigned index;
    size_t at;
    const struct command *row;
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

static const char *next_page(void) {
    const struct info_page *page = is_row("info") ? info_page_at(walk.index++) : NULL;
    return page ? page->name : NULL;
}

static const char *next(const char *begin, char *word, size_t size) {
    switch (walk.source) {
    case FROM_COMMANDS: return next_command();
    case FROM_ROW: return next_of_row(word, size);
    case FROM_PAGES: return next_page();
    case FROM_CATCHES: return is_row("catch") || is_row("tcatch") ? catch_name(walk.index++) : NULL;
    case FROM_NAMES: return name_at(walk.index++);
    case FROM_SYMBOLS: return monitor ? symbols_begin(monitor, begin, &walk.at) : NULL;
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
    walk.index = 0;
    walk.at = 0;
    walk.row = row_of(line);
    walk.source = start == 0 || strncmp(line, "help ", 5) == 0 ? FROM_COMMANDS : FROM_ROW;
}

static bool is_last(enum source source) { return source == FROM_COMMANDS || (source == FROM_PAGES && is_row("info")); }

char *complete_candidate(const char *line, const char *word, int start, int state) {
    char text[128];
    if (!state) begin(line, start);
    while (walk.source != FROM_NOWHERE) {
        const char *candidate = next(word, text, sizeof text);
        if (candidate && *candidate && strncasecmp(candidate, word, strlen(word)) == 0) return strdup(candidate);
        if (candidate) continue;
        walk.source = is_last(walk.source) ? FROM_NOWHERE : (enum source)(walk.source + 1);
        walk.index = 0;
        walk.at = 0;
    }
    return NULL;
}

static char *generate(const char *word, int state) {
    return complete_candidate(rl_line_buffer, word, rl_point - (int)strlen(word), state);
}

char **complete_line(const char *word, int start, int end) {
    (void)start, (void)end;
    rl_attempted_completion_over = 1;
    return rl_completion_matches(word, generate);
}
