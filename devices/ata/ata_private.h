// What the files of the command layer share.
#ifndef DEVICES_ATA_PRIVATE_H
#define DEVICES_ATA_PRIVATE_H
#include "devices/ata/ata.h"

// --- ends of a command: ata.c ---
void ata_done(struct ata *ata);
void ata_fail(struct ata *ata, uint8_t error);
void ata_idle(struct ata *ata); // no transfer; the timer does not run
void ata_signature(struct ata *ata);

// --- transfers: transfer.c. The command goes on by itself from here. ---
void ata_send(struct ata *ata, uint32_t bytes, uint32_t block); // from the buffer, by PIO or with `dma`
void ata_receive(struct ata *ata, uint32_t bytes);              // into the buffer, then ata_received
void ata_move(struct ata *ata, enum ata_source source, bool write, uint64_t at, uint64_t bytes, uint32_t block);
void ata_work(struct ata *ata, bool first);           // on the next piece; the first one costs the request's time too
void ata_end_after(struct ata *ata, uint64_t cycles); // BSY until then
void ata_timer(void *ata);
void ata_ask_packet(struct ata *ata);

// --- bodies ---
void ata_received(struct ata *ata); // data that ata_receive asked for are there: command.c
void ata_identify(const struct ata *ata, uint8_t *data);
bool ata_has_mode(uint8_t mode); // of SET FEATURES
uint64_t ata_sectors(const struct ata *ata);
uint64_t ata_sector_48(const struct ata *ata);
bool ata_log_page(struct ata *ata, unsigned log, unsigned page, uint8_t *data);
void ata_queue_moved(struct ata *ata); // its data have been moved
void ata_queue_clear(struct ata *ata);

// --- of packet devices ---
void packet_begin(struct ata *ata);
void packet_received(struct ata *ata);
void packet_end(struct ata *ata);                               // the last byte was moved
void packet_block(struct ata *ata);                             // the registers say how many bytes come
void packet_fill(struct ata *ata, uint8_t *to, uint32_t bytes); // of the disc, from `at` on
void packet_power_on(struct ata *ata);
bool packet_is_locked(const void *device);
void packet_hand(void *device, enum drive_hand what); // somebody does something to the tray

static inline void ata_put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}
static inline void ata_put_big(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}
static inline uint64_t ata_get_big(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value = value << 8 | at[i];
    return value;
}

#endif
