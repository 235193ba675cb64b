// Drives the device that test_device_row.sh adds: its function on PCI with base address registers and capabilities, its
// registers, interrupt line, timer, DMA, options, objects in ACPI, and state. Linked in the copy of the tree.
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

static struct machine *m;
static const struct platform *p;
static struct cpu *cpu;

static struct machine *make(const char *const *devices) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 2 << 20;
    for (; *devices; devices++)
        if (!machine_config_device(&config, *devices, error, sizeof error)) bail("%s", error);
    struct machine *made = machine_new(&config, error, sizeof error);
    return made;
}

static void begin(const char *const *devices) {
    if (m) machine_free(m);
    m = make(devices);
    if (!m) bail("no machine");
    cpu = inside_cpu(m, 0);
    p = inside_platform(m);
}
#define BEGIN(...) begin((const char *const[]){__VA_ARGS__, NULL})

static uint32_t get(unsigned device, unsigned reg) {
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80000000 | device << 11 | reg);
    return p->port_in(p->machine, cpu, 0xcfc, 4);
}
static void set(unsigned device, unsigned reg, uint32_t value) {
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80000000 | device << 11 | reg);
    p->port_out(p->machine, cpu, 0xcfc, 4, value);
}
static uint32_t load(uint64_t at) { return (uint32_t)p->mmio_read(p->machine, cpu, at, 4); }
static void store(uint64_t at, uint32_t value) { p->mmio_write(p->machine, cpu, at, 4, value); }

static void on_pci(void) {
    BEGIN("sample");
    ok(get(2, 0) == 0x56781234 && get(2, 8) >> 24 == 0xff && (get(2, 0x3c) >> 8 & 255) == 1,
       "its function, at the first free place");
    ok(get(2, 0x10) == 0xfebf0000 && get(2, 0x14) == 0xc001, "base address registers");
    ok(get(2, 4) >> 16 & 0x10 && get(2, 0x34) == 0x40 && get(2, 0x40) == 0x11064809 && get(2, 0x48) == 0x00800005,
       "two capabilities in a list");
    set(2, 0x44, ~0u), set(2, 0x48, 0);
    ok((get(2, 0x44) & 0xffff) == 0x33ff && get(2, 0x48) == 0x00800005, "whose bits are written as the row allows");
    BEGIN("sample,addr=1f", "pci-testdev", "sample,step=5");
    ok(get(0x1f, 0) == 0x56781234 && get(2, 0) == 0x00051b36 && get(3, 0) == 0x56781234,
       "several devices, one where it was asked for");
    ok(get(0x1f, 0x10) != get(2, 0x10) && get(2, 0x10) != get(3, 0x10), "each with addresses of its own");
    ok(!make((const char *const[]){"sample,addr=1", NULL}) && !make((const char *const[]){"sample,step=7", NULL}),
       "a place that is taken, a device that refuses");
}

static void works(void) {
    BEGIN("sample,step=4,room=0x20,size=64k,loud=on,label=xy,id=name");
    uint64_t at = get(2, 0x10);
    ok(load(at + 8) == 0x20 && load(at + 12) == (1 << 8 | 'x') && p->port_in(p->machine, cpu, 0xc000, 4) == 65536,
       "options");
    store(at, 0), store(at, 0);
    ok(load(at) == 8, "registers");
    set(2, 0x10, 0xe0000000);
    ok(load(at) == UINT32_MAX && load(0xe0000000) == 8, "moved by the base address register");
    store(0xfec00000, 0x10 + 2 * 18), store(0xfec00010, 0x51); // I/O APIC pin 18: device 2, INTA
    store(0xfee000f0, 0x1ff);
    store(0xe0000000, 1);
    ok(field(cpu, "boundary.pending") & PENDING_INTR && p->acknowledge(p->machine, cpu) == 0x51, "its interrupt");
    field_put(cpu, "time.surplus_cycles", field(cpu, "time.surplus_cycles") + 200);
    (void)machine_run(m, 0);
    ok(load(0xe0000004) == 1, "its timer");
    char dma[4] = "";
    store(0xe0000000, 0x99);
    ok(machine_read(m, 0x3000, dma, 4) && !dma[0], "no DMA before it may be a bus master");
    set(2, 4, 7);
    store(0xe0000000, 0x99);
    ok(machine_read(m, 0x3000, dma, 4) && !strcmp(dma, "dma"), "its DMA");
}

static void described(void) {
    static char tables[0x4000];
    BEGIN("sample");
    bool there = false;
    struct machine_region map[8] = {0};
    unsigned regions = machine_memory_map(m, map, 8), n = 0;
    while (n < regions && map[n].type != MEMORY_ACPI) n++;
    ok(n < regions && map[n].bytes == sizeof tables && machine_read(m, map[n].base, tables, sizeof tables),
       "the ACPI tables");
    for (unsigned i = 0; i + 4 <= sizeof tables; i++) there |= !memcmp(tables + i, "SMPL", 4);
    ok(there, "it is in them");
}

static void state(void) {
    BEGIN("sample");
    struct machine_part part;
    uint64_t before = machine_hash(m);
    store(0xfebf0000, 0);
    ok(machine_hash(m) != before, "its state counts in the hash");
    set(2, 0x10, 0xe0000000);
    uint64_t hash = machine_hash(m);
    static uint8_t saved[1 << 20];
    size_t used = 0;
    bool named = false;
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        named |= !strcmp(part.name, "sample");
        if (!part.object) continue;
        state_save(part.table, part.object, saved + used);
        used += state_size(part.table);
    }
    ok(named && used < sizeof saved, "it is a part of the machine");
    BEGIN("sample");
    used = 0;
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        if (!part.object) continue;
        uint32_t index;
        if (state_load(part.table, part.object, saved + used, &index)) bail("%s is refused", part.name);
        used += state_size(part.table);
    }
    if (machine_loaded(m)) bail("it cannot be");
    ok(machine_hash(m) == hash && load(0xe0000000) == 3, "saved and loaded, its registers where they were");
    alter_reset(m);
    ok(load(0xfebf0000) == 0 && load(0xe0000000) == UINT32_MAX, "a reset is one for it too");
}

int main(void) {
    on_pci();
    works();
    described();
    state();
    machine_free(m);
    return done_testing();
}
