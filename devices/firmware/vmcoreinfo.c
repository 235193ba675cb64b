// vmcoreinfo: a file of the firmware configuration device in which a Linux kernel says where its note about itself is, for
// whoever makes a dump of its memory. QEMU, docs/specs/vmcoreinfo.rst. `info device vmcoreinfo` shows it.
#include "devices/bus/bus.h"
#include <string.h>

enum { FORMAT_ELF = 1, BYTES = 16 };

struct vmcoreinfo {
    uint8_t file[BYTES]; // 2 bytes: what the host takes; 2: what the guest gives; 4: how long it is; 8: where
};

static const struct state_field fields[] = {STATE_ARRAY(struct vmcoreinfo, file)};
static const struct state_table vmcoreinfo_state = STATE_TABLE("vmcoreinfo", fields);

static void reset(void *chip) {
    struct vmcoreinfo *v = chip;
    memset(v->file, 0, sizeof v->file);
    v->file[0] = FORMAT_ELF;
}

static const char *create(void *chip, struct device_host *host) {
    struct vmcoreinfo *v = chip;
    return device_offers(host, "etc/vmcoreinfo", v->file, BYTES);
}

DEVICE(vmcoreinfo) = {.name = "vmcoreinfo",
                      .help = "a place where Linux says where the note for dumps of its memory is",
                      .reset = reset,
                      .state = &vmcoreinfo_state,
                      .bytes = sizeof(struct vmcoreinfo),
                      .create = create};
