// Reads the rows of cpu/pipeline/micro_ops.def, and finds an instruction's.
#include "cpu/pipeline/micro_ops.h"
#include <string.h>

enum source { INTEL, LLVM, MEASURED };

static const struct {
    struct micro_ops_row row;
    struct {
        const char *ports;
        uint16_t latency;
    } core[CORE_KINDS];
    enum source source;
} rows[] = {
#define MICRO_OPS(mnemonics, select, access, flags, golden_cove, latency, skylake, skylake_latency, source)            \
    {{mnemonics, select, access, flags}, {{golden_cove, latency}, {skylake, skylake_latency}}, source},
#include "cpu/pipeline/micro_ops.def"
#undef MICRO_OPS
};
const unsigned micro_ops_count = sizeof rows / sizeof rows[0];

const struct micro_ops_row *micro_ops_row(unsigned index) { return &rows[index].row; }

// --- ports: "n*pPORTS/k+..." ---

static unsigned number(const char **at) {
    unsigned n = 0;
    while (**at >= '0' && **at <= '9') n = n * 10 + (unsigned)(*(*at)++ - '0');
    return n;
}

static unsigned port(char c) { return c >= 'A' ? (unsigned)(c - 'A') + 10 : (unsigned)(c - '0'); }

static bool is_port(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'B'); }

static const char *group_read(const char *at, struct work_group *group) {
    *group = (struct work_group){.count = 1, .busy = 1};
    if (*at != 'p') {
        group->count = (uint8_t)number(&at);
        at++;
    }
    for (at++; is_port(*at); at++) group->ports |= (uint16_t)PORT(port(*at));
    if (*at == '/') {
        at++;
        group->busy = (uint8_t)number(&at);
    }
    return at;
}

void micro_ops_read(unsigned index, enum core_kind core, struct work *out) {
    const char *at = rows[index].core[core].ports;
    *out = (struct work){.latency = rows[index].core[core].latency, .renamed = *at == '-'};
    if (out->renamed) return;
    for (bool after = false; *at; at += *at != 0) {
        struct work_group *group = &out->group[out->groups++];
        at = group_read(at, group);
        group->after = after;
        after = *at == ',';
        out->micro_ops = (uint16_t)(out->micro_ops + group->count);
    }
}

// --- which row ---

static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
    return false;
}

static bool has_kind(const struct insn *insn, uint8_t kind) {
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (insn->operand[i].kind == kind) return true;
    return false;
}

static bool has_high_byte(const struct insn *insn) {
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (insn->operand[i].kind == OPERAND_REG && insn->operand[i].class == REG_GPR8H) return true;
    return false;
}

static bool same_operands(const struct insn *insn) {
    const struct operand *a = &insn->operand[0], *b = &insn->operand[1];
    return insn->operand_count == 2 && a->kind == OPERAND_REG && b->kind == OPERAND_REG && a->class == b->class &&
           a->number == b->number && a->size == b->size;
}

static bool has_memory(const struct insn *insn) { return has_kind(insn, OPERAND_MEM) || has_kind(insn, OPERAND_MOFFS); }

// Of the wider of the operands, which is the first but for comparisons with memory.
static unsigned size_of(const struct insn *insn) {
    return insn->operand_count && insn->operand[0].size ? insn->operand[0].size : insn->operand_size;
}

static bool letter_holds(const struct insn *insn, char letter) {
    switch (letter) {
    case 'r': return !has_memory(insn);
    case 'm': return has_memory(insn);
    case '1': return insn->operand_count == 1;
    case 'i': return has_kind(insn, OPERAND_IMM);
    case 'R': return !has_kind(insn, OPERAND_IMM);
    case 's': return same_operands(insn);
    case 'h': return has_high_byte(insn);
    case 'e': return insn->rep;
    case 'B': return size_of(insn) == 1;
    case 'W': return size_of(insn) == 2;
    case 'L': return size_of(insn) == 4;
    case 'Q': return size_of(insn) == 8;
    case 'b': return insn->operand_count > 1 && insn->operand[1].size == 1;
    default: return false;
    }
}

static bool row_fits(const struct micro_ops_row *row, const struct insn *insn) {
    for (const char *letter = row->select; *letter; letter++)
        if (!letter_holds(insn, *letter)) return false;
    return has_word(row->mnemonics, insn->row->mnemonic);
}

unsigned micro_ops_find(const struct insn *insn) {
    unsigned i = 0;
    while (i < micro_ops_count && !row_fits(&rows[i].row, insn)) i++;
    return i;
}
