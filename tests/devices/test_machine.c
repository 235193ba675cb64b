// The whole machine with guests of a few bytes: every reason to stop, idle time, input, memory, equality of hashes.
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "devices/machine/machine.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include <stdlib.h>
#include <string.h>

enum { CODE = 0x7c00, HANDLER = 0x7d00, COUNTER = 0x7e00 };
static char sent[64];
static char console[64];
static bool bios_tick; // of the machines that are made

static void put(char *text, uint8_t byte) {
    size_t n = strlen(text);
    if (n < 63) text[n] = (char)byte, text[n + 1] = 0;
}
static void send(void *context, uint8_t byte) { put(context, byte); }

static struct machine *make(uint64_t ram) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = ram;
    config.bios_tick = bios_tick;
    if (!machine_config_device(&config, "isa-debug-exit,iobase=0xf4,iosize=4", error, sizeof error)) bail("%s", error);
    config.serial[0] = (struct character_back){sent, send};
    config.debug_console = (struct character_back){console, send};
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    sent[0] = console[0] = 0;
    return m;
}

// Real-address mode, all segments 0, at CODE.
static void start_at_code(struct machine *m) { door_start(m, CODE, CODE); }
static struct machine *boot(const void *code, size_t bytes) {
    struct machine *m = make(1 << 20);
    machine_set_memory(m, CODE, code, bytes);
    start_at_code(m);
    return m;
}
#define BOOT(...) boot((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void stops(void) {
    struct machine *m = BOOT(0xba, 0x04, 0x06, 0xb8, 0x00, 0x34, 0xef, 0xeb, 0xfe);
    ok(machine_run(m, 100) == MACHINE_POWER_OFF && machine_steps(m) == 3,
       "SLP_EN with S5's type powers off, at its step");
    ok(machine_run(m, 10) == MACHINE_STEPS && machine_steps(m) == 13, "one may go on nevertheless");
    machine_free(m);
    m = BOOT(0xb0, 0x15, 0xe6, 0xf4, 0xeb, 0xfe);
    ok(machine_run(m, 100) == MACHINE_DEBUG_EXIT && machine_exit_code(m) == 0x15, "isa-debug-exit");
    machine_free(m);
    m = BOOT(0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe);
    ok(machine_run(m, 100) == MACHINE_RESET, "8042 reset");
    uint64_t steps = machine_steps(m);
    uint8_t byte = 0;
    alter_reset(m);
    ok(machine_steps(m) == steps && machine_cpu(m, 0)->rip == 0xfff0,
       "machine_reset: processor at its reset vector, steps go on");
    ok(machine_read(m, CODE, &byte, 1) && byte == 0xb0, "RAM is kept");
    machine_free(m);
    m = BOOT(0xb0, 0x01, 0xe6, 0x92, 0xeb, 0xfe);
    ok(machine_run(m, 100) == MACHINE_RESET, "port 92H reset");
    machine_free(m);
    m = BOOT(0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xfe);
    ok(machine_run(m, 100) == MACHINE_RESET, "port CF9H reset");
    machine_free(m);
    m = BOOT(0xfa, 0xf4);
    ok(machine_run(m, 100) == MACHINE_STUCK && machine_steps(m) == 2, "CLI, HLT: stuck");
    ok(machine_run(m, 100) == MACHINE_STUCK, "and stays so");
    machine_free(m);
    m = BOOT(0x0f, 0x01, 0x1e, 0x00, 0x70, 0xcc);
    ok(machine_run(m, 100) == MACHINE_TRIPLE_FAULT, "an empty IDT: triple fault");
    machine_free(m);
    m = BOOT(0xeb, 0xfe);
    machine_stop_soon(m);
    ok(machine_run(m, ~0ull) == MACHINE_INTERRUPTED, "machine_stop_soon");
    ok(machine_run(m, 0) == MACHINE_STEPS && machine_run(m, 7) == MACHINE_STEPS && machine_steps(m) == 7,
       "steps are exact");
    machine_free(m);
}

static void outputs(void) {
    struct machine *m = BOOT(0xba, 0xf8, 0x03, 0xb0, 'h', 0xee, 0xb0, 'i', 0xee, 0xe6, 0xe9, 0xe4, 0xe9, 0xfa, 0xf4);
    machine_run(m, 100);
    ok(!strcmp(sent, "hi") && !strcmp(console, "i"), "serial port and debug console");
    ok((machine_cpu(m, 0)->gpr[RAX] & 0xff) == 0xe9, "port E9H reads E9H");
    struct machine_stats stats;
    machine_stats(m, &stats);
    ok(stats.port_writes == 3 && stats.port_reads == 1 && stats.steps == machine_steps(m), "statistics");
    machine_free(m);
}

