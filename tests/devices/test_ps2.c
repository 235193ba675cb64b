// The 8042 with its keyboard and mouse, as drivers use them: commands, scan codes of the three sets, translation,
// typematic, the mouse's reports and the knocks of its wheel. IBM PS/2 Hardware Interface Technical Reference.
#include "devices/input/ps2.h"
#include "fake.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

static struct fake fake;
static struct ps2 p;
static struct fake_line irq1, irq12;
static unsigned resets;

enum { MS = 1000000 }; // cycles

static void reset(void *owner) { (void)owner, resets++; }
static void data(uint8_t value) { ps2_device.write(&p, PS2_DATA, 0, 1, value); }
static void command(uint8_t value) { ps2_device.write(&p, PS2_COMMAND, 0, 1, value); }
static uint8_t status(void) { return (uint8_t)ps2_device.read(&p, PS2_COMMAND, 0, 1); }
static uint8_t get(void) { return (uint8_t)ps2_device.read(&p, PS2_DATA, 0, 1); }
static void mouse(uint8_t value) { command(0xd4), data(value); }

static void begin(bool has_mouse) {
    p = (struct ps2){.irq = fake_line(&irq1), .mouse_irq = fake_line(&irq12), .reset = reset};
    fake_init(&fake, 1000 * MS);
    ps2_init(&p, &fake.clock, has_mouse);
    ps2_device.reset(&p);
}
static void set_command_byte(uint8_t value) { command(0x60), data(value); }

// All bytes that wait, as text; those of the mouse with a colon before them.
static const char *bytes(void) {
    static char text[400];
    size_t used = 0;
    text[0] = 0;
    for (unsigned s; (s = status()) & 1 && used < sizeof text - 8;)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s%02x", used ? " " : "", s & 0x20 ? ":" : "", get());
    return text;
}
static bool says(const char *wanted) {
    const char *got = bytes();
    if (strcmp(got, wanted)) printf("# got \"%s\", wanted \"%s\"\n", got, wanted);
    return !strcmp(got, wanted);
}
static void key(uint8_t number, bool down) { (void)ps2_key(&p, &(struct key_event){number, down, 0}); }
static const char *typed(uint8_t number) {
    key(number, true), key(number, false);
    return bytes();
}
static bool move(int right, int down, int away, uint8_t buttons) {
    return ps2_pointer(&p, &(struct pointer_event){(int16_t)right, (int16_t)down, (int8_t)away, buttons, {0, 0}});
}

static void controller(void) {
    begin(true);
    command(0xaa);
    ok(says("55"), "self-test");
    command(0xab);
    ok(says("00"), "test of the keyboard's interface");
    command(0xa9);
    ok(says("00"), "test of the mouse's");
    command(0x20);
    ok(says("65"), "the command byte after a reset: translation, mouse off, IRQ 1");
    set_command_byte(0x03);
    ok(!(status() & 4), "the system flag follows the command byte");
    command(0xd2), data(0x42);
    ok(irq1.level && status() & 1 && get() == 0x42 && !irq1.level, "D2H: a byte as from the keyboard, with IRQ 1");
    command(0xd3), data(0x43);
    ok(irq12.level && !irq1.level && says(":43") && !irq12.level, "D3H: as from the mouse, with IRQ 12");
    command(0xd0);
    ok(says("03"), "the output port: reset line high, A20");
    command(0xd1), data(0x01), command(0xd0);
    ok(says("01"), "is written");
    command(0xfe);
    ok(resets == 1, "FEH pulses the reset line");
    begin(false);
    command(0xa9);
    ok(says("02"), "without a mouse its interface says so");
    mouse(0xff);
    ok(says(":fe"), "and nobody answers");
}

