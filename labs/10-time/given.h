// Lab 10: what is given beside labs/lib.
#include "lab.h"
#define SLICE 100000ull // TSC cycles that the guest may run
void guest_code(void);  // given.c
