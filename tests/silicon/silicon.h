// One instruction on the host's own processor and on the modelled one, from the same whole user-level state: general,
// segment, x87 and XMM registers, flags, memory; and how it ended: vector, error code, CR2.
//
// Both see the pages of place.def and nothing else. The host's side is a traced process that has nothing else mapped
// (native.c), the model's runs under the tables of an operating system like the host's (modelled.c).
#ifndef TESTS_SILICON_H
#define TESTS_SILICON_H
#include "cpu/decode/insn.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "tests/insn/fx_image.h"

enum place_rights { R = 1, W = 2, X = 4 };
enum {
    PLACE_CODE = 0x10000000,
    PLACE_CODE_END = 0x10002000, // the page behind is absent
    PLACE_PAGES = 6,
    PLACE_BYTES = PLACE_PAGES * 4096,
    CASE_BYTES = 20,
};
// Selectors of the local descriptor table (segment.def) have the table indicator and RPL 3.
#define LDT_SELECTOR(index) ((uint16_t)(8 * (index) + 7))
struct segment_row {
    uint32_t base, limit, rights;
};
const struct segment_row *segment_find(uint16_t selector);                   // of any user segment; NULL: null, or none
enum user_selector { USER_CS_32 = 0x23, USER_DS = 0x2b, USER_CS_64 = 0x33 }; // Linux's

struct silicon_state {
    uint64_t gpr[16], rip, rflags;
    uint16_t selector[6]; // ES CS SS DS FS GS
    uint64_t fs_base, gs_base;
    struct fx_image fx;
    // How it ended; not meaningful in a state to begin with.
    unsigned vector;
    uint64_t error_code, cr2; // CR2 for #PF, else 0
};

// One instruction to try, at state.rip.
struct silicon_case {
    uint64_t number;
    enum code_size size;
    uint8_t bytes[CASE_BYTES];
    unsigned present; // bytes of them that are in memory, up to the border of the code or what fills it
    bool decoded;     // by the model, if all were there
    uint64_t operand; // linear address at which an operand in memory was aimed; 0: it may lie anywhere
    struct insn insn;
    struct silicon_state state;
};

// The page of shared memory and the offset in it where a linear address is; NULL: absent.
uint8_t *place_at(uint8_t *memory, uint64_t linear);

// --- the host, native.c ---
bool native_open(const char **why); // false: it cannot be done here; what the host has is known all the same
void native_close(void);
// Memory is the caller's to fill before; afterwards it is as the instruction left it.
void native_run(const struct silicon_case *c, struct silicon_state *out);
uint8_t *native_memory(void);
uint64_t native_flags(uint64_t wanted); // what RFLAGS will be when asked for these
bool native_has(unsigned feature);      // of cpu/state/feature.def
bool native_is_intel(void);
void native_take_for_intel(bool intel);
bool native_has_fsgsbase(void); // CR4.FSGSBASE
bool native_has_ldt(void);
bool native_can(enum code_size size);                                      // whether the traced process runs such code
bool native_descriptor(unsigned index, uint32_t *rights, uint32_t *limit); // of the GDT; false: not for this level

// --- what is tried, draw.c ---
// Case `number` of a campaign: memory (PLACE_BYTES) is filled too. The same every time.
void draw_case(const struct decoder *decoder, enum code_size size, uint64_t seed, uint64_t number,
               struct silicon_case *c, uint8_t *memory);

// --- the model, modelled.c ---
struct modelled;
struct modelled *modelled_new(const char *cpu, bool ldt); // `ldt`: with the segments of segment.def
void modelled_free(struct modelled *m);
void modelled_run(struct modelled *m, const struct silicon_case *c, struct silicon_state *out);
uint8_t *modelled_memory(struct modelled *m);
const struct decoder *modelled_decoder(const struct modelled *m);
const struct cpu_model *modelled_model(const struct modelled *m);

#endif
