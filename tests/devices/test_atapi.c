// A CD-ROM drive on an IDE channel: packets by MMC-6, how they come by ATA8-APT.
#include "bench.h"
#include "tests/tap.h"
#include <string.h>

enum { BLOCKS = 500, BASE = 0x170, CONTROL = 0x376, IRQ = 15 };
enum { DRDY = 0x40, SEEK = 0x10, DRQ = 8, ERR = 1 };
static struct bench b;
static uint8_t data[65536];
static unsigned blocks; // DRQ data blocks of the last packet

static uint8_t in(unsigned reg) { return (uint8_t)bus_in(&b.board->bus, (uint16_t)(BASE + reg), 1); }
static void out(unsigned reg, unsigned value) { bus_out(&b.board->bus, (uint16_t)(BASE + reg), 1, value); }
static uint8_t alternate(void) { return (uint8_t)bus_in(&b.board->bus, CONTROL, 1); }
static bool irq(void) { return bench_line(&b, IRQ); }

static void begin(bool disc) {
    const char *const devices[] = {"piix3-ide,addr=2",
                                   disc ? "ide-cd,drive=d1,bus=ide.1,unit=0" : "ide-cd,bus=ide.1,unit=0", NULL};
    bench_begin(&b, devices, 0, BLOCKS * 4);
    bench_config_set(&b, 2 << 3, 4, 7);
}
static void wait(void) {
    for (unsigned i = 0; i < 1000 && alternate() & 0x80; i++) bench_pass(&b, 1000000);
}
static void send(const uint8_t *packet, unsigned limit) {
    out(6, 0xa0), out(1, 0), out(4, limit & 255), out(5, limit >> 8), out(7, 0xa0);
    wait();
    for (unsigned i = 0; i < 12; i += 2) bus_out(&b.board->bus, BASE, 2, packet[i] | (unsigned)packet[i + 1] << 8);
    wait();
}
// The bytes that came, or what sense key, code and qualifier are, negative.
static int packet(const uint8_t *p, unsigned limit) {
    unsigned bytes = 0;
    send(p, limit);
    for (blocks = 0; alternate() & DRQ && blocks < 1000; blocks++) {
        unsigned n = in(4) | in(5) << 8;
        for (unsigned i = 0; i < n; i += 2) {
            uint16_t word = (uint16_t)bus_in(&b.board->bus, BASE, 2);
            if (bytes + i + 2 <= sizeof data) memcpy(data + bytes + i, &word, 2);
        }
        bytes += n;
        wait();
    }
    if (!(alternate() & ERR)) return (int)bytes;
    const uint8_t sense[12] = {3, 0, 0, 0, 18};
    uint8_t key = in(1) >> 4;
    if (p[0] == 3) return -1;
    (void)packet(sense, 0xfffe);
    return key == data[2] ? -(data[2] << 16 | data[12] << 8 | data[13]) : -1;
}
#define PACKET(...) packet((const uint8_t[12]){__VA_ARGS__}, 0xfffe)

static void device(void) {
    begin(true);
    out(6, 0xa0);
    ok(in(2) == 1 && in(3) == 1 && in(4) == 0x14 && in(5) == 0xeb, "the signature of a packet device");
    out(7, 0xec), wait();
    ok(alternate() & ERR && in(1) == 4 && in(4) == 0x14 && in(5) == 0xeb, "IDENTIFY DEVICE aborts, with the signature");
    out(7, 0xa1), wait();
    for (unsigned i = 0; i < 512; i += 2) {
        uint16_t word = (uint16_t)bus_in(&b.board->bus, BASE, 2);
        memcpy(data + i, &word, 2);
    }
    ok(data[0] == 0xc0 && data[1] == 0x85 && memcmp(data + 54, "EQUMD DVR-MO", 12) == 0 && data[99] == 3,
       "IDENTIFY PACKET DEVICE");
    out(4, 0), out(5, 8), out(1, 0), out(7, 0xa0);
    ok(alternate() == (DRDY | SEEK | DRQ) && in(2) == 1 && !irq(),
       "PACKET: the packet is asked for without an interrupt");
    const uint8_t p[12] = {0x28, 0, 0, 0, 0, 1, 0, 0, 1};
    for (unsigned i = 0; i < 12; i += 2) bus_out(&b.board->bus, BASE, 2, p[i] | (unsigned)p[i + 1] << 8);
    ok(alternate() & 0x80 && !irq(), "busy");
    wait();
    ok(irq() && in(2) == 2 && in(4) == 0 && in(5) == 8 && in(7) & DRQ, "data to the host: 2048 bytes");
    for (unsigned i = 0; i < 2048; i += 4) {
        uint32_t word = bus_in(&b.board->bus, BASE, 4);
        memcpy(data + i, &word, 4);
    }
    ok(irq() && in(2) == 3 && in(7) == (DRDY | SEEK) && bench_has(data, 4, 4), "the end, with an interrupt");
    out(7, 0xa0), out(7, 8);
    ok(in(7) == 0 && in(4) == 0x14 && !irq(), "DEVICE RESET");
    bench_end(&b);
}

