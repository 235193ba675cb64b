// The 64-bit guest: freestanding C, entered from entry.S in long mode at privilege level 0.
//
// JOB_COMPUTE  CRC-32, primes, exceptions through its own IDT, CPUID, MMIO, HLT, interrupts injected by kvm-mini
// JOB_TIMER    one-shot and periodic interrupts of the local APIC's timer
#include "protocol.h"
#include <stdint.h>

struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

struct gate {
    uint16_t offset_low, selector, attributes, offset_middle;
    uint32_t offset_high, reserved;
};

extern uint64_t directory_low[512];
void guest_main(void);

static struct gate idt[256];
static volatile uint32_t ud_count, pf_count, injected_count, timer_count;
static volatile uint64_t pf_address;
static uint8_t buffer[CRC_BYTES];

static void out8(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory"); }
static void out32(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory"); }

static uint32_t in32(uint16_t port) {
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static uint64_t rdtsc(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void print(const char *text) {
    while (*text) out8(PORT_CONSOLE, (uint8_t)*text++);
}

static void report(uint32_t what, uint32_t value) {
    out32(PORT_WHAT, what);
    out32(PORT_VALUE, value);
}

static volatile uint32_t *apic(uint32_t reg) { return (volatile uint32_t *)(uint64_t)(APIC_BASE_ADDRESS + reg); }

enum { APIC_VERSION = 0x30, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0, APIC_LVT_TIMER = 0x320 };
enum { APIC_INITIAL_COUNT = 0x380, APIC_CURRENT_COUNT = 0x390, APIC_DIVIDE = 0x3e0 };
enum { LVT_MASKED = 1 << 16, LVT_PERIODIC = 1 << 17, DIVIDE_BY_1 = 0xb, APIC_ENABLE = 1 << 8 };

__attribute__((interrupt)) static void on_ud(struct frame *f) {
    ud_count++;
    f->rip += 2; // past UD2
}

__attribute__((interrupt)) static void on_pf(struct frame *f, uint64_t error) {
    (void)f, (void)error;
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    pf_address = address;
    pf_count++;
    directory_low[1] = 0x200087; // fill the hole; a translation that did not exist needs no INVLPG
}

__attribute__((interrupt)) static void on_injected(struct frame *f) {
    (void)f;
    injected_count++;
}

__attribute__((interrupt)) static void on_timer(struct frame *f) {
    (void)f;
    timer_count++;
    *apic(APIC_EOI) = 0;
}

static void gate_set(unsigned vector, uint64_t handler) {
    idt[vector] = (struct gate){.offset_low = (uint16_t)handler,
                                .selector = 0x18,
                                .attributes = 0x8e00,
                                .offset_middle = (uint16_t)(handler >> 16),
                                .offset_high = (uint32_t)(handler >> 32)};
}

static void idt_load(void) {
    gate_set(6, (uint64_t)on_ud);
    gate_set(14, (uint64_t)on_pf);
    gate_set(VECTOR_TIMER, (uint64_t)on_timer);
    gate_set(VECTOR_INJECTED, (uint64_t)on_injected);
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
    uint32_t crc = ~0u;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static uint32_t primes_below(uint32_t limit) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < limit; i++) buffer[i] = i >= 2;
    for (uint32_t i = 2; i < limit; i++) {
        if (!buffer[i]) continue;
        count++;
        for (uint32_t j = 2 * i; j < limit; j += i) buffer[j] = 0;
    }
    return count;
}

static void exceptions(void) {
    __asm__ volatile("ud2");
    __asm__ volatile("ud2");
    report(REPORT_UD_COUNT, ud_count);
    *(volatile uint32_t *)0x234568 = 1;
    *(volatile uint32_t *)0x234570 = 2;
    report(REPORT_PF_COUNT, pf_count);
    report(REPORT_PF_ADDRESS, (uint32_t)pf_address);
}

static void processor(void) {
    uint64_t cr0;
    uint32_t eax = 0, ebx, ecx = 0, edx;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    report(REPORT_CR0, (uint32_t)cr0);
    __asm__ volatile("rdmsr" : "=a"(eax), "=d"(edx) : "c"(0xc0000080));
    report(REPORT_EFER, eax);
    eax = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    report(REPORT_CPUID_VENDOR, ebx);
}

// XMM0 must survive the exits to kvm-mini between its two halves. The compiler uses no SSE here.
static void sse(uint32_t seed) {
    uint32_t sum;
    __asm__ volatile("movd %0, %%xmm0; pshufd $0, %%xmm0, %%xmm0" : : "r"(seed));
    print("  guest: exits with a value in XMM0\n");
    __asm__ volatile("paddd %%xmm0, %%xmm0; pshufd $0xff, %%xmm0, %%xmm0; movd %%xmm0, %0" : "=r"(sum));
    report(REPORT_SSE, sum);
}

static void mmio(uint32_t seed) {
    volatile uint8_t *base = (volatile uint8_t *)MMIO_BASE;
    base[0x10] = (uint8_t)seed;
    *(volatile uint16_t *)(base + 0x20) = (uint16_t)seed;
    *(volatile uint32_t *)(base + 0x40) = seed;
    *(volatile uint64_t *)(base + 0x80) = (uint64_t)~seed << 32 | seed;
    report(REPORT_MMIO_READ + 0, base[0x11]);
    report(REPORT_MMIO_READ + 1, *(volatile uint16_t *)(base + 0x22));
    report(REPORT_MMIO_READ + 2, *(volatile uint32_t *)(base + 0x44));
    uint64_t wide = *(volatile uint64_t *)(base + 0x88);
    report(REPORT_MMIO_READ + 3, (uint32_t)(wide ^ wide >> 32));
}

static void compute(void) {
    uint32_t seed = in32(PORT_PARAMETER), x = seed;
    processor();
    for (uint32_t i = 0; i < CRC_BYTES; i++) {
        x = x * 1664525 + 1013904223;
        buffer[i] = (uint8_t)(x >> 24);
    }
    report(REPORT_CRC, crc32(buffer, CRC_BYTES));
    report(REPORT_PRIMES, primes_below(PRIMES_BELOW));
    exceptions();
    sse(seed);
    mmio(seed);
    for (int i = 0; i < HALTS; i++) __asm__ volatile("sti; hlt; cli" : : : "memory");
    report(REPORT_INJECTED, injected_count);
}

static void wait_for_timer(uint32_t count) {
    while (timer_count < count) __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static void timer(void) {
    uint64_t start = rdtsc();
    *apic(APIC_SPURIOUS) = APIC_ENABLE | 0xff;
    report(REPORT_APIC_VERSION, *apic(APIC_VERSION) & 0xff);
    *apic(APIC_DIVIDE) = DIVIDE_BY_1;
    *apic(APIC_LVT_TIMER) = VECTOR_TIMER;

    uint32_t initial = 2000000, current;
    for (uint32_t i = 0; i < ONE_SHOTS; i++) {
        *apic(APIC_INITIAL_COUNT) = initial;
        current = *apic(APIC_CURRENT_COUNT);
        if (i == 0) report(REPORT_COUNTING, current > 0 && current < initial);
        wait_for_timer(i + 1);
    }
    report(REPORT_ONE_SHOTS, timer_count);

    timer_count = 0;
    *apic(APIC_LVT_TIMER) = VECTOR_TIMER | LVT_PERIODIC;
    *apic(APIC_INITIAL_COUNT) = 500000;
    wait_for_timer(TICKS);
    *apic(APIC_LVT_TIMER) = VECTOR_TIMER | LVT_MASKED;
    report(REPORT_TICKS, timer_count);

    // Masked and stopped: with interrupts open no more may come. One may have been pending already.
    *apic(APIC_INITIAL_COUNT) = 0;
    __asm__ volatile("sti; nop; nop; cli" : : : "memory");
    uint32_t stopped = timer_count;
    __asm__ volatile("sti" : : : "memory");
    for (volatile int i = 0; i < 10000; i++) {}
    __asm__ volatile("cli" : : : "memory");
    report(REPORT_TICKS_AFTER_STOP, timer_count - stopped);
    report(REPORT_TSC_FORWARD, rdtsc() > start);
}

void guest_main(void) {
    idt_load();
    uint32_t job = in32(PORT_PARAMETER);
    print("  guest: in long mode, with page tables, GDT and IDT of its own\n");
    if (job == JOB_COMPUTE) compute();
    if (job == JOB_TIMER) timer();
    out32(PORT_DONE, 0);
}
