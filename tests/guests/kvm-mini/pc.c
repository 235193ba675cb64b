// Boots Linux in a virtual machine, see pc.h. A thread runs each processor, one more reads the console's input; `lock`
// protects the devices. The process ends when the guest does.
//
// NOT IMPLEMENTED: PCI, disks, display, keyboard controller, clock (a guest has KVM's), string port exits wider than
// one byte at a device. Ports and addresses with nothing behind them read as ones.
#include "pc.h"
#include "acpi.h"
#include "linux.h"
#include "serial.h"
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

enum { PROCESSORS_MAX = 8, MEMORY_MAX_MIB = 3072, STATUS_RESET = 3 };
#define TSS_ADDRESS 0xfeffd000ul
#define IDENTITY_MAP_ADDRESS 0xfeffc000ull

static struct pc {
    int kvm, vm;
    uint8_t *memory;
    uint64_t memory_bytes;
    struct processor {
        int file;
        struct kvm_run *run;
    } processor[PROCESSORS_MAX];
    struct linux_start start;
    pthread_mutex_t lock;
    pthread_cond_t serial_changed;
    struct serial serial;
    bool serial_line;
    uint8_t pm[6]; // PM1a_STS, PM1a_EN, PM1a_CNT: ACPI 6.3, 4.8.3
    uint64_t port_exits, memory_exits;
} pc = {.lock = PTHREAD_MUTEX_INITIALIZER, .serial_changed = PTHREAD_COND_INITIALIZER};

static struct termios terminal;
static bool terminal_is_raw;

// The guest's end. exit() ends the other threads.
__attribute__((noreturn, format(printf, 2, 3))) static void finish(int status, const char *why, ...) {
    va_list args;
    if (terminal_is_raw) tcsetattr(0, TCSANOW, &terminal);
    fflush(stdout);
    printf("kvm-mini: ");
    va_start(args, why);
    vprintf(why, args);
    va_end(args);
    printf("; %llu port exits, %llu memory exits\n", (unsigned long long)pc.port_exits,
           (unsigned long long)pc.memory_exits);
    exit(status);
}

static int control(int file, unsigned long request, void *argument, const char *what) {
    int result = ioctl(file, request, argument);
    if (result < 0) finish(1, "%s: %s", what, strerror(errno));
    return result;
}
#define CONTROL(file, request, argument) control(file, request, (void *)(uintptr_t)(argument), #request)

// --- devices; called with the lock held ---

static void serial_update(void) {
    bool line = serial_interrupt(&pc.serial);
    struct kvm_irq_level level = {.irq = SERIAL_IRQ, .level = line};
    if (line != pc.serial_line) CONTROL(pc.vm, KVM_IRQ_LINE, &level);
    pc.serial_line = line;
    if (serial_takes(&pc.serial)) pthread_cond_signal(&pc.serial_changed);
}

static void pm_write(unsigned offset, uint8_t value) {
    enum { STS_END = 2, CNT = 4, CNT_HIGH, SLP_EN = 0x20, SLP_TYP_SHIFT = 2, SCI_EN = 1 };
    if (offset < STS_END)
        pc.pm[offset] &= (uint8_t)~value;
    else
        pc.pm[offset] = value | (offset == CNT ? SCI_EN : 0);
    if (offset == CNT_HIGH && value & SLP_EN && (value >> SLP_TYP_SHIFT & 7) == PM_SLEEP_OFF)
        finish(0, "the guest switched itself off");
}

static uint8_t port_read(unsigned port) {
    uint8_t value = 0xff;
    if (port - SERIAL_PORT < 8) {
        value = serial_read(&pc.serial, port - SERIAL_PORT);
        serial_update();
    } else if (port - PM_EVENT_PORT < sizeof pc.pm)
        value = pc.pm[port - PM_EVENT_PORT];
    return value;
}

static void port_write(unsigned port, uint8_t value) {
    if (port - SERIAL_PORT < 8) {
        serial_write(&pc.serial, port - SERIAL_PORT, value);
        serial_update();
    } else if (port - PM_EVENT_PORT < sizeof pc.pm)
        pm_write(port - PM_EVENT_PORT, value);
    else if (port == RESET_PORT && value == RESET_VALUE)
        finish(STATUS_RESET, "the guest reset itself");
}

static void on_port(struct kvm_run *run) {
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    for (unsigned n = 0; n < run->io.count; n++)
        for (unsigned i = 0; i < run->io.size; i++, data++) {
            if (run->io.direction == KVM_EXIT_IO_OUT)
                port_write(run->io.port + i, *data);
            else
                *data = port_read(run->io.port + i);
        }
    pc.port_exits++;
}

static void on_memory(struct kvm_run *run) {
    if (!run->mmio.is_write) memset(run->mmio.data, 0xff, sizeof run->mmio.data);
    pc.memory_exits++;
}

