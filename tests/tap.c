/* TAP output for the tests in C; see tap.h. */
#include "tests/tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOP_FAILURES_SHOWN = 10 };

static struct {
    unsigned claims, failures;
    char loop_name[200];
    bool loop_open;
    unsigned long long loop_checks, loop_failures;
} tap;

static void claim(bool passed, const char *name) {
    tap.claims++;
    tap.failures += !passed;
    printf("%s %s", passed ? "ok" : "not ok", name);
}

// STOP=1: one failure is enough.
static void stop_if_wanted(bool passed) {
    if (!passed && getenv("STOP")) exit(1);
}

bool tap_ok(bool passed, const char *condition, const char *file, int line, const char *name, ...) {
    char text[200];
    va_list args;
    va_start(args, name);
    vsnprintf(text, sizeof text, name, args);
    va_end(args);
    claim(passed, text);
    if (!passed) printf(" - %s:%d: %s", file, line, condition);
    putchar('\n');
    fflush(stdout);
    stop_if_wanted(passed);
    return passed;
}

void loop_begin(const char *name, ...) {
    va_list args;
    va_start(args, name);
    vsnprintf(tap.loop_name, sizeof tap.loop_name, name, args);
    va_end(args);
    if (tap.loop_open) bail("loop_begin(\"%s\") inside another loop", tap.loop_name);
    tap.loop_open = true;
    tap.loop_checks = tap.loop_failures = 0;
}

bool tap_loop_passed(void) {
    tap.loop_checks++;
    return true;
}

bool tap_loop_failed(const char *condition, const char *file, int line, const char *detail, ...) {
    tap.loop_checks++;
    if (tap.loop_failures++ >= LOOP_FAILURES_SHOWN) return false;
    printf("# %s:%d: %s: ", file, line, condition);
    va_list args;
    va_start(args, detail);
    vprintf(detail, args);
    va_end(args);
    putchar('\n');
    stop_if_wanted(false);
    return false;
}

bool loop_end(void) {
    if (!tap.loop_open) bail("loop_end() without loop_begin()");
    tap.loop_open = false;
    bool passed = tap.loop_checks > 0 && tap.loop_failures == 0;
    claim(passed, tap.loop_name);
    if (tap.loop_checks == 0)
        printf(" - no check was made");
    else if (!passed)
        printf(" - %llu of %llu checks failed", tap.loop_failures, tap.loop_checks);
    else
        printf(" (%llu checks)", tap.loop_checks);
    putchar('\n');
    fflush(stdout);
    stop_if_wanted(passed);
    return passed;
}

void diag(const char *text, ...) {
    fputs("# ", stdout);
    va_list args;
    va_start(args, text);
    vprintf(text, args);
    va_end(args);
    putchar('\n');
}

void skip(const char *name, const char *why) {
    tap.claims++;
    printf("ok %s # SKIP %s\n", name, why);
}

void bail(const char *why, ...) {
    fputs("Bail out! ", stdout);
    va_list args;
    va_start(args, why);
    vprintf(why, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    exit(2);
}

int done_testing(void) {
    if (tap.loop_open) bail("the loop \"%s\" has no loop_end()", tap.loop_name);
    printf("1..%u\n", tap.claims);
    fflush(stdout);
    return tap.failures > 0 || tap.claims == 0;
}
