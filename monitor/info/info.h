// The pages of info: each is one row of info.def and one function.
#ifndef MONITOR_INFO_H
#define MONITOR_INFO_H
#include "monitor/session/monitor.h"
#include "monitor/explain/bits.h"
#include "monitor/expression/expression.h"

struct info_page {
    const char *name, *argument;
    bool (*function)(struct monitor *monitor, const struct info_page *page, const char *arguments);
    const char *text;
};
const struct info_page *info_page_at(unsigned index); // NULL past the last row
const char *info_page_name(unsigned index);
#define INFO(name, argument, function, text)                                                                           \
    bool info_##function(struct monitor *monitor, const struct info_page *page, const char *arguments);
#include "monitor/info/info.def"
#undef INFO

// "CR0   0000000080050033  PG WP NE ..." : the names of the bits that are set, from monitor/explain/bit.def.
void info_bits(struct monitor *monitor, const char *name, uint64_t value, enum bit_group group);
void info_bit_names(struct monitor *monitor, uint64_t value, enum bit_group group); // "  PG WP NE"
// "IRR      31 41": the vectors of a register of 256 bits. (info_vapic.c)
void vectors_print(struct monitor *monitor, const char *name, const uint32_t bits[8]);

#endif
