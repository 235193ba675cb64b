// The firmware configuration device: selector and data port, DMA requests good and bad, the directory of files.
#include "devices/firmware/fw_cfg.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

enum { READ = 2, SKIP = 4, SELECT = 8, WRITE = 16, REQUEST = 0x1000, BUFFER = 0x2000 };
static struct fw_cfg fw;
static struct memory memory;
static uint64_t dirty_first, dirty_bytes;

// Watchers of pages hear of a transfer before it happens, page by page.
static void written(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    (void)context, (void)old;
    uint64_t physical = area->base + page * MEMORY_PAGE;
    if (physical == REQUEST) return; // the answer
    if (!dirty_bytes) dirty_first = physical;
    dirty_bytes += MEMORY_PAGE;
}
static struct page_watcher watcher = {.before_first_store = written};

static void begin(void) {
    if (!memory.ram && (!memory_init(&memory, 5ull << 30) || !pages_watch(&memory.pages, &watcher))) bail("no memory");
    fw_cfg_free(&fw);
    fw = (struct fw_cfg){.master = {.requester = DMA_BOARD, .memory = &memory}};
    fw_cfg_init(&fw, 5ull << 30, 7, false);
    fw_cfg_add_file(&fw, "etc/first", "one", 3);
    fw_cfg_add_file(&fw, "etc/second", "12345678", 8);
    fw_cfg_device.reset(&fw);
    pages_mark(&memory.pages, &watcher);
    dirty_first = dirty_bytes = 0;
}

static void select_key(unsigned key) { fw_cfg_device.write(&fw, FW_CFG_TRADITIONAL, 0, 2, key); }
static uint64_t number(unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value |= fw_cfg_device.read(&fw, FW_CFG_TRADITIONAL, 1, 1) << (8 * i);
    return value;
}
static uint64_t item(unsigned key, unsigned bytes) {
    select_key(key);
    return number(bytes);
}

static void put_big(uint64_t at, uint64_t value, unsigned bytes) {
    uint8_t *to = memory_for_writing(&memory, at, bytes);
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}
static uint32_t get_big(uint64_t at) {
    uint32_t value;
    memcpy(&value, memory_look(&memory, at, 4), 4);
    return __builtin_bswap32(value);
}

// The control field after the transfer.
static uint32_t dma(uint64_t request, uint32_t control, uint32_t length, uint64_t address) {
    put_big(request, control, 4), put_big(request + 4, length, 4), put_big(request + 8, address, 8);
    if (request >> 32) fw_cfg_device.write(&fw, FW_CFG_DMA, 0, 4, __builtin_bswap32((uint32_t)(request >> 32)));
    fw_cfg_device.write(&fw, FW_CFG_DMA, 4, 4, __builtin_bswap32((uint32_t)request));
    return get_big(request);
}
static bool holds(uint64_t at, const char *text, unsigned bytes) {
    return !memcmp(memory_look(&memory, at, bytes), text, bytes);
}

static void traditional(void) {
    begin();
    ok(item(FW_CFG_SIGNATURE, 4) == 0x554d4551, "signature QEMU");
    ok(item(FW_CFG_ID, 4) == 3, "traditional interface and DMA");
    ok(item(FW_CFG_NB_CPUS, 2) == 7 && item(FW_CFG_MAX_CPUS, 2) == 7, "processors");
    ok(item(FW_CFG_RAM_SIZE, 8) == 5ull << 30 && number(8) == 0, "RAM size; zeros behind the end");
    ok(item(FW_CFG_NB_CPUS | 0x4000, 2) == 7, "the write channel's bit is ignored");
    ok(item(0x11, 8) == 0 && item(0xffff, 8) == 0, "keys that are not there are zeros");
    select_key(FW_CFG_ID);
    fw_cfg_device.write(&fw, FW_CFG_TRADITIONAL, 1, 1, 0x55);
    ok(number(4) == 3, "the data port cannot be written");
}

// What a guest may write, and what not.
static void writing(void) {
    uint8_t bytes[8] = "abcdefgh";
    const unsigned key = FW_CFG_FILES + 2;
    begin();
    ok(!fw_cfg_add_writable(&fw, "etc/written", bytes, 8) && fw_cfg_add_writable(&fw, "etc/first", bytes, 8),
       "a file that can be written; none of a name that there is");
    memcpy(memory_for_writing(&memory, BUFFER, 8), "ABCDEFGH", 8);
    ok(!dma(REQUEST, SELECT | WRITE | key << 16, 3, BUFFER) && !memcmp(bytes, "ABCdefgh", 8), "its first bytes");
    ok(!dma(REQUEST, WRITE, 5, BUFFER + 3) && !memcmp(bytes, "ABCDEFGH", 8), "those that follow");
    ok(dma(REQUEST, WRITE, 1, BUFFER) == 1 && fw.offset == 8, "nothing behind its end");
    ok(dma(REQUEST, SELECT | WRITE | key << 16, 9, BUFFER) == 1 && !memcmp(bytes, "ABCDEFGH", 8), "all or nothing");
    ok(!dma(REQUEST, SELECT | SKIP | key << 16, 7, 0) && dma(REQUEST, WRITE, 2, BUFFER) == 1 &&
           !dma(REQUEST, WRITE, 1, BUFFER) && bytes[7] == 'A',
       "behind a part that was skipped");
    ok(dma(REQUEST, SELECT | WRITE | key << 16, 8, 1ull << 52) == 1 && bytes[0] == 'A', "from where there is no memory");
    ok(dma(REQUEST, SELECT | WRITE | FW_CFG_FILES << 16, 1, BUFFER) == 1 && dma(REQUEST, SELECT | WRITE, 4, BUFFER) == 1,
       "nor what is to be read alone");
    ok(!dma(REQUEST, SELECT | WRITE | FW_CFG_FILES << 16, 0, BUFFER), "no bytes can be written to anything");
    ok(item(key, 4) == 0x44434241, "it is read as it was written");
}

