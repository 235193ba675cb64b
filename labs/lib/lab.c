// The machine around a lab: text on the serial port, pages, interrupts and exceptions. SDM Vol. 3A, 6.14, 7.7.
#include "lab.h"
#include <stdarg.h>

extern uint8_t end_of_lab[], vector_entries[];
extern uint64_t gdt[];
void (*on_vector[256])(struct frame *frame);
void lab_main(void);
void lab_vector(struct frame *frame);

// --- text ---

enum { PORT_SERIAL = 0x3f8 };
static void put(char c) { out8(PORT_SERIAL, c); }

static void put_number(uint64_t v, unsigned base) {
    if (v >= base) put_number(v / base, base);
    put("0123456789abcdef"[v % base]);
}

void say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        bool is_long = *++format == 'l';
        format += is_long;
        if (*format == 's')
            for (const char *s = va_arg(list, const char *); *s; s++) put(*s);
        else
            put_number(is_long ? va_arg(list, uint64_t) : va_arg(list, unsigned), *format == 'x' ? 16 : 10);
    }
    va_end(list);
}

// --- memory ---

void *memset(void *to, int byte, size_t bytes) {
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(byte) : "memory");
    return to;
}
void *memcpy(void *to, const void *from, size_t bytes) {
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
    return to;
}

void *page_new(void) {
    static uint8_t *next = end_of_lab;
    void *page = next;
    next += PAGE;
    return memset(page, 0, PAGE);
}

// --- interrupts and exceptions ---

void lab_vector(struct frame *frame) {
    if (on_vector[frame->vector]) {
        on_vector[frame->vector](frame);
        return;
    }
    say("vector %lu, error code %lx, at %lx: the lab ends\n", frame->vector, frame->error_code, frame->rip);
    lab_done();
}

struct gate {
    uint16_t offset_0, selector, kind, offset_16;
    uint32_t offset_32, reserved;
};
struct table {
    uint16_t limit;
    const void *base;
} __attribute__((packed));

static void interrupts_begin(void) {
    static struct gate idt[256];
    enum { INTERRUPT_GATE = 0x8e00, CODE = 0x08, ENTRY_BYTES = 16 };
    for (unsigned i = 0; i < 256; i++) {
        uint64_t at = (uint64_t)(vector_entries + i * ENTRY_BYTES);
        idt[i] = (struct gate){(uint16_t)at, CODE, INTERRUPT_GATE, (uint16_t)(at >> 16), (uint32_t)(at >> 32), 0};
    }
    const struct table table = {sizeof idt - 1, idt};
    __asm__ volatile("lidt %0" : : "m"(table));
}

static void task_begin(void) {
    static uint8_t tss[104];
    enum { TSS = 0x18 };
    uint64_t at = (uint64_t)tss;
    gdt[3] = (sizeof tss - 1) | (at & 0xffffff) << 16 | 0x89ull << 40 | (at >> 24 & 0xff) << 56;
    gdt[4] = at >> 32;
    __asm__ volatile("ltr %w0" : : "r"(TSS));
}

void lab_main(void) {
    task_begin();
    interrupts_begin();
    lab();
}
