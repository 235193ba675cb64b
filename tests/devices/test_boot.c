// A machine that begins with a value made by hand, without any loader: a reset brings it back to its beginning, whoever
// asks for it, and two machines may share one value. Nothing of the monitor is linked here.
#include "devices/machine/machine_boot.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

enum { CODE = 0x8000, DATA = 0x9000, RAM_BYTES = 2 << 20 };

// Real-address mode: counts at DATA, and asks for a reset by port CF9H when the low byte of the count is 5.
static const uint8_t code[] = {
    0xfe, 0x06, 0x00, 0x90,       // loop: inc byte [DATA]
    0x80, 0x3e, 0x00, 0x90, 0x05, // cmp byte [DATA], 5
    0x75, 0xf5,                   // jne loop
    0xba, 0xf9, 0x0c,             // mov dx, 0cf9h
    0xb0, 0x06, 0xee,             // mov al, 6; out dx, al
    0xeb, 0xfe,                   // here: jmp here
};
static const struct boot_piece pieces[] = {{CODE, 4096, sizeof code, code}, {DATA, 4096, 0, NULL}};
static const struct boot_register registers[] = {{REGISTER_CS, 0},
                                                 {REGISTER_CS_BASE, 0},
                                                 {REGISTER_RIP, CODE},
                                                 {REGISTER_RSP, 0x7000},
                                                 {REGISTER_RBX, 0x1234567890}};
static const struct boot_image image = {
    .piece = pieces, .pieces = 2, .reg = registers, .registers = sizeof registers / sizeof *registers};

static struct machine *make(unsigned cpus) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RAM_BYTES;
    config.cpus = cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}

// What goes on over a reset: the time, and what was made of it. Everything else is compared.
static bool is_time(const char *part, const char *field) {
    static const char *const kept[][2] = {{"cpu", "time."}, {"turns", ""}, {"clock", ""},
                                           {"tlb", ""},      {"pm", "seen"},  {"performance", "seen"}};
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(part, kept[i][0]) == 0 && strncmp(field, kept[i][1], strlen(kept[i][1])) == 0) return true;
    return false;
}

// The first field that a reset did not bring back; "": none.
static const char *differs(struct machine *a, struct machine *b) {
    static char text[200];
    struct machine_part one, other;
    text[0] = '\0';
    (void)machine_hash(a), (void)machine_hash(b); // brings what is lazy to its canonical form
    for (unsigned i = 0; machine_part(a, i, &one) && machine_part(b, i, &other); i++) {
        for (unsigned f = 0; one.object && !one.table->unhashed && f < one.table->count; f++) {
            const struct state_table single = {.name = one.table->name, .fields = &one.table->fields[f], .count = 1};
            uint32_t index;
            if (is_time(one.name, one.table->fields[f].name)) continue;
            if (state_differs(&single, one.object, other.object, &index))
                snprintf(text, sizeof text, "%s, %s[%u]", one.name, one.table->fields[f].name, index);
        }
    }
    if (memcmp(machine_ram(a, 0, RAM_BYTES), machine_ram(b, 0, RAM_BYTES), RAM_BYTES) != 0) strcpy(text, "RAM");
    return text;
}

static void resets(unsigned cpus) {
    struct machine *m = make(cpus), *fresh = make(cpus);
    uint64_t bare = machine_hash(m);
    ok(machine_boot(m, &image) && machine_boot(fresh, &image), "%u processors: a value made by hand", cpus);
    uint64_t start = machine_hash(m);
    ok(start != bare && machine_cpu(m, 0)->rip == CODE, "is what the machine begins with");
    alter_reset(m);
    ok(machine_hash(m) == start, "a reset before the first step has the hash of the start");
    (void)machine_set_register(m, 0, REGISTER_RCX, 77);
    (void)machine_set_memory(m, DATA + 9, &(uint8_t){9}, 1);
    ok(machine_hash(m) != start, "what is changed by hand changes the hash");
    alter_reset(m);
    ok(machine_hash(m) == start, "and is gone after a reset");
    for (unsigned turn = 0; turn < 3; turn++) {
        ok(machine_run(m, 1000) == MACHINE_RESET && *differs(m, fresh), "the guest asks for a reset");
        alter_reset(m);
        const char *what = differs(m, fresh);
        ok(!*what, "and has everything but the time as it was (%s)", what);
    }
    (void)machine_run(m, 3);
    alter_reset(m);
    ok(!*differs(m, fresh), "a reset in the midst, the same");
    machine_free(m), machine_free(fresh);
}

static void refusals(void) {
    struct machine *m = make(1);
    uint64_t bare = machine_hash(m);
    const struct boot_piece outside = {RAM_BYTES - 10, 11, 0, NULL}, no_data = {CODE, 10, 5, NULL},
                            too_long = {CODE, 10, 11, code};
    const struct boot_piece *const bad[] = {&outside, &no_data, &too_long};
    for (unsigned i = 0; i < 3; i++)
        ok(!machine_boot(m, &(struct boot_image){.piece = bad[i], .pieces = 1}), "piece %u is refused", i);
    const struct boot_register wrong[] = {{REGISTER_MXCSR, 1 << 16}, {REGISTER_COUNT, 0}, {REGISTER_VECTOR0, 0}};
    for (unsigned i = 0; i < 3; i++)
        ok(!machine_boot(m, &(struct boot_image){.reg = &wrong[i], .registers = 1}), "register %u is refused", i);
    ok(machine_hash(m) == bare, "and nothing is changed");
    ok(machine_boot(m, &image) && machine_boot(m, NULL), "a machine may have no value again");
    alter_reset(m);
    ok(machine_cpu(m, 0)->rip == 0xfff0, "and then begins at its reset vector");
    machine_free(m);
}

int main(void) {
    resets(1);
    resets(2);
    refusals();
    return done_testing();
}
