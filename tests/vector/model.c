// The modelled side of a comparison.
#include "tests/vector/model.h"
#include "cpu/vector/xsave.h"
#include "cpu/memory/mode.h"
#include "cpu/engine/cpu_run.h"

enum { IDT = 0x20000, HANDLERS = 0x21000, GDT = 0x22000 };

void machine_new(struct flat *f) {
    flat_new(f);
    for (unsigned v = 0; v < 32; v++) {
        uint64_t handler = HANDLERS + 16 * v;
        flat_poke(f, IDT + 16 * v, (handler & 0xffff) | 0x10ull << 16 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48);
        flat_poke(f, IDT + 16 * v + 8, handler >> 32);
    }
    flat_poke(f, GDT + 0x10, 0x00af9b000000ffff);
    flat_poke(f, GDT + 0x18, 0x00cf93000000ffff);
    f->cpu->idtr = (struct descriptor_table){IDT, 32 * 16 - 1};
    f->cpu->gdtr = (struct descriptor_table){GDT, 0x1f};
    f->cpu->control.cr4 |= CR4_OSXMMEXCPT;
    cpu_update_mode(f->cpu);
}

void model_run(struct flat *f, struct state *s, unsigned length) {
    struct cpu *cpu = f->cpu;
    uint32_t mxcsr;
    memcpy(f->ram + NATIVE_DATA, s->data, NATIVE_DATA_BYTES);
    memcpy(&mxcsr, s->fx + 24, 4);
    legacy_load_x87(cpu, s->fx, true);
    legacy_load_xmm(cpu, s->fx);
    cpu->fpu.mxcsr = mxcsr;
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP && i != RBP) cpu->gpr[i] = s->gpr[i];
    cpu->gpr[RSP] = 0x200000;
    cpu->rflags = 2;
    flags_set(&cpu->flags, s->flags);
    cpu->rip = FLAT_CODE;
    (void)cpu_run(cpu, 1);
    s->vector = cpu->rip == FLAT_CODE + length ? -1 : (int)(cpu->rip - HANDLERS) / 16;
    legacy_save_x87(cpu, s->fx, true);
    legacy_save_xmm(cpu, s->fx);
    legacy_save_mxcsr(cpu, s->fx);
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP && i != RBP) s->gpr[i] = cpu->gpr[i];
    s->flags = flags_get(&cpu->flags);
    memcpy(s->data, f->ram + NATIVE_DATA, NATIVE_DATA_BYTES);
}

const char *difference(const struct state *a, const struct state *b, char *text, size_t size) {
    if (a->vector != b->vector) return snprintf(text, size, "vector %d, host %d", a->vector, b->vector), text;
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP && i != RBP && a->gpr[i] != b->gpr[i])
            return snprintf(text, size, "gpr[%u] %lx, host %lx", i, a->gpr[i], b->gpr[i]), text;
    if (a->vector < 0 && (a->flags ^ b->flags) & 0x8d5)
        return snprintf(text, size, "flags %lx, host %lx", a->flags & 0x8d5, b->flags & 0x8d5), text;
    for (unsigned i = 0; i < 416; i += 2)
        if (memcmp(a->fx + i, b->fx + i, 2))
            return snprintf(text, size, "fxsave[%u] %02x%02x, host %02x%02x", i, a->fx[i + 1], a->fx[i], b->fx[i + 1],
                            b->fx[i]),
                   text;
    for (unsigned i = 0; i < NATIVE_DATA_BYTES; i++)
        if (a->data[i] != b->data[i])
            return snprintf(text, size, "memory[%u] %02x, host %02x", i, a->data[i], b->data[i]), text;
    return NULL;
}
