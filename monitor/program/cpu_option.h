// The processor as -cpu names it: our models, and QEMU's names for what is nearest among ours.
#ifndef MONITOR_CPU_OPTION_H
#define MONITOR_CPU_OPTION_H
#include "cpu/state/model.h"

bool cpu_option_parse(const char *text, struct cpu_model *model, char *error, size_t error_size);

#endif
