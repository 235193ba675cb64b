// Every hint of vmx/entry/hint.def has an example: what it changes makes the check fail, and the hint is given for it.
#include "tests/vmx/changes.h"
#include <string.h>

#define HINT(check, when, text, ...)                                                                                   \
    static void example_at(check, __LINE__)(struct bench * b) { __VA_ARGS__; }
#define example_at(check, line) example_of(check, line)
#define example_of(check, line) example_##check##_##line
#include "vmx/entry/hint.def"
#undef HINT
static const struct {
    const char *check, *text;
    void (*example)(struct bench *b);
} hints[] = {
#define HINT(check, when, text, ...) {#check, text, example_at(check, __LINE__)},
#include "vmx/entry/hint.def"
#undef HINT
};

static void test_hint(struct bench *b, unsigned n) {
    enum { MAX = 60 };
    static struct vmx_failure failures[MAX];
    changes_valid(b);
    hints[n].example(b);
    unsigned count = vmx_explain_checks(b->cpu, failures, MAX);
    for (unsigned i = 0; i < count && i < MAX; i++) {
        if (strcmp(failures[i].name, hints[n].check) != 0) continue;
        ok(failures[i].hint && !strcmp(failures[i].hint, hints[n].text), "%s: %s", hints[n].check, hints[n].text);
        return;
    }
    ok(false, "%s fails in its example (%u others do)", hints[n].check, count);
}

int main(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    for (unsigned n = 0; n < sizeof hints / sizeof *hints; n++) test_hint(b, n);
    bench_free(b);
    return done_testing();
}
