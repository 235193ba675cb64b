// IDE disks by their ports: ATA8-ACS and ATA8-APT for commands and protocols, the bus master's programming interface.
#include "bench.h"
#include "tests/tap.h"
#include <string.h>

enum { SECTORS = 4096, BASE = 0x1f0, CONTROL = 0x3f6, IRQ = 14, PLACE = 2 << 3, MASTER = 0xc000 };
enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DRQ = 8, ERR = 1, SEEK = 0x10, ABRT = 4, IDNF = 0x10 };
static struct bench b;

static uint8_t in(unsigned reg) { return (uint8_t)bus_in(&b.board->bus, (uint16_t)(BASE + reg), 1); }
static void out(unsigned reg, unsigned value) { bus_out(&b.board->bus, (uint16_t)(BASE + reg), 1, value); }
static uint8_t alternate(void) { return (uint8_t)bus_in(&b.board->bus, CONTROL, 1); }
static void control(unsigned value) { bus_out(&b.board->bus, CONTROL, 1, value); }
static bool irq(void) { return bench_line(&b, IRQ); }

static void begin(const char *more) {
    const char *const devices[] = {"piix3-ide,addr=2", "ide-hd,drive=d0,bus=ide.0,unit=0", more, NULL};
    bench_begin(&b, devices, SECTORS, more ? 2000 : 0);
    bench_config_set(&b, PLACE, 4, 7);
}

static void address_28(uint32_t lba, unsigned count) {
    out(2, count), out(3, lba & 255), out(4, lba >> 8 & 255), out(5, lba >> 16 & 255), out(6, 0xe0 | lba >> 24);
}
static void address_48(uint64_t lba, unsigned count) {
    out(2, count >> 8), out(3, lba >> 24 & 255), out(4, lba >> 32 & 255), out(5, lba >> 40 & 255);
    out(2, count & 255), out(3, lba & 255), out(4, lba >> 8 & 255), out(5, lba >> 16 & 255);
    out(6, 0xe0);
}
static void wait(void) {
    for (unsigned i = 0; i < 1000 && alternate() & BSY; i++) bench_pass(&b, 1000000);
}
static void take(uint8_t *to, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i += 2) {
        uint16_t word = (uint16_t)bus_in(&b.board->bus, BASE, 2);
        memcpy(to + i, &word, 2);
    }
}
static void give(const uint8_t *from, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i += 4) {
        uint32_t word;
        memcpy(&word, from + i, 4);
        bus_out(&b.board->bus, BASE, 4, word);
    }
}
static uint8_t command(unsigned code) {
    out(7, code);
    wait();
    return alternate();
}

static uint8_t data[512 * 300];
static unsigned word(unsigned n) { return data[2 * n] | data[2 * n + 1] << 8; }

// --- what is there ---
static void presence(void) {
    begin(NULL);
    ok(in(2) == 1 && in(3) == 1 && in(4) == 0 && in(5) == 0 && in(1) == 1, "the signature of a disk after power-on");
    ok(in(7) == (DRDY | SEEK), "ready");
    out(6, 0xf0);
    ok(in(7) == 0 && alternate() == 0 && in(2) == 0, "no device 1: zeros");
    out(2, 0x55);
    ok(in(2) == 0, "which keeps nothing");
    out(6, 0xa0), out(2, 0x55), out(3, 0xaa);
    ok(in(2) == 0x55 && in(3) == 0xaa && in(6) == 0xa0, "device 0 keeps what is written");
    ok(bus_in(&b.board->bus, 0x177, 1) == 0 && bus_in(&b.board->bus, 0x376, 1) == 0, "nothing on the other channel");
    ok(bench_config(&b, PLACE, 0) == 0x70108086 && bench_config(&b, PLACE, 8) == 0x01018000,
       "8086H:7010H, 01H 01H 80H");
    bench_end(&b);
}

