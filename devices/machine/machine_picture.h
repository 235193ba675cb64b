// What the machine's display shows: pulled when a front end wants it. Looking changes no hash.
#ifndef DEVICES_MACHINE_PICTURE_H
#define DEVICES_MACHINE_PICTURE_H
#include "devices/display/picture.h"
#include "devices/machine/machine.h"

bool machine_has_display(const struct machine *machine);
// Draws what is shown at this moment. `picture` begins as zeros, and is one machine's until picture_release. Rows that
// were stored to since the last pull, and all when registers have changed, are drawn; `changed` says which are not as
// they were. False: there is no display, or nothing that could be drawn, or memory is short.
bool machine_picture(struct machine *machine, struct picture *picture);
// NULL: the machine is gone already.
void machine_picture_release(struct machine *machine, struct picture *picture);

#endif
