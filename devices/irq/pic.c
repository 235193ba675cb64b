// The two 8259A interrupt controllers. Intel 8259A data sheet (231468); ELCR: 82371AB (PIIX4) data sheet.
// NOT IMPLEMENTED: buffered mode, MCS-80/85 mode (ICW4.uPM 0 behaves like 1).
#include "devices/irq/pic.h"
#include "cpu/state/outcome.h"

#define ICW1_IC4 BIT(0)
#define ICW1_SINGLE BIT(1)
#define ICW1_LEVEL BIT(3)
#define ICW1 BIT(4)
#define ICW4_AEOI BIT(1)
#define ICW4_SFNM BIT(4)
#define OCW3 BIT(3)
#define OCW3_READ_ISR BIT(0)
#define OCW3_READ BIT(1)
#define OCW3_POLL BIT(2)
#define OCW3_SPECIAL_MASK BIT(5)
#define OCW3_SPECIAL_MASK_ENABLE BIT(6)
#define POLL_REQUEST BIT(7)
enum { CASCADE = 2, SPURIOUS = 7, NONE = 8 };

static const struct state_field fields[] = {
    STATE_EACH(struct pic, chip, lines),       STATE_EACH(struct pic, chip, irr),
    STATE_EACH(struct pic, chip, imr),         STATE_EACH(struct pic, chip, isr),
    STATE_EACH(struct pic, chip, elcr),        STATE_EACH(struct pic, chip, vector),
    STATE_EACH_TO(struct pic, chip, lowest, 7),      STATE_EACH_TO(struct pic, chip, init_step, 4),
    STATE_EACH(struct pic, chip, icw1),        STATE_EACH(struct pic, chip, icw3),
    STATE_EACH(struct pic, chip, icw4),        STATE_EACH_TO(struct pic, chip, read_isr, 1),
    STATE_EACH_TO(struct pic, chip, poll, 1),        STATE_EACH_TO(struct pic, chip, special_mask, 1),
    STATE_EACH_TO(struct pic, chip, rotate_aeoi, 1),
};
static const struct state_table pic_state = STATE_TABLE("pic", fields);

static bool is_master(const struct pic *pic, const struct pic_chip *c) { return c == &pic->chip[0]; }
static uint8_t level_triggered(const struct pic_chip *c) { return c->icw1 & ICW1_LEVEL ? 0xff : c->elcr; }

// The input of highest priority in a set: 0 is the highest rank, that of the input after `lowest`.
static unsigned highest(const struct pic_chip *c, uint8_t set) {
    for (unsigned rank = 0; rank < 8; rank++) {
        unsigned input = (c->lowest + 1 + rank) & 7;
        if (set >> input & 1) return input;
    }
    return NONE;
}
static unsigned rank_of(const struct pic_chip *c, unsigned input) {
    return input == NONE ? NONE : (input - c->lowest - 1) & 7;
}

// The input that INT stands for, or NONE. "Fully nested mode", "special mask mode", "special fully nested mode".
static unsigned request(const struct pic *pic, const struct pic_chip *c) {
    unsigned input = highest(c, c->irr & ~c->imr);
    if (input == NONE) return NONE;
    uint8_t serving = c->isr;
    if (c->special_mask) serving &= (uint8_t)~c->imr;
    if (is_master(pic, c) && c->icw4 & ICW4_SFNM) serving &= (uint8_t) ~(1 << CASCADE & 1 << input);
    return rank_of(c, input) < rank_of(c, highest(c, serving)) ? input : NONE;
}

static void chip_set(struct pic_chip *c, unsigned input, bool level) {
    uint8_t bit = (uint8_t)(1 << input);
    bool was = c->lines & bit;
    c->lines = (uint8_t)(level ? c->lines | bit : c->lines & ~bit);
    if (level_triggered(c) & bit) {
        c->irr = (uint8_t)(level ? c->irr | bit : c->irr & ~bit);
    } else if (level && !was) {
        c->irr |= bit;
    } else if (!level) {
        c->irr &= (uint8_t)~bit; // "IR inputs must remain high until after the falling edge of the first INTA"
    }
}

static void update(struct pic *pic) {
    chip_set(&pic->chip[0], CASCADE, request(pic, &pic->chip[1]) != NONE);
    line_set(&pic->intr, pic_intr(pic));
}

bool pic_intr(const struct pic *pic) { return request(pic, &pic->chip[0]) != NONE; }

void pic_set(void *chip, unsigned irq, bool level) {
    struct pic *pic = chip;
    chip_set(&pic->chip[irq >> 3 & 1], irq & 7, level);
    update(pic);
}

// INTA: the request moves from IRR to ISR, where automatic EOI removes it again.
static unsigned chip_acknowledge(struct pic *pic, struct pic_chip *c) {
    unsigned input = request(pic, c);
    if (input == NONE) return SPURIOUS;
    uint8_t bit = (uint8_t)(1 << input);
    if (!(level_triggered(c) & bit)) c->irr &= (uint8_t)~bit;
    if (!(c->icw4 & ICW4_AEOI)) {
        c->isr |= bit;
    } else if (c->rotate_aeoi) {
        c->lowest = (uint8_t)input;
    }
    return input;
}