static void identify(void) {
    begin(NULL);
    ok(command(0xec) == (DRDY | SEEK | DRQ) && irq(), "IDENTIFY DEVICE: data, and an interrupt");
    (void)in(7);
    ok(!irq(), "reading Status takes it away");
    take(data, 512);
    ok(alternate() == (DRDY | SEEK) && !irq(), "no interrupt when all was taken");
    ok(word(0) == 0x40 && word(1) == 4 && word(3) == 16 && word(6) == 63,
       "a disk of 4 cylinders, 16 heads, 63 sectors");
    ok(memcmp(data + 20, "MQ0000 1", 8) == 0 && memcmp(data + 54, "EQUMH RADDSI K", 14) == 0, "QM00001, QEMU HARDDISK");
    ok(word(60) == SECTORS && word(61) == 0 && word(100) == SECTORS && word(47) == 0x8010 && word(59) == 0x110,
       "sectors; blocks of 16");
    ok(word(83) == 0x7400 && word(86) == 0x3400 && word(82) & 0x20 && !(word(76) & 0x100),
       "48 bits, write cache; not queued");
    ok(word(88) == 0x203f && word(63) == 7, "UltraDMA 5 chosen of 0 to 5");
    out(1, 3), out(2, 0x22);
    ok(command(0xef) == (DRDY | SEEK) && irq(), "SET FEATURES: multiword DMA 2");
    (void)command(0xec), take(data, 512);
    ok(word(88) == 0x3f && word(63) == 0x407, "is told");
    out(1, 3), out(2, 0x46);
    ok(command(0xef) == (DRDY | SEEK | ERR) && in(1) == ABRT, "there is no UltraDMA 6");
    bench_end(&b);
}

// --- PIO ---
// A sector takes the drive 250 ns.
static void read_ahead(void) {
    address_28(20, 3);
    out(7, 0x20), wait(), (void)in(7);
    take(data, 510);
    bench_pass(&b, 250);
    ok(!irq() && alternate() == (DRDY | SEEK | DRQ), "the drive has read ahead");
    take(data + 510, 2);
    ok(irq() && in(7) == (DRDY | SEEK | DRQ), "with the last word of a block the next one is there, and interrupts");
    bench_pass(&b, 249);
    take(data + 512, 512);
    ok(alternate() & BSY && !irq(), "it has not quite: busy");
    bench_pass(&b, 1);
    ok(irq() && in(7) == (DRDY | SEEK | DRQ), "for what is left of the time");
    take(data + 1024, 512);
    ok(bench_has(data, 20, 3) && in(7) == (DRDY | SEEK) && !irq(), "all is right, and the command at its end");
}

static void pio_in(void) {
    begin(NULL);
    address_28(7, 2);
    out(7, 0x20);
    ok(alternate() & BSY && !irq() && !(alternate() & DRQ), "READ SECTOR(S): busy");
    wait();
    ok(alternate() == (DRDY | SEEK | DRQ) && irq(), "then a block, with an interrupt");
    (void)in(7);
    ok(!irq(), "reading Status takes it away");
    take(data, 512);
    ok(irq() && in(7) & DRQ, "the second block, which was read ahead");
    take(data + 512, 512);
    ok(bench_has(data, 7, 2) && in(7) == (DRDY | SEEK) && !irq(), "both are right; no interrupt at the end");
    ok(bus_in(&b.board->bus, BASE, 2) == 0, "no data behind the end");
    read_ahead();
    address_28(100, 0);
    out(7, 0xc4), wait();
    for (unsigned i = 0; i < 16; i++, wait()) take(data, 512 * 16);
    ok(bench_has(data, 100 + 240, 16) && in(7) == (DRDY | SEEK), "READ MULTIPLE, 256 sectors in blocks of 16");
    address_48(200, 5);
    out(7, 0x29), wait(), take(data, 512 * 5);
    ok(bench_has(data, 200, 5) && in(7) == (DRDY | SEEK), "READ MULTIPLE EXT, a short block");
    out(2, 1), out(3, 3), out(4, 1), out(5, 0), out(6, 0xa2); // cylinder 1, head 2, sector 3
    out(7, 0x20), wait(), take(data, 512);
    ok(bench_has(data, (16 + 2) * 63 + 2, 1), "by cylinder, head and sector");
    out(3, 0);
    ok(command(0x20) == (DRDY | SEEK | ERR) && in(1) == IDNF, "there is no sector 0");
    bench_end(&b);
}

