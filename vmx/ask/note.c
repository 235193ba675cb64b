// What a rule read, noted for those who explain it.
#define ASK_RECORD
#include "vmx/ask/words.h"

// In the order of their words: which operand of an expression is read first is the compiler's choice.
uint64_t ask_note(const struct ask *c, struct vmx_read read) {
    struct vmx_reads *r = c->reads;
    unsigned at = 0;
    int order = -1;
    if (!r) return read.value;
    while (at < r->count && (order = strcmp(r->read[at].what, read.what)) < 0) at++;
    if ((at < r->count && !order) || at == VMX_READS) return read.value;
    if (r->count < VMX_READS) r->count++;
    for (unsigned i = r->count - 1; i > at; i--) r->read[i] = r->read[i - 1];
    r->read[at] = read;
    return read.value;
}

void ask_want(const struct ask *c, const char *words, uint64_t needed, uint64_t mask, enum vmx_want source) {
    struct vmx_reads *r = c->reads;
    for (unsigned i = 0; r && i < r->count; i++) {
        if (strcmp(r->read[i].what, words) != 0) continue;
        r->read[i].needed = needed & mask;
        r->read[i].mask = mask;
        r->read[i].source = (uint8_t)source;
    }
}

const char *vmx_want_text(unsigned want) {
    static const char *const texts[WANTS] = {
#define WANT(name, where) [WANT_##name] = where,
#include "vmx/vmcs/want.def"
#undef WANT
    };
    return want < WANTS ? texts[want] : NULL;
}
