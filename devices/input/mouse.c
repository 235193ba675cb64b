// The mouse: counts movements and reports them, by itself (stream mode) or when asked (remote mode). IBM Personal
// System/2 Hardware Interface Technical Reference, mouse; the wheel and the fourth and fifth button as Microsoft's
// IntelliMouse has them: three sample rates in a row are the knock.
// A report is made when all before it was fetched: what moves meanwhile is counted. So the sample rate is only told.
#include "devices/input/ps2.h"
#include "cpu/state/outcome.h"

enum {
    ACKNOWLEDGE = 0xfa,
    RESEND = 0xfe,
    ERROR = 0xfc,
    TEST_PASSED = 0xaa,
    SCALING_1 = 0xe6,
    SCALING_2 = 0xe7,
    SET_RESOLUTION = 0xe8,
    STATUS = 0xe9,
    STREAM = 0xea,
    READ_DATA = 0xeb,
    WRAP_OFF = 0xec,
    WRAP = 0xee,
    REMOTE = 0xf0,
    IDENTIFY = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    DEFAULTS = 0xf6,
    LAST_SENT = 0xfe,
    RESET = 0xff,
};
enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_FIVE = 4, USUAL_RATE = 100, USUAL_RESOLUTION = 2 };
enum { LEAST = -256, MOST = 255 }; // nine bits of a movement
enum { THREE_BUTTONS = 7 };

static void answer(struct ps2_mouse *m, uint8_t byte) { ps2_queue_put(&m->queue, byte); }

// What was counted before counts no more.
static void forget(struct ps2_mouse *m) {
    m->x = m->y = m->z = 0;
    m->told = m->buttons;
}

static void defaults(struct ps2_mouse *m) {
    m->queue.first = m->queue.count = 0;
    m->command = m->reporting = m->remote = m->wrap = m->scaling = 0;
    m->resolution = USUAL_RESOLUTION;
    m->rate = USUAL_RATE;
    forget(m);
}

void mouse_reset(struct ps2_mouse *m) {
    defaults(m);
    m->id = ID_PLAIN;
    m->last = m->knock[0] = m->knock[1] = 0;
}

