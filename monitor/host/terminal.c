// The keyboard side of the terminal. Keys as QEMU's users know them: Ctrl-A x, c, h and Ctrl-A Ctrl-A.
#include "monitor/host/terminal.h"
#include "monitor/files/complaint.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { ESCAPE = 'A' & 0x1f, CTRL_C = 'C' & 0x1f, READ_BYTES = 256 };

// Who has the terminal: nobody changed it; the guest, whose it is raw; the monitor, as it was at first or as its editor
// has it.
enum owner { OWNER_NOBODY, OWNER_GUEST, OWNER_MONITOR };

// What the handlers of signals call reaches its data through statics only; there is one terminal.
static struct {
    struct termios cooked, raw, stopped; // as it was; the guest's; as it was when the process was stopped
    bool is_terminal;
    atomic_int owner;
    atomic_bool is_stopped; // `stopped` holds
    bool keyboard;          // stdin is ours and has not ended
    bool for_guest;         // it was ours at first
    bool escaped;           // the last byte was Ctrl-A
    bool left;
} terminal;

// A process in the background leaves the terminal to the one in front.
static void set(const struct termios *settings) {
    if (terminal.is_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp()) tcsetattr(STDIN_FILENO, TCSANOW, settings);
}

static void cook(void) {
    if (atomic_exchange(&terminal.owner, OWNER_NOBODY) != OWNER_NOBODY) set(&terminal.cooked);
}

// --- called by the handlers of signals ---

static void restore(void) {
    if (terminal.owner == OWNER_NOBODY) return;
    terminal.is_stopped = tcgetattr(STDIN_FILENO, &terminal.stopped) == 0;
    set(&terminal.cooked);
}

static void resume(void) {
    if (terminal.owner == OWNER_GUEST)
        set(&terminal.raw);
    else if (terminal.owner == OWNER_MONITOR && terminal.is_stopped)
        set(&terminal.stopped);
}

// --- whose it is ---

void terminal_prompt(bool on) {
    int owner = on ? OWNER_MONITOR : OWNER_GUEST;
    if (!terminal.for_guest || !terminal.is_terminal || terminal.owner == owner) return;
    terminal.is_stopped = false;
    terminal.owner = owner;
    set(on ? &terminal.cooked : &terminal.raw);
}

// Every key goes to the guest, Ctrl-C too; output keeps its newline processing.
void terminal_open(bool keyboard) {
    static const struct signals_terminal hooks = {restore, resume};
    terminal.keyboard = terminal.for_guest = keyboard;
    terminal.is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal.cooked) == 0;
    if (!terminal.is_terminal) return;
    terminal.raw = terminal.cooked;
    cfmakeraw(&terminal.raw);
    terminal.raw.c_oflag |= OPOST;
    atexit(cook);
    terminal.owner = keyboard ? OWNER_GUEST : OWNER_MONITOR;
    signals_set_terminal(&hooks);
    if (keyboard) set(&terminal.raw);
}

void terminal_close(void) {
    cook();
    terminal.keyboard = false;
}

bool terminal_is_raw(void) { return terminal.owner == OWNER_GUEST; }

bool terminal_is_person(enum terminal_side side) { return isatty((int)side); }

// --- input ---

bool terminal_has_input(void) { return terminal.keyboard; }

void terminal_wait(int milliseconds) {
    if (terminal.keyboard)
        (void)wait_input(STDIN_FILENO, milliseconds);
    else
        wait_pass(milliseconds);
}

static void help(void) {
    tell("\nCtrl-A h       this text\n"
         "Ctrl-A x       leave\n"
         "Ctrl-A c       stop the guest and give the monitor's prompt; there: go on\n"
         "Ctrl-A Ctrl-A  send Ctrl-A to the guest\n");
}

// Whether the byte is for the guest.
static bool filter(uint8_t byte) {
    if (!terminal.escaped && byte == CTRL_C && signals_interrupt_is_asking() && terminal_is_raw()) {
        signals_ask();
        return false;
    }
    if (!terminal.escaped) {
        terminal.escaped = byte == ESCAPE;
        return !terminal.escaped;
    }
    terminal.escaped = false;
    if (byte == 'x')
        terminal.left = true;
    else if (byte == 'c')
        signals_ask();
    else if (byte == 'h' || byte == '?')
        help();
    return byte == ESCAPE;
}

size_t terminal_read(uint8_t *bytes, size_t size) {
    uint8_t raw[READ_BYTES];
    size_t used = 0;
    bool lose = size == 0;
    if (!terminal.keyboard || (lose && !terminal_is_raw()) || !wait_readable(STDIN_FILENO, 0)) return 0;
    ssize_t got = read(STDIN_FILENO, raw, !lose && size < sizeof raw ? size : sizeof raw);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) terminal.keyboard = false;
    for (ssize_t i = 0; i < got; i++)
        if (filter(raw[i]) && !lose) bytes[used++] = raw[i];
    return used;
}

bool terminal_read_line(char *line, size_t size) {
    size_t used = 0;
    char byte;
    for (;;) {
        ssize_t got = wait_readable(STDIN_FILENO, -1) ? read(STDIN_FILENO, &byte, 1) : 0;
        if (got < 0 && (errno == EINTR || errno == EAGAIN) && !signals_ending()) continue;
        if (got <= 0 && !used) return false;
        if (got <= 0 || byte == '\n') break;
        if (used + 1 < size && byte != '\r') line[used++] = byte;
    }
    line[used] = '\0';
    return true;
}

void terminal_leave(void) { terminal.left = true; }
bool terminal_left(void) { return terminal.left; }
