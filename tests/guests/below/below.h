// turtles below an operating system: a hypervisor that a disk's boot sector loads, and under which another disk's
// operating system boots as if it were not there. What its files call of each other.
//
// The guest is the machine itself: its physical memory is ours at the same addresses, it drives every device, takes
// every interrupt and has all processors. Ours are alone two pieces of memory, which it does not see: that of the
// hypervisor, and a few KBytes below 640 with real-mode code that BIOS calls of the guest pass through.
#ifndef BELOW_H
#define BELOW_H
#include "vmx.h"

#define HIDDEN_BASE 0x6000000ull // 96 MBytes: below.ld links us there, loader.S copies us there
#define HIDDEN_END (HIDDEN_BASE + (2 << 20))
#define LARGE_PAGE (2ull << 20)
#define FIELD_MSR_BITMAP ((enum field)0x2004) // which turtles has no use for

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

struct processor {
    uint64_t gpr[16]; // of the guest; RSP is in the VMCS. enter.S knows that these come first
    bool launched;
};

// --- loader.S: what it found out in real mode ---
struct loaded {
    uint32_t ranges;
    struct __attribute__((packed)) range {
        uint64_t base, bytes;
        uint32_t type;
    } range[64];
};
enum range_type { RANGE_MEMORY = 1, RANGE_RESERVED = 2 };

// --- enter.S ---
unsigned enter_guest(struct processor *p); // 0: and left again; 1, 2: VMfail
extern const uint8_t guest_exited[];

// --- guest.c: state of the guest's processors ---
void vmx_start(void);
void guest_setup(struct processor *p);
void guest_real_mode(uint16_t segment, uint16_t offset);
void guest_wait_for_sipi(struct processor *p);
_Noreturn void guest_run(struct processor *p);
void inject_exception(unsigned vector, bool has_error_code);

// --- exits.c ---
void exit_handle(struct processor *p, enum exit_reason reason);

// --- ept.c, mtrr.c ---
void ept_init(void);
uint64_t ept_pointer(void);
void ept_violation(void);
unsigned mtrr_type(uint64_t physical); // memory type, as EPT entries have it
enum memory_type { UNCACHEABLE, WRITE_COMBINING, WRITE_THROUGH = 4, WRITE_PROTECTED, WRITE_BACK };

// --- map.c: the memory that the guest is told of ---
void map_init(const struct loaded *loaded);
void map_hide(uint64_t base, uint64_t bytes);
bool map_range(unsigned number, struct range *out); // false: there are no more
uint64_t map_end_of(uint64_t address);              // of the memory that `address` lies in

// --- bios.c: calls of the BIOS ---
uint16_t bios_hook(void); // the segment of our real-mode code
void bios_vmcall(struct processor *p);
void bios_account(void);
extern uint64_t bios_page; // physical address of that code, 4 KBytes

// --- processors.c ---
void processors_start(void);
extern volatile uint32_t processors_seen; // beside the first one
void lock(void);                          // one processor at a time handles an exit
void unlock(void);

// --- account.c of turtles ---
void account_exit(bool from_l2, unsigned reason);
void account_print(void);
extern bool shadowing_wanted;

#endif
