// kvm-mini: runs small guests through /dev/kvm and says whether they did what they should. With options it boots Linux
// instead (pc.c).
//
//   real mode   10,000 port exits
//   64-bit      real mode to long mode, CRC-32 and primes, exceptions, MMIO and HLT exits, injected interrupts
//   timer       the local APIC's timer inside KVM, one-shot and periodic
//
// Prints `ok ...` or `FAIL ...` for each check, and at the end `kvm-mini: N passed, N failed`; the exit status says the
// same. What the guests compute is computed here once more, from seeds that change from run to run.
#include "pc.h"
#include "vm.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_ALLOWED = 60, SQUARES = 10000, EXPECTED_API = 12, EFER_LMA_LME = 0x500, CR0_PG_PE = 0x80000001 };

extern const uint8_t real_begin[], real_end[], long_begin[], long_end[];

static unsigned passed, failed;

__attribute__((format(printf, 2, 3))) static void check(bool right, const char *what, ...) {
    va_list args;
    va_start(args, what);
    printf(right ? "ok   " : "FAIL ");
    vprintf(what, args);
    putchar('\n');
    va_end(args);
    if (right)
        passed++;
    else
        failed++;
}

static void check_report(const struct vm *vm, enum report r, uint32_t expected, const char *what) {
    if (!vm->reported[r])
        check(false, "%s: not reported", what);
    else if (vm->reports[r] != expected)
        check(false, "%s: %#x, expected %#x", what, vm->reports[r], expected);
    else
        check(true, "%s: %#x", what, expected);
}

