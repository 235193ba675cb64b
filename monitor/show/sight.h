// What a processor was seen to do, in words.
#ifndef MONITOR_SIGHT_H
#define MONITOR_SIGHT_H
#include "monitor/expression/look.h"

// One line: "VM exit EPT_VIOLATION from level 1, ...". `level`: the one that ran then.
void sight_print(const struct look *look, const struct sight *sight, unsigned level);

#endif
