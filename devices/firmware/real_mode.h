// What firmware leaves behind for programs that enter real-address mode.
#ifndef DEVICES_REAL_MODE_H
#define DEVICES_REAL_MODE_H
#include "devices/irq/pic.h"
#include "devices/timer/pit.h"

void real_mode_vectors(uint8_t *ram);                  // interrupt vectors and their handlers
void real_mode_tick(struct pic *pic, struct pit *pit); // 8259s and 8254 as a BIOS sets them

#endif
