// Where the processor is, as each stop prints it.
#ifndef MONITOR_WHERE_H
#define MONITOR_WHERE_H
#include "monitor/session/monitor.h"
#include "monitor/show/disassemble.h"
#include "monitor/symbols/symbols.h"

void where_print(struct monitor *monitor);
// One line: address, symbol, bytes and text of an instruction.
void where_instruction(struct monitor *monitor, const struct view *view, const struct instruction *instruction,
                       const char *mark);
// One line: file, line, and its text where that can be read.
void where_source(struct monitor *monitor, const struct source_place *place);

#endif
