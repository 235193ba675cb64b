// What a machine is made of and begins with, as a value that owns all that it names: the configuration, files for the
// firmware with their contents, and the boot image for resets. As frames: FORM with the configuration's items by name,
// FILE for each file, BOOT for the boot image, DATA for the bytes of both.
#ifndef DEVICES_SNAPSHOT_SETUP_H
#define DEVICES_SNAPSHOT_SETUP_H
#include "devices/machine/machine.h"
#include "devices/machine/machine_boot.h"
#include "devices/snapshot/frame.h"

struct setup {
    struct machine_config config; // the back ends are the front end's to fill in
    bool has_boot;
    struct boot_image boot;
    // owned, and pointed to by the above
    char name[32], brand[48];
    struct machine_file *file;
    struct boot_piece *piece;
    struct boot_register *reg;
};

#define FRAME_FORM FRAME_KIND('F', 'O', 'R', 'M')
#define FRAME_FILE FRAME_KIND('F', 'I', 'L', 'E')
#define FRAME_BOOT FRAME_KIND('B', 'O', 'O', 'T')
#define FRAME_DATA FRAME_KIND('D', 'A', 'T', 'A')

// Of a machine: the files of its configuration must still be there.
bool setup_put(struct frame_writer *w, const struct machine *machine);
// False: the reader's `wrong`. It is to be freed in any case.
bool setup_take(struct frame_reader *r, struct setup *setup);
void setup_free(struct setup *setup);

// What of a configuration another one has differently, in words: "RAM: 128 MBytes here, 512 there". NULL: nothing; the
// text lies in `text`. Back ends do not count.
const char *setup_differs(const struct machine_config *here, const struct machine_config *there, char *text,
                          size_t size);
// The same of what they begin with in memory: command line, kernel, initrd. (boot_difference.c)
const char *setup_boot_differs(const struct setup *here, const struct setup *there, char *text, size_t size);

#endif
