// What the labs begin with: a machine in 64-bit mode whose linear addresses are physical addresses, and VT-x in C, by
// the manual's names. SDM Vol. 3C, chapters 24 and 30; Vol. 3D, appendices A to C.
//
// VMX instructions are macros, so that the line of the lab that uses one is the line that debuggers and the checker
// show.
#ifndef LAB_H
#define LAB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmx/vmcs/names.h" // numbers: bits of controls (PIN_NMI_EXITING), basic exit reasons (EXIT_CPUID)

#define BIT(n) (1ull << (n))
#define PAGE 4096ull

// Fields of a VMCS by their encodings, for VMREAD and VMWRITE: GUEST_RIP.
enum field {
#define FIELD(encoding, name, exists, part, text) name = (encoding),
#include "vmx/vmcs/field.def"
#undef FIELD
};

// --- what each lab has: it begins here, and ends with its return, or by lab_done() ---
void lab(void);
_Noreturn void lab_done(void);

// --- lab.c ---
void say(const char *format, ...) __attribute__((format(printf, 1, 2))); // %s %u %lu %x %lx; on the serial port
void *page_new(void);                                                    // 4 KBytes of zeros, aligned
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

// Interrupts and exceptions of the hypervisor, and of guests that use its IDT. NULL: the lab ends there.
struct frame {
    uint64_t vector, error_code, rip, cs, rflags, rsp, ss;
};
extern void (*on_vector[256])(struct frame *frame);

// --- registers ---
#define READ_REGISTER(name)                                                                                            \
    static inline uint64_t name##_read(void) {                                                                         \
        uint64_t v;                                                                                                    \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(v) : : "memory");                                                \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline void name##_write(uint64_t v) { __asm__ volatile("mov %0, %%" #name : : "r"(v) : "memory"); }
READ_REGISTER(cr0)
READ_REGISTER(cr2)
READ_REGISTER(cr3)
READ_REGISTER(cr4)
#define CR0_PE BIT(0)
#define CR0_NE BIT(5)
#define CR0_PG BIT(31)
#define CR4_VMXE BIT(13)
#define RFLAGS_FIXED BIT(1)
#define RFLAGS_IF BIT(9)

enum msr {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_VMX_BASIC = 0x480,
    MSR_VMX_PIN,
    MSR_VMX_PROC,
    MSR_VMX_EXIT,
    MSR_VMX_ENTRY,
    MSR_VMX_MISC,
    MSR_VMX_PROC2 = 0x48b,
    MSR_VMX_EPT_VPID,
    MSR_VMX_TRUE_PIN,
    MSR_VMX_TRUE_PROC,
    MSR_VMX_TRUE_EXIT,
    MSR_VMX_TRUE_ENTRY,
    MSR_X2APIC_EOI = 0x80b,
    MSR_X2APIC_SPURIOUS = 0x80f,
    MSR_X2APIC_SELF_IPI = 0x83f,
    MSR_EFER = 0xc0000080,
    MSR_LSTAR = 0xc0000082,
};
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX BIT(2)
#define CPUID_VMX BIT(5) // leaf 1, ECX

#define rdmsr(index)                                                                                                   \
    ({                                                                                                                 \
        uint32_t low_, high_;                                                                                          \
        __asm__ volatile("rdmsr" : "=a"(low_), "=d"(high_) : "c"((uint32_t)(index)) : "memory");                       \
        (uint64_t) high_ << 32 | low_;                                                                                 \
    })
#define wrmsr(index, value)                                                                                            \
    ({                                                                                                                 \
        const uint64_t value_ = (value);                                                                               \
        __asm__ volatile("wrmsr"                                                                                       \
                         :                                                                                             \
                         : "c"((uint32_t)(index)), "a"((uint32_t)value_), "d"((uint32_t)(value_ >> 32))                \
                         : "memory");                                                                                  \
    })
struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
#define cpuid(leaf, subleaf)                                                                                           \
    ({                                                                                                                 \
        struct cpuid c_;                                                                                               \
        __asm__ volatile("cpuid"                                                                                       \
                         : "=a"(c_.eax), "=b"(c_.ebx), "=c"(c_.ecx), "=d"(c_.edx)                                      \
                         : "a"((uint32_t)(leaf)), "c"((uint32_t)(subleaf)));                                           \
        c_;                                                                                                            \
    })
#define rdtsc()                                                                                                        \
    ({                                                                                                                 \
        uint32_t low_, high_;                                                                                          \
        __asm__ volatile("rdtsc" : "=a"(low_), "=d"(high_) : : "memory");                                              \
        (uint64_t) high_ << 32 | low_;                                                                                 \
    })
