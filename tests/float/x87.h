// One x87 instruction on the host and in the library, side by side.
#pragma once

#include "cpu/float/float.h"
#include <stddef.h>

// What an instruction leaves: the top of the stack, its memory operand, and the status word's condition codes and
// exception flags.
struct x87_result {
    struct f80 st[2];
    uint8_t memory[16];
    uint16_t status;
};

enum { X87_POPS = 1, X87_LOADS = 2, X87_COMPARES = 4, X87_STORES = 8 | X87_POPS };

struct x87_operation {
    const char *name;
    // ST(0) = a, ST(1) = b, the memory operand in and out of r->memory.
    void (*host)(const struct f80 *a, const struct f80 *b, uint16_t control, struct x87_result *r);
    // Writes results as if nothing were unmasked; m is the low half of the memory operand.
    void (*ours)(struct f80 a, struct f80 b, uint64_t m, struct float_env *env, struct x87_result *r);
    unsigned flags;
};

// The image that FNSAVE writes in 64-bit mode.
struct x87_image {
    uint32_t environment[7];
    uint8_t st[8][10];
};

#define X87_HOST(name, text)                                                                                           \
    static void host_##name(const struct f80 *a, const struct f80 *b, uint16_t control, struct x87_result *r) {        \
        struct x87_image image;                                                                                        \
        __asm__ volatile("fninit\n\tfldt %[b]\n\tfldt %[a]\n\tfldcw %[control]\n\t" text                               \
                         "\n\tfnstsw %[status]\n\tfnsave %[image]"                                                     \
                         : [memory] "+m"(r->memory), [status] "=m"(r->status), [image] "=m"(image)                     \
                         : [a] "m"(*a), [b] "m"(*b), [control] "m"(control)                                            \
                         : "memory", "rax", "cc");                                                                     \
        x87_read(&image, r);                                                                                           \
    }

void x87_read(const struct x87_image *image, struct x87_result *r);

// Runs the library's side and applies what the caller of the library decides: with unmasked exceptions nothing, or
// nothing in memory, changes.
void x87_ours(const struct x87_operation *op, struct f80 a, struct f80 b, uint64_t m, uint16_t control,
              struct x87_result *r);

bool x87_same(const struct x87_operation *op, const struct x87_result *host, const struct x87_result *ours);
const char *x87_difference(struct f80 a, struct f80 b, uint64_t m, uint16_t control, const struct x87_result *host,
                           const struct x87_result *ours);
