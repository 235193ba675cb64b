// Lab 11: what is given beside labs/lib.
#include "lab.h"
enum {
    FIRST = 0x50,        // exercise 1
    LEVEL = 0x51,        // exercise 2: of a line that stays high until the device is served
    POSTED = 0x60,       // exercise 3
    NOTIFICATION = 0xf2, // the vector that says: look at the posted ones
};
void guest_code(void); // given.c