static void reading(void) {
    begin(true);
    ok(PACKET(0x00) == 0, "TEST UNIT READY");
    ok(PACKET(0x25) == 8 && data[2] == (BLOCKS - 1) >> 8 && data[3] == ((BLOCKS - 1) & 255) && data[6] == 8,
       "READ CAPACITY");
    ok(PACKET(0x28, 0, 0, 0, 0, 10, 0, 0, 20) == 40960 && bench_has(data, 40, 80) && blocks == 5,
       "READ (10), 20 blocks");
    ok(PACKET(0xa8, 0, 0, 0, 0, 11, 0, 0, 0, 3) == 6144 && bench_has(data, 44, 12), "READ (12)");
    ok(packet((const uint8_t[12]){0x28, 0, 0, 0, 0, 1, 0, 0, 2}, 1024) == 4096 && blocks == 4 && bench_has(data, 4, 8),
       "1024 bytes at a time");
    ok(PACKET(0x28, 0, 0, 0, BLOCKS >> 8, BLOCKS & 255, 0, 0, 1) == -0x52100, "behind the last block");
    ok(PACKET(0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff) == -0x52100, "far behind");
    ok(PACKET(0x28, 0, 0, 0, 0, 1) == 0, "no blocks");
    ok(PACKET(0xbe, 0, 0, 0, 0, 7, 0, 0, 2, 0x10) == 4096 && bench_has(data, 28, 8), "READ CD, the data");
    ok(PACKET(0xbe, 0, 0, 0, 0, 7, 0, 0, 5, 0xf8) == 5 * 2352 && data[0] == 0 && data[1] == 0xff && data[15] == 1,
       "whole sectors");
    ok(data[2352 + 12] == 0 && data[2352 + 13] == 2 && data[2352 + 14] == 8 && bench_has(data + 2352 + 16, 32, 4),
       "00:02:08 is block 8");
    ok(bench_has(data + 4 * 2352 + 16, 44, 4), "the last one");
    ok(PACKET(0xb9, 0, 0, 0, 2, 7, 0, 2, 8, 0x10) == 2048 && bench_has(data, 28, 4), "READ CD MSF");
    ok(PACKET(0xbe, 0, 0, 0, 0, 7, 0, 0, 1, 0x20) == -0x52400, "parts that are not modelled");
    ok(PACKET(0x2a) == -0x52000, "WRITE (10) there is not");
    // DMA.
    uint32_t prd[2] = {0x100000, 0x80000000 | 8192};
    memcpy(bench_ram(&b, 0x1000), prd, 8);
    bus_out(&b.board->bus, 0xc00c, 4, 0x1000), bus_out(&b.board->bus, 0xc008, 1, 9);
    out(1, 1), out(4, 0), out(5, 0), out(7, 0xa0);
    const uint8_t p[12] = {0x28, 0, 0, 0, 0, 50, 0, 0, 4};
    for (unsigned i = 0; i < 12; i += 2) bus_out(&b.board->bus, BASE, 2, p[i] | (unsigned)p[i + 1] << 8);
    wait();
    ok(irq() && in(2) == 3 && bus_in(&b.board->bus, 0xc00a, 1) == 4 && bench_has(bench_ram(&b, 0x100000), 200, 16),
       "READ (10) by DMA");
    bench_end(&b);
}

