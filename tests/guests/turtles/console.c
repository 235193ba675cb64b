// The serial port, as far as printing goes, and a small printf. Each line begins with the level that prints it.
// Formats: %s %c %d %u %x %lu %lx %%, with a width, '-' and '0'. NOT IMPLEMENTED: everything else.
#include "machine.h"
#include <stdarg.h>

enum { SERIAL_LINE_STATUS = 5, SERIAL_HOLDING_EMPTY = 0x20 };

static bool in_line;

static void put_raw(char c) {
    while (!(in8(PORT_SERIAL + SERIAL_LINE_STATUS) & SERIAL_HOLDING_EMPTY)) {}
    out8(PORT_SERIAL, (uint8_t)c);
}

static void put(char c) {
    if (!in_line) {
        put_raw('L');
        put_raw((char)('0' + our_level));
        put_raw(' ');
    }
    in_line = c != '\n';
    if (c == '\n') put_raw('\r');
    put_raw(c);
}

static void pad(int count, char with) {
    while (count-- > 0) put(with);
}

struct form {
    int width;
    bool left, zeros, wide;
};

static void put_text(const char *s, int length, const struct form *f) {
    if (!f->left) pad(f->width - length, ' ');
    for (int i = 0; i < length; i++) put(s[i]);
    if (f->left) pad(f->width - length, ' ');
}

static void put_number(uint64_t v, unsigned base, bool negative, const struct form *f) {
    char digits[24];
    int at = sizeof digits;
    do digits[--at] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (f->zeros && (int)sizeof digits - at < f->width && at > 1) digits[--at] = '0';
    if (negative) digits[--at] = '-';
    put_text(digits + at, (int)sizeof digits - at, f);
}

static int length_of(const char *s) {
    int n = 0;
    while (s[n]) n++;
    return n;
}

static const char *parse(const char *p, struct form *f) {
    *f = (struct form){0};
    for (;; p++) {
        if (*p == '-')
            f->left = true;
        else if (*p == '0' && !f->width)
            f->zeros = true;
        else if (*p >= '0' && *p <= '9')
            f->width = f->width * 10 + *p - '0';
        else if (*p == 'l')
            f->wide = true;
        else
            return p;
    }
}

static void print_list(const char *p, va_list list) {
    for (; *p; p++) {
        struct form f;
        if (*p != '%') {
            put(*p);
            continue;
        }
        p = parse(p + 1, &f);
        if (*p == 's') {
            const char *s = va_arg(list, const char *);
            put_text(s, length_of(s), &f);
        } else if (*p == 'c') {
            put((char)va_arg(list, int));
        } else if (*p == 'd') {
            int v = va_arg(list, int);
            put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, &f);
        } else if (*p == 'u' || *p == 'x') {
            put_number(f.wide ? va_arg(list, uint64_t) : va_arg(list, unsigned), *p == 'x' ? 16 : 10, false, &f);
        } else {
            put(*p);
        }
    }
}

void print(const char *format, ...) {
    va_list list;
    va_start(list, format);
    print_list(format, list);
    va_end(list);
}

void panic(const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (in_line) print("\n");
    print("PANIC: ");
    print_list(format, list);
    print("\n");
    va_end(list);
    machine_end(false);
}
