// Everything about a machine but its memory: its parts, what its followers know, its counters, and where within an
// instruction boundary each processor stands. Here stands once what that is (machine_piece). As bytes in a fixed order
// it is for the same machine, or another one of the same configuration with the same followers, in the same process;
// by names (machine_image_put) it is for files.
#ifndef DEVICES_SNAPSHOT_MACHINE_IMAGE_H
#define DEVICES_SNAPSHOT_MACHINE_IMAGE_H
#include "devices/machine/machine.h"
#include "devices/snapshot/frame.h"

enum machine_piece_kind {
    PIECE_PART,
    PIECE_FOLLOWER, // VT-x's own
    PIECE_COUNTERS,
    PIECE_STANDING,
    PIECE_TIMING,   // what timing models know
    PIECE_ONLOOKER, // a follower that a front end added: in no file
    PIECE_KINDS,
};
struct machine_piece {
    enum machine_piece_kind kind;
    struct machine_part part;
};
// A walk over all pieces in their order: begins with a struct of zeros. False past the last one.
struct machine_walk {
    unsigned kind, index;
};
bool machine_piece(struct machine *machine, struct machine_walk *walk, struct machine_piece *out);

enum { MACHINE_IMAGE_HEAD = sizeof(uint32_t) }; // bytes before the first piece: the number of the timing model
size_t machine_image_size(struct machine *machine);
size_t machine_image_timing(const struct machine *machine); // what of it the timing model's state takes
void machine_image_save(struct machine *machine, uint8_t *out);
// After the memory was put back; the timing model becomes that of the image. Derived state is dropped. NULL; or the name of a part that no run can have brought
// about: the machine must not be used then.
[[nodiscard]] const char *machine_image_load(struct machine *machine, const uint8_t *in);

// The same by names, as frames: TIME with the number of the timing model, when there is one; PART for each piece; ALL. After reading the memory is to be put back, then
// machine_image_loaded.
#define FRAME_PART FRAME_KIND('P', 'A', 'R', 'T')
#define FRAME_TIMING FRAME_KIND('T', 'I', 'M', 'E')
#define FRAME_ALL FRAME_KIND('A', 'L', 'L', ' ')
bool machine_image_put(struct frame_writer *w, struct machine *machine);
// False: the reader's `wrong`; the machine may have changed and must not be used.
bool machine_image_take(struct frame_reader *r, struct machine *machine);
// What follows from the pieces is worked out. NULL; or as machine_image_load.
[[nodiscard]] const char *machine_image_loaded(struct machine *machine);

#endif
