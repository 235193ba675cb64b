// Replacing a file; see replaced.h.
#define _GNU_SOURCE // realpath, asprintf
#include "monitor/files/replaced.h"
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 18, TRIES = 100, BEGIN_BYTES = 64 };

struct replaced {
    char *path, *beside;
    int fd, error; // errno of what failed first; 0: nothing
    size_t used;
    char buffer[BUFFER_BYTES];
};

static bool failed(char *why, size_t size, const char *text, int error) {
    snprintf(why, size, "%s%s%s", text, error ? strerror(error) : "", error ? files_advice(error) : "");
    return false;
}

static bool may_be_replaced(const char *path, const void *begins, size_t bytes, char *why, size_t size) {
    struct stat s;
    char there[BEGIN_BYTES];
    if (stat(path, &s) != 0) return errno == ENOENT || failed(why, size, "cannot be looked at: ", errno);
    if (!S_ISREG(s.st_mode)) return failed(why, size, "it is there already, and is no file that can be replaced", 0);
    if (s.st_size == 0) return true;
    int fd = files_peek(path);
    if (fd < 0) return failed(why, size, "it is there already, and cannot be read: ", errno);
    ssize_t got = read(fd, there, bytes < sizeof there ? bytes : sizeof there);
    close(fd);
    return (got == (ssize_t)bytes && !memcmp(there, begins, bytes)) ||
           failed(why, size, "it is there already, and is something else: name another file", 0);
}

// A name that nobody has, in the same folder.
static bool create_beside(struct replaced *r) {
    for (unsigned i = 0; i < TRIES; i++) {
        if (asprintf(&r->beside, "%s.%u.part", r->path, i) < 0) r->beside = NULL;
        if (!r->beside) errno = ENOMEM;
        r->fd = r->beside ? files_create(r->beside) : -1;
        if (r->fd >= 0) return true;
        int error = errno;
        free(r->beside);
        r->beside = NULL;
        errno = error;
        if (error != EEXIST) return false;
    }
    return false;
}

static void end(struct replaced *r) {
    free(r->path);
    free(r->beside);
    free(r);
}

struct replaced *replaced_open(const char *path, const void *begins, size_t bytes, char *why, size_t size) {
    struct replaced *r = calloc(1, sizeof *r);
    char *real = realpath(path, NULL); // a link stays a link
    if (r) r->path = real ? real : strdup(path);
    if (!r || !r->path) {
        failed(why, size, "not enough memory", 0);
        if (r) end(r);
        return NULL;
    }
    if (may_be_replaced(r->path, begins, bytes, why, size)) {
        if (create_beside(r)) return r;
        failed(why, size, "cannot be written: ", errno);
    }
    end(r);
    return NULL;
}

static void write_all(struct replaced *r, const char *bytes, size_t count) {
    while (count && !r->error) {
        ssize_t wrote = write(r->fd, bytes, count);
        if (wrote < 0 && errno != EINTR) r->error = errno;
        if (wrote == 0) r->error = ENOSPC;
        if (signals_ending() && !r->error) r->error = EINTR;
        if (wrote > 0) bytes += wrote, count -= (size_t)wrote;
    }
}

bool replaced_put(void *replaced, const void *bytes, size_t count) {
    struct replaced *r = replaced;
    if (r->used + count > sizeof r->buffer) {
        write_all(r, r->buffer, r->used);
        r->used = 0;
    }
    if (count > sizeof r->buffer) {
        write_all(r, bytes, count);
    } else {
        memcpy(r->buffer + r->used, bytes, count);
        r->used += count;
    }
    return !r->error;
}

bool replaced_close(struct replaced *r, bool good, char *why, size_t size) {
    write_all(r, r->buffer, r->used);
    if (good && !r->error && fsync(r->fd) != 0 && errno != EINVAL && errno != ENOTSUP) r->error = errno;
    if (close(r->fd) != 0 && !r->error) r->error = errno;
    if (good && !r->error && rename(r->beside, r->path) != 0) r->error = errno;
    bool done = good && !r->error;
    if (!done) unlink(r->beside);
    if (r->error) failed(why, size, "cannot be written: ", r->error);
    end(r);
    return done;
}
