// The keyboard side of the terminal, and signals. Keys as QEMU's users know them: Ctrl-A x, c, h and Ctrl-A Ctrl-A.
#include "monitor/host/terminal.h"
#include "devices/machine/machine.h"
#include "monitor/host/host_clock.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { ESCAPE = 'A' & 0x1f, CTRL_C = 'C' & 0x1f, READ_BYTES = 256, WAIT_PIECE_MS = 100, PATIENCE_SECONDS = 10 };

// Signal handlers reach their data through statics only; this is the whole of it.
static struct {
    struct machine *machine;
    struct termios cooked, raw;
    atomic_bool is_raw;
    atomic_int signal;
    atomic_bool asked, interrupt_asks;
    bool prompting; // the monitor has the terminal
    bool keyboard;  // stdin is ours and has not ended
    bool escaped;   // the last byte was Ctrl-A
    bool left;
} terminal;

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM};
static const int crashing[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

static void cook(void) {
    if (atomic_exchange(&terminal.is_raw, false)) tcsetattr(STDIN_FILENO, TCSANOW, &terminal.cooked);
}

// The first one asks the run to end, or for the monitor; the second one does not wait, and neither does time.
static void on_ending(int number) {
    int none = 0;
    if (number == SIGINT && terminal.interrupt_asks && !atomic_exchange(&terminal.asked, true)) {
        machine_stop_soon(terminal.machine);
        return;
    }
    if (atomic_compare_exchange_strong(&terminal.signal, &none, number)) {
        machine_stop_soon(terminal.machine);
        alarm(PATIENCE_SECONDS);
        return;
    }
    cook();
    signal(none, SIG_DFL);
    raise(none);
}

static void on_crash(int number) {
    cook();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_continue(int number) {
    (void)number;
    if (terminal.is_raw) tcsetattr(STDIN_FILENO, TCSANOW, &terminal.raw);
}

bool terminal_asked(void) { return atomic_exchange(&terminal.asked, false); }
bool terminal_is_asked(void) { return terminal.asked; }
void terminal_interrupt_asks(bool asks) { terminal.interrupt_asks = asks; }

void terminal_prompt(bool on) {
    if (on && terminal.is_raw) {
        cook();
        terminal.prompting = true;
    } else if (!on && terminal.prompting) {
        terminal.prompting = false;
        terminal.is_raw = true;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.raw);
    }
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) // ignored: under nohup
        sigaction(number, &action, NULL);
}

// Every key goes to the guest, Ctrl-C too; output keeps its newline processing.
static void make_raw(void) {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal.cooked) != 0) return;
    terminal.raw = terminal.cooked;
    cfmakeraw(&terminal.raw);
    terminal.raw.c_oflag |= OPOST;
    atexit(cook);
    terminal.is_raw = true;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal.raw);
}

void terminal_open(struct machine *machine, bool keyboard) {
    terminal.machine = machine;
    terminal.keyboard = keyboard;
    for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++) handle(ending[i], on_ending, 0);
    for (unsigned i = 0; i < sizeof crashing / sizeof *crashing; i++) handle(crashing[i], on_crash, (int)SA_RESETHAND);
    handle(SIGCONT, on_continue, SA_RESTART);
    signal(SIGPIPE, SIG_IGN); // a write tells
    if (keyboard) make_raw();
}

void terminal_close(void) {
    cook();
    terminal.keyboard = false;
    alarm(0);
    for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++) handle(ending[i], SIG_DFL, 0);
}

bool terminal_has_input(void) { return terminal.keyboard; }

static bool readable(int milliseconds) {
    struct pollfd stdin_poll = {STDIN_FILENO, POLLIN, 0};
    return poll(&stdin_poll, 1, milliseconds) > 0;
}

static int64_t milliseconds_now(void) { return (int64_t)(host_seconds(CLOCK_MONOTONIC) * 1000); }

// In pieces, so that a signal that comes just before poll() is seen soon.
void terminal_wait(int milliseconds) {
    int64_t end = milliseconds_now() + milliseconds, left;
    while (!terminal.signal && (left = milliseconds < 0 ? WAIT_PIECE_MS : end - milliseconds_now()) > 0) {
        int piece = left < WAIT_PIECE_MS ? (int)left : WAIT_PIECE_MS;
        if (!terminal.keyboard)
            nanosleep(&(struct timespec){0, piece * 1000000l}, NULL);
        else if (readable(piece))
            return;
    }
}

static void help(void) {
    fputs("\nCtrl-A h       this text\n"
          "Ctrl-A x       leave\n"
          "Ctrl-A c       stop the guest and give the monitor's prompt; there: go on\n"
          "Ctrl-A Ctrl-A  send Ctrl-A to the guest\n",
          stderr);
}

// Whether the byte is for the guest.
static bool filter(uint8_t byte) {
    if (!terminal.escaped && byte == CTRL_C && terminal.interrupt_asks && terminal.is_raw) {
        terminal.asked = true;
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
        terminal.asked = true;
    else if (byte == 'h' || byte == '?')
        help();
    return byte == ESCAPE;
}

size_t terminal_read(uint8_t *bytes, size_t size) {
    uint8_t raw[READ_BYTES];
    size_t used = 0;
    bool lose = size == 0;
    if (!terminal.keyboard || (lose && !terminal.is_raw) || !readable(0)) return 0;
    ssize_t got = read(STDIN_FILENO, raw, !lose && size < sizeof raw ? size : sizeof raw);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) terminal.keyboard = false;
    for (ssize_t i = 0; i < got; i++)
        if (filter(raw[i]) && !lose) bytes[used++] = raw[i];
    return used;
}

bool terminal_is_raw(void) { return terminal.is_raw; }

bool terminal_is_person(enum terminal_side side) { return isatty((int)side); }

bool terminal_read_line(char *line, size_t size) {
    size_t used = 0;
    char byte;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR && !terminal.signal) continue;
        if (got <= 0 && !used) return false;
        if (got <= 0 || byte == '\n') break;
        if (used + 1 < size && byte != '\r') line[used++] = byte;
    }
    line[used] = '\0';
    return true;
}

bool terminal_left(void) { return terminal.left; }

int terminal_signal(void) { return terminal.signal; }

void terminal_raise(int number) {
    cook();
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}
