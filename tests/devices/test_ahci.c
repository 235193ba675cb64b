// AHCI by its registers, lists and FISes: Serial ATA AHCI 1.3, SATA 3.0 for queued commands.
#include "bench.h"
#include "devices/ata/ahci.h"
#include "tests/tap.h"
#include <string.h>

extern const struct device ahci_device;
enum { SECTORS = 8192, PLACE = 2 << 3, BASE = 0xfebf0000, PORT = 0x100 };
enum {
    CLB = 0,
    FB = 8,
    IS = 0x10,
    IE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SIG = 0x24,
    SSTS = 0x28,
    SCTL = 0x2c,
    SERR = 0x30,
    SACT = 0x34,
    CI = 0x38
};
enum { LIST = 0x10000, RECEIVED = 0x11000, TABLES = 0x12000 /* 1000H each */, DATA = 0x100000 };
enum { START = 1, CLO = 8, FRE = 16, RUNS = 0xc000 };
#define OFS (1u << 24)
#define HBFS (1u << 29)
#define TFES (1u << 30)
static struct bench b;
static uint32_t base;

static uint32_t get(unsigned reg) { return (uint32_t)bus_read(&b.board->bus, base + reg, 4); }
static void set(unsigned reg, uint32_t value) { bus_write(&b.board->bus, base + reg, 4, value); }
static uint32_t port(unsigned reg) { return get(PORT + reg); }
static void port_set(unsigned reg, uint32_t value) { set(PORT + reg, value); }
static bool irq(void) { return bench_line(&b, 16 + 2); }

static void begin(bool disc) {
    const char *const devices[] = {"ahci,addr=2", "ide-hd,drive=d0,bus=ide.0",
                                   disc ? "ide-cd,drive=d1,bus=ide.1" : NULL, NULL};
    bench_begin(&b, devices, SECTORS, disc ? 4000 : 0);
    bench_config_set(&b, PLACE, 4, 6);
    base = bench_config(&b, PLACE, 0x24) & ~15u;
}

static void start(void) {
    set(4, 0x80000002);
    port_set(CLB, LIST), port_set(FB, RECEIVED);
    port_set(SERR, ~0u), port_set(IS, ~0u), port_set(IE, ~0u);
    port_set(CMD, port(CMD) | FRE);
    port_set(CMD, port(CMD) | START);
}

static void descriptor(unsigned slot, unsigned n, uint64_t address, uint32_t count) {
    uint8_t *d = bench_ram(&b, TABLES + 0x1000 * slot + 0x80 + 16 * n);
    memset(d, 0, 16);
    memcpy(d, &address, 8);
    count = (count & 0x80000000) | ((count & 0x7fffffff) - 1);
    memcpy(d + 12, &count, 4);
}
static void header(unsigned slot, unsigned descriptors, bool write) {
    uint32_t h[8] = {5 | (write ? 0x40 : 0) | descriptors << 16, 0, TABLES + 0x1000 * slot};
    memcpy(bench_ram(&b, LIST + 32 * slot), h, sizeof h);
}
static void fis(unsigned slot, uint8_t command, uint64_t lba, unsigned count, unsigned features) {
    uint8_t f[20] = {0x27,
                     0x80,
                     command,
                     (uint8_t)features,
                     (uint8_t)lba,
                     (uint8_t)(lba >> 8),
                     (uint8_t)(lba >> 16),
                     0x40,
                     (uint8_t)(lba >> 24),
                     (uint8_t)(lba >> 32),
                     (uint8_t)(lba >> 40),
                     (uint8_t)(features >> 8),
                     (uint8_t)count,
                     (uint8_t)(count >> 8)};
    memcpy(bench_ram(&b, TABLES + 0x1000 * slot), f, sizeof f);
}
static void queued(unsigned slot, bool write, uint64_t lba, unsigned count) {
    header(slot, 1, write);
    descriptor(slot, 0, DATA + 0x10000 * slot, 512 * count);
    fis(slot, write ? 0x61 : 0x60, lba, slot << 3, count);
}
static void wait_for(unsigned slot) {
    for (unsigned i = 0; i < 1000 && port(CI) >> slot & 1 && !(port(IS) & (TFES | HBFS)); i++) bench_pass(&b, 1000000);
}
static void command(unsigned slot, uint8_t code, uint64_t lba, unsigned count) {
    fis(slot, code, lba, count, 0);
    port_set(CI, 1u << slot);
    wait_for(slot);
}
static uint32_t moved(unsigned slot) {
    uint32_t n;
    memcpy(&n, bench_ram(&b, LIST + 32 * slot + 4), 4);
    return n;
}
static const uint8_t *received(unsigned offset) { return bench_ram(&b, RECEIVED + offset); }

