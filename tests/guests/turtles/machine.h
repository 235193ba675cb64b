// Instructions that C has no words for, and the few facts about the machine that every level knows: its serial port,
// interrupt controllers and timers. Levels see the same ports and MSRs because each passes its guest's accesses on.
#ifndef MACHINE_H
#define MACHINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n) (1ull << (n))
#define PAGE 4096ull

static inline void out8(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port) : "memory"); }
static inline void out16(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port) : "memory"); }
static inline void out32(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port) : "memory"); }
static inline uint8_t in8(uint16_t port) {
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}
static inline uint16_t in16(uint16_t port) {
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}
static inline uint32_t in32(uint16_t port) {
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static inline uint64_t rdmsr(uint32_t index) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
    return (uint64_t)high << 32 | low;
}
static inline void wrmsr(uint32_t index, uint64_t v) {
    __asm__ volatile("wrmsr" ::"c"(index), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline uint64_t rdtsc(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid c;
    __asm__ volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(subleaf));
    return c;
}

static inline uint64_t cr0_read(void) {
    uint64_t v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v) : : "memory");
    return v;
}
static inline uint64_t cr2_read(void) {
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v) : : "memory");
    return v;
}
static inline uint64_t cr3_read(void) {
    uint64_t v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v) : : "memory");
    return v;
}
static inline uint64_t cr4_read(void) {
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v) : : "memory");
    return v;
}
static inline void cr0_write(uint64_t v) { __asm__ volatile("mov %0, %%cr0" ::"r"(v) : "memory"); }
static inline void cr4_write(uint64_t v) { __asm__ volatile("mov %0, %%cr4" ::"r"(v) : "memory"); }

#define CR0_PE BIT(0)
#define CR0_NE BIT(5)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)
#define CR4_PAE BIT(5)
#define CR4_VMXE BIT(13)
#define CR4_OSXSAVE BIT(18)
#define CR4_PKE BIT(22)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define RFLAGS_IF BIT(9)

enum msr {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_X2APIC = 0x800, // to 8FFH
    MSR_X2APIC_ID = 0x802,
    MSR_X2APIC_VERSION = 0x803,
    MSR_X2APIC_EOI = 0x80b,
    MSR_X2APIC_SPURIOUS = 0x80f,
    MSR_X2APIC_LVT_TIMER = 0x832,
    MSR_X2APIC_INITIAL_COUNT = 0x838,
    MSR_X2APIC_DIVIDE = 0x83e,
    MSR_EFER = 0xc0000080,
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
};

enum port {
    PORT_PIC_MASTER = 0x20,
    PORT_PIT_COUNTER0 = 0x40,
    PORT_PIT_CONTROL = 0x43,
    PORT_PIC_SLAVE = 0xa0,
    PORT_DEBUG_EXIT = 0xf4,  // isa-debug-exit: ends the machine with status 2 * value + 1
    PORT_SERIAL = 0x3f8,     // to 3FFH
    PORT_PM_CONTROL = 0x604, // ACPI's PM1a control register
};
// SLP_EN, and SLP_TYP of S5: 5 on the reference board, where nothing follows it; a PC's chipsets (PIIX4, ICH9), of
// which QEMU's have 0 for it, take 5 for no state at all.
enum { PM_SLEEP_ENABLE = BIT(13), PM_POWER_OFF = PM_SLEEP_ENABLE | 5 << 10, PM_POWER_OFF_CHIPSET = PM_SLEEP_ENABLE };

// --- main.c ---
// The end of this machine: power off when all is well, else through the debug port. A hypervisor below sees which.
_Noreturn void machine_end(bool good);
extern unsigned our_level;

// --- console.c ---
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

// --- memory.c ---
void memory_init(uint64_t first, uint64_t end);
void *page_new(void); // 4 KBytes of zeros
void page_free(void *page);

#endif
