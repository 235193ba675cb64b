// The monitor on a socket; see door.h.
#include "monitor/files/signals.h"
#include "monitor/program/door.h"
#include "monitor/commands/prompt.h"
#include "monitor/drive/drive.h"
#include "monitor/host/status.h"
#include "monitor/host/terminal.h"
#include "monitor/show/where.h"
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 200 }; // between looks at whether the user wants to leave

bool door_open(struct monitor *monitor, const char *path) {
    char where[400], why[200];
    snprintf(where, sizeof where, "unix:%s", path);
    return server_open(&monitor->door.server, where, why, sizeof why) || complain("-monitor %s: %s", where, why);
}

bool door_listen(struct monitor *monitor) {
    char why[200];
    return monitor->door.server.listener < 0 || server_listen(&monitor->door.server, why, sizeof why) ||
           complain("-monitor unix:%s: %s", monitor->run->options->monitor_path, why);
}

static void drop_client(struct monitor *monitor) {
    server_drop(&monitor->door.server);
    monitor->door.used = 0;
    monitor->door.cut = monitor->door.greeted = false;
    monitor->prompt.collecting = 0; // the lines of a stop that it began to say
}

void door_close(struct monitor *monitor) {
    drop_client(monitor);
    server_close(&monitor->door.server);
}

bool door_asks(struct monitor *monitor) {
    struct door *door = &monitor->door;
    if (door->greeted && door->server.client < 0) return true; // gone; the next one is greeted in its turn
    if (!server_accept(&door->server)) return false;
    return !door->greeted || door->used || server_wants(&door->server, 0); // who comes asks, until there is an answer
}

static void write_client(void *context, const char *text, size_t bytes) {
    struct monitor *monitor = context;
    server_send(&monitor->door.server, text, bytes);
}

static bool leaves(const struct monitor *monitor) {
    return monitor->prompt.leave || terminal_left() || signals_ending() || monitor->run->over;
}

// --- lines ---

// Takes the first line out of what has come in. What is too long is cut off. False: it is not complete yet.
static bool take_line(struct door *door, bool ended, char line[DOOR_LINE_BYTES]) {
    const char *end = memchr(door->bytes, '\n', door->used);
    bool full = door->used == sizeof door->bytes, cut = door->cut;
    if (!end && !full && !(ended && door->used)) return false;
    size_t length = end ? (size_t)(end - door->bytes) : door->used, used = 0;
    for (size_t i = 0; i < length && used + 1 < DOOR_LINE_BYTES; i++)
        if (door->bytes[i] != '\r') line[used++] = door->bytes[i];
    line[used] = '\0';
    size_t taken = length + (end != NULL);
    memmove(door->bytes, door->bytes + taken, door->used - taken);
    door->used -= taken;
    door->cut = !end && full;
    return !cut;
}

// False: the client is gone, or the user wants to leave.
static bool next_line(struct monitor *monitor, char line[DOOR_LINE_BYTES]) {
    struct door *door = &monitor->door;
    size_t got;
    while (!take_line(door, false, line)) {
        if (leaves(monitor)) return false;
        size_t room = sizeof door->bytes - door->used;
        if (!server_receive(&door->server, door->bytes + door->used, room, WAIT_MS, &got))
            return take_line(door, true, line);
        door->used += got;
    }
    return true;
}

static void serve_lines(struct monitor *monitor) {
    char line[DOOR_LINE_BYTES];
    while (!monitor->prompt.leave && !terminal_left() && !signals_ending()) {
        print(monitor, "%s", prompt_now(monitor));
        output_flush(monitor->output);
        if (!next_line(monitor, line)) break;
        prompt_line(monitor, line);
    }
}

bool door_serve(struct monitor *monitor, bool wait) {
    (void)signals_asked();
    const struct server *server = &monitor->door.server;
    while (wait && server->client < 0 && !leaves(monitor) && !door_asks(monitor)) terminal_wait(WAIT_MS);
    if (server->client < 0) return false;
    monitor->door.greeted = true;
    struct output client = {.write = write_client, .context = monitor};
    struct output *before = monitor_print_to(monitor, &client);
    signals_interrupt_asks(false);
    (void)signals_asked();
    drive_follow(monitor);
    where_print(monitor);
    serve_lines(monitor);
    output_flush(&client);
    output_free(&client);
    monitor_print_to(monitor, before);
    drop_client(monitor);
    return true;
}
