// The decoder of the fullest CPU model, VT-x included.
#ifndef TESTS_DECODE_MODEL_H
#define TESTS_DECODE_MODEL_H
#include "cpu/decode/insn.h"
#include "cpu/state/model.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmx.h"

static inline bool model_has(const void *model, unsigned feature) {
    return cpu_model_has(model, (enum feature)feature);
}
static inline struct decoder *model_decoder(const struct cpu_model *model) {
    struct row_set sets[] = {cpu_rows, vmx_rows};
    struct decoder *decoder = decoder_new(sets, 2, model_has, model);
    if (!decoder) bail("a row's notation is not understood, or no memory");
    return decoder;
}

#endif
