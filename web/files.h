// The files that the page was handed. There are no others.
#ifndef WEB_FILES_H
#define WEB_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;
// `bytes` are from malloc, and become the table's. One of that name is replaced. False: there are too many.
bool web_file_put(const char *name, uint8_t *bytes, size_t size);
const struct file *web_file(int fd); // NULL: there is none

#endif
