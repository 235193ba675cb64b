// Code that writes code.
#include "programs.h"
#include <string.h>
#include <sys/mman.h>

static uint8_t *code_pages(size_t bytes) {
    uint8_t *p = mmap(0, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    DIE_IF(p == MAP_FAILED);
    return p;
}
typedef uint64_t generated_fn(uint64_t);

// One function whose immediate is written before each call.
uint64_t program_modified(void) {
    static const uint8_t text[] = {0x48, 0x8d, 0x87, 0, 0, 0, 0, 0xc3}; // lea 0(%rdi), %rax; ret
    uint8_t *p = code_pages(4096);
    uint64_t r = 0;
    memcpy(p, text, sizeof text);
    for (uint32_t i = 0; i < 50000; i++) {
        uint32_t immediate = i & 0xffff;
        memcpy(p + 3, &immediate, 4);
        r = ((generated_fn *)p)(r)&0xffffffffff;
    }
    return r;
}

// Functions of 40 instructions, each generated, called 20 times, and thrown away.
uint64_t program_generated(void) {
    enum { BYTES = 1 << 20 };
    uint8_t *p = code_pages(BYTES);
    uint64_t state = 11, r = 1;
    size_t at = 0;
    for (unsigned i = 0; i < 20000; i++) {
        if (at + 512 > BYTES) at = 0;
        uint8_t *start = p + at, *c = start;
        *c++ = 0x48, *c++ = 0x89, *c++ = 0xf8; // mov %rdi, %rax
        for (unsigned k = 0; k < 40; k++) {
            uint64_t v = next_random(&state);
            uint32_t immediate = (uint32_t)v;
            static const uint8_t operations[] = {0x05, 0x35, 0x2d}; // add, xor, sub imm32, %rax
            *c++ = 0x48, *c++ = operations[v >> 40 & 1 ? 0 : 1 + (v >> 41 & 1)];
            memcpy(c, &immediate, 4);
            c += 4;
        }
        *c++ = 0xc3;
        at += (size_t)(c - start);
        for (unsigned k = 0; k < 20; k++) r = ((generated_fn *)start)(r);
    }
    munmap(p, BYTES);
    return r;
}
