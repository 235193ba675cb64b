// The table of files; see files.h.
#define _GNU_SOURCE // memfd_create
#include "monitor/files/files.h"
#include "monitor/files/complaint.h"
#include "monitor/files/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    dev_t device;
    ino_t inode;
    enum file_use use;
    int fd; // -1: it was closed. What was read stays in the table; what was written leaves it
    bool given;
    char *name;
};

static struct {
    struct entry *entry;
    unsigned entries, room;
    char why[PATH_MAX + 300];
    bool at_prompt;
} table;

const char *files_why(void) { return table.why; }

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(table.why, sizeof table.why, format, arguments);
    va_end(arguments);
    return -1;
}

const char *files_advice(int error) {
    static const struct {
        int error;
        const char *text;
    } advice[] = {{ENOSPC, "; make room there, or name a file elsewhere"},
                  {EDQUOT, "; make room there, or name a file elsewhere"},
                  {EFBIG, "; raise the limit of file sizes (ulimit -f)"},
                  {EMFILE, "; raise the limit of open files (ulimit -n)"},
                  {ENOMEM, "; raise the limit of memory (ulimit -v)"},
                  {EPIPE, "; who should read it has gone"},
                  {EBADF, "; it is closed"},
                  {ETIMEDOUT, "; nobody reads it"}};
    for (unsigned i = 0; i < sizeof advice / sizeof *advice; i++)
        if (advice[i].error == error) return advice[i].text;
    return "";
}

// --- the table ---

// A device, such as a terminal or /dev/null, serves as many as like.
static bool is_shared(const struct stat *s) { return S_ISCHR(s->st_mode) || S_ISDIR(s->st_mode); }

// A file that was read and closed may be gone, and another one have its number.
static bool is_still(const struct entry *e) {
    struct stat now;
    return e->fd >= 0 || (stat(e->name, &now) == 0 && now.st_dev == e->device && now.st_ino == e->inode);
}

static const struct entry *find(const struct stat *s, enum file_use use, bool given) {
    for (const struct entry *e = table.entry; e < table.entry + table.entries; e++) {
        if (e->device != s->st_dev || e->inode != s->st_ino || (use == FILE_READ && e->use == FILE_READ)) continue;
        bool by_others = given && e->given && use == e->use; // >file 2>&1
        if (!by_others && is_still(e)) return e;
    }
    return NULL;
}

static bool add(const struct stat *s, enum file_use use, int fd, bool given, const char *name) {
    for (struct entry *e = table.entry; e < table.entry + table.entries; e++)
        if (e->fd < 0 && e->device == s->st_dev && e->inode == s->st_ino && strcmp(e->name, name) == 0) {
            e->fd = fd;
            return true;
        }
    if (table.entries == table.room) {
        unsigned room = 2 * table.room + 32;
        struct entry *bigger = realloc(table.entry, room * sizeof *bigger);
        if (!bigger) return false;
        table.entry = bigger;
        table.room = room;
    }
    char *copy = strdup(name);
    if (copy) table.entry[table.entries++] = (struct entry){s->st_dev, s->st_ino, use, fd, given, copy};
    return copy;
}

static void say_why(const struct entry *e, const char *path, enum file_use use) {
    bool same_name = strcmp(e->name, path) == 0;
    const char *it = same_name ? " it" : "", *what = same_name ? "" : "the same file as ",
               *which = same_name ? "" : ", which ";
    const char *name = same_name ? "" : e->name;
    if (e->use == FILE_READ)
        fail("%s%s%sthis run reads%s: name another file for what is written", what, name, which, it);
    else if (use == FILE_READ)
        fail("%s%s%sthis run is writing%s: it can be read when that is done", what, name, which, it);
    else
        fail("%s%s%sthis run writes%s already: name a file for each output", what, name, which, it);
}

static bool claim(int fd, const char *path, enum file_use use, bool given) {
    struct stat s;
    if (fstat(fd, &s) != 0) return fail("cannot be looked at: %s", strerror(errno)) == 0;
    if (is_shared(&s)) return true;
    const struct entry *other = find(&s, use, given);
    if (other) say_why(other, path, use);
    return !other && (add(&s, use, fd, given, path) || fail("not enough memory") == 0);
}

void files_hold_streams(void) {
    int fd;
    do fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) close(fd);
}

