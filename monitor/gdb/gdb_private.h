// Inside the gdb server. The protocol: "Debugging with GDB", appendix E.
#ifndef MONITOR_GDB_PRIVATE_H
#define MONITOR_GDB_PRIVATE_H
#include "cpu/watch/observe.h"
#include "devices/machine/machine_observe.h"
#include "monitor/gdb/gdb.h"
#include "monitor/expression/look.h"
#include "monitor/host/server.h"

enum {
    GDB_PACKET_BYTES = 1 << 15,
    GDB_LEVELS = 16,
    GDB_POINTS = 1024, // breakpoints and watchpoints at most
    GDB_SIGNAL_INT = 2,
    GDB_SIGNAL_TRAP = 5,
};

// A text that grows. When memory is short it stays as it is, and says so.
struct gdb_text {
    char *bytes;
    size_t used, room;
    bool broken;
};
void gdb_text_add(struct gdb_text *text, const void *bytes, size_t count);
void gdb_text_print(struct gdb_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gdb_text_hex(struct gdb_text *text, const void *bytes, size_t count);

struct gdb_thread {
    unsigned level, cpu;
};

struct gdb_point {
    struct point point;
    struct gdb *gdb;
    unsigned level, kind; // kind: of the Z packet, 0 to 4
    struct gdb_point *next;
};

// General registers of a guest as it was left, by its VMCS.
struct gdb_saved {
    uint64_t vmcs;
    unsigned cpu;
    bool used;
    uint64_t gpr[16], cr2;
};

struct gdb {
    struct gdb_host host;
    struct server server;

    // connection
    uint8_t in[GDB_PACKET_BYTES + 8];
    size_t in_used;
    char packet[GDB_PACKET_BYTES + 1];
    size_t packet_bytes;
    struct gdb_text reply, sent; // sent: the last packet, until it is acknowledged
    bool no_ack, multiprocess, swbreak, hwbreak;
    bool attached;             // to be served; false: detached, the guest runs
    bool interrupted;          // ^C has come in
    bool over;                 // the run is; gdb was told, or will be
    bool released;             // gdb lets the guest run by itself
    bool answered;             // the reply has been sent
    uint32_t taken;            // the processes that gdb is attached to: bit level
    struct gdb_thread general; // of register, memory and breakpoint packets
    struct gdb_thread resumed; // of the packets s and c
    struct gdb_thread stopped; // where the machine stopped last
    char stop_reason[64];      // of the stop reply: "swbreak:;", "watch:1000;"
    char kept_reason[64];      // of the last stop that was gone through on the way back
    struct gdb_text xml;       // the document that qXfer is reading

    // levels
    struct gdb_saved saved[64];
    unsigned next_saved;
    struct observer exits; // records general registers

    // running
    struct gdb_point *points;
    unsigned point_count;
    struct gdb_thread stepping;
    struct observer stepper;
};

// --- gdb_socket.c: bytes ---
bool gdb_connected(const struct gdb *gdb);
void gdb_disconnect(struct gdb *gdb);
bool gdb_accept(struct gdb *gdb, int milliseconds); // waits at most so long for one
// Reads what is there, waiting at most so long for it. False: the connection is gone.
bool gdb_receive(struct gdb *gdb, int milliseconds);
void gdb_send(struct gdb *gdb, const void *bytes, size_t count);

// --- gdb_packet.c: packets ---
enum gdb_arrived { GDB_NOTHING, GDB_PACKET, GDB_INTERRUPT };
enum gdb_arrived gdb_next_packet(struct gdb *gdb); // out of what was received; the packet is in gdb->packet
// Sends gdb->reply as a packet, and empties it.
void gdb_send_reply(struct gdb *gdb);

// --- parsing, in gdb_packet.c ---
// Each moves *text on past what it took. False: there is nothing of that kind.
bool gdb_take_hex(const char **text, uint64_t *value);
bool gdb_take_char(const char **text, char c);
bool gdb_take_bytes(const char **text, uint8_t *bytes, size_t count); // two hexadecimal digits each

// --- gdb_answer.c, and what its rows name: each fills the reply, which may stay empty ("not supported") ---
void gdb_error(struct gdb *gdb);                          // "E01"
void gdb_error_because(struct gdb *gdb, const char *why); // "E.why", which gdb prints
bool gdb_may_change(struct gdb *gdb);                     // else the answer says why not
void gdb_fine(struct gdb *gdb);                           // "OK"
void gdb_tell(void *gdb, const char *text, size_t bytes); // gdb prints it; while it waits for an answer
typedef void gdb_answer_fn(struct gdb *gdb, const char *arguments);
#define ANSWER(beginning, function, text) gdb_answer_fn gdb_answer_##function;
#include "monitor/gdb/gdb_answer.def"
#undef ANSWER

// --- gdb_thread.c ---
bool gdb_take_thread(const struct gdb *gdb, const char **text, struct gdb_thread *thread, bool *any);
void gdb_print_thread(struct gdb *gdb, struct gdb_text *text, struct gdb_thread thread);
bool gdb_thread_exists(const struct gdb *gdb, struct gdb_thread thread);
bool gdb_has_taken(const struct gdb *gdb, unsigned level);
// The machine stands where this processor is; gdb is told of a level that it knows.
void gdb_stopped_at(struct gdb *gdb, unsigned cpu);
const struct cpu *gdb_cpu(const struct gdb *gdb, struct gdb_thread thread);
void gdb_xml_threads(struct gdb *gdb, struct gdb_text *text);

// --- gdb_level.c: the state of a level ---
enum gdb_source { GDB_LIVE, GDB_GUEST_AREA, GDB_HOST_AREA, GDB_ABSENT };
enum gdb_source gdb_source(const struct gdb *gdb, struct gdb_thread thread, uint64_t *vmcs);
const struct gdb_saved *gdb_saved_of(const struct gdb *gdb, unsigned cpu, uint64_t vmcs);
void gdb_level_init(struct gdb *gdb);
// `known`: bit n: general register n is what the level has. False: nothing has run there.
bool gdb_view(const struct gdb *gdb, struct gdb_thread thread, struct view *view, uint32_t *known);

// --- gdb_register.c: rows of gdb_register.def ---
enum gdb_part { GDB_CORE, GDB_SSE, GDB_SEGMENTS, GDB_SYSTEM, GDB_PARTS };
enum gdb_where { FROM_GPR, FROM_VIEW, FROM_SHARED, FROM_OWN, FROM_STACK, FROM_TAGS, FROM_CR2 };
struct gdb_row {
    enum gdb_part part;
    const char *name, *type;
    unsigned bits;
    const char *group;
    enum gdb_where from;
    unsigned at, bytes; // offset and size of a member; number of a register
};
bool gdb_row_at(unsigned number, struct gdb_row *row);
enum { GDB_VALUE_BYTES = 16, GDB_GENERAL_ROWS = 40 + 17 + 2 }; // those of the g packet
// A level, looked at once for several registers.
struct gdb_look {
    struct gdb_thread thread;
    const struct cpu *cpu;
    struct view view;
    uint32_t known;
    bool there;
};
void gdb_look_at(const struct gdb *gdb, struct gdb_thread thread, struct gdb_look *look);
// False: the level does not have it, or not now.
bool gdb_register_read(const struct gdb_look *look, const struct gdb_row *row, uint8_t *value);
void gdb_xml_target(const struct gdb *gdb, struct gdb_text *text);

// --- gdb_vmcs.c: the register after these, which is a VMCS ---
unsigned gdb_vmcs_number(void);
void gdb_xml_vmcs(const struct gdb *gdb, struct gdb_text *text);
void gdb_print_vmcs(struct gdb *gdb, struct gdb_thread thread);
// Writes the fields that differ. False: `why`, or "" when the text is not a VMCS.
bool gdb_write_vmcs(struct gdb *gdb, const struct gdb_look *look, const char *text, char *why, size_t size);

// --- gdb_run.c ---
void gdb_points_remove_level(struct gdb *gdb, int level); // -1: all
void gdb_run_init(struct gdb *gdb);
void gdb_moved(struct gdb *gdb); // the machine stands somewhere else in its past now
// Lets the machine run until something stops it, and makes the stop reply.
void gdb_resume(struct gdb *gdb, const struct gdb_thread *step, uint64_t start, uint64_t end);
void gdb_stop_reply(struct gdb *gdb, unsigned signal);

#endif
