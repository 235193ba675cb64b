// Expressions as C has them, over 64-bit unsigned numbers: registers, memory, VMCS fields, MSRs, exit reasons, symbols.
//     rip + 4    *(u32*)rsp    u16[rsp + 2]    [gpa:0x1000]    reason == EPT_VIOLATION && gpa < 0x1000    GUEST_RIP
#ifndef MONITOR_EXPRESSION_H
#define MONITOR_EXPRESSION_H
#include "devices/asking/place.h"
#include "monitor/expression/look.h"

enum { EXPRESSION_NODES = 64 };
struct expression {
    unsigned count;
    struct expression_node {
        uint8_t op;           // of expression.c
        uint8_t left, right;  // operands: nodes
        uint8_t bytes, space; // memory: size, bit 7: signed; enum space
        uint64_t value;       // number; or which name
    } node[EXPRESSION_NODES];
};

// Takes "gpa:" and its like off; linear when none is there.
enum space take_space(const char **text);
// Compiles the longest expression at *text and moves on past it. False after an error.
bool expression_compile(const struct look *look, const char **text, struct expression *expression);
// False, with one line in `error`, when memory cannot be read, a level does not have the register, or for x / 0.
bool expression_value(const struct expression *expression, const struct view *view, uint64_t *value, char *error,
                      size_t error_size);
// What must be seen (BIT(enum observe)), or which memory stored to, for the value to change. Memory at an address that does
// not change becomes the physical memory there, of an expression over memory alone that which the view's tables have
// now, as `asked` memory does. `named`: it is of a level that may run or not. False: the value may change at any step.
enum { EXPRESSION_MEMORIES = 8 };
struct expression_watch {
    uint64_t sights;
    unsigned memories;
    struct place memory[EXPRESSION_MEMORIES];
};
bool expression_watch(struct expression *expression, const struct view *view, bool named,
                      struct expression_watch *out);
// Where memory of an address space lies now. False: it is not mapped.
bool expression_physical(const struct view *view, enum space space, uint64_t address, uint64_t *physical);
// For who asks at each step, of the level that runs, without a view: an expression over registers alone that always has
// a value. False: it is none.
struct expression_quick {
    unsigned count;
    struct expression_quick_node {
        uint8_t op, left, right, third;
        uint8_t bytes;  // of a register at an offset in struct cpu
        uint64_t value; // of a number; or that offset
    } node[EXPRESSION_NODES];
};
bool expression_quicken(const struct expression *expression, const struct view *view, struct expression_quick *quick);
struct cpu;
uint64_t expression_quick_value(const struct expression_quick *quick, const struct cpu *cpu);
// The name of what only catch and watch see, like port; NULL: there is none in it.
const char *expression_sight_name(const struct expression *expression);
bool expression_reads_memory(const struct expression *expression); // anywhere in it
// Whether it is the value of memory, like u32[rsp]; where that is, and how large.
bool expression_is_memory(const struct expression *expression);
bool expression_memory(const struct expression *expression, const struct view *view, enum space *space, uint64_t *bytes,
                       uint64_t *address, char *error, size_t error_size);

enum name_kind { NAME_NONE, NAME_NUMBER, NAME_REGISTER, NAME_FIELD, NAME_MSR };
struct name {
    enum name_kind kind;
    uint64_t value; // of the number; the index of the register, field or MSR
};

// --- in commands ---
// [@LEVEL:][linear:|gpa:|phys:]EXPRESSION or [@LEVEL:]FILE:LINE: the view of that level, the address space, the value.
struct location {
    struct view view;
    enum space space;
    uint64_t address;
};
bool take_place(const struct look *look, const char **text, struct location *place);
// The same, also for a level that has not run yet: the expression is then evaluated where the processor is.
bool take_future_place(const struct look *look, const char **text, struct location *place);
// The same, for memory that is meant: of u32[0x1000] the place, and in *bytes the size; else *bytes is left alone.
bool take_memory_place(const struct look *look, const char **text, struct location *place, uint64_t *bytes);
// [@LEVEL:]EXPRESSION.
bool take_value(const struct look *look, const char **text, uint64_t *value);
// [@LEVEL:] alone; also for a level that has not run yet.
bool take_view(const struct look *look, const char **text, struct view *view);
bool take_future_view(const struct look *look, const char **text, struct view *view);
// [@LEVEL:]REGISTER | MSR | VMCS-FIELD | MEMORY | ADDRESS[, BYTES] | vmcs:ADDRESS:FIELD | DEVICE[N].FIELD[[N]]: one
// value, and what it is called. Memory is where the level's tables have it at this moment, and a field is that of the
// level's present VMCS. A register or an MSR of a named level is meant as of each moment: on the processor while the
// level runs, else in its VMCS. (asked_take.c)
enum { ASKED_PIECES = 18, ASKED_BYTES = 128 };
struct asked {
    struct place place;
    unsigned pieces;                  // of memory that is more than one value, or lies in two pages: more than 1, with
    struct place piece[ASKED_PIECES]; // the first of which is `place`
    struct view view;
    char name[120];
    bool of_level; // no place: `register_name` of `level`
    int level;
    struct name register_name;
};
bool take_asked(const struct look *look, const char **text, struct asked *asked);
// The same of memory of up to ASKED_BYTES bytes, in any pages.
bool take_asked_range(const struct look *look, const char **text, struct asked *asked);
// There must be nothing left.
bool take_end(const struct look *look, const char *text);

// --- names (expression_name.c) ---
// `look` is for symbols, and may be NULL without.
struct name name_find(const struct look *look, const char *text, bool symbols);
bool name_value(const struct view *view, enum name_kind kind, uint64_t index, uint64_t *value, char *error,
                size_t error_size);
// Writes a register, an MSR or a VMCS field of the level. False, with one line in `error`, when it cannot be written.
bool name_set(const struct view *view, const struct name *name, uint64_t value, char *error, size_t error_size);
// What must be seen for it to change (BIT(enum observe)), of what lives in no one place: the level that runs, its VMCS, the last VM exit; else 0.
uint64_t name_sights(const struct name *name);
bool name_is_of_sight(const struct name *name); // known only where catch or watch sees something
// Whether a level has it whether it runs or waits, as far as it is known: a register that can be set, or an MSR.
bool name_is_of_level(const struct view *view, const struct name *name);
// Where it lives. False, with one line in `error`, when it lives in no one place.
bool name_place(const struct view *view, const struct name *name, struct place *place, char *error, size_t error_size);
void expression_help(const struct look *look); // help expressions
const char *name_at(unsigned index);           // every name but those of symbols; NULL past the last

#endif
