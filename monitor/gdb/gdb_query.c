// Questions of gdb: what the server can do, documents (registers, threads, memory), the monitor's commands.
#include "devices/machine/machine_input.h"
#include "monitor/gdb/gdb_private.h"
#include <stdio.h>
#include <string.h>

void gdb_answer_current(struct gdb *gdb, const char *arguments) {
    if (*arguments) return; // another packet that begins so
    gdb_text_print(&gdb->reply, "QC");
    gdb_print_thread(gdb, &gdb->reply, gdb->stopped);
}
void gdb_answer_attached(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_text_print(&gdb->reply, "1");
}
void gdb_answer_symbol(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_fine(gdb);
}
void gdb_answer_no_ack(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_fine(gdb);
    gdb_send_reply(gdb);
    gdb->no_ack = true;
    gdb->answered = true;
}

void gdb_answer_supported(struct gdb *gdb, const char *arguments) {
    gdb->multiprocess = strstr(arguments, "multiprocess+");
    gdb->swbreak = strstr(arguments, "swbreak+");
    gdb->hwbreak = strstr(arguments, "hwbreak+");
    gdb_text_print(&gdb->reply,
                   "PacketSize=%x;multiprocess+;swbreak+;hwbreak+;vContSupported+;QStartNoAckMode+;"
                   "qXfer:features:read+;qXfer:threads:read+;qXfer:memory-map:read+%s",
                   GDB_PACKET_BYTES, gdb->host.back ? ";ReverseStep+;ReverseContinue+" : "");
}

// --- commands of the monitor ---

void gdb_tell(void *to, const char *text, size_t bytes) {
    enum { PIECE = 4000 };
    struct gdb *gdb = to;
    for (size_t n; bytes; text += n, bytes -= n) {
        n = bytes < PIECE ? bytes : PIECE;
        gdb->reply.used = 0;
        gdb_text_add(&gdb->reply, "O", 1);
        gdb_text_hex(&gdb->reply, text, n);
        gdb_send_reply(gdb);
    }
}

// The guest stands somewhere else in its past now. gdb keeps registers and memory that it has read until it resumes.
static void tell_moved(struct gdb *gdb) {
    static const char text[] = "(gdb shows where it was until: maintenance flush register-cache)\n";
    gdb->over = false;
    gdb_moved(gdb);
    gdb_tell(gdb, text, sizeof text - 1);
}

void gdb_answer_command(struct gdb *gdb, const char *arguments) {
    static const char none[] = "There are no commands here.\n";
    char line[2048];
    size_t n = strlen(arguments) / 2;
    if (n >= sizeof line || !gdb_take_bytes(&arguments, (uint8_t *)line, n) || *arguments) {
        gdb_error(gdb);
        return;
    }
    line[n] = 0;
    struct position before, after;
    machine_position(gdb->host.machine, &before);
    if (gdb->host.command)
        gdb->host.command(gdb->host.context, line, gdb_tell, gdb);
    else
        gdb_tell(gdb, none, sizeof none - 1);
    machine_position(gdb->host.machine, &after);
    if (!position_same(&before, &after)) tell_moved(gdb);
    gdb_fine(gdb);
}

// --- documents, a piece at a time ---

static void xml_piece(struct gdb *gdb, const char *arguments, void (*make)(struct gdb *gdb, struct gdb_text *text)) {
    uint64_t offset = 0, length = 0;
    if (!gdb_take_hex(&arguments, &offset) || !gdb_take_char(&arguments, ',') || !gdb_take_hex(&arguments, &length)) {
        gdb_error(gdb);
        return;
    }
    if (offset == 0) {
        gdb->xml.used = 0;
        make(gdb, &gdb->xml);
    }
    if (offset > gdb->xml.used) offset = gdb->xml.used;
    if (length > GDB_PACKET_BYTES / 2) length = GDB_PACKET_BYTES / 2;
    size_t left = gdb->xml.used - offset, n = left < length ? left : length;
    gdb_text_add(&gdb->reply, n == left ? "l" : "m", 1);
    if (n) gdb_text_add(&gdb->reply, gdb->xml.bytes + offset, n);
}

static void make_target(struct gdb *gdb, struct gdb_text *text) { gdb_xml_target(gdb, text); }
// Linear addresses: what is mapped changes all the time, and gdb asks once. So everything may be memory.
static void make_memory(struct gdb *gdb, struct gdb_text *text) {
    (void)gdb;
    gdb_text_print(
        text, "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
              "\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n");
    for (unsigned half = 0; half < 2; half++)
        gdb_text_print(text, "  <memory type=\"ram\" start=\"0x%llx\" length=\"0x8000000000000000\"/>\n",
                       (unsigned long long)half << 63);
    gdb_text_print(text, "</memory-map>\n");
}
void gdb_answer_xml_target(struct gdb *gdb, const char *arguments) { xml_piece(gdb, arguments, make_target); }
void gdb_answer_xml_threads(struct gdb *gdb, const char *arguments) { xml_piece(gdb, arguments, gdb_xml_threads); }
void gdb_answer_xml_memory(struct gdb *gdb, const char *arguments) { xml_piece(gdb, arguments, make_memory); }
