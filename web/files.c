// The files of the page: those that were handed to it, in memory, by name; see files.h here. What is printed goes to
// the two streams, which the page has as console and messages. NOT IMPLEMENTED: writing files.
#include "web/files.h"
#include "monitor/files/behind.h"
#include "monitor/files/files.h"
#include "monitor/files/written.h"
#include "monitor/host/file.h"
#include "monitor/host/status.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 32, FIRST = 16 /* descriptor */ };
static struct file table[FILES];
static const char *why = "";

bool web_file_put(const char *name, uint8_t *bytes, size_t size) {
    for (unsigned i = 0; i < FILES; i++) {
        struct file *f = &table[i];
        if (f->path && strcmp(f->path, name) != 0) continue;
        if (f->path) file_free(f);
        *f = (struct file){strdup(name), bytes, size};
        return f->path != NULL;
    }
    return false;
}

const struct file *web_file(int fd) {
    return fd >= FIRST && fd < FIRST + FILES && table[fd - FIRST].path ? &table[fd - FIRST] : NULL;
}

int files_open(const char *path, enum file_use use) {
    for (int i = 0; i < FILES && use == FILE_READ; i++)
        if (table[i].path && strcmp(table[i].path, path) == 0) return FIRST + i;
    why = use == FILE_READ ? "the page has no file of that name; drop it on the page first"
                           : "the page writes no files; the native program does";
    return -1;
}

int files_of(const void *bytes, size_t count) {
    uint8_t *copy = malloc(count + 1);
    if (copy) memcpy(copy, bytes, count);
    if (copy && web_file_put("(memory)", copy, count)) return files_open("(memory)", FILE_READ);
    free(copy);
    why = "not enough memory";
    return -1;
}

void files_close(int fd) { (void)fd; }
int files_again(int fd) { return fd; }
int files_peek(const char *path) { return files_open(path, FILE_READ); }
bool files_is_there(const char *path) { return files_open(path, FILE_READ) >= 0; }
const char *files_why(void) { return why; }
const char *files_advice(int error) { return (void)error, ""; }

// --- whole files ---
static bool load(struct file *to, const char *path, uint64_t most) {
    const struct file *from = web_file(files_open(path, FILE_READ));
    if (!from) return false;
    why = "there is not so much memory for it";
    if (from->size > most) return false;
    *to = (struct file){strdup(path), malloc(from->size + 1), from->size};
    if (to->path && to->bytes) return memcpy(to->bytes, from->bytes, from->size);
    file_free(to);
    return false;
}

bool file_load(struct file *file, const char *path, char *error, size_t error_size) {
    if (load(file, path, UINT64_MAX)) return true;
    if (error) snprintf(error, error_size, "%s", why);
    return false;
}
bool file_read_most(struct file *file, const char *path, uint64_t most) {
    return load(file, path, most) || complain("%s: %s", path, why);
}
bool file_read(struct file *file, const char *path) { return file_read_most(file, path, UINT64_MAX); }
bool file_is_pipe(const char *path) { return (void)path, false; }
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

// --- streams ---
enum { ROOM = 4096 };
struct written {
    int fd;
    size_t used;
    char bytes[ROOM];
};
static struct written streams[2] = {{.fd = 1}, {.fd = 2}};
struct written *written_output(void) {
    return &streams[0];
}
struct written *written_errors(void) {
    return &streams[1];
}

struct written *written_open(const char *path, enum written_kind kind) {
    (void)kind;
    (void)files_open(path, FILE_WRITTEN);
    return NULL;
}
void written_begin(void) {}

bool written_flush(struct written *w) {
    const size_t used = w->used;
    w->used = 0;
    return !used || write(w->fd, w->bytes, used) == (ssize_t)used;
}

bool written_put(struct written *w, const void *bytes, size_t count) {
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < ROOM - w->used ? count - done : ROOM - w->used;
        memcpy(w->bytes + w->used, (const char *)bytes + done, part);
        w->used += part;
        if (w->used == ROOM && !written_flush(w)) return false;
    }
    return true;
}

bool written_print(struct written *w, const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) return false;
    const bool done = written_put(w, text, (size_t)length);
    free(text);
    return done;
}

bool written_close(struct written *w, char *reason, size_t size) { return (void)reason, (void)size, written_flush(w); }
bool written_is_full(const struct written *w) { return w->used == ROOM - 1; }
bool written_has(const struct written *w) { return w->used; }
bool written_is_broken(const struct written *w) { return (void)w, false; }
bool written_all(void) { return true; }

// --- recordings, which are not written ---
struct behind *behind_open(const char *path, const struct behind_user *user) {
    return (void)user, (void)files_open(path, FILE_WRITTEN), NULL;
}
bool behind_begin(struct behind *b) { return (void)b, false; }
void behind_lock(struct behind *b) { (void)b; }
void behind_unlock(struct behind *b) { (void)b; }
void behind_wait(struct behind *b, bool on) { (void)b, (void)on; }
void behind_put(struct behind *b, const void *bytes, size_t count) { (void)b, (void)bytes, (void)count; }
int behind_error(struct behind *b, uint64_t *bytes) { return (void)b, *bytes = 0, 0; }
int behind_close(struct behind *b, uint64_t *bytes) { return (void)b, *bytes = 0, 0; }
