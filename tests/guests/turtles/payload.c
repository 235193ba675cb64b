// The innermost guest: does something of everything that a hypervisor has to deal with, and checks what comes of it.
// Run with depth=0 it does the same on the bare machine.
#include "payload.h"
#include "bug.h"
#include "interrupt.h"

static unsigned checks, failures;

static void check(bool right, const char *what, uint64_t value) {
    checks++;
    failures += !right;
    print("%s %s: %lu\n", right ? "ok  " : "FAIL", what, value);
}

// --- something to compute ---
static unsigned count_primes(unsigned below) {
    static uint8_t composite[20000];
    unsigned count = 0;
    for (unsigned n = 2; n < below; n++) {
        if (composite[n]) continue;
        count++;
        for (unsigned m = n * n; n < 142 && m < below; m += n) composite[m] = 1;
    }
    return count;
}

static uint32_t crc32(const uint8_t *p, size_t bytes) {
    uint32_t crc = ~0u;
    while (bytes--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void compute(void) {
    unsigned primes = count_primes(20000);
    uint32_t crc = crc32((const uint8_t *)"123456789", 9);
    check(primes == 2262, "primes below 20000", primes);
    check(crc == 0xcbf43926, "CRC-32 of 123456789", crc);
}

// --- CPUID, VMCALL ---
static bool hypervisor_below(void) { return cpuid(1, 0).ecx >> 31; }

static void identify(void) {
    bool steady = true;
    struct cpuid first = cpuid(0, 0);
    for (int i = 0; i < 20; i++) steady &= cpuid(0, 0).ebx == first.ebx;
    check(steady, "CPUID 20 times; the highest leaf", first.eax);
    if (our_level == 0) return;
    check(cpuid(0x40000000, 0).ebx == 0x74727554, "a hypervisor signs with \"Turt\"", hypervisor_below());
    uint64_t level = ~0ull;
    __asm__ volatile("vmcall" : "=a"(level) : "a"(level) : "memory");
    check(level == our_level - 1, "VMCALL is answered by level", level);
}

// --- exceptions of our own ---
static volatile unsigned gp_count, ud_count;

static void on_gp(struct frame *f) {
    gp_count++;
    f->rip += 2; // RDMSR and WRMSR have two bytes
}
static void on_ud(struct frame *f) {
    ud_count++;
    f->rip += 2; // UD2
}

// --- MSRs ---
static void model_specific(void) {
    enum { MSR_NOWHERE = 0x4fff0000 };
    check(rdmsr(MSR_EFER) & EFER_LMA, "IA32_EFER.LMA", rdmsr(MSR_EFER) >> 10 & 1);
    wrmsr(MSR_GS_BASE, 0x123456789000);
    check(rdmsr(MSR_GS_BASE) == 0x123456789000, "IA32_GS_BASE is kept", rdmsr(MSR_GS_BASE));
    check((rdmsr(MSR_X2APIC_VERSION) & 0xff) >= 0x10, "local APIC version", rdmsr(MSR_X2APIC_VERSION) & 0xff);
    gp_count = 0;
    rdmsr(MSR_NOWHERE);
    wrmsr(MSR_NOWHERE, 0);
    check(gp_count == 2, "#GP from an MSR that does not exist", gp_count);
    __asm__ volatile("ud2");
    check(ud_count == 1, "#UD from UD2", ud_count);
}

// --- control registers: bits that VMX fixes, and that a hypervisor must make believe can be changed ---
static void control_registers(void) {
    uint64_t cr0 = cr0_read(), cr4 = cr4_read();
    bool right = true;
    for (int i = 0; i < 4; i++) {
        cr0_write(cr0 ^ CR0_NE);
        right &= cr0_read() == (cr0 ^ CR0_NE);
        cr0_write(cr0);
        right &= cr0_read() == cr0;
    }
    check(right, "CR0.NE can be set and cleared; CR0", cr0);
    cr4_write(cr4 | CR4_VMXE);
    right = cr4_read() == (cr4 | CR4_VMXE);
    cr4_write(cr4);
    check(right && cr4_read() == cr4, "so can CR4.VMXE; CR4", cr4);
}

// --- memory that was never touched: EPT violations, at each level that maps pages on demand ---
static void memory(uint64_t bytes, bool broken) {
    enum { PAGES = 16 };
    uint64_t sum = 0, expected = 0;
    for (uint64_t i = 1; i <= PAGES; i++) *(volatile uint64_t *)(bytes - i * 3 * PAGE) = i * i;
    if (broken) *(volatile uint64_t *)(bytes - 3 * PAGE) = 0;
    for (uint64_t i = 1; i <= PAGES; i++) sum += *(volatile uint64_t *)(bytes - i * 3 * PAGE), expected += i * i;
    check(sum == expected, "sum of what untouched pages were given", sum);
    if (our_level > 0) {
        uint64_t nothing = *(volatile uint64_t *)(bytes + 64 * PAGE);
        check(nothing == ~0ull, "no memory reads as ones", nothing);
    }
}

// --- ports ---
static void ports(void) {
    uint8_t mask = in8(PORT_PIC_MASTER + 1);
    bool right = true;
    for (uint8_t i = 0; i < 8; i++) {
        out8(PORT_PIC_MASTER + 1, (uint8_t)(1u << i));
        right &= in8(PORT_PIC_MASTER + 1) == 1u << i;
    }
    out8(PORT_PIC_MASTER + 1, mask);
    check(right, "the interrupt controller's mask register, bits", 8);
}

// --- interrupts: the local APIC's timer while halted, the PIT's while interrupts are off ---
enum { VECTOR_PIC = 0x20, VECTOR_APIC_TIMER = 0x40, VECTOR_APIC_SPURIOUS = 0xff };
static volatile unsigned apic_ticks, pit_ticks;

static void on_apic_timer(struct frame *f) {
    (void)f;
    apic_ticks++;
    wrmsr(MSR_X2APIC_EOI, 0);
}

static void on_pit(struct frame *f) {
    (void)f;
    pit_ticks++;
    out8(PORT_PIC_MASTER, 0x20); // EOI
}

static void apic_timer(void) {
    enum { X2APIC = 1 << 10, ENABLE = 1 << 8, DIVIDE_BY_1 = 0xb, TICKS = 5 };
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | X2APIC);
    wrmsr(MSR_X2APIC_SPURIOUS, ENABLE | VECTOR_APIC_SPURIOUS);
    wrmsr(MSR_X2APIC_DIVIDE, DIVIDE_BY_1);
    wrmsr(MSR_X2APIC_LVT_TIMER, VECTOR_APIC_TIMER);
    for (unsigned tick = 1; tick <= TICKS; tick++) {
        wrmsr(MSR_X2APIC_INITIAL_COUNT, 20000);
        while (apic_ticks < tick) __asm__ volatile("sti; hlt; cli" ::: "memory");
    }
    check(apic_ticks == TICKS, "interrupts of the local APIC's timer while halted", apic_ticks);
}

static void pic_init(void) {
    static const uint8_t words[] = {0x11, VECTOR_PIC, 4, 1}, slave_words[] = {0x11, VECTOR_PIC + 8, 2, 1};
    for (unsigned i = 0; i < sizeof words; i++) {
        out8((uint16_t)(PORT_PIC_MASTER + (i > 0)), words[i]);
        out8((uint16_t)(PORT_PIC_SLAVE + (i > 0)), slave_words[i]);
    }
    out8(PORT_PIC_SLAVE + 1, 0xff);
    out8(PORT_PIC_MASTER + 1, 0xff);
}

static void pit_once(uint16_t count) {
    out8(PORT_PIT_CONTROL, 0x30); // counter 0, both bytes, mode 0: one interrupt at the end of the count
    out8(PORT_PIT_COUNTER0, (uint8_t)count);
    out8(PORT_PIT_COUNTER0, (uint8_t)(count >> 8));
}

// Its interrupt comes while this guest has interrupts off: a hypervisor must keep it for the moment of the STI.
static void pit_timer(void) {
    enum { ALL_BUT_TIMER = 0xfe, STATUS_OF_0 = 0xe2, OUTPUT = 0x80, TICKS = 3 };
    unsigned early = 0;
    out8(PORT_PIC_MASTER + 1, ALL_BUT_TIMER);
    for (unsigned tick = 1; tick <= TICKS; tick++) {
        pit_once(100);
        do out8(PORT_PIT_CONTROL, STATUS_OF_0);
        while (!(in8(PORT_PIT_COUNTER0) & OUTPUT));
        early += pit_ticks - (tick - 1);
        __asm__ volatile("sti; nop; nop; cli" ::: "memory");
        early += tick - pit_ticks;
    }
    out8(PORT_PIC_MASTER + 1, 0xff);
    check(pit_ticks == TICKS && early == 0, "interrupts of the PIT after STI, neither early nor late", pit_ticks);
}

void payload(uint64_t memory_bytes, bool broken) {
    print("payload: %lu KBytes of memory, %s\n", memory_bytes / 1024,
          hypervisor_below() ? "a hypervisor below" : "the bare machine below");
    interrupt_handle(VECTOR_GP, on_gp);
    interrupt_handle(VECTOR_UD, on_ud);
    interrupt_handle(VECTOR_APIC_TIMER, on_apic_timer);
    interrupt_handle(VECTOR_PIC, on_pit);
    // The stack for this interrupt lies on a page nobody has touched: its delivery is interrupted by an EPT violation
    // at each level, and must be begun again each time.
    interrupt_use_stack(VECTOR_APIC_TIMER, memory_bytes - PAGE);
    pic_init();
    compute();
    identify();
    control_registers();
    memory(memory_bytes, broken);
    ports();
    apic_timer();
    model_specific();
    pit_timer();
    bug_payload(memory_bytes);
    print("payload: %u checks, %u failed\n", checks, failures);
    machine_end(failures == 0);
}
