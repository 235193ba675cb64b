// Registers, control bits, vectors and event types: what the SDM names and numbers. SDM Vol. 3A, 2.5, 6.3; Vol. 3C, 24.
#ifndef CPU_ARCHITECTURE_H
#define CPU_ARCHITECTURE_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096ull

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum segment_register { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENT_COUNT };

// A segment register with its hidden part. `rights` has the layout of the VMCS access-rights field (SDM Vol. 3C,
// Table 24-2): type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. `limit` is in bytes, inclusive.
// The base lives in cpu->segment_base[].
struct segment {
    uint32_t limit;
    uint32_t rights;
    uint16_t selector;
};
#define RIGHTS_TYPE BITS(3, 0)
#define RIGHTS_S BIT(4)
#define RIGHTS_DPL_SHIFT 5
#define RIGHTS_DPL BITS(6, 5)
#define RIGHTS_P BIT(7)
#define RIGHTS_AVL BIT(12)
#define RIGHTS_L BIT(13)
#define RIGHTS_DB BIT(14)
#define RIGHTS_G BIT(15)
#define RIGHTS_UNUSABLE BIT(16)

struct descriptor_table {
    uint64_t base;
    uint16_t limit;
};

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)
#define CR4_VME BIT(0)
#define CR4_PVI BIT(1)
#define CR4_TSD BIT(2)
#define CR4_DE BIT(3)
#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)
#define CR4_MCE BIT(6)
#define CR4_PGE BIT(7)
#define CR4_PCE BIT(8)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP BIT(11)
#define CR4_LA57 BIT(12)
#define CR4_VMXE BIT(13)
#define CR4_SMXE BIT(14)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE BIT(17)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define CR4_PKE BIT(22)
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

enum exception_vector {
    VECTOR_DE,
    VECTOR_DB,
    VECTOR_NMI,
    VECTOR_BP,
    VECTOR_OF,
    VECTOR_BR,
    VECTOR_UD,
    VECTOR_NM,
    VECTOR_DF,
    VECTOR_TS = 10,
    VECTOR_NP,
    VECTOR_SS,
    VECTOR_GP,
    VECTOR_PF,
    VECTOR_MF = 16,
    VECTOR_AC,
    VECTOR_MC,
    VECTOR_XM,
    VECTOR_VE,
    VECTOR_CP,
};
// The types of SDM Vol. 3C, Table 24-16 (VM-entry interruption information), used for every delivery.
enum event_type {
    EVENT_EXTERNAL = 0,
    EVENT_NMI = 2,
    EVENT_HARDWARE_EXCEPTION = 3,
    EVENT_SOFTWARE_INTERRUPT = 4,
    EVENT_PRIVILEGED_SOFTWARE_EXCEPTION = 5,
    EVENT_SOFTWARE_EXCEPTION = 6,
    EVENT_OTHER = 7,
};
struct event {
    uint8_t vector;
    uint8_t type; // enum event_type
    bool has_error_code;
    uint8_t length; // bytes of INT n, INT3, INTO, INT1; the saved RIP is after the instruction
    bool injected;  // by VM entry: RF goes into the saved RFLAGS as it is (SDM Vol. 3C, 26.6.1.1)
    uint32_t error_code;
    uint64_t payload; // #PF: the linear address for CR2; #DB: the bits for DR6
};

enum activity { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_FOR_SIPI }; // SDM Vol. 3C, 24.4.2

// MWAIT waits in ACTIVITY_HLT too: it ends as HLT does, and when the monitor is triggered (cpu/pages/monitor.h).
enum mwait_wait { MWAIT_NO, MWAIT_PLAIN, MWAIT_MASKED /* an interrupt ends it even if masked */ };
#define MWAIT_UNARMED 1ull
#define MISC_ENABLE_PERFMON BIT(7) // read-only: whether there is performance monitoring
#define MISC_ENABLE_EIST BIT(16)
#define MISC_ENABLE_MONITOR BIT(18)
#define MISC_FEATURES_CPUID_FAULT BIT(0)
enum { PERF_RATIO_SHIFT = 8 }; // IA32_PERF_STATUS, IA32_PERF_CTL

// Bits of cpu->pending: events that wait, whether or not they can be taken now.
enum pending {
    PENDING_INTR = 1 << 0, // a level: the local APIC (or the PIC through it) has an interrupt to give
    PENDING_NMI = 1 << 1,
    PENDING_INIT = 1 << 2,
    PENDING_SIPI = 1 << 3,
    PENDING_DEBUG = 1 << 4, // cpu->pending_debug is not zero (single step, breakpoints)
    PENDING_VMX = 1 << 5,   // VT-x wants cpu->intercepts.poll at the next instruction boundary (windows, MTF, ...)
};

// The 512-bit registers are stored whole; XMM and YMM are their low parts.
union vector_register {
    uint8_t u8[64];
    uint16_t u16[32];
    uint32_t u32[16];
    uint64_t u64[8];
};
struct x87_register {
    uint64_t significand;
    uint16_t sign_exponent;
};
struct x87 {
    struct x87_register r[8]; // physical registers R0..R7; ST(i) is r[(top + i) & 7]; MMi is r[i].significand
    uint64_t ip, dp;          // last instruction and operand pointers (offsets)
    uint16_t cs, ds;
    uint16_t control, status; // status includes TOP in bits 13:11
    uint16_t opcode;          // 11 bits
    uint8_t empty;            // bit i: physical register i is empty
};

#endif
