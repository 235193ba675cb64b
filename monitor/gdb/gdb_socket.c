// The gdb server's connection: a listening socket, one client at a time, bytes in and out. Nobody else can make us
// wait: a client that does not read what it is sent is dropped.
#include "monitor/gdb/gdb_private.h"
#include "monitor/host/parse.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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

static bool failed(char *error, size_t size, const char *where, const char *why) {
    snprintf(error, size, "-gdb %s: %s", where, why);
    return false;
}

// --- listening ---

static bool listen_unix(struct gdb *gdb, const char *where, const char *path, char *error, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat old;
    if (strlen(path) >= sizeof address.sun_path) return failed(error, size, where, "the path is too long for a socket");
    strcpy(address.sun_path, path);
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode)) unlink(path);
    gdb->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (gdb->listener < 0 || bind(gdb->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(gdb->listener, 1) < 0)
        return failed(error, size, where, strerror(errno));
    gdb->path = strdup(path);
    return true;
}

static int listen_at(const struct addrinfo *a) {
    int on = 1, fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0) return fd;
    close(fd);
    return -1;
}

static bool listen_tcp(struct gdb *gdb, const char *where, const char *text, char *error, size_t size) {
    char host[256], *colon;
    snprintf(host, sizeof host, "%s", text);
    uint64_t port = 0;
    if (!(colon = strrchr(host, ':')) || !parse_number(colon + 1, &port) || port > UINT16_MAX)
        return failed(error, size, where, "write tcp:HOST:PORT or tcp::PORT, the port a number up to 65535");
    *colon = 0;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int why = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found);
    if (why) return failed(error, size, where, gai_strerror(why));
    errno = 0;
    for (const struct addrinfo *a = found; a && gdb->listener < 0; a = a->ai_next) gdb->listener = listen_at(a);
    freeaddrinfo(found);
    return gdb->listener >= 0 || failed(error, size, where, strerror(errno));
}

static struct gdb *new_gdb(const struct gdb_host *host) {
    struct gdb *gdb = calloc(1, sizeof *gdb);
    if (!gdb) return NULL;
    gdb->host = *host;
    gdb->listener = gdb->fd = -1;
    gdb_level_init(gdb);
    gdb_run_init(gdb);
    return gdb;
}

struct gdb *gdb_open(const char *where, const struct gdb_host *host, char *error, size_t error_size) {
    struct gdb *gdb = new_gdb(host);
    bool good = false;
    if (!gdb)
        failed(error, error_size, where, "not enough memory");
    else if (strncmp(where, "unix:", 5) == 0)
        good = listen_unix(gdb, where, where + 5, error, error_size);
    else if (strncmp(where, "tcp:", 4) == 0)
        good = listen_tcp(gdb, where, where + 4, error, error_size);
    else
        failed(error, error_size, where, "write tcp:HOST:PORT, tcp::PORT or unix:PATH");
    if (good) {
        set_flags(gdb->listener);
        return gdb;
    }
    if (gdb) gdb_close(gdb);
    return NULL;
}

struct gdb *gdb_open_connected(int fd, const struct gdb_host *host) {
    struct gdb *gdb = new_gdb(host);
    if (!gdb) return NULL;
    gdb->fd = fd;
    set_flags(fd);
    return gdb;
}

void gdb_close(struct gdb *gdb) {
    gdb_disconnect(gdb);
    if (gdb->listener >= 0) close(gdb->listener);
    if (gdb->path) unlink(gdb->path);
    free(gdb->path);
    free(gdb->reply.bytes);
    free(gdb->sent.bytes);
    free(gdb->xml.bytes);
    free(gdb);
}

// --- a client ---

bool gdb_connected(const struct gdb *gdb) { return gdb->fd >= 0; }

void gdb_disconnect(struct gdb *gdb) {
    gdb_points_remove_level(gdb, -1);
    if (gdb->attached) machine_remove_observer(gdb->host.machine, &gdb->exits);
    if (gdb->fd >= 0) close(gdb->fd);
    gdb->fd = -1;
    gdb->attached = gdb->interrupted = false;
    gdb->in_used = 0;
}

bool gdb_accept(struct gdb *gdb) {
    int on = 1;
    if (gdb->fd >= 0) return true;
    if (gdb->listener < 0) return false;
    gdb->fd = accept(gdb->listener, NULL, NULL);
    if (gdb->fd < 0) return false;
    set_flags(gdb->fd);
    setsockopt(gdb->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

int gdb_descriptor(const struct gdb *gdb) { return gdb->fd >= 0 ? gdb->fd : gdb->listener; }

static bool ready(int fd, short events, int milliseconds) {
    struct pollfd poller = {.fd = fd, .events = events};
    return fd >= 0 && poll(&poller, 1, milliseconds) > 0;
}

bool gdb_asks(struct gdb *gdb) { return ready(gdb_descriptor(gdb), POLLIN, 0); }

bool gdb_receive(struct gdb *gdb, int milliseconds) {
    if (!ready(gdb->fd, POLLIN, milliseconds)) return true;
    size_t room = sizeof gdb->in - gdb->in_used;
    if (!room) return true;
    ssize_t n = read(gdb->fd, gdb->in + gdb->in_used, room);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    gdb->in_used += (size_t)n;
    return n > 0;
}

void gdb_send(struct gdb *gdb, const void *bytes, size_t count) {
    const char *p = bytes;
    while (count && gdb->fd >= 0) {
        ssize_t n = send(gdb->fd, p, count, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            count -= (size_t)n;
        } else if ((errno != EAGAIN && errno != EINTR) || !ready(gdb->fd, POLLOUT, SEND_MILLISECONDS)) {
            gdb_disconnect(gdb);
        }
    }
}
