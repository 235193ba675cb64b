// The 8042 keyboard controller with a keyboard. IBM PS/2 Hardware Interface Technical Reference.
// The A20 gate is a bit that reads as it was written and goes nowhere: the processor has no A20M# pin (SDM Vol. 3A,
// 8.7.13.4, "on newer Intel 64 processors, A20M# may be absent"). NOT IMPLEMENTED: the auxiliary device (mouse);
// translation of scan codes from set 2 to set 1 (the keyboard queues what it is given).
#include "devices/char/ps2.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

#define STS_OUTPUT BIT(0)
#define STS_SYSTEM BIT(2)
#define STS_COMMAND BIT(3)
#define STS_UNLOCKED BIT(4)
#define STS_AUX BIT(5)
#define CMD_IRQ1 BIT(0)
#define CMD_SYSTEM BIT(2)
#define CMD_KEYBOARD_OFF BIT(4)
#define CMD_AUX_OFF BIT(5)
#define PORT_RESET BIT(0)
#define PORT_A20 BIT(1)
#define PORT_OUTPUT_FULL BIT(4)
#define KEYBOARD_ACK 0xfa
#define KEYBOARD_RESEND 0xfe

static const struct state_field fields[] = {
    STATE_ARRAY(struct ps2, queue),
    STATE_ONE_TO(struct ps2, first, PS2_QUEUE - 1),
    STATE_ONE_TO(struct ps2, count, PS2_QUEUE),
    STATE_ONE(struct ps2, output),
    STATE_ONE(struct ps2, status),
    STATE_ONE(struct ps2, command_byte),
    STATE_ONE(struct ps2, output_port),
    STATE_ONE(struct ps2, controller_command),
    STATE_ONE(struct ps2, keyboard_command),
    STATE_ONE_TO(struct ps2, scanning, 1),
    STATE_ONE(struct ps2, scancode_set),
};
static const struct state_table ps2_state = STATE_TABLE("ps2", fields);

static void update_line(struct ps2 *k) {
    bool keyboard = k->status & STS_OUTPUT && !(k->status & STS_AUX);
    line_set(&k->irq, keyboard && k->command_byte & CMD_IRQ1);
}

static void put(struct ps2 *k, uint8_t byte, uint8_t aux) {
    k->output = byte;
    k->status = (uint8_t)((k->status & ~STS_AUX) | STS_OUTPUT | aux);
    update_line(k);
}

// The keyboard's next byte, when the output buffer is empty and the interface enabled.
static void refill(struct ps2 *k) {
    if (k->status & STS_OUTPUT || !k->count || k->command_byte & CMD_KEYBOARD_OFF) return;
    uint8_t byte = k->queue[k->first];
    k->first = (uint8_t)((k->first + 1) % PS2_QUEUE);
    k->count--;
    put(k, byte, 0);
}

static bool keyboard_send(struct ps2 *k, uint8_t byte) {
    if (k->count == PS2_QUEUE) return false;
    k->queue[(k->first + k->count) % PS2_QUEUE] = byte;
    k->count++;
    refill(k);
    return true;
}

bool ps2_key(struct ps2 *k, uint8_t byte) { return k->scanning && keyboard_send(k, byte); }

static void keyboard_defaults(struct ps2 *k, bool scanning) {
    k->first = k->count = 0;
    k->scancode_set = 2;
    k->scanning = scanning;
    k->keyboard_command = 0;
}

// The byte that follows EDH, F0H or F3H.
static void keyboard_argument(struct ps2 *k, uint8_t value) {
    uint8_t command = k->keyboard_command;
    k->keyboard_command = 0;
    keyboard_send(k, KEYBOARD_ACK);
    if (command == 0xf0 && value == 0)
        keyboard_send(k, k->scancode_set);
    else if (command == 0xf0 && value <= 3)
        k->scancode_set = value;
}

static void keyboard_write(struct ps2 *k, uint8_t value) {
    k->command_byte &= (uint8_t)~CMD_KEYBOARD_OFF; // "a write to port 60H enables the keyboard"
    if (k->keyboard_command && value < 0xed) {
        keyboard_argument(k, value);
        return;
    }
    switch (value) {
    case 0xed: // indicators
    case 0xf0: // scan code set
    case 0xf3: // typematic rate
        k->keyboard_command = value;
        keyboard_send(k, KEYBOARD_ACK);
        break;
    case 0xee: keyboard_send(k, 0xee); break; // echo
    case 0xf2:                                // identify
        keyboard_send(k, KEYBOARD_ACK);
        keyboard_send(k, 0xab);
        keyboard_send(k, 0x83);
        break;
    case 0xf4:
    case 0xf5:
    case 0xf6:
        keyboard_defaults(k, value != 0xf5);
        keyboard_send(k, KEYBOARD_ACK);
        break;
    case 0xff:
        keyboard_defaults(k, true);
        keyboard_send(k, KEYBOARD_ACK);
        keyboard_send(k, 0xaa);
        break;
    default: keyboard_send(k, value > 0xf6 && value < 0xfe ? KEYBOARD_ACK : KEYBOARD_RESEND); break;
    }
}