// --- the adapter ---
static void adapter(void) {
    begin(true);
    ok(get(0) == 0xc1141f05 && get(4) == 0x80000000 && get(0xc) == 0x3f && get(0x10) == 0x10000, "CAP, GHC, PI, VS");
    ok(bench_config(&b, PLACE, 0) == 0x29228086 && bench_config(&b, PLACE, 8) == 0x01060102,
       "8086H:2922H, 01H 06H 01H");
    ok((bench_config(&b, PLACE, 0x34) & 255) == 0xa8 || (bench_config(&b, PLACE, 0x34) & 255) == 0x80, "capabilities");
    ok((bench_config(&b, PLACE, 0x80) & 255) == 5 && (bench_config(&b, PLACE, 0xa8) & 0xff00ff) == 0x100012,
       "MSI, SATA");
    ok(port(SSTS) == 0x113 && port(SIG) == 0x101 && port(TFD) == 0x150, "port 0: a disk");
    ok(get(PORT + 0x80 + SIG) == 0xeb140101 && get(PORT + 0x80 + SSTS) == 0x113, "port 1: a packet device");
    ok(get(PORT + 0x100 + SSTS) == 0 && get(PORT + 0x100 + TFD) == 0x7f, "port 2: nothing");
    ok(get(PORT + 0x300) == 0 && get(0xffc) == 0, "there is no port 6");
    set(4, 2);
    ok(get(4) == 0x80000002, "GHC.AE stays");
    port_set(CMD, port(CMD) | FRE);
    port_set(FB, 0x12345678);
    ok(port(FB) == 0x12345600 && (port(CMD) & RUNS) == 0x4000, "FB is aligned; FR");
    set(4, 1);
    ok(get(4) == 0x80000000 && port(FB) == 0 && port(CMD) == 6 && port(SSTS) == 0x113, "HBA reset");
    uint16_t pair = (uint16_t)(bench_config(&b, PLACE, 0x20) & ~3u);
    bench_config_set(&b, PLACE, 4, 7);
    bus_out(&b.board->bus, pair + 0x10, 4, PORT + SIG);
    ok(bus_in(&b.board->bus, pair + 0x14, 4) == 0x101, "by the index and data pair");
    bus_out(&b.board->bus, pair + 0x10, 4, 0xffffffff);
    ok(bus_in(&b.board->bus, pair + 0x14, 4) == 0, "its last register");
    bench_end(&b);
}

// --- commands ---
static void reading(void) {
    begin(false);
    start();
    ok((port(CMD) & RUNS) == RUNS && received(0x40)[0] == 0x34 && received(0x40)[12] == 1,
       "the signature came as a FIS");
    header(0, 2, false), descriptor(0, 0, DATA, 1000), descriptor(0, 1, DATA + 0x8000, 0x80000000 | (2048 - 1000));
    fis(0, 0x25, 3, 4, 0);
    port_set(CI, 1);
    ok(port(CI) == 1 && port(TFD) & 0x80 && !irq(), "READ DMA EXT: busy");
    wait_for(0);
    ok(port(CI) == 0 && port(TFD) == 0x50 && irq(), "done, and an interrupt");
    ok((port(IS) & 0x21) == 0x21 && get(8) == 1, "PxIS: D2H FIS, descriptor; IS: port 0");
    memmove(bench_ram(&b, DATA + 1000), bench_ram(&b, DATA + 0x8000), 1048);
    ok(bench_has(bench_ram(&b, DATA), 3, 4) && moved(0) == 2048, "the data, and how many");
    ok(received(0x40)[0] == 0x34 && received(0x40)[1] & 0x40 && received(0x40)[2] == 0x50, "the D2H FIS");
    set(8, 1);
    ok(irq() && get(8) == 1, "IS stays as long as PxIS does");
    port_set(IS, ~0u), set(8, 1);
    ok(!irq() && get(8) == 0, "both are cleared");
    header(31, 1, false), descriptor(31, 0, DATA, 0x400000);
    command(31, 0x25, 0, SECTORS);
    ok(bench_has(bench_ram(&b, 0x100000), 0, 6) && moved(31) == 0 && port(IS) & HBFS,
       "memory that is not there: host bus fatal error");
    bench_end(&b);
}

