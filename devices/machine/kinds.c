// The kinds of devices that -device makes: device_rows.def, which the build collects from the devices' files.
#include "devices/machine/attach.h"
#include <string.h>

#define DEVICE_ROW(symbol) extern const struct device symbol##_device;
#include <device_rows.def>
#undef DEVICE_ROW

static const struct device *const kinds[] = {
#define DEVICE_ROW(symbol) &symbol##_device,
#include <device_rows.def>
#undef DEVICE_ROW
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const struct device *machine_device_kind(unsigned index) { return index < KINDS ? kinds[index] : NULL; }

const struct device *device_kind(const char *name, size_t length) {
    for (unsigned i = 0; i < KINDS; i++)
        if (strlen(kinds[i]->name) == length && memcmp(kinds[i]->name, name, length) == 0) return kinds[i];
    return NULL;
}
