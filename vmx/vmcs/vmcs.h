// The VMCS, parsed: its fields, its controls, and the state of VT-x in one logical processor. SDM Vol. 3C, chapter 24.
// For vmx/; the floor above uses vmx/vmcs/vmx.h, vmx/level/view.h, vmx/ask/ask.h and vmx/ask/rules.h.
#ifndef VMX_VMCS_H
#define VMX_VMCS_H
#include "cpu/memory/access.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "vmx/vmcs/level_state.h"
#include "vmx/vmcs/names.h"
#include "vmx/vmcs/origin.h"

enum vm_instruction_error {
#define ERROR(number, name, text) ERROR_##name = (number),
#define ABORT(number, name, text)
#include "vmx/vmcs/error.def"
#undef ERROR
#undef ABORT
};
enum vmx_abort {
#define ERROR(number, name, text)
#define ABORT(number, name, text) ABORT_##name = (number),
#include "vmx/vmcs/error.def"
#undef ERROR
#undef ABORT
};

// Parts of a VMCS, as far as the VM-entry checks and the images tell them apart. Bits of since_check and since_image.
enum vmcs_part {
    PART_CONTROL = 1 << 0,
    PART_MSR_AREA = 1 << 1,
    PART_EVENT = 1 << 2,
    PART_HOST = 1 << 3,
    PART_REGISTER = 1 << 4,
    PART_CR3 = 1 << 5,
    PART_DEBUG = 1 << 6,
    PART_SEGMENT = 1 << 7,
    PART_RIP = 1 << 8,
    PART_VM86 = 1 << 15, // RFLAGS.VM alone
    PART_FLAGS = 1 << 9 | PART_VM86,
    PART_ACTIVITY = 1 << 10,
    PART_LINK = 1 << 11,
    PART_PDPTE = 1 << 12,
    PART_MODE = 1 << 13, // IA32_EFER.LMA at VM entry
    PART_MEMORY = 1 << 14,
    PART_FREE = 0,
    PART_ALL = (1 << 16) - 1,
};

#define VMCS_NONE (~0ull)         // an invalid VMCS pointer
#define VMCS_REVISION 0x564d5801u // bits 30:0 of IA32_VMX_BASIC: the region format of vmx/vmcs/region.c
#define VMCS_REGION_BYTES 4096u

// One VMCS kept by the processor. 64-bit members only: one row of the state table covers all.
struct vmcs {
    uint64_t pointer;  // of its region; VMCS_NONE: the slot is free
    uint64_t launched; // launch state: 0 clear, or what launch_state() was when it was launched
    uint64_t shadow;   // shadow-VMCS indicator
    uint64_t field[FIELD_COUNT];
};

enum {
    VMCS_SLOTS = 8,      // VMCSs kept on the processor; older ones are written back to their regions
    EPT_SETS = 1024,     // guest-physical translations kept, direct-mapped
    EPT_STRUCTURES = 64, // entries of the EPT paging-structure caches, of either kind
    EPT_TABLES = 16,     // values of EP4TA remembered
};

// Guest-physical mappings, SDM Vol. 3C, 28.4.1.
struct ept_entry {
    uint64_t tag; // guest-physical page address | 1 when used
    uint64_t generation;
    uint64_t page; // physical page address | EPT_ bits (vmx/ept/entry.h)
};
struct ept_table {
    uint64_t root;       // EPTP bits 51:12, or VMCS_NONE
    uint64_t generation; // of the entries that belong to it; never reused
};

// What was concluded from the fields of a VMCS, and which were written since then. Derived.
struct vmcs_derived {
    uint32_t since_check; // vmcs_part bits written since the checks passed
    // What VM entry makes of fields: the image, kept as long as none of them is written.
    uint32_t since_image;           // bits of the parts below
    struct segment segment[TR + 1]; // PART_SEGMENT: loading the fields gives these, saving these gives the fields
    uint64_t segment_base[TR + 1];
    struct intercepts intercepts; // PART_CONTROL; the members that other fields give are not used
};

