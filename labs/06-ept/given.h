// Lab 6: what is given beside labs/lib. The guest's page tables give it its physical addresses, as they do the
// hypervisor.
#include "lab.h"

#define SECRET 0x40000000ull // guest-physical: where the guest reads the page `secret`,
#define NEW 0x40001000ull    // where it writes to three pages, one after the other,
#define SHARED 0x40010000ull // and the page `shared`
extern const uint64_t secret[];
extern uint64_t shared[];
void guest_code(void); // given.c