static void pio_out(void) {
    begin(NULL);
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 5 + i / 512);
    address_28(9, 2);
    out(7, 0x30);
    ok(alternate() == (DRDY | SEEK | DRQ) && !irq(), "WRITE SECTOR(S): the first block without an interrupt");
    give(data, 512);
    ok(alternate() & BSY, "busy");
    wait();
    ok(irq() && in(7) & DRQ, "the second with one");
    give(data + 512, 512), wait();
    ok(irq() && in(7) == (DRDY | SEEK), "and one at the end");
    uint8_t back[1024];
    address_28(9, 2);
    out(7, 0x20), wait(), take(back, 512), wait(), take(back + 512, 512);
    ok(memcmp(back, data, 1024) == 0, "it is read back");
    ok(b.image[0].data[9 * 512] == bench_byte(9, 0), "the image is as it was");
    address_48(30, 3);
    out(7, 0x39), give(data, 1536), wait();
    ok(in(7) == (DRDY | SEEK), "WRITE MULTIPLE EXT");
    ok(command(0xea) == (DRDY | SEEK) && irq(), "FLUSH CACHE EXT");
    bench_end(&b);
}

// --- errors, settings ---
static void refused(void) {
    begin(NULL);
    address_28(SECTORS - 1, 2);
    ok(command(0x20) == (DRDY | SEEK | ERR) && in(1) == IDNF && irq(), "beyond the last sector");
    address_28(0, 1);
    out(7, 0x20);
    ok(in(1) == 0, "the next command clears Error");
    wait(), take(data, 512);
    address_48(1ull << 47, 1);
    ok(command(0x24) == (DRDY | SEEK | ERR) && in(1) == IDNF, "far beyond");
    (void)in(7);
    static const uint8_t none[] = {0x00, 0xf1, 0xf5, 0xf9, 0xa0, 0xa1, 0x08, 0x60, 0x2f, 0x87, 0xff};
    for (unsigned i = 0; i < sizeof none; i++)
        ok(command(none[i]) == (DRDY | SEEK | ERR) && in(1) == ABRT && irq() && in(7), "%02XH aborts", none[i]);
    out(2, 3);
    ok(command(0xc6) & ERR, "SET MULTIPLE MODE 3 is refused");
    out(2, 8);
    ok(!(command(0xc6) & ERR), "8 is not");
    out(2, 0), (void)command(0xc6);
    address_28(0, 1);
    ok(command(0xc4) & ERR, "READ MULTIPLE, but it is switched off");
    ok(command(0xf8) == (DRDY | SEEK) && in(3) == ((SECTORS - 1) & 255) && in(4) == (SECTORS - 1) >> 8,
       "READ NATIVE MAX ADDRESS");
    ok(!(command(0xe0) & ERR) && (command(0xe5), in(2)) == 0, "STANDBY IMMEDIATE, and it is in standby");
    address_28(5, 1);
    (void)command(0x40);
    ok(in(7) == (DRDY | SEEK) && (command(0xe5), in(2)) == 0xff, "READ VERIFY wakes it");
    out(1, 0xd0), out(4, 0x4f), out(5, 0xc2);
    ok(command(0xb0) & DRQ, "SMART READ DATA");
    take(data, 512);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ok(sum == 0, "with a sum of zero");
    out(1, 0xda), out(4, 0x4f), out(5, 0xc2);
    ok(command(0xb0) == (DRDY | SEEK) && in(4) == 0x4f && in(5) == 0xc2, "SMART RETURN STATUS: all is well");
    out(1, 0xda), out(4, 0), out(5, 0);
    ok(command(0xb0) & ERR, "not without the key");
    bench_end(&b);
}

