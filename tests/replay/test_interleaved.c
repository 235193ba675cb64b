// Machines share nothing: Debian's kernel in four machines of one process, two with one processor and two with four,
// which take turns of odd lengths, is at every interval what it is in a machine that runs alone without a pause.
#include "devices/machine/machine.h"
#include "monitor/load/load.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>

enum { MACHINES = 4, INTERVALS_MOST = 200 };
#define INTERVAL 20000000ull

static char kernel[4096], initrd[4096];
static unsigned intervals = 20;

struct subject {
    struct machine *machine;
    struct boot boot;
    uint64_t hash[INTERVALS_MOST];
    unsigned hashes;
    bool ended;
};

static void start(struct subject *subject, unsigned cpus) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.cpus = cpus;
    config.ram_bytes = 256 << 20;
    *subject = (struct subject){.machine = machine_new(&config, error, sizeof error)};
    if (!subject->machine) bail("machine_new: %s", error);
    const struct boot_wish wish = {kernel, initrd, "console=ttyS0 reboot=t panic=-1 vmxray=run", NULL, 0};
    if (!boot_open(&subject->boot, &wish) || !boot_load(&subject->boot, subject->machine))
        bail("%s does not load", kernel);
}

static void end(struct subject *s) {
    machine_free(s->machine);
    boot_close(&s->boot);
}

// At most `steps` on, and never past an interval's end, where the hash is noted.
static void run(struct subject *s, uint64_t steps) {
    uint64_t left = INTERVAL - machine_steps(s->machine) % INTERVAL;
    if (s->ended) return;
    enum machine_stop why = machine_run(s->machine, steps < left ? steps : left);
    bool at_end = why != MACHINE_STEPS && why != MACHINE_IDLE;
    if (!at_end && machine_steps(s->machine) % INTERVAL != 0) return;
    if (at_end || s->hashes == 0 || machine_steps(s->machine) / INTERVAL > s->hashes)
        s->hash[s->hashes++] = machine_hash(s->machine);
    s->ended = at_end || s->hashes == intervals;
}

static void run_alone(struct subject *s, unsigned cpus) {
    start(s, cpus);
    while (!s->ended) run(s, ~0ull);
    end(s);
}

static unsigned in_motion(const struct subject *s) {
    unsigned n = 0;
    for (unsigned i = 0; i < MACHINES; i++) n += !s[i].ended;
    return n;
}

static unsigned processors(unsigned i) { return i % 2 ? 4 : 1; }

int main(void) {
    static struct subject alone[2], together[MACHINES];
    const char *guests = getenv("GUESTS"), *wants_long = getenv("LONG");
    snprintf(kernel, sizeof kernel, "%s/vmlinuz", guests ? guests : "o/guests");
    snprintf(initrd, sizeof initrd, "%s/initramfs.cpio", guests ? guests : "o/guests");
    if (wants_long && *wants_long) intervals = INTERVALS_MOST;
    for (unsigned i = 0; i < 2; i++) run_alone(&alone[i], processors(i));
    for (unsigned i = 0; i < MACHINES; i++) start(&together[i], processors(i));
    for (unsigned turn = 0; in_motion(together); turn++)
        for (unsigned i = 0; i < MACHINES; i++) run(&together[i], 10007 + (turn * 7919 + i * 104729) % 1000003);
    for (unsigned i = 0; i < MACHINES; i++) {
        const struct subject *one = &alone[i % 2], *other = &together[i];
        loop_begin("machine %u of %u, with %u processors: %u hashes are those of a machine alone", i, MACHINES,
                   processors(i), one->hashes);
        loop_check(one->hashes == other->hashes && one->hashes >= 8, "%u hashes", other->hashes);
        for (unsigned n = 0; n < one->hashes && n < other->hashes; n++)
            loop_check(one->hash[n] == other->hash[n] && (n == 0 || one->hash[n] != one->hash[n - 1]), "interval %u",
                       n);
        loop_end();
        end(&together[i]);
    }
    return done_testing();
}
