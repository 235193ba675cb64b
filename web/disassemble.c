// Instructions as text from the rows of the processor's own decoder: mnemonic and operands in Intel's syntax. Takes the
// place of monitor/show/disassemble.c, whose library is not there for WebAssembly. NOT IMPLEMENTED: the mnemonics that
// assemblers have beside the rows' (predicates of comparisons).
#include "monitor/show/disassemble.h"
#include "cpu/decode/insn.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(struct instruction *out, const char *format, ...) {
    const size_t used = strlen(out->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text + used, sizeof out->text - used, format, arguments);
    va_end(arguments);
}

static void add_symbol(const struct look *look, const struct view *view, uint64_t address, struct instruction *out) {
    char name[128];
    if (*symbols_name(look->symbols, (int)view->level, address, name, sizeof name)) add(out, " <%s>", name);
}

static const char *const general[16] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
static const char *const segments[8] = {"es", "cs", "ss", "ds", "fs", "gs", "?", "?"};

static void add_general(struct instruction *out, unsigned number, unsigned size) {
    if (number >= 8)
        add(out, "r%u%s", number, size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "");
    else if (size == 1)
        add(out, "%cl", general[number][0]);
    else
        add(out, "%s%s", size == 8 ? "r" : size == 4 ? "e" : "", general[number]);
}

static void add_register(struct instruction *out, const struct operand *o) {
    static const char high[] = "acdb";
    static const char *const classes[] = {
        [REG_CR] = "cr", [REG_DR] = "dr", [REG_MMX] = "mm", [REG_BND] = "bnd", [REG_MASK] = "k"};
    if (o->class == REG_GPR && o->size == 1 && o->number >= 4 && o->number < 8)
        add(out, "%sl", general[o->number]);
    else if (o->class == REG_GPR)
        add_general(out, o->number, o->size);
    else if (o->class == REG_GPR8H)
        add(out, "%ch", high[o->number & 3]);
    else if (o->class == REG_SEG)
        add(out, "%s", segments[o->number & 7]);
    else if (o->class == REG_X87)
        add(out, "st%u", o->number);
    else if (o->class == REG_XMM)
        add(out, "%cmm%u", o->size == 32 ? 'y' : 'x', o->number);
    else
        add(out, "%s%u", classes[o->class], o->number);
}

static uint64_t cut(uint64_t value, unsigned bytes) {
    return bytes >= 8 || !bytes ? value : value & ~(~0ull << 8 * bytes);
}

static bool has_register(const struct insn *i) {
    for (unsigned n = 0; n < i->operand_count; n++)
        if (i->operand[n].kind == OPERAND_REG) return true;
    return false;
}

static void add_size(struct instruction *out, const struct insn *i, const struct operand *o) {
    static const struct {
        unsigned bytes;
        const char *name;
    } sizes[] = {{1, "byte"}, {2, "word"}, {4, "dword"}, {8, "qword"}, {10, "tbyte"}, {16, "xmmword"}, {32, "ymmword"}};
    for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++)
        if (sizes[n].bytes == o->size && !has_register(i)) add(out, "%s ptr ", sizes[n].name);
}

static void add_memory(const struct look *look, const struct view *view, struct instruction *out, const struct insn *i,
                       const struct operand *o) {
    const bool based = i->base != REG_NONE || i->index != REG_NONE;
    const uint64_t at =
        cut((uint64_t)i->displacement + (i->base == REG_RIP ? out->address + i->length : 0), i->address_size);
    add_size(out, i, o);
    if (i->segment_override) add(out, "%s:", segments[i->segment & 7]);
    if (!based || i->base == REG_RIP || o->kind == OPERAND_MOFFS) {
        add(out, "[0x%" PRIx64 "]", at);
        add_symbol(look, view, at, out);
        return;
    }
    add(out, "[");
    if (i->base != REG_NONE) add_general(out, i->base, i->address_size);
    if (i->index != REG_NONE) {
        add(out, i->base != REG_NONE ? "+" : "");
        add_general(out, i->index, i->address_size);
        if (i->address_size != 2) add(out, "*%u", 1u << i->scale);
    }
    if (i->displacement > 0) add(out, "+0x%" PRIx64, (uint64_t)i->displacement);
    if (i->displacement < 0) add(out, "-0x%" PRIx64, 0 - (uint64_t)i->displacement);
    add(out, "]");
}

// Immediates of 16 bits, whatever the operand size: bytes of the stack.
static bool is_word(const struct insn *i) {
    return strcmp(i->row->mnemonic, "ret") == 0 || strcmp(i->row->mnemonic, "enter") == 0;
}

