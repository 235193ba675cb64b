// Where a person sees the machine's display and types at it: a window, or the terminal. It lies outside of the machine:
// pictures are pulled about 30 times a second, and what is typed is offered as input.
#ifndef MONITOR_SCREEN_H
#define MONITOR_SCREEN_H
#include "devices/input/ps2.h"
#include "devices/machine/machine_picture.h"
#include "monitor/session/run.h"

enum { SCREEN_KEYS = 64 };

struct screen {
    struct run *run;
    const struct screen_kind *kind; // NULL: nothing is seen
    void *place;                    // its own
    struct machine *machine;        // whose picture it is
    struct picture picture;
    double pulled_seconds, titled_seconds;
    uint64_t titled_step;
    bool live, stale; // input is taken; all of it is to be shown anew
    // what was typed, and the machine has not taken yet
    struct key_event key[SCREEN_KEYS];
    unsigned keys;
    int32_t right, down, away;
    uint8_t buttons, buttons_told;
    uint8_t held[KEY_NUMBERS / 8]; // pressed in the machine
};

struct screen_kind {
    const char *name;
    bool (*open)(struct screen *screen, bool full, char *why, size_t why_size);
    void (*close)(struct screen *screen);
    void (*rest)(struct screen *screen);   // the guest stops, and the monitor may have the terminal; NULL: nothing
    void (*resume)(struct screen *screen); // it runs again
    void (*events)(struct screen *screen);
    void (*show)(struct screen *screen, bool all); // the picture's rows that changed, or all
    void (*title)(struct screen *screen, const char *text);
};
extern const struct screen_kind screen_window, screen_curses;

// Opens what was asked for, before the jail is closed. Where it cannot be had, one line says so, and the run goes on
// without.
void screen_open(struct screen *screen, struct run *run);
void screen_close(struct screen *screen);

// --- for kinds ---
void screen_key(struct screen *screen, uint8_t key, bool down);
void screen_let_go(struct screen *screen); // of all keys: the window is left
void screen_moved(struct screen *screen, int right, int down, int away);
void screen_pressed(struct screen *screen, uint8_t button, bool down); // enum pointer_button

#endif
