// The kinds of devices that -device makes: device_rows.def, which the build collects from the devices' files.
#include "devices/board/attach.h"
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

static bool is(const char *name, const char *text, size_t length) {
    return name && strlen(name) == length && memcmp(name, text, length) == 0;
}

const struct device *device_named(const char *text, const char **options) {
    size_t length = strcspn(text, ",");
    *options = text + length + (text[length] == ',');
    for (unsigned i = 0; i < KINDS; i++)
        if (is(kinds[i]->name, text, length) || is(kinds[i]->alias, text, length)) return kinds[i];
    return NULL;
}
