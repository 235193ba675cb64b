// Between the door (machine_input.c) and what is behind it. Private to devices/machine.
#ifndef DEVICES_MACHINE_INPUT_APPLY_H
#define DEVICES_MACHINE_INPUT_APPLY_H
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_private.h"

struct input_kind_row {
    struct input_row row;
    uint32_t (*takes)(const struct machine *machine, const struct input *input);
    bool (*apply)(struct machine *machine, const struct input *input);
};
const struct input_kind_row *input_kind_row(unsigned kind); // NULL past the last one

#endif
