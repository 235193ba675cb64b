// A function's frame on a level and a processor: what next and finish run on in.
#ifndef MONITOR_FRAME_H
#define MONITOR_FRAME_H
#include "monitor/session/monitor.h"

struct frame {
    struct monitor *monitor;
    unsigned level, processor;
    uint64_t vmcs, rsp, cr3, address; // address: linear, behind the call
};

void frame_here(struct monitor *monitor, const struct view *view, struct frame *frame);
// The processor, if its turn it is and the frame's level runs on it; else NULL.
const struct cpu *frame_runs(struct monitor *monitor, const struct frame *frame);

#endif
