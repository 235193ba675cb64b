// A program that embeds the library: it makes a machine, puts a guest of ten bytes into its memory, and runs it twice. What the
// guest sends by its serial port arrives here, and both runs end with the same hash.
#include <devices/machine/machine.h>
#include <devices/machine/machine_boot.h>
#include <stdio.h>

enum { CODE = 0x7c00 };

// Real-address mode: sends "hi" by COM1, then halts with interrupts off.
static const uint8_t guest[] = {
    0xba, 0xf8, 0x03, // mov dx, 3f8h
    0xb0, 'h',  0xee, // mov al, 'h'; out dx, al
    0xb0, 'i',  0xee, // mov al, 'i'; out dx, al
    0xf4,             // hlt
};
static const struct boot_piece piece = {.physical = CODE, .bytes = sizeof guest, .present = sizeof guest, .data = guest};
static const struct boot_register start[] = {{REGISTER_CS_BASE, 0}, {REGISTER_RIP, CODE}};
static const struct boot_image image = {.piece = &piece, .pieces = 1, .reg = start, .registers = 2};

static void sent(void *context, uint8_t byte) { (void)context, putchar(byte); }

static int run(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config); // 128 MBytes, one processor, one serial port
    config.model = *cpu_model_at(0);
    config.serial[0] = (struct character_back){.write = sent};
    struct machine *machine = machine_new(&config, error, sizeof error);
    if (!machine || !machine_boot(machine, &image)) return fprintf(stderr, "no machine: %s\n", error), 1;
    enum machine_stop why = machine_run(machine, 1000);
    printf("\nafter %llu steps the guest %s; hash %016llx\n", (unsigned long long)machine_steps(machine),
           why == MACHINE_STUCK ? "is halted for good" : "goes on", (unsigned long long)machine_hash(machine));
    machine_free(machine);
    return 0;
}

int main(void) { return run() || run(); }
