// savevm, loadvm: the machine into a file and out of one.
#include "monitor/disk/fits.h"
#include "monitor/drive/drive.h"
#include "monitor/moving/moved.h"
#include <inttypes.h>

enum { WHY = 600 };

bool command_savevm(struct monitor *monitor, const char *path) {
    char why[WHY];
    if (!*path) return monitor_error(monitor, "savevm where? savevm FILE");
    if (!images_fit(monitor->run->options->images, monitor->look.machine, why))
        return monitor_error(monitor, "savevm: %s", why);
    if (!snapshot_file_save(monitor->look.machine, path, why, sizeof why))
        return monitor_error(monitor, "%s: %s", path, why);
    print(monitor, "Step %" PRIu64 " is in %s.\n", machine_steps(monitor->look.machine), path);
    return true;
}

bool command_loadvm(struct monitor *monitor, const char *path) {
    char why[WHY];
    struct snapshot_file file;
    if (!*path) return monitor_error(monitor, "loadvm what? loadvm FILE, one that savevm wrote");
    bool loaded = snapshot_file_open(&file, path, why, sizeof why);
    if (!loaded)
        monitor_error(monitor, "%s: %s", path, why);
    else
        loaded = moved_into(monitor, &file, path);
    snapshot_file_close(&file);
    if (!loaded) return false;
    print(monitor, "The machine is the one of %s; its past begins here.\n", path);
    return drive_stopped(monitor, RUN_TARGET);
}
