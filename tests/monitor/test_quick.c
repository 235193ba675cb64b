// Expressions for who asks at each step (expression_quick_value) against their evaluation through a view, at moments of
// a nested hypervisor: every name, and expressions made at random.
#include "monitor/expression/expression.h"
#include "tests/decode/random.h"
#include "tests/monitor/turtles.h"
#include "tests/tap.h"
#include <stdio.h>

enum { MOMENTS = 60, APART = 1777, BEGIN = 150000, RANDOM = 40, LEAST = 100 };

static uint64_t seed = 5;

static const char *random_register(void) {
    static const char *const names[] = {"rax",    "ecx",    "dl",  "bh", "rsp",    "rip",
                                        "rflags", "eflags", "cr3", "cs", "gs.base"};
    return names[random_below(&seed, sizeof names / sizeof *names)];
}

static void random_expression(char *text, size_t size) {
    static const char *const operators[] = {"||", "&&", "==", "!=", "<=", ">=", "<<", ">>",
                                            "|",  "^",  "&",  "<",  ">",  "+",  "-",  "*"};
    static const char *const unary[] = {"", "-", "!", "~", ""};
    unsigned count = sizeof operators / sizeof *operators;
    snprintf(text, size, "%s%s %s %llu ? %s%s %s (%s %s %s) : %llu %s %s", unary[random_below(&seed, 5)],
             random_register(), operators[random_below(&seed, count)], (unsigned long long)random_below(&seed, 70),
             unary[random_below(&seed, 5)], random_register(), operators[random_below(&seed, count)], random_register(),
             operators[random_below(&seed, count)], random_register(), (unsigned long long)random64(&seed),
             operators[random_below(&seed, count)], random_register());
}

// Whether it is for registers alone.
static bool compare(const struct look *look, const char *text) {
    struct expression e;
    struct expression_quick quick;
    struct view view;
    const char *at = text;
    char error[200];
    uint64_t value = 0;
    if (!expression_compile(look, &at, &e) || !view_make(look, -1, &view)) return false;
    if (!expression_quicken(&e, &view, &quick)) return false;
    bool valued = expression_value(&e, &view, &value, error, sizeof error);
    uint64_t quickly = expression_quick_value(&quick, view.cpu);
    loop_check(valued && value == quickly, "%s: %llx, quickly %llx", text, (unsigned long long)value,
               (unsigned long long)quickly);
    return true;
}

static void refuses(const struct look *look, const char *text) {
    struct expression e;
    struct expression_quick quick;
    struct view view;
    const char *at = text;
    bool made = expression_compile(look, &at, &e) && view_make(look, -1, &view);
    ok(made && !expression_quicken(&e, &view, &quick), "%s is not for registers alone, or may have no value", text);
}

int main(void) {
    struct machine *m = turtles(1, "depth=2");
    struct look look = {.machine = m, .level = -1};
    char text[300];
    unsigned names = 0;
    loop_begin("names and random expressions, at %d moments", MOMENTS);
    for (unsigned i = 0; i < MOMENTS; i++) {
        uint64_t step = BEGIN + i * APART;
        while (machine_steps(m) < step) (void)machine_run(m, step - machine_steps(m));
        for (unsigned k = 0; name_at(k); k++) {
            struct name name = name_find(NULL, name_at(k), false);
            if (name.kind == NAME_REGISTER && !name_is_of_sight(&name)) names += compare(&look, name_at(k));
        }
        for (unsigned k = 0; k < RANDOM; k++) {
            random_expression(text, sizeof text);
            loop_check(compare(&look, text), "%s", text);
        }
    }
    loop_check(names >= LEAST * MOMENTS, "%u names of registers", names / MOMENTS);
    loop_end();
    refuses(&look, "u32[rsp]");
    refuses(&look, "rax / 2");
    refuses(&look, "rax % rcx");
    refuses(&look, "GUEST_RIP == 1");
    refuses(&look, "IA32_EFER");
    machine_free(m);
    return done_testing();
}
