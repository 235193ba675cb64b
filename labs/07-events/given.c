// Lab 7: the guest, which has the hypervisor's IDT: what comes to it leads to the handlers here.
#include "given.h"

uint64_t guest_seen[256], guest_error_code, guest_flags; // how often each vector came
uint8_t *far_stack = (uint8_t *)0x40002000;              // its page is in no EPT at first

static void seen(struct frame *frame) {
    guest_seen[frame->vector]++;
    guest_error_code = frame->error_code;
}

void guest_code(void) {
    on_vector[13] = on_vector[0x40] = on_vector[0x41] = seen;
    __asm__ volatile("vmcall" : : "a"(WANTS_GP) : "memory");
    __asm__ volatile("vmcall" : : "a"(WANTS_40) : "memory"); // with RFLAGS.IF = 0
    for (volatile unsigned i = 0; i < 10; i++) continue;
    __asm__ volatile("sti; nop; nop" : : : "memory");
    __asm__ volatile("mov %%rsp, %%rbx; mov %1, %%rsp; vmcall; nop; mov %%rbx, %%rsp"
                     :
                     : "a"(WANTS_41), "r"(far_stack)
                     : "rbx", "memory");
    __asm__ volatile("cli; hlt");
}
