// A lab as the checker has it: what its claims.def says (lab.c makes one of each).
#ifndef LABS_CLAIM_H
#define LABS_CLAIM_H
#include "labs/check/trial.h"

enum { CLAIM_WANT, CLAIM_MISTAKE };
struct claim {
    uint8_t kind, exercise; // exercise 0: of every one
    const char *name;
    bool (*is)(const struct trial *trial);
    const struct moment *(*at)(const struct trial *trial); // where it happened, or should have. NULL: nowhere
    const char *found_name;                                // "": nothing to show
    uint64_t (*found)(const struct trial *trial);
    const char *what, *section, *next;
};
struct lab {
    const char *folder; // "03-entry-fails"
    struct lab_setup setup;
    const char *const *exercise; // their titles, up to NULL
    const char *start;           // the answer that the starting point gets
    const struct claim *claim;
    unsigned claims;
};

// --- labs.c ---
const struct lab *lab_at(unsigned index);     // NULL past the last
const struct lab *lab_find(const char *name); // by number or folder; NULL: none
extern const struct lab lab_common;           // its claims are those of all labs

// What came of a run: which exercises are done, and the answer to the first that is not.
enum { EXERCISES = 8 };
struct verdict {
    const struct lab *lab;
    unsigned exercises;
    bool done[EXERCISES];
    const struct claim *claim; // NULL: all are done
    unsigned exercise;         // the answer is about this one, from 1
};
struct verdict verdict_of(const struct lab *lab, const struct trial *trial); // verdict.c

// --- answer.c, json.c ---
struct answer_place {
    char symbol[160];
    const char *file; // NULL: not known
    unsigned line;
    char text[200]; // of the line; "": not known
    uint64_t rip;
};
struct answer_place answer_place(const struct trial *trial, const struct moment *moment);
void answer_print(struct output *output, const struct trial *trial, const struct verdict *verdict);
void answer_json(struct output *output, const struct trial *trial, const struct verdict *verdict);
unsigned answer_facts(const struct trial *trial, const struct moment *moment, struct fact *facts, unsigned max);

#endif
