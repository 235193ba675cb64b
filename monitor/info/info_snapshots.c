// info snapshots: the snapshots in a folder.
#define _GNU_SOURCE // asprintf
#include "devices/snapshot/snapshot.h"
#include "monitor/files/folder.h"
#include "monitor/files/readable.h"
#include "monitor/info/info.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// What a file says of itself at its beginning. False: it is no snapshot; `wrong` is empty, or it is one that cannot be
// read.
static bool look(const char *path, struct snapshot_head *head, char *wrong, size_t size) {
    struct readable *from = readable_open(path);
    *wrong = '\0';
    if (!from) return false;
    const struct source source = {from, readable_get};
    struct snapshot *snapshot = snapshot_open(&source, NULL);
    bool good = snapshot && snapshot_head(snapshot, head);
    if (snapshot && !good && snapshot_is_one(snapshot)) snprintf(wrong, size, "%s", snapshot_wrong(snapshot));
    snapshot_free(snapshot);
    readable_close(from);
    return good;
}

static unsigned print_one(struct monitor *monitor, const char *folder, const char *name) {
    struct snapshot_head head;
    char *path = NULL, wrong[400];
    if (asprintf(&path, "%s/%s", folder, name) < 0) return 0;
    bool good = look(path, &head, wrong, sizeof wrong);
    if (good)
        print(monitor,
              "%-24s step %14" PRIu64 "  %8.3f s  %5" PRIu64 " MBytes of RAM, %2" PRIu64 " CPU%s  %8llu KBytes\n", name,
              head.steps, (double)head.nanoseconds / 1e9, head.ram_bytes >> 20, head.cpus, head.cpus == 1 ? " " : "s",
              (folder_file_bytes(path) + 1023) / 1024);
    else if (*wrong)
        print(monitor, "%-24s %s\n", name, wrong);
    free(path);
    return good || *wrong;
}

bool info_snapshots(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    const char *path = *arguments ? arguments : ".";
    struct folder folder;
    char why[200];
    unsigned found = 0;
    (void)page;
    if (!folder_list(&folder, path, why, sizeof why)) return monitor_error(monitor, "%s: %s", path, why);
    for (unsigned i = 0; i < folder.count; i++) found += print_one(monitor, path, folder.name[i]);
    folder_free(&folder);
    if (!found) print(monitor, "There are no snapshots in %s. savevm FILE writes one.\n", path);
    return true;
}
