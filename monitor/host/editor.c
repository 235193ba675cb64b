// Lines that a person types; see editor.h. readline's callbacks have no argument of their own, so that what they need
// stands in a variable: there is one person in front of a process.
#include "monitor/files/signals.h"
#include "monitor/host/editor.h"
#include "monitor/files/wait.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 1000, LOOK_MS = 200 /* between looks at whether something else ended the prompt */ };

static struct {
    const struct editor_host *host;
    bool open; // readline is set up
    bool done; // the prompt is to be left
    char history[4096];
} editor;

static void take_line(char *line) {
    const struct editor_host *h = editor.host;
    rl_callback_handler_remove();
    if (line && *line) add_history(line);
    if (!line) fputs("quit\n", stdout);
    fflush(stdout);
    h->line(h->context, line);
    free(line);
    if (h->goes_on(h->context))
        rl_callback_handler_install(h->prompt(h->context), take_line);
    else
        editor.done = true;
}

// Ctrl-A c at the prompt: back to the guest.
static int resume(int count, int key) {
    (void)count, (void)key;
    fputs("\n", stdout);
    rl_callback_handler_remove();
    editor.host->resume(editor.host->context);
    editor.done = true;
    return 0;
}

static void interrupt(void) {
    rl_callback_sigcleanup();
    rl_crlf();
    rl_on_new_line();
    rl_replace_line("", 0);
    rl_redisplay();
}

// --- Tab ---

static char *generate(const char *word, int state) {
    const struct editor_host *h = editor.host;
    return h->candidate(h->context, rl_line_buffer, word, rl_point - (int)strlen(word), state);
}

static char **complete(const char *word, int start, int end) {
    (void)start, (void)end;
    rl_attempted_completion_over = 1;
    return rl_completion_matches(word, generate);
}

// Where words end: names of files and options have characters that are operators elsewhere.
static char *breaks(void) {
    static char of_expression[] = " \t\n\"'@$><=;|&{(+-*/%[]!~^,:", of_file[] = " \t\n=,", of_option[] = " \t\n";
    const char *line = rl_line_buffer + strspn(rl_line_buffer, " \t");
    int from = rl_point;
    while (from && !strchr(of_option, rl_line_buffer[from - 1])) from--;
    if (from && from < rl_point && rl_line_buffer[from] == '-') return of_option;
    return editor.host->takes_file(editor.host->context, line) ? of_file : of_expression;
}

char *editor_file(const char *begin, int state) { return rl_filename_completion_function(begin, state); }

// --- from the first line to the last ---

static void open_editor(void) {
    const char *home = getenv("HOME");
    rl_catch_signals = 0;
    rl_readline_name = "vmxray";
    rl_attempted_completion_function = complete;
    rl_completion_word_break_hook = breaks;
    rl_initialize();
    rl_bind_keyseq("\\C-ac", resume);
    using_history();
    stifle_history(HISTORY_LINES);
    if (home && snprintf(editor.history, sizeof editor.history, "%s/.vmxray_history", home) > 0)
        read_history(editor.history);
    editor.open = true;
}

void editor_loop(const struct editor_host *host) {
    editor.host = host;
    if (!editor.open) open_editor();
    editor.done = false;
    rl_callback_handler_install(host->prompt(host->context), take_line);
    while (!editor.done) {
        if (wait_input(STDIN_FILENO, LOOK_MS)) rl_callback_read_char();
        if (!editor.done && signals_continued()) rl_forced_update_display();
        if (!editor.done && signals_asked()) interrupt();
        if (!editor.done && !host->goes_on(host->context)) {
            rl_callback_handler_remove();
            editor.done = true;
        }
    }
}

void editor_close(void) {
    if (editor.open && *editor.history) write_history(editor.history);
}
