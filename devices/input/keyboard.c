// The keyboard: what is typed becomes scan codes of one of three sets, and it answers commands. IBM Personal System/2
// Hardware Interface Technical Reference, keyboard (101/102 keys).
// What comes from outside waits in a list of its own until its time has come and the keyboard has room: a person's keys
// overrun no buffer here. NOT IMPLEMENTED: the codes around the cursor keys that depend on NUM LOCK and SHIFT (a
// keyboard sends them so that programs for the older one with 84 keys can use it); types of single keys in set 3.
#include "devices/input/ps2.h"
#include "cpu/state/outcome.h"
#include <string.h>

enum {
    ACKNOWLEDGE = 0xfa,
    RESEND = 0xfe,
    ECHO = 0xee,
    TEST_PASSED = 0xaa,
    SET_LEDS = 0xed,
    SCAN_CODE_SET = 0xf0,
    IDENTIFY = 0xf2,
    SET_TYPEMATIC = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    DEFAULTS = 0xf6,
    ALL_TYPEMATIC = 0xf7,
    ALL_MAKE_BREAK = 0xf8,
    ALL_MAKE = 0xf9,
    ALL_MAKE_BREAK_TYPEMATIC = 0xfa,
    KEY_TYPEMATIC = 0xfb,
    KEY_MAKE = 0xfd,
    LAST_SENT = 0xfe,
    RESET = 0xff,
};
enum { USUAL_RATE = 0x2b }; // 500 ms, then 10.9 a second
enum { LONGEST = 10 };      // sequence of codes for one key

static void answer(struct ps2 *p, uint8_t byte) { ps2_queue_put(&p->keyboard.queue, byte); }

// --- scan codes ---
static bool has_room(const struct ps2_keyboard *k) { return PS2_QUEUE - k->queue.count >= LONGEST; }

static void send(struct ps2 *p, const char *codes, unsigned count) {
    for (unsigned i = 0; i < count; i++) answer(p, (uint8_t)codes[i]);
}
#define SEND(p, codes) send(p, codes, sizeof codes - 1)

// Pause has no break code, and does not repeat.
static void send_pause(struct ps2 *p, bool down) {
    if (down && p->keyboard.set == 1) SEND(p, "\xe1\x1d\x45\xe1\x9d\xc5");
    if (down && p->keyboard.set == 2) SEND(p, "\xe1\x14\x77\xe1\xf0\x14\xf0\x77");
}

static void send_print(struct ps2 *p, bool down) {
    if (p->keyboard.set == 1 && down) SEND(p, "\xe0\x2a\xe0\x37");
    if (p->keyboard.set == 1 && !down) SEND(p, "\xe0\xb7\xe0\xaa");
    if (p->keyboard.set == 2 && down) SEND(p, "\xe0\x12\xe0\x7c");
    if (p->keyboard.set == 2 && !down) SEND(p, "\xe0\xf0\x7c\xe0\xf0\x12");
}

// Set 3: letters and the like repeat and have no break code, SHIFT and its kin have one and do not repeat, others
// neither; until a command makes all keys alike.
static bool is_modifier(uint8_t key) {
    return key == KEY_shift || key == KEY_shift_r || key == KEY_ctrl || key == KEY_alt || key == KEY_caps_lock;
}
static bool sends_break(const struct ps2_keyboard *k, uint8_t key) {
    if (k->set != 3) return true;
    return k->modes == MODES_MAKE_BREAK || k->modes == MODES_ALL || (k->modes == MODES_OWN && is_modifier(key));
}
static bool repeats(const struct ps2_keyboard *k, uint8_t key) {
    if (k->set != 3) return key != KEY_pause;
    return k->modes == MODES_TYPEMATIC || k->modes == MODES_ALL ||
           (k->modes == MODES_OWN && !is_modifier(key) && (key < KEY_f1 || key == KEY_less || key >= KEY_EXTENDED));
}

static void send_key(struct ps2 *p, uint8_t key, bool down) {
    const struct key_row *row = key_numbered(key);
    uint8_t set = p->keyboard.set, code = row ? row->code[set] : 0;
    if (!code) return;
    if (set < 3 && key == KEY_pause) {
        send_pause(p, down);
    } else if (set < 3 && key == KEY_print) {
        send_print(p, down);
    } else if (down || sends_break(&p->keyboard, key)) {
        if (set < 3 && row->prefix) answer(p, 0xe0);
        if (set > 1 && !down) answer(p, 0xf0);
        answer(p, set == 1 && !down ? code | 0x80 : code);
    }
}

// --- time ---
static void arm_ms(struct ps2 *p, unsigned timer, uint64_t ms) {
    clock_arm(p->clock, timer, clock_now(p->clock) + p->clock->hz / 1000 * ms);
}

// SET_TYPEMATIC: the delay is 250 ms times 1 to 4, the period (8 + A) * 2^B * 4.17 ms.
static void hold(struct ps2 *p, uint8_t key) {
    p->keyboard.held = key;
    if (key)
        arm_ms(p, p->repeat_timer, 250u * (1 + (p->keyboard.typematic >> 5 & 3)));
    else
        clock_disarm(p->clock, p->repeat_timer);
}

