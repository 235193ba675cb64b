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

// False after one line on stderr.
bool file_read(struct file *file, const char *path);
void file_free(struct file *file);
// Copies `length` bytes at `offset`; false, nothing copied, when they are not all in the file.
bool file_get(const struct file *file, uint64_t offset, void *to, size_t length);

#endif
