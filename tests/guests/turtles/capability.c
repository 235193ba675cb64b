// What this hypervisor shows its guest of VT-x: no more than nested.c, merge.c and reflect.c emulate. SDM Vol. 3D,
// appendix A.
//
// Where L1 has no choice we need not emulate the other one: L1 must take external interrupts as VM exits, acknowledged
// on exit, must be a 64-bit host, and must load and save IA32_EFER. These controls are reported as fixed to 1. The
// manual wants a setting of 0 to be possible for every secondary control, EPT among them; merge.c refuses it all the
// same: NOT IMPLEMENTED: a guest of L1 without EPT.
#include "guest.h"

#define CR0_FIXED0 (CR0_PE | CR0_NE | CR0_PG)

static const struct {
    uint64_t must, may; // settings that must be 1; that may be 1 beyond these
} shown[] = {
    [MSR_VMX_PIN - MSR_VMX_BASIC] = {PIN_DEFAULT1 | PIN_EXTERNAL_INTERRUPT, 0},
    [MSR_VMX_PROC - MSR_VMX_BASIC] = {PROC_DEFAULT1, PROC_INTERRUPT_WINDOW | PROC_HLT | PROC_UNCONDITIONAL_IO |
                                                         PROC_IO_BITMAPS | PROC_MONITOR_TRAP_FLAG | PROC_SECONDARY},
    [MSR_VMX_EXIT -
        MSR_VMX_BASIC] = {EXIT_DEFAULT1 | EXIT_HOST_64 | EXIT_ACKNOWLEDGE | EXIT_SAVE_EFER | EXIT_LOAD_EFER, 0},
    [MSR_VMX_ENTRY - MSR_VMX_BASIC] = {ENTRY_DEFAULT1 | ENTRY_LOAD_EFER, ENTRY_IA32E},
    [MSR_VMX_PROC2 - MSR_VMX_BASIC] = {0, PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_VMCS_SHADOWING},
};

// CR3-load and CR3-store exiting belong to the default1 class, but need not be 1 where the TRUE_ MSRs are there.
#define PROC_OLD_DEFAULT1 (BIT(15) | BIT(16))

static uint64_t may_of(enum vmx_msr msr) {
    uint64_t may = shown[msr - MSR_VMX_BASIC].must | shown[msr - MSR_VMX_BASIC].may;
    return msr == MSR_VMX_PROC2 && !shadowing_wanted ? may & ~PROC2_VMCS_SHADOWING : may;
}

static uint64_t show(enum vmx_msr msr) { return may_of(msr) << 32 | shown[msr - MSR_VMX_BASIC].must; }

uint32_t capability_revision(void) { return 0x54524c31; }

static uint64_t basic(void) {
    enum { WRITE_BACK = 6 };
    return capability_revision() | PAGE << 32 | (uint64_t)WRITE_BACK << 50 | BIT(55); // 55: the TRUE_ MSRs are there
}

// 5: exits store IA32_EFER.LMA; 6: activity state HLT; 29: VMWRITE to any field.
static uint64_t misc(void) { return BIT(5) | BIT(6) | BIT(29); }

// 6: 4-level walks; 14: write-back; 16: 2-MByte pages; 20, 25, 26: INVEPT and its types; 32, 40 to 43: INVVPID and its.
static uint64_t ept_vpid(void) {
    return BIT(6) | BIT(14) | BIT(16) | BIT(20) | BIT(25) | BIT(26) | BIT(32) | 15ull << 40;
}

bool capability_read(uint32_t index, uint64_t *value) {
    switch (index) {
    case MSR_FEATURE_CONTROL: *value = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX; return true;
    case MSR_VMX_BASIC: *value = basic(); return true;
    case MSR_VMX_PIN:
    case MSR_VMX_EXIT:
    case MSR_VMX_ENTRY:
    case MSR_VMX_PROC2: *value = show(index); return true;
    case MSR_VMX_PROC: *value = show(index) | PROC_OLD_DEFAULT1 | PROC_OLD_DEFAULT1 << 32; return true;
    case MSR_VMX_TRUE_PIN:
    case MSR_VMX_TRUE_PROC:
    case MSR_VMX_TRUE_EXIT:
    case MSR_VMX_TRUE_ENTRY: *value = show(index - MSR_VMX_TRUE_PIN + MSR_VMX_PIN); return true;
    case MSR_VMX_MISC: *value = misc(); return true;
    case MSR_VMX_CR0_FIXED0: *value = CR0_FIXED0; return true;
    case MSR_VMX_CR4_FIXED0: *value = CR4_VMXE; return true;
    case MSR_VMX_CR0_FIXED1:
    case MSR_VMX_CR4_FIXED1: *value = rdmsr(index); return true;
    case MSR_VMX_VMCS_ENUM: *value = field_rows[FIELDS - 1].encoding & 0x3fe; return true;
    case MSR_VMX_EPT_VPID_CAP: *value = ept_vpid(); return true;
    default: return false;
    }
}

static bool allows(enum vmx_msr msr, uint64_t value) {
    return !(shown[msr - MSR_VMX_BASIC].must & ~value) && !(value & ~may_of(msr));
}

// The settings that L1 made for L2.
bool capability_allows(void) {
    return allows(MSR_VMX_PIN, get12(PIN_CONTROLS)) && allows(MSR_VMX_PROC, get12(PROC_CONTROLS)) &&
           allows(MSR_VMX_PROC2, get12(PROC2_CONTROLS)) && allows(MSR_VMX_EXIT, get12(EXIT_CONTROLS)) &&
           allows(MSR_VMX_ENTRY, get12(ENTRY_CONTROLS)) && get12(PROC_CONTROLS) & PROC_SECONDARY &&
           get12(PROC2_CONTROLS) & PROC2_EPT;
}