static void replies(void) {
    begin(true);
    ok(PACKET(0x12, 0, 0, 0, 36) == 36 && data[0] == 5 && data[1] == 0x80 &&
           memcmp(data + 8, "QEMU    QEMU DVD-ROM    2.5+", 28) == 0,
       "INQUIRY");
    ok(PACKET(0x12, 0, 0, 0, 5) == 5 && blocks == 1, "as many bytes as are allowed");
    ok(PACKET(0x12, 1, 0x80, 0, 36) == 11 && memcmp(data + 4, "QM00003", 7) == 0, "vital product data: serial number");
    ok(PACKET(0x12, 1, 0x55, 0, 36) == -0x52400 && PACKET(0x12, 0, 1, 0, 36) == -0x52400, "other pages there are not");
    ok(PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 100) == 20 && data[1] == 18 && data[2] == 1 && data[3] == 1 && data[6] == 1 &&
           data[14] == 0xaa && data[18] == BLOCKS >> 8,
       "READ TOC: a track, and the lead-out");
    ok(PACKET(0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100) == 12 && data[9] == 0 && data[10] == (BLOCKS + 150) / 75 &&
           data[11] == (BLOCKS + 150) % 75,
       "lead-out alone, in minutes");
    ok(PACKET(0x43, 0, 0, 0, 0, 0, 5, 0, 100) == -0x52400, "there is no track 5");
    ok(PACKET(0x43, 0, 1, 0, 0, 0, 0, 0, 100) == 12 && PACKET(0x43, 0, 2, 0, 0, 0, 0, 0, 100) == 48, "sessions; raw");
    ok(PACKET(0x46, 0, 0, 0, 0, 0, 0, 0, 100) == 40 && data[3] == 36 && data[7] == 8 && data[13] == 0x10 &&
           data[17] == 8 && data[18] == 1,
       "GET CONFIGURATION: a CD");
    ok(PACKET(0x46, 2, 0, 3, 0, 0, 0, 0, 100) == 16 && data[9] == 3, "the removable medium alone");
    ok(PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 100) == 34 && data[2] == 0x0e, "READ DISC INFORMATION");
    ok(PACKET(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8) == 8, "MECHANISM STATUS");
    ok(PACKET(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 100) == 28 && data[8] == 0x2a && data[9] == 18 && data[2] == 1,
       "MODE SENSE: capabilities");
    ok(PACKET(0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 100) == 52, "all pages");
    ok(PACKET(0x5a, 0, 0x3e, 0, 0, 0, 0, 0, 100) == -0x52400 && PACKET(0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 100) == -0x53900,
       "no such page; nothing is saved");
    ok(PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8) == 8 && data[2] == 4 && data[4] == 0 && data[5] == 2,
       "GET EVENT STATUS NOTIFICATION: a medium, no event");
    ok(PACKET(0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8) == -0x52400, "not by waiting for one");
    bench_end(&b);
}

static void tray(void) {
    begin(true);
    ok(PACKET(0x1e, 0, 0, 0, 1) == 0 && PACKET(0x1b, 0, 0, 0, 2) == -0x55302, "locked: it is not ejected");
    ok(PACKET(0x1e, 0, 0, 0, 0) == 0 && PACKET(0x1b, 0, 0, 0, 2) == 0, "unlocked: it is");
    ok(PACKET(0x00) == -0x23a02 && PACKET(0x25) == -0x23a02, "no medium, and the tray is open");
    ok(PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8) == 8 && data[4] == 3 && data[5] == 1, "an event: it was taken out");
    ok(PACKET(0x1b, 0, 0, 0, 3) == 0, "loaded");
    ok(PACKET(0x12, 0, 0, 0, 36) == 36, "INQUIRY is answered");
    ok(PACKET(0x00) == -0x62800 && PACKET(0x00) == 0, "the medium may have changed: once");
    bench_end(&b);
    begin(false);
    ok(PACKET(0x00) == -0x23a01 && PACKET(0x28) == -0x23a01, "no disc: tray closed");
    ok(PACKET(0x46, 0, 0, 0, 0, 0, 0, 0, 8) == 8 && data[7] == 0, "no profile");
    bench_end(&b);
}