// --- reports ---
static int part(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

// In stream mode, 2:1: 0, 1, 1, 3, 6, 9, then twice the count.
static int scaled(const struct ps2_mouse *m, int count) {
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    int size = count < 0 ? -count : count;
    if (!m->scaling || m->remote) return count;
    size = size < 6 ? small[size] : 2 * size;
    return count < 0 ? -size : size;
}

static uint8_t wheel_byte(const struct ps2_mouse *m, int z) {
    if (m->id == ID_WHEEL) return (uint8_t)z;
    return (uint8_t)((z & 15) | (m->buttons & (POINTER_SIDE | POINTER_EXTRA)) << 1);
}

static void put_report(struct ps2_mouse *m) {
    int most_z = m->id == ID_FIVE ? 7 : 127, half = m->scaling && !m->remote ? 2 : 1;
    int x = part(m->x, LEAST / half, MOST / half), y = part(m->y, LEAST / half, MOST / half);
    int z = part(m->z, -most_z - 1, most_z), told_x = scaled(m, x), told_y = scaled(m, y);
    answer(m, (uint8_t)((m->buttons & THREE_BUTTONS) | 8 | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
    answer(m, (uint8_t)told_x);
    answer(m, (uint8_t)told_y);
    if (m->id != ID_PLAIN) answer(m, wheel_byte(m, z));
    m->x = (int16_t)(m->x - x);
    m->y = (int16_t)(m->y - y);
    m->z = m->id == ID_PLAIN ? 0 : (int16_t)(m->z - z);
    m->told = m->buttons;
}

static bool has_news(const struct ps2_mouse *m) {
    return m->x || m->y || (m->z && m->id != ID_PLAIN) || m->buttons != m->told;
}
static bool reports(const struct ps2_mouse *m) { return m->reporting && !m->remote && !m->wrap; }

void mouse_report(struct ps2_mouse *m) {
    if (reports(m) && !m->queue.count && has_news(m)) put_report(m);
}

// One that a report still waits for keeps the next one out, so that no click is lost.
unsigned ps2_pointer_room(const struct ps2 *p) {
    const struct ps2_mouse *m = &p->mouse;
    return p->has_mouse && !(reports(m) && has_news(m));
}

static int16_t counted(int16_t before, int more) { return (int16_t)part(before + more, INT16_MIN, INT16_MAX); }

bool ps2_pointer(struct ps2 *p, const struct pointer_event *event) {
    struct ps2_mouse *m = &p->mouse;
    if (!p->has_mouse || event->buttons >= 2 * POINTER_EXTRA || event->zero[0] || event->zero[1]) return false;
    m->x = counted(m->x, event->right);
    m->y = counted(m->y, -event->down);
    m->z = counted(m->z, -event->away);
    m->buttons = event->buttons;
    mouse_report(m);
    ps2_refill(p);
    return true;
}

// --- commands ---
static void put_status(struct ps2_mouse *m) {
    uint8_t buttons = (uint8_t)((m->buttons & POINTER_LEFT ? 4 : 0) | (m->buttons & POINTER_MIDDLE ? 2 : 0) |
                                (m->buttons & POINTER_RIGHT ? 1 : 0));
    answer(m, (uint8_t)(m->remote << 6 | m->reporting << 5 | m->scaling << 4 | buttons));
    answer(m, m->resolution);
    answer(m, m->rate);
}

static void take_rate(struct ps2_mouse *m, uint8_t rate) {
    bool knocks = m->knock[0] == 200 && rate == 80;
    if (knocks && m->knock[1] == 100) m->id = ID_WHEEL;
    if (knocks && m->knock[1] == 200) m->id = ID_FIVE;
    m->knock[0] = m->knock[1];
    m->knock[1] = rate;
    m->rate = rate;
}

static void take_argument(struct ps2_mouse *m, uint8_t value) {
    uint8_t command = m->command;
    m->command = 0;
    bool known = command == SET_RATE ? value : value <= 3;
    answer(m, known ? ACKNOWLEDGE : ERROR);
    if (known && command == SET_RATE) take_rate(m, value);
    if (known && command == SET_RESOLUTION) m->resolution = value;
}

static void set_mode(struct ps2_mouse *m, uint8_t value) {
    if (value == STREAM || value == REMOTE || value == WRAP || value == ENABLE) forget(m);
    switch (value) {
    case SCALING_1:
    case SCALING_2: m->scaling = value == SCALING_2; break;
    case STREAM:
    case REMOTE: m->remote = value == REMOTE; break;
    case WRAP: m->wrap = 1; break;
    case SET_RATE:
    case SET_RESOLUTION: m->command = value; break;
    case ENABLE:
    case DISABLE: m->reporting = value == ENABLE; break;
    case DEFAULTS: defaults(m); break;
    case RESET: mouse_reset(m); break;
    default: break; // they only answer
    }
}

static void do_command(struct ps2_mouse *m, uint8_t value) {
    bool known = (value >= SCALING_1 && value <= WRAP_OFF) || value == WRAP || value == REMOTE || value >= IDENTIFY;
    if (!known || (value > DEFAULTS && value < LAST_SENT)) {
        answer(m, RESEND);
        return;
    }
    m->queue.first = m->queue.count = 0; // a report that was not fetched is gone
    set_mode(m, value);
    answer(m, ACKNOWLEDGE);
    if (value == IDENTIFY) answer(m, m->id);
    if (value == STATUS) put_status(m);
    if (value == READ_DATA) put_report(m);
    if (value == RESET) answer(m, TEST_PASSED), answer(m, ID_PLAIN);
}

void mouse_write(struct ps2 *p, uint8_t value) {
    struct ps2_mouse *m = &p->mouse;
    if (m->wrap && value != WRAP_OFF && value != RESET)
        answer(m, value);
    else if (m->command)
        take_argument(m, value);
    else if (value == LAST_SENT)
        answer(m, m->last);
    else {
        if (value == WRAP_OFF) m->wrap = 0;
        do_command(m, value);
    }
    ps2_refill(p);
}
