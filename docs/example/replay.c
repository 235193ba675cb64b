// Three machines that end as one. The first gets bytes by its serial port while it runs, and what it took is recorded.
// The second is run with the record, exactly to where the first one stands. The third gets the first one's state. All
// go on.
#include <cpu/pages/pages.h>
#include <devices/machine/machine.h>
#include <devices/machine/machine_boot.h>
#include <devices/machine/machine_input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE = 0x7c00, INPUTS = 16 };

// Real-address mode: for ever takes a byte from COM1, sends the next one, and counts.
static const uint8_t guest[] = {
    0xba, 0xfd, 0x03, 0xec, // mov dx, 3fdh; in al, dx
    0xa8, 0x01, 0x74, 0xfb, // test al, 1; jz to the in
    0xba, 0xf8, 0x03, 0xec, // mov dx, 3f8h; in al, dx
    0xfe, 0xc0, 0xee,       // inc al; out dx, al
    0xff, 0x06, 0x00, 0x10, // inc word [1000h]
    0xeb, 0xeb,             // jmp to the begin
};
static const struct boot_piece piece = {
    .physical = CODE, .bytes = sizeof guest, .present = sizeof guest, .data = guest};
static const struct boot_register start[] = {{REGISTER_CS_BASE, 0}, {REGISTER_RIP, CODE}};
static const struct boot_image image = {.piece = &piece, .pieces = 1, .reg = start, .registers = 2};

static struct machine *make(void) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    struct machine *machine = machine_new(&config, error, sizeof error);
    if (machine && machine_boot(machine, &image)) return machine;
    fprintf(stderr, "no machine: %s\n", error);
    exit(1);
}

static struct record {
    struct input input[INPUTS]; // each with the position at which it was taken
    uint8_t byte[INPUTS];
    unsigned count, played;
} record;

static void took(void *context, const struct input *input) {
    struct record *r = context;
    if (r->count == INPUTS || input->bytes != 1) exit(1); // more than this guest is sent
    r->input[r->count] = *input;
    memcpy(&r->byte[r->count], input->data, 1); // the data are the machine's
    r->input[r->count].data = &r->byte[r->count];
    r->count++;
}

static const struct input *next(void *context) {
    struct record *r = context;
    return r->played < r->count ? &r->input[r->played++] : NULL;
}

// Every part of the state, then memory, then what follows from both.
static void copy(struct machine *from, struct machine *to) {
    struct machine_part source, target;
    struct area area;
    for (unsigned i = 0; machine_part(from, i, &source) && machine_part(to, i, &target); i++) {
        uint32_t element;
        uint8_t *bytes = malloc(state_size(source.table));
        if (!bytes) exit(1);
        state_save(source.table, source.object, bytes);
        if (state_load(target.table, target.object, bytes, &element)) exit(1); // another configuration
        free(bytes);
    }
    for (unsigned i = 0; machine_area(from, i, &area); i++)
        if (!machine_set_memory(to, area.base, area.data, area.bytes)) exit(1);
    if (machine_loaded(to)) exit(1);
}

static void tell(const char *name, struct machine *machine) {
    printf("%s: step %llu, hash %016llx\n", name, (unsigned long long)machine_steps(machine),
           (unsigned long long)machine_hash(machine));
}

int main(void) {
    struct machine *first = make(), *second = make(), *third = make();
    struct position here;
    machine_set_log(first, &(struct input_log){.context = &record, .took = took});
    machine_run(first, 1234); // until the guest listens: what was offered and not yet taken is no part of the state
    for (const char *c = "hello"; *c; c++) {
        machine_offer(first, &(struct input){.kind = INPUT_SERIAL, .unit = 0, .bytes = 1, .data = c});
        machine_run(first, 1234);
    }
    machine_position(first, &here);
    machine_set_log(second, &(struct input_log){.context = &record, .next = next});
    machine_run_to(second, &here);
    copy(first, third);
    printf("%u inputs were taken\n", record.count);
    tell("recorded", first), tell("replayed", second), tell("copied", third);
    machine_run(first, 1000), machine_run(second, 1000), machine_run(third, 1000);
    tell("recorded", first), tell("replayed", second), tell("copied", third);
    machine_free(first), machine_free(second), machine_free(third);
    return 0;
}
