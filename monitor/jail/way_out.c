// Ways to others; see way_out.h.
#define _GNU_SOURCE // pipe2
#include "monitor/jail/way_out.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include "monitor/jail/connect.h"
#include "monitor/jail/jail.h"
#include "monitor/jail/launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 20 };

static bool interrupted(void) { return signals_is_asked() || signals_ending(); }

// --- by the launcher ---

static bool ask_command(struct way_out *w, int place, char *why, size_t size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return snprintf(why, size, "%s", strerror(errno)) < 0;
    bool started = launcher_start(LAUNCHER_PLACE + place, ends[0]);
    close(ends[0]);
    w->sent.fd = ends[1];
    if (started) return true;
    close(ends[1]);
    return snprintf(why, size, "the launcher has gone") < 0;
}

static bool ask_connection(struct way_out *w, int place, char *why, size_t size) {
    char said[LAUNCHER_WHY] = "the launcher has gone";
    w->sent.fd = -1;
    if (launcher_connect(place))
        while (!launcher_connected(&w->sent.fd, said)) wait_pass(LOOK_MS); // it gives up by itself
    if (w->sent.fd < 0) snprintf(why, size, "%s", said);
    return w->sent.fd >= 0;
}

// --- by this process ---

static bool open_directly(struct way_out *w, const char *where, char *why, size_t size) {
    if (jail_is_closed()) {
        snprintf(why, size,
                 "the jail lets this run go only where its command line says: start it with -migrate-to '%s', or with "
                 "-sandbox off",
                 where);
        return false;
    }
    w->sent.fd = w->is_command ? connect_to_command(where + 5, &w->pid, why, size) : connect_to(where, why, size);
    return w->sent.fd >= 0;
}

bool way_out_open(struct way_out *w, const char *where, char *why, size_t size) {
    int place = launcher_is_open() ? launcher_place(where) : -1;
    *w = (struct way_out){.is_command = strncmp(where, "exec:", 5) == 0, .by_launcher = place >= 0};
    if (place < 0) return open_directly(w, where, why, size);
    return w->is_command ? ask_command(w, place, why, size) : ask_connection(w, place, why, size);
}

static bool ended(const struct way_out *w, int *status) {
    return w->by_launcher ? launcher_ended(status) : connect_command_ended(w->pid, status);
}

static void end(const struct way_out *w) {
    int status = 0;
    if (!w->by_launcher) connect_command_end(w->pid);
    if (!w->by_launcher) return;
    launcher_signal(SIGTERM);
    for (unsigned i = 0; i < 50 && !launcher_ended(&status); i++) wait_pass(LOOK_MS);
}

int way_out_close(struct way_out *w) {
    int status = 0;
    close(w->sent.fd);
    if (!w->is_command) return 0;
    while (!ended(w, &status)) {
        if (interrupted() || w->sent.why) {
            end(w);
            return LAUNCHER_NO_SUCH_COMMAND;
        }
        wait_pass(LOOK_MS);
    }
    return status;
}
