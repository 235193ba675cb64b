// Making a virtual machine and answering its exits; see vm.h.
#include "vm.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static bool fail(struct vm *vm, const char *why, ...) {
    va_list args;
    va_start(args, why);
    vsnprintf(vm->error_text, sizeof vm->error_text, why, args);
    va_end(args);
    vm->error = vm->error_text;
    return false;
}

static bool fail_errno(struct vm *vm, const char *what) { return fail(vm, "%s: %s", what, strerror(errno)); }

uint64_t mmio_value(uint64_t address) { return address * 0x9e3779b97f4a7c15; }

// The guest sees every CPUID feature that KVM supports.
static bool cpuid_set(struct vm *vm) {
    enum { ENTRIES = 256 };
    static union {
        struct kvm_cpuid2 cpuid;
        char room[sizeof(struct kvm_cpuid2) + ENTRIES * sizeof(struct kvm_cpuid_entry2)];
    } u;
    memset(&u, 0, sizeof u);
    u.cpuid.nent = ENTRIES;
    if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, &u.cpuid)) return fail_errno(vm, "KVM_GET_SUPPORTED_CPUID");
    for (unsigned i = 0; i < u.cpuid.nent; i++)
        if (u.cpuid.entries[i].function == 0) vm->vendor = u.cpuid.entries[i].ebx;
    if (ioctl(vm->vcpu, KVM_SET_CPUID2, &u.cpuid)) return fail_errno(vm, "KVM_SET_CPUID2");
    return true;
}

static bool memory_set(struct vm *vm) {
    vm->memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (vm->memory == MAP_FAILED) {
        vm->memory = NULL;
        return fail_errno(vm, "mmap of guest memory");
    }
    struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY, .userspace_addr = (uintptr_t)vm->memory};
    if (ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region)) return fail_errno(vm, "KVM_SET_USER_MEMORY_REGION");
    return true;
}

// Real mode, everything flat from 0, at GUEST_LOAD.
static bool registers_set(struct vm *vm) {
    struct kvm_sregs sregs;
    if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs)) return fail_errno(vm, "KVM_GET_SREGS");
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs)) return fail_errno(vm, "KVM_SET_SREGS");
    struct kvm_regs regs = {.rip = GUEST_LOAD, .rsp = GUEST_LOAD, .rflags = 2};
    if (ioctl(vm->vcpu, KVM_SET_REGS, &regs)) return fail_errno(vm, "KVM_SET_REGS");
    return true;
}

bool vm_open(struct vm *vm, int kvm, bool interrupt_chip, const void *image, size_t image_bytes) {
    *vm = (struct vm){.kvm = kvm, .vm = -1, .vcpu = -1};
    vm->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm->vm < 0) return fail_errno(vm, "KVM_CREATE_VM");
    // Needed by a processor without "unrestricted guest"; above the guest's memory, below its devices.
    uint64_t identity_map = 0xfeffc000;
    if (ioctl(vm->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map)) return fail_errno(vm, "KVM_SET_IDENTITY_MAP_ADDR");
    if (ioctl(vm->vm, KVM_SET_TSS_ADDR, 0xfeffd000UL)) return fail_errno(vm, "KVM_SET_TSS_ADDR");
    if (interrupt_chip && ioctl(vm->vm, KVM_CREATE_IRQCHIP, 0)) return fail_errno(vm, "KVM_CREATE_IRQCHIP");
    if (!memory_set(vm)) return false;
    memcpy(vm->memory + GUEST_LOAD, image, image_bytes);

    vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
    if (vm->vcpu < 0) return fail_errno(vm, "KVM_CREATE_VCPU");
    vm->run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (vm->run_bytes < 0) return fail_errno(vm, "KVM_GET_VCPU_MMAP_SIZE");
    void *run = mmap(NULL, (size_t)vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
    if (run == MAP_FAILED) return fail_errno(vm, "mmap of kvm_run");
    vm->run = run;
    return cpuid_set(vm) && registers_set(vm);
}

void vm_close(struct vm *vm) {
    if (vm->run) munmap(vm->run, (size_t)vm->run_bytes);
    if (vm->vcpu >= 0) close(vm->vcpu);
    if (vm->vm >= 0) close(vm->vm);
    if (vm->memory) munmap(vm->memory, GUEST_MEMORY);
}

static bool on_report(struct vm *vm, uint32_t value) {
    if (vm->what >= REPORTS) return fail(vm, "a report numbered %u", vm->what);
    vm->reports[vm->what] = value;
    vm->reported[vm->what] = true;
    return true;
}

