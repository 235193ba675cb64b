// A snapshot in the host's memory: where a test writes it, and reads it from.
#ifndef TESTS_SNAPSHOT_STORE_H
#define TESTS_SNAPSHOT_STORE_H
#include "devices/snapshot/snapshot.h"

struct store {
    uint8_t *bytes;
    size_t size, room, at;
    size_t most; // that can be written; 0: any number
};
struct sink store_sink(struct store *store);     // appends
struct source store_source(struct store *store); // from the beginning on
void store_free(struct store *store);

// A machine made of what is read alone, which goes on where the saved one was. NULL: `why` says what is wrong. `from`
// is to be freed after the machine.
struct machine *store_machine(struct store *store, const struct packer *packer, struct snapshot **from,
                              const char **why);

#endif
