// The device VGA, of -vga std: as QEMU's of this name (docs/specs/standard-vga.rst): PCI 1234H:1111H, the framebuffer
// in base address register 0, registers in 2, the VGA's own ports and window. See vga.h.
#include "devices/display/vga.h"
#include "devices/display/picture.h"
#include "devices/display/vga_mode.h"
#include "devices/display/vga_setup.h"
#include "devices/bus/back_end.h"
#include "devices/bus/memory.h"
#include "devices/pci/function.h"
#include <string.h>

static const struct state_field fields[] = {
    STATE_ONE(struct vga, miscellaneous),  STATE_ONE(struct vga, feature),
    STATE_ONE(struct vga, subsystem),      STATE_ONE(struct vga, sequencer_index),
    STATE_ARRAY(struct vga, sequencer),    STATE_ONE(struct vga, crtc_index),
    STATE_ARRAY(struct vga, crtc),         STATE_ONE(struct vga, graphics_index),
    STATE_ARRAY(struct vga, graphics),     STATE_ONE(struct vga, attribute_index),
    STATE_ARRAY(struct vga, attribute),    STATE_ONE_TO(struct vga, attribute_data, 1),
    STATE_ONE(struct vga, dac_mask),       STATE_ONE(struct vga, dac_state),
    STATE_ONE(struct vga, dac_read),       STATE_ONE(struct vga, dac_write),
    STATE_ONE_TO(struct vga, dac_part, 2), STATE_ARRAY(struct vga, dac_new),
    STATE_ARRAY(struct vga, dac),          STATE_ONE(struct vga, latch),
    STATE_ONE(struct vga, dispi_index),    STATE_ARRAY(struct vga, dispi),
    STATE_ONE(struct vga, dispi_low),
};

// Of registers that were loaded: what cannot be brought about is refused.
static bool vga_valid(const void *chip) {
    const struct vga *v = chip;
    return v->graphics[GFX_READ_MAP] <= 3 && dispi_is_valid(v);
}
const struct state_table vga_state = STATE_TABLE("VGA", fields, vga_valid);

// --- registers of base address register 2 ---
enum { MMIO_BYTES = 4096, MMIO_PORTS = 0x400, MMIO_DISPI = 0x500, MMIO_EXTENDED = 0x600, MMIO_END = 0x608 };

static uint64_t read_extended(uint64_t offset) {
    enum { EXTENDED_BYTES = 8, LITTLE_ENDIAN_FRAMEBUFFER = 0x1e1e1e1e };
    const uint64_t block = EXTENDED_BYTES | (uint64_t)LITTLE_ENDIAN_FRAMEBUFFER << 32;
    return block >> 8 * offset;
}

static uint64_t read_mmio(struct vga *v, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    if (offset + size <= VGA_EDID && v->edid) memcpy(&value, v->edid_block + offset, size);
    if (offset < MMIO_PORTS) return value;
    if (offset < MMIO_PORTS + 0x20) {
        for (unsigned i = 0; i < size; i++)
            value |= (uint64_t)vga_port_read(v, (unsigned)(offset - MMIO_PORTS) + i) << 8 * i;
        return value;
    }
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI + 2 * DISPI_COUNT)
        return (uint64_t)dispi_read(v, (unsigned)(offset - MMIO_DISPI) / 2) >> 8 * (offset & 1);
    if (offset >= MMIO_EXTENDED && offset < MMIO_END) return read_extended(offset - MMIO_EXTENDED);
    return 0;
}

static void write_mmio(struct vga *v, uint64_t offset, unsigned size, uint64_t value) {
    if (offset >= MMIO_PORTS && offset < MMIO_PORTS + 0x20)
        for (unsigned i = 0; i < size; i++)
            vga_port_write(v, (unsigned)(offset - MMIO_PORTS) + i, (uint8_t)(value >> 8 * i));
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI + 2 * DISPI_COUNT && size >= 2)
        dispi_write(v, (unsigned)(offset - MMIO_DISPI) / 2, (uint16_t)value);
}

