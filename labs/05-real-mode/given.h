// Lab 5: what is given beside labs/lib.
#include "lab.h"
extern const uint8_t real_code[], real_handler[], real_end[]; // given.S
#define REAL_SEGMENT 0x800ull                                 // where the guest is to run: 0800:0000
