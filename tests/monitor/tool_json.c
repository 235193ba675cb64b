// Whether standard input is one JSON text (RFC 8259): status 0; else 1, and the place where it is none.
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int now;
static unsigned long at;

static void next(void) {
    now = getchar();
    at++;
}

static void space(void) {
    while (now == ' ' || now == '\t' || now == '\n' || now == '\r') next();
}

static bool take(int wanted) {
    bool there = now == wanted;
    if (there) next();
    return there;
}

static bool word(const char *text) {
    for (; *text; text++)
        if (!take(*text)) return false;
    return true;
}

static bool string(void) {
    if (!take('"')) return false;
    while (now != '"') {
        if (now == EOF || now < 0x20) return false;
        bool escapes = take('\\');
        if (escapes && now == 'u') {
            next();
            for (unsigned i = 0; i < 4; i++, next())
                if (!isxdigit(now)) return false;
        } else {
            if (escapes && !strchr("\"\\/bfnrt", now)) return false;
            next();
        }
    }
    return take('"');
}

static bool digits(void) {
    if (!isdigit(now)) return false;
    while (isdigit(now)) next();
    return true;
}

static bool number(void) {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
}

static bool value(void);

static bool list(int end, bool named) {
    next();
    space();
    if (take(end)) return true;
    do {
        space();
        if (named && (!string() || (space(), !take(':')))) return false;
        if (!value()) return false;
    } while (take(','));
    return take(end);
}

static bool value(void) {
    space();
    bool good = now == '{'   ? list('}', true)
                : now == '[' ? list(']', false)
                : now == '"' ? string()
                : now == 't' ? word("true")
                : now == 'f' ? word("false")
                : now == 'n' ? word("null")
                             : number();
    space();
    return good;
}

int main(void) {
    next();
    if (value() && now == EOF) return 0;
    printf("no JSON at byte %lu\n", at);
    return 1;
}
