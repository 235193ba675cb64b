// ROM with firmware, which ends at 4 GBytes; its last 128 KBytes are seen below 1 MByte too, behind the RAM that the
// chipset shows there.
#include "devices/firmware/flash.h"
#include "devices/bus/back_end.h"
#include "devices/bus/memory.h"
#include <string.h>

#define TOP 0x100000000ull
enum { LOW_TOP = 1 << 20, LOW_BYTES = 128 << 10, MOST_BYTES = 16 << 20 };

struct rom {
    struct area *area;
};

void rom_show_low(struct device_host *host, const struct area *area) {
    uint64_t bytes = area->bytes < LOW_BYTES ? area->bytes : LOW_BYTES;
    // A chipset shows RAM over it; on the plain board there is RAM.
    uint8_t priority = host->chipset ? PRIORITY_HOLE : PRIORITY_CHIP;
    (void)device_show(
        host, area,
        &(struct area_view){
            .base = LOW_TOP - bytes, .bytes = bytes, .offset = area->bytes - bytes, .priority = priority});
}

static const char *rom_create(void *chip, struct device_host *host) {
    struct rom *r = chip;
    const struct machine_file *image = device_file(host, ROM_FILE);
    if (!image) return "it needs an image; give it with -bios FILE";
    if (!image->bytes || image->bytes % MEMORY_PAGE || image->bytes > MOST_BYTES)
        return "the image is a multiple of 4096 bytes, and at most 16 MBytes";
    if (!(r->area = device_area(host, ROM_AREA, image->bytes, true))) return "there is one already, or memory is short";
    memcpy(device_area_store(host, r->area, 0, image->bytes), image->data, image->bytes);
    (void)device_show(
        host, r->area,
        &(struct area_view){.base = TOP - image->bytes, .bytes = image->bytes, .priority = PRIORITY_CHIP});
    rom_show_low(host, r->area);
    return NULL;
}

DEVICE(rom) = {
    .name = "rom", .help = "ROM with firmware; made by -bios", .bytes = sizeof(struct rom), .create = rom_create};
