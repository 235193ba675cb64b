// How many pictures of 1024 x 768 dots a second somebody sees while the guest scrolls: the guest moves and stores all
// of it, what is shown is drawn and compared, and copied as a window does. Processor time in user mode.
//     bench-screen GUEST
#include "cpu/state/model.h"
#include "devices/machine/machine_picture.h"
#include "monitor/load/load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PICTURES = 300, BEGINS = 5000000, SCROLL = 1024 * 768 / 2 + 7 /* steps of the guest's loop */ };

static double now_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

static void die(const char *why) {
    fprintf(stderr, "bench-screen: %s\n", why);
    exit(1);
}

static struct machine *make(const char *guest, struct boot *boot) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 128 << 20;
    if (!machine_config_device(&config, "VGA", error, sizeof error)) die(error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) die(error);
    if (!boot_open(boot, &(struct boot_wish){.kernel = guest, .append = "scroll"}) || !boot_load(boot, m))
        die("the guest cannot be loaded");
    return m;
}

// The rows that changed, to where the window's are.
static void show(const struct picture *p, uint32_t *window) {
    for (uint32_t y = 0; y < p->height; y++)
        if (p->changed[y]) memcpy(window + (size_t)y * p->width, p->dot + (size_t)y * p->width, 4 * p->width);
}

static void scroll(struct machine *m) {
    if (machine_run(m, SCROLL) != MACHINE_STEPS) die("the guest stopped");
}

int main(int argc, char **argv) {
    struct boot boot;
    struct picture picture = {0};
    static uint32_t window[1024 * 768];
    uint64_t rows = 0;
    double guest = 0, begin = 0, all = 0;
    if (argc != 2) die("GUEST");
    struct machine *m = make(argv[1], &boot);
    if (machine_run(m, BEGINS) != MACHINE_STEPS) die("the guest stopped");
    for (unsigned i = 0; i < PICTURES; i++) {
        begin = now_seconds();
        scroll(m);
        guest += now_seconds() - begin;
        if (!machine_picture(m, &picture) || picture.width != 1024 || picture.height != 768) die("no such picture");
        show(&picture, window);
        rows += picture.changes;
        all += now_seconds() - begin;
    }
    printf("%-38s %9.0f a second (the guest alone %.0f; %.0f rows each)\n", "pictures of 1024 x 768, scrolled and seen",
           PICTURES / all, PICTURES / guest, (double)rows / PICTURES);
    machine_picture_release(m, &picture);
    boot_close(&boot);
    machine_free(m);
    return 0;
}