static void resets(void) {
    begin("ide-cd,drive=d1,bus=ide.0,unit=1");
    address_28(7, 2);
    out(7, 0x20);
    control(4);
    ok(alternate() == BSY && !irq(), "SRST: busy");
    control(0);
    ok(in(7) == (DRDY | SEEK) && in(1) == 1 && in(2) == 1 && in(4) == 0, "then the signature; what ran is gone");
    out(6, 0xb0);
    ok(in(4) == 0x14 && in(5) == 0xeb && in(7) == 0, "device 1: a packet device's, not ready before it is asked");
    bench_pass(&b, 1000000000);
    ok(!irq() && in(7) == 0, "and no interrupt comes");
    out(6, 0xf0);
    out(7, 0x90);
    ok(irq() && !(in(6) & 0x10) && in(1) == 1 && in(2) == 1,
       "EXECUTE DEVICE DIAGNOSTIC: of both, device 0 is selected");
    out(2, 0x12), out(2, 0x34);
    ok(in(2) == 0x34, "Count");
    control(0x80);
    ok(in(2) == 0x12, "HOB: the value before");
    out(3, 1);
    ok(in(2) == 0x34, "until a register is written");
    control(2);
    (void)command(0xec);
    ok(!irq() && alternate() & DRQ, "nIEN: no interrupt");
    control(0);
    ok(irq(), "until it goes");
    bench_end(&b);
}

// --- DMA ---
static void prd(uint32_t at, unsigned n, uint32_t address, uint32_t count) {
    memcpy(bench_ram(&b, at + 8 * n), &address, 4);
    memcpy(bench_ram(&b, at + 8 * n + 4), &count, 4);
}
static uint8_t master_status(void) { return (uint8_t)bus_in(&b.board->bus, MASTER + 2, 1); }
static void master(unsigned value) { bus_out(&b.board->bus, MASTER, 1, value); }
static void table(uint32_t at) { bus_out(&b.board->bus, MASTER + 4, 4, at); }

static void dma(void) {
    begin(NULL);
    table(0x1000);
    prd(0x1000, 0, 0x10000, 512 + 100), prd(0x1000, 1, 0x20000, 0x80000000 | 412);
    ok(master_status() == 0 && bus_in(&b.board->bus, MASTER + 4, 4) == 0x1000, "bus master at rest");
    address_28(50, 2);
    out(7, 0xc8);
    master(9);
    ok(master_status() == 1 && alternate() & BSY, "READ DMA: active");
    wait();
    ok(irq() && master_status() == 4 && in(7) == (DRDY | SEEK), "done: an interrupt, and not active");
    memcpy(data, bench_ram(&b, 0x10000), 612), memcpy(data + 612, bench_ram(&b, 0x20000), 412);
    ok(bench_has(data, 50, 2), "the data are where the table says");
    master(0);
    bus_out(&b.board->bus, MASTER + 2, 1, 4);
    ok(master_status() == 0, "the interrupt bit goes by writing 1");
    // The engine is started after the drive is ready.
    memset(bench_ram(&b, 0x10000), 0, 612);
    address_48(60, 2);
    out(7, 0x25), wait();
    ok(alternate() == (DRDY | SEEK | DRQ) && !irq(), "READ DMA EXT: the drive waits for the engine");
    master(9);
    ok(irq() && bench_ram(&b, 0x10000)[5] == bench_byte(60, 5), "which comes");
    (void)in(7), master(0), bus_out(&b.board->bus, MASTER + 2, 1, 4);
    // 256 sectors in pieces of 64 KBytes.
    prd(0x1000, 0, 0x100000, 0), prd(0x1000, 1, 0x110000, 0x80000000);
    address_28(1000, 0), out(7, 0xc8), master(9), wait();
    ok(bench_has(bench_ram(&b, 0x100000), 1000, 256) && master_status() == 4, "256 sectors; a count of 0 is 64 KBytes");
    (void)in(7), master(0), bus_out(&b.board->bus, MASTER + 2, 1, 4);
    // Writing.
    memset(bench_ram(&b, 0x100000), 0x5a, 0x20000);
    address_28(2000, 0), out(7, 0xca), master(1), wait();
    ok(in(7) == (DRDY | SEEK) && master_status() == 4, "WRITE DMA");
    master(0), bus_out(&b.board->bus, MASTER + 2, 1, 4);
    address_28(2255, 1), out(7, 0x20), wait(), take(data, 512);
    ok(data[0] == 0x5a && data[511] == 0x5a, "was written");
    bench_end(&b);
}

