// Lab 12, solved.
#include "given.h"

static struct guest outer;       // level 1; its registers are level 2's while that one runs
static uint64_t vmcs01, vmcs02;  // with which we run level 1 and level 2
static bool launched_02, inside; // inside: level 2 runs
static uint64_t current = ~0ull; // the pointer that level 1 has loaded,
static uint64_t vmcs12[FIELDS];  // and its VMCS: there is one at a time here
#define FIELD12(encoding) vmcs12[field_index(encoding)]

// --- exercise 1: what VMX instructions say about themselves, 30.2 ---

enum { CF = 1 << 0, PF = 1 << 2, AF = 1 << 4, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11 };
static void tell(uint64_t flags) {
    vmwrite(GUEST_RFLAGS, (vmread(GUEST_RFLAGS) & ~(uint64_t)(CF | PF | AF | ZF | SF | OF)) | flags);
    guest_skip();
}

static void emulate_pointer(uint64_t reason) {
    const uint64_t pointer = operand_pointer(&outer);
    if (reason == EXIT_VMPTRLD) current = pointer;
    if (reason == EXIT_VMCLEAR) memset(vmcs12, 0, sizeof vmcs12);
    tell(0);
}

// --- exercise 2: VMREAD and VMWRITE, with registers; bit 10: a register; 6:3 which; 31:28 the one with the encoding
// ---

static void emulate_access(bool write) {
    const uint64_t information = vmread(INSTRUCTION_INFORMATION);
    const uint64_t encoding = *operand_register(&outer, information >> 28 & 15);
    uint64_t *value = operand_register(&outer, information >> 3 & 15);
    if (current == ~0ull) {
        tell(CF);
        return;
    }
    if (write)
        FIELD12(encoding) = *value;
    else
        *value = FIELD12(encoding);
    tell(0);
}

// --- exercise 3: VMLAUNCH, VMRESUME: vmcs02 is what level 1 wants for level 2, and what we want for all guests ---

static void merge(void) {
    vmptrld(vmcs02);
    for (unsigned i = 0; field_at(i) != NO_FIELD; i++)
        if (FIELD_TYPE(field_at(i)) == TYPE_GUEST) vmwrite(field_at(i), vmcs12[i]);
    vmwrite(PIN_CONTROLS, control(MSR_VMX_TRUE_PIN, FIELD12(PIN_CONTROLS)));
    vmwrite(PROC_CONTROLS, control(MSR_VMX_TRUE_PROC, FIELD12(PROC_CONTROLS) | BIT(PROC_HLT_EXITING)));
    vmwrite(ENTRY_CONTROLS, FIELD12(ENTRY_CONTROLS));
    vmwrite(EXIT_CONTROLS, control(MSR_VMX_TRUE_EXIT, BIT(EXIT_HOST_ADDRESS_SPACE_SIZE)));
    vmwrite(ENTRY_INTERRUPTION, FIELD12(ENTRY_INTERRUPTION));
    vmwrite(VMCS_LINK_POINTER, ~0ull);
    outer.launched = launched_02;
    launched_02 = inside = true;
}

// --- exercise 4: a VM exit of level 2 becomes one for level 1 ---

static void reflect(void) {
    for (unsigned i = 0; field_at(i) != NO_FIELD; i++)
        if (FIELD_TYPE(field_at(i)) == TYPE_GUEST || FIELD_TYPE(field_at(i)) == TYPE_INFORMATION)
            vmcs12[i] = vmread(field_at(i));
    vmptrld(vmcs01);
    vmwrite(GUEST_RIP, FIELD12(HOST_RIP)); // what a VM exit would load: 27.5
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

static void pass_msrs(void) {
    vmwrite(MSR_BITMAPS, page_new());
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_USE_MSR_BITMAPS));
}

void lab(void) {
    static struct guest other;
    vmx_begin();
    guest_new(&other, NULL);
    vmcs02 = other.vmcs;
    guest_new(&outer, outer_guest);
    vmcs01 = outer.vmcs;
    pass_msrs();
    while (!guest_enter(&outer)) {
        if (inside)
            reflect();
        else if (!handle(vmread(EXIT_REASON)))
            return;
    }
}