static void keyboard_commands(void) {
    begin(true);
    data(0xff);
    ok(says("fa aa"), "reset");
    data(0xee);
    ok(says("ee"), "echo");
    data(0xf2);
    ok(says("fa ab 41"), "identify: 83H, translated");
    set_command_byte(0x01);
    data(0xf2);
    ok(says("fa ab 83"), "as it is without translation");
    data(0xed), data(0x05);
    ok(says("fa fa") && p.keyboard.leds == 5, "the lights");
    data(0xf0), data(0x00);
    ok(says("fa fa 02"), "set 2 of scan codes");
    data(0xf0), data(0x03), data(0xf0), data(0x00);
    ok(says("fa fa fa fa 03"), "set 3 is chosen");
    data(0xfe);
    ok(says("03"), "resend");
    data(0xe0);
    ok(says("fe"), "a command that there is not");
    data(0xed), data(0xf4);
    ok(says("fa fa") && p.keyboard.leds == 5, "a command in place of a byte is the command");
    data(0xf5), key(KEY_a, true);
    ok(says("fa"), "disabled: no codes");
    data(0xf4), key(KEY_b, true);
    ok(says("fa 32"), "enabled");
    command(0xad), key(KEY_c, true);
    ok(says(""), "the interface is off: the code waits");
    command(0xae);
    ok(says("21"), "until it is on");
}

static void codes(void) {
    begin(true);
    ok(!strcmp(typed(KEY_a), "1e 9e"), "translated: set 1");
    ok(!strcmp(typed(KEY_left), "e0 4b e0 cb"), "with the prefix");
    ok(!strcmp(typed(KEY_f7), "41 c1"), "83H of set 2 is 41H of set 1");
    ok(!strcmp(typed(KEY_pause), "e1 1d 45 e1 9d c5"), "pause");
    ok(!strcmp(typed(KEY_print), "e0 2a e0 37 e0 b7 e0 aa"), "print");
    set_command_byte(0x01);
    ok(!strcmp(typed(KEY_a), "1c f0 1c"), "set 2");
    ok(!strcmp(typed(KEY_left), "e0 6b e0 f0 6b"), "with the prefix");
    ok(!strcmp(typed(KEY_pause), "e1 14 77 e1 f0 14 f0 77"), "pause");
    data(0xf0), data(0x01), (void)bytes();
    ok(!strcmp(typed(KEY_a), "1e 9e") && !strcmp(typed(KEY_delete), "e0 53 e0 d3"), "set 1, by the keyboard itself");
    data(0xf0), data(0x03), (void)bytes();
    ok(!strcmp(typed(KEY_a), "1c") && !strcmp(typed(KEY_left), "61"), "set 3: no break codes, no prefix");
    ok(!strcmp(typed(KEY_shift), "12 f0 12"), "but for SHIFT and its like");
    data(0xf8), (void)bytes();
    ok(!strcmp(typed(KEY_a), "1c f0 1c"), "all keys make and break");
    loop_begin("translation of set 2 is set 1, for each key");
    begin(true);
    const struct key_row *row;
    for (unsigned i = 0; (row = key_at(i)); i++)
        loop_check(key_translated(row->code[2]) == row->code[1], "%s", row->name);
    loop_end();
    ok(key_named("altgr") == key_numbered(KEY_alt_r) && !key_named("nothing"), "keys by name");
}

static void typing(void) {
    begin(true);
    for (unsigned i = 0; i < 20; i++) key(KEY_a, true), key(KEY_a, false);
    unsigned got = 0;
    for (; status() & 1; got++) (void)get();
    ok(got == 40, "fast typing loses nothing: %u codes", got);
    (void)ps2_key(&p, &(struct key_event){KEY_a, 1, 0});
    (void)ps2_key(&p, &(struct key_event){KEY_a, 0, 100});
    ok(says("1e"), "pressed now");
    fake_pass(&fake, 99 * MS);
    ok(says(""), "held for 99 ms");
    fake_pass(&fake, 1 * MS);
    ok(says("9e"), "let go after 100");
    for (unsigned i = 0; ps2_key_room(&p); i++) (void)ps2_key(&p, &(struct key_event){KEY_b, i % 2 == 0, 1});
    ok(!ps2_key(&p, &(struct key_event){KEY_b, 0, 1}), "what does not fit is refused");
    begin(true);
    key(KEY_x, true), (void)bytes();
    fake_pass(&fake, 499 * MS);
    ok(says(""), "held: no repetition for 500 ms");
    fake_pass(&fake, 2 * MS);
    ok(says("2d"), "then one");
    fake_pass(&fake, 90 * MS);
    ok(says(""), "10.9 a second:");
    fake_pass(&fake, 1 * MS);
    ok(says("2d"), "the next after 91.7 ms");
    key(KEY_x, false), (void)bytes();
    fake_pass(&fake, 1000 * MS);
    ok(says(""), "none when it is let go");
    data(0xf3), data(0x00), (void)bytes(), key(KEY_x, true), (void)bytes();
    fake_pass(&fake, 250 * MS);
    ok(says("2d"), "the delay is set");
    fake_pass(&fake, 34 * MS);
    ok(says("2d"), "and the rate: 30 a second");
}

