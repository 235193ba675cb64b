// The record that the processor executes: one decoded instruction, bound to a handler specialised by form and width.
// Derived state: built from guest memory, dropped whenever that changes.
#ifndef CPU_OP_H
#define CPU_OP_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct op;
typedef enum outcome op_fn(struct cpu *cpu, const struct op *op);

// A stencil (cpu/engine/stencil.h) is compiled with the fields as addresses that are known once a block is: there they
// have the width of one. Records themselves exist in the narrow shape alone.
#ifdef VMXRAY_STENCIL
typedef uint64_t op_field, op_offset;
typedef int64_t op_immediate;
#else
typedef uint8_t op_field;
typedef uint16_t op_offset;
typedef int32_t op_immediate;
#endif

// Operand fields hold byte offsets from the start of struct cpu for general registers (gpr[16], then `zero`, `rip`
// and segment bases, all below 256), plain numbers for every other register class.
struct op {
    op_fn *fn;
    int64_t disp;      // displacement (RIP-relative: relative to the block's start); MOV r64's 64-bit immediate;
                       // near branch: target relative to the block's start; far pointer: offset
    op_immediate imm;  // immediate, sign-extended; far pointer: selector
    op_field dst, src; // first and second operand where they are registers
    op_field base, index;
    op_field scale;
    op_field segment_base; // byte offset of the segment base to add (64-bit mode: FS, GS or `zero`)
    uint8_t ea;      // 0: 64-bit address of base + index + disp, no segment checks; else EA_ bits: use op_linear_legacy
    op_field length; // bytes
    op_offset offset; // bytes from the block's start
    op_offset row;    // index into the model's rows (bodies shared by several rows; explanations)
};
#ifndef VMXRAY_STENCIL
_Static_assert(sizeof(struct op) == 32, "two records in a cache line");
#endif

// Bound instructions that are executed one after the other (cpu/engine/block.h).
enum { BLOCK_OPS = 32 }; // instructions in a block at most

struct code_page;
struct block {
    struct block *next; // same slot of the page
    uint32_t key;       // offset in the page | mode << 12; of a scratch block: the opcode if it is a branch's, else 0
    uint8_t count;      // instructions
    uint8_t points;     // how many of them are patched: run_point; their handlers are in the records after the end
    uint16_t bytes;
    struct code_page *page; // NULL: scratch
    struct block
        *link[2];    // where near branches went last (cpu/engine/run.h): [0] taken, [1] not taken, or after a call
    op_fn *first;    // of one that is still to be compiled: the first record's handler behind run_heating
    uint64_t heat;   // how many times more it runs before that (cpu/engine/tier.h)
    struct op ops[]; // count records, one that ends the block, then `points` with handlers and index in `row`
};

#define EA_LEGACY 0x80    // set in every non-zero op.ea
#define EA_ADDRESS32 0x40 // 32-bit address size; else 16-bit unless EA_ADDRESS64
#define EA_ADDRESS64 0x20
#define EA_SEGMENT 0x07 // segment register number

enum form {
    FORM_NONE,
    FORM_R,
    FORM_M,
    FORM_I,
    FORM_RR,
    FORM_RM,
    FORM_MR,
    FORM_RI,
    FORM_MI,
    FORM_RRR,
    FORM_RRM,
    // Handlers beside those of a form, chosen where a block shows that they do the same:
    FORM_M_BASED,
    FORM_RM_BASED,
    FORM_MR_BASED,
    FORM_MI_BASED, // the address is a base and a displacement
    FORM_R_QUIET,
    FORM_RR_QUIET,
    FORM_RI_QUIET,
    FORM_RM_QUIET,
    FORM_RM_BASED_QUIET, // the flags are left as they are
    FORM_COUNT
};
// Bits beside the form of a body's fast instances: memory operands that hit the fast TLB in 64-bit mode, no calls; of
// these, addresses of a base and a displacement alone; flags that nothing reads.
#define FORM_FAST 0x20
#define FORM_BASED 0x40
#define FORM_QUIET 0x80
#define FORM_BITS (FORM_FAST | FORM_BASED | FORM_QUIET)
enum width { W8, W16, W32, W64, WIDTH_COUNT };
// RR covers every pair of registers; a third operand that is an immediate is in op.imm and does not change the form.
// RRR and RRM: dst, src (VEX.vvvv), and `base` or memory.

// What a body does to the arithmetic flags. A body that says anything but FLAGS_UNKNOWN stops (a fault, an exit, a
// retry) in forms with memory operands only.
enum flag_effect {
    FLAGS_UNKNOWN, // it may read them, and it may stop
    FLAGS_NONE,    // neither reads nor writes any
    FLAGS_ADDRESS, // the same, and no form stops
    FLAGS_SOME,    // reads none but keeps some
    FLAGS_SHIFT,   // writes all if the count is not 0, none otherwise
    FLAGS_ALL,     // writes all, whatever they were
};

// What a row does: a handler for each form and width it can take (NULL where the form cannot occur).
struct body {
    const char *name;
    enum flag_effect effect;
    op_fn *fn[FORM_COUNT][WIDTH_COUNT];
};

#endif
