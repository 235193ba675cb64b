// Every loader for a minute: damaged, cut, lengthened and invented files, with random RAM disks, modules and command
// lines, into machines of random sizes. It loads in silence, the same way twice, and leaves a processor whose pointers
// point to RAM; or there is one line. SEED=n begins elsewhere, VMXRAY_ROUNDS=n makes as many rounds instead.
#include "cpu/state/cpu.h"
#include "tests/field.h"
#include "tests/monitor/loading.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MBYTE = 1 << 20, MACHINE_ROUNDS = 512, HANG_SECONDS = 120, TEXT = 6000 };
static struct loading loading;
static uint64_t random_state;
static unsigned below(unsigned n) { return random_below(&random_state, n); }

static uint64_t value(void) {
    switch (below(5)) {
    case 0: return random64(&random_state);
    case 1: return random64(&random_state) >> below(64);
    case 2: return ~0ull << below(64);
    case 3: return below(64 * MBYTE);
    default: return below(16);
    }
}

// What lies behind the magic numbers is anything.
static void invent(struct image *image) {
    static const unsigned kept[IMAGE_KINDS] = {0, 24, 24, 24, 24, 0, 0x1010};
    unsigned from = kept[below(IMAGE_KINDS)], to = from + below(0x600);
    for (unsigned i = from; i + 8 <= to; i += 4)
        if (!below(3)) image_put(image, i, value(), 1u << below(4));
}

static void spoil(struct image *image) {
    switch (below(8)) {
    case 0: break;
    case 1: invent(image); break;
    case 2:
        image->size = image->size < IMAGE_BYTES - 1 ? image->size + below((unsigned)(IMAGE_BYTES - image->size)) : 1;
        loading_damage(image, &random_state);
        break;
    case 3: image->size = below(2) ? below(64) : below(IMAGE_BYTES); break;
    default: loading_damage(image, &random_state);
    }
}

static void random_text(char *text, unsigned most) {
    unsigned length = below(4) ? below(100) : below(most);
    for (unsigned i = 0; i < length; i++) text[i] = (char)(below(16) ? 32 + below(95) : 1 + below(255));
    text[length] = '\0';
}

// NULL, files that are there and files that are not, with words, commas and too many of them.
static const char *random_modules(char *text) {
    static const char *const names[] = {"", ",", "/", "/dev/null", " ", ",,"};
    char words[200];
    unsigned at = 0, count = below(16) ? 1 + below(3) : below(20);
    if (!below(3)) return NULL;
    if (!below(16)) return random_text(text, TEXT), text;
    if (!below(2)) return loading.initrd_path;
    for (unsigned i = 0; i < count && at + 400 < TEXT; i++) {
        const char *name = below(12) ? loading.initrd_path : names[below(6)];
        random_text(words, sizeof words);
        at += (unsigned)sprintf(text + at, "%s%s%s%s", i ? "," : "", name, below(2) ? " " : "", below(2) ? words : "");
    }
    return text;
}

static void random_initrd(void) {
    static const char bytes[300] = "initrd";
    loading_file(loading.initrd_fd, bytes, below(sizeof bytes));
    off_t large = below(64) ? below(3 * MBYTE) : below(80 * MBYTE);
    if (!below(8) && ftruncate(loading.initrd_fd, large) != 0) bail("ftruncate");
}

static bool is_ram(uint64_t address) { return machine_ram(loading.machine, address, 1); }

// Where the processor would start, and what it was told: all in RAM, outside the first page.
static bool pointers_good(void) {
    const struct cpu *cpu = machine_cpu(loading.machine, 0);
    uint64_t told = gpr(cpu, RSI) ? gpr(cpu, RSI) : gpr(cpu, RBX);
    return is_ram(field(cpu, "rip")) && field(cpu, "rip") >= 4096 && is_ram(told) && told >= 4096 &&
           is_ram(field(cpu, "gdtr.base")) &&
           (!(field(cpu, "control.cr0") & CR0_PG) || is_ram(field(cpu, "control.cr3")));
}

static bool round_good(bool *loaded) {
    static char modules[TEXT + 1], line[TEXT + 1];
    struct image image = image_of(below(IMAGE_KINDS));
    spoil(&image);
    random_initrd();
    random_text(line, TEXT);
    const char *initrd = random_modules(modules), *append = below(4) ? line : NULL;
    (void)machine_boot(loading.machine, NULL); // what the last round began with leaves nothing behind
    alter_reset(loading.machine);
    uint8_t page[4096];
    memcpy(page, machine_ram(loading.machine, 0, 4096), 4096);
    *loaded = loading_try(&loading, &image, initrd, append);
    if (!loading_well_behaved(&loading, *loaded)) return false;
    if (memcmp(page, machine_ram(loading.machine, 0, 4096), 4096) != 0) return false;
    if (!*loaded) return true;
    if (!pointers_good()) return false;
    if (below(16)) return true;
    uint64_t hash = machine_hash(loading.machine);
    alter_reset(loading.machine);
    return loading_try(&loading, &image, initrd, append) && machine_hash(loading.machine) == hash;
}

int main(void) {
    const char *seed = getenv("SEED"), *rounds = getenv("VMXRAY_ROUNDS");
    uint64_t first = seed ? strtoull(seed, NULL, 0) : 1;
    unsigned most = rounds ? (unsigned)strtoul(rounds, NULL, 0) : ~0u, count = 0, loads = 0;
    time_t end = time(NULL) + 60;
    loading_begin(&loading, 64 * MBYTE);
    loop_begin("loaders: it loads, or there is one line");
    for (; count < most && (rounds || time(NULL) < end); count++) {
        bool loaded;
        uint64_t n = first + count;
        alarm(HANG_SECONDS);
        random_state = ~(n / MACHINE_ROUNDS);
        if (count == 0 || n % MACHINE_ROUNDS == 0) loading_renew(&loading, MBYTE + below(63 * MBYTE / 4096) * 4096ull);
        random_state = n;
        loop_check(round_good(&loaded), "SEED=%lu: %s", n, loading.errors);
        loads += loaded;
    }
    loop_end();
    ok(loads > count / 20 && loads < count, "%u of %u were loaded", loads, count);
    loading_end(&loading);
    return done_testing();
}
