// A whole file in host memory, read once: a file that changes or shrinks later cannot hurt.
#ifndef MONITOR_FILE_H
#define MONITOR_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file {
    char *path;
    uint8_t *bytes;
    size_t size;
};

enum { FILE_ERROR_BYTES = 5000 }; // what can be wrong, another file's path included

// Reads all of it. False, with what is wrong in `error` (which may be NULL): "cannot be opened: No such file or
// directory".
bool file_load(struct file *file, const char *path, char *error, size_t error_size);
bool file_read(struct file *file, const char *path); // the same; false after one line on stderr
// The same of a file that must find room in so much RAM; one that is larger is refused before it is read.
bool file_read_most(struct file *file, const char *path, uint64_t most);
bool file_is_pipe(const char *path); // what waits for somebody to write
void file_free(struct file *file);
// Copies `length` bytes at `offset`; false, nothing copied, when they are not all in the file.
bool file_get(const struct file *file, uint64_t offset, void *to, size_t length);

#endif
