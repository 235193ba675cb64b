// A whole file in host memory, read once: a file that changes or shrinks later cannot hurt.
#ifndef MONITOR_FILE_H
#define MONITOR_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct file {
    char *path;
    uint8_t *bytes;
    size_t size;
};

// Reads all of it. False, with what is wrong in `error` (which may be NULL): "cannot be opened: No such file or
// directory".
bool file_load(struct file *file, const char *path, char *error, size_t error_size);
bool file_read(struct file *file, const char *path); // the same; false after one line on stderr
void file_free(struct file *file);
// Copies `length` bytes at `offset`; false, nothing copied, when they are not all in the file.
bool file_get(const struct file *file, uint64_t offset, void *to, size_t length);

// A descriptor to read from, for libraries that want one; -1: it cannot be opened, and errno says why.
int file_open(const char *path);
int file_again(int descriptor); // another one of the same file; -1: there are too many
void file_close(int descriptor);
// A file to write text to; what was there is lost. NULL: it cannot be opened, and errno says why.
FILE *file_create(const char *path);
bool file_finish(FILE *file); // closes it; false when not all could be written: errno says why

#endif
