// Lab 8: what is given beside labs/lib.
#include "lab.h"
void guest_code(void); // given.c
