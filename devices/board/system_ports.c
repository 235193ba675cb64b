// Ports 61H, 92H and CF9H. 82371AB (PIIX4) data sheet, 4.2.5 (NMI status and control), 4.2.6; Intel ICH, RST_CNT.
// The A20 gate is a bit that goes nowhere: the processor has no A20M# pin, see ps2.c. NOT IMPLEMENTED: NMI sources
// SERR# and IOCHK#.
#include "devices/board/system_ports.h"
#include "cpu/state/outcome.h"

#define P61_GATE2 BIT(0)
#define P61_WRITABLE BITS(3, 0)
#define P61_REFRESH BIT(4)
#define P61_OUT2 BIT(5)
#define P92_RESET BIT(0)
#define P92_A20 BIT(1)
#define RST_CPU BIT(2)
#define RST_WRITABLE (BIT(1) | BIT(3))
#define REFRESH_HZ 66287 // the refresh toggle changes every 15.085 microseconds

static const struct state_field fields[] = {
    STATE_ONE(struct system_ports, port61),
    STATE_ONE(struct system_ports, port92),
    STATE_ONE(struct system_ports, reset_control),
    STATE_ONE(struct system_ports, post),
};
static const struct state_table system_state = STATE_TABLE("system", fields);

static uint8_t read61(const struct system_ports *s) {
    uint64_t toggles = clock_ticks(s->clock, clock_now(s->clock), REFRESH_HZ, 1);
    return (uint8_t)(s->port61 | (toggles & 1 ? P61_REFRESH : 0) | (pit_out(s->pit, 2) ? P61_OUT2 : 0));
}

uint8_t system_reset_control(const struct system_ports *s) { return s->reset_control; }
void system_set_reset_control(struct system_ports *s, uint8_t value) {
    bool reset = value & RST_CPU && !(s->reset_control & RST_CPU);
    s->reset_control = value & (uint8_t)(RST_WRITABLE | RST_CPU);
    if (reset) s->reset(s->owner);
}

static uint64_t system_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)offset, (void)size;
    struct system_ports *s = chip;
    return space == SYSTEM_61 ? read61(s) : space == SYSTEM_92 ? s->port92 : s->post;
}

static void system_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)offset, (void)size;
    struct system_ports *s = chip;
    if (space == SYSTEM_61) {
        s->port61 = value & P61_WRITABLE;
        pit_gate(s->pit, 2, value & P61_GATE2);
    } else if (space == SYSTEM_92) {
        bool reset = value & ~(uint64_t)s->port92 & P92_RESET;
        s->port92 = value & (P92_RESET | P92_A20);
        if (reset) s->reset(s->owner);
    } else {
        s->post = (uint8_t)value;
    }
}

static void system_reset(void *chip) {
    struct system_ports *s = chip;
    s->port61 = s->reset_control = s->post = 0;
    s->port92 = P92_A20;
}

const struct device system_ports_device = {
    .name = "system", .read = system_read, .write = system_write, .reset = system_reset, .state = &system_state};
