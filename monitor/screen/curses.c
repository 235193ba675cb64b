// The display's characters on the terminal, by ncurses; see screen.h. What is no text is told in one line. A terminal
// sends characters and no keys: each becomes the presses that give it on an American keyboard.
//   Ctrl-A c  the monitor; Ctrl-A x  leave; Ctrl-A Ctrl-A  Ctrl-A for the guest
#include "devices/input/ps2.h"
#include "monitor/files/signals.h"
#include "monitor/host/terminal.h"
#include "monitor/screen/curses_key.h"
#include "monitor/screen/screen.h"
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

enum { COLOURS = 8, PREFIX = 1 /* Ctrl-A */, ESCAPE_MS = 25 };

static struct { bool on, prefixed; } terminal;

// --- colours and characters ---
// A VGA counts blue, green, red from bit 0 on, a terminal the other way round.
static short colour(unsigned vga) { return (short)((vga & 1) << 2 | (vga & 2) | (vga >> 2 & 1)); }

static void make_colours(void) {
    if (!has_colors()) return;
    start_color();
    for (unsigned i = 1; i < COLOURS * COLOURS; i++) init_pair((short)i, colour(i % COLOURS ^ 7), colour(i / COLOURS));
}

// Pair 0 is light grey on black, as ncurses has it: so the front counts from there.
static attr_t attribute(unsigned byte, short *pair) {
    *pair = (short)(((byte & 7) ^ 7) + COLOURS * (byte >> 4 & 7));
    return (byte & 8 ? A_BOLD : A_NORMAL) | (byte & 0x80 ? A_BLINK : A_NORMAL);
}

// --- the picture ---
static void put_cell(uint16_t cell) {
    cchar_t c;
    short pair;
    attr_t shown = attribute(cell >> 8, &pair);
    const wchar_t text[2] = {(wchar_t)curses_character((uint8_t)cell), 0};
    setcchar(&c, text, shown, has_colors() ? pair : 0, NULL);
    add_wch(&c);
}

static void put_text(const struct picture *p) {
    for (unsigned row = 0; row < p->rows && row < (unsigned)LINES; row++) {
        move((int)row, 0);
        for (unsigned column = 0; column < p->columns && column < (unsigned)COLS; column++)
            put_cell(p->text[row * p->columns + column]);
    }
    curs_set(p->cursor >= 0);
    if (p->cursor >= 0) move(p->cursor / (int)p->columns, p->cursor % (int)p->columns);
}

static void curses_show(struct screen *s, bool all) {
    const struct picture *p = &s->picture;
    if (!terminal.on) return;
    if (all) clear();
    if (p->columns)
        put_text(p);
    else if (p->height <= 1)
        mvprintw(0, 0, "no picture yet: the display is not set up");
    else
        mvprintw(0, 0, "a picture of %u x %u dots (screendump of the monitor shows it)", p->width, p->height);
    refresh();
}

// --- keys ---
static void type(struct screen *s, const struct curses_key *key) {
    const uint8_t with[] = {key->control ? KEY_ctrl : 0, key->shift ? KEY_shift : 0, key->alt ? KEY_alt : 0};
    for (unsigned i = 0; i < sizeof with; i++)
        if (with[i]) screen_key(s, with[i], true);
    screen_key(s, key->key, true);
    screen_key(s, key->key, false);
    for (unsigned i = 0; i < sizeof with; i++)
        if (with[i]) screen_key(s, with[i], false);
}

// True: it is a command, or begins one.
static bool is_command(int typed) {
    if (!terminal.prefixed) return terminal.prefixed = typed == PREFIX;
    terminal.prefixed = false;
    if (typed == 'c') signals_ask();
    if (typed == 'x') terminal_leave();
    return typed != PREFIX;
}

static void curses_events(struct screen *s) {
    struct curses_key key;
    if (!terminal.on) return;
    while (s->keys + 8 < SCREEN_KEYS) {
        int typed = getch();
        if (typed == ERR) break;
        if (typed == KEY_RESIZE) s->stale = true;
        if (!is_command(typed) && curses_key_of(typed, &key)) type(s, &key);
    }
}

// --- life ---
static bool curses_open(struct screen *s, bool full, char *why, size_t why_size) {
    (void)s, (void)full;
    if (!terminal_is_person(TERMINAL_INPUT) || !terminal_is_person(TERMINAL_OUTPUT)) {
        snprintf(why, why_size, "stdin and stdout are no terminal");
        return false;
    }
    setlocale(LC_CTYPE, "");
    if (!curses_knows_terminal() || !initscr()) {
        snprintf(why, why_size, "this terminal is not known (TERM)");
        return false;
    }
    raw(), noecho(), nonl(), keypad(stdscr, TRUE), nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    make_colours();
    terminal.on = true;
    return true;
}

// Somebody else writes to the terminal: the monitor.
static void curses_rest(struct screen *s) {
    if (terminal.on) endwin();
    terminal.on = false;
    s->stale = true;
}

static void curses_resume(struct screen *s) {
    if (!terminal.on) clearok(stdscr, TRUE);
    s->stale |= !terminal.on;
    terminal.on = true;
}

const struct screen_kind screen_curses = {.name = "curses",
                                          .open = curses_open,
                                          .close = curses_rest,
                                          .rest = curses_rest,
                                          .resume = curses_resume,
                                          .events = curses_events,
                                          .show = curses_show};
