// From a row's notation to bytes.
#include "tests/vector/encode.h"
#include "tests/vector/random.h"
#include "cpu/decode/insn.h"
#include <stdlib.h>
#include <string.h>

struct parts {
    uint8_t prefix, rex, opcode[4], opcode_count, digit;
    bool modrm, immediate, plus;
};
#define ANY_DIGIT 8

static void parse(const struct insn_row *row, struct parts *p) {
    char text[64];
    *p = (struct parts){.digit = ANY_DIGIT};
    strcpy(text, row->encoding);
    for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) {
        unsigned long byte = strtoul(w, NULL, 16);
        if (!strcmp(w, "NP")) continue;
        if (!strcmp(w, "REX.W"))
            p->rex = 0x48;
        else if (!strcmp(w, "/r"))
            p->modrm = true;
        else if (w[0] == '/')
            p->modrm = true, p->digit = (uint8_t)(w[1] - '0');
        else if (!strcmp(w, "ib"))
            p->immediate = true;
        else if (!p->opcode_count && !p->prefix && (byte == 0x66 || byte >= 0xf2))
            p->prefix = (uint8_t)byte;
        else
            p->opcode[p->opcode_count++] = (uint8_t)byte, p->plus |= w[2] == '+';
    }
}

static const char *find(const char *operands, const char *letters) {
    for (const char *p = operands; *p; p++)
        if ((p == operands || p[-1] == ',' || p[-1] == '/') && strchr(letters, *p)) return p;
    return NULL;
}
static unsigned register_of(char letter) {
    return strchr("GER", letter) ? random_below(3) : strchr("PQN", letter) ? random_below(8) : random_below(16);
}

unsigned encode_random(const struct insn_row *row, bool aligned, uint8_t out[16]) {
    struct parts p;
    parse(row, &p);
    unsigned n = 0, reg = p.digit, rm = 3;
    uint8_t mod = 0x40;
    const char *o = row->operands, *in_reg = find(o, "GPV"), *in_rm = find(o, "EQWURN"), *memory = find(o, "EQWM");
    if (in_reg) reg = register_of(*in_reg);
    if (in_rm && (!memory || random_below(2))) mod = 0xc0, rm = register_of(*in_rm);
    if (p.prefix) out[n++] = p.prefix;
    uint8_t rex = (uint8_t)(p.rex | (reg > 8 || (reg == 8 && in_reg) ? 0x44 : 0) | (rm > 7 ? 0x41 : 0));
    if (rex) out[n++] = rex;
    for (unsigned i = 0; i < p.opcode_count; i++) out[n++] = p.opcode[i];
    if (p.plus) out[n - 1] = (uint8_t)(out[n - 1] + random_below(8));
    if (p.modrm) out[n++] = (uint8_t)(mod | (reg & 7) << 3 | (rm & 7));
    if (p.modrm && mod == 0x40) out[n++] = (uint8_t)(16 * random_below(7) + (aligned ? 0 : 1 + random_below(15)));
    if (p.immediate) out[n++] = (uint8_t)random64();
    return n;
}
