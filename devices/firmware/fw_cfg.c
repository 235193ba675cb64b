// The firmware configuration device; see fw_cfg.h. Selector 510H (16 bits), data 511H, DMA address 514H (two big-endian
// halves, the low one starts the transfer). A key that is not there reads as zeros, as does what follows an item's end.
// Files that a guest may write are written by DMA alone, as in QEMU. NOT IMPLEMENTED: kernel, initial RAM disk and command
// line as items.
#include "devices/firmware/fw_cfg.h"
#include "cpu/state/outcome.h"
#include <stdlib.h>
#include <string.h>

#define KEY_WRITE_CHANNEL BIT(14)
#define ID_TRADITIONAL BIT(0)
#define ID_DMA BIT(1)
#define DMA_ERROR BIT(0)
#define DMA_READ BIT(1)
#define DMA_SKIP BIT(2)
#define DMA_SELECT BIT(3)
#define DMA_WRITE BIT(4)
#define DMA_KEY_SHIFT 16

static const struct state_field fields[] = {
    STATE_ONE(struct fw_cfg, key),
    STATE_ONE(struct fw_cfg, offset),
    STATE_ONE(struct fw_cfg, dma_address),
};
static const struct state_table fw_cfg_state = STATE_TABLE("fw_cfg", fields);

// --- items ---
static struct fw_cfg_item *find(struct fw_cfg *fw, unsigned key) {
    for (unsigned i = 0; i < fw->items; i++)
        if (fw->item[i].key == key) return &fw->item[i];
    return NULL;
}

static struct fw_cfg_item *grow(struct fw_cfg *fw) {
    enum { FIRST_CAPACITY = 16 };
    if (fw->items == fw->capacity) {
        unsigned capacity = fw->capacity ? 2 * fw->capacity : FIRST_CAPACITY;
        struct fw_cfg_item *item = realloc(fw->item, capacity * sizeof *item);
        if (!item) return NULL;
        fw->item = item;
        fw->capacity = capacity;
    }
    return &fw->item[fw->items];
}

static void add(struct fw_cfg *fw, uint16_t key, const void *bytes, uint32_t count) {
    struct fw_cfg_item *item = grow(fw);
    uint8_t *data = item ? malloc(count ? count : 1) : NULL;
    if (!data) {
        fw->failed = true;
        return;
    }
    memcpy(data, bytes, count);
    *item = (struct fw_cfg_item){.key = key, .bytes = count, .data = data};
    fw->items++;
}

void fw_cfg_free(struct fw_cfg *fw) {
    for (unsigned i = 0; i < fw->items; i++)
        if (!fw->item[i].lent) free(fw->item[i].data);
    free(fw->item);
    fw->item = NULL;
    fw->items = fw->capacity = 0;
}

static void add16(struct fw_cfg *fw, uint16_t key, uint16_t value) { add(fw, key, &value, sizeof value); }
static void add32(struct fw_cfg *fw, uint16_t key, uint32_t value) { add(fw, key, &value, sizeof value); }
static void add64(struct fw_cfg *fw, uint16_t key, uint64_t value) { add(fw, key, &value, sizeof value); }

// A file of the directory; everything in it is big-endian.
struct __attribute__((packed)) directory_entry {
    uint32_t bytes;
    uint16_t key, reserved;
    char name[FW_CFG_NAME];
};

static char *name_at(const struct fw_cfg_item *directory, unsigned index) {
    return (char *)directory->data + 4 + index * sizeof(struct directory_entry) +
           offsetof(struct directory_entry, name);
}

// Where the file's entry belongs among those that are there.
static unsigned place_of(const struct fw_cfg *fw, const struct fw_cfg_item *directory, const char *name) {
    unsigned place = 0;
    while (place < fw->files && strcmp(name_at(directory, place), name) < 0) place++;
    return place;
}