static uint32_t expected_crc(uint32_t seed) {
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
    }
    for (int i = 0; i < CRC_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        crc = table[(crc ^ seed >> 24) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

static uint32_t expected_primes(void) {
    uint32_t count = 0;
    for (uint32_t n = 2; n < PRIMES_BELOW; n++) {
        bool prime = true;
        for (uint32_t d = 2; prime && d * d <= n; d++) prime = n % d != 0;
        count += prime;
    }
    return count;
}

static void on_alarm(int signal) { (void)signal; }

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

// Opens the machine and runs it; a machine that could not be run is a failed check.
static bool run(struct vm *vm, const char *name, unsigned halts, uint64_t *ns) {
    alarm(SECONDS_ALLOWED);
    uint64_t start = now_ns();
    bool well = vm_run(vm, halts);
    *ns = now_ns() - start;
    alarm(0);
    check(well, "%s ran to its end%s%s", name, well ? "" : ": ", well ? "" : vm->error);
    printf("     exits: %u port, %u MMIO, %u HLT; %llu us\n", vm->port_exits, vm->mmio_exits, vm->halt_exits,
           (unsigned long long)*ns / 1000);
    return well;
}

static bool open_for(struct vm *vm, int kvm, const char *name, bool chip, const uint8_t *begin, const uint8_t *end) {
    printf("%s\n", name);
    if (vm_open(vm, kvm, chip, begin, (size_t)(end - begin))) return true;
    check(false, "%s: %s", name, vm->error);
    vm_close(vm);
    return false;
}

static void real_mode(int kvm, uint32_t seed) {
    struct vm vm;
    uint64_t ns;
    if (!open_for(&vm, kvm, "real-mode guest", false, real_begin, real_end)) return;
    vm.parameters[0] = seed;
    run(&vm, "real-mode guest", 1, &ns);
    check(vm.squares == SQUARES, "port exits with a square: %u", vm.squares);
    check(vm.squares > 0 && vm.squares_wrong == 0, "wrong squares: %u", vm.squares_wrong);
    if (vm.squares) printf("     %llu ns an exit\n", (unsigned long long)(ns / vm.squares));
    vm_close(&vm);
}

static void check_mmio(const struct vm *vm) {
    uint64_t wide = mmio_value(MMIO_BASE + 0x88);
    check(vm->mmio_exits == 8, "MMIO exits: %u", vm->mmio_exits);
    check(vm->mmio_writes_right == 4 && vm->mmio_wrong == 0, "MMIO writes: %u right, %u wrong", vm->mmio_writes_right,
          vm->mmio_wrong);
    check_report(vm, REPORT_MMIO_READ + 0, (uint8_t)mmio_value(MMIO_BASE + 0x11), "MMIO read of 1 byte");
    check_report(vm, REPORT_MMIO_READ + 1, (uint16_t)mmio_value(MMIO_BASE + 0x22), "MMIO read of 2 bytes");
    check_report(vm, REPORT_MMIO_READ + 2, (uint32_t)mmio_value(MMIO_BASE + 0x44), "MMIO read of 4 bytes");
    check_report(vm, REPORT_MMIO_READ + 3, (uint32_t)(wide ^ wide >> 32), "MMIO read of 8 bytes, halves xored");
}

static void compute(int kvm, uint32_t seed) {
    struct vm vm;
    uint64_t ns;
    if (!open_for(&vm, kvm, "64-bit guest", false, long_begin, long_end)) return;
    vm.parameters[0] = JOB_COMPUTE;
    vm.parameters[1] = seed;
    run(&vm, "64-bit guest", 0, &ns);
    check_report(&vm, REPORT_CRC, expected_crc(seed), "CRC-32 of 64 KiB");
    check_report(&vm, REPORT_PRIMES, expected_primes(), "primes below 20000");
    check(vm.reported[REPORT_CR0] && (vm.reports[REPORT_CR0] & CR0_PG_PE) == CR0_PG_PE, "CR0 with paging: %#x",
          vm.reports[REPORT_CR0]);
    check(vm.reported[REPORT_EFER] && (vm.reports[REPORT_EFER] & EFER_LMA_LME) == EFER_LMA_LME,
          "EFER in long mode: %#x", vm.reports[REPORT_EFER]);
    check_report(&vm, REPORT_CPUID_VENDOR, vm.vendor, "CPUID leaf 0, EBX");
    check_report(&vm, REPORT_UD_COUNT, 2, "invalid opcodes handled");
    check_report(&vm, REPORT_PF_COUNT, 1, "page faults handled");
    check_report(&vm, REPORT_PF_ADDRESS, 0x234568, "address of the page fault");
    check_report(&vm, REPORT_SSE, 2 * seed, "XMM0 after exits");
    check_mmio(&vm);
    check(vm.halt_exits == HALTS, "HLT exits: %u", vm.halt_exits);
    check_report(&vm, REPORT_INJECTED, HALTS, "injected interrupts taken");
    vm_close(&vm);
}

static void timer(int kvm) {
    struct vm vm;
    uint64_t ns;
    if (!open_for(&vm, kvm, "timer guest, with KVM's own local APIC", true, long_begin, long_end)) return;
    vm.parameters[0] = JOB_TIMER;
    run(&vm, "timer guest", 0, &ns);
    check_report(&vm, REPORT_APIC_VERSION, 0x14, "local APIC version");
    check_report(&vm, REPORT_COUNTING, 1, "the timer counts down");
    check_report(&vm, REPORT_ONE_SHOTS, ONE_SHOTS, "one-shot timer interrupts");
    check(vm.reported[REPORT_TICKS] && vm.reports[REPORT_TICKS] >= TICKS, "periodic timer interrupts: %u of %u or more",
          vm.reports[REPORT_TICKS], TICKS);
    check_report(&vm, REPORT_TICKS_AFTER_STOP, 0, "timer interrupts after the timer was stopped");
    check_report(&vm, REPORT_TSC_FORWARD, 1, "the TSC went forward");
    // 5 times 2,000,000 and 10 times 500,000 counts of the APIC's 1 GHz clock.
    check(ns >= 15000000, "the guest's 15 ms of timer took %llu us", (unsigned long long)ns / 1000);
    vm_close(&vm);
}

static void capabilities(int kvm) {
    static const struct {
        int number;
        const char *name;
    } caps[] = {
#define CAP(name) {KVM_CAP_##name, #name}
        CAP(IRQCHIP),         CAP(HLT),
        CAP(USER_MEMORY),     CAP(SET_TSS_ADDR),
        CAP(EXT_CPUID),       CAP(NR_VCPUS),
        CAP(MAX_VCPUS),       CAP(NR_MEMSLOTS),
        CAP(MP_STATE),        CAP(SYNC_MMU),
        CAP(IRQFD),           CAP(IOEVENTFD),
        CAP(SET_GUEST_DEBUG), CAP(VCPU_EVENTS),
        CAP(XSAVE),           CAP(XCRS),
        CAP(TSC_CONTROL),     CAP(TSC_DEADLINE_TIMER),
        CAP(READONLY_MEM),    CAP(SPLIT_IRQCHIP),
        CAP(X2APIC_API),      CAP(IMMEDIATE_EXIT),
        CAP(NESTED_STATE),    CAP(EXCEPTION_PAYLOAD),
        CAP(DIRTY_LOG_RING),  CAP(STEAL_TIME),
#undef CAP
    };
    enum { A_LINE = 5 };
    int count = sizeof caps / sizeof *caps;
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    check(version == EXPECTED_API, "KVM API version: %d", version);
    printf("capabilities (0: absent)");
    for (int i = 0; i < count; i++)
        printf("%s%s %d", i % A_LINE ? ", " : "\n     ", caps[i].name, ioctl(kvm, KVM_CHECK_EXTENSION, caps[i].number));
    printf("\n");
}

int main(int argc, char **argv) {
    if (argc > 1) return pc_main(argc, argv);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    uint32_t seed = (uint32_t)now_ns() | 1;
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    check(kvm >= 0, "/dev/kvm opens%s%s", kvm < 0 ? ": " : "", kvm < 0 ? strerror(errno) : "");
    if (kvm >= 0) {
        capabilities(kvm);
        real_mode(kvm, seed);
        compute(kvm, seed);
        timer(kvm);
    }
    printf("kvm-mini: %u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
