// migrate: the machine goes to another process; see migrate.h.
#include "monitor/moving/migrate.h"
#include "devices/snapshot/snapshot.h"
#include "monitor/disk/fits.h"
#include "monitor/drive/drive.h"
#include "monitor/files/packed.h"
#include "monitor/files/signals.h"
#include "monitor/jail/way_out.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 600 };

// What became of it.
enum fate { MOVED, STAYED, UNKNOWN };

static enum fate agree(struct way_out *w, char *why, size_t size) {
    if (!sent_answered(w->sent.fd, MIGRATE_HAVE, MIGRATE_WORD, MIGRATE_HAVE_MS)) {
        snprintf(why, size, "the other side has not said that it has all of it");
        return STAYED;
    }
    if (sent_put(&w->sent, MIGRATE_GO, MIGRATE_WORD) &&
        sent_answered(w->sent.fd, MIGRATE_GONE, MIGRATE_WORD, MIGRATE_GONE_MS))
        return MOVED;
    snprintf(why, size, "the connection broke off after it had all of it");
    return UNKNOWN;
}

static enum fate send_all(struct machine *machine, struct way_out *w, char *why, size_t size) {
    const char *wrong = snapshot_save(machine, &(struct sink){&w->sent, sent_put}, packed_by_zstd());
    if (wrong)
        snprintf(why, size, "it broke off after %" PRIu64 " bytes: %s", w->sent.bytes,
                 w->sent.why ? w->sent.why : wrong);
    enum fate fate = wrong ? STAYED : w->is_command ? MOVED : agree(w, why, size);
    int status = way_out_close(w);
    if (fate == MOVED && status) snprintf(why, size, "the command has ended with status %d", status);
    return fate == MOVED && status ? STAYED : fate;
}

static bool tell_fate(struct monitor *monitor, enum fate fate, const char *where, const char *why) {
    struct run *run = monitor->run;
    if (fate == STAYED) return monitor_error(monitor, "migrate %s: %s; the machine is still here", where, why);
    if (fate == UNKNOWN)
        return monitor_error(monitor,
                             "migrate %s: %s; whether it runs there is not known. It stands still here; continue lets "
                             "it go on here",
                             where, why);
    run->over = true;
    run->status = STATUS_DONE;
    snprintf(run->over_text, sizeof run->over_text, "the machine has moved to %.80s", where);
    print(monitor, "The run is over: %s.\n", run->over_text);
    return true;
}

bool command_migrate(struct monitor *monitor, const char *where) {
    char why[WHY] = "";
    struct way_out way;
    const struct options *o = monitor->run->options;
    if (!*where && o->migrations) where = o->migrate_to[0];
    if (!*where) return monitor_error(monitor, "migrate to where? exec:COMMAND, unix:PATH or tcp:HOST:PORT");
    if (strncmp(where, "exec:", 5) && strncmp(where, "unix:", 5) && strncmp(where, "tcp:", 4))
        return monitor_error(monitor, "migrate %s: write exec:COMMAND, unix:PATH or tcp:HOST:PORT", where);
    if (monitor->run->over) return monitor_error(monitor, "The run is over: %s.", monitor->run->over_text);
    if (!images_fit(o->images, monitor->look.machine, why)) return tell_fate(monitor, STAYED, where, why);
    drive_going(monitor, true);
    bool open = way_out_open(&way, where, why, sizeof why);
    enum fate fate = open ? send_all(monitor->look.machine, &way, why, sizeof why) : STAYED;
    (void)signals_asked();
    drive_going(monitor, false);
    return tell_fate(monitor, fate, where, why);
}
