// What is in a folder; see folder.h.
#define _GNU_SOURCE // dirent's types
#include "monitor/files/folder.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool add(struct folder *f, const char *name) {
    char **more = realloc(f->name, (f->count + 1) * sizeof *more), *copy = strdup(name);
    if (more) f->name = more;
    if (!more || !copy) {
        free(copy);
        return false;
    }
    f->name[f->count++] = copy;
    return true;
}

bool folder_list(struct folder *f, const char *path, char *why, unsigned size) {
    *f = (struct folder){0};
    DIR *folder = opendir(path);
    if (!folder) {
        snprintf(why, size, "%s", strerror(errno));
        return false;
    }
    bool room = true;
    for (const struct dirent *e; room && (e = readdir(folder));)
        if (e->d_type == DT_REG || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN) room = add(f, e->d_name);
    closedir(folder);
    if (!room) snprintf(why, size, "not enough memory");
    if (!room) folder_free(f);
    if (f->count) qsort(f->name, f->count, sizeof *f->name, compare);
    return room;
}

void folder_free(struct folder *f) {
    for (unsigned i = 0; i < f->count; i++) free(f->name[i]);
    free(f->name);
    *f = (struct folder){0};
}

unsigned long long folder_file_bytes(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (unsigned long long)s.st_size : 0;
}
