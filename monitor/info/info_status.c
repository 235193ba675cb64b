// Pages about the program and the run, in QEMU's words: info status, info version.
#include "devices/machine/machine.h"
#include "monitor/info/info.h"
#include "monitor/session/monitor.h"
#include "monitor/session/options.h"
#include <inttypes.h>

bool info_status(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    const struct run *run = monitor->run;
    (void)page;
    if (!take_end(&monitor->look, arguments)) return false;
    if (run->over)
        print(monitor, "VM status: shutdown (%s)\n", run->over_text);
    else
        print(monitor, "VM status: paused (step %" PRIu64 ")\n", machine_steps(monitor->look.machine));
    return true;
}

bool info_version(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page;
    if (!take_end(&monitor->look, arguments)) return false;
    print(monitor, "vmxray " VMXRAY_VERSION "\n");
    return true;
}
