// Who lies where in guest RAM while something is loaded.
#include "monitor/load/layout.h"
#include "monitor/host/status.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void layout_image_free(struct layout_image *made) {
    while (made->copies) free(made->copy[--made->copies]);
    made->image = (struct boot_image){0};
}

void layout_init(struct layout *layout, const struct machine *machine, const char *path, struct layout_image *made) {
    *layout = (struct layout){.machine = machine, .path = path, .made = made};
    layout_image_free(made);
    made->image = (struct boot_image){.piece = made->piece, .reg = made->reg};
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

static bool add(struct layout *layout, uint64_t base, uint64_t bytes, const char *what) {
    layout->piece[layout->pieces++] = (struct layout_piece){base, base + bytes, what};
    return machine_ram(layout->machine, base, bytes);
}

bool layout_claim(struct layout *layout, uint64_t base, uint64_t bytes, const char *what) {
    uint64_t last = base + bytes - 1;
    if (!is_ram(layout, base, bytes))
        return complain("%s: %s wants physical memory %" PRIx64 "H..%" PRIx64
                        "H, which is not all RAM: try more with -m",
                        layout->path, what, base, last);
    const struct layout_piece *other = taken(layout, base, bytes);
    if (other)
        return complain("%s: %s wants physical memory %" PRIx64 "H..%" PRIx64 "H, where %s is already", layout->path,
                        what, base, last, other->what);
    if (layout->pieces == LAYOUT_PIECES)
        return complain("%s: it has more than %d pieces to load", layout->path, LAYOUT_PIECES);
    return add(layout, base, bytes, what) ||
           complain("%s: %s does not fit into RAM at %" PRIx64 "H", layout->path, what, base);
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
uint64_t layout_search(const struct layout *layout, const struct layout_wish *wish) {
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
    uint64_t base = layout_search(layout, wish);
    if (!base || !add(layout, base, wish->bytes, what)) {
        complain("%s: no room for %s (%" PRIu64 " KBytes below %" PRIx64 "H): try more RAM with -m", layout->path, what,
                 (wish->bytes + 1023) / 1024, wish->end);
        return 0;
    }
    return base;
}

// There is room: each lies in a piece that was claimed.
void layout_fill(struct layout *layout, uint64_t base, const void *data, uint64_t present, uint64_t bytes) {
    struct layout_image *made = layout->made;
    if (made->image.pieces < LAYOUT_PIECES)
        made->piece[made->image.pieces++] = (struct boot_piece){base, bytes, present, data};
}

void *layout_copy(struct layout *layout, uint64_t base, const void *bytes, uint64_t size) {
    struct layout_image *made = layout->made;
    void *copy = made->copies < LAYOUT_PIECES ? calloc(1, size) : NULL;
    if (!copy) {
        complain("not enough memory");
        return NULL;
    }
    if (bytes) memcpy(copy, bytes, size);
    made->copy[made->copies++] = copy;
    layout_fill(layout, base, copy, size, size);
    return copy;
}

void layout_register(struct layout *layout, unsigned number, uint64_t value) {
    struct layout_image *made = layout->made;
    if (made->image.registers < LAYOUT_REGISTERS)
        made->reg[made->image.registers++] = (struct boot_register){(enum register_number)number, value};
}

uint64_t layout_put(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what) {
    uint64_t base = layout_place(layout, wish, what);
    return base && layout_copy(layout, base, bytes, wish->bytes) ? base : 0;
}

uint64_t layout_put_file(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what) {
    uint64_t base = layout_place(layout, wish, what);
    if (base) layout_fill(layout, base, bytes, wish->bytes, wish->bytes);
    return base;
}

uint64_t layout_put_string(struct layout *layout, const char *text, const char *what) {
    return layout_put(layout, LAYOUT_LOW(strlen(text) + 1, 16), text, what);
}
