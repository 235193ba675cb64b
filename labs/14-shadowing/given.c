// Lab 14: levels 1 and 2, and lab 12's way to run them. Level 1 is a hypervisor of the plain kind: at each VM exit of
// its guest it looks at the same few fields, and writes fewer.
#include "given.h"

enum { TURNS = 20, FIELDS = 200, NO_FIELD = 0xffff };
enum { TYPE_INFORMATION = 1, TYPE_GUEST = 2 };
#define FIELD_TYPE(encoding) ((encoding) >> 10 & 3)
uint64_t inner_reason[TURNS + 2], inner_turns; // VM exits of level 2, as level 1 sees them
uint64_t vmcs01, vmcs12[FIELDS];
static uint64_t vmcs02, current = ~0ull;
static struct guest outer; // level 1; its registers are level 2's while that one runs
static bool inside, launched_02;

// --- level 2, level 1 ---

void inner_guest(void) {
    for (unsigned i = 0; i < TURNS; i++) (void)cpuid(0x40000000, 0);
    __asm__ volatile("hlt");
}

static void inner_exit(struct guest *inner) {
    if (vmread(IDT_VECTORING)) vmwrite(ENTRY_INTERRUPTION, vmread(IDT_VECTORING));
    vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) & ~3ull);
    inner->gpr[RBX] = vmread(EXIT_QUALIFICATION);
    guest_skip();
}

void outer_guest(void) {
    static struct guest inner;
    vmx_begin();
    guest_new(&inner, inner_guest);
    while (!guest_enter(&inner) && inner_turns <= TURNS) {
        inner_reason[inner_turns++] = vmread(EXIT_REASON);
        if (inner_reason[inner_turns - 1] != EXIT_CPUID) break;
        inner_exit(&inner);
    }
    __asm__ volatile("vmcall");
}

// --- level 0: lab 12 ---

static const uint16_t encodings[] = {
#define FIELD(encoding, name, exists, part, text) encoding,
#include "vmx/vmcs/field.def"
#undef FIELD
};
static unsigned field_at(unsigned i) { return i < sizeof encodings / sizeof *encodings ? encodings[i] : NO_FIELD; }
unsigned field_index(uint64_t encoding) {
    unsigned i = 0;
    while (field_at(i) != NO_FIELD && field_at(i) != encoding) i++;
    return i;
}

static uint64_t register_of(unsigned number) { return number == RSP ? vmread(GUEST_RSP) : outer.gpr[number & 15]; }

static uint64_t pointer_of(uint64_t information) {
    enum { NO_INDEX = 1 << 22, NO_BASE = 1 << 27 };
    uint64_t at = vmread(EXIT_QUALIFICATION);
    if (!(information & NO_INDEX)) at += register_of(information >> 18 & 15) << (information & 3);
    if (!(information & NO_BASE)) at += register_of(information >> 23 & 15);
    return *(uint64_t *)at;
}

static void tell(bool right) {
    enum { CF = 1, STATUS = 0x8d5 };
    vmwrite(GUEST_RFLAGS, (vmread(GUEST_RFLAGS) & ~(uint64_t)STATUS) | (right ? 0 : CF));
    guest_skip();
}

static void emulate_pointer(uint64_t reason) {
    const uint64_t pointer = pointer_of(vmread(INSTRUCTION_INFORMATION));
    if (reason == EXIT_VMPTRLD) current = pointer;
    if (reason == EXIT_VMCLEAR) memset(vmcs12, 0, sizeof vmcs12);
    tell(true);
}

static void emulate_access(bool write) {
    const uint64_t information = vmread(INSTRUCTION_INFORMATION);
    const uint64_t encoding = register_of(information >> 28 & 15);
    const unsigned value = information >> 3 & 15;
    if (current == ~0ull) {
        tell(false);
        return;
    }
    if (write)
        FIELD12(encoding) = register_of(value);
    else if (value == RSP)
        vmwrite(GUEST_RSP, FIELD12(encoding));
    else
        outer.gpr[value] = FIELD12(encoding);
    tell(true);
}

static void merge(void) {
    shadow_to_12();
    vmptrld(vmcs02);
    for (unsigned i = 0; field_at(i) != NO_FIELD; i++)
        if (FIELD_TYPE(field_at(i)) == TYPE_GUEST && field_at(i) != VMCS_LINK_POINTER) vmwrite(field_at(i), vmcs12[i]);
    vmwrite(PIN_CONTROLS, control(MSR_VMX_TRUE_PIN, FIELD12(PIN_CONTROLS)));
    vmwrite(PROC_CONTROLS, control(MSR_VMX_TRUE_PROC, FIELD12(PROC_CONTROLS) | BIT(PROC_HLT_EXITING)));
    vmwrite(ENTRY_CONTROLS, FIELD12(ENTRY_CONTROLS));
    vmwrite(EXIT_CONTROLS, control(MSR_VMX_TRUE_EXIT, BIT(EXIT_HOST_ADDRESS_SPACE_SIZE)));
    vmwrite(ENTRY_INTERRUPTION, FIELD12(ENTRY_INTERRUPTION));
    outer.launched = launched_02;
    launched_02 = inside = true;
}

// The fields of this kind of guest that a VM exit changes, and what it says.
static void reflect(void) {
    for (unsigned i = 0; field_at(i) != NO_FIELD; i++)
        if (FIELD_TYPE(field_at(i)) == TYPE_INFORMATION || FIELD_TYPE(field_at(i)) == TYPE_GUEST)
            vmcs12[i] = vmread(field_at(i));
    vmptrld(vmcs01);
    shadow_from_12();
    vmwrite(GUEST_RIP, FIELD12(HOST_RIP));
    vmwrite(GUEST_RSP, FIELD12(HOST_RSP));
    vmwrite(GUEST_CR3, FIELD12(HOST_CR3));
    vmwrite(GUEST_RFLAGS, RFLAGS_FIXED);
    outer.launched = true;
    inside = false;
}

static bool handle(uint64_t reason) {
    switch (reason) {
    case EXIT_VMXON:
    case EXIT_VMCLEAR:
    case EXIT_VMPTRLD: emulate_pointer(reason); return true;
    case EXIT_VMREAD: emulate_access(false); return true;
    case EXIT_VMWRITE: emulate_access(true); return true;
    case EXIT_VMLAUNCH:
    case EXIT_VMRESUME: merge(); return true;
    default: return false;
    }
}

void nested_run(void) {
    static struct guest other;
    guest_new(&other, NULL);
    vmcs02 = other.vmcs;
    guest_new(&outer, outer_guest);
    vmcs01 = outer.vmcs;
    vmwrite(MSR_BITMAPS, page_new());
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_USE_MSR_BITMAPS));
    shadow_begin();
    while (!guest_enter(&outer)) {
        if (inside)
            reflect();
        else if (!handle(vmread(EXIT_REASON)))
            return;
    }
}