// --- ports ---
// Those of a monochrome display answer instead of 3DxH when the miscellaneous output register says so.
enum { MONO_FIRST = 0x3b4, MONO_COUNT = 7, COLOUR_FROM = 0x14, COLOUR_LAST = 0x1a };

static bool answers(const struct vga *v, bool mono, unsigned offset) {
    if (offset < COLOUR_FROM) return true;
    return mono == !(v->miscellaneous & MISC_COLOUR);
}

// Index at 1CEH, data at 1CFH and at 1D0H. A word at the odd one comes as two bytes, the lower first.
enum { DISPI_FIRST = 0x1ce, DISPI_PORTS = 4 };

static uint64_t read_dispi_port(const struct vga *v, uint64_t offset, unsigned size) {
    uint16_t value = dispi_read(v, v->dispi_index);
    if (!offset) return v->dispi_index;
    return size == 2 || offset == 1 ? value : value >> 8;
}

static void write_dispi_port(struct vga *v, uint64_t offset, unsigned size, uint64_t value) {
    if (!offset)
        v->dispi_index = (uint16_t)value;
    else if (size == 2)
        dispi_write(v, v->dispi_index, (uint16_t)value);
    else if (offset == 1)
        v->dispi_low = (uint8_t)value;
    else
        dispi_write(v, v->dispi_index, (uint16_t)(v->dispi_low | value << 8));
}

static uint64_t vga_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct vga *v = chip;
    unsigned port = (unsigned)offset + (space == VGA_PORTS_3B0 ? COLOUR_FROM : 0);
    switch (space) {
    case VGA_MEMORY: return vga_memory_read(v, offset, size);
    case VGA_BAR_REGISTERS: return read_mmio(v, offset, size);
    case VGA_PORTS_DISPI: return read_dispi_port(v, offset, size);
    case VGA_PORTS_3B0:
    case VGA_PORTS_3C0: return answers(v, space == VGA_PORTS_3B0, port) ? vga_port_read(v, port) : 0xff;
    default: return ~0ull;
    }
}

static void vga_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct vga *v = chip;
    unsigned port = (unsigned)offset + (space == VGA_PORTS_3B0 ? COLOUR_FROM : 0);
    switch (space) {
    case VGA_MEMORY: vga_memory_write(v, offset, size, value); break;
    case VGA_BAR_REGISTERS: write_mmio(v, offset, size, value); break;
    case VGA_PORTS_DISPI: write_dispi_port(v, offset, size, value); break;
    case VGA_PORTS_3B0:
    case VGA_PORTS_3C0:
        if (answers(v, space == VGA_PORTS_3B0, port)) vga_port_write(v, port, (uint8_t)value);
        break;
    default: break;
    }
}

// --- life ---
static void vga_reset(void *chip) {
    struct vga *v = chip;
    memset(&v->miscellaneous, 0, offsetof(struct vga, vram) - offsetof(struct vga, miscellaneous));
    v->miscellaneous = MISC_COLOUR;
    v->dac_mask = 0xff;
    v->graphics[GFX_BIT_MASK] = 0xff;
    v->dispi[DISPI_ID] = 0xb0c5;
    v->dispi[DISPI_BPP] = 8;
    vga_place_window(v);
}

// The window: registers, over which its memory is shown while that is the same.
static void add_window(struct vga *v, struct device_host *host) {
    (void)map_add(&host->bus->memory, &(struct region){.base = VGA_WINDOW,
                                                       .bytes = VGA_WINDOW_BYTES,
                                                       .device = host->device,
                                                       .chip = v,
                                                       .space = VGA_MEMORY,
                                                       .widths = WIDTH_1 | WIDTH_2 | WIDTH_4 | WIDTH_8,
                                                       .priority = PRIORITY_HOLE});
    v->linear = device_show(
        host, v->vram,
        &(struct area_view){.base = VGA_WINDOW, .bytes = VGA_BANK_BYTES, .priority = PRIORITY_HOLE, .off = true});
}

