// Reads the notation of a row (SDM Vol. 2A, 3.1.1.1 and 3.1.1.3; Vol. 2D, A.2) into a pattern for the decoder.
//
// Encoding: NP (none of 66, F3, F2), NFx (no F3, F2), 66, F3, F2, REX.W, opcode bytes, /0../7, /r, +r, +i, a second
// byte after the opcode (a whole ModRM byte; "C0+i" for eight of them), VEX.{128,256,LZ,L0,L1,LIG}.{NP,66,F3,F2}.
// {0F,0F38,0F3A}.{W0,W1,WIG}. The immediates (ib iw id io cb cd cp) are told by the operands and skipped here.
// Operands: A B C D E G H I J M N O P Q R S U V W X Y with the types b w d q dq qq t x v y z s p a, ps pd ss sd pi si;
// Z, the register of +r; Ibs, a byte sign-extended to the operand size; registers AL CL AX DX eAX rAX ES..GS ST(0)
// ST(i) XMM0; the constant 1. "Rv/Mw": register and memory alternative. No type: the SDM gives no size.
// NOT IMPLEMENTED: EVEX, VSIB, registers in immediates (L).
#include "cpu/state/architecture.h"
#include "cpu/decode/decode_table.h"
#include <string.h>

struct word {
    const char *at;
    unsigned length;
};

static bool is(struct word w, const char *text) { return strlen(text) == w.length && !memcmp(w.at, text, w.length); }

