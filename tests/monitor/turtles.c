#include "tests/monitor/turtles.h"
#include "monitor/load/load.h"
#include "tests/door.h"
#include <stdio.h>
#include <stdlib.h>

struct machine *turtles(unsigned cpus, const char *append) {
    struct machine *m = door_machine(cpus, TURTLES_RAM);
    const char *o = getenv("O");
    struct boot boot;
    char path[300];
    snprintf(path, sizeof path, "%s/turtles.elf", o ? o : "o");
    if (!boot_open(&boot, &(struct boot_wish){.kernel = path, .append = append})) bail("turtles: %s", path);
    if (!boot_load(&boot, m)) bail("turtles cannot be loaded");
    boot_close(&boot);
    return m;
}
