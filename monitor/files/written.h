// A file or stream that is written, with a buffer. What cannot be written is told once, at once, by a line on stderr,
// and the process ends with a status other than 0; what was written before stays: a file of lines ends with its last
// whole line. Readers that are slow are waited for, until a signal ends the run (signals.h).
#ifndef MONITOR_WRITTEN_H
#define MONITOR_WRITTEN_H
#include <stdbool.h>
#include <stddef.h>

struct written;

enum written_kind {
    WRITTEN_BYTES, // anything
    WRITTEN_LINES, // lines of text
    WRITTEN_TOLD,  // anything, and whoever writes it tells that it could not be written (written_why)
};
// Opens a file through the table of files. What it has stays until written_begin. NULL: files_why() says what is wrong.
struct written *written_open(const char *path, enum written_kind kind);
struct written *written_output(void); // stdout
struct written *written_errors(void); // stderr
// Truncates the files that were opened: what they have to say begins. One that is closed before keeps what it has.
void written_begin(void);

// Each is false when something could not be written, now or before.
bool written_put(struct written *written, const void *bytes, size_t count);
bool written_print(struct written *written, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool written_flush(struct written *written);
bool written_close(struct written *written, char *why, size_t why_size); // `why` may be NULL

bool written_is_full(const struct written *written); // the next byte makes it write
bool written_has(const struct written *written);     // something is in the buffer
bool written_is_broken(const struct written *written);
bool written_all(void); // whether everything that was ever put could be written

#endif
