// Where the guest's serial ports and debug console write to: stdout and files.
#ifndef MONITOR_CONSOLE_H
#define MONITOR_CONSOLE_H
#include "devices/machine/machine.h"
#include "monitor/files/written.h"
#include "monitor/host/progress.h"

enum channel_kind { CHANNEL_NULL, CHANNEL_STDIO, CHANNEL_FILE };
struct channel {
    enum channel_kind kind;
    const char *path;
};

enum { CONSOLE_OUTPUTS = MACHINE_SERIAL_PORTS + 2 };

struct console_output {
    struct written *to; // NULL: it is not open yet
    const char *path;
    bool in_line;              // the last byte did not end a line
    struct progress *progress; // whose line is on the same terminal; NULL: none is
    const bool *silent;        // of the console
};

struct console {
    struct console_output output[CONSOLE_OUTPUTS];               // [0] is stdout
    struct console_output *serial[MACHINE_SERIAL_PORTS], *debug; // NULL: nowhere
    unsigned outputs;
    int stdin_port; // the serial port that stdin goes to; -1: none
    bool silent;    // nothing goes out: the guest writes once more what it wrote before
};

// Decides what goes where. `keys`: keys that are typed, or come from a pipe, are for the guest.
struct console_wish {
    const struct channel *serial; // one for each port
    unsigned serial_ports;
    struct channel debug;
    bool keys;
};
void console_plan(struct console *console, const struct console_wish *wish);
bool console_uses_output(const struct console *console); // whether something goes to stdout
// Hands the machine what its serial ports and debug console write to.
void console_connect(struct console *console, struct machine_config *config);
// Opens the files, after all that is read was read. False after one line on stderr.
bool console_open(struct console *console);
// Writes what is buffered. False when a write failed, now or before; one line on stderr told of it.
bool console_flush(struct console *console);
bool console_is_broken(const struct console *console); // whether stdout is, without which a run is of no use
void console_close(struct console *console);           // flushes too

#endif