// Somebody in front of the drive.
static void hands(void) {
    begin(true);
    struct drive *d = bench_drive(&b, "d1");
    struct drive_medium other = bench_disc(&b, 300 * 4), none = {.number = DRIVE_EMPTY}, first = {0};
    ok(PACKET(0x00) == 0 && drive_change(d, &none) && PACKET(0x00) == -0x23a02 && PACKET(0x25) == -0x23a02,
       "taken out: no medium, and the tray is open");
    ok(PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8) == 8 && data[4] == 3 && data[5] == 1, "an event: it was taken out");
    ok(PACKET(0x1b, 0, 0, 0, 3) == 0 && PACKET(0x00) == -0x23a01, "the guest closes the empty tray");
    ok(drive_change(d, &other) && PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8) == 8 && data[4] == 2 && data[5] == 2,
       "another one is put in: an event");
    ok(PACKET(0x00) == -0x62800 && PACKET(0x00) == 0, "the medium may have changed: once");
    ok(PACKET(0x25) == 8 && data[2] == 299 >> 8 && data[3] == (299 & 255), "it has its own size");
    ok(PACKET(0x28, 0, 0, 0, 0, 9, 0, 0, 3) == 6144 && bench_has(data, BENCH_OTHER + 36, 12), "and contents");
    ok(PACKET(0x28, 0, 0, 0, 300 >> 8, 300 & 255, 0, 0, 1) == -0x52100, "nothing behind its end");
    ok(PACKET(0x1e, 0, 0, 0, 1) == 0 && drive_is_locked(d) && drive_press(d) &&
           PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8) == 8 && data[4] == 1 && data[5] == 2 && PACKET(0x00) == 0,
       "locked: the button is an event, and the disc stays");
    ok(PACKET(0x1e, 0, 0, 0, 0) == 0 && !drive_is_locked(d), "unlocked");
    const uint8_t p[12] = {0x28, 0, 0, 0, 0, 1, 0, 0, 20};
    out(6, 0xa0), out(1, 0), out(4, 0), out(5, 8), out(7, 0xa0);
    for (unsigned i = 0; i < 12; i += 2) bus_out(&b.board->bus, BASE, 2, p[i] | (unsigned)p[i + 1] << 8);
    ok(alternate() & 0x80 && drive_change(d, &first) && alternate() == (DRDY | SEEK | ERR) && irq() && in(1) >> 4 == 6,
       "changed while it is read: that ends");
    ok(PACKET(0x00) == 0 && PACKET(0x28, 0, 0, 0, 0, 10, 0, 0, 20) == 40960 && bench_has(data, 40, 80),
       "the first one again");
    out(6, 0xa0), out(1, 0), out(4, 0), out(5, 8), out(7, 0xa0);
    ok(alternate() & DRQ && drive_change(d, &none) && alternate() & DRQ, "a packet that is waited for stays so");
    ok(!bench_wrong(&b), "what came about could be loaded");
    bench_end(&b);
}

// What somebody could have made up as an input.
static void discs(void) {
    struct drive_medium m, again;
    uint8_t bytes[DRIVE_MEDIUM_DATA] = {0};
    const struct drive_medium disc = {16, 4096, 99, "a name"};
    unsigned count = drive_medium_put(&disc, bytes);
    ok(count == 22 && drive_medium_take(&again, 16, bytes, count) && again.number == 16 && again.bytes == 4096 &&
           again.identity == 99 && !strcmp(again.name, "a name"),
       "a disc as an input, and back");
    ok(drive_medium_take(&m, 0, NULL, 0) && drive_medium_take(&m, DRIVE_EMPTY, NULL, 0), "the first one, and none");
    ok(!drive_medium_take(&m, 17, bytes, count) && !drive_medium_take(&m, 257, bytes, count) &&
           !drive_medium_take(&m, 0, bytes, count) && !drive_medium_take(&m, 1, NULL, 0),
       "other numbers, data of what has none, none of what has some");
    ok(!drive_medium_take(&m, 1, bytes, 16) && !drive_medium_take(&m, 1, bytes, sizeof bytes), "lengths of names");
    memset(bytes, 0xff, 8);
    ok(!drive_medium_take(&m, 1, bytes, count), "more bytes than an image has");
    memset(bytes, 0, 8);
    ok(!drive_medium_take(&m, 1, bytes, count), "no bytes");
}

int main(void) {
    device();
    reading();
    replies();
    tray();
    hands();
    discs();
    return done_testing();
}
