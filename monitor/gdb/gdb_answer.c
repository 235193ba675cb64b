// What the gdb server answers to each packet: the rows of gdb_answer.def; and the serving of a client from its arrival
// on.
#include "monitor/gdb/gdb_private.h"
#include <stdio.h>
#include <string.h>

enum { WAIT_MILLISECONDS = 200 }; // between looks at whether the user wants to leave

void gdb_error(struct gdb *gdb) {
    gdb->reply.used = 0;
    gdb_text_add(&gdb->reply, "E01", 3);
}
void gdb_error_because(struct gdb *gdb, const char *why) {
    gdb->reply.used = 0;
    gdb_text_add(&gdb->reply, "E.", 2);
    for (; *why; why++)
        if (!strchr("#$*}", *why)) gdb_text_add(&gdb->reply, why, 1); // gdb takes no escapes here
}
void gdb_fine(struct gdb *gdb) { gdb_text_add(&gdb->reply, "OK", 2); }

// --- small answers ---

void gdb_answer_why(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_stop_reply(gdb, GDB_SIGNAL_TRAP);
}
void gdb_answer_extended(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_fine(gdb);
}
// --- processes: gdb has process 1 from the start, and attaches to others, whether or not anything has run there ---

static bool take_process(const char **text, unsigned *level) {
    uint64_t process = 0;
    if (!gdb_take_hex(text, &process) || process == 0 || process > GDB_LEVELS) return false;
    *level = (unsigned)process - 1;
    return true;
}

void gdb_answer_attach(struct gdb *gdb, const char *arguments) {
    unsigned level = 0;
    if (!take_process(&arguments, &level) || *arguments) {
        gdb_error(gdb);
        return;
    }
    gdb->taken |= 1u << level;
    gdb->stopped.level = level;
    gdb->general = gdb->stopped;
    gdb->stop_reason[0] = 0;
    gdb_stop_reply(gdb, GDB_SIGNAL_TRAP);
}

// The guest runs on when gdb has let go of every process.
void gdb_answer_detach(struct gdb *gdb, const char *arguments) {
    unsigned level = 0;
    bool one = gdb_take_char(&arguments, ';');
    if ((one && !take_process(&arguments, &level)) || *arguments) {
        gdb_error(gdb);
        return;
    }
    gdb->taken &= one ? ~(1u << level) : 0;
    gdb_points_remove_level(gdb, one ? (int)level : -1);
    gdb->released = gdb->taken == 0;
    gdb_stopped_at(gdb, gdb->stopped.cpu);
    gdb_fine(gdb);
}

static void kill_all(struct gdb *gdb) {
    gdb->taken = 0;
    gdb->over = gdb->released = true;
    gdb->host.kill(gdb->host.context);
}

void gdb_answer_kill(struct gdb *gdb, const char *arguments) {
    if (*arguments) return; // another packet that begins so
    gdb_fine(gdb);
    kill_all(gdb);
}

// gdb goes on talking of its other processes, and kills each: the run ends with the last one.
void gdb_answer_kill_process(struct gdb *gdb, const char *arguments) {
    unsigned level = 0;
    if (!take_process(&arguments, &level) || *arguments) {
        gdb_error(gdb);
        return;
    }
    gdb->taken &= ~(1u << level);
    gdb_fine(gdb);
    if (!gdb->taken) {
        kill_all(gdb);
        return;
    }
    gdb_points_remove_level(gdb, (int)level);
    gdb_stopped_at(gdb, gdb->stopped.cpu);
}

// --- all of them ---

struct row {
    const char *beginning;
    gdb_answer_fn *answer;
};
static const struct row rows[] = {
#define ANSWER(beginning, function, text) {beginning, gdb_answer_##function},
#include "monitor/gdb/gdb_answer.def"
#undef ANSWER
};

static const struct row *row_of(const char *packet) {
    const struct row *best = NULL;
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof rows[0]; r++) {
        bool fits = strncmp(packet, r->beginning, strlen(r->beginning)) == 0;
        if (fits && (!best || strlen(r->beginning) > strlen(best->beginning))) best = r;
    }
    return best;
}

// An empty answer says that the packet is not supported.
static void answer(struct gdb *gdb) {
    const struct row *row = row_of(gdb->packet);
    gdb->reply.used = 0;
    gdb->answered = false;
    if (row) row->answer(gdb, gdb->packet + strlen(row->beginning));
    if (!gdb->answered && gdb_connected(gdb)) gdb_send_reply(gdb);
}

// --- a client, from its arrival on ---

static void begin(struct gdb *gdb) {
    gdb->attached = true;
    gdb->no_ack = gdb->multiprocess = gdb->swbreak = gdb->hwbreak = gdb->released = gdb->interrupted = false;
    gdb->taken = 1;
    gdb->stop_reason[0] = 0;
    machine_add_observer(gdb->host.machine, &gdb->exits);
    gdb_stopped_at(gdb, machine_turn(gdb->host.machine));
    gdb->general = gdb->stopped;
}

static bool leaves(const struct gdb *gdb) { return gdb->host.leave && gdb->host.leave(gdb->host.context); }

static bool wait_for_client(struct gdb *gdb, bool wait) {
    while (!gdb_accept(gdb, wait ? WAIT_MILLISECONDS : 0))
        if (!wait || leaves(gdb)) return false;
    return true;
}

void gdb_serve(struct gdb *gdb, bool wait) {
    if (!wait_for_client(gdb, wait)) return;
    if (!gdb->attached) begin(gdb);
    gdb->released = false;
    while (gdb_connected(gdb) && !gdb->released && !leaves(gdb)) {
        enum gdb_arrived arrived = gdb_next_packet(gdb);
        if (arrived == GDB_PACKET)
            answer(gdb);
        else if (arrived == GDB_NOTHING && !gdb_receive(gdb, WAIT_MILLISECONDS))
            gdb_disconnect(gdb);
    }
    machine_pass_points(gdb->host.machine, gdb->stopped.cpu);
}
