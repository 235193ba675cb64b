// From the rows of a lab and a run: what is done, and the answer to what is not; see claim.h.
#include "labs/check/claim.h"

static bool fails(const struct claim *c, const struct trial *trial) {
    return c->is(trial) == (c->kind == CLAIM_MISTAKE);
}

// The first row of the kind and exercise that fails. NULL: none.
static const struct claim *first(const struct lab *lab, unsigned kind, unsigned exercise, const struct trial *trial) {
    for (unsigned i = 0; i < lab->claims; i++) {
        const struct claim *c = &lab->claim[i];
        if (c->kind == kind && (!c->exercise || c->exercise == exercise) && fails(c, trial)) return c;
    }
    return NULL;
}

// A mistake of any exercise of the lab that is about the same moment, and knows more of it.
static const struct claim *more_of(const struct lab *lab, const struct claim *mistake, const struct trial *trial) {
    const struct moment *at = mistake ? mistake->at(trial) : NULL;
    for (unsigned i = 0; at && i < lab->claims; i++) {
        const struct claim *c = &lab->claim[i];
        if (c->kind == CLAIM_MISTAKE && fails(c, trial) && c->at(trial) == at) return c;
    }
    return mistake;
}

static const struct claim *judge(const struct lab *lab, unsigned exercise, const struct trial *trial) {
    const struct claim *mistake = first(lab, CLAIM_MISTAKE, exercise, trial);
    const struct claim *wanted = first(lab, CLAIM_WANT, exercise, trial);
    if (mistake || !wanted) return mistake;
    mistake = more_of(lab, first(&lab_common, CLAIM_MISTAKE, exercise, trial), trial);
    return mistake ? mistake : wanted;
}

// When all is done that was wanted, nothing may have gone wrong beside.
struct verdict verdict_of(const struct lab *lab, const struct trial *trial) {
    struct verdict v = {.lab = lab};
    for (; v.exercises < EXERCISES && lab->exercise[v.exercises]; v.exercises++) {
        const struct claim *c = judge(lab, v.exercises + 1, trial);
        v.done[v.exercises] = !c;
        if (c && !v.claim) v.claim = c, v.exercise = v.exercises + 1;
    }
    if (v.claim || !(v.claim = first(&lab_common, CLAIM_MISTAKE, v.exercises, trial))) return v;
    v.exercise = v.exercises;
    v.done[v.exercises - 1] = false;
    return v;
}
