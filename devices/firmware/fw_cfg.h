// The firmware configuration device, as QEMU has it: docs/specs/fw_cfg.rst.
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H
#include "devices/bus/bus.h"
#include "devices/bus/dma.h"

#define FW_CFG_PORT 0x510
#define FW_CFG_DMA_PORT 0x514

enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_DIRECTORY = 0x19,
    FW_CFG_FILES = 0x20, // the first file's key
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

enum { FW_CFG_NAME = 56, FW_CFG_MOST_FILES = 0x1000 };
struct fw_cfg_item {
    uint16_t key;
    uint32_t bytes;
    uint8_t *data;
    void (*make)(void *owner); // before it is read; NULL: it is as it was added
    void *owner;
    bool lent; // the data are a device's, and the guest may write them
};

struct fw_cfg {
    uint16_t key;
    uint32_t offset;      // of the next byte of the selected item
    uint64_t dma_address; // the half that was written
    // wiring
    struct fw_cfg_item *item;
    unsigned items, capacity, files;
    bool failed; // an item could not be added: memory was short
    struct bus_master master;
};
enum fw_cfg_space { FW_CFG_TRADITIONAL, FW_CFG_DMA };
extern const struct device fw_cfg_device;

// What every machine has.
void fw_cfg_init(struct fw_cfg *fw, uint64_t ram_bytes, unsigned cpus, bool boot_menu);
void fw_cfg_free(struct fw_cfg *fw);
// A file of any size, whose bytes are copied; the directory is in the order of the names. NULL, or what is wrong with
// its name, in a few words.
const char *fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *bytes, uint32_t count);
// One that the guest may write by DMA: its bytes are the caller's, who has them in its state.
const char *fw_cfg_add_writable(struct fw_cfg *fw, const char *name, uint8_t *bytes, uint32_t count);
// One that is made when it is read, and follows from the state of the machine as it is then: its bytes, which are the
// device's. NULL: memory is short.
uint8_t *fw_cfg_add_made(struct fw_cfg *fw, const char *name, uint32_t count, void (*make)(void *owner), void *owner);

#endif
