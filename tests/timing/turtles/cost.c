// In the guest of which the last level has guests: what an instruction that exits costs there, as kvm-unit-tests'
// vmexit measures it. A small guest in real-address mode reads the TSC before and after LOOPS of them; prints the least
// of TURNS for each.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { LOOPS = 2000, TURNS = 3, RAM_BYTES = 0x10000, CODE = 0x1000, BEFORE = 0x2000, AFTER = 0x2004, TSS = 0xfffbd000 };

struct guest {
    int vm, vcpu;
    struct kvm_run *run;
    uint8_t *ram;
};

static uint8_t *put(uint8_t *at, const void *bytes, unsigned count) {
    return (uint8_t *)memcpy(at, bytes, count) + count;
}

// mov esi, LOOPS; rdtsc; mov [BEFORE], eax; again: xor eax, eax; xor ecx, ecx; INSTRUCTION; dec esi; jnz again;
// rdtsc; mov [AFTER], eax; out 0x10, al
static void write_code(uint8_t *at, const void *instruction, unsigned bytes) {
    uint32_t loops = LOOPS;
    at = put(put(at, "\x66\xbe", 2), &loops, 4);
    at = put(at, "\x0f\x31\x66\xa3\x00\x20", 6);
    uint8_t *again = at;
    at = put(put(at, "\x66\x31\xc0\x66\x31\xc9", 6), instruction, bytes);
    at = put(at, "\x66\x4e\x75\x00", 4);
    at[-1] = (uint8_t)(again - at);
    put(at, "\x0f\x31\x66\xa3\x04\x20\xe6\x10", 8);
}

static bool give_cpuid(int kvm, int vcpu) {
    enum { ENTRIES = 100 };
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof *cpuid + ENTRIES * sizeof *cpuid->entries);
    if (!cpuid) return false;
    cpuid->nent = ENTRIES;
    bool given = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) == 0 && ioctl(vcpu, KVM_SET_CPUID2, cpuid) == 0;
    free(cpuid);
    return given;
}

static bool guest_new(struct guest *g) {
    int kvm = open("/dev/kvm", O_RDWR);
    if (kvm < 0 || (g->vm = ioctl(kvm, KVM_CREATE_VM, 0)) < 0) return false;
    g->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region region = {.memory_size = RAM_BYTES, .userspace_addr = (uintptr_t)g->ram};
    if (ioctl(g->vm, KVM_SET_TSS_ADDR, TSS) || ioctl(g->vm, KVM_CREATE_IRQCHIP, 0) ||
        ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) || (g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0)) < 0)
        return false;
    size_t bytes = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    g->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
    return g->run != MAP_FAILED && give_cpuid(kvm, g->vcpu);
}

// Cycles of the whole loop; 0: it did not come to its end.
static uint32_t turn(struct guest *g) {
    struct kvm_sregs system;
    struct kvm_regs registers = {.rip = CODE, .rflags = 2};
    ioctl(g->vcpu, KVM_GET_SREGS, &system);
    system.cs.base = system.cs.selector = 0;
    ioctl(g->vcpu, KVM_SET_SREGS, &system);
    ioctl(g->vcpu, KVM_SET_REGS, &registers);
    if (ioctl(g->vcpu, KVM_RUN, 0) || g->run->exit_reason != KVM_EXIT_IO) return 0;
    uint32_t before, after;
    memcpy(&before, g->ram + BEFORE, 4);
    memcpy(&after, g->ram + AFTER, 4);
    return after - before;
}

static bool cost(const char *name, const void *instruction, unsigned bytes) {
    struct guest g;
    uint32_t least = UINT32_MAX;
    if (!guest_new(&g)) return printf("cost %s: no guest\n", name), false;
    write_code(g.ram + CODE, instruction, bytes);
    for (int i = 0; i < TURNS; i++) {
        uint32_t cycles = turn(&g);
        if (!cycles) return printf("cost %s: the loop did not end\n", name), false;
        if (cycles < least) least = cycles;
    }
    printf("cost %s %u\n", name, least / LOOPS);
    return true;
}

int main(void) {
    bool fine = cost("CPUID", "\x0f\xa2", 2);
    return cost("VMCALL", "\x0f\x01\xc1", 3) && fine ? 0 : 1;
}
