// Reading once; see readable.h.
#include "monitor/files/readable.h"
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16 };

struct readable {
    int fd;
    int patience_ms;
    bool waits, by_table; // it may have to be waited for; files.c opened it
    const char *why;
    size_t at, have;
    char buffer[BUFFER_BYTES];
};

static struct readable *make(int fd, int patience_ms, bool by_table) {
    struct stat s;
    struct readable *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (struct readable){.fd = fd, .why = "", .by_table = by_table, .patience_ms = patience_ms};
    r->waits = fstat(fd, &s) != 0 || !S_ISREG(s.st_mode);
    if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) r->why = "a directory, not a file";
    return r;
}

struct readable *readable_of(int fd, int patience_ms) {
    return make(fd, patience_ms, false);
}

struct readable *readable_open(const char *path) {
    int fd = files_open(path, FILE_READ);
    struct readable *r = fd >= 0 ? make(fd, -1, true) : NULL;
    if (fd >= 0 && !r) files_close(fd);
    return r;
}

// False: nothing more comes.
static bool fill(struct readable *r) {
    ssize_t got = -1;
    while (!*r->why) {
        if (r->waits && !wait_readable(r->fd, r->patience_ms)) {
            r->why = signals_ending() ? "a signal ended it" : "nothing came any more";
            break;
        }
        got = read(r->fd, r->buffer, sizeof r->buffer);
        if (got >= 0) break;
        if (errno != EINTR && errno != EAGAIN) r->why = strerror(errno);
    }
    r->at = 0;
    r->have = got > 0 ? (size_t)got : 0;
    return r->have;
}

size_t readable_get(void *readable, void *to, size_t count) {
    struct readable *r = readable;
    size_t done = 0;
    while (done < count && (r->at < r->have || fill(r))) {
        size_t left = r->have - r->at, piece = count - done < left ? count - done : left;
        memcpy((char *)to + done, r->buffer + r->at, piece);
        r->at += piece;
        done += piece;
    }
    return done;
}

const char *readable_why(const struct readable *r) { return r->why; }

void readable_close(struct readable *r) {
    if (!r) return;
    if (r->by_table)
        files_close(r->fd);
    else
        close(r->fd);
    free(r);
}
