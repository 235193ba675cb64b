// The display in a window of the host, by SDL2; see screen.h. SDL is looked for only when a window is wanted, draws by
// software, and is asked from one thread.
//   Ctrl-Alt-G  grabs the mouse, or lets it go (also a click into the window)
//   Ctrl-Alt-F  fills the screen, or not
//   Ctrl-Alt-U  a window as large as the picture
//   Ctrl-Alt-2  the monitor, on the terminal
#include "monitor/files/signals.h"
#include "monitor/host/limits.h"
#include "monitor/host/terminal.h"
#include "monitor/screen/screen.h"
#include <SDL2/SDL.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
#define SDL(function) __typeof__(SDL_##function) *function;
#include "monitor/screen/sdl.def"
} sdl;

struct window {
    void *library;
    SDL_Window *window;
    SDL_Rect shown;            // where the picture lies in it
    bool full, grabbed, sized; // sized: by the person
    int width, height;         // asked for last
};

// --- SDL ---
static const char *find_sdl(struct window *w) {
    w->library = dlopen("libSDL2-2.0.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!w->library) return "SDL2 is not installed (Debian's libsdl2-2.0-0)";
#define SDL(function)                                                                                                  \
    *(void **)&sdl.function = dlsym(w->library, "SDL_" #function);                                                     \
    if (!sdl.function) return "this SDL2 has no SDL_" #function;
#include "monitor/screen/sdl.def"
    return NULL;
}

static bool window_open(struct screen *s, bool full, char *why, size_t why_size) {
    enum { WIDTH = 720, HEIGHT = 400 };
    struct window *w = s->place = calloc(1, sizeof *w);
    const char *wrong = !w ? "not enough memory" : limits_has_windows() ? find_sdl(w) : "the host has no display";
    if (!wrong) {
        sdl.SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
        sdl.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
        sdl.SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
        sdl.SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
        limits_refuse_launch();
        if (sdl.Init(SDL_INIT_VIDEO) < 0) wrong = sdl.GetError();
    }
    uint32_t flags = SDL_WINDOW_RESIZABLE | (full ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    if (!wrong) {
        w->full = full, w->width = WIDTH, w->height = HEIGHT;
        w->window = sdl.CreateWindow("vmxray", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, WIDTH, HEIGHT, flags);
        if (!w->window || !sdl.GetWindowSurface(w->window)) wrong = sdl.GetError();
    }
    if (wrong) {
        snprintf(why, why_size, "%s", *wrong ? wrong : "there is no display of the host");
        free(w);
        return false;
    }
    sdl.StopTextInput();
    // What SDL loads for a grabbed mouse is loaded now: later the jail is closed.
    sdl.SetRelativeMouseMode(SDL_TRUE);
    sdl.SetRelativeMouseMode(SDL_FALSE);
    return true;
}

static void window_close(struct screen *s) {
    struct window *w = s->place;
    sdl.DestroyWindow(w->window);
    sdl.Quit();
    free(w);
}

static void window_title(struct screen *s, const char *text) {
    const struct window *w = s->place;
    char whole[300];
    snprintf(whole, sizeof whole, "%s%s", text, w->grabbed ? " - Ctrl-Alt-G lets the mouse go" : "");
    sdl.SetWindowTitle(w->window, whole);
}

// --- the picture ---
// As large as fits, with its own ratio of sides; in a window of its own size dot for dot.
static SDL_Rect fitted(const struct picture *p, const SDL_Surface *to) {
    SDL_Rect r = {0, 0, to->w, to->h};
    if ((uint64_t)to->w * p->height > (uint64_t)to->h * p->width)
        r.w = (int)((uint64_t)to->h * p->width / p->height);
    else
        r.h = (int)((uint64_t)to->w * p->height / p->width);
    r.x = (to->w - r.w) / 2, r.y = (to->h - r.h) / 2;
    return r;
}

// The next run of rows that changed, from *y on.
static bool next_rows(const struct picture *p, bool all, int *y, SDL_Rect *out) {
    int height = (int)p->height, first = *y;
    while (first < height && !all && !p->changed[first]) first++;
    int end = first;
    while (end < height && (all || p->changed[end])) end++;
    *y = end;
    *out = (SDL_Rect){0, first, (int)p->width, end - first};
    return first < height;
}

static void show_rows(struct window *w, SDL_Surface *from, SDL_Surface *to, const struct picture *p, bool all) {
    SDL_Rect rows;
    for (int y = 0; next_rows(p, all, &y, &rows);) {
        SDL_Rect there = {w->shown.x, w->shown.y + rows.y, rows.w, rows.h};
        sdl.UpperBlit(from, &rows, to, &there);
        sdl.UpdateWindowSurfaceRects(w->window, &there, 1);
    }
}

static void follow_size(struct window *w, const struct picture *p) {
    if (w->full || w->sized || (w->width == (int)p->width && w->height == (int)p->height)) return;
    w->width = (int)p->width, w->height = (int)p->height;
    sdl.SetWindowSize(w->window, w->width, w->height);
}

static void window_show(struct screen *s, bool all) {
    struct window *w = s->place;
    const struct picture *p = &s->picture;
    follow_size(w, p);
    SDL_Surface *to = sdl.GetWindowSurface(w->window);
    SDL_Surface *from = sdl.CreateRGBSurfaceFrom(p->dot, (int)p->width, (int)p->height, 32, (int)(4 * p->width),
                                                 0xff0000, 0xff00, 0xff, 0);
    SDL_Rect fits = to ? fitted(p, to) : w->shown;
    if (to && from) {
        all |= fits.x != w->shown.x || fits.y != w->shown.y || fits.w != w->shown.w || fits.h != w->shown.h;
        w->shown = fits;
        bool scaled = fits.w != (int)p->width || fits.h != (int)p->height;
        SDL_Rect whole = {0, 0, to->w, to->h};
        if (all) sdl.FillRect(to, NULL, 0);
        if (scaled) sdl.UpperBlitScaled(from, NULL, to, &fits);
        if (!scaled) show_rows(w, from, to, p, all);
        if (scaled || all) sdl.UpdateWindowSurfaceRects(w->window, &whole, 1);
    }
    if (from) sdl.FreeSurface(from);
}

// --- keys ---
static const struct window_key {
    SDL_Scancode theirs;
    uint8_t ours;
} window_keys[] = {
#define WINDOW_KEY(theirs, ours) {SDL_SCANCODE_##theirs, KEY_##ours},
#include "monitor/screen/window_key.def"
};

static int key_of(SDL_Scancode code) {
    for (unsigned i = 0; i < sizeof window_keys / sizeof *window_keys; i++)
        if (window_keys[i].theirs == code) return window_keys[i].ours;
    return -1;
}

static void grab(struct window *w, bool on) {
    w->grabbed = on;
    sdl.SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    sdl.SetWindowGrab(w->window, on ? SDL_TRUE : SDL_FALSE);
}

static void fill_screen(struct screen *s, bool on) {
    struct window *w = s->place;
    w->full = on;
    sdl.SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    s->stale = true;
}

// True: the key is the window's own.
static bool is_command(struct screen *s, const SDL_KeyboardEvent *key) {
    struct window *w = s->place;
    if (!(key->keysym.mod & KMOD_CTRL) || !(key->keysym.mod & KMOD_ALT)) return false;
    switch (key->keysym.scancode) {
    case SDL_SCANCODE_G: grab(w, !w->grabbed); break;
    case SDL_SCANCODE_F: fill_screen(s, !w->full); break;
    case SDL_SCANCODE_U: w->sized = false, w->width = 0, s->stale = true; break;
    case SDL_SCANCODE_2:
        if (terminal_is_person(TERMINAL_INPUT)) signals_ask(); // else nobody could answer the prompt
        break;
    default: return false;
    }
    screen_let_go(s);
    return true;
}

static void on_key(struct screen *s, const SDL_KeyboardEvent *key) {
    bool down = key->type == SDL_KEYDOWN;
    int ours = key_of(key->keysym.scancode);
    if (down && (key->repeat || is_command(s, key))) return; // the guest's keyboard repeats by itself
    if (ours >= 0) screen_key(s, (uint8_t)ours, down);
}

// --- mouse ---
static void on_button(struct screen *s, const SDL_MouseButtonEvent *button) {
    static const uint8_t ours[] = {[SDL_BUTTON_LEFT] = POINTER_LEFT,
                                   [SDL_BUTTON_MIDDLE] = POINTER_MIDDLE,
                                   [SDL_BUTTON_RIGHT] = POINTER_RIGHT,
                                   [SDL_BUTTON_X1] = POINTER_SIDE,
                                   [SDL_BUTTON_X2] = POINTER_EXTRA};
    struct window *w = s->place;
    if (!w->grabbed) {
        if (button->type == SDL_MOUSEBUTTONUP && button->button == SDL_BUTTON_LEFT) grab(w, true);
    } else if (button->button < sizeof ours) {
        screen_pressed(s, ours[button->button], button->type == SDL_MOUSEBUTTONDOWN);
    }
}

static void on_window(struct screen *s, const SDL_WindowEvent *event) {
    struct window *w = s->place;
    if (event->event == SDL_WINDOWEVENT_EXPOSED || event->event == SDL_WINDOWEVENT_SIZE_CHANGED) s->stale = true;
    if (event->event == SDL_WINDOWEVENT_RESIZED)
        w->sized |= !w->full && (event->data1 != w->width || event->data2 != w->height);
    if (event->event == SDL_WINDOWEVENT_FOCUS_LOST) {
        screen_let_go(s);
        if (w->grabbed) grab(w, false);
    }
}

static void window_events(struct screen *s) {
    const struct window *w = s->place;
    for (SDL_Event event; sdl.PollEvent(&event);) {
        switch (event.type) {
        case SDL_KEYDOWN:
        case SDL_KEYUP: on_key(s, &event.key); break;
        case SDL_MOUSEMOTION:
            if (w->grabbed) screen_moved(s, event.motion.xrel, event.motion.yrel, 0);
            break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP: on_button(s, &event.button); break;
        case SDL_MOUSEWHEEL:
            if (w->grabbed) screen_moved(s, 0, 0, event.wheel.y);
            break;
        case SDL_WINDOWEVENT: on_window(s, &event.window); break;
        case SDL_QUIT: terminal_leave(); break;
        default: break;
        }
    }
}

const struct screen_kind screen_window = {.name = "sdl",
                                          .open = window_open,
                                          .close = window_close,
                                          .events = window_events,
                                          .show = window_show,
                                          .title = window_title};
