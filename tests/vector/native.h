// Runs one instruction on the host's own processor, from and to a state in memory.
#ifndef TESTS_VECTOR_NATIVE_H
#define TESTS_VECTOR_NATIVE_H
#include <stdbool.h>
#include <stdint.h>

enum {
    NATIVE_CODE = 0x100000, // the instruction lies here, in the host process as in the modelled machine
    NATIVE_DATA = 0x300000, // its memory operand is somewhere in these bytes
    NATIVE_DATA_BYTES = 1024,
};

struct state {
    uint8_t fx[512] __attribute__((aligned(64))); // FXSAVE64 image
    uint64_t gpr[8];                              // RAX RCX RDX RBX (RSP RBP unused) RSI RDI
    uint64_t flags;                               // CF PF AF ZF SF OF
    uint8_t data[NATIVE_DATA_BYTES];
    int vector; // exception, or -1
};

// Whether the host has a feature of cpu/state/feature.def.
bool native_has(unsigned feature);
// Whether it is of the kind that is modelled, also in what the manual leaves to the implementation.
bool native_is_reference(void);
// Maps code and data at their addresses; false when the host does not let us.
bool native_open(void);
// Executes the instruction at NATIVE_CODE once.
void native_run(struct state *state);
void native_code(const uint8_t *bytes, unsigned length);

#endif
