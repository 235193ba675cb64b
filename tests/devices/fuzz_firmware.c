// Hostile guests of firmware's devices: commands to flash, and requests to the firmware configuration device.
#include "flash_machine.h"
#include "fuzz.h"
#include <stdlib.h>

enum { REQUEST = 0x9000 };

static uint64_t one_of(struct source *s, const uint64_t *values, unsigned count) {
    return next(s) % 8 ? values[next(s) % count] : next(s) << (next(s) % 30);
}
#define ONE_OF(s, ...) one_of(s, (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void flash_access(struct source *s, const struct platform *p, struct cpu *cpu) {
    uint64_t at = ONE_OF(s, VARS_BASE, VARS_BASE + FLASH_BYTES - 4, CODE_BASE, 0xfffffffc, 0xffffc, 0xf8000);
    at += next(s) % 4 ? 0 : next(s) % FLASH_BYTES;
    unsigned size = 1u << next(s) % 4;
    if (at >= 0x100000000ull || at < 0xf8000) at = VARS_BASE;
    if (next(s) % 8 == 0)
        (void)p->mmio_read(p->machine, cpu, at, size);
    else
        p->mmio_write(p->machine, cpu, at, size, ONE_OF(s, 0xff, 0x40, 0x10, 0x20, 0xd0, 0xe8, 0x60, 0x70, 0x90, 0x98));
}

// A request for DMA, of which each part may be anything.
static void request(struct source *s, struct machine *m, struct cpu *cpu) {
    const struct platform *p = inside_platform(m);
    uint32_t control = (uint32_t)next(s) & 31, length = (uint32_t)ONE_OF(s, 0, 1, 4, 64, 4096, 0x20000, 0xffffffff);
    uint64_t to = ONE_OF(s, 0x10000, 0x1ffff0, 0xf8000, 0xfffff000, 1ull << 52, ~0ull);
    control |= (uint32_t)(next(s) % 2 ? 0x20 + next(s) % 16 : next(s)) << 16;
    uint8_t *at = inside_ram(m, REQUEST, 16);
    memcpy(at, &(uint32_t){__builtin_bswap32(control)}, 4);
    memcpy(at + 4, &(uint32_t){__builtin_bswap32(length)}, 4);
    memcpy(at + 8, &(uint64_t){__builtin_bswap64(to)}, 8);
    p->port_out(p->machine, cpu, 0x514, 4, next(s) % 16 ? 0 : (uint32_t)next(s));
    p->port_out(p->machine, cpu, 0x518, 4, __builtin_bswap32(next(s) % 16 ? REQUEST : (uint32_t)next(s)));
}

static void traditional(struct source *s, const struct platform *p, struct cpu *cpu) {
    p->port_out(p->machine, cpu, 0x510, 2, (uint32_t)(next(s) % 2 ? 0x20 + next(s) % 16 : next(s)));
    for (unsigned i = 0; i < next(s) % 20; i++) (void)p->port_in(p->machine, cpu, 0x511, 1u << next(s) % 3);
    p->port_out(p->machine, cpu, 0x511, 1, (uint32_t)next(s));
}

uint64_t fuzz_firmware(uint64_t seed, unsigned accesses) {
    struct flash_images *images = calloc(1, sizeof *images);
    struct source s = {seed};
    struct machine *m = images ? flash_machine(images, (uint8_t)(seed % MACHINE_KINDS), seed & 1) : NULL;
    if (!m) bail("no memory");
    struct cpu *cpu = inside_cpu(m, 0);
    for (unsigned i = 0; i < accesses; i++) {
        switch (next(&s) % 4) {
        case 0: request(&s, m, cpu); break;
        case 1: traditional(&s, inside_platform(m), cpu); break;
        default: flash_access(&s, inside_platform(m), cpu); break;
        }
        if (next(&s) % 512 == 0) alter_reset(m);
    }
    uint64_t hash = machine_hash(m);
    machine_free(m);
    free(images);
    return hash;
}
