// Lab 12: the guest that is a hypervisor. It does what labs 1 to 4 do, with the same functions, and knows nothing of
// what runs below it. And what its VMX instructions say: Tables 27-13 and 27-14.
#include "given.h"

uint64_t inner_reason[4], inner_turns; // VM exits of its guest, as it sees them

void inner_guest(void) {
    (void)cpuid(0x40000000, 0);
    __asm__ volatile("hlt");
}

void outer_guest(void) {
    static struct guest inner;
    vmx_begin();
    guest_new(&inner, inner_guest);
    while (!guest_enter(&inner) && inner_turns < 4) {
        const uint64_t reason = vmread(EXIT_REASON);
        inner_reason[inner_turns++] = reason;
        if (reason != EXIT_CPUID) break;
        inner.gpr[RBX] = 0x1a85;
        guest_skip();
    }
    __asm__ volatile("vmcall");
}

// --- operands ---

// The order of the manual's encoding is that of struct guest, but for RSP, which is in the VMCS.
uint64_t *operand_register(struct guest *guest, unsigned number) {
    if (number == RSP) guest->gpr[RSP] = vmread(GUEST_RSP); // for reading it
    return &guest->gpr[number & 15];
}

static uint64_t register_of(struct guest *guest, unsigned number) {
    return number == RSP ? vmread(GUEST_RSP) : guest->gpr[number & 15];
}

// The guest's linear addresses are ours.
uint64_t operand_pointer(struct guest *guest) {
    enum { NO_INDEX = 1 << 22, NO_BASE = 1 << 27 };
    const uint64_t information = vmread(INSTRUCTION_INFORMATION);
    uint64_t at = vmread(EXIT_QUALIFICATION);
    if (!(information & NO_INDEX)) at += register_of(guest, information >> 18 & 15) << (information & 3);
    if (!(information & NO_BASE)) at += register_of(guest, information >> 23 & 15);
    return *(uint64_t *)at;
}

// --- fields ---

static const uint16_t encodings[] = {
#define FIELD(encoding, name, exists, part, text) encoding,
#include "vmx/vmcs/field.def"
#undef FIELD
};
unsigned field_at(unsigned index) { return index < sizeof encodings / sizeof *encodings ? encodings[index] : NO_FIELD; }
unsigned field_index(uint64_t encoding) {
    unsigned i = 0;
    while (field_at(i) != NO_FIELD && field_at(i) != encoding) i++;
    return i;
}
