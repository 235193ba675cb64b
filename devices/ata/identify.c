// What a device says of itself: IDENTIFY DEVICE and IDENTIFY PACKET DEVICE, ATA8-ACS 7.12 and 7.13, word by word. The
// values are those of QEMU's disk and DVD drive, so that a guest finds what it knows.
#include "devices/ata/ata_private.h"
#include <string.h>

enum { HEADS = 16, SECTORS = 63, CYLINDERS = 16383 };

static void text(uint8_t *data, unsigned word, unsigned bytes, const char *from) {
    for (unsigned i = 0; i < bytes; i++) data[(2 * word + i) ^ 1] = (uint8_t)(*from ? *from++ : ' ');
}

static void words(uint8_t *data, unsigned word, uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; i++) ata_put16(data + 2 * (word + i), (unsigned)(value >> 16 * i & 0xffff));
}

struct word {
    uint8_t word;
    uint16_t value;
};
static void constants(uint8_t *data, const struct word *w, unsigned count) {
    for (unsigned i = 0; i < count; i++) ata_put16(data + 2 * w[i].word, w[i].value);
}

// SET FEATURES chooses one of multiword DMA 0 to 2 and UltraDMA 0 to 5, or any of PIO 0 to 4.
enum { MODE_PIO = 1, MODE_SINGLE = 2, MODE_MULTIWORD = 4, MODE_ULTRA = 8 };
bool ata_has_mode(uint8_t mode) {
    unsigned kind = mode >> 3, number = mode & 7;
    static const uint8_t least_missing[] = {
        [0] = 2, [MODE_PIO] = 5, [MODE_SINGLE] = 3, [MODE_MULTIWORD] = 3, [MODE_ULTRA] = 6};
    return kind < sizeof least_missing && number < least_missing[kind];
}

// Words 62, 63 and 88: the modes that it has, and the one in use.
static void modes(const struct ata *a, uint8_t *data) {
    unsigned kind = a->transfer_mode >> 3, in_use = 0x100u << (a->transfer_mode & 7);
    words(data, 62, 0x07 | (kind == MODE_SINGLE ? in_use : 0), 1);
    words(data, 63, 0x07 | (kind == MODE_MULTIWORD ? in_use : 0), 1);
    words(data, 88, 0x3f | (kind == MODE_ULTRA ? in_use : 0), 1);
}

static void names(const struct ata *a, uint8_t *data) {
    text(data, 10, 20, a->serial);
    text(data, 23, 8, a->version);
    text(data, 27, 40, a->model);
    if (a->sata) words(data, 76, 0x100, 1); // queued commands
    if (a->sata) words(data, 75, ATA_TAGS - 1, 1);
    modes(a, data);
}

static unsigned cylinders(uint64_t sectors) {
    uint64_t c = sectors / (HEADS * SECTORS);
    return c > CYLINDERS ? CYLINDERS : c < 2 ? 2 : (unsigned)c;
}

// Words 1 to 6, 54 to 58, 60, 100: how large it is, also in cylinders, heads and sectors, of which word 54 on are those
// that INITIALIZE DEVICE PARAMETERS set.
static void size(const struct ata *a, uint8_t *data) {
    uint64_t sectors = ata_sectors(a), small = sectors < BIT(28) ? sectors : BITS(27, 0);
    unsigned track = (unsigned)a->heads * a->sectors, c = track ? (unsigned)(small / track) : 0;
    if (c > 0xffff) c = 0xffff;
    if (a->heads == HEADS && a->sectors == SECTORS) c = cylinders(sectors);
    words(data, 1, cylinders(sectors), 1);
    words(data, 54, c, 1);
    words(data, 55, a->heads, 1);
    words(data, 56, a->sectors, 1);
    words(data, 57, (uint64_t)c * track, 2);
    words(data, 60, small, 2);
    words(data, 100, sectors, 4);
}

static void disk(const struct ata *a, uint8_t *data) {
    static const struct word constant[] = {{0, 0x0040},  {3, HEADS},   {4, 512 * SECTORS},
                                           {5, 512},     {6, SECTORS}, {20, 3},
                                           {21, 512},    {22, 4},      {47, 0x8000 | ATA_MULTIPLE},
                                           {48, 1},      {49, 0x0b00}, {51, 0x0200},
                                           {52, 0x0200}, {53, 7},      {64, 3},
                                           {65, 120},    {66, 120},    {67, 120},
                                           {68, 120},    {69, 0x4000}, {80, 0x00f0},
                                           {81, 0x0016}, {83, 0x7400}, {86, 0x3400},
                                           {93, 0x6001}, {105, 8},     {106, 0x6000},
                                           {169, 1}};
    constants(data, constant, sizeof constant / sizeof *constant);
    names(a, data);
    size(a, data);
    words(data, 59, a->multiple ? 0x100u | a->multiple : 0, 1);
    words(data, 82, 0x4021, 1); // NOP, write cache, SMART
    words(data, 85, 0x4000 | (a->write_cache ? 0x20 : 0) | (a->smart ? 1 : 0), 1);
    words(data, 84, a->sata ? 0x4020 : 0x4000, 1); // of what QEMU's has not: READ LOG EXT
    words(data, 87, a->sata ? 0x4020 : 0x4000, 1);
}

static void disc_drive(const struct ata *a, uint8_t *data) {
    static const struct word constant[] = {{0, 0x85c0},  {20, 3},    {21, 512}, {22, 4},    {48, 1},
                                           {49, 0x0300}, {53, 7},    {64, 3},   {65, 0xb4}, {66, 0xb4},
                                           {67, 0x012c}, {68, 0xb4}, {71, 30},  {72, 30},   {80, 0x001e}};
    constants(data, constant, sizeof constant / sizeof *constant);
    names(a, data);
    words(data, 75, 0, 2);
}

void ata_identify(const struct ata *a, uint8_t *data) {
    if (a->packet_device)
        disc_drive(a, data);
    else
        disk(a, data);
}
