// The 8042 keyboard controller, with a keyboard and a mouse behind it. IBM Personal System/2 Hardware Interface
// Technical Reference: keyboard and auxiliary device controller; keyboard (101/102 keys); mouse.
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H
#include "devices/bus/bus.h"
#include "devices/bus/line.h"
#include "devices/input/keys.h"
#include "devices/timer/clock.h"

enum {
    PS2_QUEUE = 32,   // bytes of each device that wait for the output buffer
    PS2_PENDING = 64, // presses and releases that wait for the keyboard
};
enum ps2_space { PS2_DATA, PS2_COMMAND };

struct ps2_queue {
    uint8_t bytes[PS2_QUEUE];
    uint8_t first, count;
};

// A press or a release, so many milliseconds after the one before it: of these the data of INPUT_KEY consist.
struct key_event {
    uint8_t key;  // enum key_number
    uint8_t down; // 1: pressed; 0: let go
    uint16_t wait_ms;
};
// What a pointing device did; the data of INPUT_POINTER.
struct pointer_event {
    int16_t right, down; // counts
    int8_t away;         // of the wheel: away from the person
    uint8_t buttons;     // enum pointer_button, those that are pressed now
    uint8_t zero[2];
};
enum pointer_button { POINTER_LEFT = 1, POINTER_RIGHT = 2, POINTER_MIDDLE = 4, POINTER_SIDE = 8, POINTER_EXTRA = 16 };

struct ps2_keyboard {
    struct ps2_queue queue;
    uint8_t command;               // one that waits for its byte; 0: none
    uint8_t last;                  // byte sent, for RESEND
    uint8_t scanning;              // 1: it sends what is typed
    uint8_t set;                   // of scan codes: 1 to 3
    uint8_t leds;                  // 0 scroll, 1 num, 2 caps
    uint8_t typematic;             // rate and delay: bits 4:0, 6:5
    uint8_t held;                  // key that repeats; 0: none
    uint8_t modes;                 // of set 3: what each key sends beside its make code (enum ps2_modes)
    uint8_t down[KEY_NUMBERS / 8]; // a bit for each key that is pressed
    // events that have not come to it yet
    uint8_t key[PS2_PENDING], press[PS2_PENDING];
    uint16_t wait_ms[PS2_PENDING];
    uint8_t first, count;
    uint8_t waits; // the first one's time is still to come
};
enum ps2_modes { MODES_OWN, MODES_TYPEMATIC, MODES_MAKE_BREAK, MODES_MAKE, MODES_ALL };

struct ps2_mouse {
    struct ps2_queue queue;
    uint8_t command;
    uint8_t last;          // byte sent
    uint8_t id;            // 0; 3: with a wheel; 4: with five buttons
    uint8_t knock[2];      // the last two sample rates
    uint8_t reporting;     // 1: it sends by itself
    uint8_t remote;        // 1: it is asked
    uint8_t wrap;          // 1: it sends back what it gets
    uint8_t scaling;       // 1: 2:1
    uint8_t resolution;    // 0 to 3: 1, 2, 4, 8 counts a mm
    uint8_t rate;          // reports a second
    uint8_t buttons, told; // enum pointer_button: pressed; as the last report said
    int16_t x, y, z;       // counted since then: right, up, towards the person
};

struct ps2 {
    uint8_t output; // output buffer (port 60H)
    uint8_t status; // port 64H
    uint8_t command_byte;
    uint8_t output_port;
    uint8_t controller_command; // a controller command that waits for its byte; 0: none
    uint8_t breaks;             // translation: F0H came, the next code is a break
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    // wiring
    bool has_mouse;
    struct line irq, mouse_irq; // IRQ 1, IRQ 12
    struct clock *clock;
    unsigned type_timer, repeat_timer;
    void (*reset)(void *owner);
    void *owner;
};
extern const struct device ps2_device;

void ps2_init(struct ps2 *ps2, struct clock *clock, bool has_mouse);
// From outside: how many events can be taken now, and taking one. False: it makes no sense.
unsigned ps2_key_room(const struct ps2 *ps2);
bool ps2_key(struct ps2 *ps2, const struct key_event *event);
unsigned ps2_pointer_room(const struct ps2 *ps2);
bool ps2_pointer(struct ps2 *ps2, const struct pointer_event *event);

// --- between the files of this room ---
static inline void ps2_queue_put(struct ps2_queue *q, uint8_t byte) {
    if (q->count == PS2_QUEUE) return;
    q->bytes[(q->first + q->count) % PS2_QUEUE] = byte;
    q->count++;
}
uint8_t ps2_queue_take(struct ps2_queue *q);
void ps2_refill(struct ps2 *ps2); // the next byte into the output buffer, if it is empty
void keyboard_reset(struct ps2 *ps2);
void keyboard_write(struct ps2 *ps2, uint8_t byte);
void keyboard_taken(struct ps2 *ps2); // its queue has room again
void keyboard_due(void *ps2);         // timers
void keyboard_repeats(void *ps2);
void mouse_reset(struct ps2_mouse *mouse);
void mouse_write(struct ps2 *ps2, uint8_t byte);
void mouse_report(struct ps2_mouse *mouse); // if there is something to say, and all before was fetched

#endif
