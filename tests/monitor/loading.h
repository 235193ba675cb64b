// Loading images from memory into a machine, with what is said about them caught; and damaging them.
#ifndef TESTS_MONITOR_LOADING_H
#define TESTS_MONITOR_LOADING_H
#include "devices/machine/machine.h"
#include "monitor/load/load.h"
#include "tests/decode/random.h"
#include "tests/monitor/image.h"

struct loading {
    struct boot boot;              // the last image
    const struct loader *protocol; // NULL: the first that knows it
    struct machine *machine;
    int kernel_fd, initrd_fd;              // files without a name
    char kernel_path[64], initrd_path[64]; // and the names they have for this process
    char errors[16384];                    // what the last load said
    unsigned lines;                        // how many lines that was
    int errors_fd, real_stderr;
};

void loading_begin(struct loading *loading, uint64_t ram_bytes);
void loading_end(struct loading *loading);
void loading_renew(struct loading *loading, uint64_t ram_bytes); // another machine
void loading_file(int fd, const void *bytes, size_t size);
bool loading_try(struct loading *loading, const struct image *image, const char *initrd, const char *append);
// Success in silence, or failure with one line.
bool loading_well_behaved(const struct loading *loading, bool loaded);

// Flips bits, mostly in the headers, sets words to extreme values, or cuts.
void loading_damage(struct image *image, uint64_t *random);

#endif
