// What the random instructions have found, as cases with stated outcomes: on the model, and on this machine's processor
// where one can be asked.
#include "tests/silicon/silicon.h"
#include "cpu/x87/x87.h"
#include "tests/tap.h"

#define MASKED_BUT_INVALID 0x37e
#define READ_ONLY 0x20003010u
#define WRITABLE 0x20002010u
#define ABSENT 0x20004010u

// The instruction ends where its code segment does, or its page if that is 0; RBX points to the operand.
static const struct found {
    bool by_manual; // AMD's processors do otherwise: the model is held to the manual
    const char *name;
    enum code_size size;
    uint16_t code_selector;
    uint64_t pointer;
    uint64_t flags;
    unsigned vector, error_code;
    unsigned length;
    const char *bytes;
} found[] = {
    // The operand's faults come before an unmasked exception that keeps it from being stored.
    {false, "FSTP m32 of an empty register, IE unmasked, to a read-only page: #PF", CODE_64, 0, READ_ONLY, 0, VECTOR_PF,
     7, 2, "\xd9\x1b"},
    {false, "FST m64, the same", CODE_64, 0, READ_ONLY, 0, VECTOR_PF, 7, 2, "\xdd\x13"},
    {false, "FISTTP m16, the same, to an absent page", CODE_64, 0, ABSENT, 0, VECTOR_PF, 6, 2, "\xdf\x0b"},
    {false, "FSTP m80, the same", CODE_64, 0, ABSENT, 0, VECTOR_PF, 6, 2, "\xdb\x3b"},
    {false, "FBSTP, the same", CODE_64, 0, READ_ONLY, 0, VECTOR_PF, 7, 2, "\xdf\x33"},
    {false, "FIST m32, the same, to a misaligned operand: #AC", CODE_64, 0, WRITABLE + 2, FLAG_AC, VECTOR_AC, 0, 2,
     "\xdb\x13"},
    {false, "and to a writable page: nothing is stored, the exception is pending", CODE_64, 0, WRITABLE, 0, VECTOR_DB,
     0, 2, "\xdb\x13"},
    // The limit of a code segment comes before the page behind it, and before the #UD of what goes on behind it. SDM
    // Vol.
    // 3A, Table 6-2.
    {false, "an instruction beyond the segment's limit, which is the page's end: #GP", CODE_16, LDT_SELECTOR(0), 0, 0,
     VECTOR_GP, 0, 1, "\x05"},
    {false, "the same, the limit before the page's end", CODE_16, LDT_SELECTOR(1), 0, 0, VECTOR_GP, 0, 1, "\xdf"},
    {false, "0F FF up to the limit: #GP", CODE_32, LDT_SELECTOR(2), 0, 0, VECTOR_GP, 0, 1, "\x0f"},
    {false, "an instruction up to the limit is executed", CODE_16, LDT_SELECTOR(1), 0, 0, VECTOR_DB, 0, 1, "\x40"},
    // BOUND reads two operands.
    {false, "BOUND of words that are aligned each", CODE_16, LDT_SELECTOR(0), 0x2012, FLAG_AC, VECTOR_DB, 0, 2,
     "\x62\x07"},
    {false, "BOUND of misaligned words: #AC", CODE_16, LDT_SELECTOR(0), 0x2011, FLAG_AC, VECTOR_AC, 0, 2, "\x62\x07"},
    {false, "MOV across the end of the lower canonical half", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 2,
     "\x8b\x03"},
    {false, "the same, a store", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 2, "\x89\x03"},
    {false, "the same, a read and a store", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 2, "\x01\x03"},
    {false, "MOVUPS, the same", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 3, "\x0f\x10\x03"},
    {false, "FLD m80, the same", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 2, "\xdb\x2b"},
    {false, "PUSH m64, the same", CODE_64, 0, 0x7ffffffffffe, 0, VECTOR_GP, 0, 2, "\xff\x33"},
    {false, "MOVUPS that begins below the upper half", CODE_64, 0, 0xffff7ffffffffffe, 0, VECTOR_GP, 0, 3,
     "\x0f\x10\x03"},
    {false, "MASKMOVQ with a mask of 0 across address 0", CODE_64, 0, ~0ull, 0, VECTOR_PF, 6, 3, "\x0f\xf7\xcc"},
    {false, "MASKMOVQ with a mask of 0, misaligned: #AC", CODE_64, 0, WRITABLE + 1, FLAG_AC, VECTOR_AC, 0, 3,
     "\x0f\xf7\xcc"},
    {false, "ENTER that pushes across the end of the lower canonical half: #SS", CODE_64, 0, 0x800000000001, 0,
     VECTOR_SS, 0, 4, "\xc8\x10\x00\x03"},
    // A far pointer is of 16:32 bits at most, also where it is undefined.
    {false, "REX.W JMP ptr16:32 at the end of the page: #UD", CODE_64, 0, 0, 0, VECTOR_UD, 0, 8,
     "\x48\xea\x01\x02\x03\x04\x05\x06"},
    {false, "one byte less: #PF", CODE_64, 0, 0, 0, VECTOR_PF, 0x14, 7, "\x48\xea\x01\x02\x03\x04\x05"},
    // SDM Vol. 2A, CLFLUSH.
    {false, "CLFLUSH of an execute-only segment", CODE_32, LDT_SELECTOR(9), WRITABLE, 0, VECTOR_DB, 0, 4,
     "\x2e\x0f\xae\x3b"},
    {false, "CLFLUSHOPT of an execute-only segment", CODE_32, LDT_SELECTOR(9), WRITABLE, 0, VECTOR_DB, 0, 5,
     "\x66\x2e\x0f\xae\x3b"},
    {true, "CLWB of an execute-only segment: #GP, by the manual", CODE_32, LDT_SELECTOR(9), WRITABLE, 0, VECTOR_GP, 0,
     5, "\x66\x2e\x0f\xae\x33"},
};

