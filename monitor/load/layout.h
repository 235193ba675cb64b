// Who lies where in guest RAM while something is loaded: every piece is claimed or placed here first, so that nothing
// collides, leaves RAM, or lands in physical page 0 (which guests overwrite before they have read what they were
// given).
#ifndef MONITOR_LAYOUT_H
#define MONITOR_LAYOUT_H
#include "devices/machine/machine.h"

enum { LAYOUT_PIECES = 128, LAYOUT_REGIONS = 64 };

struct layout {
    struct machine *machine;
    const char *path; // of the file being loaded, for messages
    struct machine_region region[LAYOUT_REGIONS];
    unsigned regions;
    struct layout_piece {
        uint64_t base, end;
        const char *what;
    } piece[LAYOUT_PIECES];
    unsigned pieces;
};

void layout_init(struct layout *layout, struct machine *machine, const char *path);
// An address that the file dictates. NULL, after one line on stderr, when it is not free RAM; else its host address.
void *layout_claim(struct layout *layout, uint64_t base, uint64_t bytes, const char *what);
// Whether layout_claim would succeed.
bool layout_free(const struct layout *layout, uint64_t base, uint64_t bytes);
// Whether something was claimed or placed at this address.
bool layout_loaded(const struct layout *layout, uint64_t address);
// The lowest or highest free place with min <= place and place + bytes <= end. 0, after one line, when there is none.
enum layout_order { LAYOUT_LOWEST, LAYOUT_HIGHEST };
struct layout_wish {
    uint64_t bytes, align, min, end;
    enum layout_order order;
};
uint64_t layout_place(struct layout *layout, const struct layout_wish *wish, const char *what);
// layout_place, and `bytes` copied there.
uint64_t layout_put(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what);
uint64_t layout_put_string(struct layout *layout, const char *text, const char *what); // low, with its final 0

// Where things go that only have to be out of the way: below 640 KBytes, above what a PC's firmware uses.
#define LAYOUT_LOW(size, alignment)                                                                                    \
    (&(struct layout_wish){                                                                                            \
        .bytes = (size), .align = (alignment), .min = 0x10000, .end = 0x90000, .order = LAYOUT_LOWEST})

#endif