static void pio(void) {
    begin(false);
    start();
    header(4, 1, false), descriptor(4, 0, DATA, 512);
    command(4, 0xec, 0, 0);
    ok(port(CI) == 0 && (port(IS) & 3) == 2 && moved(4) == 512,
       "IDENTIFY DEVICE: a PIO setup FIS, no D2H FIS with an interrupt");
    const uint8_t *d = bench_ram(&b, DATA);
    ok(d[0] == 0x40 && d[2 * 75] == 31 && d[2 * 76 + 1] == 1 && d[2 * 60 + 1] == SECTORS >> 8, "32 queued commands");
    ok(received(0x20)[0] == 0x5f && received(0x20)[1] == 0x60 && received(0x20)[15] == 0x50 && received(0x20)[17] == 2,
       "the PIO setup FIS");
    header(4, 1, false), descriptor(4, 0, DATA, 4096);
    command(4, 0x24, 10, 8);
    ok(bench_has(bench_ram(&b, DATA), 10, 8) && moved(4) == 4096, "READ SECTOR(S) EXT, 8 blocks");
    memset(bench_ram(&b, DATA), 0xa5, 4096);
    header(4, 1, true);
    command(4, 0x34, 20, 8);
    ok(port(CI) == 0 && port(TFD) == 0x50, "WRITE SECTOR(S) EXT");
    header(4, 1, false), descriptor(4, 0, DATA + 0x10000, 4096);
    command(4, 0x25, 20, 8);
    ok(memcmp(bench_ram(&b, DATA), bench_ram(&b, DATA + 0x10000), 4096) == 0, "is read back");
    header(4, 0, false);
    command(4, 0xea, 0, 0);
    ok(port(CI) == 0 && port(IS) & 1, "FLUSH CACHE EXT");
    bench_end(&b);
}

static void several(void) {
    begin(false);
    start();
    for (unsigned slot = 0; slot < 32; slot++) {
        header(slot, 1, false), descriptor(slot, 0, DATA + 0x4000 * slot, 512);
        fis(slot, 0x25, slot * 9, 1, 0);
    }
    port_set(CI, ~0u);
    for (unsigned i = 0; i < 100; i++) bench_pass(&b, 1000000);
    bool all = port(CI) == 0;
    for (unsigned slot = 0; slot < 32; slot++) all &= bench_has(bench_ram(&b, DATA + 0x4000 * slot), slot * 9, 1);
    ok(all, "all 32 slots, one after the other");
    bench_end(&b);
}

static void queue(void) {
    begin(false);
    start();
    for (unsigned slot = 0; slot < 32; slot++) queued(slot, slot == 5, 100 + slot * 10, 4);
    memset(bench_ram(&b, DATA + 0x50000), 0x77, 2048);
    port_set(SACT, ~0u), port_set(CI, ~0u);
    ok(port(CI) == 0 && port(SACT) == ~0u && port(TFD) == 0x50, "32 queued commands: all taken at once");
    port_set(IS, ~0u);
    for (unsigned i = 0; i < 1000 && port(SACT) == ~0u; i++) bench_pass(&b, 1000);
    ok(port(SACT) == 0xfffffffe && port(IS) == 8 && received(0x58)[0] == 0xa1 && received(0x58)[4] == 1,
       "the first has ended: set device bits");
    for (unsigned i = 0; i < 100; i++) bench_pass(&b, 1000000);
    bool all = port(SACT) == 0;
    for (unsigned slot = 0; slot < 32; slot++)
        all &= slot == 5 || bench_has(bench_ram(&b, DATA + 0x10000 * slot), 100 + slot * 10, 4);
    ok(all, "and all, with their data");
    queued(0, false, 150, 4);
    port_set(SACT, 1), port_set(CI, 1);
    for (unsigned i = 0; i < 100; i++) bench_pass(&b, 1000000);
    ok(bench_ram(&b, DATA)[0] == 0x77 && bench_ram(&b, DATA)[2047] == 0x77, "what was written");
    bench_end(&b);
}

