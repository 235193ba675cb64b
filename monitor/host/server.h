// A socket where a client may come in, one at a time: for gdb and for the monitor on a socket. Nobody else can make us
// wait: a client that does not read what it is sent is dropped.
#ifndef MONITOR_SERVER_H
#define MONITOR_SERVER_H
#include <stdbool.h>
#include <stddef.h>

struct server {
    int listener, client; // -1: none
    char *path;           // of a Unix socket, whose file goes when the server does
    bool has_file;        // it is there
};
#define SERVER_NONE ((struct server){.listener = -1, .client = -1})

// Takes "tcp:HOST:PORT", "tcp::PORT" (loopback, as always when no host is given) or "unix:PATH" as its place, which
// nobody else can have then. False, with what is wrong in `error`, when that is not possible.
bool server_open(struct server *server, const char *where, char *error, size_t error_size);
bool server_listen(struct server *server, char *error, size_t error_size); // from now on clients may come
// The TCP port that it got, whatever was asked for; 0: it has none.
unsigned server_port(const struct server *server);
void server_close(struct server *server); // drops the client too
// A connection that is there already.
void server_adopt(struct server *server, int connected);

// Whether there is a client, if need be the one that waits to come in.
bool server_accept(struct server *server);
void server_drop(struct server *server); // the client, if there is one
// Waits until the client, or without one somebody new, wants something. False: not within this time.
bool server_wants(const struct server *server, int milliseconds);
// Reads what is there, waiting at most so long for it; *got may be 0. False: the connection is gone.
bool server_receive(struct server *server, void *to, size_t room, int milliseconds, size_t *got);
void server_send(struct server *server, const void *bytes, size_t count);

#endif
