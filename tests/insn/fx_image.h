// The image of FXSAVE64, SDM Vol. 1, table 10-2, and the modelled processor's state in it.
#ifndef TESTS_INSN_FX_IMAGE_H
#define TESTS_INSN_FX_IMAGE_H
#include "cpu/state/cpu.h"
#include <string.h>

struct fx_image {
    uint16_t control, status;
    uint8_t tags, reserved;
    uint16_t opcode;
    uint64_t ip, dp;
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t significand;
        uint16_t sign_exponent, reserved[3];
    } st[8];
    uint64_t xmm[16][2];
    uint8_t unused[96];
} __attribute__((aligned(16)));

static inline void fx_load(struct cpu *cpu, const struct fx_image *fx) {
    struct x87 *x = &cpu->fpu.x87;
    unsigned top = fx->status >> 11 & 7;
    x->control = fx->control;
    x->status = fx->status;
    x->opcode = fx->opcode;
    x->empty = (uint8_t)~fx->tags;
    x->ip = fx->ip;
    x->dp = fx->dp;
    x->cs = x->ds = 0;
    cpu->fpu.mxcsr = fx->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        x->r[(top + i) & 7].significand = fx->st[i].significand;
        x->r[(top + i) & 7].sign_exponent = fx->st[i].sign_exponent;
    }
    for (unsigned i = 0; i < 16; i++) memcpy(&cpu->fpu.vector[i], fx->xmm[i], 16);
}

static inline void fx_store(const struct cpu *cpu, struct fx_image *fx) {
    const struct x87 *x = &cpu->fpu.x87;
    unsigned top = x->status >> 11 & 7;
    fx->control = x->control;
    fx->status = x->status;
    fx->opcode = x->opcode;
    fx->tags = (uint8_t)~x->empty;
    fx->ip = x->ip;
    fx->dp = x->dp;
    fx->mxcsr = cpu->fpu.mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        fx->st[i].significand = x->r[(top + i) & 7].significand;
        fx->st[i].sign_exponent = x->r[(top + i) & 7].sign_exponent;
    }
    for (unsigned i = 0; i < 16; i++) memcpy(fx->xmm[i], &cpu->fpu.vector[i], 16);
}

#endif