// --- errors ---
static void errors(void) {
    begin(false);
    start();
    header(2, 1, false), descriptor(2, 0, DATA, 512);
    command(2, 0x25, SECTORS, 1);
    ok(port(IS) & TFES && port(CI) == 4 && port(TFD) == 0x1051 && (port(CMD) >> 8 & 31) == 2,
       "task file error: IDNF; PxCMD.CCS names it");
    fis(3, 0x25, 0, 1, 0), header(3, 1, false), descriptor(3, 0, DATA, 512);
    port_set(CI, 8), bench_pass(&b, 100000000);
    ok(port(CI) == 12, "nothing goes on");
    port_set(CMD, port(CMD) & ~1u);
    ok(port(CI) == 0 && (port(CMD) & 0x8000) == 0, "until it was stopped");
    port_set(IS, ~0u), port_set(CMD, port(CMD) | 1);
    command(3, 0x25, 0, 1);
    ok(port(CI) == 0 && bench_has(bench_ram(&b, DATA), 0, 1), "and started again");
    // Queued.
    queued(0, false, 0, 4), queued(1, false, SECTORS, 1), queued(2, false, 8, 4);
    port_set(SACT, 7), port_set(CI, 7);
    ok(port(IS) & TFES && port(SACT) == 7 && port(CI) & 2 && port(TFD) == 0x1051, "a queued one fails: all end");
    port_set(CMD, port(CMD) & ~1u), port_set(IS, ~0u), port_set(CMD, port(CMD) | 1);
    ok(port(SACT) == 0 && port(CI) == 0, "stopped");
    header(0, 1, false), descriptor(0, 0, DATA, 512);
    command(0, 0x2f, 0x10, 1);
    const uint8_t *log = bench_ram(&b, DATA);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + log[i]);
    ok(log[0] == 1 && log[2] == 0x51 && log[3] == 0x10 && log[5] == SECTORS >> 8 && sum == 0, "READ LOG EXT: which");
    queued(0, false, 0, 4), port_set(SACT, 1), port_set(CI, 1);
    for (unsigned i = 0; i < 100; i++) bench_pass(&b, 1000000);
    ok(port(SACT) == 0 && !(port(IS) & TFES), "and it goes on");
    // Too few descriptors.
    port_set(IS, ~0u);
    header(0, 1, false), descriptor(0, 0, DATA, 512), memset(bench_ram(&b, DATA + 512), 0, 512);
    command(0, 0x25, 3, 2);
    ok(port(CI) == 0 && port(IS) & OFS && moved(0) == 512 && bench_ram(&b, DATA + 512)[3] == 0,
       "more data than descriptors: overflow");
    // Nothing at the list.
    port_set(CMD, port(CMD) & ~1u), port_set(IS, ~0u);
    port_set(CLB, 0xfff00000), port_set(CMD, port(CMD) | 1), port_set(CI, 1);
    ok(port(IS) & HBFS && port(CI) == 1, "no list there: host bus fatal error");
    bench_end(&b);
}

static void resets(void) {
    begin(false);
    start();
    header(0, 1, false), descriptor(0, 0, DATA, 4096);
    fis(0, 0x25, 0, 8, 0), port_set(CI, 1);
    port_set(CMD, port(CMD) & ~1u);
    ok(port(TFD) & 0x80 && port(CI) == 0, "stopped while the drive works: busy");
    port_set(CMD, port(CMD) | 1);
    port_set(CI, 1), bench_pass(&b, 100000000);
    ok(port(CI) == 1, "no command is taken");
    port_set(CMD, port(CMD) & ~1u), port_set(CMD, port(CMD) | CLO);
    ok(!(port(TFD) & 0x88) && !(port(CMD) & CLO), "CLO: not busy");
    // A software reset: two FISes.
    port_set(CMD, port(CMD) | 1);
    uint8_t f[20] = {0x27};
    f[15] = 4, memcpy(bench_ram(&b, TABLES), f, sizeof f), header(0, 0, false), port_set(CI, 1);
    ok(port(CI) == 0, "SRST");
    f[15] = 0, memcpy(bench_ram(&b, TABLES), f, sizeof f), memset(bench_ram(&b, RECEIVED), 0, 256), port_set(CI, 1);
    ok(port(CI) == 0 && port(TFD) == 0x150 && received(0x40)[0] == 0x34 && received(0x40)[3] == 1,
       "and out of it: the signature");
    // COMRESET.
    fis(0, 0x25, 0, 8, 0), header(0, 1, false), port_set(CI, 1);
    port_set(CMD, port(CMD) & ~1u), port_set(IS, ~0u), memset(bench_ram(&b, RECEIVED), 0, 256);
    port_set(SCTL, 0x301);
    ok(port(SSTS) == 0 && port(TFD) == 0x7f, "COMRESET: no link");
    port_set(SCTL, 0x300);
    ok(port(SSTS) == 0x113 && port(TFD) == 0x150 && port(SIG) == 0x101 && received(0x40)[0] == 0x34,
       "and there it is again");
    ok(port(SERR) == 0x04010000 && port(IS) & 0x40, "PxSERR.DIAG.X, PxIS.PCS");
    port_set(SERR, ~0u);
    ok(!(port(IS) & 0x40), "which goes with it");
    bench_pass(&b, 1000000000);
    ok(port(TFD) == 0x150, "what ran is gone");
    bench_end(&b);
}

