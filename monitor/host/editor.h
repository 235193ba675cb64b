// Lines that a person types: readline, with history kept in ~/.vmxray_history, and Tab.
#ifndef MONITOR_EDITOR_H
#define MONITOR_EDITOR_H
#include <stdbool.h>

// What the editor asks of the program.
struct editor_host {
    void *context;
    const char *(*prompt)(void *context);
    // NULL: the input has ended. `echo`: it was pasted with others, and is to be printed before it is carried out.
    void (*line)(void *context, const char *line, bool echo);
    bool (*goes_on)(void *context);                // whether another line is wanted
    void (*resume)(void *context);                 // Ctrl-A c: back to the guest
    // The candidates for the last `word` of a line, which begins at `start`, one at a time: an allocated string, or
    // NULL after the last. `state` is 0 for the first.
    char *(*candidate)(void *context, const char *line, const char *word, int start, int state);
    // Whether the line takes the name of a file, whose letters are not operators.
    bool (*takes_file)(void *context, const char *line);
};

// Reads lines until the host does not go on, or the person resumes the guest.
void editor_loop(const struct editor_host *host);
void editor_close(void); // keeps the history
// Names of files that begin so, as a candidate above; state 0: the first.
char *editor_file(const char *begin, int state);

#endif