static bool insert(struct fw_cfg *fw, struct fw_cfg_item *directory, unsigned place,
                   const struct directory_entry *entry) {
    uint8_t *data = realloc(directory->data, directory->bytes + sizeof *entry);
    if (!data) return false;
    uint8_t *at = data + 4 + place * sizeof *entry;
    memmove(at + sizeof *entry, at, (fw->files - place) * sizeof *entry);
    memcpy(at, entry, sizeof *entry);
    uint32_t files = __builtin_bswap32(++fw->files);
    memcpy(data, &files, sizeof files);
    directory->data = data;
    directory->bytes += (uint32_t)sizeof *entry;
    return true;
}

const char *fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, uint32_t count) {
    uint16_t key = (uint16_t)(FW_CFG_FILES + fw->files);
    struct directory_entry entry = {.bytes = __builtin_bswap32(count), .key = __builtin_bswap16(key)};
    struct fw_cfg_item *directory = find(fw, FW_CFG_DIRECTORY);
    if (!*name || strlen(name) >= sizeof entry.name) return "a name has 1 to 55 letters";
    if (fw->files == FW_CFG_MOST_FILES) return "there are too many";
    strncpy(entry.name, name, sizeof entry.name - 1);
    unsigned place = directory ? place_of(fw, directory, name) : 0;
    if (directory && place < fw->files && strcmp(name_at(directory, place), name) == 0)
        return "there is one of this name already";
    fw->failed |= !directory || !insert(fw, directory, place, &entry);
    if (!fw->failed) add(fw, key, bytes, count);
    return NULL;
}

const char *fw_cfg_add_writable(struct fw_cfg *fw, const char *name, uint8_t *bytes, uint32_t count) {
    const char *wrong = fw_cfg_add_file(fw, name, bytes, count);
    if (wrong || fw->failed) return wrong;
    struct fw_cfg_item *item = &fw->item[fw->items - 1];
    free(item->data);
    item->data = bytes;
    item->lent = true;
    return NULL;
}

uint8_t *fw_cfg_add_made(struct fw_cfg *fw, const char *name, uint32_t count, void (*make)(void *owner), void *owner) {
    uint8_t *zeros = calloc(1, count);
    if (!zeros || fw_cfg_add_file(fw, name, zeros, count)) fw->failed = true;
    free(zeros);
    if (fw->failed) return NULL;
    struct fw_cfg_item *item = &fw->item[fw->items - 1];
    item->make = make;
    item->owner = owner;
    return item->data;
}

