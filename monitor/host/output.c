// What a command prints; see output.h.
#include "monitor/host/output.h"
#include "monitor/files/escape.h"
#include "monitor/files/written.h"
#include "monitor/host/pager.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    ERROR_BYTES = 6000, // two paths
    USUAL_WIDTH = 120   // where nothing says how many columns there are
};

static void add(void *context, const char *text, size_t bytes) {
    struct output *output = context;
    if (output->room - output->used < bytes) {
        size_t room = (output->used + bytes) * 2 + 4096;
        char *more = realloc(output->text, room);
        if (!more) {
            output->broken = true;
            return;
        }
        output->text = more;
        output->room = room;
    }
    memcpy(output->text + output->used, text, bytes);
    output->used += bytes;
}

static void add_text(struct output *output, const char *text) { add(output, text, strlen(text)); }

static void add_painted(struct output *output, enum colour colour, const char *text, enum escape escape) {
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",  "\033[31m",
                                        "\033[32m", "\033[33m", "\033[34m", "\033[36m"};
    bool paints = colour != PLAIN && output->colour;
    if (paints) add_text(output, codes[colour]);
    escape_to(add, output, text, strlen(text), escape);
    if (paints) add_text(output, "\033[0m");
}

void output_print(struct output *output, enum colour colour, const char *format, ...) {
    char line[1024], *text = line;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line && (text = malloc((size_t)length + 1))) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    if (!text) {
        output->broken = true;
        return;
    }
    add_painted(output, colour, text, ESCAPE_LINES);
    if (text != line) free(text);
}

bool output_error(struct output *output, const char *format, ...) {
    char text[ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_painted(output, RED, text, ESCAPE_ONE_LINE);
    add_text(output, "\n");
    return false;
}

// --- lines that fit ---

unsigned output_columns(int fd) {
    struct winsize size;
    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

unsigned output_width(const struct output *output) {
    unsigned columns = output->write ? 0 : output_columns(output->fd);
    return columns ? columns : USUAL_WIDTH;
}

// Bytes of the text that go into a line with so much room. A word that is longer than that has a line of its own.
static size_t line_length(const char *text, size_t room) {
    size_t end = strcspn(text, "\n"), length = end;
    if (end <= room) return end;
    for (length = room; length && text[length] != ' ';) length--;
    return length ? length : strcspn(text, " \n");
}

// Line feeds in the middle of a sentence are there for those who read the rows.
static char *as_sentences(const char *text) {
    char *copy = strdup(text);
    for (char *p = copy; p && *p; p++)
        if (*p == '\n' && p > copy && p[-1] != '.' && p[-1] != ':') *p = ' ';
    return copy;
}

void output_wrap(struct output *output, unsigned column, unsigned indent, unsigned width, const char *text) {
    char *all = as_sentences(text);
    text = all ? all : text;
    if (indent > width / 2) indent = width / 8;
    for (bool first = true; first || *text; first = false) {
        unsigned from = first ? column : indent;
        size_t length = line_length(text, !width ? SIZE_MAX : width > from ? width - from : 0);
        output_print(output, PLAIN, "%*s%.*s\n", first ? 0 : (int)indent, "", (int)length, text);
        text += length;
        if (*text) text++; // the space or line feed there
    }
    free(all);
}

// --- written ---

static void write_all(struct output *output) {
    struct written *to = output->fd == OUTPUT_ERRORS ? written_errors() : written_output();
    (void)written_put(to, output->text, output->used);
    if (!written_flush(to)) output->broken = true;
}

static unsigned screen_rows(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

static unsigned lines_of(const struct output *output) {
    unsigned lines = 0;
    for (size_t i = 0; i < output->used; i++) lines += output->text[i] == '\n';
    return lines;
}

void output_suit_person(struct output *output) {
    const char *plain = getenv("NO_COLOR");
    if (!isatty(output->fd)) return;
    output->colour = !plain || !*plain;
    output->pages = isatty(STDIN_FILENO);
}

void output_flush(struct output *output) {
    if (!output->used) return;
    if (output->write)
        output->write(output->context, output->text, output->used);
    else if (!output->pages || lines_of(output) < screen_rows(output->fd) || !pager_show(output->text, output->used))
        write_all(output);
    output->used = 0;
}

void output_free(struct output *output) {
    free(output->text);
    *output = (struct output){.fd = -1};
}
