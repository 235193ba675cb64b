// info cycles: what the timing model of a core has counted on each processor.
#include "cpu/timing/model.h"
#include "monitor/info/info.h"
#include <inttypes.h>

static void print_cycles(struct monitor *monitor, const struct timing_counts *counts, uint64_t all) {
    for (unsigned i = 0; i < CYCLES_KINDS; i++)
        print(monitor, "%16" PRIu64 " %5.1f %%  %s\n", counts->of[i],
              all ? 100.0 * (double)counts->of[i] / (double)all : 0, timing_count_text(i));
}

static void print_processor(struct monitor *monitor, unsigned index, const struct timing_counts *counts) {
    uint64_t all = 0, attempts = counts->of[TIMING_ATTEMPTS];
    for (unsigned i = 0; i < CYCLES_KINDS; i++) all += counts->of[i];
    print(monitor, "processor %u: %" PRIu64 " cycles, %.3f an attempt\n", index, all,
          attempts ? (double)all / (double)attempts : 0);
    print_cycles(monitor, counts, all);
    for (unsigned i = CYCLES_KINDS; i < TIMING_COUNTS; i++)
        print(monitor, "%16" PRIu64 "          %s\n", counts->of[i], timing_count_text(i));
}

bool info_cycles(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct machine *m = monitor->look.machine;
    if (!machine_timing_counts(m, 0)) {
        print(
            monitor,
            "Each step is one cycle. -timing golden-cove makes a machine whose steps take what they take on a core.\n");
        return true;
    }
    for (unsigned i = 0; machine_timing_counts(m, i); i++) print_processor(monitor, i, machine_timing_counts(m, i));
    return true;
}
