// Lab 5, solved.
#include "given.h"

static struct guest guest;

// Exercise 1: a guest without paging and protection is an unrestricted guest; that needs EPT.
static void allow_real_mode(void) {
    vmcs_ept(ept_identity());
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_UNRESTRICTED_GUEST));
}

#define SEGMENT(name, selector, rights)                                                                                \
    (vmwrite(GUEST_##name##_SELECTOR, selector), vmwrite(GUEST_##name##_BASE, 16 * (selector)),                        \
     vmwrite(GUEST_##name##_LIMIT, 0xffff), vmwrite(GUEST_##name##_RIGHTS, rights))

// Exercise 2: segments as real-address mode has them, and control registers.
static void write_real_state(void) {
    enum { CODE = 0x9b, DATA = 0x93 };
    vmwrite(ENTRY_CONTROLS, vmread(ENTRY_CONTROLS) & ~BIT(ENTRY_IA32E_MODE_GUEST));
    vmwrite(GUEST_CR0, cr0_read() & ~(CR0_PE | CR0_PG));
    vmwrite(GUEST_CR4, CR4_VMXE);
    SEGMENT(CS, REAL_SEGMENT, CODE);
    SEGMENT(SS, REAL_SEGMENT, DATA);
    SEGMENT(DS, 0ull, DATA);
    SEGMENT(ES, 0ull, DATA);
    SEGMENT(FS, 0ull, DATA);
    SEGMENT(GS, 0ull, DATA);
    vmwrite(GUEST_RIP, 0);
    vmwrite(GUEST_RSP, 0x1000);
}

// Exercise 3: vector 20H leads to real_handler: offset, then segment, in the table that IDTR says.
static void write_vectors(void) {
    uint16_t *table = (uint16_t *)page_new();
    table[0x20 * 2] = (uint16_t)(real_handler - real_code);
    table[0x20 * 2 + 1] = REAL_SEGMENT;
    vmwrite(GUEST_IDTR_BASE, table);
    vmwrite(GUEST_IDTR_LIMIT, 0x3ff);
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, NULL);
    memcpy((void *)(REAL_SEGMENT * 16), real_code, (size_t)(real_end - real_code));
    allow_real_mode();
    write_real_state();
    write_vectors();
    guest_enter(&guest);
}
