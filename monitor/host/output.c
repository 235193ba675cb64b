// What a command prints; see output.h. The pager is $PAGER, or less.
#include "monitor/host/output.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void output_add(struct output *output, const char *text, size_t bytes) {
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

static void add_text(struct output *output, const char *text) { output_add(output, text, strlen(text)); }

void output_print(struct output *output, enum colour colour, const char *format, ...) {
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",  "\033[31m",
                                        "\033[32m", "\033[33m", "\033[34m", "\033[36m"};
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
    bool paints = colour != PLAIN && output->colour;
    if (paints) add_text(output, codes[colour]);
    add_text(output, text);
    if (paints) add_text(output, "\033[0m");
    if (text != line) free(text);
}

bool output_error(struct output *output, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    output_print(output, RED, "%s", text);
    output_print(output, PLAIN, "\n");
    return false;
}

static void write_all(struct output *output, const char *text, size_t bytes) {
    while (bytes && !output->broken) {
        ssize_t wrote = write(output->fd, text, bytes);
        if (wrote > 0) {
            text += wrote;
            bytes -= (size_t)wrote;
        } else if (wrote < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){output->fd, POLLOUT, 0}, 1, -1);
        } else if (wrote < 0 && errno != EINTR) {
            output->broken = true;
        }
    }
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

// False: there is no pager after all.
static bool page(struct output *output) {
    const char *pager = getenv("PAGER");
    setenv("LESS", "FRX", 0);
    void (*before)(int) = signal(SIGINT, SIG_IGN); // the pager's
    FILE *pipe = popen(pager && *pager ? pager : "less", "w");
    if (pipe) fwrite(output->text, 1, output->used, pipe);
    int status = pipe ? pclose(pipe) : -1;
    signal(SIGINT, before);
    enum { NO_SUCH_COMMAND = 127 << 8 };
    return status != -1 && status != NO_SUCH_COMMAND;
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
    else if (!output->pages || lines_of(output) < screen_rows(output->fd) || !page(output))
        write_all(output, output->text, output->used);
    output->used = 0;
}

void output_free(struct output *output) {
    free(output->text);
    *output = (struct output){.fd = -1};
}
