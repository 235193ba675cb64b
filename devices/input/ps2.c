// The keyboard controller: commands and the output buffer, into which the bytes of the keyboard and the mouse come;
// with translation the keyboard's become those of set 1. See ps2.h. The A20 gate is a bit that reads as it was written
// and goes nowhere: the processor has no A20M# pin (SDM Vol. 3A, 8.7.13.4, "on newer Intel 64 processors, A20M# may be
// absent"). NOT IMPLEMENTED: passwords, the controller's RAM beside the command byte.
#include "devices/input/ps2.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

#define STS_OUTPUT BIT(0)
#define STS_SYSTEM BIT(2)
#define STS_COMMAND BIT(3)
#define STS_UNLOCKED BIT(4)
#define STS_AUX BIT(5)
#define CMD_IRQ1 BIT(0)
#define CMD_IRQ12 BIT(1)
#define CMD_SYSTEM BIT(2)
#define CMD_KEYBOARD_OFF BIT(4)
#define CMD_AUX_OFF BIT(5)
#define CMD_TRANSLATES BIT(6)
#define PORT_RESET BIT(0)
#define PORT_A20 BIT(1)
#define PORT_OUTPUT_FULL BIT(4)
#define PORT_AUX_FULL BIT(5)
enum { NO_DEVICE = 0xfe, NO_PASSWORD = 0xf1 };

static const struct state_field fields[] = {
    STATE_ONE(struct ps2, output),
    STATE_ONE(struct ps2, status),
    STATE_ONE(struct ps2, command_byte),
    STATE_ONE(struct ps2, output_port),
    STATE_ONE(struct ps2, controller_command),
    STATE_ONE_TO(struct ps2, breaks, 1),
    STATE_ARRAY(struct ps2, keyboard.queue.bytes),
    STATE_ONE_TO(struct ps2, keyboard.queue.first, PS2_QUEUE - 1),
    STATE_ONE_TO(struct ps2, keyboard.queue.count, PS2_QUEUE),
    STATE_ONE(struct ps2, keyboard.command),
    STATE_ONE(struct ps2, keyboard.last),
    STATE_ONE_TO(struct ps2, keyboard.scanning, 1),
    STATE_ONE_TO(struct ps2, keyboard.set, 3),
    STATE_ONE(struct ps2, keyboard.leds),
    STATE_ONE(struct ps2, keyboard.typematic),
    STATE_ONE(struct ps2, keyboard.held),
    STATE_ONE_TO(struct ps2, keyboard.modes, MODES_ALL),
    STATE_ARRAY(struct ps2, keyboard.down),
    STATE_ARRAY(struct ps2, keyboard.key),
    STATE_ARRAY_TO(struct ps2, keyboard.press, 1),
    STATE_ARRAY(struct ps2, keyboard.wait_ms),
    STATE_ONE_TO(struct ps2, keyboard.first, PS2_PENDING - 1),
    STATE_ONE_TO(struct ps2, keyboard.count, PS2_PENDING),
    STATE_ONE_TO(struct ps2, keyboard.waits, 1),
    STATE_ARRAY(struct ps2, mouse.queue.bytes),
    STATE_ONE_TO(struct ps2, mouse.queue.first, PS2_QUEUE - 1),
    STATE_ONE_TO(struct ps2, mouse.queue.count, PS2_QUEUE),
    STATE_ONE(struct ps2, mouse.command),
    STATE_ONE(struct ps2, mouse.last),
    STATE_ONE(struct ps2, mouse.id),
    STATE_ARRAY(struct ps2, mouse.knock),
    STATE_ONE_TO(struct ps2, mouse.reporting, 1),
    STATE_ONE_TO(struct ps2, mouse.remote, 1),
    STATE_ONE_TO(struct ps2, mouse.wrap, 1),
    STATE_ONE_TO(struct ps2, mouse.scaling, 1),
    STATE_ONE(struct ps2, mouse.resolution),
    STATE_ONE(struct ps2, mouse.rate),
    STATE_ONE(struct ps2, mouse.buttons),
    STATE_ONE(struct ps2, mouse.told),
    STATE_ONE(struct ps2, mouse.x),
    STATE_ONE(struct ps2, mouse.y),
    STATE_ONE(struct ps2, mouse.z),
};
static const struct state_table ps2_state = STATE_TABLE("ps2", fields);

