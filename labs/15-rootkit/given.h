// Lab 15: what is given beside labs/lib.
#include "lab.h"

extern uint8_t end_of_lab[]; // pages of page_new() begin here: whatever lies there is the hypervisor's
extern uint64_t blank[];     // the one page that the hypervisor can spare

void system_boot(void); // the system on the bare machine looks around: bare[]
void system_new(
    struct guest *guest); // guest_new() for the system, with a stack of its own; it looks around once more: below[]
unsigned ticks(void);     // the 8254's counter 0, which counts 65535 down to 0, 1,193,182 times a second

// --- yours, in lab.c; the system calls them, on the bare machine and below ---
bool found_by_clock(void);  // is there a hypervisor?
bool found_by_memory(void); // and by this?
