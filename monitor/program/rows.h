// The rows of tables as text, for what is generated from them.
#ifndef MONITOR_ROWS_H
#define MONITOR_ROWS_H
#include <stdbool.h>

// "commands", "options", "info", "catch", "trace" or "expressions", on stdout. False: there is no such table.
bool rows_print(const char *table);

#endif
