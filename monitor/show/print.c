// print: the value of an expression.
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "monitor/session/monitor.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static void print_binary(struct monitor *monitor, uint64_t value) {
    char digits[65] = "0";
    unsigned used = 0;
    for (int bit = 63; bit >= 0; bit--)
        if (used || value >> bit & 1) digits[used++] = (char)('0' + (value >> bit & 1));
    print(monitor, "0b%s", digits);
}

static bool print_as(struct monitor *monitor, char format, uint64_t value) {
    char name[160];
    switch (format) {
    case 'x': print(monitor, "0x%" PRIx64, value); return true;
    case 'd': print(monitor, "%" PRId64, (int64_t)value); return true;
    case 'u': print(monitor, "%" PRIu64, value); return true;
    case 'o': print(monitor, "0%" PRIo64, value); return true;
    case 't': print_binary(monitor, value); return true;
    case 'c':
        print(monitor, "%u '%c'", (uint8_t)value, isprint((uint8_t)value) ? (int)(uint8_t)value : '.');
        return true;
    case 'a':
        print(monitor, "0x%" PRIx64, value);
        if (*symbols_name(monitor->look.symbols, monitor->look.level, value, name, sizeof name))
            print(monitor, " <%s>", name);
        return true;
    default: return monitor_error(monitor, "/%c: print has the formats x, d, u, o, t, c and a", format);
    }
}

bool command_print(struct monitor *monitor, const char *arguments) {
    char format = 0;
    uint64_t value;
    if (arguments[0] == '/') {
        format = arguments[1];
        arguments += format ? 2 : 1;
        if (format && !isspace((unsigned char)*arguments))
            return monitor_error(monitor, "/%c%s: the format is one letter; then come a space and the expression",
                                 format, arguments);
    }
    if (!*arguments) return monitor_error(monitor, "print what? print [/FORMAT] EXPRESSION");
    if (!take_value(&monitor->look, &arguments, &value) || !take_end(&monitor->look, arguments)) return false;
    if (format && !strchr("xduotca", format)) return print_as(monitor, format, value);
    monitor->look.printed.value[++monitor->look.printed.count % LOOK_VALUES] = value;
    print(monitor, "$%u = ", monitor->look.printed.count);
    if (format)
        print_as(monitor, format, value);
    else
        print(monitor, "0x%" PRIx64 " (%" PRIu64 ")", value, value);
    print(monitor, "\n");
    return true;
}
