// Runs one instruction on the modelled processor, from and to the same kind of state as the host's.
#ifndef TESTS_VECTOR_MODEL_H
#define TESTS_VECTOR_MODEL_H
#include "tests/cpu/flat.h"
#include "tests/vector/native.h"

// 64-bit mode with an IDT whose handlers tell the vector.
void machine_new(struct flat *f);
// Executes the instruction of `length` bytes at FLAT_CODE once.
void model_run(struct flat *f, struct state *s, unsigned length);
// What first differs, in words; NULL when nothing does.
const char *difference(const struct state *model, const struct state *host, char *text, size_t size);

#endif
