// What a command prints: gathered until the command is done, then written in one go, through a pager where a person
// reads. Plain text of fixed width; on a terminal some of it has a colour.
#ifndef MONITOR_OUTPUT_H
#define MONITOR_OUTPUT_H
#include <stdbool.h>
#include <stddef.h>

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN };

struct output {
    char *text;
    size_t used, room;
    bool colour; // a terminal, and NO_COLOR is not set
    bool pages;  // long text goes through a pager
    bool broken; // a write failed, or memory was short
    // Where the text goes. NULL: to file descriptor `fd`.
    void (*write)(void *context, const char *text, size_t bytes);
    void *context;
    int fd;
};

// What is printed may hold names and text that others wrote: control characters but newlines and tabs are escaped.
void output_print(struct output *output, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Where `fd` leads.
enum { OUTPUT_SCREEN = 1, OUTPUT_ERRORS = 2 };
// With colours, and through the pager, where a person is in front of it.
void output_suit_person(struct output *output);
// What is wrong, as one line. Returns false, so that a function can end with it.
bool output_error(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Text from this column on, in lines of at most `width` that are broken at spaces and go on at column `indent`. A line feed that
// ends a sentence, or follows a colon, begins a line; any other is a space. Width 0: as long as they are.
void output_wrap(struct output *output, unsigned column, unsigned indent, unsigned width, const char *text);
// How many columns the terminal behind the descriptor has; 0: it is none.
unsigned output_columns(int fd);
// How wide text may be where it goes.
unsigned output_width(const struct output *output);
// The same for everything that has an `output`: struct monitor, struct look.
#define print(to, ...) output_print((to)->output, PLAIN, __VA_ARGS__)
#define print_in(to, colour, ...) output_print((to)->output, colour, __VA_ARGS__)
#define monitor_error(to, ...) output_error((to)->output, __VA_ARGS__)
// Writes what was gathered.
void output_flush(struct output *output);
void output_free(struct output *output);

#endif
