// Memory for gdb: linear addresses of the level that the general thread is of, through its own paging and EPT.
#include "monitor/gdb_private.h"
#include <string.h>

enum { READ_BYTES = GDB_PACKET_BYTES / 2 - 8, PAGE = 4096 };

static bool take_range(const char **text, uint64_t *address, uint64_t *length) {
    return gdb_take_hex(text, address) && gdb_take_char(text, ',') && gdb_take_hex(text, length) &&
           *length <= READ_BYTES;
}

// As much as can be read, from the first byte on: none is an error.
void gdb_answer_read_memory(struct gdb *gdb, const char *arguments) {
    uint8_t bytes[PAGE];
    uint64_t address = 0, length = 0;
    struct peek_roots roots;
    if (!take_range(&arguments, &address, &length) || !gdb_roots(gdb, gdb->general, &roots)) {
        gdb_error(gdb);
        return;
    }
    for (uint64_t n; length; address += n, length -= n) {
        uint64_t room = PAGE - address % PAGE;
        n = length < room ? length : room;
        if (!machine_read_through(gdb->host.machine, &roots, address, bytes, n)) break;
        gdb_text_hex(&gdb->reply, bytes, n);
    }
    if (!gdb->reply.used && length) gdb_error(gdb);
}

static void write_memory(struct gdb *gdb, uint64_t address, const void *bytes, uint64_t length) {
    struct peek_roots roots;
    if (!gdb_roots(gdb, gdb->general, &roots) ||
        !machine_write_through(gdb->host.machine, &roots, address, bytes, length)) {
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
