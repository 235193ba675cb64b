// Text that others wrote is fit for a terminal once it was escaped: examples of each kind, and random bytes, whose
// result is UTF-8 (as mbrtowc has it) without control characters.
#define _GNU_SOURCE
#include "monitor/files/escape.h"
#include "tests/tap.h"
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

struct text {
    char bytes[5000];
    size_t used;
};

static void put(void *context, const char *text, size_t bytes) {
    struct text *t = context;
    memcpy(t->bytes + t->used, text, bytes);
    t->used += bytes;
}

static void examples(void) {
    static const struct {
        const char *from, *lines, *one_line, *what;
    } rows[] = {{"plain ~ text", "plain ~ text", "plain ~ text", "plain text"},
                {"a\nb\tc", "a\nb\tc", "a\\nb\\tc", "newlines and tabs"},
                {"\033[2J\033]0;x\a", "\\x1b[2J\\x1b]0;x\\x07", NULL, "escape sequences"},
                {"\r\b\x7f\x01", "\\r\\x08\\x7f\\x01", NULL, "other C0 controls, DEL"},
                {"\x9b"
                 "31m",
                 "\\x9b31m", NULL, "a C1 control as one byte"},
                {"\xc2\x9b"
                 "31m",
                 "\\xc2\\x9b31m", NULL, "a C1 control as UTF-8"},
                {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", NULL, "UTF-8"},
                {"\xc0\x8a \xe0\x80\x8a \xf0\x80\x80\x8a", "\\xc0\\x8a \\xe0\\x80\\x8a \\xf0\\x80\\x80\\x8a", NULL,
                 "overlong forms"},
                {"\xed\xa0\x80 \xf4\x90\x80\x80 \xf8\x88\x80\x80\x80",
                 "\\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xf8\\x88\\x80\\x80\\x80", NULL, "surrogates, beyond 10FFFFH"},
                {"\xe2\x82", "\\xe2\\x82", NULL, "a character cut off"},
                {"\xe2\x80\xae"
                 "cba\xe2\x81\xa6\xef\xbb\xbf",
                 "\\xe2\\x80\\xaecba\\xe2\\x81\\xa6\\xef\\xbb\\xbf", NULL, "direction and invisible ones"},
                {"", "", "", "nothing"}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text lines = {.used = 0}, one = {.used = 0};
        escape_to(put, &lines, rows[i].from, strlen(rows[i].from), ESCAPE_LINES);
        escape_to(put, &one, rows[i].from, strlen(rows[i].from), ESCAPE_ONE_LINE);
        ok(strcmp(lines.bytes, rows[i].lines) == 0 &&
               strcmp(one.bytes, rows[i].one_line ? rows[i].one_line : rows[i].lines) == 0,
           "%s: %s", rows[i].what, one.bytes);
    }
    char name[8];
    ok(escape_leaves("start_here \xc3\xa9") && !escape_leaves("a\nb") && !escape_leaves("\x9b"),
       "what is left as it is");
    ok(strcmp(escape_name(name, sizeof name, "ab\033[31m"), "ab\\x1b[") == 0, "a name is cut off: %s", name);
}

static uint64_t seed = 1;
static unsigned random_below(unsigned limit) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(seed >> 33) % limit;
}

// What a terminal obeys is not among it.
static bool is_fit(const char *text, size_t bytes) {
    mbstate_t state = {0};
    wchar_t c;
    for (size_t at = 0; at < bytes;) {
        size_t length = mbrtowc(&c, text + at, bytes - at, &state);
        if (length == 0 || length > 4 || iswcntrl((wint_t)c) || (c >= 0x80 && c < 0xa0)) return false;
        at += length;
    }
    return true;
}

static void random_texts(void) {
    static const char *const pieces[] = {"\033[", "\xc2\x9b", "\xe2\x80\xae", "\xc3\xa9", "\n", "\xf0\x9f\x98\x80"};
    if (!setlocale(LC_ALL, "C.UTF-8")) {
        skip("random bytes", "there is no locale C.UTF-8");
        return;
    }
    loop_begin("random bytes are fit for a terminal");
    for (unsigned n = 0; n < 20000; n++) {
        char text[1000];
        size_t used = 0, length = random_below(100);
        struct text result = {.used = 0};
        while (used < length) {
            const char *piece = pieces[random_below(6)];
            if (random_below(4) == 0)
                used += (size_t)sprintf(text + used, "%s", piece);
            else
                text[used++] = (char)(random_below(3) ? 0x80 + random_below(128) : random_below(128));
        }
        escape_to(put, &result, text, used, ESCAPE_ONE_LINE);
        loop_check(is_fit(result.bytes, result.used), "text %u: %s", n, result.bytes);
    }
    loop_end();
}

int main(void) {
    examples();
    random_texts();
    return done_testing();
}
