// Lab 6: the guest. It reads the secret, writes to three pages that nobody has, and reads and writes a page that is
// shared.
#include "given.h"

const uint64_t secret[PAGE / 8] __attribute__((aligned(PAGE))) = {0x5ec2e7};
uint64_t shared[PAGE / 8] __attribute__((aligned(PAGE)));

void guest_code(void) {
    __asm__ volatile("vmcall" : : "a"(*(volatile uint64_t *)SECRET) : "memory");
    for (uint64_t i = 0; i < 3; i++) *(volatile uint64_t *)(NEW + i * PAGE) = i + 1;
    uint64_t *page = (uint64_t *)SHARED;
    __asm__ volatile("vmcall" : : "a"(page[1]) : "memory");
    page[0] = 0xdead;
    __asm__ volatile("vmcall" : : "a"(page[0]), "b"(page[1]) : "memory");
    __asm__ volatile("hlt");
}