static void add_operand(const struct look *look, const struct view *view, struct instruction *out, const struct insn *i,
                        const struct operand *o) {
    const bool second = o > i->operand && o[-1].kind == OPERAND_IMM;
    const uint64_t target = cut(out->address + i->length + (uint64_t)i->immediate, o->size);
    switch ((enum operand_kind)o->kind) {
    case OPERAND_NONE: break;
    case OPERAND_REG: add_register(out, o); break;
    case OPERAND_MEM:
    case OPERAND_MOFFS: add_memory(look, view, out, i, o); break;
    case OPERAND_IMM:
        add(out, "0x%" PRIx64, cut(second ? i->immediate2 : (uint64_t)i->immediate, is_word(i) ? 2 : o->size));
        break;
    case OPERAND_FAR: add(out, "0x%x:0x%" PRIx64, i->far_selector, (uint64_t)i->displacement); break;
    case OPERAND_REL:
        add(out, "0x%" PRIx64, target);
        add_symbol(look, view, target, out);
        break;
    }
}

static enum instruction_kind kind_of(const struct insn *i) {
    const char *name = i->row->mnemonic;
    if (strncmp(name, "call", 4) == 0 || strncmp(name, "int", 3) == 0) return INSTRUCTION_CALL;
    if (strncmp(name, "ret", 3) == 0 || strncmp(name, "iret", 4) == 0) return INSTRUCTION_RETURN;
    return i->rep && i->row->traits & T_REP ? INSTRUCTION_REPEAT : INSTRUCTION_PLAIN;
}

// Names that tell the size, of the operand or (JRCXZ) of the address: 1, 2, 4, 8 bytes.
static const struct sized {
    const char *row, *name[4];
} sized[] = {
    {"ins", {"insb", "insw", "insd", "insd"}},      {"outs", {"outsb", "outsw", "outsd", "outsd"}},
    {"movs", {"movsb", "movsw", "movsd", "movsq"}}, {"cmps", {"cmpsb", "cmpsw", "cmpsd", "cmpsq"}},
    {"stos", {"stosb", "stosw", "stosd", "stosq"}}, {"lods", {"lodsb", "lodsw", "lodsd", "lodsq"}},
    {"scas", {"scasb", "scasw", "scasd", "scasq"}}, {"pushf", {"", "pushf", "pushfd", "pushfq"}},
    {"popf", {"", "popf", "popfd", "popfq"}},       {"pusha", {"", "pusha", "pushad", "pushad"}},
    {"popa", {"", "popa", "popad", "popad"}},       {"iret", {"", "iret", "iretd", "iretq"}},
    {"cbw", {"", "cbw", "cwde", "cdqe"}},           {"cwd", {"", "cwd", "cdq", "cqo"}},
    {"jrcxz", {"", "jcxz", "jecxz", "jrcxz"}},
};

static const char *name_of(const struct insn *i) {
    const char *name = i->row->mnemonic;
    const unsigned bytes = strcmp(name, "jrcxz") == 0 ? i->address_size : i->operand_size;
    for (unsigned n = 0; n < sizeof sized / sizeof *sized; n++)
        if (strcmp(sized[n].row, name) == 0) return sized[n].name[bytes == 8 ? 3 : bytes == 4 ? 2 : bytes == 2 ? 1 : 0];
    return name;
}

// A far RET is known by its opcode, a far CALL or JMP by its operand.
static bool is_far(const struct insn *i) {
    const char *name = i->row->mnemonic;
    if (strcmp(name, "ret") == 0) return (i->opcode & 0xfe) == 0xca;
    return (strcmp(name, "jmp") == 0 || strcmp(name, "call") == 0) && strchr(i->row->operands, 'p');
}

static void write_text(const struct look *look, const struct view *view, const struct insn *i,
                       struct instruction *out) {
    if (i->lock) add(out, "lock ");
    if (i->rep && i->row->traits & T_REP) add(out, i->rep == 0xf2 ? "repne " : "rep ");
    add(out, "%s%s", name_of(i), is_far(i) ? " far" : "");
    // The operands of a string instruction are those that there always are.
    for (unsigned n = 0; n < i->operand_count && !(i->row->traits & T_STRING); n++) {
        add(out, n ? ", " : " ");
        add_operand(look, view, out, i, &i->operand[n]);
    }
}

bool disassemble(const struct look *look, const struct view *view, enum space space, uint64_t address,
                 unsigned code_bits, struct instruction *out) {
    struct insn insn;
    const unsigned bits = code_bits ? code_bits : view_code_bits(view);
    const enum code_size size = bits == 64 ? CODE_64 : bits == 32 ? CODE_32 : CODE_16;
    *out = (struct instruction){.address = address};
    out->readable = (unsigned)view_read(view, space, address, out->bytes, sizeof out->bytes);
    const enum decode_error error = decode(view->cpu->wire.decoder, size, out->bytes, out->readable, &insn);
    if (!out->readable || error != DECODE_OK) {
        add(out, out->readable ? "(bad)" : "(cannot be read: walk explains)");
        return false;
    }
    out->length = insn.length;
    out->kind = kind_of(&insn);
    write_text(look, view, &insn, out);
    return true;
}
