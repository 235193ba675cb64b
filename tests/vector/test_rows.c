// Every row of the SSE, MMX and x87 tables against the host's processor: registers, flags, MXCSR, x87 state, memory,
// exception. What the manual leaves undefined, or to within an error, is listed below and not compared.
#include "tests/cpu/flat.h"
#include "tests/tap.h"
#include "tests/vector/encode.h"
#include "tests/vector/random.h"
#include "cpu/xsave.h"

enum { IDT = 0x20000, HANDLERS = 0x21000, GDT = 0x22000 };

static void machine_new(struct flat *f) {
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
    f->cpu->cr4 |= CR4_OSXMMEXCPT;
    cpu_update_mode(f->cpu);
}

static void model_run(struct flat *f, struct state *s, unsigned length) {
    struct cpu *cpu = f->cpu;
    uint32_t mxcsr;
    memcpy(f->ram + NATIVE_DATA, s->data, NATIVE_DATA_BYTES);
    memcpy(&mxcsr, s->fx + 24, 4);
    legacy_load_x87(cpu, s->fx, true);
    legacy_load_xmm(cpu, s->fx);
    cpu->mxcsr = mxcsr;
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

static bool is_one_of(const char *word, const char *list) {
    char quoted[40];
    snprintf(quoted, sizeof quoted, " %s ", word);
    return strstr(list, quoted);
}

static const char *difference(const struct state *a, const struct state *b, char *text, size_t size) {
    if (a->vector != b->vector) return snprintf(text, size, "vector %d, host %d", a->vector, b->vector), text;
    for (unsigned i = 0; i < 8; i++)
        if (i != RSP && i != RBP && a->gpr[i] != b->gpr[i])
            return snprintf(text, size, "gpr[%u] %lx, host %lx", i, a->gpr[i], b->gpr[i]), text;
    if (a->vector < 0 && (a->flags ^ b->flags) & 0x8d5)
        return snprintf(text, size, "flags %lx, host %lx", a->flags & 0x8d5, b->flags & 0x8d5), text;
    for (unsigned i = 0; i < 416; i += 2)
        if (memcmp(a->fx + i, b->fx + i, 2))
            return snprintf(text, size, "fxsave[%u] %02x%02x, host %02x%02x", i, a->fx[i + 1], a->fx[i], b->fx[i + 1], b->fx[i]), text;
    for (unsigned i = 0; i < NATIVE_DATA_BYTES; i++)
        if (a->data[i] != b->data[i]) return snprintf(text, size, "memory[%u] %02x, host %02x", i, a->data[i], b->data[i]), text;
    return NULL;
}

static const char *hex(const uint8_t *bytes, unsigned n, char *text) {
    for (unsigned i = 0; i < n; i++) sprintf(text + 3 * i, "%02x ", bytes[i]);
    return text;
}
// What went in, for one who looks into a failure.
static const char *inputs(const struct state *s, char *text) {
    uint64_t st[2][2], x[2];
    memcpy(st, s->fx + 32, 32), memcpy(x, s->data + 128, 16);
    sprintf(text, "cw %02x%02x sw %02x%02x tags %02x mxcsr %02x%02x st0 %04x %016lx st1 %04x %016lx mem %016lx %016lx flags %lx",
            s->fx[1], s->fx[0], s->fx[3], s->fx[2], s->fx[4], s->fx[25], s->fx[24], (uint16_t)st[0][1], st[0][0],
            (uint16_t)st[1][1], st[1][0], x[0], x[1], s->flags);
    return text;
}

static void compare_row(struct flat *f, const struct insn_row *row, unsigned instances, unsigned operands) {
    char text[100], code_text[64], input_text[300];
    loop_begin("%s (%s)", row->mnemonic, row->encoding);
    for (unsigned i = 0; i < instances; i++) {
        uint8_t code[16];
        bool aligned = row->traits & T_ALIGN16 ? random_below(10) : random_below(2);
        unsigned length = encode_random(row, aligned, code);
        native_code(code, length);
        flat_write(f, FLAT_CODE, code, length);
        for (unsigned j = 0; j < operands; j++) {
            struct random_options options = {random_below(2), random_below(2), random_below(2), random_below(2)};
            struct state before, model, host;
            random_state(&before, &options);
            model = host = before;
            model_run(f, &model, length);
            native_run(&host);
            const char *d = difference(&model, &host, text, sizeof text);
            loop_check(!d, "%s%s; %s", hex(code, length, code_text), d, inputs(&before, input_text));
        }
    }
    loop_end();
}

int main(int argc, char **argv) {
    static const char not_compared[] =
        " rcpps rcpss rsqrtps rsqrtss f2xm1 fyl2x fyl2xp1 fpatan fptan fsin fcos fsincos"  // exact to within an error
        " fxsave fxrstor fxsave64 fxrstor64 xsave xrstor xsaveopt xsavec xsaves xrstors"   // test_xsave.c
        " xsave64 xrstor64 xsaveopt64 xsavec64 xsaves64 xrstors64 ";
    struct flat f;
    if (!native_open()) {
        skip("rows against the host", "code and data cannot be mapped where the model has them");
        return done_testing();
    }
    machine_new(&f);
    for (uint32_t i = 0; i < cpu_rows.count; i++) {
        const struct insn_row *row = &cpu_rows.rows[i];
        bool mine = row->traits & (T_SSE | T_MMX | T_X87) || is_one_of(row->mnemonic, " movnti fwait ");
        if (!mine || row->traits & T_AVX || is_one_of(row->mnemonic, not_compared)) continue;
        if (argc > 1 && strcmp(argv[1], row->mnemonic)) continue;
        random_seed(i);
        compare_row(&f, row, 12, 60);
    }
    flat_free(&f);
    return done_testing();
}
