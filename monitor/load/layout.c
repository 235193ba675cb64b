// Who lies where in guest RAM while something is loaded.
#include "monitor/load/layout.h"
#include "monitor/host/status.h"
#include <inttypes.h>
#include <string.h>

void layout_init(struct layout *layout, struct machine *machine, const char *path) {
    *layout = (struct layout){.machine = machine, .path = path};
    layout->regions = machine_memory_map(machine, layout->region, LAYOUT_REGIONS);
    if (layout->regions > LAYOUT_REGIONS) layout->regions = LAYOUT_REGIONS;
    layout->piece[layout->pieces++] = (struct layout_piece){0, 0x1000, "the first page"};
}

static bool is_ram(const struct layout *layout, uint64_t base, uint64_t bytes) {
    for (unsigned i = 0; i < layout->regions; i++) {
        const struct machine_region *r = &layout->region[i];
        if (r->type == MEMORY_RAM && base >= r->base && base - r->base <= r->bytes &&
            bytes <= r->bytes - (base - r->base))
            return true;
    }
    return false;
}

// The piece that shares a byte with base..base+bytes, which is known to lie in RAM.
static const struct layout_piece *taken(const struct layout *layout, uint64_t base, uint64_t bytes) {
    for (unsigned i = 0; i < layout->pieces; i++)
        if (base < layout->piece[i].end && layout->piece[i].base < base + bytes) return &layout->piece[i];
    return NULL;
}

bool layout_loaded(const struct layout *layout, uint64_t address) {
    const struct layout_piece *piece = is_ram(layout, address, 1) ? taken(layout, address, 1) : NULL;
    return piece && piece != &layout->piece[0]; // which only keeps others away
}

bool layout_free(const struct layout *layout, uint64_t base, uint64_t bytes) {
    return bytes && is_ram(layout, base, bytes) && !taken(layout, base, bytes) && layout->pieces < LAYOUT_PIECES;
}

static void *add(struct layout *layout, uint64_t base, uint64_t bytes, const char *what) {
    layout->piece[layout->pieces++] = (struct layout_piece){base, base + bytes, what};
    return machine_ram(layout->machine, base, bytes);
}

void *layout_claim(struct layout *layout, uint64_t base, uint64_t bytes, const char *what) {
    uint64_t last = base + bytes - 1;
    void *host = NULL;
    if (!is_ram(layout, base, bytes)) {
        complain("%s: %s wants physical memory %" PRIx64 "H..%" PRIx64 "H, which is not all RAM: try more with -m",
                 layout->path, what, base, last);
        return NULL;
    }
    const struct layout_piece *other = taken(layout, base, bytes);
    if (other)
        complain("%s: %s wants physical memory %" PRIx64 "H..%" PRIx64 "H, where %s is already", layout->path, what,
                 base, last, other->what);
    else if (layout->pieces == LAYOUT_PIECES)
        complain("%s: it has more than %d pieces to load", layout->path, LAYOUT_PIECES);
    else if (!(host = add(layout, base, bytes, what)))
        complain("%s: %s does not fit into RAM at %" PRIx64 "H", layout->path, what, base);
    return host;
}

// A candidate is free when it lies in RAM and in the wish, and touches no piece.
static bool fits(const struct layout *layout, const struct layout_wish *wish, uint64_t base) {
    return base >= wish->min && base <= wish->end && wish->bytes <= wish->end - base &&
           layout_free(layout, base, wish->bytes);
}

static void consider(const struct layout *layout, const struct layout_wish *wish, uint64_t base, uint64_t *best) {
    if (base && fits(layout, wish, base) && (!*best || (wish->order == LAYOUT_LOWEST ? base < *best : base > *best)))
        *best = base;
}

// The best place begins at the lower bound of something or ends at the upper bound of something: try all of these.
static uint64_t search(const struct layout *layout, const struct layout_wish *wish) {
    uint64_t best = 0, mask = wish->align - 1;
    uint64_t edge[2 * (LAYOUT_PIECES + LAYOUT_REGIONS + 1)];
    unsigned edges = 0;
    edge[edges++] = wish->min;
    edge[edges++] = wish->end;
    for (unsigned i = 0; i < layout->pieces; i++) {
        edge[edges++] = layout->piece[i].base;
        edge[edges++] = layout->piece[i].end;
    }
    for (unsigned i = 0; i < layout->regions; i++) {
        edge[edges++] = layout->region[i].base;
        edge[edges++] = layout->region[i].base + layout->region[i].bytes;
    }
    for (unsigned i = 0; i < edges; i++) {
        if (edge[i] <= UINT64_MAX - mask) consider(layout, wish, (edge[i] + mask) & ~mask, &best);
        if (edge[i] >= wish->bytes) consider(layout, wish, (edge[i] - wish->bytes) & ~mask, &best);
    }
    return best;
}

uint64_t layout_place(struct layout *layout, const struct layout_wish *wish, const char *what) {
    uint64_t base = search(layout, wish);
    if (!base || !add(layout, base, wish->bytes, what)) {
        complain("%s: no room for %s (%" PRIu64 " KBytes below %" PRIx64 "H): try more RAM with -m", layout->path, what,
                 (wish->bytes + 1023) / 1024, wish->end);
        return 0;
    }
    return base;
}

uint64_t layout_put(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what) {
    uint64_t base = layout_place(layout, wish, what);
    if (base) memcpy(machine_ram(layout->machine, base, wish->bytes), bytes, wish->bytes);
    return base;
}

uint64_t layout_put_string(struct layout *layout, const char *text, const char *what) {
    return layout_put(layout, LAYOUT_LOW(strlen(text) + 1, 16), text, what);
}