static void mouse_commands(void) {
    begin(true);
    set_command_byte(0x47);
    mouse(0xff);
    ok(says(":fa :aa :00"), "reset");
    mouse(0xf2);
    ok(says(":fa :00"), "identify: a mouse");
    mouse(0xe9);
    ok(says(":fa :00 :02 :64"), "status: stream mode, off; 4 counts a mm; 100 a second");
    ok(move(5, 0, 0, 0) && says(""), "it reports nothing until it is enabled");
    mouse(0xf4), (void)bytes();
    move(3, 2, 0, POINTER_LEFT);
    ok(irq12.level && says(":29 :03 :fe"), "and counts from there");
    mouse(0xe8), mouse(3), (void)bytes(), mouse(0xe8), (void)bytes(), mouse(4);
    ok(p.mouse.resolution == 3 && says(":fc"), "a resolution that there is not");
    mouse(0xf0), (void)bytes();
    move(1, 0, 0, 0);
    ok(says(""), "remote mode: nothing by itself");
    mouse(0xeb);
    ok(says(":fa :08 :01 :00"), "but when asked");
    mouse(0xee), (void)bytes(), mouse(0x42);
    ok(says(":42"), "wrap mode");
    mouse(0xec), mouse(0xea), mouse(0xe7), (void)bytes();
    mouse(0xe9);
    ok(says(":fa :30 :03 :64"), "status: enabled, scaling 2:1");
    move(8, 0, 0, 0);
    ok(says(":08 :10 :00"), "doubles");
    mouse(0xe1);
    ok(says(":fe"), "a command that there is not");
}

static void reports(void) {
    begin(true);
    set_command_byte(0x47);
    mouse(0xf4), (void)bytes();
    move(1, 2, 0, 0);
    ok(says(":28 :01 :fe"), "to the right, and down: up is positive");
    move(-300, 0, 0, 0);
    ok(says(":18 :00 :00 :18 :d4 :00"), "far to the left: two reports");
    move(0, 0, 0, POINTER_MIDDLE | POINTER_RIGHT);
    ok(says(":0e :00 :00"), "buttons");
    move(0, 0, 0, 0);
    move(1, 0, 0, 0);
    ok(ps2_pointer_room(&p) == 0, "what was not fetched keeps others out");
    ok(says(":08 :00 :00 :08 :01 :00") && ps2_pointer_room(&p) == 1, "and nothing is lost");
    static const uint8_t wheel[] = {200, 100, 80}, five[] = {200, 200, 80};
    for (unsigned i = 0; i < 3; i++) mouse(0xf3), mouse(wheel[i]);
    (void)bytes(), mouse(0xf2);
    ok(says(":fa :03"), "200, 100, 80: a wheel");
    move(0, 0, -2, 0);
    ok(says(":08 :00 :00 :02"), "turned towards the person");
    for (unsigned i = 0; i < 3; i++) mouse(0xf3), mouse(five[i]);
    (void)bytes(), mouse(0xf2);
    ok(says(":fa :04"), "200, 200, 80: five buttons");
    move(0, 0, 1, POINTER_SIDE);
    ok(says(":08 :00 :00 :1f"), "the fourth, and away");
    key(KEY_a, true), move(1, 1, 0, 0);
    ok(says("1e :28 :01 :ff :00"), "keyboard and mouse beside each other");
}

int main(void) {
    controller();
    keyboard_commands();
    codes();
    typing();
    mouse_commands();
    reports();
    return done_testing();
}