static void directory(void) {
    begin();
    ok(__builtin_bswap32((uint32_t)item(FW_CFG_DIRECTORY, 4)) == 2, "two files");
    char name[2][57] = {"", ""};
    uint32_t bytes[2];
    uint16_t key[2];
    for (unsigned i = 0; i < 2; i++) {
        bytes[i] = __builtin_bswap32((uint32_t)number(4));
        key[i] = __builtin_bswap16((uint16_t)number(2));
        number(2);
        for (unsigned c = 0; c < 56; c++) name[i][c] = (char)number(1);
    }
    ok(!strcmp(name[0], "etc/first") && bytes[0] == 3 && !strcmp(name[1], "etc/second") && bytes[1] == 8,
       "names and sizes");
    ok(item(key[0], 4) == 0x656e6f && item(key[1], 8) == 0x3837363534333231, "contents");
}

static void transfers(void) {
    begin();
    ok(fw_cfg_device.read(&fw, FW_CFG_DMA, 0, 4) == 0x554d4551 &&
           fw_cfg_device.read(&fw, FW_CFG_DMA, 4, 4) == 0x47464320,
       "QEMU CFG");
    memset(memory_for_writing(&memory, BUFFER, 16), 0xff, 16);
    ok(dma(REQUEST, SELECT | READ | (FW_CFG_FILES + 1) << 16, 4, BUFFER) == 0 && holds(BUFFER, "1234\xff", 5),
       "select and read");
    ok(dirty_first == BUFFER && dirty_bytes == MEMORY_PAGE, "watchers of pages are told");
    ok(dma(REQUEST, SKIP, 2, 0) == 0 && dma(REQUEST, READ, 4, BUFFER) == 0 && holds(BUFFER, "78\0\0\xff", 5),
       "skip; zeros behind the end");
    ok(dma(1ull << 32, SELECT | READ | FW_CFG_SIGNATURE << 16, 4, (1ull << 32) + 64) == 0 &&
           holds((1ull << 32) + 64, "QEMU", 4),
       "above 4 GBytes");
    ok(dma(REQUEST, SELECT | READ | 0x77 << 16, 4, BUFFER) == 0 && holds(BUFFER, "\0\0\0\0\xff", 5),
       "a key that is not there");
    ok(dma(REQUEST, SELECT | WRITE | FW_CFG_ID << 16, 4, BUFFER) == 1 && item(FW_CFG_ID, 4) == 3,
       "nothing can be written");
}

static void large(void) {
    enum { BYTES = 3000001, FILES = 200, AT = 0x100000 };
    static uint8_t bytes[BYTES];
    char name[20];
    begin();
    for (unsigned i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    fw_cfg_add_file(&fw, "genroms/large", bytes, BYTES);
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "opt/%03u", i);
        fw_cfg_add_file(&fw, name, &i, sizeof i);
    }
    ok(!fw.failed && __builtin_bswap32((uint32_t)item(FW_CFG_DIRECTORY, 4)) == FILES + 3, "any number of files");
    ok(item(FW_CFG_FILES + 2 + FILES, 4) == FILES - 1, "the last one's bytes");
    ok(dma(REQUEST, SELECT | READ | (FW_CFG_FILES + 2) << 16, BYTES, AT) == 0 &&
           !memcmp(memory_look(&memory, AT, BYTES), bytes, BYTES),
       "of any size");
    ok(dma(REQUEST, SELECT | SKIP | (FW_CFG_FILES + 2) << 16, BYTES - 1, 0) == 0 && number(2) == bytes[BYTES - 1],
       "to its end");
}

static void hostile(void) {
    begin();
    ok(dma(REQUEST, SELECT | READ, 4, 0xbffffffe) == 1, "a buffer that ends outside RAM");
    ok(dma(REQUEST, SELECT | READ, 4, ~0ull - 1) == 1, "one that wraps");
    ok(dma(REQUEST, SELECT | READ, ~0u, BUFFER) == 1 && dma(REQUEST, READ, 0, ~0ull) == 0, "too long; empty");
    ok(dma(REQUEST, SELECT | READ, 4 + (1 << 20), BUFFER) == 0 && dma(REQUEST, READ, 1 << 20, BUFFER) == 0,
       "1 MByte of zeroes behind an item's end, or all of it there");
    put_big(BUFFER, 0xff, 1);
    ok(dma(REQUEST, SELECT | READ, 5 + (1 << 20), BUFFER) == 1 && holds(BUFFER, "\xff", 1), "not more, and then none");
    ok(dma(REQUEST, SELECT | SKIP, ~0u, 0) == 0 && dma(REQUEST, SKIP, ~0u, 0) == 0 && number(4) == 0,
       "skipping too far");
    fw_cfg_device.write(&fw, FW_CFG_DMA, 0, 4, ~0u), fw_cfg_device.write(&fw, FW_CFG_DMA, 4, 4, ~0u);
    fw_cfg_device.write(&fw, FW_CFG_DMA, 4, 4, __builtin_bswap32(0xbffffff8));
    ok(item(FW_CFG_ID, 4) == 3, "requests that are not in RAM are nothing");
    ok(dma(BUFFER, SELECT | READ | FW_CFG_SIGNATURE << 16, 16, BUFFER) == 0 && holds(BUFFER + 4, "\0\0\0\0", 4),
       "a request that overwrites itself");
}

int main(void) {
    traditional();
    directory();
    writing();
    transfers();
    large();
    hostile();
    fw_cfg_free(&fw), memory_free(&memory);
    return done_testing();
}
