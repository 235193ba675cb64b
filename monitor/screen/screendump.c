// screendump: what the display shows, into a file.
#include "devices/machine/machine_picture.h"
#include "monitor/screen/image_file.h"
#include "monitor/session/monitor.h"

static const char no_display[] = "there is no display (-vga std)";

bool command_screendump(struct monitor *monitor, const char *path) {
    struct machine *machine = monitor->run->machine;
    struct picture picture = {0};
    char why[600] = "";
    if (!*path) return monitor_error(monitor, "screendump where? screendump FILE.png, or FILE.ppm");
    if (!image_file_has_format(path))
        return monitor_error(monitor, "%s: a picture is a FILE.png or a FILE.ppm, and this is neither", path);
    if (!machine_has_display(machine)) return monitor_error(monitor, "screendump: %s", no_display);
    bool drawn = machine_picture(machine, &picture);
    bool done = drawn && image_file_write(&picture, path, why, sizeof why);
    if (done)
        print(monitor, "%ux%u dots are in %s.\n", picture.width, picture.height, path);
    else
        monitor_error(monitor, "%s: %s", path, drawn ? why : "the registers say nothing that could be drawn");
    machine_picture_release(machine, &picture);
    return done;
}
