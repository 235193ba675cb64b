// The rows of tables as text, for what is generated from them: manual pages, completion, tests. -rows TABLE.
// Columns are parted by tabs; "\n" in a text stands as these two letters.
#include "monitor/program/rows.h"
#include "monitor/commands/command.h"
#include "monitor/expression/expression.h"
#include "monitor/host/status.h"
#include "monitor/info/info.h"
#include "monitor/program/options_row.h"
#include "monitor/stops/stops.h"
#include "monitor/trace/trace.h"
#include <string.h>

static void column(const char *text) {
    for (; *text; text++) say(*text == '\n' ? "\\n" : "%c", *text);
}

// group, name, arguments, other ways to say it, help
static void print_commands(void) {
    const struct command *c;
    const char *word;
    for (unsigned i = 0; (c = command_at(i)); i++) {
        say("%s\t%s\t%s\t", command_group_name(c->group), c->name, c->arguments);
        const char *between = "";
        for (unsigned n = 0; (word = command_alias(n, c)); n++, between = ", ") say("%s%s", between, word);
        say("\t");
        column(c->help);
        say("\n");
    }
}

// name, argument, help
static void print_options(void) {
    const struct option *o;
    for (unsigned i = 0; (o = option_at(i)); i++)
        if (o->group != HIDDEN) say("%s\t%s\t%s\n", o->name, o->argument, o->help);
}

static void print_pages(void) {
    const struct info_page *page;
    for (unsigned i = 0; (page = info_page_at(i)); i++) say("%s\t%s\t%s\n", page->name, page->argument, page->text);
}

static void print_catches(void) {
    for (unsigned i = 0; catch_name(i); i++) say("%s\t\t%s\n", catch_name(i), catch_text(i));
}

static void print_traces(void) {
    for (unsigned i = 0; trace_word(i); i++) say("%s\t\t%s\n", trace_word(i), trace_word_text(i));
}

static void write_said(void *context, const char *text, size_t bytes) {
    (void)context;
    say("%.*s", (int)bytes, text);
}

static void print_expressions(void) {
    struct output output = {.write = write_said};
    expression_help(&(struct look){.output = &output});
    output_flush(&output);
    output_free(&output);
}

static const struct {
    const char *name;
    void (*give)(void);
} tables[] = {{"commands", print_commands}, {"options", print_options}, {"info", print_pages},
              {"catch", print_catches},     {"trace", print_traces},    {"expressions", print_expressions}};

bool rows_print(const char *table) {
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(tables[i].name, table) != 0) continue;
        tables[i].give();
        return true;
    }
    return false;
}