// What a VM exit writes into the VM-exit information fields. That of the processor is collected in struct vmx until the
// exit is carried out.
struct exit_record {
    uint32_t reason; // exit-reason field
    uint32_t interruption, error_code;
    uint32_t instruction_length, instruction_information;
    uint64_t qualification;
    uint64_t guest_linear, guest_physical;
    bool has_linear, has_physical;
    bool attempted; // the step in progress is an attempt at an instruction, not yet at a boundary
    enum {
        RF_AS_IS,
        RF_CLEAR,
        RF_SET,
        RF_EVENT
    } resume_flag; // how RFLAGS.RF is saved (27.3.3); RF_EVENT: as in
                   // the image that the event being delivered would save
    bool nmi;      // caused directly by an NMI
};

struct vmx_counts {
    uint64_t exits[LEVEL_DEPTH + 1][70], cycles[LEVEL_DEPTH + 1][70], entries[LEVEL_DEPTH + 1], failed_entries;
    uint64_t level_steps[LEVEL_DEPTH + 1], level_cycles[LEVEL_DEPTH + 1]; // spent in each level, until the last switch
    uint64_t switch_steps, switch_cycles;                                 // when that was
    uint64_t exit_cycles;                                                 // when the last exit happened
    uint32_t exit_level, exit_reason; // whence and why; ~0: none, or followed by an entry
};

struct vmx_capability {
    uint32_t allowed0[CONTROL_GROUPS]; // bits that must be 1 (the TRUE_ view)
    uint32_t allowed1[CONTROL_GROUPS]; // bits that may be 1
    uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
    uint64_t ept_vpid;
    uint64_t physical_reserved; // bits that no physical address sets
    unsigned linear_bits;       // width of linear addresses
    bool nx;                    // IA32_EFER.NXE exists
    uint64_t debugctl_bits, perf_global_bits; // that IA32_DEBUGCTL and IA32_PERF_GLOBAL_CTRL have
    bool exists[FIELD_COUNT];
};

struct vmx {
    // --- architectural ---
    uint64_t vmxon_pointer; // VMCS_NONE: outside VMX operation
    uint64_t current;       // current-VMCS pointer
    uint64_t operations;    // how often VMXON entered VMX operation
    uint64_t next_slot;     // the slot replaced next (first in, first out)
    uint64_t non_root;
    uint64_t virtual_nmi_blocked;
    uint64_t init_blocked;                  // an INIT waits for the end of VMX root operation
    uint64_t aborted;                       // in the VMX-abort shutdown state; the indicator
    uint64_t ple_first, ple_last;           // PAUSE-loop exiting: TSC of the first and last PAUSE of a loop
    uint64_t apic_write;                    // APIC-write emulation to do: page offset | size << 12; 0: none
    uint64_t trap_exit, trap_qualification; // trap-like VM exit at the next boundary; 0: none
    uint64_t virtual_interrupt;             // one is recognized
    uint64_t trap_flag_step;                // monitor trap flag: steps at VM entry
    uint64_t trap_flag_pending;             // an MTF VM exit is pending on the present boundary
    struct vmcs slot[VMCS_SLOTS];
    struct ept_entry ept[EPT_SETS];
    struct ept_entry ept_pde[EPT_STRUCTURES], ept_pdpte[EPT_STRUCTURES]; // `tag`: bits 51:21, bits 51:30; `page`: table
    struct ept_table ept_table[EPT_TABLES];
    uint64_t ept_next_table, ept_next_generation;
    // --- derived ---
    struct vmcs *vmcs; // current VMCS's slot, NULL when there is none
    struct vmcs_derived derived[VMCS_SLOTS];
    uint64_t ept_generation; // of the EPTP in use
    struct vmx_capability capability;
    // --- scratch ---
    struct exit_record exit;
    bool injecting;              // VM entry delivers an event: it does not cause a VM exit directly
    uint64_t nmi_unblocked_step; // the step in which IRET removed blocking by NMI
    // --- no state ---
    struct level_run run;
    struct vmcs level_saved[LEVEL_DEPTH + 1]; // as of the last VM exit of each level, once levels share a VMCS
    struct levels *levels;                    // the machine's
    struct vmx_counts counts;
    struct vmcs_origin *origin; // of the current VMCS; NULL or of another one: to be looked up
    uint64_t origin_when;       // of what the processor writes into it now
    struct history *history;    // vmx/history: the machine's,
    struct history_cpu *past;   // and this processor's
    struct extension extension;
};

