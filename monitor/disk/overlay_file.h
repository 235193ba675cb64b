// Memory for what guests write over images: a mapping of a file that has no name, so that the host can put on its disk
// what does not fit into memory. It costs what is written, and is gone with the process.
#ifndef MONITOR_OVERLAY_FILE_H
#define MONITOR_OVERLAY_FILE_H
#include <stdint.h>

// In $TMPDIR, or /var/tmp, before the jail is closed; where no file can be had, or it is too late for one, it is memory
// alone.
void overlay_file_open(void);
uint8_t *overlay_file_take(uint64_t bytes); // zeroes. NULL: there is none
void overlay_file_give(uint8_t *overlay, uint64_t bytes);
// Before a range is written: NULL, or why there is no room for it.
const char *overlay_file_room(uint8_t *overlay, uint64_t at, uint64_t bytes);

#endif
