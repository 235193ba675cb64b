// Instructions as text; see disassemble.h.
#include "monitor/show/disassemble.h"
#include "monitor/symbols/symbols.h"
#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

static enum instruction_kind kind_of(const ZydisDecodedInstruction *i) {
    if (i->meta.category == ZYDIS_CATEGORY_CALL || i->meta.category == ZYDIS_CATEGORY_INTERRUPT)
        return INSTRUCTION_CALL;
    if (i->meta.category == ZYDIS_CATEGORY_RET) return INSTRUCTION_RETURN;
    const ZyanU64 repeats = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
    return i->attributes & repeats ? INSTRUCTION_REPEAT : INSTRUCTION_PLAIN;
}

static void decoder_init(ZydisDecoder *decoder, unsigned code_bits) {
    if (code_bits == 64)
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else if (code_bits == 32)
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    else
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
}

// The symbols of the addresses that the instruction names by itself, after its text.
static void append_symbols(const struct look *look, const struct view *view, const ZydisDecodedInstruction *i,
                           const ZydisDecodedOperand *operands, struct instruction *out) {
    char name[128];
    ZyanU64 address;
    for (unsigned n = 0; n < i->operand_count_visible; n++) {
        const ZydisDecodedOperand *o = &operands[n];
        bool relative = o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->imm.is_relative;
        if (!relative && o->type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
        if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(i, o, out->address, &address))) continue;
        if (!*symbols_name(look->symbols, (int)view->level, address, name, sizeof name)) continue;
        size_t used = strlen(out->text);
        snprintf(out->text + used, sizeof out->text - used, " <%s>", name);
    }
}

static void format(const struct look *look, const struct view *view, const ZydisDecodedInstruction *i,
                   const ZydisDecodedOperand *operands, struct instruction *out) {
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterFormatInstruction(&formatter, i, operands, i->operand_count_visible, out->text, sizeof out->text,
                                    out->address, NULL);
    append_symbols(look, view, i, operands, out);
}

bool disassemble(const struct look *look, const struct view *view, enum space space, uint64_t address,
                 unsigned code_bits, struct instruction *out) {
    ZydisDecoder decoder;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    *out = (struct instruction){.address = address};
    out->readable = (unsigned)view_read(view, space, address, out->bytes, sizeof out->bytes);
    if (!out->readable) {
        snprintf(out->text, sizeof out->text, "(cannot be read: walk explains)");
        return false;
    }
    decoder_init(&decoder, code_bits ? code_bits : view_code_bits(view));
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, out->bytes, out->readable, &instruction, operands))) {
        snprintf(out->text, sizeof out->text, "(bad)");
        return false;
    }
    out->length = instruction.length;
    out->kind = kind_of(&instruction);
    format(look, view, &instruction, operands, out);
    return true;
}
