// One lab, made of its rows: compiled once for each claims.def, which CLAIMS names; LAB is the name of what it makes.
//
//   SETUP("title", "cpu", timing, steps)     what it runs on, for how long at most
//   START(name)                              the answer that the starting point gets
//   EXERCISE("what is to be done")           in their order
//   MISTAKE(exercise, name, is, at, "found", found, "what happened", "section", "what to look at next")
//   WANT(exercise, name, holds, at, "found", found, "what is missing", "section", "what to look at next")
//
// exercise   its number; 0: any. `is`, `holds`: conditions (words.h). at: the moment that is shown; NOWHERE. found: a
// value that is shown, with its name; "", 0: none. Names are those of the files in wrong/, each of which gets the
// answer.
//
// The first exercise with a mistake that happened, or something wanted that does not hold, gets the answer: its first
// mistake in the order of the rows, then a mistake of common.def, then what is wanted.
#include "labs/check/claim.h"
#include "labs/check/words.h"

#define NOWHERE NULL
#define SETUP(title, cpu, timing, steps)
#define START(name)
#define EXERCISE(text)
#define ROW(name, condition, shown, value)                                                                             \
    static bool is_##name(const struct trial *r) { return (void)r, (condition); }                                      \
    static const struct moment *at_##name(const struct trial *r) { return (void)r, (shown); }                          \
    static uint64_t found_##name(const struct trial *r) { return (void)r, (uint64_t)(value); }
#define MISTAKE(exercise, name, is, at, found_name, found, ...) ROW(name, is, at, found)
#define WANT(exercise, name, holds, at, found_name, found, ...) ROW(name, holds, at, found)
#include CLAIMS
#undef MISTAKE
#undef WANT

#define MISTAKE(exercise, name, is, at, found_name, found, what, section, next)                                        \
    {CLAIM_MISTAKE, exercise, #name, is_##name, at_##name, found_name, found_##name, what, section, next},
#define WANT(exercise, name, holds, at, found_name, found, what, section, next)                                        \
    {CLAIM_WANT, exercise, #name, is_##name, at_##name, found_name, found_##name, what, section, next},
static const struct claim claims[] = {
#include CLAIMS
};
#undef MISTAKE
#undef WANT
#undef EXERCISE
#undef SETUP
#undef START

#define MISTAKE(...)
#define WANT(...)
#define SETUP(title, cpu, timing, steps)
#define START(name)
#define EXERCISE(text) text,
static const char *const exercises[] = {
#include CLAIMS
    NULL};
#undef EXERCISE
#undef SETUP
#undef START

#define EXERCISE(text)
#define SETUP(title, cpu, timing, steps) .setup = {title, cpu, timing, steps},
#define START(name) .start = #name,
const struct lab LAB = {.folder = FOLDER,
#include CLAIMS
                        .exercise = exercises,
                        .claim = claims,
                        .claims = sizeof claims / sizeof *claims};
