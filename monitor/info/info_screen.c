// info vga, keyboard, mice: what the display shows and how, and what the keyboard and the mouse were told.
#include "devices/display/vga_mode.h"
#include "devices/input/ps2.h"
#include "monitor/info/info.h"

static const char *const shapes[] = {[SHAPE_BLANK] = "blank",
                                     [SHAPE_TEXT] = "text",
                                     [SHAPE_PLANES] = "16 colours in planes",
                                     [SHAPE_PAIRS] = "4 colours, two bits a dot",
                                     [SHAPE_BYTES] = "256 colours",
                                     [SHAPE_LINEAR] = "linear"};

static void print_bytes(struct monitor *monitor, const char *name, const uint8_t *bytes, unsigned count) {
    print(monitor, "%-11s", name);
    for (unsigned i = 0; i < count; i++) print(monitor, " %02x", bytes[i]);
    print(monitor, "\n");
}

static void print_dispi(struct monitor *monitor, const struct vga *v) {
    const uint16_t *d = v->dispi;
    print(monitor, "DISPI       %s, %ux%u, %u bits a dot, virtual width %u, at %u,%u, bank %u, DAC of %s bits\n",
          dispi_is_on(v) ? "on" : "off", d[DISPI_X], d[DISPI_Y], d[DISPI_BPP], d[DISPI_VIRTUAL_X], d[DISPI_X_OFFSET],
          d[DISPI_Y_OFFSET], d[DISPI_BANK], d[DISPI_ENABLE] & DISPI_DAC_8 ? "8" : "6");
}

bool info_vga(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct vga *v = look_part(&monitor->look, "VGA", 0);
    struct vga_mode mode;
    if (!v) return monitor_error(monitor, "info vga: there is no display (-vga std)");
    if (vga_mode(v, &mode))
        print(monitor, "mode        %s, %ux%u dots\n", shapes[mode.shape], mode.width, mode.height);
    else
        print(monitor, "mode        nothing that could be drawn\n");
    if (mode.shape == SHAPE_TEXT)
        print(monitor, "text        %u columns, %u rows of %u lines, characters %u dots wide\n",
              v->crtc[CRTC_H_END] + 1u, mode.height / mode.row_lines, mode.row_lines, mode.character_dots);
    print_dispi(monitor, v);
    print_bytes(monitor, "sequencer", v->sequencer, 5);
    print_bytes(monitor, "CRTC", v->crtc, CRTC_COUNT);
    print_bytes(monitor, "graphics", v->graphics, 9);
    print_bytes(monitor, "attribute", v->attribute, ATTR_COUNT);
    print(monitor, "memory      %llu KBytes\n", (unsigned long long)v->vram->bytes >> 10);
    return true;
}

bool info_keyboard(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct ps2 *p = look_part(&monitor->look, "ps2", 0);
    if (!p) return monitor_error(monitor, "info keyboard: there is none");
    const struct ps2_keyboard *k = &p->keyboard;
    print(monitor, "PS/2 keyboard, scan code set %u%s, %s; lights:%s%s%s%s\n", k->set,
          p->command_byte & 0x40 ? " translated to 1" : "", k->scanning ? "scanning" : "not scanning",
          k->leds & 1 ? " scroll" : "", k->leds & 2 ? " num" : "", k->leds & 4 ? " caps" : "", k->leds ? "" : " none");
    print(monitor, "%u bytes wait in it, and %u presses and releases for it; the interface is %s, IRQ 1 %s\n",
          k->queue.count, k->count, p->command_byte & 0x10 ? "off" : "on", p->command_byte & 1 ? "on" : "off");
    return true;
}

// As QEMU lists them: the one that gets movements has a star.
bool info_mice(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct ps2 *p = look_part(&monitor->look, "ps2", 0);
    if (!p || !p->has_mouse) return monitor_error(monitor, "info mice: there is none without a display (-vga std)");
    const struct ps2_mouse *m = &p->mouse;
    print(monitor, "* Mouse #0: PS/2 mouse, ID %u%s, %s, %u reports a second, resolution %u%s\n", m->id,
          m->id == 3   ? " (wheel)"
          : m->id == 4 ? " (five buttons)"
                       : "",
          m->reporting ? "reporting" : "silent", m->rate, m->resolution, m->remote ? ", remote mode" : "");
    return true;
}
