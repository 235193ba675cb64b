// The display among the options.
#ifndef MONITOR_DISPLAY_OPTION_H
#define MONITOR_DISPLAY_OPTION_H
#include "monitor/session/options.h"

// After all options: adds the display that -vga asks for, or that is `usual` where nothing is said, and its BIOS. False
// after a complaint.
bool display_finish(struct options *options, bool usual);

#endif
