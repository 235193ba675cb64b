// The host of the page: no terminal, signals, sockets, threads or pager. These are the functions of monitor/host,
// monitor/files and monitor/session that ask one, each with the answer of a host that has none.
#include "monitor/files/signals.h"
#include "monitor/host/limits.h"
#include "monitor/host/pager.h"
#include "monitor/host/terminal.h"
#include "monitor/session/crowd.h"
#include "monitor/session/workers.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void __stack_chk_fail(void);
extern uintptr_t __stack_chk_guard;

// --- terminal: what is typed comes by web_type (api.c) ---
void terminal_open(bool keyboard) { (void)keyboard; }
void terminal_close(void) {}
bool terminal_has_input(void) { return false; }
void terminal_wait(int milliseconds) { (void)milliseconds; }
size_t terminal_read(uint8_t *bytes, size_t size) { return (void)bytes, (void)size, 0; }
bool terminal_is_raw(void) { return false; }
bool terminal_is_person(enum terminal_side side) { return (void)side, false; }
bool terminal_read_line(char *line, size_t size) { return (void)line, (void)size, false; }
void terminal_prompt(bool on) { (void)on; }
bool terminal_left(void) { return false; }
void terminal_leave(void) {}

// --- signals ---
int signals_ending(void) { return 0; }
const char *signals_name(int number) { return (void)number, "none"; }
bool signals_asked(void) { return false; }
bool signals_is_asked(void) { return false; }
bool signals_interrupt(void) { return false; }
void signals_interrupt_asks(bool asks) { (void)asks; }
void signals_set_machine(struct machine *machine) { (void)machine; }
int signals_patience(void) { return 0; }

// --- limits: what a page may have ---
uint64_t limits_memory_bytes(void) { return (uint64_t)2 << 30; }
bool limits_has_windows(void) { return false; }
bool pager_show(const char *text, size_t bytes) { return (void)text, (void)bytes, false; }

// --- threads ---
unsigned workers_usual(void) { return 1; }
void workers_serve(struct run *run) { (void)run; }
bool crowd_run(unsigned count, const struct side_by_side_work *work,
               void (*look)(void *context, const struct side_by_side_work *work), void *context) {
    return (void)count, (void)work, (void)look, (void)context, false;
}

// --- what wasi-libc has not: a heap sort, which does with the room that there is ---
struct sorting {
    uint8_t *base;
    size_t size;
    int (*compare)(const void *, const void *, void *);
    void *context;
};

static void swap(const struct sorting *s, size_t a, size_t b) {
    uint8_t *x = s->base + a * s->size, *y = s->base + b * s->size;
    for (size_t i = 0; i < s->size; i++) {
        const uint8_t byte = x[i];
        x[i] = y[i], y[i] = byte;
    }
}

static bool is_less(const struct sorting *s, size_t a, size_t b) {
    return s->compare(s->base + a * s->size, s->base + b * s->size, s->context) < 0;
}

static void sift(const struct sorting *s, size_t at, size_t count) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_less(s, child, child + 1)) child++;
        if (!is_less(s, at, child)) return;
        swap(s, at, child);
    }
}

void qsort_r(void *base, size_t count, size_t size, int (*compare)(const void *, const void *, void *), void *context) {
    const struct sorting s = {base, size, compare, context};
    for (size_t i = count / 2; i-- > 0;) sift(&s, i, count);
    for (size_t i = count; i-- > 1;) swap(&s, 0, i), sift(&s, 0, i);
}

// The compiler's library for WebAssembly is built with a stack protector, and wasi-libc has none.
uintptr_t __stack_chk_guard = 0x2b992ddf;
_Noreturn void __stack_chk_fail(void) { abort(); }
