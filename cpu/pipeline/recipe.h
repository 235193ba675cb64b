// An instruction as the pipeline sees it: which registers it reads and writes, what it does to memory, which row of
// micro_ops.def it is made of. A function of its bytes and the code size alone: derived.
#ifndef CPU_PIPELINE_RECIPE_H
#define CPU_PIPELINE_RECIPE_H
#include "cpu/decode/insn.h"
#include "cpu/state/timing.h"

// Registers whose readiness is kept. FLAG_Z stands for ZF, SF, PF, AF and OF.
enum timing_register {
    TIMED_GPR = 0,
    TIMED_FLAG_C = 16,
    TIMED_FLAG_Z,
    TIMED_VECTOR,                  // 16 of them
    TIMED_MMX = TIMED_VECTOR + 16, // 8; x87 too
    TIMED_OTHER = TIMED_MMX + 8,
    TIMED_NONE, // always ready
    TIMED_SINK, // written where there is nothing to write; never read
    TIMED_REGISTERS,
};

enum recipe_kind {
    RECIPE_LOAD = 1 << 0,
    RECIPE_STORE = 1 << 1,
    RECIPE_IMMEDIATE = 1 << 2, // an addition that can be done at rename
    RECIPE_SHIFT = 1 << 3,
    RECIPE_MOVE = 1 << 4,   // a register as it is: eliminated where the row says so
    RECIPE_VECTOR = 1 << 5, // memory operand of a vector register
    RECIPE_STRING = 1 << 6,
    RECIPE_LOCK = 1 << 7,
    RECIPE_PUSH = 1 << 8,   // stores below RSP
    RECIPE_POP = 1 << 9,    // loads at RSP
    RECIPE_LCP = 1 << 10,   // a prefix changes the length of the immediate
    RECIPE_WIDE = 1 << 11,  // 64-bit immediate
    RECIPE_LOGIC = 1 << 12, // flags of AND, OR, XOR, TEST
    RECIPE_USES_LOGIC = 1 << 13,
    RECIPE_EXTENDS = 1 << 14, // the load changes what it loaded (MOVSX, high byte)
    RECIPE_SERIAL = 1 << 15,
};
enum recipe_branch {
    BRANCH_NONE,
    BRANCH_CONDITIONAL,
    BRANCH_DIRECT,
    BRANCH_INDIRECT,
    BRANCH_CALL,
    BRANCH_CALL_INDIRECT,
    BRANCH_RETURN
};
// What VT-x's instructions do with VMCSs and what EPT has translated.
enum recipe_vtx { VTX_NONE, VTX_READ, VTX_WRITE, VTX_POINTER, VTX_INVEPT };
// Which conditions follow an instruction as one micro-operation: SDM Vol. 248966, 3.4.2.2.
enum recipe_fuse { FUSE_NOT, FUSE_ALL, FUSE_CARRY, FUSE_ZERO };

// How it passes the pipeline (shape.h): what can be known beforehand is decided where it is decoded.
// SHAPE(name, loads, stores, own micro-operations: 0, 1, branches, of what more: NOTHING, a SHIFT, a CONDITION of
// flags)
#define RECIPE_SHAPES(SHAPE)                                                                                           \
    SHAPE(ONE, false, false, 1, false, NOTHING)                                                                        \
    SHAPE(SHIFT, false, false, 1, false, SHIFT)                                                                        \
    SHAPE(CONDITION, false, false, 1, false, CONDITION)                                                                \
    SHAPE(LOAD, true, false, 0, false, NOTHING)                                                                        \
    SHAPE(LOAD_ONE, true, false, 1, false, NOTHING)                                                                    \
    SHAPE(STORE, false, true, 0, false, NOTHING)                                                                       \
    SHAPE(STORE_ONE, false, true, 1, false, NOTHING)                                                                   \
    SHAPE(LOAD_ONE_STORE, true, true, 1, false, NOTHING)                                                               \
    SHAPE(JUMP, false, false, 1, true, NOTHING)                                                                        \
    SHAPE(RETURN, true, false, 1, true, NOTHING)                                                                       \
    SHAPE(CALL, false, true, 1, true, NOTHING)
enum recipe_more { NOTHING, SHIFT, CONDITION };
enum recipe_shape {
    SHAPE_ANY,       // what is none of the others
    SHAPE_STRING,    // REP MOVS, REP STOS
    SHAPE_VTX,       // as SHAPE_ANY, and enum recipe_vtx says what more it does
    SHAPE_RENAMED,   // nothing is executed
    SHAPE_IMMEDIATE, // an addition that the renamer does when it can
    SHAPE_BRANCH,    // conditional
#define SHAPE(name, loads, stores, own, branches, more) SHAPE_##name,
    RECIPE_SHAPES(SHAPE)
#undef SHAPE
        SHAPE_COUNT
};

enum { RECIPE_SOURCES = 4 };
struct recipe {
    uint8_t shape; // enum recipe_shape
    union {
        uint8_t latency; // of its own micro-operation
        uint8_t late;    // SHAPE_ANY: cycles by which source[0] may come later
        uint8_t after;   // RECIPE_SERIAL: cycles from its end to the rename of the next
    };
    union {
        uint16_t ports; // of its own micro-operation
        uint16_t row;   // SHAPE_ANY: of micro_ops.def
    };
    uint16_t kind;                             // enum recipe_kind
    uint8_t source[RECIPE_SOURCES], target[2]; // enum timing_register; TIMED_NONE and TIMED_SINK: no more
    uint8_t flag_source[2], flag_target[2];    // CF, the others
    uint8_t base, index;                       // of the address
    uint8_t bytes;                             // of memory
    uint8_t length;                            // of the instruction
    uint8_t branch;                            // enum recipe_branch
    uint8_t fuse;                              // enum recipe_fuse; of a branch: what it wants
    union {
        int16_t immediate; // of RECIPE_IMMEDIATE
        struct {
            uint8_t vtx;   // enum recipe_vtx; where there is an immediate, none
            uint8_t field; // general register that holds the encoding of a field
        };
    };
};
_Static_assert(sizeof(struct recipe) <= sizeof(struct timing_note), "it lies beside the record");

struct core;
void recipe_make(const struct insn *insn, const struct core *core, struct recipe *out);

#endif