void keyboard_repeats(void *ps2) {
    struct ps2 *p = ps2;
    struct ps2_keyboard *k = &p->keyboard;
    if (!k->held) return;
    if (k->scanning && !k->queue.count) send_key(p, k->held, true);
    uint64_t units = (8u + (k->typematic & 7)) << (k->typematic >> 3 & 3);
    clock_arm(p->clock, p->repeat_timer, clock_now(p->clock) + p->clock->hz * units / 240);
    ps2_refill(p);
}

// --- what is typed ---
static void press(struct ps2 *p, uint8_t key, bool down) {
    struct ps2_keyboard *k = &p->keyboard;
    uint8_t bit = (uint8_t)(1 << key % 8), *is_down = &k->down[key / 8];
    bool was_down = *is_down & bit;
    *is_down = down ? *is_down | bit : (uint8_t)(*is_down & ~bit);
    if (!down && k->held == key) hold(p, 0);
    if (!k->scanning || (!down && !was_down)) return; // a key that was pressed before somebody listened
    send_key(p, key, down);
    if (down && repeats(k, key)) hold(p, key);
}

// Takes the events whose time has come, as long as there is room for their codes.
static void type(struct ps2 *p) {
    struct ps2_keyboard *k = &p->keyboard;
    while (k->count && !k->waits && has_room(k)) {
        press(p, k->key[k->first], k->press[k->first]);
        k->first = (uint8_t)((k->first + 1) % PS2_PENDING);
        k->count--;
        if (!k->count || !k->wait_ms[k->first]) continue;
        k->waits = 1;
        arm_ms(p, p->type_timer, k->wait_ms[k->first]);
    }
}

void keyboard_due(void *ps2) {
    struct ps2 *p = ps2;
    p->keyboard.waits = 0;
    type(p);
    ps2_refill(p);
}

void keyboard_taken(struct ps2 *p) { type(p); }

unsigned ps2_key_room(const struct ps2 *p) { return PS2_PENDING - p->keyboard.count; }

bool ps2_key(struct ps2 *p, const struct key_event *event) {
    struct ps2_keyboard *k = &p->keyboard;
    if (!key_numbered(event->key) || event->down > 1 || k->count == PS2_PENDING) return false;
    unsigned at = (k->first + k->count++) % PS2_PENDING;
    k->key[at] = event->key;
    k->press[at] = event->down;
    k->wait_ms[at] = event->wait_ms;
    if (k->count == 1 && event->wait_ms) {
        k->waits = 1;
        arm_ms(p, p->type_timer, event->wait_ms);
    }
    type(p);
    ps2_refill(p);
    return true;
}

// --- commands ---
static void defaults(struct ps2 *p, bool scanning) {
    struct ps2_keyboard *k = &p->keyboard;
    k->queue.first = k->queue.count = 0;
    k->set = 2;
    k->modes = MODES_OWN;
    k->typematic = USUAL_RATE;
    k->scanning = scanning;
    k->command = 0;
    hold(p, 0);
}

void keyboard_reset(struct ps2 *p) {
    struct ps2_keyboard *k = &p->keyboard;
    defaults(p, true);
    k->leds = k->last = 0;
    memset(k->down, 0, sizeof k->down);
}

static void take_argument(struct ps2 *p, uint8_t value) {
    struct ps2_keyboard *k = &p->keyboard;
    uint8_t command = k->command;
    k->command = command >= KEY_TYPEMATIC && value < SET_LEDS ? command : 0; // of these there may be several
    answer(p, ACKNOWLEDGE);
    if (command == SET_LEDS) k->leds = value & 7;
    if (command == SET_TYPEMATIC) k->typematic = value & 0x7f;
    if (command != SCAN_CODE_SET) return;
    if (value == 0) answer(p, k->set);
    if (value >= 1 && value <= 3) k->set = value;
}

static void identify(struct ps2 *p) {
    answer(p, ACKNOWLEDGE);
    answer(p, 0xab);
    answer(p, 0x83);
}

static void do_command(struct ps2 *p, uint8_t value) {
    struct ps2_keyboard *k = &p->keyboard;
    switch (value) {
    case SET_LEDS:
    case SCAN_CODE_SET:
    case SET_TYPEMATIC:
    case KEY_TYPEMATIC:
    case KEY_TYPEMATIC + 1:
    case KEY_MAKE: k->command = value; break;
    case ENABLE:
        k->queue.first = k->queue.count = 0;
        k->scanning = 1;
        break;
    case DISABLE:
    case DEFAULTS: defaults(p, value == DEFAULTS); break;
    case ALL_TYPEMATIC:
    case ALL_MAKE_BREAK:
    case ALL_MAKE:
    case ALL_MAKE_BREAK_TYPEMATIC: k->modes = (uint8_t)(MODES_TYPEMATIC + value - ALL_TYPEMATIC); break;
    case RESET: keyboard_reset(p); break;
    default: answer(p, RESEND); return;
    }
    answer(p, ACKNOWLEDGE);
    if (value == RESET) answer(p, TEST_PASSED);
}

// A command ends one that waits for its byte.
void keyboard_write(struct ps2 *p, uint8_t value) {
    struct ps2_keyboard *k = &p->keyboard;
    uint8_t last = k->last;
    if (k->command && value < SET_LEDS) {
        take_argument(p, value);
    } else {
        k->command = 0;
        if (value == ECHO)
            answer(p, ECHO);
        else if (value == IDENTIFY)
            identify(p);
        else if (value == LAST_SENT)
            answer(p, last);
        else
            do_command(p, value);
    }
    ps2_refill(p);
}
