// Hostile guests, and hostile inputs, of the display and of the keyboard controller.
#include "devices/display/vga.h"
#include "devices/machine/machine_picture.h"
#include "fuzz.h"
#include "tests/decode/random.h"
#include "tests/door.h"
#include "tests/tap.h"

enum { PULLS = 64 };

static uint16_t a_port(uint64_t r) {
    static const uint16_t bases[] = {0x3c0, 0x3c4, 0x3c8, 0x3ce, 0x3d4, 0x3d4, 0x3b4, 0x3da, 0x1ce, 0x1ce, 0x60, 0x64};
    return (uint16_t)(bases[r % (sizeof bases / sizeof *bases)] + (r >> 8) % 4);
}

// Small values, which are indexes and modes, as often as large ones.
static uint32_t a_value(uint64_t *random) {
    uint64_t r = random64(random);
    return (uint32_t)(r & 1 ? r >> 8 & 0xff : r & 2 ? r >> 8 & 0xffff : r >> 8 & 0xff1f);
}

static uint64_t an_address(uint64_t r) {
    switch (r % 4) {
    case 0: return 0xfd000000 + (r >> 8) % (1 << 20);
    case 1: return 0xfcfff000 + (r >> 8) % 0x1000;
    default: return VGA_WINDOW + (r >> 8) % VGA_WINDOW_BYTES;
    }
}

static void offer(struct machine *m, uint64_t *random) {
    uint64_t data[2] = {random64(random), random64(random)};
    if (random64(random) % 2) data[0] &= 0xff00010000ffffff;
    const struct input input = {.kind = random64(random) % 2 ? INPUT_KEY : INPUT_POINTER,
                                .bytes = random64(random) % 4 ? 8 : (uint32_t)(random64(random) % 17),
                                .data = data};
    if (input.bytes) (void)machine_alter(m, &input);
}

static void access(struct machine *m, uint64_t *random) {
    const struct platform *p = inside_platform(m);
    struct cpu *cpu = inside_cpu(m, 0);
    uint64_t r = random64(random);
    unsigned size = 1u << (r >> 8) % 3;
    switch (r % 8) {
    case 0: (void)p->port_in(p->machine, cpu, a_port(r >> 16), size); break;
    case 1: (void)p->mmio_read(p->machine, cpu, an_address(r >> 16) & ~7ull, 1u << (r >> 8) % 4); break;
    case 2: p->mmio_write(p->machine, cpu, an_address(r >> 16) & ~7ull, 1u << (r >> 8) % 4, random64(random)); break;
    case 3: offer(m, random); break;
    default: p->port_out(p->machine, cpu, a_port(r >> 16), size, a_value(random)); break;
    }
}

// `looks`: pictures are pulled meanwhile, which must not be noticed.
uint64_t fuzz_display(uint64_t seed, unsigned accesses, bool looks) {
    uint64_t random = seed;
    struct machine_config config;
    struct picture picture = {0};
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 1 << 20;
    if (!machine_config_device(&config, "VGA,vgamem_mb=1", error, sizeof error)) bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    memset(inside_ram(m, 0x1000, 4096), 0x90, 4096);
    struct cpu *cpu = inside_cpu(m, 0);
    for (unsigned i = 0; i < accesses; i++) {
        access(m, &random);
        field_put(cpu, "time.surplus_cycles", field(cpu, "time.surplus_cycles") + random64(&random) % 3000000);
        (void)machine_run(m, 0);
        if (looks && i % PULLS == 0) (void)machine_picture(m, &picture);
        if (random64(&random) % 2048 == 0) alter_reset(m);
    }
    uint64_t hash = machine_hash(m);
    machine_picture_release(m, &picture);
    machine_free(m);
    return hash;
}
