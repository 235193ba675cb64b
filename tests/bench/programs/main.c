// programs NAME: runs one of them, and prints its result. `programs text` writes the text that Debian's tools work on.
#include "programs.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    program_fn *run;
} programs[] = {
#define ROW(name) {#name, program_##name},
    PROGRAMS(ROW)
#undef ROW
};

// Words of a small language, some seldom, in lines of fields.
static void text(void) {
    uint64_t state = 99;
    for (unsigned line = 0; line < 60000; line++) {
        printf("%u", line);
        for (unsigned i = 0; i < 8; i++) {
            uint64_t r = next_random(&state), common = r >> 60;
            unsigned word = (unsigned)(common ? r & 63 : r & 4095);
            putchar('\t');
            for (unsigned letters = 3 + word % 5; letters--; word = word / 3 + 7) putchar('a' + (int)(word % 26));
        }
        printf("\t%u.%02u\n", (unsigned)(state & 1023), (unsigned)(state >> 20 & 63));
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "nothing")) return 0;
    if (argc == 2 && !strcmp(argv[1], "text")) return text(), 0;
    for (unsigned i = 0; argc == 2 && i < sizeof programs / sizeof *programs; i++)
        if (!strcmp(programs[i].name, argv[1])) return printf("%llu\n", (unsigned long long)programs[i].run()), 0;
    fprintf(stderr, "programs: which one?\n");
    return 2;
}
