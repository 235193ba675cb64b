// What is written; see written.h.
#define _GNU_SOURCE // memrchr, vasprintf
#include "monitor/files/written.h"
#include "monitor/files/complaint.h"
#include "monitor/files/files.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 15 };

struct written {
    struct written *next; // of those that were opened
    int fd;
    const char *name; // for messages
    enum written_kind kind;
    bool is_file; // of a disk: it does not wait for anybody, and can be truncated
    bool begun, broken;
    int error; // errno of the write that failed
    uint64_t offset;
    size_t used;
    char buffer[BUFFER_BYTES];
};

static struct written output = {.fd = STDOUT_FILENO, .name = "standard output", .begun = true},
                      errors = {.fd = STDERR_FILENO, .name = "standard error", .begun = true, .kind = WRITTEN_TOLD};
static struct written *opened;
static bool any_failed;

struct written *written_output(void) {
    return &output;
}
struct written *written_errors(void) {
    return &errors;
}
bool written_is_broken(const struct written *w) { return w->broken; }
bool written_is_full(const struct written *w) { return w->used == sizeof w->buffer; }
bool written_has(const struct written *w) { return w->used != 0; }
bool written_all(void) { return !any_failed; }

// --- opening ---

struct written *written_open(const char *path, enum written_kind kind) {
    struct stat s;
    int fd = files_open(path, FILE_WRITTEN);
    if (fd < 0) return NULL;
    struct written *w = calloc(1, sizeof *w);
    char *name = strdup(path);
    if (!w || !name) {
        files_close(fd);
        free(w);
        free(name);
        return NULL;
    }
    bool is_file = fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    *w = (struct written){.next = opened, .fd = fd, .name = name, .kind = kind, .is_file = is_file};
    return opened = w;
}

static void begin(struct written *w) {
    if (!w->begun && w->is_file && ftruncate(w->fd, 0) != 0) w->is_file = false;
    w->begun = true;
}

void written_begin(void) {
    for (struct written *w = opened; w; w = w->next) begin(w);
}

// --- writing ---

// A pipe takes a piece of this size without waiting as soon as it takes anything.
static ssize_t write_piece(const struct written *w, const char *bytes, size_t count) {
    if (w->is_file) return write(w->fd, bytes, count);
    if (!wait_writable(w->fd, -1)) {
        errno = ETIMEDOUT;
        return -1;
    }
    return write(w->fd, bytes, count < PIPE_BUF ? count : PIPE_BUF);
}

// How much of it was written; less than all: errno says why.
static size_t write_bytes(struct written *w, const char *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t wrote = write_piece(w, bytes + done, count - done);
        if (wrote < 0 && errno != EAGAIN && errno != EINTR) break;
        if (wrote == 0) errno = ENOSPC;
        if (wrote == 0) break;
        if (wrote > 0) done += (size_t)wrote;
    }
    w->offset += done;
    return done;
}

static void break_off(struct written *w, int error) {
    w->broken = true;
    w->error = error;
    if (w->kind == WRITTEN_TOLD && w != &errors) return;
    any_failed = true;
    if (w != &errors)
        complain("%s: cannot be written after %llu bytes: %s%s", w->name, (unsigned long long)w->offset,
                 error == ETIMEDOUT ? "no room" : strerror(error), files_advice(error));
}

// Half of a line is none. `done` bytes of the buffer were written, which began with a line.
static void cut_line(struct written *w, size_t done) {
    const char *end = memrchr(w->buffer, '\n', done);
    size_t torn = done - (end ? (size_t)(end - w->buffer) + 1 : 0);
    if (w->kind == WRITTEN_LINES && w->is_file && torn && ftruncate(w->fd, (off_t)(w->offset - torn)) == 0)
        w->offset -= torn;
}

static bool write_out(struct written *w, size_t count) {
    if (w->broken) {
        w->used = 0;
        return false;
    }
    begin(w);
    size_t done = write_bytes(w, w->buffer, count);
    int error = errno;
    if (done < count) {
        cut_line(w, done);
        break_off(w, error);
        count = w->used;
    }
    memmove(w->buffer, w->buffer + count, w->used - count);
    w->used -= count;
    return !w->broken;
}

bool written_flush(struct written *w) { return w->used ? write_out(w, w->used) : !w->broken; }

// Whole lines, where it has lines.
static void make_room(struct written *w) {
    const char *end = w->kind == WRITTEN_LINES ? memrchr(w->buffer, '\n', w->used) : NULL;
    write_out(w, end ? (size_t)(end - w->buffer) + 1 : w->used);
}

bool written_put(struct written *w, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count && !w->broken) {
        if (w->used == sizeof w->buffer) make_room(w);
        size_t room = sizeof w->buffer - w->used, piece = count < room ? count : room;
        memcpy(w->buffer + w->used, from, piece);
        w->used += piece;
        from += piece;
        count -= piece;
    }
    return !w->broken;
}

bool written_print(struct written *w, const char *format, ...) {
    char line[512], *text = line;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line) {
        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);
    }
    if (length < 0) {
        break_off(w, ENOMEM);
        return false;
    }
    (void)written_put(w, text, (size_t)length);
    if (text != line) free(text);
    return !w->broken;
}

// --- closing ---

bool written_close(struct written *w, char *why, size_t why_size) {
    if (w->begun) (void)written_flush(w);
    for (struct written **link = &opened; *link; link = &(*link)->next)
        if (*link == w) {
            *link = w->next;
            break;
        }
    bool whole = !w->broken;
    if (!whole && why)
        snprintf(why, why_size, "not all of it could be written: %s%s", strerror(w->error), files_advice(w->error));
    files_close(w->fd);
    free((char *)w->name);
    free(w);
    return whole;
}