static void make_case(const struct found *f, struct silicon_case *c, uint8_t *memory) {
    uint16_t cs = f->code_selector ? f->code_selector : f->size == CODE_64 ? USER_CS_64 : USER_CS_32;
    const struct segment_row *code = segment_find(cs);
    uint64_t end = code->limit < UINT32_MAX ? code->base + code->limit + 1 : PLACE_CODE_END;
    *c = (struct silicon_case){.size = f->size};
    struct silicon_state *s = &c->state;
    for (unsigned i = 0; i < 6; i++) s->selector[i] = f->size == CODE_16 ? LDT_SELECTOR(3) : USER_DS;
    s->selector[CS] = cs, s->selector[FS] = s->selector[GS] = 0;
    s->gpr[RBX] = s->gpr[RDI] = f->pointer, s->gpr[RSP] = f->size == CODE_16 ? 0x2800 : 0x20002800;
    if (f->bytes[0] == '\xc8') s->gpr[RSP] = f->pointer;
    s->rip = end - f->length - code->base;
    s->rflags = native_flags(f->flags | FLAG_TF | FLAG_IF | BIT(1));
    s->fx.control = MASKED_BUT_INVALID, s->fx.mxcsr = MXCSR_RESET, s->fx.mxcsr_mask = 0xffff;
    memset(memory, 0, PLACE_BYTES);
    memset(memory, 0xcc, 2 * 4096);
    memcpy(place_at(memory, end - f->length), f->bytes, f->length);
}

// Linux hides from a process which of its own pages are present.
static void hide_presence(struct silicon_state *s) {
    if (s->vector == VECTOR_PF && s->cr2 >> 47) s->error_code &= ~1ull;
}

static void check(const char *who, const struct found *f, const struct silicon_state *s) {
    ok(s->vector == f->vector && s->error_code == f->error_code, "%s: %s (vector %u, error code %lx)", who, f->name,
       s->vector, (unsigned long)s->error_code);
}

// These were seen on AMD's: what Intel's do otherwise is told, and nobody has said yet that it is wrong.
static void remark(const struct found *f, const struct silicon_state *s) {
    if (s->vector != f->vector || s->error_code != f->error_code)
        diag("remark: the processor does otherwise: %s (vector %u, error code %lx)", f->name, s->vector,
             (unsigned long)s->error_code);
}

int main(void) {
    static uint8_t memory[PLACE_BYTES];
    static struct silicon_case c;
    static struct silicon_state out;
    const char *why;
    bool native = native_open(&why);
    struct modelled *m = modelled_new("server", true);
    if (!native) skip("this machine's processor", why);
    for (unsigned i = 0; i < sizeof found / sizeof found[0]; i++) {
        make_case(&found[i], &c, memory);
        memcpy(modelled_memory(m), memory, PLACE_BYTES);
        modelled_run(m, &c, &out);
        check("model", &found[i], &out);
        if (!native || (found[i].by_manual && !native_is_intel()) || (found[i].code_selector && !native_has_ldt()))
            continue;
        memcpy(native_memory(), memory, PLACE_BYTES);
        native_run(&c, &out);
        hide_presence(&out);
        if (native_is_intel())
            remark(&found[i], &out);
        else
            check("processor", &found[i], &out);
    }
    modelled_free(m);
    native_close();
    return done_testing();
}
