// Instructions as rows, and one decoded instruction.
//
// A row set is an X-macro file (cpu/insn/insn.def, vmx/insn/insn.def) of lines
//     INSN(encoding, mnemonic, operands, modes, feature, traits, body)
// encoding  the SDM's notation (Vol. 2A, 3.1.1): prefixes NP 66 F3 F2, REX.W, opcode bytes, /0../7, /r, ib iw id io,
//           +r (register in the opcode), VEX.LZ.0F38.W0 and so on
// operands  the opcode map's codes (Vol. 2D, A.2): "Ev,Gv", "Eb,Ib", "rAX,Iz", "Vps,Wps", ...
// modes     ANY, LONG (64-bit mode only), LEGACY (not in 64-bit mode)
// feature   enum feature: the row exists only in CPU models that list it
// traits    T_ bits below
// body      the name of a `const struct body` (cpu/engine/body.h): what it does
#ifndef CPU_INSN_H
#define CPU_INSN_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

enum insn_modes { ANY = 7, LONG = 4, LEGACY = 3 };

enum insn_traits {
    T_CPL0 = 1 << 0,     // #GP(0) unless CPL is 0 (decided when the block is built; comes before any VM exit)
    T_PROT = 1 << 1,     // #UD in real-address and virtual-8086 mode
    T_LOCK = 1 << 2,     // LOCK allowed with a memory destination; otherwise LOCK is #UD
    T_ALONE = 1 << 3,    // runs as a block of its own: at the body RIP, steps and cycles are exact
    T_END = 1 << 4,      // ends its block, continues at the next instruction
    T_BRANCH = 1 << 5,   // ends its block, the body sets cpu->rip
    T_D64 = 1 << 6,      // operand size defaults to 64 bits in 64-bit mode (push, pop, near branches use F64)
    T_F64 = 1 << 7,      // operand size is 64 bits in 64-bit mode whatever the prefixes
    T_X87 = 1 << 8,      // #NM if CR0.EM or CR0.TS
    T_MMX = 1 << 9,      // #UD if CR0.EM, #NM if CR0.TS
    T_SSE = 1 << 10,     // #UD if CR0.EM or not CR4.OSFXSR, #NM if CR0.TS
    T_AVX = 1 << 11,     // #UD unless CR4.OSXSAVE and XCR0[2:1] = 3, #NM if CR0.TS
    T_REP = 1 << 12,     // F3/F2 are repeat prefixes (string instructions)
    T_NOVM86 = 1 << 13,  // #UD in virtual-8086 mode only
    T_ALIGN16 = 1 << 14, // a 16-byte memory operand must be aligned: #GP(0)
    T_STRING = 1 << 15,  // string instruction
    T_SECOND = 1 << 16,  // the width is that of the second operand (OUT)
};

enum operand_kind { OPERAND_NONE, OPERAND_REG, OPERAND_MEM, OPERAND_IMM, OPERAND_REL, OPERAND_FAR, OPERAND_MOFFS };
enum register_class { REG_GPR, REG_GPR8H, REG_SEG, REG_CR, REG_DR, REG_X87, REG_MMX, REG_XMM, REG_BND, REG_MASK };

struct operand {
    uint8_t kind;   // enum operand_kind
    uint8_t class;  // enum register_class, for OPERAND_REG
    uint8_t number; // register number; AH..BH are class REG_GPR8H with number 0..3
    uint8_t size;   // bytes of the operand: 1, 2, 4, 8, 10, 16, 32, 64; 0 where the SDM gives none (lea, invlpg)
};

struct insn_row {
    const char *encoding, *mnemonic, *operands;
    uint8_t modes;
    uint16_t feature;
    uint32_t traits;
    const struct body *body; // NULL in tests that only decode
};

// One decoded instruction, independent of where it will run.
struct insn {
    const struct insn_row *row;
    struct operand operand[4];
    uint8_t operand_count;
    uint8_t length;       // bytes
    uint8_t operand_size; // bytes: 2, 4 or 8: the effective operand size (what "v" means); 1 where the row is a byte
                          // form; the element's of a string instruction
    uint8_t address_size; // bytes: 2, 4 or 8
    uint8_t rep;          // 0, 0xF2 or 0xF3: the last one seen (when not a mandatory prefix)
    bool lock;
    uint8_t rex;           // 0 or the REX prefix
    uint8_t segment;       // effective segment of the memory operand: 0..5 = ES CS SS DS FS GS
    bool segment_override; // an override prefix that has effect was given
    bool has_modrm;
    uint8_t modrm;
    // Memory operand: base + (index << scale) + displacement.
    uint8_t base, index;   // register number 0..15; REG_NONE; REG_RIP (base only)
    uint8_t scale;         // 0..3
    int64_t displacement;  // sign-extended; the full offset of a moffs; the offset of a far pointer
    int64_t immediate;     // sign-extended to the operand size and beyond; relative branches: the displacement
    uint8_t immediate2;    // second immediate (ENTER)
    uint16_t far_selector; // OPERAND_FAR
    uint8_t vex_l;         // 0: 128, 1: 256, 2: 512
    uint8_t vvvv;          // register number of VEX.vvvv (0..15)
    uint8_t opcode;        // the last opcode byte
};
#define REG_NONE 16
#define REG_RIP 17

enum decode_error {
    DECODE_OK,
    DECODE_UD,       // no row: #UD
    DECODE_TOO_LONG, // more than 15 bytes: #GP(0)
    DECODE_MORE,     // the given bytes end inside the instruction
};

enum code_size { CODE_16, CODE_32, CODE_64 };

// The decoder of one CPU model: tables built from the rows of the features that the model lists.
struct decoder;
struct row_set {
    const struct insn_row *rows;
    uint32_t count;
};
// `has_feature(model, f)` says whether enum feature f is listed. Returns NULL when memory is short.
struct decoder *decoder_new(const struct row_set *sets, uint32_t set_count, bool (*has_feature)(const void *, unsigned),
                            const void *model);
void decoder_free(struct decoder *decoder);
// Decodes at most 15 of `available` bytes. LOCK without T_LOCK and a memory destination is DECODE_UD.
enum decode_error decode(const struct decoder *decoder, enum code_size size, const uint8_t *bytes, unsigned available,
                         struct insn *insn);

extern const struct row_set cpu_rows; // cpu/insn/insn.def

#endif