// --- the output buffer ---
static void update_lines(struct ps2 *p) {
    bool full = p->status & STS_OUTPUT, aux = p->status & STS_AUX;
    line_set(&p->irq, full && !aux && p->command_byte & CMD_IRQ1);
    line_set(&p->mouse_irq, full && aux && p->command_byte & CMD_IRQ12);
}

static void put(struct ps2 *p, uint8_t byte, uint8_t aux) {
    p->output = byte;
    p->status = (uint8_t)((p->status & ~STS_AUX) | STS_OUTPUT | aux);
    update_lines(p);
}

uint8_t ps2_queue_take(struct ps2_queue *q) {
    uint8_t byte = q->bytes[q->first];
    q->first = (uint8_t)((q->first + 1) % PS2_QUEUE);
    q->count--;
    return byte;
}

// False: it is part of the code that follows.
static bool translate(struct ps2 *p, uint8_t *byte) {
    enum { BREAK = 0xf0 };
    if (!(p->command_byte & CMD_TRANSLATES)) return true;
    if (*byte == BREAK) {
        p->breaks = 1;
        return false;
    }
    *byte = key_translated(*byte);
    if (p->breaks) *byte |= 0x80;
    p->breaks = 0;
    return true;
}

static bool from_keyboard(struct ps2 *p) {
    struct ps2_keyboard *k = &p->keyboard;
    while (k->queue.count && !(p->command_byte & CMD_KEYBOARD_OFF)) {
        uint8_t byte = k->last = ps2_queue_take(&k->queue);
        keyboard_taken(p);
        if (!translate(p, &byte)) continue;
        put(p, byte, 0);
        return true;
    }
    return false;
}

static void from_mouse(struct ps2 *p) {
    struct ps2_mouse *m = &p->mouse;
    if (!p->has_mouse || p->command_byte & CMD_AUX_OFF) return;
    if (!m->queue.count) mouse_report(m);
    if (!m->queue.count) return;
    m->last = ps2_queue_take(&m->queue);
    put(p, m->last, STS_AUX);
}

void ps2_refill(struct ps2 *p) {
    if (p->status & STS_OUTPUT) return;
    if (!from_keyboard(p)) from_mouse(p);
}

// --- commands ---
static void write_output_port(struct ps2 *p, uint8_t value) {
    p->output_port = value & (uint8_t)(PORT_RESET | PORT_A20);
    if (!(value & PORT_RESET)) p->reset(p->owner);
}

static uint8_t read_output_port(const struct ps2 *p) {
    uint8_t full = p->status & STS_AUX ? PORT_AUX_FULL : PORT_OUTPUT_FULL;
    return (uint8_t)(p->output_port | (p->status & STS_OUTPUT ? full : 0));
}

static void enable(struct ps2 *p, uint8_t off, bool on) {
    p->command_byte = on ? (uint8_t)(p->command_byte & ~off) : p->command_byte | off;
    ps2_refill(p);
}

static void controller_command(struct ps2 *p, uint8_t value) {
    p->controller_command = 0;
    switch (value) {
    case 0x20: put(p, p->command_byte, 0); break;
    case 0x60:
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4: p->controller_command = value; break;
    case 0xa4: put(p, NO_PASSWORD, 0); break;
    case 0xa7:
    case 0xa8: enable(p, CMD_AUX_OFF, value == 0xa8); break;
    case 0xa9: put(p, p->has_mouse ? 0x00 : 0x02, 0); break; // test of its interface; 02H: the clock line is stuck high
    case 0xaa: put(p, 0x55, 0); break;                       // self-test
    case 0xab: put(p, 0x00, 0); break;                       // test of the keyboard's interface
    case 0xad:
    case 0xae: enable(p, CMD_KEYBOARD_OFF, value == 0xae); break;
    case 0xc0: put(p, 0x80, 0); break; // input port: keyboard not inhibited
    case 0xd0: put(p, read_output_port(p), 0); break;
    case 0xdd: p->output_port &= (uint8_t)~PORT_A20; break;
    case 0xdf: p->output_port |= PORT_A20; break;
    case 0xe0: put(p, 0x00, 0); break; // test inputs: both clock lines low
    default:                           // F0H to FFH: pulses output port bits; bit 0 low pulses the reset line
        if (value >= 0xf0 && !(value & PORT_RESET)) p->reset(p->owner);
        break;
    }
}