static void on_square(struct vm *vm, uint16_t value) {
    uint32_t root = (vm->parameters[0] + vm->squares++) & 0xffff;
    vm->squares_wrong += value != (uint16_t)(root * root);
}

static bool on_out(struct vm *vm, unsigned port, unsigned bytes, uint32_t value) {
    switch (port << 4 | bytes) {
    case PORT_CONSOLE << 4 | 1: putchar((int)value); return true;
    case PORT_SQUARE << 4 | 2: on_square(vm, (uint16_t)value); return true;
    case PORT_WHAT << 4 | 4: vm->what = value; return true;
    case PORT_VALUE << 4 | 4: return on_report(vm, value);
    case PORT_DONE << 4 | 4: vm->done = true; return true;
    default: return fail(vm, "out of %u bytes to port %#x", bytes, port);
    }
}

static bool on_io(struct vm *vm) {
    unsigned port = vm->run->io.port, bytes = vm->run->io.size;
    uint8_t *data = (uint8_t *)vm->run + vm->run->io.data_offset;
    uint32_t value = 0;
    vm->port_exits++;
    if (vm->run->io.count != 1 || bytes > 4) return fail(vm, "%u times %u bytes", vm->run->io.count, bytes);
    if (vm->run->io.direction == KVM_EXIT_IO_OUT) {
        memcpy(&value, data, bytes);
        return on_out(vm, port, bytes, value);
    }
    if (port != PORT_PARAMETER || bytes != 4 || vm->parameters_read >= 4)
        return fail(vm, "in of %u bytes from port %#x", bytes, port);
    memcpy(data, &vm->parameters[vm->parameters_read++], 4);
    return true;
}

// The four writes long.c makes, of the seed in four widths, at places that tell the width.
static bool mmio_write_right(const struct vm *vm, uint64_t offset, uint64_t value) {
    uint32_t seed = vm->parameters[1];
    switch (offset) {
    case 0x10: return vm->run->mmio.len == 1 && value == (uint8_t)seed;
    case 0x20: return vm->run->mmio.len == 2 && value == (uint16_t)seed;
    case 0x40: return vm->run->mmio.len == 4 && value == seed;
    case 0x80: return vm->run->mmio.len == 8 && value == ((uint64_t)~seed << 32 | seed);
    default: return false;
    }
}

static bool on_mmio(struct vm *vm) {
    uint64_t address = vm->run->mmio.phys_addr, value = 0;
    vm->mmio_exits++;
    if (address - MMIO_BASE >= MMIO_BYTES) return fail(vm, "MMIO at %#llx", (unsigned long long)address);
    if (vm->run->mmio.is_write) {
        memcpy(&value, vm->run->mmio.data, vm->run->mmio.len);
        if (mmio_write_right(vm, address - MMIO_BASE, value))
            vm->mmio_writes_right++;
        else
            vm->mmio_wrong++;
    } else {
        value = mmio_value(address);
        memcpy(vm->run->mmio.data, &value, sizeof value);
    }
    return true;
}

// The guest waits for an interrupt: here is one.
static bool on_halt(struct vm *vm) {
    struct kvm_interrupt interrupt = {.irq = VECTOR_INJECTED};
    vm->halt_exits++;
    if (!vm->run->if_flag) return true;
    if (ioctl(vm->vcpu, KVM_INTERRUPT, &interrupt)) return fail_errno(vm, "KVM_INTERRUPT");
    return true;
}

static bool answer(struct vm *vm) {
    switch (vm->run->exit_reason) {
    case KVM_EXIT_IO: return on_io(vm);
    case KVM_EXIT_MMIO: return on_mmio(vm);
    case KVM_EXIT_HLT: return on_halt(vm);
    case KVM_EXIT_SHUTDOWN: return fail(vm, "the guest shut down (triple fault)");
    case KVM_EXIT_FAIL_ENTRY:
        return fail(vm, "VM entry failed, hardware reason %#llx",
                    (unsigned long long)vm->run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR: return fail(vm, "KVM internal error, suberror %u", vm->run->internal.suberror);
    default: return fail(vm, "exit with KVM reason %u", vm->run->exit_reason);
    }
}

bool vm_run(struct vm *vm, unsigned halts) {
    while (!vm->done) {
        if (ioctl(vm->vcpu, KVM_RUN, 0)) {
            if (errno == EINTR) return fail(vm, "took too long");
            return fail_errno(vm, "KVM_RUN");
        }
        if (!answer(vm)) return false;
        if (halts && vm->halt_exits == halts) return true;
    }
    return true;
}
