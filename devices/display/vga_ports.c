// The registers of the VGA; see vga.h. IBM PS/2 Hardware Interface Technical Reference, video subsystem.
// NOT IMPLEMENTED: light pen, interrupt at vertical retrace, the palette's protection while the picture is on.
#include "devices/display/vga.h"
#include "cpu/state/outcome.h"

// Offsets from 3C0H; those of 3BxH and 3DxH are told apart by the miscellaneous output register.
enum {
    ATTRIBUTE = 0x00,
    ATTRIBUTE_READ = 0x01,
    MISC_OR_STATUS_0 = 0x02,
    SUBSYSTEM = 0x03,
    SEQUENCER_INDEX = 0x04,
    SEQUENCER_DATA = 0x05,
    DAC_MASK = 0x06,
    DAC_READ_OR_STATE = 0x07,
    DAC_WRITE = 0x08,
    DAC_DATA = 0x09,
    FEATURE_READ = 0x0a,
    MISC_READ = 0x0c,
    GRAPHICS_INDEX = 0x0e,
    GRAPHICS_DATA = 0x0f,
    CRTC_INDEX = 0x14,
    CRTC_DATA = 0x15,
    STATUS_1 = 0x1a, // written: feature control
};
enum { STATUS_0_SENSE = 0x10, DAC_READING = 3 };

// Bits that are there.
static const uint8_t sequencer_bits[SEQ_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t graphics_bits[GFX_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t attribute_bits[ATTR_COUNT - ATTR_MODE] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};

// --- attribute controller ---
static void write_attribute(struct vga *v, uint8_t value) {
    unsigned index = v->attribute_index & 0x1f;
    v->attribute_data ^= 1;
    if (v->attribute_data)
        v->attribute_index = value & 0x3f;
    else if (index < ATTR_MODE)
        v->attribute[index] = value & 0x3f;
    else if (index < ATTR_COUNT)
        v->attribute[index] = value & attribute_bits[index - ATTR_MODE];
}

static uint8_t read_attribute(const struct vga *v) {
    unsigned index = v->attribute_index & 0x1f;
    return index < ATTR_COUNT ? v->attribute[index] : 0;
}

// --- DAC ---
static void begin_dac(struct vga *v, uint8_t index, bool reading) {
    v->dac_state = reading ? DAC_READING : 0;
    v->dac_part = 0;
    *(reading ? &v->dac_read : &v->dac_write) = index;
}

static void write_dac(struct vga *v, uint8_t value) {
    uint8_t colour[3] = {v->dac_new[0], v->dac_new[1], value};
    if (v->dac_part < 2) {
        v->dac_new[v->dac_part++] = value;
        return;
    }
    for (unsigned i = 0; i < 3; i++) v->dac[3 * v->dac_write + i] = colour[i];
    v->dac_part = 0;
    v->dac_write++;
}

static uint8_t read_dac(struct vga *v) {
    uint8_t value = v->dac[3 * v->dac_read + v->dac_part];
    if (++v->dac_part == 3) v->dac_part = 0, v->dac_read++;
    return value;
}

// --- indexed registers ---
static void write_crtc(struct vga *v, uint8_t value) {
    enum { PROTECTS = 0x80, COMPARE_BIT_8 = 0x10 };
    unsigned index = v->crtc_index;
    if (index >= CRTC_COUNT) return;
    if (index <= CRTC_OVERFLOW && v->crtc[CRTC_V_RETRACE_END] & PROTECTS) {
        if (index != CRTC_OVERFLOW) return;
        value = (uint8_t)((v->crtc[index] & ~COMPARE_BIT_8) | (value & COMPARE_BIT_8));
    }
    v->crtc[index] = value;
}

static void write_sequencer(struct vga *v, uint8_t value) {
    unsigned index = v->sequencer_index % SEQ_COUNT;
    v->sequencer[index] = value & sequencer_bits[index];
    vga_place_window(v);
}

static void write_graphics(struct vga *v, uint8_t value) {
    unsigned index = v->graphics_index % GFX_COUNT;
    v->graphics[index] = value & graphics_bits[index];
    vga_place_window(v);
}

// --- ports ---
void vga_port_write(struct vga *v, unsigned offset, uint8_t value) {
    switch (offset) {
    case ATTRIBUTE: write_attribute(v, value); break;
    case MISC_OR_STATUS_0: v->miscellaneous = value & 0xef; break;
    case SUBSYSTEM: v->subsystem = value & 1; break;
    case SEQUENCER_INDEX: v->sequencer_index = value & 7; break;
    case SEQUENCER_DATA: write_sequencer(v, value); break;
    case DAC_MASK: v->dac_mask = value; break;
    case DAC_READ_OR_STATE:
    case DAC_WRITE: begin_dac(v, value, offset == DAC_READ_OR_STATE); break;
    case DAC_DATA: write_dac(v, value); break;
    case GRAPHICS_INDEX: v->graphics_index = value & 0x0f; break;
    case GRAPHICS_DATA: write_graphics(v, value); break;
    case CRTC_INDEX: v->crtc_index = value; break;
    case CRTC_DATA: write_crtc(v, value); break;
    case STATUS_1: v->feature = value & 0x0b; break;
    default: break;
    }
}

static uint8_t read_status_1(struct vga *v) {
    v->attribute_data = 0;
    return vga_status(v);
}

uint8_t vga_port_read(struct vga *v, unsigned offset) {
    switch (offset) {
    case ATTRIBUTE: return v->attribute_data ? 0 : v->attribute_index;
    case ATTRIBUTE_READ: return read_attribute(v);
    case MISC_OR_STATUS_0: return STATUS_0_SENSE;
    case SUBSYSTEM: return v->subsystem;
    case SEQUENCER_INDEX: return v->sequencer_index;
    case SEQUENCER_DATA: return v->sequencer[v->sequencer_index % SEQ_COUNT];
    case DAC_MASK: return v->dac_mask;
    case DAC_READ_OR_STATE: return v->dac_state;
    case DAC_WRITE: return v->dac_write;
    case DAC_DATA: return read_dac(v);
    case FEATURE_READ: return v->feature;
    case MISC_READ: return v->miscellaneous;
    case GRAPHICS_INDEX: return v->graphics_index;
    case GRAPHICS_DATA: return v->graphics[v->graphics_index % GFX_COUNT];
    case CRTC_INDEX: return v->crtc_index;
    case CRTC_DATA: return v->crtc_index < CRTC_COUNT ? v->crtc[v->crtc_index] : 0;
    case STATUS_1: return read_status_1(v);
    default: return 0xff;
    }
}
