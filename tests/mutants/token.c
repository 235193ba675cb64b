// C as tokens, with what stands between them.
#include "tests/mutants/mutate.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const punctuators[] = {"<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=",
                                          "&&",  "||",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##"};

bool token_is(const struct token *t, const char *text) {
    size_t length = (size_t)(t->end - t->start);
    return t->kind != TOKEN_END && length == strlen(text) && !memcmp(t->start, text, length);
}

unsigned token_match(const struct token *t, unsigned open) {
    unsigned depth = 0;
    for (unsigned i = open; t[i].kind != TOKEN_END; i++) {
        if (token_is(&t[i], "(") || token_is(&t[i], "[") || token_is(&t[i], "{")) depth++;
        if ((token_is(&t[i], ")") || token_is(&t[i], "]") || token_is(&t[i], "}")) && --depth == 0) return i;
    }
    fprintf(stderr, "mutate: line %u: a bracket that nothing closes\n", t[open].line);
    exit(2);
}

// Past spaces and comments; *line counts, *new_line is set when a line ended that does not continue.
static const char *skip_space(const char *p, unsigned *line, bool *new_line) {
    for (;;) {
        if (p[0] == '\\' && p[1] == '\n') {
            ++*line;
            p += 2;
        } else if (*p == '\n') {
            ++*line;
            *new_line = true;
            p++;
        } else if (isspace((unsigned char)*p)) {
            p++;
        } else if (p[0] == '/' && p[1] == '/') {
            p += strcspn(p, "\n");
        } else if (p[0] == '/' && p[1] == '*') {
            for (p += 2; *p && !(p[0] == '*' && p[1] == '/'); p++) *line += *p == '\n';
            p += 2;
        } else {
            return p;
        }
    }
}

static const char *skip_text(const char *p) {
    char quote = *p++;
    while (*p && *p != quote) p += *p == '\\' ? 2 : 1;
    return p + 1;
}

static const char *skip_token(const char *p, enum token_kind *kind) {
    *kind = TOKEN_PUNCTUATOR;
    if (isalnum((unsigned char)*p) || *p == '_') {
        *kind = isdigit((unsigned char)*p) ? TOKEN_NUMBER : TOKEN_WORD;
        while (isalnum((unsigned char)*p) || *p == '_') p++;
        return p;
    }
    if (*p == '"' || *p == '\'') {
        *kind = TOKEN_TEXT;
        return skip_text(p);
    }
    for (unsigned i = 0; i < sizeof punctuators / sizeof *punctuators; i++)
        if (!strncmp(p, punctuators[i], strlen(punctuators[i]))) return p + strlen(punctuators[i]);
    return p + 1;
}

struct token *tokens_of(const char *text) {
    struct token *tokens = calloc(strlen(text) + 1, sizeof *tokens);
    unsigned count = 0, line = 1;
    const char *p = text;
    for (bool begins = true;; begins = false) {
        const char *space = p;
        p = skip_space(p, &line, &begins);
        struct token *t = &tokens[count++];
        *t = (struct token){.space = space, .start = p, .end = p, .line = line, .begins_line = begins};
        if (!*p) return tokens;
        t->end = p = skip_token(p, &t->kind);
    }
}