void fw_cfg_init(struct fw_cfg *fw, uint64_t ram_bytes, unsigned cpus, bool boot_menu) {
    static const uint8_t uuid[16];
    add(fw, FW_CFG_SIGNATURE, "QEMU", 4);
    add32(fw, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    add(fw, FW_CFG_UUID, uuid, sizeof uuid);
    add64(fw, FW_CFG_RAM_SIZE, ram_bytes);
    add16(fw, FW_CFG_NOGRAPHIC, 1);
    add16(fw, FW_CFG_NB_CPUS, (uint16_t)cpus);
    add64(fw, FW_CFG_NUMA, 0);
    add16(fw, FW_CFG_BOOT_MENU, boot_menu);
    add16(fw, FW_CFG_MAX_CPUS, (uint16_t)cpus);
    add32(fw, FW_CFG_IRQ0_OVERRIDE, 1);
    add32(fw, FW_CFG_DIRECTORY, 0);
}

// --- reading ---
static void select_item(struct fw_cfg *fw, uint32_t key) {
    fw->key = (uint16_t)(key & ~KEY_WRITE_CHANNEL);
    fw->offset = 0;
}

// At most `count` bytes of the selected item at the present offset, which moves on. 0: there are no more.
static uint32_t take(struct fw_cfg *fw, uint32_t count, const uint8_t **bytes) {
    const struct fw_cfg_item *item = find(fw, fw->key);
    if (!item || fw->offset >= item->bytes) return 0;
    if (item->make) item->make(item->owner);
    uint32_t left = item->bytes - fw->offset;
    *bytes = item->data + fw->offset;
    if (count > left) count = left;
    fw->offset += count;
    return count;
}

static uint8_t next_byte(struct fw_cfg *fw) {
    const uint8_t *byte;
    return take(fw, 1, &byte) ? *byte : 0;
}

// --- DMA ---
struct __attribute__((packed)) dma_request {
    uint32_t control, length;
    uint64_t address;
}; // big-endian

// A request is done within one step, so there is an end to what a guest can have done by one: this many zeroes behind
// the end of an item, and not, as in QEMU, all of its memory.
enum { FILL_MOST = 1 << 20 };

static bool read_to(struct fw_cfg *fw, uint64_t physical, uint32_t length) {
    const uint8_t *bytes;
    if (!length) return true;
    if (!dma_reaches(&fw->master, physical, length)) return false;
    uint32_t count = take(fw, length, &bytes);
    if (length - count > FILL_MOST) return false;
    if (count && !dma_write(&fw->master, physical, bytes, count)) return false;
    return count == length || dma_fill(&fw->master, physical + count, 0, length - count);
}

// All of it, or nothing: what does not fit into the rest of the item is refused.
static bool write_from(struct fw_cfg *fw, uint64_t physical, uint32_t length) {
    const struct fw_cfg_item *item = find(fw, fw->key);
    if (!length) return true;
    if (!item || !item->lent || fw->offset >= item->bytes || length > item->bytes - fw->offset) return false;
    if (!dma_read(&fw->master, physical, item->data + fw->offset, length)) return false;
    fw->offset += length;
    return true;
}

static bool carry_out(struct fw_cfg *fw, uint32_t control, uint32_t length, uint64_t address) {
    const uint8_t *bytes;
    if (control & DMA_SELECT) select_item(fw, control >> DMA_KEY_SHIFT);
    if (control & DMA_READ) return read_to(fw, address, length);
    if (control & DMA_WRITE) return write_from(fw, address, length);
    if (control & DMA_SKIP) (void)take(fw, length, &bytes);
    return true;
}

// The request lies at `physical`; its control field becomes 0, or DMA_ERROR.
static void transfer(struct fw_cfg *fw, uint64_t physical) {
    struct dma_request request;
    if (!dma_read(&fw->master, physical, &request, sizeof request)) return;
    bool done = carry_out(fw, __builtin_bswap32(request.control), __builtin_bswap32(request.length),
                          __builtin_bswap64(request.address));
    uint32_t result = __builtin_bswap32(done ? 0 : DMA_ERROR);
    (void)dma_write(&fw->master, physical, &result, sizeof result);
}

// --- registers ---
static uint64_t fw_cfg_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct fw_cfg *fw = chip;
    uint64_t value = 0;
    static const char signature[16] = "QEMU CFG"; // of 8 bytes; an access may begin at the last of them
    if (space == FW_CFG_DMA)
        memcpy(&value, &signature[offset & 7], size);
    else if (size == 1)
        value = next_byte(fw);
    return value;
}

static void fw_cfg_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct fw_cfg *fw = chip;
    if (space == FW_CFG_TRADITIONAL) {
        if (size == 2) select_item(fw, (uint32_t)value);
    } else if (size == 4 && offset == 0) {
        fw->dma_address = (uint64_t)__builtin_bswap32((uint32_t)value) << 32;
    } else if (size == 4) {
        uint64_t address = fw->dma_address | __builtin_bswap32((uint32_t)value);
        fw->dma_address = 0;
        transfer(fw, address);
    }
}

static void fw_cfg_reset(void *chip) {
    struct fw_cfg *fw = chip;
    select_item(fw, 0);
    fw->dma_address = 0;
}

const struct device fw_cfg_device = {
    .name = "fw_cfg", .read = fw_cfg_read, .write = fw_cfg_write, .reset = fw_cfg_reset, .state = &fw_cfg_state};
