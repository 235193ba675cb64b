// The files that this process reads and writes, in one table, and the only functions that open one. A file is known by
// what it is, not by its name: two outputs in one file, an output that is an input too, and an input that is being
// written are refused under any name (a link, /dev/fd/N, another path), before anything in it is lost. Terminals and
// devices may have several names in use. A file that another vmxray is writing is refused as well.
#ifndef MONITOR_FILES_H
#define MONITOR_FILES_H
#include <stdbool.h>
#include <stddef.h>

enum file_use {
    FILE_READ,
    FILE_WRITTEN,
    FILE_KEPT /* read at first, written anew in the end */,
    FILE_CHANGED /* there already; read and written in place */
};

// A descriptor; -1: files_why() says what is wrong. A file that is written is created when it is not there, and keeps
// what it has until somebody truncates it. One that is kept is for its owner alone, and for others as one that is
// written.
int files_open(const char *path, enum file_use use);
void files_close(int fd);
// From now on only regular files are read: the names come from the prompt, where a pipe would be waited for.
void files_at_prompt(void);
// A file in memory that has these bytes, to be read; -1: files_why(). To be closed by files_close.
int files_of(const void *bytes, size_t count);
int files_again(int fd); // another descriptor of the same file, which is closed apart; -1: files_why()
// Another descriptor, to write, of a file that is read: an image that is committed. close() closes it. -1: files_why()
int files_change(int fd, const char *path);
// Past the table: a new file that nobody else has, and a regular file that is only looked at. -1: errno.
int files_create(const char *path);
int files_peek(const char *path);
bool files_is_there(const char *path); // and can be read
const char *files_why(void); // "cannot be opened: No such file or directory"
// What can be done about an error of the host, to be put behind its text; "" when there is nothing to say.
const char *files_advice(int error);

// At the start of the process: a stream that was closed is held, so that no file becomes it; what is written there
// fails.
void files_hold_streams(void);
// The streams that the process was given. Those that are in use are no files for others. False after a complaint: they
// are in each other's way.
bool files_claim_streams(bool uses_input, bool uses_output);

#endif
