// VT-x in C: the VMX instructions, fields, controls and exit reasons by the manual's names. SDM Vol. 3C, chapters 24,
// 30; Vol. 3D, appendices A to C.
#ifndef VMX_H
#define VMX_H
#include "machine.h"

// FIELD_X is the encoding, as VMREAD and VMWRITE take it; INDEX_X counts from 0.
enum field {
#define FIELD(encoding, name, kind, shadow) FIELD_##name = encoding,
#include "fields.def"
#undef FIELD
};
enum field_index {
#define FIELD(encoding, name, kind, shadow) INDEX_##name,
#include "fields.def"
#undef FIELD
    FIELDS,
};

// --- fields.c: fields.def as a table ---
enum field_kind { CONTROL, INFORMATION, GUEST, HOST };
enum field_shadow { NEVER, READ, WRITE };
struct field_row {
    enum field encoding;
    enum field_kind kind;
    enum field_shadow shadow;
};
extern const struct field_row field_rows[FIELDS];

// The instructions report with CF (VMfailInvalid) and ZF (VMfailValid, with a number in INSTRUCTION_ERROR).
static inline bool vmxon(uint64_t pointer) {
    bool failed;
    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(pointer) : "memory");
    return !failed;
}
static inline bool vmclear(uint64_t pointer) {
    bool failed;
    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(pointer) : "memory");
    return !failed;
}
static inline bool vmptrld(uint64_t pointer) {
    bool failed;
    __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(pointer) : "memory");
    return !failed;
}
static inline uint64_t vmread(enum field field) {
    uint64_t value;
    bool failed;
    __asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "=r"(value) : "r"((uint64_t)field) : "memory");
    if (failed) panic("VMREAD of field %x failed", field);
    return value;
}
static inline void vmwrite(enum field field, uint64_t value) {
    bool failed;
    __asm__ volatile("vmwrite %2, %1" : "=@ccbe"(failed) : "r"((uint64_t)field), "r"(value) : "memory");
    if (failed) panic("VMWRITE of field %x failed", field);
}
struct invalidation {
    uint64_t what, address; // EPTP or VPID
};
enum { INVALIDATE_SINGLE = 1, INVALIDATE_ALL = 2 };
static inline bool invept(uint64_t type, uint64_t eptp) {
    bool failed;
    struct invalidation i = {eptp, 0};
    __asm__ volatile("invept %1, %2" : "=@ccbe"(failed) : "m"(i), "r"(type) : "memory");
    return !failed;
}
static inline bool invvpid(uint64_t type, uint16_t vpid) {
    bool failed;
    struct invalidation i = {vpid, 0};
    __asm__ volatile("invvpid %1, %2" : "=@ccbe"(failed) : "m"(i), "r"(type) : "memory");
    return !failed;
}

// --- controls, Tables 24-5 to 24-15 ---
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PROC_INTERRUPT_WINDOW BIT(2)
#define PROC_HLT BIT(7)
#define PROC_UNCONDITIONAL_IO BIT(24)
#define PROC_IO_BITMAPS BIT(25)
#define PROC_MONITOR_TRAP_FLAG BIT(27)
#define PROC_MSR_BITMAPS BIT(28)
#define PROC_SECONDARY BIT(31)
#define PROC2_EPT BIT(1)
#define PROC2_RDTSCP BIT(3)
#define PROC2_VPID BIT(5)
#define PROC2_UNRESTRICTED BIT(7)
#define PROC2_INVPCID BIT(12)
#define PROC2_VMCS_SHADOWING BIT(14)
#define PROC2_XSAVES BIT(20)
#define PROC2_USER_WAIT BIT(26)
#define EXIT_SAVE_DEBUG BIT(2)
#define EXIT_HOST_64 BIT(9)
#define EXIT_ACKNOWLEDGE BIT(15)
#define EXIT_SAVE_EFER BIT(20)
#define EXIT_LOAD_EFER BIT(21)
#define ENTRY_LOAD_DEBUG BIT(2)
#define ENTRY_IA32E BIT(9)
#define ENTRY_LOAD_EFER BIT(15)
// The default1 class: reserved controls that are 1, and a few old ones (A.2).
#define PIN_DEFAULT1 (BIT(1) | BIT(2) | BIT(4))
#define PROC_DEFAULT1 (BIT(1) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(13) | BIT(14) | BIT(26))
#define EXIT_DEFAULT1 0x36dffull
#define ENTRY_DEFAULT1 0x11ffull

enum vmx_msr {
    MSR_VMX_BASIC = 0x480,
    MSR_VMX_PIN,
    MSR_VMX_PROC,
    MSR_VMX_EXIT,
    MSR_VMX_ENTRY,
    MSR_VMX_MISC,
    MSR_VMX_CR0_FIXED0,
    MSR_VMX_CR0_FIXED1,
    MSR_VMX_CR4_FIXED0,
    MSR_VMX_CR4_FIXED1,
    MSR_VMX_VMCS_ENUM,
    MSR_VMX_PROC2,
    MSR_VMX_EPT_VPID_CAP,
    MSR_VMX_TRUE_PIN,
    MSR_VMX_TRUE_PROC,
    MSR_VMX_TRUE_EXIT,
    MSR_VMX_TRUE_ENTRY,
    MSR_VMX_LAST = 0x491,
};
#define FEATURE_CONTROL_LOCKED BIT(0)
#define FEATURE_CONTROL_VMX BIT(2)

// --- events: VM-entry and VM-exit interruption information, IDT-vectoring information (24.8.3, 24.9.2, 24.9.3) ---
#define EVENT_VALID BIT(31)
#define EVENT_ERROR_CODE BIT(11)
#define EVENT_EXTERNAL (0ull << 8)
#define EVENT_HARDWARE_EXCEPTION (3ull << 8)
#define EVENT_VECTOR 0xffull
#define BLOCKING_BY_STI_OR_MOV_SS 3ull
enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_WAIT_FOR_SIPI = 3 };

// --- exit reasons, Appendix C ---
enum exit_reason {
#define REASON(number, name) REASON_##name = number,
#include "reasons.def"
#undef REASON
    REASONS = 70,
};
#define REASON_ENTRY_FAILED BIT(31)

// --- VM-instruction errors, Table 30-1 ---
enum vmx_error {
    ERROR_VMCLEAR_ADDRESS = 2,
    ERROR_VMCLEAR_VMXON = 3,
    ERROR_VMLAUNCH_NOT_CLEAR = 4,
    ERROR_VMRESUME_NOT_LAUNCHED = 5,
    ERROR_CONTROLS = 7,
    ERROR_HOST_STATE = 8,
    ERROR_VMPTRLD_ADDRESS = 9,
    ERROR_VMPTRLD_VMXON = 10,
    ERROR_VMPTRLD_REVISION = 11,
    ERROR_NO_SUCH_FIELD = 12,
    ERROR_VMXON_IN_ROOT = 15,
    ERROR_INVALIDATE_OPERAND = 28,
};
#define POINTER_NONE (~0ull) // "no current VMCS"
#define REVISION_SHADOW BIT(31)

#endif
