// What stands before an SSE, MMX or x87 instruction: CR0.EM, TS, MP, NE, CR4.OSFXSR, OSXMMEXCPT. SDM Vol.
// 3A, 2.5, 13.1, Tables 2-3 and 12-1, Vol. 1, 8.7, 11.5. And FXSAVE outside 64-bit mode.
#include "cpu/x87/x87.h"
#include "tests/tap.h"
#include "tests/vector/model.h"
#include "cpu/memory/mode.h"

static const struct {
    const char *name, *code;
    unsigned length;
} instructions[] = {
    {"addps", "\x0f\x58\xc1", 3}, {"paddb mm", "\x0f\xfc\xc1", 3}, {"fld1", "\xd9\xe8", 2},
    {"fwait", "\x9b", 1},         {"fxsave", "\x0f\xae\x03", 3},   {"movnti", "\x0f\xc3\x03", 3},
};
enum { NONE = -1, UD = VECTOR_UD, NM = VECTOR_NM, COUNT = sizeof instructions / sizeof instructions[0] };

static void plain_state(struct state *s) {
    memset(s, 0, sizeof *s);
    s->fx[0] = 0x7f, s->fx[1] = 0x03, s->fx[24] = 0x80, s->fx[25] = 0x1f;
    s->gpr[RBX] = NATIVE_DATA;
}
static int execute(struct flat *f, struct state *s, const char *code, unsigned length) {
    flat_write(f, FLAT_CODE, code, length);
    model_run(f, s, length);
    return s->vector;
}

static void control_bits(struct flat *f) {
    static const struct {
        const char *when;
        uint64_t cr0, cr4_clear;
        int vector[COUNT];
    } table[] = {
        // addps, paddb, fld1, fwait, fxsave, movnti
        {"nothing special", 0, 0, {NONE, NONE, NONE, NONE, NONE, NONE}},
        {"CR0.EM", CR0_EM, 0, {UD, UD, NM, NONE, NM, NONE}},
        {"CR0.TS", CR0_TS, 0, {NM, NM, NM, NONE, NM, NONE}},
        {"CR0.TS and MP", CR0_TS | CR0_MP, 0, {NM, NM, NM, NM, NM, NONE}},
        {"CR0.EM, TS and MP", CR0_EM | CR0_TS | CR0_MP, 0, {UD, UD, NM, NM, NM, NONE}},
        {"CR4.OSFXSR = 0", 0, CR4_OSFXSR, {UD, NONE, NONE, NONE, NONE, NONE}},
    };
    struct cpu *cpu = f->cpu;
    uint64_t cr0 = cpu->control.cr0, cr4 = cpu->control.cr4;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        cpu->control.cr0 = cr0 | table[i].cr0;
        cpu->control.cr4 = cr4 & ~table[i].cr4_clear;
        cpu_update_mode(cpu);
        for (unsigned j = 0; j < COUNT; j++) {
            struct state s;
            plain_state(&s);
            int vector = execute(f, &s, instructions[j].code, instructions[j].length);
            ok(vector == table[i].vector[j], "%s with %s: vector %d", instructions[j].name, table[i].when, vector);
        }
    }
    cpu->control.cr0 = cr0, cpu->control.cr4 = cr4;
    cpu_update_mode(cpu);
}

// 0 / 0 with IE unmasked, by SSE and by x87.
static void unmasked(struct flat *f) {
    struct cpu *cpu = f->cpu;
    struct state s;
    plain_state(&s);
    s.fx[24] = 0;
    ok(execute(f, &s, "\x0f\x5e\xc1", 3) == VECTOR_XM && s.fx[24] == FLOAT_IE,
       "DIVPS of 0 by 0 unmasked: #XM, IE in MXCSR");
    cpu->control.cr4 &= ~CR4_OSXMMEXCPT;
    plain_state(&s);
    s.fx[24] = 0;
    ok(execute(f, &s, "\x0f\x5e\xc1", 3) == UD && s.fx[24] == FLOAT_IE, "and #UD without CR4.OSXMMEXCPT");
    cpu->control.cr4 |= CR4_OSXMMEXCPT;

    plain_state(&s);
    s.fx[0] = 0x7e, s.fx[4] = 0xff;
    ok(execute(f, &s, "\xd8\xf1", 2) == NONE && s.fx[2] == (X87_ES | FLOAT_IE), "FDIV of 0 by 0 unmasked: pending");
    ok(s.fx[6] == 0xf1 && s.fx[7] == 0, "FOP is its opcode");
    struct state again = s;
    ok(execute(f, &again, "\xd9\xe8", 2) == VECTOR_MF, "the next waiting instruction is #MF");
    again = s;
    ok(execute(f, &again, "\x0f\xfc\xc1", 3) == VECTOR_MF, "so is an MMX instruction");
    again = s;
    ok(execute(f, &again, "\x0f\x58\xc1", 3) == NONE, "an SSE instruction is not");
    again = s;
    ok(execute(f, &again, "\xdf\xe0", 2) == NONE && (again.gpr[RAX] & 0xff) == (X87_ES | FLOAT_IE), "nor is FNSTSW");
    again = s;
    ok(execute(f, &again, "\xdb\xe2", 2) == NONE && again.fx[2] == 0, "FNCLEX clears it");
    cpu->control.cr0 &= ~CR0_NE;
    again = s;
    ok(execute(f, &again, "\x9b", 1) == NONE, "with CR0.NE = 0 the processor goes on, as with IGNNE#");
    cpu->control.cr0 |= CR0_NE;
}

// Compatibility mode: eight XMM registers are saved and restored.
static void compatibility_mode(struct flat *f) {
    struct cpu *cpu = f->cpu;
    struct state s;
    plain_state(&s);
    memset(s.data, 0xcc, sizeof s.data);
    memset(s.fx + 160, 0x5a, 256);
    flat_segment(cpu, CS, 0x20, 0xc09b);
    cpu_update_mode(cpu);
    flat_write(f, FLAT_CODE, "\x0f\xae\x03", 3);
    model_run(f, &s, 3);
    ok(s.data[287] == 0x5a && s.data[288] == 0xcc, "FXSAVE in compatibility mode saves XMM0 to XMM7");
    memset(s.data + 160, 0x77, 256);
    memset(&cpu->fpu.vector[8], 0x33, sizeof cpu->fpu.vector[8]);
    flat_write(f, FLAT_CODE, "\x0f\xae\x0b", 3);
    model_run(f, &s, 3);
    ok(cpu->fpu.vector[7].u8[15] == 0x77 && cpu->fpu.vector[8].u8[0] == 0x33, "FXRSTOR leaves XMM8 to XMM15 alone");
}

int main(void) {
    struct flat f;
    machine_new(&f);
    control_bits(&f);
    unmasked(&f);
    compatibility_mode(&f);
    flat_free(&f);
    return done_testing();
}
