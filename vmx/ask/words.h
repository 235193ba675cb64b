// The words that rows of rules read something with: of exits.def, changes.def and vmx/entry/check.def. `c` is the
// struct ask. With ASK_RECORD defined each notes what it read.
#ifndef VMX_WORDS_H
#define VMX_WORDS_H
#include "vmx/ask/ask.h"

#ifdef ASK_RECORD
uint64_t ask_note(const struct ask *c, struct vmx_read read);
// The rule wants `needed` of the bits `mask` of what was read with these words.
void ask_want(const struct ask *c, const char *words, uint64_t needed, uint64_t mask, enum vmx_want source);
#define ASK_WANT(words, needed, mask, source) ask_want(c, words, needed, mask, source)
#define ASK_READ(words, from, where, size, index, v)                                                                   \
    ask_note(                                                                                                          \
        c, (struct vmx_read){.what = words, .value = v, .space = from, .number = where, .bytes = size, .bit = index})
#else
#define ASK_READ(words, from, where, size, index, v) (v)
#define ASK_WANT(words, needed, mask, source) ((void)0)
#endif

#define field(X) ASK_READ("field(" #X ")", VMX_READ_FIELD, FIELD_##X, 0, 0, c->vmcs->field[FIELD_##X])
#define on(G, X)                                                                                                       \
    ASK_READ("on(" #G ", " #X ")", VMX_READ_CONTROL, FIELD_##G##_CONTROLS, 0, G##_##X,                                 \
             controls_##G(c->vmcs) >> G##_##X & 1)
#define memory_at(words, physical, size)                                                                               \
    ASK_READ(words, VMX_READ_MEMORY, physical, size, 0, ask_memory(c, physical, size))
#define state(words, v) ASK_READ(words, VMX_READ_STATE, 0, 0, 0, v)

// The control column of exits.def and changes.def.
#define BY(G, X) on(G, X)
#define ALWAYS true

#endif
