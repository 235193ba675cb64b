// Programmable attribute map: what is seen in the thirteen segments between C0000H and FFFFFH: RAM, or what is on the
// bus: the firmware's ROM, or nothing.
#ifndef DEVICES_PAM_H
#define DEVICES_PAM_H
#include "devices/bus/map.h"

enum { PAM_SEGMENTS = 13, PAM_REGISTERS = 7 };
struct pam {
    struct map *map;
    unsigned region[PAM_SEGMENTS];
};
void pam_init(struct pam *pam, struct map *map);
// The seven registers, from PAM0 on, as the host bridge has them now.
void pam_set(struct pam *pam, const uint8_t registers[PAM_REGISTERS]);

#endif
