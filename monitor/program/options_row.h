// One row of options.def, and the functions behind the rows.
#ifndef MONITOR_OPTIONS_ROW_H
#define MONITOR_OPTIONS_ROW_H
#include "monitor/session/options.h"

enum taken { TAKEN, TAKEN_LAST, TAKEN_WRONG }; // LAST: there is nothing to run. WRONG: one line has said what is wrong
enum option_group { BOOT, MACHINE, DISKS, CONSOLE, RUN, HELP, HIDDEN }; // HIDDEN: -help does not list it
enum option_times { ONCE, MANY };

struct option {
    enum option_group group;
    const char *name, *argument;
    enum option_times times;
    enum taken (*take)(struct options *options, const struct option *option, const char *value);
    const char *help;
};

// `value` is NULL when the row has no argument, or an optional one that was left out.
#define OPTION(group, name, argument, times, handler, help)                                                            \
    enum taken take_##handler(struct options *options, const struct option *option, const char *value);
#include "monitor/program/options.def"
#undef OPTION

// "-NAME VALUE: what is wanted".
enum taken option_wrong(const struct option *option, const char *value, const char *wanted);

// firmware_option.c, after all options: whether it is begun with, as nothing else is; which board it is, where nobody
// says so; when drives have their places, what there is of it. False after one line on stderr.
bool firmware_is_wanted(const struct options *options);
void firmware_choose_machine(struct options *options);
bool firmware_plan(struct options *options);

const struct option *option_at(unsigned index); // NULL past the last row

#endif