// --- packets ---
static void packet(void) {
    begin(true);
    set(4, 0x80000002);
    const unsigned p = PORT + 0x80;
    set(p + CLB, LIST), set(p + FB, RECEIVED), set(p + IE, ~0u), set(p + CMD, get(p + CMD) | FRE),
        set(p + CMD, get(p + CMD) | 1);
    header(0, 1, false), descriptor(0, 0, DATA, 4096);
    for (unsigned dma = 0; dma < 2; dma++) {
        const uint8_t read[16] = {0x28, 0, 0, 0, 0, 3, 0, 0, 2};
        memset(bench_ram(&b, DATA), 0, 4096);
        fis(0, 0xa0, 0x080000, 0, dma);
        memcpy(bench_ram(&b, TABLES + 0x40), read, 16);
        set(p + CI, 1), bench_pass(&b, 100000000);
        ok(get(p + CI) == 0 && get(p + TFD) == 0x50 && bench_has(bench_ram(&b, DATA), 12, 8) && moved(0) == 4096,
           "READ (10) by %s", dma ? "DMA" : "PIO");
    }
    const uint8_t none[16] = {0xff};
    memcpy(bench_ram(&b, TABLES + 0x40), none, 16);
    set(p + CI, 1);
    ok(get(p + IS) & TFES && get(p + TFD) == 0x5051, "an unknown packet: sense key 5");
    bench_end(&b);
}

// In the middle of what the drive does, the state is all there is.
static void saved(void) {
    struct bench copy;
    begin(false);
    start();
    for (unsigned slot = 0; slot < 4; slot++) queued(slot, slot == 1, 100 + slot * 1000, 120);
    port_set(SACT, 15), port_set(CI, 15);
    header(8, 1, false), descriptor(8, 0, DATA + 0x80000, 300 * 512);
    fis(8, 0x25, 7, 300, 0);
    loop_begin("saved in the middle of transfers, and loaded into another board");
    for (unsigned i = 0; i < 40; i++) {
        bench_pass(&b, 10000);
        bench_copy(&b, &copy, (const char *const[]){"ahci,addr=2", "ide-hd,drive=d0,bus=ide.0", NULL});
        loop_check(bench_hash(&copy) == bench_hash(&b), "after %u", i);
        bench_pass(&copy, 123456), bench_pass(&b, 123456);
        loop_check(bench_hash(&copy) == bench_hash(&b), "and later, after %u", i);
        bench_end(&copy);
        if (i == 20) port_set(CI, 1 << 8);
    }
    loop_end();
    ok(port(SACT) == 0 && port(CI) == 0 && bench_has(bench_ram(&b, DATA + 0x80000), 7, 90), "all are done");
    bench_end(&b);
}

// What is loaded for a port without a drive asks nothing of one.
static void no_drive(void) {
    begin(false);
    struct ahci *h = NULL;
    for (unsigned i = 0; i < BOARD_DEVICES && !h; i++)
        if (b.board->attached[i].device == &ahci_device) h = b.board->attached[i].chip;
    if (!h) bail("there is no adapter");
    ok(!bench_wrong(&b), "an adapter as it is made");
    h->port[0].signature = 1, h->port[0].running = 3;
    ok(!bench_wrong(&b), "a port with a drive has a signature, and runs a command");
    h->port[2].signature = 1;
    ok(bench_wrong(&b), "a port without one has no signature");
    h->port[2].signature = 0, h->port[2].running = 3;
    ok(bench_wrong(&b), "and runs no command");
    bench_end(&b);
}

int main(void) {
    saved();
    no_drive();
    adapter();
    reading();
    pio();
    several();
    queue();
    errors();
    resets();
    packet();
    return done_testing();
}
