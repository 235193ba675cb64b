// Lab 5: a guest in real-address mode. README.md has the exercises.
#include "given.h"

static struct guest guest;

// Exercise 1: a guest without paging and protection is an unrestricted guest.
static void allow_real_mode(void) {}

// Exercise 2: segments as real-address mode has them, and control registers.
static void write_real_state(void) {
    vmwrite(GUEST_CR0, cr0_read() & ~(CR0_PE | CR0_PG));
    vmwrite(GUEST_CS_SELECTOR, REAL_SEGMENT);
    vmwrite(GUEST_RIP, 0);
    vmwrite(GUEST_RSP, 0x1000);
}

// Exercise 3: vector 20H leads to real_handler.
static void write_vectors(void) {}

void lab(void) {
    vmx_begin();
    guest_new(&guest, NULL);
    memcpy((void *)(REAL_SEGMENT * 16), real_code, (size_t)(real_end - real_code));
    allow_real_mode();
    write_real_state();
    write_vectors();
    guest_enter(&guest);
}
