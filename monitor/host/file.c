// A whole file in host memory.
#include "monitor/host/file.h"
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include "monitor/host/status.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST ((uint64_t)4 << 30)
#define FILE_FIRST_PIECE ((size_t)1 << 20)

// What is wrong with a file while it is read, and how much of it may be read.
struct wrong {
    char *text;
    size_t size;
    uint64_t most;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct wrong *wrong, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong->text, wrong->size, format, arguments);
    va_end(arguments);
    return false;
}

static bool too_large(const struct wrong *wrong) {
    if (wrong->most >= FILE_LARGEST) return fail(wrong, "larger than 4 GBytes, which is no kernel or RAM disk");
    return fail(wrong, "larger than the %" PRIu64 " KBytes of RAM that there are for it: try more with -m",
                wrong->most / 1024);
}

// Makes room for at least one byte more.
static bool grow(struct file *file, size_t *room, size_t expected, const struct wrong *wrong) {
    if (file->size < *room) return true;
    if (file->size > wrong->most) return too_large(wrong);
    size_t more = *room ? *room * 2 : expected;
    uint8_t *bytes = realloc(file->bytes, more);
    if (!bytes) return fail(wrong, "not enough memory to read it");
    file->bytes = bytes;
    *room = more;
    return true;
}

static bool read_all(struct file *file, int fd, size_t expected, const struct wrong *wrong) {
    size_t room = 0;
    for (;;) {
        if (!grow(file, &room, expected, wrong)) return false;
        ssize_t got = read(fd, file->bytes + file->size, room - file->size);
        if (got == 0) return true;
        if (got > 0)
            file->size += (size_t)got;
        else if (errno != EINTR || signals_ending())
            return fail(wrong, "cannot be read: %s", strerror(errno));
    }
}

// One byte more than the size, so that the end of the file is seen without growing.
static size_t expected_size(const struct stat *stat) {
    bool known = stat->st_size > 0 && (uint64_t)stat->st_size < FILE_LARGEST;
    return known ? (size_t)stat->st_size + 1 : FILE_FIRST_PIECE;
}

static bool load(struct file *file, const char *path, const struct wrong *limits) {
    const struct wrong wrong = *limits;
    struct stat stat;
    *file = (struct file){.path = strdup(path)};
    if (!file->path) return fail(&wrong, "not enough memory");
    int fd = files_open(path, FILE_READ);
    bool done = fd >= 0 && fstat(fd, &stat) == 0;
    if (!done)
        fail(&wrong, "%s", fd < 0 ? files_why() : strerror(errno));
    else if (S_ISDIR(stat.st_mode))
        errno = EISDIR, done = fail(&wrong, "a directory, not a file");
    else if (S_ISREG(stat.st_mode) && (uint64_t)stat.st_size > wrong.most)
        done = too_large(&wrong);
    else
        done = read_all(file, fd, expected_size(&stat), &wrong);
    if (fd >= 0) files_close(fd);
    if (!done) file_free(file);
    return done;
}

bool file_load(struct file *file, const char *path, char *error, size_t error_size) {
    return load(file, path, &(struct wrong){error, error ? error_size : 0, FILE_LARGEST});
}

bool file_read(struct file *file, const char *path) { return file_read_most(file, path, FILE_LARGEST); }

bool file_read_most(struct file *file, const char *path, uint64_t most) {
    char error[FILE_ERROR_BYTES];
    const struct wrong wrong = {error, sizeof error, most < FILE_LARGEST ? most : FILE_LARGEST};
    return load(file, path, &wrong) || complain("%s: %s", path, error);
}

void file_free(struct file *file) {
    free(file->path);
    free(file->bytes);
    *file = (struct file){0};
}

bool file_get(const struct file *file, uint64_t offset, void *to, size_t length) {
    if (offset > file->size || length > file->size - offset) return false;
    memcpy(to, file->bytes + offset, length);
    return true;
}

bool file_is_pipe(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISFIFO(s.st_mode);
}
