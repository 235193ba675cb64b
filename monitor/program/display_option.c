// -vga, -display, -nographic, -full-screen: what the machine's display is, and where it is seen.
#include "monitor/program/display_option.h"
#include "devices/display/vga.h"
#include "monitor/files/complaint.h"
#include "monitor/files/files.h"
#include "monitor/host/parse.h"
#include "monitor/host/limits.h"
#include "monitor/program/options_row.h"
#include <string.h>

static const char rom_path[] = "/usr/share/seabios/vgabios-stdvga.bin";

static enum taken wrong(const struct option *option, const char *value, const char *what) {
    enum { SHOWN = 100 };
    complain("-%s %.*s%s: %s", option->name, SHOWN, value, strlen(value) > SHOWN ? "..." : "", what);
    return TAKEN_WRONG;
}

// --- which display ---
enum taken take_vga(struct options *options, const struct option *option, const char *value) {
    bool none = !strcmp(value, "none"), std = !strcmp(value, "std");
    if (!none && !std) return wrong(option, value, "std and none are modelled");
    options->vga = none ? VGA_NONE : VGA_STD;
    return TAKEN;
}

static bool has_display(const struct options *options) {
    for (unsigned i = 0; i < options->machine.devices; i++) {
        const char *text = options->machine.device[i];
        size_t length = strcspn(text, ",");
        if (length == 3 && !memcmp(text, "VGA", 3)) return true;
    }
    return false;
}

// Its BIOS is a file of the configuration: the guest finds it in the expansion ROM, and a machine without firmware
// takes its characters from there.
static bool add_rom(struct options *options) {
    unsigned index = options->machine.files;
    if (index == OPTIONS_FILES || !files_is_there(rom_path)) return true;
    struct file *file = &options->file[index];
    if (!file_read(file, rom_path)) return false;
    options->machine_file[index] = (struct machine_file){VGA_ROM_FILE, file->bytes, (uint32_t)file->size};
    options->machine.file = options->machine_file;
    options->machine.files++;
    return true;
}

bool display_finish(struct options *options, bool usual) {
    char error[200];
    if (options->screen == SCREEN_USUAL) options->screen = usual && limits_has_windows() ? SCREEN_SDL : SCREEN_NONE;
    usual |= options->screen == SCREEN_SDL || options->screen == SCREEN_CURSES;
    // The terminal is the display's.
    if (options->screen == SCREEN_CURSES && !options->serial_options) options->serial[0].kind = CHANNEL_NULL;
    bool wanted = options->vga == VGA_STD || (options->vga == VGA_USUAL && usual);
    if (wanted && !has_display(options) && !machine_config_device(&options->machine, "VGA", error, sizeof error))
        return complain("-vga std: %s", error);
    return !has_display(options) || add_rom(options);
}

// --- where it is seen ---
static bool take_display_item(struct options *options, const char *item) {
    static const char *const full[] = {"full-screen=on", "full-screen=yes", "full-screen"};
    static const char *const accepted[] = {"full-screen=off", "gl=off",    "grab-mod=",  "show-cursor=",
                                           "window-close=",   "alt_grab=", "ctrl_grab=", "charset="};
    for (unsigned i = 0; i < sizeof full / sizeof *full; i++)
        if (!strcmp(item, full[i])) return options->full_screen = true;
    for (unsigned i = 0; i < sizeof accepted / sizeof *accepted; i++)
        if (!strncmp(item, accepted[i], strlen(accepted[i]))) return true;
    return false;
}

enum taken take_display(struct options *options, const struct option *option, const char *value) {
    static const char *const names[] = {[SCREEN_NONE] = "none", [SCREEN_SDL] = "sdl", [SCREEN_CURSES] = "curses"};
    char item[64];
    const char *list = value;
    if (!strcmp(value, "help")) {
        say("none               not seen: screendump of the monitor shows it\n"
            "sdl                a window; ,full-screen=on fills the screen\n"
            "curses             its characters on the terminal\n");
        return TAKEN_LAST;
    }
    bool some = parse_item(&list, item, sizeof item);
    for (unsigned i = SCREEN_NONE; some && i < sizeof names / sizeof *names; i++)
        if (!strcmp(item, names[i])) options->screen = (uint8_t)i;
    if (options->screen == SCREEN_USUAL) return wrong(option, value, "sdl (a window), curses and none can be had");
    while (parse_item(&list, item, sizeof item))
        if (!take_display_item(options, item))
            return wrong(option, value, "write sdl,full-screen=on; what else QEMU has is not there");
    return TAKEN;
}

enum taken take_nographic(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->screen = SCREEN_NONE;
    return TAKEN;
}

enum taken take_full_screen(struct options *options, const struct option *option, const char *value) {
    (void)option, (void)value;
    options->full_screen = true;
    return TAKEN;
}
