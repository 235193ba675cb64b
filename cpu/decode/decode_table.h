// The decoder's tables: what the notation of the rows (cpu/decode/insn.h) comes to. Private to cpu/decode*.c.
#ifndef CPU_DECODE_TABLE_H
#define CPU_DECODE_TABLE_H
#include "cpu/decode/insn.h"

// What is known of an instruction before its row is chosen, as a set of one-hot bits; a row accepts a set of them.
// The row fits when all facts are accepted.
enum fact {
    FACT_MODE_SHIFT = 0,     // 3: enum code_size
    FACT_PREFIX_SHIFT = 3,   // 4: enum mandatory_prefix
    FACT_W_SHIFT = 7,        // 2: REX.W or VEX.W
    FACT_L_SHIFT = 9,        // 3: VEX.L
    FACT_MOD_SHIFT = 12,     // 2: memory, register
    FACT_B_SHIFT = 14,       // 2: REX.B
    FACT_RM_SHIFT = 16,      // 8: ModRM.rm
    FACT_SIZE_16_SHIFT = 24, // 2: 66 and the mode make it 16 bits
    FACT_END = 26,
};
#define FACT(shift, value) (1u << ((unsigned)(shift) + (unsigned)(value)))
#define FACTS(shift, count) (((1u << (count)) - 1) << (shift))
#define FACTS_ALL ((1u << FACT_END) - 1)

enum mandatory_prefix { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 }; // as VEX.pp
enum opcode_space { SPACE_LEGACY, SPACE_VEX, SPACE_COUNT };
enum opcode_map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_COUNT }; // as VEX.mmmmm

// Where an operand is found.
enum operand_from {
    FROM_NOWHERE,
    FROM_REG,    // ModRM.reg
    FROM_RM,     // ModRM.rm, register or memory
    FROM_VVVV,   // VEX.vvvv
    FROM_OPCODE, // low three bits of the opcode
    FROM_FIXED,  // the row names the register
    FROM_STI,    // ST(i): ModRM.rm
    FROM_IMM,    // immediate
    FROM_ONE,    // the constant 1 of the shifts
    FROM_REL,    // relative branch
    FROM_FAR,    // direct far pointer
    FROM_MOFFS,  // offset without ModRM
    FROM_SOURCE, // string source, DS:rSI
    FROM_TARGET, // string destination, ES:rDI
};

// Operand types, SDM Vol. 2D, A.2.2. In letters where the SDM has letters.
enum operand_type {
    TYPE_NONE, // no size: "M" of LEA
    TYPE_B,
    TYPE_W,
    TYPE_D,
    TYPE_Q,
    TYPE_DQ,
    TYPE_QQ,
    TYPE_T,  // 80 bits
    TYPE_X,  // 128 or 256 bits by VEX.L
    TYPE_V,  // operand size
    TYPE_Y,  // 4 or 8 bytes: 8 when the operand size is 8
    TYPE_Z,  // 2 or 4 bytes: 2 when the operand size is 2
    TYPE_BS, // a byte, sign-extended to the operand size
};

struct operand_code {
    uint8_t from, class;
    uint8_t type;        // of the register (or only) alternative
    uint8_t type_memory; // of the memory alternative
    uint8_t number;      // FROM_FIXED
};

// One row, parsed.
struct pattern {
    const struct insn_row *row;
    struct operand_code operand[4];
    uint32_t accept; // facts
    uint8_t operand_count;
    uint8_t space, map, opcode;
    uint8_t reg_digit; // 0..7; REG_ANY
    bool has_modrm, plus_r, mod_ignored, uses_vvvv;
    bool mandatory_66;  // 66 is part of the opcode: it does not change the operand size
    bool mandatory_rep; // F3 or F2 is part of the opcode
};
#define REG_ANY 8

struct candidate {
    uint32_t accept;
    uint32_t pattern;
};
struct slot {
    uint16_t first, count;
}; // candidates

enum opcode_shape { SHAPE_UNDEFINED, SHAPE_PLAIN, SHAPE_MODRM };

struct decoder {
    struct pattern *patterns;
    struct candidate *candidates;
    uint32_t pattern_count, candidate_count;
    uint8_t shape[SPACE_COUNT][MAP_COUNT][256];       // enum opcode_shape
    struct slot slot[SPACE_COUNT][MAP_COUNT][256][8]; // by ModRM.reg; all eight alike without a ModRM byte
};

// Parses one row; false when its notation is not understood.
bool pattern_parse(const struct insn_row *row, struct pattern *pattern);

#endif
