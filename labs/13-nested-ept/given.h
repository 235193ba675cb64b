// Lab 13: what is given beside labs/lib.
#include "lab.h"
extern uint64_t *ept01, ept12;  // roots: ours; and that of the hypervisor in the guest, by its guest-physical address
void epts_begin(void);          // makes them
void reflect(uint64_t address); // the hypervisor in the guest gets this EPT violation of its guest
uint64_t
page_in(uint64_t address); // our own business: the page of the hypervisor in the guest is brought back to memory
void guest_code(void);     // the guest of the guest
