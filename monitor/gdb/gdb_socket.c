// The gdb server's connection: one client at a time, bytes in and out.
#include "monitor/gdb/gdb_private.h"
#include <stdio.h>
#include <stdlib.h>

static struct gdb *new_gdb(const struct gdb_host *host) {
    struct gdb *gdb = calloc(1, sizeof *gdb);
    if (!gdb) return NULL;
    gdb->host = *host;
    gdb->server = SERVER_NONE;
    gdb_level_init(gdb);
    gdb_run_init(gdb);
    return gdb;
}

struct gdb *gdb_open(const char *where, const struct gdb_host *host, char *error, size_t error_size) {
    char why[200] = "not enough memory";
    struct gdb *gdb = new_gdb(host);
    if (gdb && server_open(&gdb->server, where, why, sizeof why)) return gdb;
    snprintf(error, error_size, "-gdb %s: %s", where, why);
    if (gdb) gdb_close(gdb);
    return NULL;
}

bool gdb_listen(struct gdb *gdb, char *error, size_t error_size) {
    return server_listen(&gdb->server, error, error_size);
}

unsigned gdb_port(const struct gdb *gdb) { return server_port(&gdb->server); }

struct gdb *gdb_open_connected(int fd, const struct gdb_host *host) {
    struct gdb *gdb = new_gdb(host);
    if (gdb) server_adopt(&gdb->server, fd);
    return gdb;
}

void gdb_close(struct gdb *gdb) {
    gdb_disconnect(gdb);
    server_close(&gdb->server);
    free(gdb->reply.bytes);
    free(gdb->sent.bytes);
    free(gdb->xml.bytes);
    free(gdb);
}

// --- a client ---

bool gdb_connected(const struct gdb *gdb) { return gdb->server.client >= 0; }

void gdb_disconnect(struct gdb *gdb) {
    gdb_points_remove_level(gdb, -1);
    if (gdb->attached) machine_remove_observer(gdb->host.machine, &gdb->exits);
    server_drop(&gdb->server);
    gdb->attached = gdb->interrupted = false;
    gdb->in_used = 0;
}

bool gdb_accept(struct gdb *gdb, int milliseconds) {
    if (!gdb_connected(gdb)) (void)server_wants(&gdb->server, milliseconds);
    return server_accept(&gdb->server);
}

bool gdb_asks(struct gdb *gdb) { return server_wants(&gdb->server, 0); }

bool gdb_receive(struct gdb *gdb, int milliseconds) {
    size_t got, room = sizeof gdb->in - gdb->in_used;
    bool good = server_receive(&gdb->server, gdb->in + gdb->in_used, room, milliseconds, &got);
    gdb->in_used += got;
    return good;
}

void gdb_send(struct gdb *gdb, const void *bytes, size_t count) {
    bool connected = gdb_connected(gdb);
    server_send(&gdb->server, bytes, count);
    if (connected && !gdb_connected(gdb)) gdb_disconnect(gdb);
}