static void set_command_byte(struct ps2 *p, uint8_t value) {
    p->command_byte = value;
    p->status = (uint8_t)(value & CMD_SYSTEM ? p->status | STS_SYSTEM : p->status & ~STS_SYSTEM);
    update_lines(p);
    ps2_refill(p);
}

static void controller_argument(struct ps2 *p, uint8_t value) {
    uint8_t command = p->controller_command;
    p->controller_command = 0;
    switch (command) {
    case 0x60: set_command_byte(p, value); break;
    case 0xd1: write_output_port(p, value); break;
    case 0xd2: put(p, value, 0); break;
    case 0xd3: put(p, value, STS_AUX); break;
    default: // D4H: to the auxiliary device, whose interface is enabled by it
        enable(p, CMD_AUX_OFF, true);
        if (p->has_mouse)
            mouse_write(p, value);
        else
            put(p, NO_DEVICE, STS_AUX);
        break;
    }
}

// --- ports ---
static uint64_t ps2_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)offset, (void)size;
    struct ps2 *p = chip;
    if (space == PS2_COMMAND) return p->status;
    uint8_t value = p->output;
    p->status &= (uint8_t) ~(STS_OUTPUT | STS_AUX);
    update_lines(p);
    ps2_refill(p);
    return value;
}

static void ps2_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)offset, (void)size;
    struct ps2 *p = chip;
    p->status = (uint8_t)(space == PS2_COMMAND ? p->status | STS_COMMAND : p->status & ~STS_COMMAND);
    if (space == PS2_COMMAND) {
        controller_command(p, (uint8_t)value);
    } else if (p->controller_command) {
        controller_argument(p, (uint8_t)value);
    } else {
        p->command_byte &= (uint8_t)~CMD_KEYBOARD_OFF; // "a write to port 60H enables the keyboard"
        keyboard_write(p, (uint8_t)value);
    }
}

// --- life ---
static void drop_pending(struct ps2_keyboard *k) {
    k->first = k->count = k->waits = 0;
    for (unsigned i = 0; i < PS2_PENDING; i++) k->key[i] = k->press[i] = 0, k->wait_ms[i] = 0;
}

static void ps2_reset(void *chip) {
    struct ps2 *p = chip;
    clock_disarm(p->clock, p->type_timer);
    drop_pending(&p->keyboard);
    keyboard_reset(p);
    p->mouse.buttons = 0;
    mouse_reset(&p->mouse);
    p->output = p->controller_command = p->breaks = 0;
    p->status = STS_SYSTEM | STS_UNLOCKED;
    p->command_byte = CMD_SYSTEM | CMD_IRQ1 | CMD_AUX_OFF | CMD_TRANSLATES;
    p->output_port = PORT_RESET | PORT_A20;
    update_lines(p);
}

void ps2_init(struct ps2 *p, struct clock *clock, bool has_mouse) {
    p->clock = clock;
    p->has_mouse = has_mouse;
    p->type_timer = clock_timer_new(clock, keyboard_due, p);
    p->repeat_timer = clock_timer_new(clock, keyboard_repeats, p);
}

static void describe_mouse(struct aml *aml) {
    aml_device_id(aml, "MOU", "PNP0F13");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_irq(aml, 12);
    aml_resources_end(aml);
    aml_end(aml);
}

static void ps2_describe(const void *chip, struct aml *aml) {
    aml_device_id(aml, "KBD", "PNP0303");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, 0x60, 1);
    aml_io(aml, 0x64, 1);
    aml_irq(aml, 1);
    aml_resources_end(aml);
    aml_end(aml);
    if (((const struct ps2 *)chip)->has_mouse) describe_mouse(aml);
}

const struct device ps2_device = {.name = "ps2",
                                  .read = ps2_read,
                                  .write = ps2_write,
                                  .reset = ps2_reset,
                                  .state = &ps2_state,
                                  .describe = ps2_describe};
