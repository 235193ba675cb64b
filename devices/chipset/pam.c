// 82441FX data sheet, 3.2.18 (PAM0 to PAM6); Intel 3 Series chipset data sheet (MCH), 5.1.20: bits 5:4 of PAM0 are of
// F0000H to FFFFFH; bits 1:0 and 5:4 of each other one are of 16 KBytes, from C0000H on. Of the two bits, 0 lets reads
// go to RAM, 1 stores. As in QEMU a segment is RAM as soon as it can be read. NOT IMPLEMENTED: RAM that can be read
// and not be stored to: stores go to it; RAM that can be stored to and not be read: it is as if it were not there.
#include "devices/chipset/pam.h"

enum { FIRST = 0xc0000, SEGMENT = 0x4000, LAST = 0xf0000, LAST_BYTES = 0x10000, READ_ENABLE = 1 };

void pam_init(struct pam *p, struct map *map) {
    p->map = map;
    struct region r = {.base = FIRST, .bytes = 0x40000, .kind = REGION_NOTHING, .priority = PRIORITY_HOLE};
    (void)map_add(map, &r);
    r.kind = REGION_MEMORY;
    r.priority = PRIORITY_SHADOW;
    r.off = true;
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        r.base = r.shows = i ? FIRST + (i - 1) * SEGMENT : LAST;
        r.bytes = i ? SEGMENT : LAST_BYTES;
        p->region[i] = map_add(map, &r);
    }
}

void pam_set(struct pam *p, const uint8_t registers[PAM_REGISTERS]) {
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        unsigned nibble = i + 1; // two in each register; the lower one of PAM0 is reserved
        bool ram = registers[nibble / 2] >> (nibble % 2 ? 4 : 0) & READ_ENABLE;
        map_place(p->map, p->region[i], i ? FIRST + (i - 1) * SEGMENT : LAST, ram);
    }
}