// 8259 at vector 8, only IRQ 0; 8254 at 1000 Hz; STI; HLT in a loop. The handler counts and ends the interrupt.
static const uint8_t timer_code[] = {
    0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe,
    0xe6, 0x21, 0xb0, 0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, 0xfb, 0xf4, 0xeb, 0xfd,
};
static const uint8_t timer_handler[] = {0xff, 0x06, 0x00, 0x7e, 0xb0, 0x20, 0xe6, 0x20, 0xcf};

static struct machine *boot_timer(void) {
    struct machine *m = boot(timer_code, sizeof timer_code);
    machine_set_memory(m, 8 * 4, &(uint32_t){HANDLER}, 4);
    machine_set_memory(m, HANDLER, timer_handler, sizeof timer_handler);
    return m;
}
static unsigned counted(struct machine *m) {
    uint16_t n = 0;
    machine_read(m, COUNTER, &n, 2);
    return n;
}

static void idle(void) {
    struct machine *m = boot_timer();
    ok(machine_run(m, 619) == MACHINE_STEPS && machine_steps(m) == 619, "a guest that waits for its timer");
    uint64_t ms = machine_nanoseconds(m) / 1000000;
    ok(counted(m) > 99 && counted(m) <= 101 && ms + 1 >= counted(m) && ms <= counted(m) + 1,
       "halted time is skipped: %u interrupts in %u ms", counted(m), (unsigned)ms);
    machine_idle_limit(m, 1000);
    ok(machine_run(m, 1000) == MACHINE_IDLE, "with a limit the front end is asked");
    uint64_t cycles = machine_idle_cycles(m), before = machine_cycles(m);
    ok(cycles >= 1000 && cycles != ~0ull, "and told how long");
    (void)alter(m, INPUT_IDLE, 0, cycles / 2);
    ok(machine_cycles(m) == before + cycles / 2 && machine_idle_cycles(m) == cycles - cycles / 2, "it may pass a part");
    ok(machine_run(m, 3) == MACHINE_STEPS && machine_cycles(m) >= before + cycles, "the next run skips the rest");
    machine_free(m);
    m = BOOT(0xb0, 0xef, 0xe6, 0x21, 0xfb, 0xf4, 0xeb, 0xfd); // IRQ 4 may come
    ok(machine_run(m, 100) == MACHINE_IDLE && machine_idle_cycles(m) == ~0ull, "only input can wake it");
    machine_free(m);
}

// IRQ 4 at vector 0CH, received data interrupts, STI, HLT; the handler sends back what it reads.
static void input(void) {
    static const uint8_t code[] = {
        0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xef,
        0xe6, 0x21, 0xba, 0xfc, 0x03, 0xb0, 0x08, 0xee, 0xba, 0xf9, 0x03, 0xb0, 0x01, 0xee, 0xfb, 0xf4, 0xeb, 0xfd,
    };
    static const uint8_t handler[] = {0xba, 0xf8, 0x03, 0xec, 0xee, 0xb0, 0x20, 0xe6, 0x20, 0xcf};
    struct machine *m = boot(code, sizeof code);
    machine_set_memory(m, 12 * 4, &(uint32_t){HANDLER}, 4);
    machine_set_memory(m, HANDLER, handler, sizeof handler);
    ok(machine_run(m, 1000) == MACHINE_IDLE, "waits for input");
    ok(machine_room(m, INPUT_SERIAL, 0) == 1 && alter_serial(m, 0, 'k'), "a byte is taken");
    ok(!alter_serial(m, 0, 'l') && machine_room(m, INPUT_SERIAL, 0) == 0, "the next must wait");
    ok(machine_run(m, 1000) == MACHINE_IDLE && !strcmp(sent, "k"), "the guest answers: \"%s\"", sent);
    ok(alter_serial(m, 0, 'l') && machine_run(m, 1000) == MACHINE_IDLE && !strcmp(sent, "kl"), "and again");
    ok(!alter_serial(m, 1, 'x') && !alter_serial(m, 99, 'x'), "a port that is not there takes nothing");
    machine_free(m);
}

