// A file that a thread of its own writes, several times in two seconds: whoever has something to say puts it into a
// buffer and goes on. What was put is in the file a second later, even if the process is killed then. Another thread
// synchronises it as fast as the disk can, which nobody waits for: that much stays after a power failure too. When it
// cannot be written, the file ends where the last whole unit does.
#ifndef MONITOR_BEHIND_H
#define MONITOR_BEHIND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct behind;
struct behind_user {
    void *context;
    // On the thread, between lock and unlock, before what is in the buffer is written: more may be put.
    void (*before)(void *context);
    // How many of the bytes are whole units; `at` is where the first of them stands in the file, at a unit's beginning.
    size_t (*whole)(void *context, uint64_t at, const uint8_t *bytes, size_t count);
};
// Opens it through the table of files; what it has stays until behind_begin. NULL: files_why() says what is wrong.
struct behind *behind_open(const char *path, const struct behind_user *user);
// Truncates it, and starts the threads; the one that writes runs when this returns. False: there can be none.
bool behind_begin(struct behind *behind);

// Whole units are put between these.
void behind_lock(struct behind *behind);
void behind_put(struct behind *behind, const void *bytes, size_t count);
void behind_unlock(struct behind *behind);
// While the lock is held: from now on whoever puts more than the host should hold waits for the thread, which runs.
void behind_wait(struct behind *behind, bool on);

// 0, or errno of what went wrong: nothing is written any more. `bytes`: how much is in the file.
int behind_error(struct behind *behind, uint64_t *bytes);
// Everything is written, and synchronised, and the threads have ended. As behind_error.
int behind_close(struct behind *behind, uint64_t *bytes);

#endif
