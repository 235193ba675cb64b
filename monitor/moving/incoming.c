// Where a machine comes in; see incoming.h and migrate.h.
#include "monitor/moving/incoming.h"
#include "monitor/files/readable.h"
#include "monitor/files/sent.h"
#include "monitor/files/signals.h"
#include "monitor/host/server.h"
#include "monitor/jail/connect.h"
#include "monitor/moving/migrate.h"
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 200 };

static int await_client(const char *where, char *why, size_t size) {
    struct server server;
    if (!server_open(&server, where, why, size)) return -1;
    bool listens = server_listen(&server, why, size);
    while (listens && !server_accept(&server) && !signals_ending()) (void)server_wants(&server, WAIT_MS);
    if (listens && server.client < 0) snprintf(why, size, "a signal ended the wait");
    int client = server.client;
    server.client = -1;
    server_close(&server);
    return client;
}

struct readable *incoming_open(const char *where, int *reply, char *why, size_t size) {
    bool is_command = strncmp(where, "exec:", 5) == 0;
    int fd = is_command ? connect_from_command(where + 5, why, size) : await_client(where, why, size);
    struct readable *from = fd >= 0 ? readable_of(fd) : NULL;
    *reply = is_command ? -1 : fd;
    if (fd >= 0 && !from) snprintf(why, size, "not enough memory");
    return from;
}

bool incoming_agree(int reply, char *why, size_t size) {
    struct sent sent = {.fd = reply};
    if (reply < 0) return true;
    if (!sent_put(&sent, MIGRATE_HAVE, MIGRATE_WORD) ||
        !sent_answered(reply, MIGRATE_GO, MIGRATE_WORD, MIGRATE_GO_MS)) {
        snprintf(why, size, "all of it is here, but the other side has not given it away");
        return false;
    }
    (void)sent_put(&sent, MIGRATE_GONE, MIGRATE_WORD); // it is ours, whether or not they hear that
    return true;
}
