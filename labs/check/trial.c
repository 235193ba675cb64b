// A lab's program in a machine: loaded, run to its end, looked at; see trial.h.
#include "labs/check/trial.h"
#include "monitor/files/complaint.h"
#include "monitor/host/status.h"
#include "monitor/symbols/symbols_file.h"
#include "vmx/level/view.h"
#include <stdlib.h>

enum { RAM = 32 << 20, LINES_MOST = 8 << 20, ELF_MOST = 8 << 20 };

static bool make_machine(struct trial *trial, const struct lab_setup *setup) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.ram_bytes = RAM;
    config.timing = setup->timing;
    if (!cpu_model_parse(setup->cpu, &config.model, error, sizeof error)) return complain("%s", error);
    trial->machine = machine_new(&config, error, sizeof error);
    return trial->machine || complain("%s", error);
}

// What is wrong with them is not said: the program runs without names too.
static void read_names(struct trial *trial) {
    const struct symbols_place where = {.lines_most = LINES_MOST, .elf_only = true};
    struct symbol_table *table = symbols_table_new(&trial->symbols, "the lab", SYMBOLS_ANY_LEVEL);
    if (!table) return;
    if (symbols_from_bytes(table, trial->boot.kernel.bytes, trial->boot.kernel.size, &where))
        symbols_table_drop(trial->symbols, table);
    else
        symbols_table_done(table);
}

bool trial_open(struct trial *trial, const char *path) {
    const struct boot_wish wish = {.kernel = path, .ram_bytes = RAM};
    trial->moment = calloc(MOMENTS + REPORTS, sizeof *trial->moment);
    trial->picture = calloc(PICTURES, sizeof *trial->picture);
    if (!trial->moment || !trial->picture) return complain("not enough memory");
    if (!boot_open(&trial->boot, &wish)) return false;
    return trial->boot.kernel.size <= ELF_MOST || complain("%s: larger than 8 MBytes, which no lab is", path);
}

// Reports are made for a monitor and its run: as much of these as they look at.
static void begin_monitor(struct trial *trial) {
    trial->run = (struct run){.options = &trial->options, .machine = trial->machine};
    trial->monitor = (struct monitor){.look = {.machine = trial->machine, .symbols = trial->symbols, .level = -1},
                                      .run = &trial->run,
                                      .names.begun = true};
    monitor_print_to(&trial->monitor, &trial->said);
}

bool trial_load(struct trial *trial, const struct lab_setup *setup) {
    if (!make_machine(trial, setup) || !boot_load(&trial->boot, trial->machine)) return false;
    read_names(trial);
    begin_monitor(trial);
    return true;
}

// Idle time is skipped; everything else that stops the machine ends the trial.
void trial_go(struct trial *trial, const struct lab_setup *setup) {
    enum { IDLES = 1000 };
    watch_begin(trial);
    for (unsigned i = 0; i < IDLES; i++) {
        const uint64_t done = machine_steps(trial->machine);
        trial->end = done < setup->steps ? machine_run(trial->machine, setup->steps - done) : MACHINE_STEPS;
        if (trial->end != MACHINE_IDLE) break;
    }
    trial->steps = machine_steps(trial->machine);
    trial->end_level = vmx_level(machine_cpu(trial->machine, 0));
    watch_end(trial);
}

void trial_close(struct trial *trial) {
    output_free(&trial->said);
    symbols_free(trial->symbols);
    if (trial->machine) machine_free(trial->machine);
    boot_close(&trial->boot);
    free(trial->moment);
    free(trial->picture);
}
