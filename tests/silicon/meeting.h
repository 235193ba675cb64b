// One instruction and what became of it on both sides.
#ifndef TESTS_SILICON_MEETING_H
#define TESTS_SILICON_MEETING_H
#include "tests/silicon/silicon.h"

// What is compared, in the order in which it is reported.
enum part {
    VECTOR = 1 << 0, // how it ended
    ERROR_CODE = 1 << 1,
    CR2 = 1 << 2,
    RIP = 1 << 3,
    GPR = 1 << 4,
    FLAGS = 1 << 5,
    SELECTOR = 1 << 6,
    BASE = 1 << 7, // of FS and GS
    STATUS = 1 << 8,
    CONTROL = 1 << 9,
    TAGS = 1 << 10,
    ST = 1 << 11,
    POINTERS = 1 << 12, // FIP, FDP, FOP
    XMM = 1 << 13,
    MXCSR = 1 << 14,
    MEMORY = 1 << 15,
    ALL = 0xffff,
};

// One instruction and what became of it.
struct meeting {
    const struct silicon_case *c;
    const struct silicon_state *host, *ours;
    const uint8_t *host_memory, *our_memory; // PLACE_BYTES each, afterwards
    // The opcode, whether or not the model decodes it: prefixes seen, map (enum opcode_map) and byte, ModRM.
    bool prefix_66, prefix_67, prefix_f2, prefix_f3, lock, vex;
    uint8_t rex, opcode, modrm;
    uint8_t map;
    unsigned prefixes; // how many, REX not counted
};

void meeting_parse(struct meeting *m, const struct silicon_case *c);
// Parts that differ, but for `undefined` bits of RFLAGS.
unsigned meeting_differs(const struct meeting *m, uint64_t undefined);
const char *part_name(unsigned part);

#endif
