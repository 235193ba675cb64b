// Where the monitor's lines come from. A person has readline, with history kept in ~/.vmxray_history; anything else is
// read as it is, and each line is printed after its prompt, so that a transcript reads like a session.
#include "monitor/commands/command.h"
#include "monitor/commands/prompt.h"
#include "monitor/commands/complete.h"
#include "monitor/host/file.h"
#include "monitor/host/status.h"
#include "monitor/host/terminal.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 1000, LINE_BYTES = 4096, SCRIPT_DEPTH = 8 };

// readline's callbacks have no argument of their own.
static struct {
    struct monitor *monitor;
    bool open; // readline is set up
    bool done; // the prompt is to be left
    char history[4096];
} person;

void prompt_line(struct monitor *monitor, const char *line) {
    if (*line)
        monitor_command(monitor, line);
    else if (monitor->prompt.repeat)
        monitor_command(monitor, monitor->prompt.repeat);
}

static bool goes_on(const struct monitor *monitor) {
    return !monitor->prompt.leave && !monitor->prompt.resume && !terminal_signal() && !terminal_left() &&
           !monitor->output->broken;
}

// --- a person ---

const char *prompt_now(const struct monitor *monitor) { return monitor->prompt.collecting ? "> " : PROMPT; }

static void person_line(char *line) {
    struct monitor *monitor = person.monitor;
    rl_callback_handler_remove();
    if (!line) {
        fputs("quit\n", stdout);
        monitor->prompt.leave = true;
    } else {
        if (*line) add_history(line);
        fflush(stdout);
        prompt_line(monitor, line);
    }
    free(line);
    if (goes_on(monitor))
        rl_callback_handler_install(prompt_now(monitor), person_line);
    else
        person.done = true;
}

// Ctrl-A c at the prompt: back to the guest.
static int person_resumes(int count, int key) {
    (void)count, (void)key;
    fputs("\n", stdout);
    rl_callback_handler_remove();
    person.monitor->prompt.resume = person.done = true;
    return 0;
}

static void person_interrupts(void) {
    rl_callback_sigcleanup();
    rl_crlf();
    rl_on_new_line();
    rl_replace_line("", 0);
    rl_redisplay();
}

static void person_open(void) {
    const char *home = getenv("HOME");
    rl_catch_signals = 0;
    rl_readline_name = "vmxray";
    rl_attempted_completion_function = complete_line;
    rl_completion_word_break_hook = complete_breaks;
    rl_initialize();
    rl_bind_keyseq("\\C-ac", person_resumes);
    using_history();
    stifle_history(HISTORY_LINES);
    if (home && snprintf(person.history, sizeof person.history, "%s/.vmxray_history", home) > 0)
        read_history(person.history);
    person.open = true;
}

static void person_loop(struct monitor *monitor) {
    person.monitor = monitor;
    complete_for(monitor);
    if (!person.open) person_open();
    person.done = false;
    rl_callback_handler_install(prompt_now(monitor), person_line);
    while (!person.done) {
        struct pollfd input = {STDIN_FILENO, POLLIN, 0};
        int ready = poll(&input, 1, 200);
        if (ready > 0) rl_callback_read_char();
        if (!person.done && terminal_asked()) person_interrupts();
        if (!person.done && !goes_on(monitor)) {
            rl_callback_handler_remove();
            person.done = true;
        }
    }
}

void prompt_close(void) {
    if (person.open && *person.history) write_history(person.history);
}

// --- pipes and sockets ---

// One line of a descriptor, without its end; false when there are no more. A line too long is cut off.
bool prompt_read_line(int fd, char *line, size_t size) {
    size_t used = 0;
    char byte;
    for (;;) {
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR && !terminal_signal()) continue;
        if (got <= 0 && !used) return false;
        if (got <= 0 || byte == '\n') break;
        if (used + 1 < size && byte != '\r') line[used++] = byte;
    }
    line[used] = '\0';
    return true;
}

static void echoed(struct monitor *monitor, const char *line) {
    print(monitor, "%s%s\n", prompt_now(monitor), line);
    prompt_line(monitor, line);
}

static void pipe_loop(struct monitor *monitor) {
    char line[LINE_BYTES];
    while (goes_on(monitor)) {
        if (!prompt_read_line(STDIN_FILENO, line, sizeof line)) {
            monitor->prompt.leave = true;
            break;
        }
        echoed(monitor, line);
    }
}

void prompt_loop(struct monitor *monitor) {
    monitor->prompt.resume = false;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        person_loop(monitor);
    else
        pipe_loop(monitor);
}

// --- scripts ---

bool prompt_script(struct monitor *monitor, const char *path) {
    static unsigned depth;
    struct file file;
    if (depth == SCRIPT_DEPTH) return monitor_error(monitor, "%s: scripts are nested too deep", path);
    if (access(path, R_OK) != 0) return monitor_error(monitor, "%s: cannot be opened: %s", path, strerror(errno));
    if (!file_read(&file, path)) return monitor_error(monitor, "%s: cannot be read", path);
    depth++;
    for (size_t at = 0; at < file.size && goes_on(monitor);) {
        const char *text = (const char *)file.bytes + at, *end = memchr(text, '\n', file.size - at);
        size_t length = end ? (size_t)(end - text) : file.size - at;
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
        echoed(monitor, line);
        at += length + 1;
    }
    depth--;
    file_free(&file);
    return true;
}
