// Snapshots in files; see snapshot_file.h.
#include "monitor/moving/snapshot_file.h"
#include "monitor/files/files.h"
#include "monitor/files/packed.h"
#include "monitor/files/readable.h"
#include "monitor/files/replaced.h"
#include <stdio.h>
#include <string.h>

// --- writing ---

bool snapshot_file_save(struct machine *machine, const char *path, char *why, size_t size) {
    struct replaced *to = replaced_open(path, SNAPSHOT_BEGINS, sizeof SNAPSHOT_BEGINS - 1, why, size);
    if (!to) return false;
    const char *wrong = snapshot_save(machine, &(struct sink){to, replaced_put}, packed_by_zstd());
    snprintf(why, size, "%s", wrong ? wrong : ""); // what the host says is said instead, when it says something
    return replaced_close(to, !wrong, why, size);
}

// --- reading ---

// What the snapshot has to say, unless the file could not be read that far.
static bool failed(const struct snapshot_file *f, char *why, size_t size) {
    const char *host = f->from ? readable_why(f->from) : "";
    snprintf(why, size, "%s%s", *host ? "cannot be read: " : "", *host ? host : snapshot_wrong(f->snapshot));
    return false;
}

static bool begin(struct snapshot_file *f, char *why, size_t size) {
    const struct source source = {f->from, readable_get};
    f->snapshot = snapshot_open(&source, packed_by_zstd());
    if (!f->snapshot) {
        snprintf(why, size, "not enough memory");
        return false;
    }
    if (!snapshot_head(f->snapshot, &f->head)) return failed(f, why, size);
    f->setup = snapshot_setup(f->snapshot);
    return f->setup || failed(f, why, size);
}

bool snapshot_file_open(struct snapshot_file *f, const char *path, char *why, size_t size) {
    *f = (struct snapshot_file){.from = readable_open(path)};
    if (f->from) return begin(f, why, size);
    snprintf(why, size, "%s", files_why());
    return false;
}

// What was read of one that came.
static void drop(struct snapshot_file *f) {
    readable_close(f->from);
    snapshot_free(f->snapshot);
    f->from = NULL;
    f->snapshot = NULL;
    f->setup = NULL;
}

bool snapshot_file_incoming(struct snapshot_file *f, const char *where, char *why, size_t size) {
    bool listens = f->comes || incoming_begin(&f->incoming, where, why, size);
    f->comes = true;
    if (!listens) return false;
    drop(f);
    f->from = incoming_next(&f->incoming, why, size);
    return f->from && begin(f, why, size);
}

bool snapshot_file_load(struct snapshot_file *f, struct machine *machine, char *why, size_t size) {
    bool alone = !f->comes || f->incoming.is_command;
    if (!snapshot_load(f->snapshot, machine, alone)) return failed(f, why, size);
    if (f->comes && !incoming_agree(&f->incoming, why, size)) return false;
    readable_close(f->from);
    f->from = NULL;
    if (f->comes) incoming_end(&f->incoming);
    return true;
}

void snapshot_file_close(struct snapshot_file *f) {
    drop(f);
    if (f->comes) incoming_end(&f->incoming);
    *f = (struct snapshot_file){0};
}
