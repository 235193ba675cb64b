// Lines that a person types; see editor.h. readline's callbacks have no argument of their own, so that what they need
// stands in a variable: there is one person in front of a process.
#include "monitor/host/editor.h"
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include "monitor/host/output.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>

enum {
    HISTORY_LINES = 1000,
    HISTORY_BYTES = 1 << 24,
    EARLY_BYTES = 4096, // what a terminal of Linux keeps
    LOOK_MS = 200       /* between looks at whether something else ended the prompt */
};

static struct {
    const struct editor_host *host;
    bool open;   // readline is set up
    bool done;   // the prompt is to be left
    int history; // the file of lines typed earlier; -1: there is none
    struct {
        char byte[EARLY_BYTES];
        size_t at, used;
    } early; // typed or pasted before the last line was carried out: no keys for the guest that it lets run
} editor = {.history = -1};

// --- what was typed ahead ---

static bool has_early(void) { return editor.early.at < editor.early.used; }

static void take_early(void) {
    size_t left = editor.early.used - editor.early.at;
    memmove(editor.early.byte, editor.early.byte + editor.early.at, left);
    editor.early.at = 0;
    while (left < EARLY_BYTES && wait_readable(STDIN_FILENO, 0)) {
        ssize_t got = read(STDIN_FILENO, editor.early.byte + left, EARLY_BYTES - left);
        if (got <= 0) break;
        left += (size_t)got;
    }
    editor.early.used = left;
}

static int next_byte(FILE *from) {
    return has_early() ? (unsigned char)editor.early.byte[editor.early.at++] : rl_getc(from);
}

// --- lines ---

// Lines that were pasted together come as one, with line feeds in it (bracketed paste). One that is empty there is
// none: it does not repeat what stands before it.
static void take_lines(const struct editor_host *h, char *text) {
    bool several = strchr(text, '\n') != NULL;
    for (char *line = text, *next; line && (line == text || h->goes_on(h->context)); line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (several && !*line) continue;
        if (*line) add_history(line);
        h->line(h->context, line, several);
    }
}

static void take_line(char *line) {
    const struct editor_host *h = editor.host;
    take_early();
    rl_callback_handler_remove();
    if (!line) fputs("quit\n", stdout);
    fflush(stdout);
    if (line)
        take_lines(h, line);
    else
        h->line(h->context, NULL, false);
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

// --- lines typed earlier ---

static void take_history(char *text) {
    for (char *end; (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        if (*text) add_history(text);
    }
}

static void give_up_history(void) {
    files_close(editor.history);
    editor.history = -1;
}

// A history that cannot be had is no reason to complain.
static void open_history(const char *home) {
    char path[PATH_MAX];
    struct stat s;
    if ((size_t)snprintf(path, sizeof path, "%s/.vmxray_history", home) >= sizeof path) return;
    editor.history = files_open(path, FILE_KEPT);
    if (editor.history < 0) return;
    bool good = fstat(editor.history, &s) == 0 && s.st_size < HISTORY_BYTES;
    char *text = good ? malloc((size_t)s.st_size + 1) : NULL;
    ssize_t got = text ? read(editor.history, text, (size_t)s.st_size) : -1;
    if (got >= 0) text[got] = '\0';
    if (got > 0) take_history(text);
    free(text);
    if (got < 0) give_up_history();
}

static void put_history(struct output *text) {
    HIST_ENTRY **lines = history_list();
    for (; lines && *lines; lines++) output_print(text, PLAIN, "%s\n", (*lines)->line);
}

// Over what was there, and cut off behind: a full disk has room for that.
static void write_history_to(void *fd, const char *bytes, size_t count) {
    int to = *(int *)fd;
    size_t done = 0;
    if (lseek(to, 0, SEEK_SET) != 0) return;
    while (done < count) {
        ssize_t wrote = write(to, bytes + done, count - done);
        if (wrote == 0 || (wrote < 0 && errno != EINTR)) return;
        if (wrote > 0) done += (size_t)wrote;
    }
    if (ftruncate(to, (off_t)count) != 0) return; // a device has no end
}

// --- from the first line to the last ---

static void open_editor(void) {
    const char *home = getenv("HOME");
    rl_catch_signals = 0;
    rl_readline_name = "vmxray";
    rl_getc_function = next_byte;
    rl_attempted_completion_function = complete;
    rl_completion_word_break_hook = breaks;
    rl_initialize();
    rl_bind_keyseq("\\C-ac", resume);
    using_history();
    stifle_history(HISTORY_LINES);
    if (home) open_history(home);
    editor.open = true;
}

void editor_loop(const struct editor_host *host) {
    editor.host = host;
    if (!editor.open) open_editor();
    editor.done = false;
    rl_callback_handler_install(host->prompt(host->context), take_line);
    while (!editor.done) {
        if (has_early() || wait_input(STDIN_FILENO, LOOK_MS)) rl_callback_read_char();
        if (!editor.done && signals_continued()) rl_forced_update_display();
        if (!editor.done && signals_asked()) interrupt();
        if (!editor.done && !host->goes_on(host->context)) {
            rl_callback_handler_remove();
            editor.done = true;
        }
    }
}

void editor_close(void) {
    if (editor.history < 0) return;
    struct output text = {.write = write_history_to, .context = &editor.history};
    put_history(&text);
    if (!text.broken) output_flush(&text);
    output_free(&text);
    give_up_history();
}