static void bad_tables(void) {
    begin(NULL);
    table(0x1000);
    prd(0x1000, 0, 0x10000, 0x80000000 | 512);
    address_28(50, 2), out(7, 0xc8), master(9), bench_pass(&b, 1000000000);
    ok(!irq() && master_status() == 0 && alternate() & DRQ, "a table that ends too early: not active, the drive waits");
    control(4), control(0);
    ok(in(7) == (DRDY | SEEK), "until it is reset");
    prd(0x1000, 0, 0x10000, 2048), prd(0x1000, 1, 0x10000, 0x80000000 | 2048);
    master(0), address_28(50, 2), out(7, 0xc8), master(9), wait();
    ok(irq() && master_status() == 5, "a table that is too long: active, and an interrupt");
    (void)in(7), master(0), bus_out(&b.board->bus, MASTER + 2, 1, 6);
    ok(master_status() == 0, "until it is stopped");
    prd(0x1000, 0, 0xfff00000, 0x80000000 | 1024);
    address_28(50, 2), out(7, 0xc8), master(9), bench_pass(&b, 1000000000);
    ok(master_status() == 2 && !irq(), "memory that is not there: an error");
    control(4), control(0), master(0), bus_out(&b.board->bus, MASTER + 2, 1, 6);
    table(0xffffff00), address_28(50, 2), out(7, 0xc8), master(9), bench_pass(&b, 1000000000);
    ok(master_status() == 2 && !irq(), "a table that is not there: an error");
    control(4), control(0), master(0), bus_out(&b.board->bus, MASTER + 2, 1, 6);
    table(0x1000), prd(0x1000, 0, 0x10000, 0x80000000 | 1024);
    bench_config_set(&b, PLACE, 4, 3);
    address_28(50, 2), out(7, 0xc8), master(9), bench_pass(&b, 1000000000);
    ok(master_status() == 2, "not a bus master: an error");
    bench_end(&b);
}

static void trim(void) {
    begin(NULL);
    table(0x1000), prd(0x1000, 0, 0x10000, 0x80000000 | 512);
    memset(bench_ram(&b, 0x10000), 0, 512);
    uint64_t range = 10ull << 48 | 100;
    memcpy(bench_ram(&b, 0x10000), &range, 8);
    out(1, 0), out(1, 1), address_48(0, 1), out(7, 6), master(1), wait();
    ok(in(7) == (DRDY | SEEK) && irq() == false, "DATA SET MANAGEMENT: TRIM");
    range = 10ull << 48 | SECTORS;
    memcpy(bench_ram(&b, 0x10000 + 504), &range, 8);
    master(0), address_48(0, 1), out(7, 6), master(1), wait();
    ok(alternate() & ERR && in(1) == IDNF, "of sectors that are not there");
    master(0), address_48(0, 9), out(7, 6);
    ok(alternate() & ERR && in(1) == ABRT, "more blocks than word 105 allows");
    bench_end(&b);
}

// In the middle of what the drive does, the state is all there is.
static void saved(void) {
    static const char *const devices[] = {"piix3-ide,addr=2", "ide-hd,drive=d0,bus=ide.0,unit=0", NULL};
    static const uint8_t commands[] = {0xc8, 0xca, 0xc4, 0x20, 0xc5};
    struct bench copy;
    begin(NULL);
    table(0x1000), prd(0x1000, 0, 0x100000, 0), prd(0x1000, 1, 0x110000, 0x80000000);
    loop_begin("saved in the middle of transfers, and loaded into another board");
    for (unsigned c = 0; c < sizeof commands; c++) {
        control(4), control(0), master(0);
        address_28(1000, 0), out(7, commands[c]), master(commands[c] == 0xca ? 1 : 9);
        for (unsigned i = 0; i < 12; i++) {
            if (c > 1 && i % 3 == 0 && alternate() & DRQ) commands[c] == 0xc5 ? give(data, 300) : take(data, 300);
            bench_copy(&b, &copy, devices);
            bench_pass(&copy, 5000), bench_pass(&b, 5000);
            loop_check(bench_hash(&copy) == bench_hash(&b), "%02XH, after %u", commands[c], i);
            bench_end(&copy);
        }
    }
    loop_end();
    bench_end(&b);
}

int main(void) {
    saved();
    presence();
    identify();
    pio_in();
    pio_out();
    refused();
    resets();
    dma();
    bad_tables();
    trim();
    return done_testing();
}
