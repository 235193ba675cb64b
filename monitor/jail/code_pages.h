// Memory of the host for compiled code (cpu/state/code_memory.h).
#ifndef MONITOR_CODE_PAGES_H
#define MONITOR_CODE_PAGES_H
#include "cpu/state/code_memory.h"
#include <stdbool.h>

// False: the host gives none. It lasts as long as the process.
bool code_pages_open(struct code_memory *memory, size_t bytes);

#endif
