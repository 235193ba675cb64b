// Interrupts and exceptions of this level itself: GDT with a TSS, IDT, handlers.
#ifndef INTERRUPT_H
#define INTERRUPT_H
#include "machine.h"

// What vector_common in boot.S pushes, and what the processor pushed before it.
struct frame {
    uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};
typedef void interrupt_handler(struct frame *frame);

enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TSS = 0x18, TSS_LIMIT = 103 };
enum { VECTOR_DE = 0, VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14 };

void interrupt_init(void);
void interrupt_handle(unsigned vector, interrupt_handler *handler);
void interrupt_use_stack(unsigned vector, uint64_t top); // through the interrupt-stack table
uint64_t gdt_base(void);
uint64_t idt_base(void);
uint64_t tss_base(void);

#endif
