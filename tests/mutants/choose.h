// Which mutant this program is, and which it reached. Only for the copies that tests/mutants makes.
#ifndef MUTANT
extern unsigned mutant_chosen;
enum { MUTANTS = MUTANTS_ALL };
extern unsigned char mutant_reached[MUTANTS];
#define MUTANT(n) (mutant_reached[n] = 1, mutant_chosen == (n))
// BY(group, name) of a rule, where it is an expression.
#define MUTANT_BY(n, ...) MUTANT_BY_VALUE(n, BY(__VA_ARGS__))
#define MUTANT_BY_VALUE(n, ...) MUTANT_THIRD(__VA_ARGS__, MUTANT_BY_TWO, MUTANT_BY_ONE, 0)(n, __VA_ARGS__)
#define MUTANT_THIRD(a, b, c, ...) c
#define MUTANT_BY_ONE(n, value) (MUTANT(n) ? true : (value))
#define MUTANT_BY_TWO(n, ...) __VA_ARGS__
#endif
