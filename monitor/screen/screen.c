// The display, as a person has it in front; see screen.h. Called from the run between pieces of it, and while the
// monitor waits for a line: so the picture is right after each step, and after going back.
#include "monitor/screen/screen.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_input.h"
#include "monitor/files/complaint.h"
#include "monitor/files/wait.h"
#include "monitor/host/host_clock.h"
#include "devices/input/ps2.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PULL_SECONDS 0.033
#define TITLE_SECONDS 0.5

// --- what is typed ---
static bool is_held(const struct screen *s, uint8_t key) { return s->held[key / 8] >> key % 8 & 1; }

void screen_key(struct screen *s, uint8_t key, bool down) {
    uint8_t bit = (uint8_t)(1 << key % 8);
    if (!s->live || s->keys == SCREEN_KEYS || is_held(s, key) == down) return;
    s->held[key / 8] ^= bit;
    s->key[s->keys++] = (struct key_event){key, down, 0};
}

void screen_let_go(struct screen *s) {
    for (unsigned key = 0; key < KEY_NUMBERS; key++)
        if (is_held(s, (uint8_t)key)) screen_key(s, (uint8_t)key, false);
}

void screen_moved(struct screen *s, int right, int down, int away) {
    if (!s->live) return;
    s->right += right, s->down += down, s->away += away;
}

void screen_pressed(struct screen *s, uint8_t button, bool down) {
    if (s->live) s->buttons = down ? s->buttons | button : (uint8_t)(s->buttons & ~button);
}

static void offer_keys(struct screen *s) {
    const struct input input = {.kind = INPUT_KEY, .bytes = s->keys * (uint32_t)sizeof *s->key, .data = s->key};
    if (s->keys && machine_room(s->machine, INPUT_KEY, 0) >= input.bytes && machine_offer(s->machine, &input))
        s->keys = 0;
}

static int part(int value, int most) { return value > most ? most : value < -most ? -most : value; }

// Movements add up while the machine has no room for them.
static void offer_pointer(struct screen *s) {
    if (!s->right && !s->down && !s->away && s->buttons == s->buttons_told) return;
    struct pointer_event event = {(int16_t)part(s->right, INT16_MAX),
                                  (int16_t)part(s->down, INT16_MAX),
                                  (int8_t)part(s->away, INT8_MAX),
                                  s->buttons,
                                  {0, 0}};
    const struct input input = {.kind = INPUT_POINTER, .bytes = sizeof event, .data = &event};
    if (machine_room(s->machine, INPUT_POINTER, 0) < sizeof event || !machine_offer(s->machine, &input)) return;
    s->right -= event.right, s->down -= event.down, s->away -= event.away;
    s->buttons_told = s->buttons;
}

// --- what is seen ---
static void title(struct screen *s, double now) {
    char text[200];
    uint64_t step = machine_steps(s->machine);
    double seconds = now - s->titled_seconds, speed = (double)(step - s->titled_step) / seconds / 1e6;
    const char *state = !s->live && s->run->timeline && timeline_in_past(s->run->timeline) ? "in the past"
                        : s->live                                                          ? "running"
                                                                                           : "stopped";
    if (seconds < TITLE_SECONDS || !s->kind->title) return;
    bool moves = s->live && step > s->titled_step;
    snprintf(text, sizeof text, "vmxray - step %" PRIu64 " - %s", step, state);
    if (moves) snprintf(text + strlen(text), sizeof text - strlen(text), ", %.0f million steps a second", speed);
    s->kind->title(s, text);
    s->titled_seconds = now, s->titled_step = step;
}

// Another machine has come in the place of the one that was looked at: what watched it has gone with it.
static void follow_machine(struct screen *s) {
    if (s->machine == s->run->machine) return;
    machine_picture_release(NULL, &s->picture);
    s->machine = s->run->machine;
}

static void look(struct screen *s, bool live) {
    double now = host_seconds(CLOCK_MONOTONIC);
    follow_machine(s);
    s->live = live;
    s->kind->events(s);
    offer_keys(s);
    offer_pointer(s);
    if (now - s->pulled_seconds < PULL_SECONDS && !s->stale) return;
    s->pulled_seconds = now;
    bool all = s->stale;
    s->stale = false;
    if (machine_picture(s->machine, &s->picture) && (all || s->picture.changes || s->picture.resized))
        s->kind->show(s, all || s->picture.resized);
    title(s, now);
}

static void look_running(void *screen, bool live) {
    struct screen *s = screen;
    if (s->kind->resume) s->kind->resume(s);
    look(s, live);
}
static void rest(void *screen) {
    struct screen *s = screen;
    if (s->kind->rest) s->kind->rest(s);
}
static void look_waiting(void *screen) {
    struct screen *s = screen;
    if (!s->run->running) look(s, false);
}

static bool is_due(void *screen) {
    const struct screen *s = screen;
    return host_seconds(CLOCK_MONOTONIC) - s->pulled_seconds >= PULL_SECONDS;
}

// --- life ---
static const struct screen_kind *kind_of(const struct options *o) {
    return o->screen == SCREEN_SDL ? &screen_window : o->screen == SCREEN_CURSES ? &screen_curses : NULL;
}

void screen_open(struct screen *s, struct run *run) {
    char why[300] = "";
    *s = (struct screen){.run = run, .machine = run->machine, .kind = kind_of(run->options), .stale = true};
    if (s->kind && !machine_has_display(run->machine)) {
        complain("-display %s: the machine has no display (-vga std)", s->kind->name);
        s->kind = NULL;
    }
    if (s->kind && !s->kind->open(s, run->options->full_screen, why, sizeof why)) {
        complain("-display %s: %s; the run goes on without it", s->kind->name, why);
        s->kind = NULL;
    }
    if (!s->kind) return;
    run->screen = (struct run_screen){s, look_running, is_due, rest};
    wait_set_beside(look_waiting, s);
}

void screen_close(struct screen *s) {
    if (!s->kind) return;
    wait_set_beside(NULL, NULL);
    s->run->screen = (struct run_screen){0};
    machine_picture_release(s->machine, &s->picture);
    s->kind->close(s);
    s->kind = NULL;
}