// Its BIOS, as an expansion ROM: a file of the configuration.
static void add_rom(struct vga *v, struct device_host *host) {
    enum { LEAST = 2048, MOST = 1 << 18 };
    const struct machine_file *file = device_file(host, VGA_ROM_FILE);
    uint32_t bytes = MEMORY_PAGE;
    if (!file || file->bytes < LEAST || file->bytes > MOST) return;
    while (bytes < file->bytes) bytes *= 2;
    struct area *area = device_area(host, VGA_ROM_FILE, bytes, true);
    uint8_t *to = area ? device_area_store(host, area, 0, file->bytes) : NULL;
    if (!to) return;
    memcpy(to, file->data, file->bytes);
    v->rom = area->data, v->rom_bytes = file->bytes;
    host->identity->bar[PCI_ROM] = (struct pci_bar){.bytes = bytes, .memory = area};
}

static const char *vga_create(void *chip, struct device_host *host) {
    struct vga *v = chip;
    uint32_t bytes = v->vgamem_mb << 20;
    v->vram = device_area(host, "vram", bytes, false);
    if (!v->vram) return "memory is short, or there is a display already";
    v->pages = &host->master.memory->pages;
    v->memory_map = &host->bus->memory;
    v->clock = host->clock;
    host->identity->bar[VGA_BAR_MEMORY].bytes = bytes;
    host->identity->bar[VGA_BAR_MEMORY].memory = v->vram;
    add_rom(v, host);
    edid_make(v->edid_block, v->xres, v->yres);
    device_ports(host, VGA_PORTS_3C0, 0x3c0, 0x20, WIDTH_1);
    device_ports(host, VGA_PORTS_3B0, MONO_FIRST, MONO_COUNT, WIDTH_1);
    device_ports(host, VGA_PORTS_DISPI, DISPI_FIRST, DISPI_PORTS, WIDTH_1 | WIDTH_2);
    add_window(v, host);
    return NULL;
}

static void vga_firmware(void *chip) {
    struct vga *v = chip;
    vga_set_text_mode(v, v->rom, v->rom_bytes);
}

static void vga_loaded(void *chip) { vga_place_window(chip); }
static const struct area *vga_shown(const void *chip) { return ((const struct vga *)chip)->vram; }

static const struct pci_identity identity = {
    .vendor = 0x1234,
    .device = 0x1111,
    .revision = 2,
    .class = 3,
    .command = 0x0003,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .bar = {[VGA_BAR_MEMORY] = {.bytes = 16 << 20, .kind = PCI_PREFETCHABLE},
            [VGA_BAR_REGISTERS] = {.bytes = MMIO_BYTES, .widths = WIDTH_1 | WIDTH_2 | WIDTH_4}},
};

static const struct device_option options[] = {
    DEVICE_OPTION(struct vga, vgamem_mb, "MBYTES", POWER, 16, 1, 256,
                  "the size of its memory: a power of two from 1 to 256"),
    DEVICE_OPTION(struct vga, xres, "DOTS", NUMBER, 1280, 640, 4088, "the width that the monitor prefers: 640 to 4088"),
    DEVICE_OPTION(struct vga, yres, "DOTS", NUMBER, 800, 480, 4088, "the height that the monitor prefers: 480 to 4088"),
    DEVICE_OPTION(struct vga, edid, "SWITCH", SWITCH, 1, 0, 1, "on or off: whether the monitor says what it is"),
};

DEVICE(vga) = {.name = "VGA",
               .help = "a VGA with Bochs' display interface, on PCI: what -vga std is",
               .read = vga_read,
               .write = vga_write,
               .reset = vga_reset,
               .firmware = vga_firmware,
               .state = &vga_state,
               .bytes = sizeof(struct vga),
               .option = options,
               .options = sizeof options / sizeof *options,
               .function = &identity,
               .loaded = vga_loaded,
               .shown = vga_shown,
               .picture = vga_picture,
               .create = vga_create};
