// Programs of random instructions over tests/cpu/flat.h, with handlers for everything they raise, and the hash of all
// state.
#ifndef TESTS_CPU_PROGRAM_H
#define TESTS_CPU_PROGRAM_H
#include "tests/cpu/flat.h"
#include "cpu/memory/tlb.h"

enum { IDT = 0x20000, HANDLERS = 0x21000, GDT = 0x22000, DATA = 0x300000 };

static inline void gate(struct flat *f, unsigned vector, uint64_t handler) {
    uint64_t low = (handler & 0xffff) | 0x10ull << 16 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48;
    flat_poke(f, IDT + 16 * vector, low);
    flat_poke(f, IDT + 16 * vector + 8, handler >> 32);
}

// Every exception's handler moves the saved RIP one byte on and returns; interrupts (from 32) count in R15.
static inline void install_handlers(struct flat *f) {
    static const uint8_t plain[] = {0x48, 0xff, 0x04, 0x24, 0x48, 0xcf};                         // inc [rsp]; iretq
    static const uint8_t coded[] = {0x48, 0x83, 0xc4, 0x08, 0x48, 0xff, 0x04, 0x24, 0x48, 0xcf}; // add rsp,8; ...
    static const uint8_t count[] = {0x49, 0xff, 0xc7, 0x48, 0xcf};                               // inc r15; iretq
    memcpy(f->ram + HANDLERS, plain, sizeof plain);
    memcpy(f->ram + HANDLERS + 0x40, coded, sizeof coded);
    memcpy(f->ram + HANDLERS + 0x80, count, sizeof count);
    for (unsigned v = 0; v < 64; v++) {
        bool code = v == 8 || (v >= 10 && v <= 14) || v == 17;
        gate(f, v, v >= 32 ? HANDLERS + 0x80 : code ? HANDLERS + 0x40 : HANDLERS);
    }
    f->cpu->idtr = (struct descriptor_table){IDT, 64 * 16 - 1};
    flat_poke(f, GDT + 0x10, 0x00af9b000000ffff);
    flat_poke(f, GDT + 0x18, 0x00cf93000000ffff);
    f->cpu->gdtr = (struct descriptor_table){GDT, 0x1f};
}

static inline void start(struct flat *f, const void *code, size_t size) {
    flat_new(f);
    install_handlers(f);
    flat_write(f, FLAT_CODE, code, size);
}
#define START(f, ...) start(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline uint64_t random_next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static inline size_t random_insn(uint64_t *seed, uint8_t *out) {
    static const uint8_t alu[] = {0x01, 0x03, 0x29, 0x2b, 0x31, 0x33, 0x11, 0x13,
                                  0x39, 0x3b, 0x85, 0x87, 0x89, 0x8b, 0x8d};
    uint64_t r = random_next(seed);
    size_t n = 0;
    switch (r % 8) {
    case 0:
    case 1:
    case 2:
    case 3: { // alu with a register or [rsi + disp32]
        if (r & 0x100) out[n++] = 0x66;
        out[n++] = (uint8_t)(0x40 | (r >> 9 & 8));
        out[n++] = alu[(r >> 16) % sizeof alu];
        uint8_t reg = (uint8_t)(r >> 32 & 3); // rax rcx rdx rbx
        if (r & 0x200) {
            out[n++] = (uint8_t)(0x86 | reg << 3);
            uint32_t disp = (uint32_t)(r >> 40 & 0x1fff);
            memcpy(out + n, &disp, 4);
            return n + 4;
        }
        out[n++] = (uint8_t)(0xc0 | reg << 3 | (r >> 36 & 3));
        return n;
    }
    case 4:
        out[0] = (uint8_t)(0x70 | (r >> 8 & 15));
        out[1] = (uint8_t)(r >> 16 & 31);
        return 2; // jcc forwards
    case 5:
        out[0] = 0xf3;
        out[1] = (uint8_t)(0xa4 | (r >> 8 & 1));
        return 2; // rep movs
    case 6:
        out[0] = (uint8_t)(r >> 8);
        out[1] = (uint8_t)(r >> 16);
        return 2; // anything
    default:
        out[0] = 0xc6;
        out[1] = 0x87;
        memcpy(out + 2, &(uint32_t){(uint32_t)(r >> 20 & 0xfff)}, 4);
        out[6] = (uint8_t)(r >> 8);
        return 7; // mov byte [rdi+..],imm
    }
}

static inline void random_program(struct flat *f, uint64_t seed) {
    uint8_t code[6000];
    size_t n = 0;
    while (n < 5900) n += random_insn(&seed, code + n);
    code[n++] = 0xe9;
    int32_t back = -(int32_t)(n + 4);
    memcpy(code + n, &back, 4);
    start(f, code, n + 4);
    f->cpu->gpr[RSI] = DATA;
    f->cpu->gpr[RDI] = FLAT_CODE + 0x700; // stores here change the program
    f->cpu->gpr[RCX] = 20;
}

static inline uint64_t hash(struct flat *f) {
    cpu_canonicalise(f->cpu);
    uint64_t h = state_hash(&cpu_state, f->cpu, 1);
    h = state_hash(&cpu_tlb_state, f->cpu->tlb, h);
    const struct state_field all = {"ram", 0, 8, FLAT_RAM / 8, 8, ~0ull};
    const struct state_table ram = {.name = "ram", .fields = &all, .count = 1};
    return state_hash(&ram, f->ram, h);
}

#endif
