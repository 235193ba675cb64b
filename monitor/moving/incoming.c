// Where a machine comes in; see incoming.h and migrate.h.
#include "monitor/moving/incoming.h"
#include "monitor/files/readable.h"
#include "monitor/files/sent.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include "monitor/jail/connect.h"
#include "monitor/moving/migrate.h"
#include <stdio.h>
#include <string.h>

enum {
    WAIT_MS = 200,
    LOOK_MS = 10,
    PATIENCE_MS = 10000, // who came and is silent for so long makes room for others
};

bool incoming_begin(struct incoming *in, const char *where, char *why, size_t size) {
    *in = (struct incoming){.is_command = strncmp(where, "exec:", 5) == 0, .server = SERVER_NONE, .reply = -1};
    if (!in->is_command) return server_open(&in->server, where, why, size) && server_listen(&in->server, why, size);
    in->server.client = connect_from_command(where + 5, &in->pid, why, size);
    return in->server.client >= 0;
}

struct readable *incoming_next(struct incoming *in, char *why, size_t size) {
    while (!in->is_command && !server_accept(&in->server) && !signals_ending())
        (void)server_wants(&in->server, WAIT_MS);
    int fd = in->server.client;
    struct readable *from = fd >= 0 ? readable_of(fd, in->is_command ? -1 : PATIENCE_MS) : NULL;
    if (from) in->server.client = -1; // it is closed with what reads it
    in->reply = in->is_command ? -1 : fd;
    if (!from) snprintf(why, size, fd < 0 ? "a signal ended the wait" : "not enough memory");
    return from;
}

// Nothing follows the machine, as its end was read; so the command has closed its output, and ends.
static bool command_agrees(struct incoming *in, char *why, size_t size) {
    int status = 0;
    while (!connect_command_ended(in->pid, &status)) {
        if (signals_ending()) {
            snprintf(why, size, "a signal ended the wait for the command");
            return false;
        }
        wait_pass(LOOK_MS);
    }
    if (status) snprintf(why, size, "the command has ended with status %d", status);
    return !status;
}

bool incoming_agree(struct incoming *in, char *why, size_t size) {
    struct sent sent = {.fd = in->reply};
    if (in->is_command) return command_agrees(in, why, size);
    if (!sent_put(&sent, MIGRATE_HAVE, MIGRATE_WORD) ||
        !sent_answered(in->reply, MIGRATE_GO, MIGRATE_WORD, MIGRATE_GO_MS)) {
        snprintf(why, size, "all of it is here, but the other side has not given it away");
        return false;
    }
    (void)sent_put(&sent, MIGRATE_GONE, MIGRATE_WORD); // it is ours, whether or not they hear that
    return true;
}

bool incoming_goes_on(const struct incoming *in) { return in->server.listener >= 0 && !signals_ending(); }

void incoming_end(struct incoming *in) { server_close(&in->server); }
