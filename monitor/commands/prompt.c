// Where the monitor's lines come from. A person has an editor; anything else is read as it is, and each line is printed
// after its prompt, so that a transcript reads like a session.
#include "monitor/commands/prompt.h"
#include "monitor/commands/command.h"
#include "monitor/commands/complete.h"
#include "monitor/files/signals.h"
#include "monitor/host/editor.h"
#include "monitor/host/file.h"
#include "monitor/host/terminal.h"
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 4096, SCRIPT_DEPTH = 8 };

void prompt_line(struct monitor *monitor, const char *line) {
    if (*line)
        monitor_command(monitor, line);
    else if (monitor->prompt.repeat)
        monitor_command(monitor, monitor->prompt.repeat);
}

static bool goes_on(const struct monitor *monitor) {
    return !monitor->prompt.leave && !monitor->prompt.resume && !signals_ending() && !terminal_left() &&
           !monitor->output->broken;
}

const char *prompt_now(const struct monitor *monitor) { return monitor->prompt.collecting ? "> " : PROMPT; }

static void echoed(struct monitor *monitor, const char *line) {
    print(monitor, "%s%s\n", prompt_now(monitor), line);
    prompt_line(monitor, line);
}

// --- a person ---

static const char *person_prompt(void *context) { return prompt_now(context); }
static bool person_goes_on(void *context) { return goes_on(context); }

static void person_line(void *context, const char *line, bool echo) {
    struct monitor *monitor = context;
    if (!line)
        monitor->prompt.leave = true;
    else if (echo)
        echoed(monitor, line);
    else
        prompt_line(monitor, line);
    (void)signals_asked(); // it was for that line
}

static void person_resumes(void *context) {
    struct monitor *monitor = context;
    monitor->prompt.resume = true;
}

static char *person_candidate(void *context, const char *line, const char *word, int start, int state) {
    return complete_candidate(context, line, word, start, state);
}

static bool person_takes_file(void *context, const char *line) {
    (void)context;
    return complete_takes_file(line);
}

static void person_loop(struct monitor *monitor) {
    const struct editor_host host = {.context = monitor,
                                     .prompt = person_prompt,
                                     .line = person_line,
                                     .goes_on = person_goes_on,
                                     .resume = person_resumes,
                                     .candidate = person_candidate,
                                     .takes_file = person_takes_file};
    editor_loop(&host);
}

// --- pipes ---

static void pipe_loop(struct monitor *monitor) {
    char line[LINE_BYTES];
    while (goes_on(monitor)) {
        if (!terminal_read_line(line, sizeof line)) {
            monitor->prompt.leave = true;
            break;
        }
        echoed(monitor, line);
        (void)signals_asked();
    }
}

void prompt_loop(struct monitor *monitor) {
    monitor->prompt.resume = false;
    if (terminal_is_person(TERMINAL_INPUT) && terminal_is_person(TERMINAL_OUTPUT))
        person_loop(monitor);
    else
        pipe_loop(monitor);
}

// --- scripts ---

void prompt_text(struct monitor *monitor, const struct file *file) {
    for (size_t at = 0; at < file->size && goes_on(monitor) && !signals_is_asked();) {
        const char *text = (const char *)file->bytes + at, *end = memchr(text, '\n', file->size - at);
        size_t length = end ? (size_t)(end - text) : file->size - at;
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
        echoed(monitor, line);
        at += length + 1;
    }
}

bool prompt_script(struct monitor *monitor, const char *path) {
    static unsigned depth;
    struct file file;
    char error[FILE_ERROR_BYTES];
    if (depth == SCRIPT_DEPTH)
        return monitor_error(monitor, "%s: scripts carry out scripts %d deep, and no deeper; does it carry out itself?",
                             path, SCRIPT_DEPTH);
    if (!file_load(&file, path, error, sizeof error)) return monitor_error(monitor, "%s: %s", path, error);
    depth++;
    prompt_text(monitor, &file);
    depth--;
    file_free(&file);
    return true;
}
