// A whole file in host memory.
#include "monitor/host/file.h"
#include "monitor/host/status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LARGEST ((size_t)4 << 30)
#define FILE_FIRST_PIECE ((size_t)1 << 20)

// Makes room for at least one byte more.
static bool grow(struct file *file, size_t *room, size_t expected) {
    if (file->size < *room) return true;
    if (*room >= FILE_LARGEST) return complain("%s: larger than 4 GBytes, which is no kernel or RAM disk", file->path);
    size_t more = *room ? *room * 2 : expected;
    uint8_t *bytes = realloc(file->bytes, more);
    if (!bytes) return complain("%s: not enough memory to read it", file->path);
    file->bytes = bytes;
    *room = more;
    return true;
}

static bool read_all(struct file *file, int fd, size_t expected) {
    size_t room = 0;
    for (;;) {
        if (!grow(file, &room, expected)) return false;
        ssize_t got = read(fd, file->bytes + file->size, room - file->size);
        if (got == 0) return true;
        if (got > 0)
            file->size += (size_t)got;
        else if (errno != EINTR)
            return complain("%s: cannot be read: %s", file->path, strerror(errno));
    }
}

bool file_read(struct file *file, const char *path) {
    struct stat stat;
    *file = (struct file){.path = strdup(path)};
    if (!file->path) return complain("%s: not enough memory", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fstat(fd, &stat) == 0;
    if (!done)
        complain("%s: cannot be opened: %s", path, strerror(errno));
    else if (S_ISDIR(stat.st_mode))
        done = complain("%s: a directory, not a file", path);
    else // one byte more than the size, so that the end of the file is seen without growing
        done = read_all(file, fd,
                        stat.st_size > 0 && stat.st_size < (off_t)FILE_LARGEST ? (size_t)stat.st_size + 1
                                                                               : FILE_FIRST_PIECE);
    if (fd >= 0) close(fd);
    if (!done) file_free(file);
    return done;
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
