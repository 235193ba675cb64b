// The guest as a machine: its memory, what it finds there at its start, its registers as instructions see them.
// NOT IMPLEMENTED: paging other than 4-level, since the guests here use no other; rights of its pages.
#include "guest.h"

struct guest guest;

extern uint8_t image_begin[], image_end[], entry[];

void *guest_pointer(uint64_t guest_physical) {
    return guest_physical < guest.bytes ? (void *)(guest.base + guest_physical) : NULL;
}

// The guest gets a copy of this very image, as a multiboot loader would have put it.
static void load_image(const char *command) {
    enum { INFO = 0x9000, COMMAND = 0x9100, INFO_MEMORY = 1, INFO_COMMAND = 4 };
    uint32_t *info = guest_pointer(INFO);
    char *text = guest_pointer(COMMAND);
    memcpy(guest_pointer((uint64_t)image_begin), image_begin, (size_t)(image_end - image_begin));
    memset(info, 0, COMMAND - INFO);
    info[0] = INFO_MEMORY | INFO_COMMAND;
    info[1] = 640;
    info[2] = (uint32_t)(guest.bytes / 1024 - 1024);
    info[4] = COMMAND;
    while ((*text++ = *command++)) {}
    guest.gpr[RAX] = 0x2badb002;
    guest.gpr[RBX] = INFO;
}

void guest_create(uint64_t base, uint64_t bytes, const char *command) {
    guest.base = base;
    guest.bytes = bytes;
    guest.vmxon_pointer = guest.vmcs12_pointer = POINTER_NONE;
    load_image(command);
    guest.vmcs01 = vmcs_new(0);
    guest.vmcs02 = vmcs_new(0);
    if (!vmclear(guest.vmcs02) || !vmptrld(guest.vmcs02)) panic("vmcs02 refused");
    setup_vmcs02();
    if (!vmclear(guest.vmcs01) || !vmptrld(guest.vmcs01)) panic("vmcs01 refused");
    setup_vmcs01();
    vmwrite(FIELD_GUEST_RIP, (uint64_t)entry);
}

uint64_t gpr_get(unsigned number) { return number == RSP ? vmread(FIELD_GUEST_RSP) : guest.gpr[number]; }

void gpr_set(unsigned number, uint64_t value) {
    if (number == RSP)
        vmwrite(FIELD_GUEST_RSP, value);
    else
        guest.gpr[number] = value;
}

void instruction_skip(void) {
    vmwrite(FIELD_GUEST_RIP, vmread(FIELD_GUEST_RIP) + vmread(FIELD_EXIT_INSTRUCTION_LENGTH));
    uint64_t blocking = vmread(FIELD_GUEST_INTERRUPTIBILITY);
    if (blocking & BLOCKING_BY_STI_OR_MOV_SS)
        vmwrite(FIELD_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING_BY_STI_OR_MOV_SS);
}

void inject_exception(unsigned vector, bool has_error_code) {
    vmwrite(FIELD_ENTRY_INTERRUPTION,
            EVENT_VALID | EVENT_HARDWARE_EXCEPTION | vector | (has_error_code ? EVENT_ERROR_CODE : 0));
    if (has_error_code) vmwrite(FIELD_ENTRY_ERROR_CODE, 0);
}

static void *physical_pointer(uint64_t guest_physical) {
    return guest.in_l2 ? l2_pointer(guest_physical) : guest_pointer(guest_physical);
}

// SDM Vol. 3A, 4.5.
static bool translate(uint64_t linear, uint64_t *guest_physical) {
    enum { PRESENT = 1, LARGE = 1 << 7 };
    const uint64_t address = 0x000ffffffffff000ull;
    uint64_t table = vmread(FIELD_GUEST_CR3) & address;
    for (unsigned shift = 39;; shift -= 9) {
        const uint64_t *e = physical_pointer(table + (linear >> shift & 511) * 8);
        if (!e || !(*e & PRESENT)) return false;
        table = *e & address;
        if (shift > 12 && (shift > 30 || !(*e & LARGE))) continue;
        *guest_physical = (table & ~(BIT(shift) - 1)) | (linear & (BIT(shift) - 1));
        return true;
    }
}

static void *linear_pointer(uint64_t linear) {
    uint64_t guest_physical;
    return translate(linear, &guest_physical) ? physical_pointer(guest_physical) : NULL;
}

bool guest_read(uint64_t linear, void *to, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        const uint8_t *from = linear_pointer(linear + i);
        if (!from) return false;
        ((uint8_t *)to)[i] = *from;
    }
    return true;
}

bool guest_write(uint64_t linear, uint64_t value) {
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *to = linear_pointer(linear + i);
        if (!to) return false;
        *to = (uint8_t)(value >> 8 * i);
    }
    return true;
}
