// A socket where a client may come in; see server.h.
#include "monitor/host/server.h"
#include "monitor/files/files.h"
#include "monitor/files/wait.h"
#include "monitor/host/parse.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SEND_MILLISECONDS = 10000 };

static void set_flags(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static bool failed(char *error, size_t size, const char *why) {
    snprintf(error, size, "%s", why);
    return false;
}

static bool cannot_listen(char *error, size_t size) {
    snprintf(error, size, "cannot listen there: %s%s", strerror(errno), files_advice(errno));
    return false;
}

// --- a place of its own ---

// A socket that nobody listens to any more, left behind by an earlier run, is in the way.
static void remove_stale(const struct sockaddr_un *address) {
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    if (probe >= 0) close(probe);
    if (!answered) unlink(address->sun_path);
}

static bool open_unix(struct server *server, const char *path, char *error, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path) return failed(error, size, "a path is missing behind unix:");
    if (strlen(path) >= sizeof address.sun_path)
        return failed(error, size,
                      "the path is too long for a socket, which may have 107 bytes; a shorter one is needed");
    strcpy(address.sun_path, path);
    remove_stale(&address);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server->path = strdup(path);
    return (server->listener >= 0 && server->path) || cannot_listen(error, size);
}

// The file of a socket is not there before clients may come: it is what they wait for.
static bool bind_unix(struct server *server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, server->path);
    return server->has_file = bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0;
}

static int bind_at(const struct addrinfo *a) {
    int on = 1, fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0) return fd;
    close(fd);
    return -1;
}

static bool open_tcp(struct server *server, const char *text, char *error, size_t size) {
    char host[256], *colon;
    snprintf(host, sizeof host, "%s", text);
    uint64_t port = 0;
    if (!(colon = strrchr(host, ':')) || !parse_number(colon + 1, &port) || port > UINT16_MAX)
        return failed(error, size, "write tcp:HOST:PORT or tcp::PORT, the port a number up to 65535");
    *colon = 0;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int why = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found);
    if (why) return failed(error, size, gai_strerror(why));
    errno = 0;
    for (const struct addrinfo *a = found; a && server->listener < 0; a = a->ai_next) server->listener = bind_at(a);
    freeaddrinfo(found);
    return server->listener >= 0 || cannot_listen(error, size);
}

unsigned server_port(const struct server *server) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (server->listener < 0 || getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) return 0;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port) : 0;
}

bool server_open(struct server *server, const char *where, char *error, size_t error_size) {
    bool good = false;
    *server = SERVER_NONE;
    if (strncmp(where, "unix:", 5) == 0)
        good = open_unix(server, where + 5, error, error_size);
    else if (strncmp(where, "tcp:", 4) == 0)
        good = open_tcp(server, where + 4, error, error_size);
    else
        failed(error, error_size, "write tcp:HOST:PORT, tcp::PORT or unix:PATH");
    if (good)
        set_flags(server->listener);
    else
        server_close(server);
    return good;
}

bool server_listen(struct server *server, char *error, size_t error_size) {
    bool has_place = !server->path || bind_unix(server);
    return (has_place && listen(server->listener, 1) == 0) || cannot_listen(error, error_size);
}

void server_close(struct server *server) {
    server_drop(server);
    if (server->listener >= 0) close(server->listener);
    if (server->has_file) unlink(server->path);
    free(server->path);
    *server = SERVER_NONE;
}

// --- a client ---

void server_adopt(struct server *server, int connected) {
    int on = 1;
    server->client = connected;
    if (connected < 0) return;
    set_flags(connected);
    setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool server_accept(struct server *server) {
    if (server->client < 0 && server->listener >= 0) server_adopt(server, accept(server->listener, NULL, NULL));
    return server->client >= 0;
}

void server_drop(struct server *server) {
    if (server->client >= 0) close(server->client);
    server->client = -1;
}

bool server_wants(const struct server *server, int milliseconds) {
    return wait_readable(server->client >= 0 ? server->client : server->listener, milliseconds);
}

bool server_receive(struct server *server, void *to, size_t room, int milliseconds, size_t *got) {
    *got = 0;
    if (server->client < 0) return false; // dropped, because it could not be written to
    if (!room || !wait_readable(server->client, milliseconds)) return true;
    ssize_t n = read(server->client, to, room);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    *got = (size_t)n;
    return n > 0;
}

void server_send(struct server *server, const void *bytes, size_t count) {
    const char *p = bytes;
    while (count && server->client >= 0) {
        ssize_t n = send(server->client, p, count, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            count -= (size_t)n;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_writable(server->client, SEND_MILLISECONDS)) {
            server_drop(server);
        }
    }
}