static void write_output_port(struct ps2 *k, uint8_t value) {
    k->output_port = value & (uint8_t)(PORT_RESET | PORT_A20);
    if (!(value & PORT_RESET)) k->reset(k->owner);
}

static void controller_command(struct ps2 *k, uint8_t value) {
    if (value >= 0xf0) { // pulse output port bits: bit 0 low pulses the reset line
        if (!(value & PORT_RESET)) k->reset(k->owner);
        return;
    }
    switch (value) {
    case 0x20: put(k, k->command_byte, 0); break;
    case 0x60:
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4: k->controller_command = value; break;
    case 0xa7: k->command_byte |= CMD_AUX_OFF; break;
    case 0xa8: k->command_byte &= (uint8_t)~CMD_AUX_OFF; break;
    case 0xa9: put(k, 0x02, 0); break; // test of the auxiliary interface: clock line stuck high (nothing there)
    case 0xaa: put(k, 0x55, 0); break; // self-test
    case 0xab: put(k, 0x00, 0); break; // keyboard interface test: no error
    case 0xad: k->command_byte |= CMD_KEYBOARD_OFF; break;
    case 0xae:
        k->command_byte &= (uint8_t)~CMD_KEYBOARD_OFF;
        refill(k);
        break;
    case 0xc0: put(k, 0x80, 0); break; // input port: keyboard not inhibited
    case 0xd0: put(k, (uint8_t)(k->output_port | (k->status & STS_OUTPUT ? PORT_OUTPUT_FULL : 0)), 0); break;
    case 0xdd: k->output_port &= (uint8_t)~PORT_A20; break;
    case 0xdf: k->output_port |= PORT_A20; break;
    default: break;
    }
}

static void controller_argument(struct ps2 *k, uint8_t value) {
    uint8_t command = k->controller_command;
    k->controller_command = 0;
    switch (command) {
    case 0x60:
        k->command_byte = value;
        k->status = (uint8_t)(value & CMD_SYSTEM ? k->status | STS_SYSTEM : k->status & ~STS_SYSTEM);
        update_line(k);
        refill(k);
        break;
    case 0xd1: write_output_port(k, value); break;
    case 0xd2: put(k, value, 0); break;
    case 0xd3: put(k, value, STS_AUX); break;
    default: put(k, KEYBOARD_RESEND, STS_AUX); break; // D4H: no auxiliary device answers
    }
}

static uint64_t ps2_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)offset, (void)size;
    struct ps2 *k = chip;
    if (space == PS2_COMMAND) return k->status;
    uint8_t value = k->output;
    k->status &= (uint8_t) ~(STS_OUTPUT | STS_AUX);
    update_line(k);
    refill(k);
    return value;
}

static void ps2_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)offset, (void)size;
    struct ps2 *k = chip;
    k->status = (uint8_t)(space == PS2_COMMAND ? k->status | STS_COMMAND : k->status & ~STS_COMMAND);
    if (space == PS2_COMMAND)
        controller_command(k, (uint8_t)value);
    else if (k->controller_command)
        controller_argument(k, (uint8_t)value);
    else
        keyboard_write(k, (uint8_t)value);
}

static void ps2_reset(void *chip) {
    struct ps2 *k = chip;
    keyboard_defaults(k, true);
    k->output = k->controller_command = 0;
    k->status = STS_SYSTEM | STS_UNLOCKED;
    k->command_byte = CMD_SYSTEM | CMD_IRQ1 | CMD_AUX_OFF | BIT(6);
    k->output_port = PORT_RESET | PORT_A20;
    update_line(k);
}

static void ps2_describe(const void *chip, struct aml *aml) {
    (void)chip;
    aml_device_id(aml, "KBD", "PNP0303");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, 0x60, 1);
    aml_io(aml, 0x64, 1);
    aml_irq(aml, 1);
    aml_resources_end(aml);
    aml_end(aml);
}

const struct device ps2_device = {.name = "ps2",
                                  .read = ps2_read,
                                  .write = ps2_write,
                                  .reset = ps2_reset,
                                  .state = &ps2_state,
                                  .describe = ps2_describe};
