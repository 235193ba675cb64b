// Memory for gdb: linear addresses of the level that the general thread is of, through its own paging and EPT.
#include "monitor/gdb/gdb_private.h"
#include <string.h>

enum { READ_BYTES = GDB_PACKET_BYTES / 2, CRC_BYTES = 1 << 28 }; // gdb asks for as much as a packet holds

static bool take_range(const char **text, uint64_t *address, uint64_t *length) {
    return gdb_take_hex(text, address) && gdb_take_char(text, ',') && gdb_take_hex(text, length) &&
           *length <= READ_BYTES;
}

// As much as can be read, from the first byte on: none is an error.
void gdb_answer_read_memory(struct gdb *gdb, const char *arguments) {
    uint8_t bytes[READ_BYTES];
    uint64_t address = 0, length = 0;
    uint32_t known;
    struct view view;
    if (!take_range(&arguments, &address, &length) || !gdb_view(gdb, gdb->general, &view, &known)) {
        gdb_error(gdb);
        return;
    }
    gdb_text_hex(&gdb->reply, bytes, view_read(&view, SPACE_LINEAR, address, bytes, length));
    if (!gdb->reply.used && length) gdb_error(gdb);
}

static void write_memory(struct gdb *gdb, uint64_t address, const void *bytes, uint64_t length) {
    uint32_t known;
    struct view view;
    if (length && !gdb_may_change(gdb)) return; // of no bytes it is a question whether the packet is known
    if (!gdb_view(gdb, gdb->general, &view, &known) || !view_write(&view, SPACE_LINEAR, address, bytes, length)) {
        gdb_error(gdb);
        return;
    }
    if (length && gdb->host.altered) gdb->host.altered(gdb->host.context);
    gdb_fine(gdb);
}

void gdb_answer_write_memory(struct gdb *gdb, const char *arguments) {
    uint8_t bytes[READ_BYTES];
    uint64_t address = 0, length = 0;
    if (take_range(&arguments, &address, &length) && gdb_take_char(&arguments, ':') &&
        gdb_take_bytes(&arguments, bytes, length))
        write_memory(gdb, address, bytes, length);
    else
        gdb_error(gdb);
}

void gdb_answer_write_binary(struct gdb *gdb, const char *arguments) {
    uint64_t address = 0, length = 0;
    bool good = gdb_take_hex(&arguments, &address) && gdb_take_char(&arguments, ',') &&
                gdb_take_hex(&arguments, &length) && gdb_take_char(&arguments, ':');
    size_t left = gdb->packet_bytes - (size_t)(arguments - gdb->packet);
    if (good && length == left)
        write_memory(gdb, address, arguments, length);
    else
        gdb_error(gdb);
}

// For compare-sections: CRC-32 with polynomial 04C11DB7H, bits in descending order, as gdb has it.
static uint32_t crc(uint32_t sum, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sum ^= (uint32_t)bytes[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
    }
    return sum;
}

void gdb_answer_crc(struct gdb *gdb, const char *arguments) {
    uint8_t bytes[READ_BYTES];
    uint64_t address = 0, length = 0;
    uint32_t known, sum = ~0u;
    struct view view;
    bool good = gdb_take_hex(&arguments, &address) && gdb_take_char(&arguments, ',') &&
                gdb_take_hex(&arguments, &length) && length <= CRC_BYTES && gdb_view(gdb, gdb->general, &view, &known);
    for (uint64_t n; good && length; address += n, length -= n) {
        n = length < sizeof bytes ? length : sizeof bytes;
        good = view_read(&view, SPACE_LINEAR, address, bytes, n) == n;
        sum = crc(sum, bytes, n);
    }
    if (good)
        gdb_text_print(&gdb->reply, "C%x", sum);
    else
        gdb_error(gdb);
}