uint8_t pic_acknowledge(struct pic *pic) {
    struct pic_chip *c = &pic->chip[0];
    bool cascade = request(pic, c) == CASCADE;
    unsigned input = chip_acknowledge(pic, c);
    if (cascade) {
        c = &pic->chip[1];
        input = chip_acknowledge(pic, c);
        pic->chip[0].lines &= (uint8_t) ~(1 << CASCADE); // the slave's INT falls with INTA: its next request is an edge
    }
    update(pic);
    return (uint8_t)(c->vector | input);
}

static void write_icw1(struct pic_chip *c, uint8_t value) {
    // "The edge sense circuit is reset", IMR is cleared, IR7 gets priority 7, special mask mode off, IRR is read.
    uint8_t held = c->lines & level_triggered(c);
    *c = (struct pic_chip){.lines = c->lines,
                           .elcr = c->elcr,
                           .irr = held,
                           .vector = c->vector,
                           .lowest = 7,
                           .icw1 = value,
                           .icw3 = c->icw3,
                           .init_step = 2};
}

static void write_ocw2(struct pic_chip *c, uint8_t value) {
    enum { ROTATE_AEOI_CLEAR, EOI, NOP, EOI_SPECIFIC, ROTATE_AEOI_SET, ROTATE_EOI, SET_PRIORITY, ROTATE_EOI_SPECIFIC };
    unsigned level = value & 7, input = highest(c, c->isr);
    switch (value >> 5) {
    case ROTATE_AEOI_CLEAR: c->rotate_aeoi = 0; break;
    case ROTATE_AEOI_SET: c->rotate_aeoi = 1; break;
    case EOI:
    case ROTATE_EOI:
        if (input == NONE) break;
        c->isr &= (uint8_t) ~(1 << input);
        if (value >> 5 == ROTATE_EOI) c->lowest = (uint8_t)input;
        break;
    case EOI_SPECIFIC: c->isr &= (uint8_t) ~(1 << level); break;
    case ROTATE_EOI_SPECIFIC:
        c->isr &= (uint8_t) ~(1 << level);
        c->lowest = (uint8_t)level;
        break;
    case SET_PRIORITY: c->lowest = (uint8_t)level; break;
    default: break;
    }
}

static void write_ocw3(struct pic_chip *c, uint8_t value) {
    if (value & OCW3_POLL) c->poll = 1;
    if (value & OCW3_READ) c->read_isr = value & OCW3_READ_ISR;
    if (value & OCW3_SPECIAL_MASK_ENABLE) c->special_mask = (value & OCW3_SPECIAL_MASK) != 0;
}

static void write_icw(struct pic_chip *c, uint8_t value) {
    bool wants_icw4 = c->icw1 & ICW1_IC4;
    switch (c->init_step) {
    case 2:
        c->vector = value & (uint8_t)BITS(7, 3);
        c->init_step = c->icw1 & ICW1_SINGLE ? (wants_icw4 ? 4 : 0) : 3;
        break;
    case 3:
        c->icw3 = value;
        c->init_step = wants_icw4 ? 4 : 0;
        break;
    default:
        c->icw4 = value;
        c->init_step = 0;
        break;
    }
}

static void chip_write(struct pic_chip *c, unsigned offset, uint8_t value) {
    if (offset == 0 && value & ICW1)
        write_icw1(c, value);
    else if (offset == 0 && value & OCW3)
        write_ocw3(c, value);
    else if (offset == 0)
        write_ocw2(c, value);
    else if (c->init_step)
        write_icw(c, value);
    else
        c->imr = value;
}

static uint8_t chip_read(struct pic *pic, struct pic_chip *c, unsigned offset) {
    if (c->poll) {
        c->poll = 0;
        bool pending = request(pic, c) != NONE;
        unsigned input = chip_acknowledge(pic, c);
        return pending ? (uint8_t)(POLL_REQUEST | input) : (uint8_t)input;
    }
    return offset == 1 ? c->imr : c->read_isr ? c->isr : c->irr;
}

static uint64_t pic_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)size;
    struct pic *pic = chip;
    if (space == PIC_ELCR) return pic->chip[offset & 1].elcr;
    uint64_t value = chip_read(pic, &pic->chip[space], (unsigned)offset);
    update(pic);
    return value;
}

static void pic_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)size;
    struct pic *pic = chip;
    // ELCR: IRQ 0, 1, 2, 8 and 13 are always edge-triggered.
    if (space == PIC_ELCR)
        pic->chip[offset & 1].elcr = (uint8_t)(value & (offset ? 0xde : 0xf8));
    else
        chip_write(&pic->chip[space], (unsigned)offset, (uint8_t)value);
    update(pic);
}

static void pic_reset(void *chip) {
    struct pic *pic = chip;
    for (unsigned i = 0; i < 2; i++)
        pic->chip[i] = (struct pic_chip){.lines = pic->chip[i].lines, .lowest = 7, .imr = 0xff};
    update(pic);
}

const struct device pic_device = {
    .name = "pic", .read = pic_read, .write = pic_write, .reset = pic_reset, .state = &pic_state};
