// A virtual machine with one processor, some memory, and nothing else, through /dev/kvm.
#ifndef KVM_MINI_VM_H
#define KVM_MINI_VM_H
#include "protocol.h"
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm {
    int kvm, vm, vcpu; // file descriptors
    struct kvm_run *run;
    int run_bytes;
    uint8_t *memory;
    uint32_t vendor; // EBX of CPUID leaf 0, as given to the guest

    // What the guest did, see protocol.h.
    uint32_t parameters[4];
    unsigned parameters_read;
    uint32_t what;
    uint32_t reports[REPORTS];
    bool reported[REPORTS];
    bool done;
    unsigned port_exits, mmio_exits, halt_exits, other_exits;
    unsigned squares, squares_wrong;
    unsigned mmio_writes_right, mmio_wrong;
    const char *error; // why the run ended, if not as it should
    char error_text[120];
};

// Each returns false with vm->error set.
bool vm_open(struct vm *vm, int kvm, bool interrupt_chip, const void *image, size_t image_bytes);
bool vm_run(struct vm *vm, unsigned halts);
void vm_close(struct vm *vm);

// What an MMIO read of that address gives.
uint64_t mmio_value(uint64_t address);
#endif
