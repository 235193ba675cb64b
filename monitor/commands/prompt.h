// Where the monitor's lines come from: a person with readline, a pipe, a socket, a script.
#ifndef MONITOR_PROMPT_H
#define MONITOR_PROMPT_H
#include "monitor/host/file.h"
#include "monitor/session/monitor.h"

#define PROMPT "(vmxray) "

// Reads and carries out lines until the input ends, quit is said, or the person goes back to the guest.
void prompt_loop(struct monitor *monitor);
// Carries out the lines of a file; false after an error about the file itself.
bool prompt_script(struct monitor *monitor, const char *path);
void prompt_text(struct monitor *monitor, const struct file *file); // the same for one that was read

// For other sources of lines. What stands in front of the next line; one line carried out (an empty one repeats).
const char *prompt_now(const struct monitor *monitor);
void prompt_line(struct monitor *monitor, const char *line);

#endif
