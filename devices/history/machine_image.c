// A machine as bytes; see machine_image.h.
#include "devices/history/machine_image.h"
#include "cpu/state/state.h"
#include "devices/history/follower.h"
#include "devices/machine/machine_private.h"
#include <string.h>

static size_t parts_size(struct machine *m) {
    struct machine_part part;
    size_t bytes = 0;
    for (unsigned i = 0; machine_part(m, i, &part); i++) bytes += part.object ? state_size(part.table) : 0;
    return bytes;
}

// Where in a boundary a processor stands, which positions name, and what it has told of its next attempt: not state.
struct standing {
    uint64_t boundary_step, boundary_cycle;
    uint32_t boundary_events;
};

static size_t standings_size(const struct machine *m) { return m->config.cpus * sizeof(struct standing); }

static void standings_save(const struct machine *m, uint8_t *out) {
    for (unsigned i = 0; i < m->config.cpus; i++, out += sizeof(struct standing)) {
        const struct observation *o = &m->cpu[i]->observation;
        memcpy(out, &(struct standing){o->boundary_step, o->boundary_cycle, o->boundary_events},
               sizeof(struct standing));
    }
}

static void standings_load(struct machine *m, const uint8_t *in) {
    for (unsigned i = 0; i < m->config.cpus; i++, in += sizeof(struct standing)) {
        struct observation *o = &m->cpu[i]->observation;
        struct standing s;
        memcpy(&s, in, sizeof s);
        o->boundary_step = s.boundary_step, o->boundary_cycle = s.boundary_cycle;
        o->boundary_events = s.boundary_events;
        o->passed_step = ~0ull;
        o->stop = STOPPING_NO;
    }
}

size_t machine_image_size(struct machine *m) {
    return parts_size(m) + followers_size(m) + sizeof m->counts + standings_size(m);
}

void machine_image_save(struct machine *m, uint8_t *out) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        if (!part.object) continue;
        state_save(part.table, part.object, out);
        out += state_size(part.table);
    }
    followers_save(m, out);
    out += followers_size(m);
    memcpy(out, &m->counts, sizeof m->counts);
    standings_save(m, out + sizeof m->counts);
}

static const char *parts_load(struct machine *m, const uint8_t *in) {
    struct machine_part part;
    uint32_t index;
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        if (!part.object) continue;
        if (state_load(part.table, part.object, in, &index)) return part.name;
        in += state_size(part.table);
    }
    return NULL;
}

const char *machine_image_load(struct machine *m, const uint8_t *in) {
    const char *wrong = parts_load(m, in);
    if (!wrong) wrong = machine_loaded(m);
    in += parts_size(m);
    if (!wrong) wrong = followers_load(m, in);
    in += followers_size(m);
    memcpy(&m->counts, in, sizeof m->counts);
    standings_load(m, in + sizeof m->counts);
    m->stop = -1;
    m->idle_granted = false;
    return wrong;
}
