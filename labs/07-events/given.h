// Lab 7: what is given beside labs/lib. The guest asks for an event by VMCALL, with one of these in RAX:
#include "lab.h"
enum {
    WANTS_GP = 1, // #GP with error code 123H
    WANTS_40,     // external interrupt 40H; its RFLAGS.IF is 0
    WANTS_41,     // external interrupt 41H; its stack is at 40001000H, which is not in the EPT
};
void guest_code(void); // given.c
