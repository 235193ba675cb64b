// Makes copies of sources in which expressions are changed, all of them at once: an expression E that would become F is
// written `(MUTANT(n) ? F : E)`, and the program that is built of the copies asks at its start which n it is to be.
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_PUNCTUATOR };
struct token {
    enum token_kind kind;
    const char *space; // what stands before it: spaces, comments
    const char *start, *end;
    unsigned line;
    bool begins_line; // first of a line that does not continue another
};
// All tokens of a text that ends with 0; the last is TOKEN_END.
struct token *tokens_of(const char *text);
bool token_is(const struct token *t, const char *text);
unsigned token_match(const struct token *t, unsigned open); // the bracket that closes this one

// A row's macro and those of its arguments that are expressions.
struct row_kind {
    char name[32];
    unsigned columns[4];
    unsigned count;
};

struct mutator {
    const char *file;
    const struct token *t;
    FILE *copy, *list;
    unsigned mutants;
    char context[80]; // the row, function or macro
    const struct row_kind *rows;
    unsigned row_kinds;
};

// Tokens [from, to) as they are, as one line without comments, with expressions changed.
void copy_as_is(struct mutator *m, unsigned from, unsigned to);
void copy_in_a_line(struct mutator *m, FILE *to, unsigned from, unsigned end);
void copy_expression(struct mutator *m, unsigned from, unsigned to);
void copy_statements(struct mutator *m, unsigned from, unsigned to);
void copy_initialiser(struct mutator *m, unsigned from, unsigned to); // between its braces

// A whole file: rows of tables (.def), or functions and macros.
void copy_rows(struct mutator *m);
void copy_source(struct mutator *m);

#endif
