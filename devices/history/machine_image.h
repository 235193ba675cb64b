// Everything about a machine but its memory, as bytes: its parts, what its followers know, and its counters. For the
// same machine, or another one of the same configuration with the same followers, in the same process.
#ifndef DEVICES_HISTORY_MACHINE_IMAGE_H
#define DEVICES_HISTORY_MACHINE_IMAGE_H
#include "devices/machine/machine.h"

size_t machine_image_size(struct machine *machine);
void machine_image_save(struct machine *machine, uint8_t *out);
// After the memory was put back: derived state is dropped. NULL; or the name of a part that no run can have brought
// about: the machine must not be used then.
[[nodiscard]] const char *machine_image_load(struct machine *machine, const uint8_t *in);

#endif
