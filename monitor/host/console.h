// Where the guest's serial ports and debug console write to: stdout and files, each with a buffer.
#ifndef MONITOR_CONSOLE_H
#define MONITOR_CONSOLE_H
#include "devices/machine/machine.h"
#include "monitor/host/progress.h"

enum channel_kind { CHANNEL_NULL, CHANNEL_STDIO, CHANNEL_FILE };
struct channel {
    enum channel_kind kind;
    const char *path;
};

enum { CONSOLE_OUTPUTS = MACHINE_SERIAL_PORTS + 2, CONSOLE_BUFFER_BYTES = 8192 };

struct console_output {
    int fd;                    // -1: bytes are thrown away
    const char *name;          // for messages
    size_t used;               // bytes in the buffer
    bool broken;               // a write failed: no more are tried
    bool in_line;              // the last byte did not end a line
    struct progress *progress; // whose line is on the same terminal; NULL: none is
    uint8_t buffer[CONSOLE_BUFFER_BYTES];
};

struct console {
    struct console_output output[CONSOLE_OUTPUTS];               // [0] is stdout
    struct console_output *serial[MACHINE_SERIAL_PORTS], *debug; // NULL: nowhere
    unsigned outputs;
    int stdin_port; // the serial port that stdin goes to; -1: none
};

// Opens the files. `keys`: keys that are typed, or come from a pipe, are for the guest. False after one line on stderr.
struct console_wish {
    const struct channel *serial; // one for each port
    unsigned serial_ports;
    struct channel debug;
    bool keys;
};
bool console_open(struct console *console, const struct console_wish *wish);
// Writes what is buffered. False when a write failed, now or before; one line on stderr told of it.
bool console_flush(struct console *console);
void console_close(struct console *console); // flushes too
// Hands the machine what its serial ports and debug console write to.
void console_connect(struct console *console, struct machine_config *config);

#endif
