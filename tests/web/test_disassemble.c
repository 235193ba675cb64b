// Instructions as the page writes them, from the rows of our decoder (web/disassemble.c), judged by Zydis: the same
// mnemonic and the same operands, but for the words that assemblers may leave out.
#include "web/disassemble.c"
#include "tests/tap.h"
#include "vmx/vmcs/vmx.h"
#include <Zydis/Zydis.h>

const char *symbols_name(const struct symbols *symbols, int level, uint64_t address, char *text, size_t size) {
    (void)symbols, (void)level, (void)address, (void)size;
    return *text = 0, text;
}

static bool model_has(const void *model, unsigned feature) { return cpu_model_has(model, (enum feature)feature); }

static uint64_t state = 1;
static uint8_t random_byte(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(state >> 56);
}

static void zydis_text(ZydisMachineMode mode, ZydisStackWidth width, const uint8_t *bytes, uint64_t address, char *text,
                       size_t size, unsigned *length) {
    ZydisDecoder decoder;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatter formatter;
    *length = 0;
    ZydisDecoderInit(&decoder, mode, width);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, 15, &i, operands))) return;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterFormatInstruction(&formatter, &i, operands, i.operand_count_visible, text, size, address, NULL);
    *length = i.length;
}

static void leave_out(char *text, const char *word) {
    for (char *at; (at = strstr(text, word));) memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

// What follows from the rest, or is spelt otherwise by Zydis: sizes of memory operands, segments, ST(0), hints among
// the prefixes, XLAT without its B.
static void simplify(char *text) {
    static const char *const words[] = {
        "xmmword ptr ", "ymmword ptr ", "dword ptr ", "qword ptr ", "tbyte ptr ", "fword ptr ", "word ptr ",
        "*1",           "byte ptr ",    "cs:",        "ds:",        "es:",        "ss:",        "fs:",
        "gs:",          "st0, ",        "xacquire ",  "xrelease ",  "bnd ",       "notrack "};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) leave_out(text, words[i]);
    if (strcmp(text, "xlatb") == 0) text[4] = 0;
}

// What is left over differs in the width of far pointers, and where a branch in 32-bit code leads past zero.
static void compare(const struct decoder *decoder, enum code_size size, ZydisMachineMode mode, ZydisStackWidth width,
                    const char *name) {
    enum { TRIES = 200000, SHOWN = 10 };
    const struct look look = {0};
    const struct view view = {0};
    unsigned same = 0, all = 0, shown = 0;
    for (unsigned n = 0; n < TRIES; n++) {
        struct instruction out = {.address = 0x401000};
        struct insn insn;
        char judge[200];
        unsigned length;
        for (unsigned b = 0; b < 15; b++) out.bytes[b] = random_byte();
        if (decode(decoder, size, out.bytes, 15, &insn) != DECODE_OK) continue;
        zydis_text(mode, width, out.bytes, out.address, judge, sizeof judge, &length);
        if (length != insn.length) continue;
        out.length = insn.length;
        write_text(&look, &view, &insn, &out);
        simplify(out.text);
        simplify(judge);
        all++;
        const bool equal = strcmp(out.text, judge) == 0;
        same += equal;
        if (!equal && shown++ < SHOWN) diag("%s: ours \"%s\", Zydis \"%s\"", name, out.text, judge);
    }
    diag("%s: %u of %u are the same", name, same, all);
    ok(all > TRIES / 10 && same > all / 1000 * 995, "%s", name);
}

int main(void) {
    const struct cpu_model *model = cpu_model_at(0);
    struct row_set sets[] = {cpu_rows, vmx_rows};
    struct decoder *decoder = decoder_new(sets, 2, model_has, model);
    compare(decoder, CODE_64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, "64-bit");
    compare(decoder, CODE_32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32, "32-bit");
    compare(decoder, CODE_16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16, "16-bit");
    decoder_free(decoder);
    return done_testing();
}
