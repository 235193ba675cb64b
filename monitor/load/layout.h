// Who lies where in guest RAM while something is loaded: every piece is claimed or placed here first, so that nothing
// collides, leaves RAM, or lands in physical page 0 (which guests overwrite before they have read what they were
// given).
#ifndef MONITOR_LAYOUT_H
#define MONITOR_LAYOUT_H
#include "devices/machine/machine_boot.h"

enum { LAYOUT_PIECES = 128, LAYOUT_REGIONS = 64, LAYOUT_REGISTERS = 64 };

// The image that comes of it, and what of it is no part of a file.
struct layout_image {
    struct boot_image image;
    struct boot_piece piece[LAYOUT_PIECES];
    struct boot_register reg[LAYOUT_REGISTERS];
    void *copy[LAYOUT_PIECES];
    unsigned copies;
};
void layout_image_free(struct layout_image *made);

struct layout {
    const struct machine *machine;
    struct layout_image *made;
    const char *path; // of the file being loaded, for messages
    struct machine_region region[LAYOUT_REGIONS];
    unsigned regions;
    struct layout_piece {
        uint64_t base, end;
        const char *what;
    } piece[LAYOUT_PIECES];
    unsigned pieces;
};

void layout_init(struct layout *layout, const struct machine *machine, const char *path, struct layout_image *made);
// An address that the file dictates. False, after one line on stderr, when it is not free RAM.
bool layout_claim(struct layout *layout, uint64_t base, uint64_t bytes, const char *what);
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
// That place, which nobody takes yet; 0, in silence, when there is none.
uint64_t layout_search(const struct layout *layout, const struct layout_wish *wish);
// What lies at a place that was claimed: `present` bytes of a file, then zeroes up to `bytes`. The file must stay.
void layout_fill(struct layout *layout, uint64_t base, const void *data, uint64_t present, uint64_t bytes);
// layout_place, and a copy of `bytes` there; of zeroes when it is NULL. Where the copy is, for those who go on with it.
uint64_t layout_put(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what);
void *layout_copy(struct layout *layout, uint64_t base, const void *bytes, uint64_t size);
// layout_place, and the bytes of a file there.
uint64_t layout_put_file(struct layout *layout, const struct layout_wish *wish, const void *bytes, const char *what);
// What the first processor begins with.
void layout_register(struct layout *layout, unsigned number, uint64_t value);
uint64_t layout_put_string(struct layout *layout, const char *text, const char *what); // low, with its final 0

// Where things go that only have to be out of the way: below 640 KBytes, above what a PC's firmware uses.
#define LAYOUT_LOW(size, alignment)                                                                                    \
    (&(struct layout_wish){                                                                                            \
        .bytes = (size), .align = (alignment), .min = 0x10000, .end = 0x90000, .order = LAYOUT_LOWEST})

#endif
