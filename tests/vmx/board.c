#include "tests/vmx/board.h"
#include "tests/door.h"
#include <stdlib.h>
#include <string.h>

static struct machine *of_model(unsigned cpus, const struct cpu_model *model) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *model;
    config.ram_bytes = BENCH_RAM;
    config.cpus = cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}

struct machine *board_new(unsigned cpus) {
    struct cpu_model model;
    char error[200] = "";
    if (!cpu_model_parse("server", &model, error, sizeof error)) bail("%s", error);
    return of_model(cpus, &model);
}

static void move(const struct state_table *table, const void *from, void *to) {
    uint8_t *saved = malloc(state_size(table));
    if (!saved) bail("no memory");
    state_save(table, from, saved);
    uint32_t index;
    if (state_load(table, to, saved, &index)) bail("the state is refused");
    free(saved);
}

struct machine *board_from_bench(struct bench *b) {
    struct machine *m = of_model(1, &b->model);
    struct cpu *cpu = inside_cpu(m, 0);
    field_put(b->cpu, "rip", AT_HOST_CODE);
    move(&cpu_state, b->cpu, cpu);
    move(&cpu_tlb_state, b->cpu->tlb, cpu->tlb);
    move(&vmx_state, b->cpu->wire.extension->state, cpu->wire.extension->state);
    memcpy(inside_ram(m, 0, BENCH_RAM), b->ram, BENCH_RAM);
    if (machine_loaded(m)) bail("the state is impossible");
    bench_free(b);
    return m;
}