ALWAYS_INLINE struct vmx *vmx_of(const struct cpu *cpu) { return cpu->wire.extension->state; }

#define vmcs_get(vmcs, name) ((vmcs)->field[FIELD_##name])
// Controls of the current VMCS. PROC2 controls are 0 while "activate secondary controls" is 0.
#define vmcs_on(vmcs, group, name) ((controls_##group(vmcs) >> group##_##name & 1) != 0)
ALWAYS_INLINE uint64_t controls_PIN(const struct vmcs *v) { return vmcs_get(v, PIN_CONTROLS); }
ALWAYS_INLINE uint64_t controls_PROC(const struct vmcs *v) { return vmcs_get(v, PROC_CONTROLS); }
ALWAYS_INLINE uint64_t controls_PROC2(const struct vmcs *v) {
    return controls_PROC(v) & BIT(PROC_ACTIVATE_SECONDARY) ? vmcs_get(v, PROC2_CONTROLS) : 0;
}
ALWAYS_INLINE uint64_t controls_EXIT(const struct vmcs *v) { return vmcs_get(v, EXIT_CONTROLS); }
ALWAYS_INLINE uint64_t controls_ENTRY(const struct vmcs *v) { return vmcs_get(v, ENTRY_CONTROLS); }

// Writes a field as the processor does (VMWRITE, VM exit): what was concluded from its old value is forgotten.
extern const uint16_t vmcs_part_of[FIELD_COUNT];
ALWAYS_INLINE struct vmcs_derived *derived_of(struct vmx *vmx, const struct vmcs *vmcs) {
    return &vmx->derived[vmcs - vmx->slot];
}
ALWAYS_INLINE void vmcs_wrote(struct vmx *vmx, const struct vmcs *vmcs, uint32_t parts) {
    derived_of(vmx, vmcs)->since_check |= parts;
    derived_of(vmx, vmcs)->since_image |= parts;
}
ALWAYS_INLINE void vmcs_stamp(struct vmx *vmx, enum vmcs_field field) {
    if (likely(vmx->origin)) vmx->origin->field[field].when = vmx->origin_when;
}
ALWAYS_INLINE void vmcs_put(struct vmx *vmx, enum vmcs_field field, uint64_t value) {
    struct vmcs *vmcs = vmx->vmcs;
    if (vmcs->field[field] == value) return;
    vmcs->field[field] = value;
    vmcs_wrote(vmx, vmcs, vmcs_part_of[field]);
    vmcs_stamp(vmx, field);
}
#define vmcs_set(vmx, name, value) vmcs_put(vmx, FIELD_##name, value)

// Interruption information, Tables 24-16, 24-18, 24-19; interruptibility, Table 24-3; pending debug, Table 24-4.
#define INTERRUPTION_VALID BIT(31)
#define INTERRUPTION_ERROR_CODE BIT(11)
#define INTERRUPTION_NMI_UNBLOCKING BIT(12)
#define INTERRUPTION_TYPE BITS(10, 8)
#define INTERRUPTION_VECTOR BITS(7, 0)
#define INTERRUPTION_TYPE_SHIFT 8
ALWAYS_INLINE uint32_t interruption_of(const struct event *e, bool error_code) {
    return (uint32_t)(INTERRUPTION_VALID | (uint64_t)e->type << INTERRUPTION_TYPE_SHIFT | e->vector |
                      (error_code ? INTERRUPTION_ERROR_CODE : 0));
}
#define BLOCKING_BY_STI BIT(0)
#define BLOCKING_BY_MOV_SS BIT(1)
#define BLOCKING_BY_SMI BIT(2)
#define BLOCKING_BY_NMI BIT(3)
#define PENDING_DEBUG_B BITS(3, 0)
#define PENDING_DEBUG_ENABLED BIT(12)
#define PENDING_DEBUG_BS BIT(14)
#define PENDING_DEBUG_RTM BIT(16)
#define EXIT_REASON_ENTRY_FAILURE BIT(31)

