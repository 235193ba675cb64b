// The names in a folder, in order.
#ifndef MONITOR_FOLDER_H
#define MONITOR_FOLDER_H
#include <stdbool.h>

struct folder {
    char **name;
    unsigned count;
};
bool folder_list(struct folder *folder, const char *path, char *why, unsigned why_size); // regular files alone
void folder_free(struct folder *folder);
// The file's bytes. 0: it cannot be known.
unsigned long long folder_file_bytes(const char *path);

#endif