static void memory(void) {
    struct machine_region map[8];
    struct machine *m = make(5ull << 30);
    unsigned n = machine_memory_map(m, map, 8);
    ok(n == 7 && map[6].base == 1ull << 32 && map[6].bytes == 2ull << 30 && map[5].base + map[5].bytes == 0xc0000000,
       "RAM around the hole");
    ok(machine_memory_map(m, map, 2) == 7, "a short buffer is not overrun");
    ok(machine_ram(m, 0, 0xc0000000) && !machine_ram(m, 1, 0xc0000000) && !machine_ram(m, 0xc0000000, 1),
       "the hole is not RAM");
    ok(machine_ram(m, 0x17fffffff, 1) && !machine_ram(m, 0x17fffffff, 2) && !machine_ram(m, ~0ull, 1) &&
           !machine_ram(m, 1ull << 32, ~0ull),
       "nor is what lies behind its end");
    uint64_t before = machine_hash(m);
    ok(machine_ram(m, 1ull << 32, 1ull << 20) && machine_hash(m) == before, "touching memory changes no hash");
    uint8_t one = 1, zero = 0;
    machine_set_memory(m, 0x17fffffff, &one, 1);
    ok(machine_hash(m) != before, "the last byte counts");
    machine_set_memory(m, 0x17fffffff, &zero, 1);
    ok(machine_hash(m) == before, "back to zero");
    ok(!machine_set_memory(m, 0xc0000000, &one, 1) && !machine_read(m, 0xbfffffff, map, 2), "no access outside");
    machine_free(m);
}

static void refusals(void) {
    struct machine_config config;
    char error[100] = "";
    machine_config_default(&config);
    ok(!machine_new(&config, error, sizeof error) && error[0], "no model: %s", error);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 12345;
    ok(!machine_new(&config, error, sizeof error), "RAM: %s", error);
    config.ram_bytes = 1 << 20;
    config.cpus = 0;
    ok(!machine_new(&config, error, sizeof error), "processors: %s", error);
    config.cpus = 1;
    config.serial_ports = 5;
    ok(!machine_new(&config, error, sizeof error), "serial ports: %s", error);
    config.serial_ports = 4;
    ok(machine_config_device(&config, "isa-debug-exit,iobase=0xffff", error, sizeof error) &&
           !machine_new(&config, error, 1),
       "isa-debug-exit beyond the last port, and no room for the message");
}

// Files for firmware, as the guest finds them: by name, in order, of any size.
static uint32_t firmware_file(struct machine *m, const char *wanted, unsigned *key) {
    const struct platform *p = inside_platform(m);
    struct cpu *cpu = inside_cpu(m, 0);
    uint8_t entry[64], count[4];
    p->port_out(p->machine, cpu, 0x510, 2, 0x19);
    for (unsigned i = 0; i < 4; i++) count[i] = (uint8_t)p->port_in(p->machine, cpu, 0x511, 1);
    for (unsigned n = 0; n < count[3]; n++) {
        for (unsigned i = 0; i < 64; i++) entry[i] = (uint8_t)p->port_in(p->machine, cpu, 0x511, 1);
        *key = entry[4] << 8 | entry[5];
        if (!strcmp((char *)entry + 8, wanted))
            return (uint32_t)entry[0] << 24 | entry[1] << 16 | entry[2] << 8 | entry[3];
    }
    return 0;
}

static void firmware_files(void) {
    static uint8_t large[100000];
    const struct machine_file files[] = {
        {"opt/large", large, sizeof large}, {"bootorder", "disk", 5}, {"etc/e820", "", 0}};
    struct machine_config config;
    char error[100] = "";
    unsigned key = 0;
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.file = files, config.files = 2;
    large[0] = 0x5a;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    struct cpu *cpu = inside_cpu(m, 0);
    const struct platform *p = inside_platform(m);
    ok(firmware_file(m, "bootorder", &key) == 5 && firmware_file(m, "opt/large", &key) == sizeof large,
       "files for firmware");
    p->port_out(p->machine, cpu, 0x510, 2, key);
    ok(p->port_in(p->machine, cpu, 0x511, 1) == 0x5a, "and their bytes");
    ok(firmware_file(m, "etc/e820", &key) >= 20, "beside the board's own");
    machine_free(m);
    config.files = 3;
    ok(!machine_new(&config, error, sizeof error) && strstr(error, "of this name already"), "two of a name: %s", error);
    config.file = &(struct machine_file){"a-name-of-fifty-six-letters-and-that-is-more-than-fits-in", "", 0},
    config.files = 1;
    ok(!machine_new(&config, error, sizeof error) && strstr(error, "1 to 55 letters"), "a name that is too long");
}

static uint64_t hash_after(uint64_t steps, unsigned piece, bool drop, uint64_t limit) {
    struct machine *m = boot_timer();
    machine_idle_limit(m, limit);
    while (machine_steps(m) < steps) {
        uint64_t left = steps - machine_steps(m);
        machine_run(m, left < piece ? left : piece);
        if (drop) machine_drop_derived(m);
    }
    uint64_t hash = machine_hash(m);
    machine_free(m);
    return hash;
}

