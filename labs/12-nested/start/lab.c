// Lab 12: your guest becomes a hypervisor. README.md has the exercises.
#include "given.h"

static struct guest outer;      // level 1; its registers are level 2's while that one runs
static uint64_t vmcs01, vmcs02; // with which we run level 1 and level 2
static bool inside;             // level 2 runs
static uint64_t vmcs12[FIELDS]; // the VMCS of level 1 for level 2: there is one at a time here
#define FIELD12(encoding) vmcs12[field_index(encoding)]

// --- exercise 1: what VMX instructions say about themselves, 30.2 ---

enum { CF = 1 << 0, PF = 1 << 2, AF = 1 << 4, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11 };
static void tell(uint64_t flags) {
    vmwrite(GUEST_RFLAGS, (vmread(GUEST_RFLAGS) & ~(uint64_t)(CF | PF | AF | ZF | SF | OF)) | flags);
    guest_skip();
}

static void emulate_pointer(uint64_t reason) {
    const uint64_t pointer = operand_pointer(&outer);
    (void)reason, (void)pointer;
}

// --- exercise 2: VMREAD and VMWRITE, with registers; bit 10: a register; 6:3 which; 31:28 the one with the encoding
// ---

static void emulate_access(bool write) {
    (void)write;
    tell(CF);
}

// --- exercise 3: VMLAUNCH, VMRESUME: vmcs02 is what level 1 wants for level 2, and what we want for all guests ---

static void merge(void) { tell(CF); }

// --- exercise 4: a VM exit of level 2 becomes one for level 1 ---

static void reflect(void) {
    vmptrld(vmcs01);
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
