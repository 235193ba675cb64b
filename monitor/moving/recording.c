// record: the run is written down from a prompt on, with the past that is kept.
#include "devices/history/timeline.h"
#include "monitor/disk/fits.h"
#include "monitor/drive/asking.h"
#include "monitor/drive/marks.h"
#include "monitor/session/record.h"
#include "monitor/session/replay.h"
#include <inttypes.h>
#include <string.h>

static bool tell_file(struct monitor *monitor) {
    const char *path = record_path(monitor->run);
    if (path)
        print(monitor, "The run is recorded in %s.\n", path);
    else
        print(monitor, "The run is not recorded. record FILE writes it down, with the past that is kept.\n");
    return true;
}

static bool end_it(struct monitor *monitor) {
    char path[OPTIONS_PATH];
    if (!record_path(monitor->run)) return monitor_error(monitor, "record: the run is not recorded");
    strcpy(path, record_path(monitor->run));
    record_close(monitor->run, "record off");
    print(monitor, "The recording ends here; vmxray -replay %s runs it once more.\n", path);
    return true;
}

// Images are as they are now: what the guest read of them before is not known any more.
static bool only_from_here(const struct monitor *monitor) {
    const struct timeline *t = monitor->run->timeline;
    return !t || !timeline_keeps(t) || machine_drive(monitor->look.machine, 0);
}

static bool may_begin(struct monitor *monitor) {
    struct run *run = monitor->run;
    char why[IMAGE_WHY];
    if (record_path(run))
        return monitor_error(monitor, "record: it is recorded in %s; record off ends that", record_path(run));
    if (run->timeline && timeline_expects(run->timeline))
        return monitor_error(monitor, "record: a recording is replayed; branch makes this moment the present");
    if (only_from_here(monitor) && run->timeline && timeline_in_past(run->timeline))
        return monitor_error(
            monitor, "record: of a machine with disks only the present can be the beginning; goto end, or branch");
    return images_fit(run->options->images, monitor->look.machine, why) || monitor_error(monitor, "record: %s", why);
}

static void put_marks(struct monitor *monitor) {
    struct position at;
    for (unsigned i = 0; mark_at(monitor, i, &at); i++) record_mark(monitor->run, mark_name(monitor, i), &at);
}

// From the beginning of the past on, and back to the present.
static bool begin_with_past(struct monitor *monitor) {
    struct asking asking;
    const char *wrong = NULL;
    if (!asking_begin(monitor, ~0ull, &asking)) return false;
    bool begun = timeline_go_checkpoint(asking.timeline, 0, &wrong) && record_from_here(monitor->run);
    if (begun) record_known(monitor->run);
    if (begun) put_marks(monitor);
    return asking_end(&asking) &&
           (begun || monitor_error(monitor, "record: it cannot begin%s%s", wrong ? ": " : "", wrong ? wrong : ""));
}

bool command_record(struct monitor *monitor, const char *arguments) {
    struct run *run = monitor->run;
    static struct record_wish wish;
    wish = (struct record_wish){.hashes = RECORD_HASHES};
    if (!*arguments) return tell_file(monitor);
    if (strcmp(arguments, "off") == 0) return end_it(monitor);
    if (!may_begin(monitor)) return false;
    if (!record_take(&wish, arguments)) return monitor_error(monitor, "record: write " RECORD_WORDS);
    if (!record_into(run, &wish)) return monitor_error(monitor, "record: it cannot be written");
    struct timeline_facts facts = {.first.steps = machine_steps(run->machine)};
    bool whole = !only_from_here(monitor);
    if (whole) timeline_facts(run->timeline, &facts);
    if (whole ? !begin_with_past(monitor) : !record_from_here(run)) {
        record_close(run, NULL);
        return false;
    }
    record_listen(run);
    print(monitor, "The run is recorded in %s, from step %" PRIu64 " on.\n", wish.path, facts.first.steps);
    return true;
}
