// info: finds the page; and the pages about the session.
#include "monitor/info/info.h"
#include "monitor/stops/stops.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct info_page pages[] = {
#define INFO(name, argument, function, text) {name, argument, info_##function, text},
#include "monitor/info/info.def"
#undef INFO
};
enum { PAGES = sizeof pages / sizeof *pages };

const struct info_page *info_page_at(unsigned index) { return index < PAGES ? &pages[index] : NULL; }

static bool list(struct monitor *monitor) {
    for (unsigned i = 0; i < PAGES; i++)
        print(monitor, "  %-12s %-7s %s\n", pages[i].name, pages[i].argument, pages[i].text);
    return true;
}

const char *info_page_name(unsigned index) { return index < PAGES ? pages[index].name : NULL; }

static const struct info_page *find(struct monitor *monitor, const char *word) {
    unsigned two[2];
    int choice = parse_choice(word, info_page_name, two);
    if (choice >= 0) return &pages[choice];
    if (choice == CHOICE_SEVERAL)
        monitor_error(monitor, "info %s could be %s or %s", word, pages[two[0]].name, pages[two[1]].name);
    else
        monitor_error(monitor, "info %s: there is no such page (info alone lists them)", word);
    return NULL;
}

bool command_info(struct monitor *monitor, const char *arguments) {
    char word[64];
    if (!take_word(&arguments, word, sizeof word)) return list(monitor);
    const struct info_page *page = find(monitor, word);
    if (!page) return false;
    if (!*page->argument && *arguments) return monitor_error(monitor, "info %s takes no argument", page->name);
    return page->function(monitor, page, arguments);
}

// --- bits ---

void info_bit_names(struct monitor *monitor, uint64_t value, enum bit_group group) {
    struct text names = {0};
    bit_names(&names, value, group);
    print(monitor, "%s", names.at);
}

void info_bits(struct monitor *monitor, const char *name, uint64_t value, enum bit_group group) {
    print(monitor, "%-7s %016" PRIx64, name, value);
    info_bit_names(monitor, value, group);
    print(monitor, "\n");
}

// --- the session ---

bool info_breakpoints(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    stops_list(monitor);
    return true;
}

bool info_symbols(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    symbols_list(monitor->look.symbols, monitor->output);
    return true;
}
