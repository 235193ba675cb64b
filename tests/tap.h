/*
 * Tests in C print TAP: `ok NAME` or `not ok NAME - why`, one line a claim, and the plan at the end.
 *
 *     int main(void)
 *     {
 *         ok(add(1, 2) == 3, "one and two are three");
 *         loop_begin("addition agrees with the host");
 *         for (int i = 0; i < 1000000; i++)
 *             loop_check(add(i, 1) == i + 1, "i=%d", i);
 *         loop_end();
 *         return done_testing();
 *     }
 *
 * A loop of many checks is one claim: the first failures are printed, the number of checks too, and a loop that made
 * no check fails.  A program that ends without done_testing() has no plan and counts as failed.  With STOP=1 in the
 * environment it ends at the first failure.
 */
#pragma once

#include <stdbool.h>

#define TAP_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define ok(condition, ...) tap_ok((condition) ? 1 : 0, #condition, __FILE__, __LINE__, __VA_ARGS__)
#define loop_check(condition, ...)                                                                                     \
    (__builtin_expect(!!(condition), 1) ? tap_loop_passed()                                                            \
                                        : tap_loop_failed(#condition, __FILE__, __LINE__, __VA_ARGS__))

bool tap_ok(bool passed, const char *condition, const char *file, int line, const char *name, ...) TAP_PRINTF(5, 6);
bool tap_loop_failed(const char *condition, const char *file, int line, const char *detail, ...) TAP_PRINTF(4, 5);
bool tap_loop_passed(void);
void loop_begin(const char *name, ...) TAP_PRINTF(1, 2);
bool loop_end(void);

/* A remark, printed after `#`. */
void diag(const char *text, ...) TAP_PRINTF(1, 2);

/* A claim that cannot be tested here; counted apart, never as passed. */
void skip(const char *name, const char *why);

/* The test itself is broken (a missing file, no memory): stop here. */
void bail(const char *why, ...) TAP_PRINTF(1, 2) __attribute__((noreturn));

/* Prints the plan; returns what main() returns. */
int done_testing(void);
