// Every row of every model can be reached: an instance of it decodes to it. And every row's notation and body are
// sound.
#include "tests/decode/instance.h"
#include "tests/decode/model.h"
#include "cpu/decode/insn.h"

static bool reached(const struct decoder *decoder, const struct pattern *p, enum code_size size, uint64_t *seed) {
    for (unsigned i = 0; i < 200; i++) {
        struct instance n;
        struct insn insn;
        instance_make(&n, p, size, seed, i & 1);
        if (decode(decoder, size, n.bytes, 15, &insn) == DECODE_OK && insn.row == p->row) return true;
    }
    return false;
}

static void test_row(const struct decoder *decoder, const struct insn_row *row, uint64_t *seed) {
    struct pattern p;
    bool parsed = pattern_parse(row, &p);
    loop_check(parsed, "%s %s %s: notation", row->encoding, row->mnemonic, row->operands);
    if (!parsed) return;
    bool rex_w = p.space == SPACE_LEGACY && instance_needs(&p, FACT_W_SHIFT, 2, 1);
    for (unsigned size = rex_w ? CODE_64 : CODE_16; size <= CODE_64; size++)
        if (row->modes >> size & 1)
            loop_check(reached(decoder, &p, (enum code_size)size, seed), "%s %s %s in %u-bit code", row->encoding,
                       row->mnemonic, row->operands, 16u << size);
    loop_check(row->body, "%s %s: body", row->encoding, row->mnemonic);
}

static void test_model(const struct cpu_model *model) {
    struct decoder *decoder = model_decoder(model);
    struct row_set sets[] = {cpu_rows, vmx_rows};
    uint64_t seed = 7;
    loop_begin("every row of model %s is reached", model->name);
    for (unsigned s = 0; s < 2; s++)
        for (uint32_t i = 0; i < sets[s].count; i++)
            if (cpu_model_has(model, (enum feature)sets[s].rows[i].feature)) test_row(decoder, &sets[s].rows[i], &seed);
    loop_end();
    decoder_free(decoder);
}

int main(void) {
    for (unsigned i = 0; cpu_model_at(i); i++) test_model(cpu_model_at(i));
    return done_testing();
}