// EPTP, Table 24-9; IA32_VMX_EPT_VPID_CAP, A.10
#define EPTP_MEMORY_TYPE BITS(2, 0)
#define EPTP_ACCESSED_DIRTY BIT(6)
#define EPTP_ROOT BITS(51, 12)
#define CAP_EXECUTE_ONLY BIT(0)
#define CAP_WALK_4 BIT(6)
#define CAP_UNCACHEABLE BIT(8)
#define CAP_WRITE_BACK BIT(14)
#define CAP_2M BIT(16)
#define CAP_1G BIT(17)
#define CAP_INVEPT BIT(20)
#define CAP_ACCESSED_DIRTY BIT(21)
#define CAP_ADVANCED_INFORMATION BIT(22)
#define CAP_INVEPT_SINGLE BIT(25)
#define CAP_INVEPT_ALL BIT(26)
#define CAP_INVVPID BIT(32)
#define CAP_INVVPID_ADDRESS BIT(40)
#define CAP_INVVPID_SINGLE BIT(41)
#define CAP_INVVPID_ALL BIT(42)
#define CAP_INVVPID_GLOBALS BIT(43)

enum { CR3_TARGETS = 4, MSR_AREA_MAX = 512 };
#define VM_FUNCTIONS BIT(0) // EPTP switching

// --- vmx/vmcs/capability.c ---
void capability_compute(const struct cpu_model *model, struct vmx_capability *capability);
bool capability_msr_read(struct cpu *cpu, uint32_t index, uint64_t *value);
bool capability_msr_write(struct cpu *cpu, uint32_t index, uint64_t value);
bool capability_msr_refuses(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct msr_refusal *out);
uint64_t capability_cr_refused(const struct cpu *cpu, unsigned cr, uint64_t value);

// --- vmx/vmcs/region.c: VMCSs on the processor and their regions in memory ---
void region_clear_slots(struct vmx *vmx);
void region_find_current(struct vmx *vmx); // vmx->vmcs from vmx->current
bool region_make_current(struct cpu *cpu, uint64_t pointer); // whether it was read from its region
// "Launched" in the present VMX operation: bit 0, and which operation it is.
ALWAYS_INLINE uint64_t launch_state(const struct vmx *vmx) { return (uint32_t)(vmx->operations << 1 | 1); }
struct vmcs *region_shadow(struct cpu *cpu); // the VMCS that the link pointer references, NULL when there is none
void region_vmclear(struct cpu *cpu, uint64_t pointer);
void region_write_back_all(struct cpu *cpu);
unsigned region_field_offset(enum vmcs_field field); // in bytes
unsigned region_launch_offset(void);
bool physical_address_valid(const struct vmx *vmx, uint64_t address);

// --- vmx/vmcs/exit_record.c: recording a VM exit, by the instruction of `op` or by none ---
ALWAYS_INLINE struct exit_record record_of(const struct op *op, enum exit_reason reason) {
    return (struct exit_record){
        .reason = reason, .instruction_length = op ? op->length : 0, .attempted = true, .resume_flag = RF_CLEAR};
}
void exit_begin(struct cpu *cpu, const struct op *op, enum exit_reason reason); // starts cpu's exit record
void exit_begin_access(struct cpu *cpu, enum exit_reason reason);               // by an access to memory
enum outcome exit_at_boundary(struct cpu *cpu, enum exit_reason reason, uint64_t qualification); // OUT_VMEXIT

// --- vmx/vmcs/field.c: fields by encoding, as VMREAD and VMWRITE see them ---
int field_by_encoding(const struct vmx *vmx, uint64_t encoding, bool *high); // enum vmcs_field, or -1
unsigned field_highest_index(const struct vmx *vmx);
uint64_t field_mask(enum vmcs_field field); // bits that the field has
const char *field_name(enum vmcs_field field);
const char *field_text(enum vmcs_field field);
uint32_t field_encoding(enum vmcs_field field);

#endif
