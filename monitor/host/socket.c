// The monitor on a socket; see socket.h.
#define _GNU_SOURCE // accept4
#include "monitor/host/socket.h"
#include "monitor/commands/drive.h"
#include "monitor/commands/prompt.h"
#include "monitor/host/status.h"
#include "monitor/host/terminal.h"
#include "monitor/commands/where.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 200 }; // between looks at whether the user wants to leave

// A socket that nobody listens to any more, left behind by an earlier run, is in the way.
static void remove_stale(const struct sockaddr_un *address) {
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    if (probe >= 0) close(probe);
    if (!answered) unlink(address->sun_path);
}

bool socket_open(struct monitor *monitor, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return complain("-monitor unix:%s: too long a path for a socket", path);
    strcpy(address.sun_path, path);
    remove_stale(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) {
        complain("-monitor unix:%s: cannot listen there: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return false;
    }
    monitor->listener = fd;
    return true;
}

static void drop_client(struct monitor *monitor) {
    close(monitor->client);
    monitor->client = -1;
}

void socket_close(struct monitor *monitor) {
    if (monitor->listener < 0) return;
    if (monitor->client >= 0) drop_client(monitor);
    close(monitor->listener);
    unlink(monitor->run->options->monitor_path);
    monitor->listener = -1;
}

static bool readable(int fd, int milliseconds) {
    struct pollfd input = {fd, POLLIN, 0};
    return poll(&input, 1, milliseconds) > 0;
}

bool socket_asks(struct monitor *monitor) {
    if (monitor->listener < 0) return false;
    if (monitor->client >= 0) return readable(monitor->client, 0);
    if (!readable(monitor->listener, 0)) return false;
    monitor->client = accept4(monitor->listener, NULL, NULL, SOCK_CLOEXEC);
    return monitor->client >= 0;
}

// The client may be gone: that is found out when it is read from.
static void write_client(void *context, const char *text, size_t bytes) {
    struct monitor *monitor = context;
    for (ssize_t wrote; bytes; text += wrote, bytes -= (size_t)wrote) {
        wrote = send(monitor->client, text, bytes, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR) wrote = 0;
        if (wrote < 0) return;
    }
}

static bool leaves(const struct monitor *monitor) {
    return monitor->leave || terminal_left() || terminal_signal() || monitor->run->over;
}

static void serve_lines(struct monitor *monitor) {
    char line[4096];
    while (!monitor->leave && !terminal_left() && !terminal_signal()) {
        print(monitor, "%s", prompt_now(monitor));
        output_flush(&monitor->output);
        while (!leaves(monitor) && !readable(monitor->client, WAIT_MS)) continue;
        if (!prompt_read_line(monitor->client, line, sizeof line)) break;
        prompt_line(monitor, line);
    }
}

bool socket_serve(struct monitor *monitor, bool wait) {
    struct output before = monitor->output;
    while (wait && monitor->client < 0 && !leaves(monitor) && !socket_asks(monitor)) terminal_wait(WAIT_MS);
    if (monitor->client < 0) return false;
    monitor->output = (struct output){.write = write_client, .context = monitor};
    drive_follow(monitor);
    where_print(monitor);
    serve_lines(monitor);
    output_flush(&monitor->output);
    output_free(&monitor->output);
    monitor->output = before;
    drop_client(monitor);
    return true;
}