static void *read_input(void *unused) {
    char bytes[256];
    for (ssize_t n; (n = read(0, bytes, sizeof bytes)) > 0;) {
        pthread_mutex_lock(&pc.lock);
        for (ssize_t i = 0; i < n; i++) {
            while (!serial_takes(&pc.serial)) pthread_cond_wait(&pc.serial_changed, &pc.lock);
            serial_put(&pc.serial, (uint8_t)bytes[i]);
            serial_update();
        }
        pthread_mutex_unlock(&pc.lock);
    }
    return unused;
}

// --- processors ---

static void answer(struct kvm_run *run) {
    pthread_mutex_lock(&pc.lock);
    switch (run->exit_reason) {
    case KVM_EXIT_IO: on_port(run); break;
    case KVM_EXIT_MMIO: on_memory(run); break;
    case KVM_EXIT_SHUTDOWN: finish(1, "the guest shut down (triple fault)");
    case KVM_EXIT_FAIL_ENTRY:
        finish(1, "VM entry failed, hardware reason %#llx",
               (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR: finish(1, "KVM internal error, suberror %u", run->internal.suberror);
    default: finish(1, "exit with KVM reason %u", run->exit_reason);
    }
    pthread_mutex_unlock(&pc.lock);
}

static void *run_processor(void *argument) {
    const struct processor *p = argument;
    for (;;) {
        if (!ioctl(p->file, KVM_RUN, 0))
            answer(p->run);
        else if (errno != EINTR && errno != EAGAIN)
            finish(1, "KVM_RUN: %s", strerror(errno));
    }
}

// What KVM does not list although a guest should see it: that it is a guest (and so asks for KVM's clock), the timer's
// TSC-deadline mode, the processor's own APIC ID, the name.
static void cpuid_adjust(struct kvm_cpuid_entry2 *entry, unsigned number) {
    enum { TSC_DEADLINE = 1 << 24, APIC_ID_SHIFT = 24, NAME = 0x80000002, NAME_LAST = 0x80000004 };
    const uint32_t hypervisor = 1u << 31;
    if (entry->function == 1) {
        entry->ebx = (entry->ebx & 0xffff) | number << APIC_ID_SHIFT;
        entry->ecx |= TSC_DEADLINE | hypervisor;
    }
    if (entry->function == 0xb) entry->edx = number;
    if (entry->function >= (uint32_t)NAME && entry->function <= (uint32_t)NAME_LAST)
        __cpuid(entry->function, entry->eax, entry->ebx, entry->ecx, entry->edx);
}

static void cpuid_set(int processor, unsigned number) {
    enum { ENTRIES = 256 };
    static union {
        struct kvm_cpuid2 cpuid;
        char room[sizeof(struct kvm_cpuid2) + ENTRIES * sizeof(struct kvm_cpuid_entry2)];
    } u;
    memset(&u, 0, sizeof u);
    u.cpuid.nent = ENTRIES;
    CONTROL(pc.kvm, KVM_GET_SUPPORTED_CPUID, &u.cpuid);
    for (unsigned i = 0; i < u.cpuid.nent; i++) cpuid_adjust(&u.cpuid.entries[i], number);
    CONTROL(processor, KVM_SET_CPUID2, &u.cpuid);
}

// As firmware leaves them: memory is write-back unless the page tables say otherwise, string instructions are fast.
static void msrs_set(int processor) {
    enum { MISC_ENABLE = 0x1a0, FAST_STRINGS = 1, MTRR_DEF_TYPE = 0x2ff, MTRR_ENABLE_WRITE_BACK = 0x806 };
    union {
        struct kvm_msrs msrs;
        char room[sizeof(struct kvm_msrs) + 2 * sizeof(struct kvm_msr_entry)];
    } u = {.msrs.nmsrs = 2};
    u.msrs.entries[0] = (struct kvm_msr_entry){.index = MISC_ENABLE, .data = FAST_STRINGS};
    u.msrs.entries[1] = (struct kvm_msr_entry){.index = MTRR_DEF_TYPE, .data = MTRR_ENABLE_WRITE_BACK};
    if (CONTROL(processor, KVM_SET_MSRS, &u.msrs) != 2) finish(1, "KVM_SET_MSRS refuses one");
}

static struct kvm_segment flat(uint16_t selector, uint8_t type, bool code) {
    return (struct kvm_segment){
        .limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1, .g = 1, .db = !code, .l = code};
}

// 64-bit mode with paging, as the boot protocol wants it.
static void registers_set(int processor) {
    enum { PE_ET_PG = 0x11, PG = 1 << 31, PAE = 1 << 5, LME_LMA = 0x500, CODE = 0xb, DATA = 0x3 };
    struct kvm_sregs s;
    CONTROL(processor, KVM_GET_SREGS, &s);
    s.cs = flat(LINUX_CODE_SELECTOR, CODE, true);
    s.ds = s.es = s.fs = s.gs = s.ss = flat(LINUX_DATA_SELECTOR, DATA, false);
    s.gdt.base = pc.start.gdt;
    s.gdt.limit = pc.start.gdt_limit;
    s.cr0 = PE_ET_PG | (uint32_t)PG;
    s.cr3 = pc.start.cr3;
    s.cr4 = PAE;
    s.efer = LME_LMA;
    CONTROL(processor, KVM_SET_SREGS, &s);
    struct kvm_regs r = {.rip = pc.start.rip, .rsi = pc.start.rsi, .rflags = 2};
    CONTROL(processor, KVM_SET_REGS, &r);
}

static void processor_open(unsigned number) {
    struct processor *p = &pc.processor[number];
    p->file = CONTROL(pc.vm, KVM_CREATE_VCPU, number);
    int bytes = CONTROL(pc.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    p->run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->file, 0);
    if (p->run == MAP_FAILED) finish(1, "mmap of kvm_run: %s", strerror(errno));
    cpuid_set(p->file, number);
    msrs_set(p->file);
    if (number == 0) registers_set(p->file); // the others wait for INIT and SIPI
}

// --- the machine ---

// At a multiple of the size of a large page, so that large pages serve both the process and the guest.
static void memory_open(uint64_t bytes) {
    const uint64_t large = 2 << 20;
    void *room = mmap(NULL, bytes + large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) finish(1, "mmap of the guest's memory: %s", strerror(errno));
    pc.memory = (uint8_t *)(((uintptr_t)room + large - 1) & ~(large - 1));
    pc.memory_bytes = bytes;
    madvise(pc.memory, bytes, MADV_HUGEPAGE);
}

static void machine_open(uint64_t memory_bytes) {
    pc.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (pc.kvm < 0) finish(1, "/dev/kvm: %s", strerror(errno));
    pc.vm = CONTROL(pc.kvm, KVM_CREATE_VM, 0);
    uint64_t identity_map = IDENTITY_MAP_ADDRESS;
    CONTROL(pc.vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    CONTROL(pc.vm, KVM_SET_TSS_ADDR, TSS_ADDRESS);
    CONTROL(pc.vm, KVM_CREATE_IRQCHIP, 0);
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    CONTROL(pc.vm, KVM_CREATE_PIT2, &pit);

    memory_open(memory_bytes);
    struct kvm_userspace_memory_region region = {.memory_size = memory_bytes, .userspace_addr = (uintptr_t)pc.memory};
    CONTROL(pc.vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void terminal_make_raw(void) {
    struct termios raw;
    if (!isatty(0) || tcgetattr(0, &terminal)) return;
    raw = terminal;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST | ONLCR;
    terminal_is_raw = !tcsetattr(0, TCSANOW, &raw);
}

static unsigned number_of(const char *option, const char *text, unsigned max) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!*text || *end || !value || value > max) finish(1, "%s %s: a number from 1 to %u is needed", option, text, max);
    return (unsigned)value;
}

static uint64_t options(int argc, char **argv, struct linux_image *image) {
    uint64_t mib = 128;
    for (int i = 1; i < argc; i += 2) {
        const char *option = argv[i], *value = argv[i + 1]; // argv ends with NULL
        if (!value) finish(1, "%s needs a value", option);
        if (!strcmp(option, "-kernel"))
            image->kernel = value;
        else if (!strcmp(option, "-initrd"))
            image->initrd = value;
        else if (!strcmp(option, "-append"))
            image->command_line = value;
        else if (!strcmp(option, "-m"))
            mib = number_of(option, value, MEMORY_MAX_MIB);
        else if (!strcmp(option, "-smp"))
            image->processors = number_of(option, value, PROCESSORS_MAX);
        else
            finish(1, "%s: no such option; there are -kernel -initrd -append -m -smp", option);
    }
    if (!image->kernel) finish(1, "-kernel is needed");
    return mib << 20;
}

static void thread_start(void *(*run)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run, argument);
    if (error) finish(1, "a thread: %s", strerror(error));
}

int pc_main(int argc, char **argv) {
    struct linux_image image = {.command_line = "", .processors = 1};
    machine_open(options(argc, argv, &image));
    const char *why = linux_load(pc.memory, pc.memory_bytes, &image, &pc.start);
    if (why) finish(1, "%s", why);
    for (unsigned i = 0; i < image.processors; i++) processor_open(i);
    terminal_make_raw();
    thread_start(read_input, NULL);
    for (unsigned i = 1; i < image.processors; i++) thread_start(run_processor, &pc.processor[i]);
    run_processor(&pc.processor[0]);
    return 1;
}
