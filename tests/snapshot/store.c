// Snapshots in memory; see store.h.
#include "tests/snapshot/store.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

static bool put(void *context, const void *bytes, size_t count) {
    struct store *s = context;
    if (s->most && s->size + count > s->most) return false;
    while (s->size + count > s->room) {
        s->room = s->room ? 2 * s->room : 1 << 20;
        if (!(s->bytes = realloc(s->bytes, s->room))) bail("memory");
    }
    memcpy(s->bytes + s->size, bytes, count);
    s->size += count;
    return true;
}

static size_t get(void *context, void *to, size_t count) {
    struct store *s = context;
    size_t left = s->size - s->at, got = count < left ? count : left;
    if (got) memcpy(to, s->bytes + s->at, got);
    s->at += got;
    return got;
}

struct sink store_sink(struct store *s) {
    s->size = 0;
    return (struct sink){s, put};
}

struct source store_source(struct store *s) {
    s->at = 0;
    return (struct source){s, get};
}

void store_free(struct store *s) {
    free(s->bytes);
    *s = (struct store){0};
}

struct machine *store_machine(struct store *s, const struct packer *packer, struct snapshot **from, const char **why) {
    static char error[200];
    const struct source source = store_source(s);
    const struct setup *setup;
    struct snapshot_head head;
    struct machine *m = NULL;
    struct snapshot *snapshot = *from = snapshot_open(&source, packer);
    *why = error;
    if (!snapshot) bail("memory");
    if (snapshot_head(snapshot, &head) && (setup = snapshot_setup(snapshot)) &&
        (m = machine_new(&setup->config, error, sizeof error)) && snapshot_load(snapshot, m, true))
        return m;
    if (*snapshot_wrong(snapshot)) *why = snapshot_wrong(snapshot);
    if (m) machine_free(m);
    return NULL;
}
