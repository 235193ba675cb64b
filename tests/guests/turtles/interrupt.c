// GDT, TSS and IDT in long mode. SDM Vol. 3A, 3.5, 6.14, 7.7.
// A hypervisor level runs with interrupts off for ever: its guest's VM exits take their place (external-interrupt
// exiting). So an exception here is a mistake of ours, except in the payload, which asks for some.
#include "interrupt.h"

struct gate {
    uint16_t offset_low, selector, attributes, offset_middle;
    uint32_t offset_high, reserved;
};
struct __attribute__((packed)) tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, io_map;
};
struct __attribute__((packed)) table {
    uint16_t limit;
    uint64_t base;
};
enum { GATE_INTERRUPT = 0x8e00, VECTOR_ENTRY_BYTES = 16 };

extern const uint8_t vector_entries[];
void on_interrupt(struct frame *frame);

static uint64_t gdt[7];
static struct tss tss;
static uint8_t stack_of_programs[4096] __attribute__((aligned(16))); // for what interrupts them
static struct gate idt[256];
static interrupt_handler *handlers[256];

uint64_t gdt_base(void) { return (uint64_t)gdt; }
uint64_t idt_base(void) { return (uint64_t)idt; }
uint64_t tss_base(void) { return (uint64_t)&tss; }

static void gdt_init(void) {
    uint64_t base = tss_base();
    gdt[1] = 0x00af9b000000ffff; // 64-bit code
    gdt[2] = 0x00cf93000000ffff; // data
    gdt[3] = TSS_LIMIT | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[4] = base >> 32;
    gdt[5] = 0x00cff3000000ffff; // a program's data
    gdt[6] = 0x00affb000000ffff; // its 64-bit code
    tss.rsp[0] = (uint64_t)(stack_of_programs + sizeof stack_of_programs);
    tss.io_map = sizeof tss;
    struct table pointer = {sizeof gdt - 1, gdt_base()};
    __asm__ volatile("lgdt %0; ltr %1" ::"m"(pointer), "r"((uint16_t)SELECTOR_TSS) : "memory");
}

void interrupt_init(void) {
    gdt_init();
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t entry = (uint64_t)vector_entries + vector * VECTOR_ENTRY_BYTES;
        idt[vector] = (struct gate){(uint16_t)entry,         SELECTOR_CODE,           GATE_INTERRUPT,
                                    (uint16_t)(entry >> 16), (uint32_t)(entry >> 32), 0};
    }
    struct table pointer = {sizeof idt - 1, idt_base()};
    __asm__ volatile("lidt %0" ::"m"(pointer) : "memory");
}

void interrupt_handle(unsigned vector, interrupt_handler *handler) { handlers[vector] = handler; }

void interrupt_use_stack(unsigned vector, uint64_t top) {
    tss.ist[0] = top;
    idt[vector].attributes |= 1;
}

void on_interrupt(struct frame *frame) {
    if (!handlers[frame->vector])
        panic("exception %lu, error code %lx, RIP %lx, CR2 %lx", frame->vector, frame->error_code, frame->rip,
              cr2_read());
    handlers[frame->vector](frame);
}
