// Workers that go through pieces of the past side by side, each in a machine of its own (devices/asking/twin.h), on
// threads that a front end handed in. What they find is put together in the order of the pieces, so that it does not
// depend on how many they are, or on who was first. Private to devices/asking.
#ifndef DEVICES_ASKING_CREW_H
#define DEVICES_ASKING_CREW_H
#include "devices/asking/change.h"
#include "devices/asking/scan.h"
#include "devices/asking/twin.h"

struct crew_worker {
    struct twin twin;
    void *own;      // what `hire` made for this machine
    unsigned piece; // that it goes through
    struct crew *crew;
};
struct crew {
    struct timeline *t;
    void *context; // of the search; for the functions below
    // A piece is gone through, with the worker's own timeline. What is found is left with the piece.
    enum search (*through)(void *context, struct crew_worker *worker, unsigned piece, const char **wrong);
    // For a machine, before its first piece: what is asked, of that machine; NULL: nothing is needed.
    bool (*hire)(void *context, struct crew_worker *worker);
    void (*fire)(void *context, struct crew_worker *worker);
    // Where pieces that come after the first one with something found need not be gone through.
    bool first_only;

    // crew_do: the pieces, in the order in which what is found counts
    const struct scan_span *piece;
    unsigned pieces;
    enum search *found;   // of each
    unsigned next, least; // the next that nobody has; the first one with something found
    bool ends;
    const char *wrong;
    uint64_t steps, most; // for the progress: looked through; of all
    struct crew_worker *worker;
    unsigned workers;
};
enum { CREW_PIECES = 64 };

// The steps that one machine goes through alone before others join in; ~0: there are no others. `fast`: at the speed of
// a free run; else each is looked at.
uint64_t crew_alone(const struct timeline *t, bool fast);
// False: memory is short.
bool crew_begin(struct crew *crew, struct timeline *t);
void crew_end(struct crew *crew);
// Goes through them, at most CREW_PIECES. SEARCH_WRONG: *wrong. SEARCH_FOUND: something was found, in found[].
enum search crew_do(struct crew *crew, const struct scan_span *piece, unsigned pieces, const char **wrong);

// Takes pieces of at least so many steps off a span's beginning, or with `backwards` off its end, in the order in which
// they come: some for each worker. What is gone through at the speed of a free run is cut at checkpoints: the way from
// one takes as long as the search.
struct crew_cutting {
    uint64_t steps;
    bool backwards, at_checkpoints;
};
unsigned crew_cut(const struct crew *crew, struct scan_span *span, const struct crew_cutting *how,
                  struct scan_span piece[CREW_PIECES]);

#endif
