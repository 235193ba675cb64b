// The one guest of this level, and what the files of the hypervisor call of each other.
//
// In the words of the Turtles paper (Ben-Yehuda et al., OSDI 2010): seen from here we are L0, our guest is L1, and when
// L1 runs a guest of its own that is L2. Three VMCSs are about:
//     vmcs01  ours, for running L1
//     vmcs12  L1's, for running L2; to us a page of data in L1's memory, no processor ever sees it
//     vmcs02  ours, merged from vmcs12 and vmcs01; with it the processor runs L2
// That "we" may ourselves be somebody's guest does not matter: each level sees its own three. What L1 runs as L2 may in
// truth be the guest of L1's guest; we cannot tell, and need not.
#ifndef GUEST_H
#define GUEST_H
#include "vmx.h"

// vmcs12. The layout is ours to choose, since the guest may only use VMREAD and VMWRITE.
struct vmcs12 {
    uint32_t revision, abort, launched, reserved;
    uint64_t field[FIELDS];
};
_Static_assert(sizeof(struct vmcs12) <= PAGE, "a VMCS region is one page");

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
enum vpid { VPID_L1 = 1, VPID_L2 = 2 };

struct guest {
    uint64_t base, bytes;    // its physical memory is ours from `base` on
    uint64_t gpr[16];        // of L1 or L2, whichever runs; RSP is in the VMCS
    uint64_t vmcs01, vmcs02; // physical addresses
    bool launched01, launched02;
    uint64_t interrupts[4]; // acknowledged for L1 and not yet injected: a bit for each vector
    bool window;            // vmcs01 asks for an exit when L1 can take an interrupt
    // --- L1 as a hypervisor ---
    uint64_t vmxon_pointer;  // POINTER_NONE: L1 is not in VMX operation
    uint64_t vmcs12_pointer; // L1's current VMCS, POINTER_NONE: it has none
    struct vmcs12 *vmcs12;
    bool in_l2;              // vmcs02 is current, L2 runs
    bool trap_for_interrupt; // vmcs02 has the monitor trap flag set because an interrupt waits
};
extern struct guest guest;

#define get12(name) (guest.vmcs12->field[INDEX_##name])
#define set12(name, value) (guest.vmcs12->field[INDEX_##name] = (value))

// --- guest.c ---
void guest_create(uint64_t base, uint64_t bytes, const char *command);
_Noreturn void guest_run(void);
void *guest_pointer(uint64_t guest_physical);             // of L1; NULL outside its memory
bool guest_read(uint64_t linear, void *to, size_t bytes); // of L1 or L2, through its page tables
bool guest_write(uint64_t linear, uint64_t value);        // 8 bytes
uint64_t gpr_get(unsigned number);
void gpr_set(unsigned number, uint64_t value);
void instruction_skip(void);
void inject_exception(unsigned vector, bool has_error_code);

// --- setup.c: the parts of our VMCSs that do not depend on what the guest does ---
void vmx_start(void);
uint64_t vmcs_new(uint32_t revision_bits);
void setup_vmcs01(void);
void setup_vmcs02(void);
void setup_64bit_guest(void); // segments of L1 as a VM exit leaves them
extern bool shadowing_wanted;

// --- run.c, enter.S ---
unsigned enter_guest(uint64_t gpr[16], bool launched); // 0: and left again; 1, 2: VMfail
void event_requeue(void);
void interrupt_pend(unsigned vector);
int interrupt_take(void); // highest pending, -1: none
bool interrupt_is_pending(void);

// --- exits.c: exits of L1, and exits of L2 that L1 does not want ---
void exit_handle(enum exit_reason reason);
bool msr_read(uint32_t index, uint64_t *value);
bool msr_write(uint32_t index, uint64_t value);

// --- capability.c ---
bool capability_read(uint32_t index, uint64_t *value);
bool capability_allows(void); // the controls in vmcs12
uint32_t capability_revision(void);

// --- fields.c ---
struct field_list {
    unsigned count;
    uint8_t index[FIELDS];
};
extern struct field_list fields_guest; // without CR0 and CR4, which have a way of their own
extern struct field_list fields_information, fields_shadowed, fields_shadow_writable;
void fields_init(void);
int field_find(uint64_t encoding);   // its index, -1: there is none
uint64_t field_mask(unsigned index); // the bits it has

// --- ept.c ---
uint64_t ept_init(void);             // EPTP for vmcs01
void ept_violation(void);            // of L1
uint64_t ept02_use(uint64_t eptp12); // EPTP for vmcs02
void ept02_drop(uint64_t eptp12, bool all);
bool ept02_violation(void); // of L2; false: it is L1's business
void *l2_pointer(uint64_t guest_physical);

// --- nested.c: VMX instructions of L1 ---
bool vmx_instruction(enum exit_reason reason); // false: not one
void nested_fail(unsigned error);
bool shadow12_access(enum exit_reason reason); // VMREAD or VMWRITE of L2 on the shadow VMCS of L1; false: L1's business

// --- merge.c: entering L2 for L1 ---
unsigned nested_enter(bool launch);              // 0, or the VM-instruction error
void nested_entry_failed(void);                  // the processor refused vmcs02
void merge_note(unsigned index, uint64_t value); // what a field of vmcs02 was found to contain

// --- reflect.c: leaving L2 for L1 ---
void nested_exit(uint32_t reason);
void reflect(uint32_t reason);
void reflect_interrupt(unsigned vector); // an external interrupt that came before L2 ran

// --- shadow.c ---
void shadow_init(void);   // in vmcs01, current
void shadow_attach(void); // vmcs12 is now L1's current VMCS
void shadow_detach(void);
void shadow_push(void); // vmcs12 to the shadow VMCS
void shadow_pull(void); // and back

// --- account.c ---
void account_exit(bool from_l2, unsigned reason);
void account_reflect(unsigned reason);
void account_nested_entry(void);
void account_print(void);

#endif