// The next word of a list; false at its end.
static bool next_word(const char **text, char separator, struct word *w) {
    const char *p = *text;
    while (*p == separator) p++;
    if (!*p) return false;
    w->at = p;
    while (*p && *p != separator) p++;
    w->length = (unsigned)(p - w->at);
    *text = p;
    return true;
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }
static int hex_byte(struct word w) {
    if (w.length < 2) return -1;
    int high = hex_digit(w.at[0]), low = hex_digit(w.at[1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static void accept_only(struct pattern *p, enum fact shift, unsigned count, unsigned value) {
    p->accept &= ~FACTS(shift, count) | FACT(shift, value);
}
// "66 F2": of the two F2 is the mandatory prefix; 66 makes the operand size 16 bits.
static void accept_prefix(struct pattern *p, enum mandatory_prefix prefix) {
    if (p->mandatory_66 && prefix >= PREFIX_F3) {
        p->accept |= FACTS(FACT_PREFIX_SHIFT, 4);
        accept_only(p, FACT_SIZE_16_SHIFT, 2, 1);
    }
    accept_only(p, FACT_PREFIX_SHIFT, 4, prefix);
    p->mandatory_66 = prefix == PREFIX_66;
    p->mandatory_rep = prefix >= PREFIX_F3;
}

static bool mandatory_prefix(struct word w, struct pattern *p) {
    static const struct {
        const char *text;
        enum mandatory_prefix prefix;
    } table[] = {
        {"NP", PREFIX_NONE},
        {"66", PREFIX_66},
        {"F3", PREFIX_F3},
        {"F2", PREFIX_F2},
    };
    for (unsigned i = 0; i < 4; i++)
        if (is(w, table[i].text)) return accept_prefix(p, table[i].prefix), true;
    if (!is(w, "NFx")) return false;
    p->accept &= ~(FACT(FACT_PREFIX_SHIFT, PREFIX_F3) | FACT(FACT_PREFIX_SHIFT, PREFIX_F2));
    return true;
}

// One dot-separated part of VEX.128.66.0F38.W0.
static bool vex_part(struct word w, struct pattern *p) {
    if (is(w, "VEX") || is(w, "LIG") || is(w, "WIG")) return true;
    if (is(w, "0F")) return p->map = MAP_0F, true;
    if (is(w, "0F38")) return p->map = MAP_0F38, true;
    if (is(w, "0F3A")) return p->map = MAP_0F3A, true;
    if (is(w, "LZ") || is(w, "L0") || is(w, "128")) return accept_only(p, FACT_L_SHIFT, 3, 0), true;
    if (is(w, "L1") || is(w, "256")) return accept_only(p, FACT_L_SHIFT, 3, 1), true;
    if (is(w, "W0")) return accept_only(p, FACT_W_SHIFT, 2, 0), true;
    if (is(w, "W1")) return accept_only(p, FACT_W_SHIFT, 2, 1), true;
    return mandatory_prefix(w, p);
}
static bool vex_parse(struct word w, struct pattern *p) {
    char text[40] = "";
    if (w.length >= sizeof(text)) return false;
    memcpy(text, w.at, w.length);
    p->space = SPACE_VEX;
    const char *rest = text;
    struct word part;
    while (next_word(&rest, '.', &part))
        if (!vex_part(part, p)) return false;
    if (!p->mandatory_66 && !p->mandatory_rep) accept_prefix(p, PREFIX_NONE);
    return true;
}

// A whole ModRM byte after the opcode, or its register half: "C0+i".
static bool fixed_modrm(struct word w, int byte, struct pattern *p) {
    p->has_modrm = true;
    p->reg_digit = byte >> 3 & 7;
    accept_only(p, FACT_MOD_SHIFT, 2, 1);
    if (w.length == 2) accept_only(p, FACT_RM_SHIFT, 8, byte & 7);
    return byte >= 0xc0;
}

struct opcode_reading {
    bool map_known, opcode_known;
};

static bool opcode_byte(struct word w, int byte, struct pattern *p, struct opcode_reading *r) {
    if (r->opcode_known) return fixed_modrm(w, byte, p);
    if (!r->map_known && p->map == MAP_ONE_BYTE && byte == 0x0f) return p->map = MAP_0F, true;
    if (!r->map_known && p->map == MAP_0F && byte == 0x38) return r->map_known = true, p->map = MAP_0F38, true;
    if (!r->map_known && p->map == MAP_0F && byte == 0x3a) return r->map_known = true, p->map = MAP_0F3A, true;
    p->opcode = (uint8_t)byte;
    r->opcode_known = true;
    return true;
}

static bool encoding_word(struct word w, struct pattern *p, struct opcode_reading *r) {
    static const char *const skipped[] = {"ib", "iw", "id", "io", "cb", "cw", "cd", "cp", "/is4"};
    for (unsigned i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++)
        if (is(w, skipped[i])) return true;
    if (w.length > 4 && !memcmp(w.at, "VEX.", 4)) return r->map_known = true, vex_parse(w, p);
    if (is(w, "REX.W")) return accept_only(p, FACT_W_SHIFT, 2, 1), true;
    if (is(w, "/r")) return p->has_modrm = true;
    if (w.at[0] == '/' && w.length == 2 && w.at[1] >= '0' && w.at[1] <= '7') {
        p->reg_digit = (uint8_t)(w.at[1] - '0');
        return p->has_modrm = true;
    }
    if (w.at[0] == '+') {
        if (p->has_modrm)
            p->accept |= FACTS(FACT_RM_SHIFT, 8); // "D8 C0 +i"
        else
            p->plus_r = true;
        return true;
    }
    if (p->map == MAP_ONE_BYTE && !r->opcode_known && mandatory_prefix(w, p)) return true;
    int byte = hex_byte(w);
    return byte >= 0 && opcode_byte(w, byte, p, r);
}

static bool encoding_parse(const char *text, struct pattern *p) {
    struct opcode_reading reading = {0};
    struct word w;
    while (next_word(&text, ' ', &w))
        if (!encoding_word(w, p, &reading)) return false;
    return reading.opcode_known;
}

static bool type_parse(struct word w, uint8_t *type) {
    static const struct {
        const char *text;
        enum operand_type type;
    } table[] = {
        {"", TYPE_NONE}, {"b", TYPE_B},    {"w", TYPE_W},    {"d", TYPE_D},    {"q", TYPE_Q},  {"dq", TYPE_DQ},
        {"qq", TYPE_QQ}, {"t", TYPE_T},    {"x", TYPE_X},    {"ps", TYPE_X},   {"pd", TYPE_X}, {"ss", TYPE_D},
        {"sd", TYPE_Q},  {"si", TYPE_D},   {"pi", TYPE_Q},   {"v", TYPE_V},    {"y", TYPE_Y},  {"z", TYPE_Z},
        {"bs", TYPE_BS}, {"a", TYPE_NONE}, {"p", TYPE_NONE}, {"s", TYPE_NONE},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (is(w, table[i].text)) return *type = (uint8_t)table[i].type, true;
    return false;
}

// A register that the row names.
static bool fixed_register(struct word w, struct operand_code *code) {
    static const struct {
        const char *text;
        uint8_t class, number, type;
    } table[] = {
        {"AL", REG_GPR, RAX, TYPE_B},   {"CL", REG_GPR, RCX, TYPE_B},   {"AX", REG_GPR, RAX, TYPE_W},
        {"DX", REG_GPR, RDX, TYPE_W},   {"CX", REG_GPR, RCX, TYPE_W},   {"eAX", REG_GPR, RAX, TYPE_Z},
        {"rAX", REG_GPR, RAX, TYPE_V},  {"rCX", REG_GPR, RCX, TYPE_V},  {"rDX", REG_GPR, RDX, TYPE_V},
        {"rBX", REG_GPR, RBX, TYPE_V},  {"rSP", REG_GPR, RSP, TYPE_V},  {"rBP", REG_GPR, RBP, TYPE_V},
        {"ES", REG_SEG, ES, TYPE_NONE}, {"CS", REG_SEG, CS, TYPE_NONE}, {"SS", REG_SEG, SS, TYPE_NONE},
        {"DS", REG_SEG, DS, TYPE_NONE}, {"FS", REG_SEG, FS, TYPE_NONE}, {"GS", REG_SEG, GS, TYPE_NONE},
        {"ST(0)", REG_X87, 0, TYPE_T},  {"ST", REG_X87, 0, TYPE_T},     {"XMM0", REG_XMM, 0, TYPE_X},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!is(w, table[i].text)) continue;
        *code = (struct operand_code){FROM_FIXED, table[i].class, table[i].type, table[i].type, table[i].number};
        return true;
    }
    if (is(w, "ST(i)")) return *code = (struct operand_code){FROM_STI, REG_X87, TYPE_T, TYPE_T, 0}, true;
    if (is(w, "1")) return *code = (struct operand_code){FROM_ONE, 0, TYPE_B, TYPE_B, 0}, true;
    return false;
}

// The addressing-method letters, SDM Vol. 2D, A.2.1. `mod`: 1 memory, 2 register, 3 both.
static const struct method {
    char letter;
    uint8_t from, class, mod;
} methods[] = {
    {'A', FROM_FAR, 0, 3},          {'B', FROM_VVVV, REG_GPR, 3}, {'C', FROM_REG, REG_CR, 3},
    {'D', FROM_REG, REG_DR, 3},     {'E', FROM_RM, REG_GPR, 3},   {'G', FROM_REG, REG_GPR, 3},
    {'H', FROM_VVVV, REG_XMM, 3},   {'I', FROM_IMM, 0, 3},        {'J', FROM_REL, 0, 3},
    {'M', FROM_RM, REG_GPR, 1},     {'N', FROM_RM, REG_MMX, 2},   {'O', FROM_MOFFS, 0, 3},
    {'P', FROM_REG, REG_MMX, 3},    {'Q', FROM_RM, REG_MMX, 3},   {'R', FROM_RM, REG_GPR, 2},
    {'S', FROM_REG, REG_SEG, 3},    {'U', FROM_RM, REG_XMM, 2},   {'V', FROM_REG, REG_XMM, 3},
    {'W', FROM_RM, REG_XMM, 3},     {'X', FROM_SOURCE, 0, 3},     {'Y', FROM_TARGET, 0, 3},
    {'Z', FROM_OPCODE, REG_GPR, 3},
};

static bool method_parse(struct word w, struct operand_code *code, unsigned *mod) {
    for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct method *m = &methods[i];
        if (w.at[0] != m->letter) continue;
        *code = (struct operand_code){.from = m->from, .class = m->class};
        *mod = m->mod;
        struct word type = {w.at + 1, w.length - 1};
        bool known = type_parse(type, &code->type);
        code->type_memory = code->type;
        return known;
    }
    return false;
}

static bool operand_parse(struct word w, struct pattern *p) {
    struct operand_code *code = &p->operand[p->operand_count++];
    if (fixed_register(w, code)) return true;
    unsigned mod = 3, mod_memory = 0;
    const char *slash = memchr(w.at, '/', w.length);
    struct word first = {w.at, slash ? (unsigned)(slash - w.at) : w.length};
    if (!method_parse(first, code, &mod)) return false;
    if (slash) {
        struct operand_code memory;
        struct word second = {slash + 1, w.length - first.length - 1};
        if (!method_parse(second, &memory, &mod_memory) || mod != 2 || mod_memory != 1) return false;
        code->type_memory = memory.type;
        mod = 3;
    }
    if (mod != 3) accept_only(p, FACT_MOD_SHIFT, 2, mod >> 1);
    p->uses_vvvv |= code->from == FROM_VVVV;
    if (code->from == FROM_REG && (code->class == REG_CR || code->class == REG_DR)) p->mod_ignored = true;
    return true;
}

bool pattern_parse(const struct insn_row *row, struct pattern *p) {
    *p = (struct pattern){.row = row, .reg_digit = REG_ANY};
    p->accept = (FACTS_ALL & ~FACTS(FACT_MODE_SHIFT, 3)) | (uint32_t)row->modes << FACT_MODE_SHIFT;
    if (!encoding_parse(row->encoding, p)) return false;
    const char *text = row->operands;
    struct word w;
    while (next_word(&text, ',', &w))
        if (p->operand_count == 4 || !operand_parse(w, p)) return false;
    if (p->mod_ignored) p->accept |= FACTS(FACT_MOD_SHIFT, 2);
    return true;
}
