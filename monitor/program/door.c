// The monitor on a socket; see door.h.
#define _GNU_SOURCE // accept4
#include "monitor/program/door.h"
#include "monitor/drive/drive.h"
#include "monitor/commands/prompt.h"
#include "monitor/host/status.h"
#include "monitor/host/terminal.h"
#include "monitor/show/where.h"
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

bool door_open(struct monitor *monitor, const char *path) {
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
    monitor->door.listener = fd;
    return true;
}

static void drop_client(struct monitor *monitor) {
    close(monitor->door.client);
    monitor->door.client = -1;
}

void door_close(struct monitor *monitor) {
    if (monitor->door.listener < 0) return;
    if (monitor->door.client >= 0) drop_client(monitor);
    close(monitor->door.listener);
    unlink(monitor->run->options->monitor_path);
    monitor->door.listener = -1;
}

static bool readable(int fd, int milliseconds) {
    struct pollfd input = {fd, POLLIN, 0};
    return poll(&input, 1, milliseconds) > 0;
}

bool door_asks(struct monitor *monitor) {
    if (monitor->door.listener < 0) return false;
    if (monitor->door.client >= 0) return readable(monitor->door.client, 0);
    if (!readable(monitor->door.listener, 0)) return false;
    monitor->door.client = accept4(monitor->door.listener, NULL, NULL, SOCK_CLOEXEC);
    return monitor->door.client >= 0;
}

// The client may be gone: that is found out when it is read from.
static void write_client(void *context, const char *text, size_t bytes) {
    struct monitor *monitor = context;
    for (ssize_t wrote; bytes; text += wrote, bytes -= (size_t)wrote) {
        wrote = send(monitor->door.client, text, bytes, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR) wrote = 0;
        if (wrote < 0) return;
    }
}

static bool leaves(const struct monitor *monitor) {
    return monitor->prompt.leave || terminal_left() || terminal_signal() || monitor->run->over;
}

static void serve_lines(struct monitor *monitor) {
    char line[4096];
    while (!monitor->prompt.leave && !terminal_left() && !terminal_signal()) {
        print(monitor, "%s", prompt_now(monitor));
        output_flush(monitor->output);
        while (!leaves(monitor) && !readable(monitor->door.client, WAIT_MS)) continue;
        if (!prompt_read_line(monitor->door.client, line, sizeof line)) break;
        prompt_line(monitor, line);
    }
}

bool door_serve(struct monitor *monitor, bool wait) {
    while (wait && monitor->door.client < 0 && !leaves(monitor) && !door_asks(monitor)) terminal_wait(WAIT_MS);
    if (monitor->door.client < 0) return false;
    struct output client = {.write = write_client, .context = monitor};
    struct output *before = monitor_print_to(monitor, &client);
    drive_follow(monitor);
    where_print(monitor);
    serve_lines(monitor);
    output_flush(&client);
    output_free(&client);
    monitor_print_to(monitor, before);
    drop_client(monitor);
    return true;
}
