// State tables of a whole machine: what is loaded is as it was saved; each row's greatest value is held to; and a
// machine that is given any values that the rows allow, as a hostile file would, runs on without harm.
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200, STEPS = 3000 };

static uint64_t seed = 1;
static uint64_t next_random(void) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    return seed >> 16 ^ seed << 40;
}

static struct machine *make(void) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 4 << 20;
    config.cpus = 2;
    config.serial_ports = MACHINE_SERIAL_PORTS;
    static const char *const devices[] = {"pc-testdev", "isa-debug-exit,iobase=0xf4,iosize=4", "pci-testdev"};
    for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++)
        if (!machine_config_device(&config, devices[i], error, sizeof error)) bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}

static uint64_t widest(const struct state_field *f) { return ~0ull >> (64 - 8 * f->width); }

// A copy of a part's state, to be changed and loaded.
static uint8_t *saved(const struct machine_part *part) {
    uint8_t *bytes = malloc(state_size(part->table));
    if (!bytes) bail("memory");
    state_save(part->table, part->object, bytes);
    return bytes;
}

// The greatest value and one more, in the first and the last element of each row that has a greatest value of its own.
static void held_to_part(const struct machine_part *part, unsigned *rows) {
    uint8_t *bytes = saved(part), *at = bytes;
    for (uint32_t i = 0; i < part->table->count; i++) {
        const struct state_field *f = &part->table->fields[i];
        for (uint32_t j = 0; f->greatest != widest(f) && j<f->count; j += f->count> 1 ? f->count - 1 : 1) {
            uint8_t was[8];
            uint32_t index = 0;
            uint64_t more = f->greatest + 1;
            memcpy(was, at + (size_t)j * f->width, f->width);
            memcpy(at + (size_t)j * f->width, &more, f->width);
            const struct state_field *refused = state_load(part->table, part->object, bytes, &index);
            loop_check(refused == f && index == j, "%s, %s[%u]: %llu is taken", part->name, f->name, j,
                       (unsigned long long)more);
            memcpy(at + (size_t)j * f->width, &f->greatest, f->width);
            loop_check(!state_load(part->table, part->object, bytes, &index), "%s, %s[%u]: %llu is refused", part->name,
                       f->name, j, (unsigned long long)f->greatest);
            memcpy(at + (size_t)j * f->width, was, f->width);
            if (state_load(part->table, part->object, bytes, &index))
                bail("%s does not take its own state", part->name);
            *rows += j == 0;
        }
        at += (size_t)f->width * f->count;
    }
    free(bytes);
}

static void held_to(void) {
    struct machine *m = make();
    struct machine_part part;
    unsigned rows = 0;
    loop_begin("each row takes its greatest value and refuses one more");
    for (unsigned i = 0; machine_part(m, i, &part); i++)
        if (part.object) held_to_part(&part, &rows);
    loop_end();
    diag("%u rows have a greatest value of their own", rows);
    ok(rows > 40, "there are such rows");
    machine_free(m);
}

static void refused_changes_nothing(void) {
    struct machine *m = make();
    struct machine_part part;
    machine_run(m, 1000);
    uint64_t before = machine_hash(m);
    uint32_t index;
    loop_begin("what is refused changes nothing");
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        if (!part.object) continue;
        uint8_t *bytes = malloc(state_size(part.table));
        memset(bytes, 0xff, state_size(part.table));
        if (state_load(part.table, part.object, bytes, &index)) loop_check(machine_hash(m) == before, "%s", part.name);
        free(bytes);
        before = machine_hash(m);
    }
    loop_end();
    machine_free(m);
}

// Of a random row: any value, one near what it is, or one at the end of what it may be.
static uint64_t some_value(const struct state_field *f, uint64_t is) {
    switch (next_random() % 4) {
    case 0: return f->greatest - next_random() % 2 % (f->greatest + 1 ? f->greatest + 1 : ~0ull);
    case 1: return (is + next_random() % 3 - 1) & widest(f);
    case 2: return BIT(next_random() % (8 * f->width));
    default: return next_random() & widest(f);
    }
}

static void change_field(const struct state_field *f, uint8_t *at) {
    for (unsigned times = 1 + (unsigned)(next_random() % 4); times--;) {
        uint8_t *element = at + next_random() % f->count * f->width;
        uint64_t is = 0;
        memcpy(&is, element, f->width);
        uint64_t value = some_value(f, is);
        if (value > f->greatest) value = f->greatest;
        memcpy(element, &value, f->width);
    }
}

static void change_part(const struct machine_part *part, unsigned one_in) {
    uint8_t *bytes = saved(part), *at = bytes;
    for (uint32_t i = 0; i < part->table->count; i++) {
        const struct state_field *f = &part->table->fields[i];
        if (next_random() % one_in == 0) change_field(f, at);
        at += (size_t)f->width * f->count;
    }
    uint32_t index;
    const struct state_field *refused = state_load(part->table, part->object, bytes, &index);
    loop_check(!refused, "%s, %s is refused", part->name, refused ? refused->name : "");
    free(bytes);
}

static void any_values(void) {
    unsigned refused = 0;
    loop_begin("machines with any values that the rows allow run on");
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct machine *m = make();
        struct machine_part part;
        uint8_t *code = inside_ram(m, 0, 4 << 20);
        for (unsigned i = 0; i < 1 << 20; i++) code[i] = (uint8_t)next_random();
        machine_run(m, next_random() % 100);
        for (unsigned i = 0; machine_part(m, i, &part); i++)
            if (part.object && next_random() % 2) change_part(&part, 1 + round % 7);
        bool possible = !machine_loaded(m);
        refused += !possible;
        for (unsigned i = 0; possible && i < 8; i++) machine_run(m, STEPS / 8);
        (void)machine_hash(m);
        machine_free(m);
    }
    loop_end();
    ok(refused < ROUNDS * 7 / 8, "many of them are possible: %u are not", refused);
}

int main(void) {
    held_to();
    refused_changes_nothing();
    any_values();
    return done_testing();
}
