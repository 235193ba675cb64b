#include "fuzz.h"
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

static uint16_t port(struct source *s) {
    static const uint16_t known[] = {0x20,  0x21,  0xa0,   0xa1,   0x4d0, 0x40,  0x42,   0x43,   0x60,  0x61,
                                     0x64,  0x70,  0x71,   0x92,   0x80,  0x3f8, 0x2f8,  0x3e8,  0x2e8, 0x600,
                                     0x604, 0x608, 0xcf8,  0xcfc,  0x510, 0x514, 0xc000, 0xc080, 0xe0,  0xe9,
                                     0x402, 0xf4,  0x2000, 0x2017, 0xb2,  0x620, 0x700,  0x702};
    uint64_t r = next(s);
    if (r % 16 == 0) return (uint16_t)(r >> 16);
    return (uint16_t)(known[(r >> 8) % (sizeof known / sizeof known[0])] + (r >> 32) % 8);
}

static uint64_t address(struct source *s) {
    static const uint64_t known[] = {0xfec00000, 0xfec00010, 0xfed00000, 0xfed00100, 0xfee00000,  0xfee00300,
                                     0xff000000, 0xfebf0000, 0xfebf0800, 0xa0000,    0x100000000, 0xb0000000,
                                     0xb00f8000, 0xfed1f140, 0xfebff000, 0xc0000,    0xf0000};
    uint64_t r = next(s);
    if (r % 16 == 0) return next(s) >> (r >> 8 & 63);
    return known[(r >> 8) % (sizeof known / sizeof known[0])] + ((r >> 32) % 0x140 & ~(r >> 60 & 1 ? 0ull : 15ull));
}

static uint64_t value(struct source *s) {
    uint64_t r = next(s);
    switch (r % 4) {
    case 0: return 1ull << (r >> 8 & 63);
    case 1: return r >> 8 & 0xff;
    case 2: return ~0ull << (r >> 8 & 63);
    default: return next(s);
    }
}

static void msr(struct source *s, const struct platform *p, struct cpu *cpu) {
    static const uint32_t known[] = {0x1b,  0x6e0, 0x800, 0x808, 0x80b, 0x80f, 0x828,
                                     0x830, 0x832, 0x835, 0x838, 0x83e, 0x83f};
    uint32_t index = known[next(s) % (sizeof known / sizeof known[0])] + (next(s) % 8 == 0);
    uint64_t v = value(s), old = 0;
    if (index == 0x1b) v = (v & 0xd00) | 0xfee00000 | (next(s) % 4 ? 0x800 : 0);
    if (next(s) & 1)
        (void)p->msr_read(p->machine, cpu, index, &old);
    else
        (void)p->msr_write(p->machine, cpu, index, v);
}

// Configuration space: places that have a function more often than others, bus numbers too.
static void configure(struct source *s, const struct platform *p, struct cpu *cpu) {
    static const uint16_t places[] = {0, 8, 9, 11, 16, 24, 32, 40, 0xf8, 0xfa, 0xfb, 0x100, 0x108, 0x200};
    uint32_t place = next(s) % 16 ? places[next(s) % (sizeof places / sizeof *places)] : next(s) & 0xffff;
    uint32_t reg = next(s) % 4 ? next(s) & 0x7f : next(s) & 0xff;
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80000000 | place << 8 | (reg & ~3u));
    uint16_t data = (uint16_t)(0xcfc + (reg & 3));
    if (next(s) % 4)
        p->port_out(p->machine, cpu, data, 1u << next(s) % 3, (uint32_t)value(s));
    else
        (void)p->port_in(p->machine, cpu, data, 1u << next(s) % 3);
}

// Where a base address register of some function points: tables of MSI-X lie there, registers, and nothing.
static uint64_t pointed_at(struct source *s, const struct platform *p, struct cpu *cpu) {
    static const uint16_t places[] = {8, 9, 11, 24, 32, 40, 48, 0xf8, 0xfa, 0x100, 0x200};
    uint32_t place = places[next(s) % (sizeof places / sizeof *places)], reg = 0x10 + 4 * (uint32_t)(next(s) % 6);
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80000000 | place << 8 | reg);
    uint32_t base = p->port_in(p->machine, cpu, 0xcfc, 4);
    return (base & ~15u) + next(s) % (next(s) % 4 ? 0x100 : 0x4000);
}

static void access(struct source *s, const struct platform *p, struct cpu *cpu) {
    unsigned size = 1u << next(s) % 3;
    uint64_t r = next(s);
    switch (r % 8) {
    case 0:
    case 1: p->port_out(p->machine, cpu, port(s), size, (uint32_t)value(s)); break;
    case 2: (void)p->port_in(p->machine, cpu, port(s), size); break;
    case 3: p->mmio_write(p->machine, cpu, pointed_at(s, p, cpu), 1u << r / 8 % 4, value(s)); break;
    case 4: p->mmio_write(p->machine, cpu, address(s), 1u << r / 8 % 4, value(s)); break;
    case 5:
        (void)p->mmio_read(p->machine, cpu, r >> 32 & 1 ? pointed_at(s, p, cpu) : address(s), 1u << r / 8 % 4);
        break;
    case 6: next(s) % 4 ? configure(s, p, cpu) : msr(s, p, cpu); break;
    default:
        if (field(cpu, "boundary.pending") & PENDING_INTR) (void)p->acknowledge(p->machine, cpu);
        p->cr8_write(p->machine, cpu, r >> 8 & 15);
        break;
    }
    field_put(cpu, "boundary.pending", field(cpu, "boundary.pending") & PENDING_INTR);
}

uint64_t fuzz_board(uint64_t seed, unsigned accesses) {
    struct source s = {seed};
    struct machine_config config;
    char error[100];
    machine_config_default(&config);
    config.model = *cpu_model_at(seed % 2 && cpu_model_at(1) ? 1 : 0);
    config.ram_bytes = 1 << 20;
    config.serial_ports = (uint32_t)(seed % 5);
    static const char *const devices[] = {"pc-testdev",         "isa-debug-exit,iobase=0xf4,iosize=4",
                                          "pci-testdev,addr=5", "pcie-root-port,id=b1,addr=3",
                                          "pci-testdev,bus=b1", "pci-bridge,id=b2,addr=4",
                                          "pci-testdev,bus=b2", "virtio-rng-pci,addr=6",
                                          "vmcoreinfo"};
    config.machine = (uint8_t)(seed / 2 % MACHINE_KINDS);
    for (unsigned i = 0; i < (seed % 3 ? 9 : 2); i++)
        if (!machine_config_device(&config, devices[i], error, sizeof error)) bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    memset(inside_ram(m, 0x1000, 4096), 0x90, 4096);
    struct cpu *cpu = inside_cpu(m, 0);
    for (unsigned i = 0; i < accesses; i++) {
        access(&s, inside_platform(m), cpu);
        if (next(&s) % 4 == 0) (void)alter_serial(m, (unsigned)next(&s) % 5, (uint8_t)next(&s));
        // Time: no instruction matters here, the idle cycles do.
        field_put(cpu, "time.surplus_cycles",
                  field(cpu, "time.surplus_cycles") + (next(&s) % 3 ? next(&s) % 2000 : 1ull << next(&s) % 42));
        (void)machine_run(m, 0);
        if (next(&s) % 512 == 0) alter_reset(m);
    }
    uint64_t hash = machine_hash(m);
    machine_free(m);
    return hash;
}