bool files_claim_streams(bool uses_input, bool uses_output) {
    static const struct {
        int fd;
        const char *name;
        enum file_use use;
    } streams[] = {{STDIN_FILENO, "standard input", FILE_READ},
                   {STDOUT_FILENO, "standard output", FILE_WRITTEN},
                   {STDERR_FILENO, "standard error", FILE_WRITTEN}};
    const bool used[] = {uses_input, uses_output, true};
    struct stat s;
    for (unsigned i = 0; i < 3; i++) {
        if (!used[i] || fstat(streams[i].fd, &s) != 0 || (S_ISFIFO(s.st_mode) && i == 0) || S_ISSOCK(s.st_mode))
            continue;
        if (!claim(streams[i].fd, streams[i].name, streams[i].use, true))
            return complain("%s: %s", streams[i].name, table.why);
    }
    return true;
}

// --- opening ---

// Two processes that write one file lose what both write: the second one is refused, before it can truncate anything.
// A file system that knows no locks, and what is no file, has none.
static bool lock(int fd, enum file_use use) {
    struct stat s;
    if (use != FILE_WRITTEN || fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return true;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return fail("another process writes it: name another file") == 0;
        if (errno != EINTR) return true;
    }
    return true;
}

void files_at_prompt(void) { table.at_prompt = true; }

// A directory is refused by who reads.
static bool may_be_read(int fd) {
    struct stat s;
    return fstat(fd, &s) != 0 || S_ISREG(s.st_mode) || S_ISDIR(s.st_mode);
}

int files_open(const char *path, enum file_use use) {
    static const struct {
        int flags;
        mode_t mode;
    } how[] = {[FILE_READ] = {O_RDONLY, 0},
               [FILE_WRITTEN] = {O_WRONLY | O_CREAT, 0666},
               [FILE_KEPT] = {O_RDWR | O_CREAT, 0600},
               [FILE_CHANGED] = {O_RDWR, 0}};
    int fd, only_regular = table.at_prompt && use == FILE_READ ? O_NONBLOCK : 0;
    do fd = open(path, how[use].flags | O_CLOEXEC | O_NOCTTY | only_regular, how[use].mode);
    while (fd < 0 && errno == EINTR && !signals_ending() && !signals_is_asked());
    if (fd < 0) {
        const char *to = use == FILE_READ ? "" : " for writing";
        return fail("cannot be opened%s: %s%s", to, strerror(errno), files_advice(errno));
    }
    if (only_regular && !may_be_read(fd)) {
        close(fd);
        return fail("a pipe or a device; only a regular file is read from the prompt: copy what it gives to one");
    }
    if (claim(fd, path, use == FILE_READ ? FILE_READ : FILE_WRITTEN, false)) {
        if (lock(fd, use)) return fd;
        files_close(fd);
        return -1;
    }
    close(fd);
    return -1;
}

int files_create(const char *path) { return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666); }

bool files_is_there(const char *path) { return access(path, R_OK) == 0; }
int files_peek(const char *path) { return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); }

int files_of(const void *bytes, size_t count) {
    int fd = memfd_create("file", MFD_CLOEXEC);
    if (fd < 0) return fail("cannot be had in memory: %s%s", strerror(errno), files_advice(errno));
    for (size_t done = 0; done < count;) {
        ssize_t wrote = write(fd, (const char *)bytes + done, count - done);
        if (wrote > 0) done += (size_t)wrote;
        if (wrote > 0 || errno == EINTR) continue;
        close(fd);
        return fail("cannot be had in memory: %s", strerror(errno));
    }
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

int files_again(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 ? copy : fail("cannot be opened again: %s%s", strerror(errno), files_advice(errno));
}

int files_change(int fd, const char *path) {
    struct stat s, other;
    int again = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (again < 0) return fail("cannot be opened for writing: %s%s", strerror(errno), files_advice(errno));
    if (fstat(fd, &s) == 0 && fstat(again, &other) == 0 && s.st_dev == other.st_dev && s.st_ino == other.st_ino)
        return again;
    close(again);
    return fail("another file has this name now");
}

void files_close(int fd) {
    for (unsigned i = 0; i < table.entries; i++) {
        struct entry *e = &table.entry[i];
        if (e->fd != fd) continue;
        e->fd = -1;
        if (e->use == FILE_READ) continue;
        (void)flock(fd, LOCK_UN); // also for a process that has inherited it
        free(e->name);
        *e = table.entry[--table.entries];
        i--;
    }
    close(fd);
}