#define out8(port, value) __asm__ volatile("outb %b0, %w1" : : "a"((uint8_t)(value)), "Nd"((uint16_t)(port)) : "memory")
#define in8(port)                                                                                                      \
    ({                                                                                                                 \
        uint8_t v_;                                                                                                    \
        __asm__ volatile("inb %w1, %b0" : "=a"(v_) : "Nd"((uint16_t)(port)) : "memory");                               \
        v_;                                                                                                            \
    })

// --- VMX instructions: true, or they failed (VMfailInvalid or VMfailValid, 30.2) ---
#define VMX_POINTER(instruction, pointer)                                                                              \
    ({                                                                                                                 \
        bool failed_;                                                                                                  \
        const uint64_t pointer_ = (uint64_t)(pointer);                                                                 \
        __asm__ volatile(instruction " %1" : "=@ccbe"(failed_) : "m"(pointer_) : "memory");                            \
        !failed_;                                                                                                      \
    })
#define vmxon(pointer) VMX_POINTER("vmxon", pointer)
#define vmclear(pointer) VMX_POINTER("vmclear", pointer)
#define vmptrld(pointer) VMX_POINTER("vmptrld", pointer)
#define vmxoff() __asm__ volatile("vmxoff" : : : "cc", "memory")
#define vmcall() __asm__ volatile("vmcall" : : : "cc", "memory")
#define vmwrite(field, value)                                                                                          \
    ({                                                                                                                 \
        bool failed_;                                                                                                  \
        __asm__ volatile("vmwrite %1, %2"                                                                              \
                         : "=@ccbe"(failed_)                                                                           \
                         : "r"((uint64_t)(value)), "r"((uint64_t)(field))                                              \
                         : "memory");                                                                                  \
        !failed_;                                                                                                      \
    })
#define vmread(field)                                                                                                  \
    ({                                                                                                                 \
        uint64_t v_ = 0;                                                                                               \
        __asm__ volatile("vmread %1, %0" : "+r"(v_) : "r"((uint64_t)(field)) : "cc", "memory");                        \
        v_;                                                                                                            \
    })
struct invalidation {
    uint64_t what, address; // the EPTP, or the VPID
};
#define INVALIDATE(instruction, type, which)                                                                           \
    ({                                                                                                                 \
        bool failed_;                                                                                                  \
        const struct invalidation i_ = {(which), 0};                                                                   \
        __asm__ volatile(instruction " %1, %2" : "=@ccbe"(failed_) : "m"(i_), "r"((uint64_t)(type)) : "memory");       \
        !failed_;                                                                                                      \
    })
#define invept(type, eptp) INVALIDATE("invept", type, eptp)
#define invvpid(type, vpid) INVALIDATE("invvpid", type, vpid)
enum { SINGLE_CONTEXT = 1, ALL_CONTEXTS = 2 };

// --- a guest: its general-purpose registers, while it does not run; all else is in its VMCS ---
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
struct guest {
    uint64_t gpr[16];
    bool launched;  // set by guest_enter
    uint64_t vmcs;  // its region
    uint8_t *stack; // the end of it
};
unsigned guest_enter(struct guest *guest); // enter.S

// --- vmx.c: what a lab need not do again, once an earlier one has done it ---
void vmx_begin(void);                                   // lab 1
uint64_t vmcs_region(void);                             // a page that begins with the revision identifier
uint64_t control(enum msr capability, uint64_t wanted); // with the bits that must be 1
void vmcs_controls(void);                               // lab 2: the fewest that will do for a 64-bit guest; HLT exits
void vmcs_host(void);                                   // lab 3: as the processor is now
void vmcs_guest(void (*rip)(void), const uint8_t *stack); // in 64-bit mode, with the tables of the hypervisor
void guest_new(struct guest *guest, void (*rip)(void));   // a VMCS that can be entered; it is the current one
void guest_skip(void);                                    // lab 4: over the instruction that made the VM exit

// --- ept.c, lab 6 ---
#define EPT_ALL 7ull // read, write, execute
#define EPT_WRITE_BACK (6ull << 3)
uint64_t *ept_new(void);                                                                   // a root that maps nothing
void ept_map(uint64_t *root, uint64_t guest_physical, uint64_t physical, uint64_t rights); // 4 KBytes
uint64_t ept_pointer(const uint64_t *root);                                                // for the EPTP
uint64_t *ept_identity(void);        // a root for the first 16 MBytes
void vmcs_ept(const uint64_t *root); // the guest has it from now on

#endif