static void equalities(void) {
    uint64_t free_run = hash_after(5000, 5000, false, ~0ull);
    ok(hash_after(5000, 5000, false, ~0ull) == free_run, "two runs");
    ok(hash_after(5000, 1, false, ~0ull) == free_run, "stepped");
    ok(hash_after(5000, 7, true, ~0ull) == free_run, "caches dropped");
    ok(hash_after(5000, 5000, false, 1) == free_run, "asked at every halt");
    ok(hash_after(4999, 5000, false, ~0ull) != free_run, "another step has another hash");
    struct machine *a = boot_timer(), *b = boot_timer();
    for (unsigned i = 0; i < 500; i++) machine_run(a, 10), machine_run(b, 10);
    ok(machine_hash(a) == free_run && machine_hash(b) == free_run, "two machines side by side");
    struct machine_part part;
    unsigned parts = 0;
    while (machine_part(a, parts, &part)) parts++;
    ok(parts > 15, "%u parts of state", parts);
    machine_free(a), machine_free(b);
}

// HLT until the 8254's interrupt, which comes at vector 8: through the 8259, in virtual wire mode.
static void real_mode(void) {
    bios_tick = true;
    struct machine *m = make(1 << 20);
    bios_tick = false;
    machine_set_memory(m, CODE, (const uint8_t[]){0xfb, 0xf4, 0xeb, 0xfd}, 4); // sti; hlt; jmp to hlt
    start_at_code(m);
    uint32_t ticks = 0;
    while (ticks < 18 && machine_run(m, 1) == MACHINE_STEPS) machine_read(m, 0x46c, &ticks, 4);
    ok(machine_nanoseconds(m) / 1000000 == 988, "the tick of a BIOS: 18 in %llu ns",
       (unsigned long long)machine_nanoseconds(m)); // 18 * 65536 / 1193182 Hz
    machine_set_memory(m, CODE, (const uint8_t[]){0xcd, 0x77, 0xcd, 0x21, 0xcd, 0x0f, 0xfa, 0xf4}, 8);
    start_at_code(m);
    ok(machine_run(m, 100) == MACHINE_STUCK && machine_cpu(m, 0)->rip == CODE + 8,
       "handlers of other interrupts return");
    machine_free(m);

    m = make(1 << 20); // xor ax, ax; int 15h; setc cl; mov dx, ax; int 12h; cli; hlt
    static const uint8_t services[] = {0x31, 0xc0, 0xcd, 0x15, 0x0f, 0x92, 0xc1, 0x89, 0xc2, 0xcd, 0x12, 0xfa, 0xf4};
    machine_set_memory(m, CODE, services, sizeof services);
    start_at_code(m);
    machine_run(m, 100);
    const uint64_t *reg = machine_cpu(m, 0)->gpr;
    ok((reg[RCX] & 0xff) == 1 && (reg[RDX] & 0xffff) == 0x8600, "a service that is not there says so: CF %u, AX %04x",
       (unsigned)reg[RCX] & 0xff, (unsigned)reg[RDX] & 0xffff);
    ok((reg[RAX] & 0xffff) == 639, "INT 12H: %u KBytes", (unsigned)reg[RAX] & 0xffff);
    machine_free(m);
}

// Messages by hand reach a processor that is halted; INIT brings it back to its beginning.
static void messages(void) {
    static const uint8_t handler[] = {0xfe, 0x06, COUNTER & 0xff, COUNTER >> 8, 0xcf};
    const uint32_t vector = HANDLER;
    uint8_t count = 0;
    struct machine *m = BOOT(0xfb, 0xf4, 0xeb, 0xfd);
    machine_set_memory(m, HANDLER, handler, sizeof handler);
    machine_set_memory(m, 0x41 * 4, &vector, 4);
    machine_set_memory(m, 2 * 4, &vector, 4);
    (void)machine_run(m, 10);
    uint64_t waits = machine_steps(m);
    ok(alter(m, INPUT_INTERRUPT, 0, 0x41), "an interrupt is sent");
    (void)machine_run(m, 10);
    machine_read(m, COUNTER, &count, 1);
    ok(count == 1 && machine_steps(m) > waits, "and wakes the processor (%u)", count);
    ok(alter(m, INPUT_NMI, 0, 0), "an NMI is sent");
    (void)machine_run(m, 10);
    machine_read(m, COUNTER, &count, 1);
    ok(count == 2, "and delivered (%u)", count);
    ok(!alter(m, INPUT_NMI, 1, 0) && !alter(m, INPUT_INTERRUPT, 0, 15),
       "not to a processor that is not there, nor with a reserved vector");
    gpr_put(inside_cpu(m, 0), RDX, 0);
    ok(alter(m, INPUT_INIT, 0, 0), "INIT is sent");
    (void)machine_run(m, 1);
    ok(machine_cpu(m, 0)->gpr[RDX] == machine_cpu(m, 0)->wire.model->signature,
       "and RDX has the processor's signature");
    machine_free(m);
}

int main(void) {
    messages();
    stops();
    real_mode();
    outputs();
    idle();
    input();
    memory();
    refusals();
    firmware_files();
    equalities();
    return done_testing();
}
