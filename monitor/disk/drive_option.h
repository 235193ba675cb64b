// What -drive, -hda, -cdrom and their like ask for, as QEMU spells it.
#ifndef MONITOR_DRIVE_OPTION_H
#define MONITOR_DRIVE_OPTION_H
#include "devices/board/config.h"

enum drive_switch { DRIVE_DEFAULT, DRIVE_ON, DRIVE_OFF };
struct drive_wish {
    struct drive_config config; // without sizes and back end: nothing is opened yet
    char option[16];            // that asked for it: -hda
    bool raw;                   // format=raw was said: it is not looked at whether it is one
    uint8_t snapshot, locking;  // enum drive_switch
    int index, bus, unit;       // -1: not said
};

// key=value,... of -drive. False: `error` is one line.
bool drive_option_take(const char *text, struct drive_wish *wish, char *error, size_t error_size);
// A whole image at a place of IDE, as -hda and -cdrom name it.
bool drive_option_file(const char *path, int index, bool cdrom, struct drive_wish *wish, char *error,
                       size_t error_size);
// Names and places for those that have none yet, in their order, and the controllers that they need; they are the
// configuration's from then on. False: `error` says of which option what is wrong.
bool drive_options_plan(struct drive_wish *wish, unsigned count, struct machine_config *config, char *error,
                        size_t error_size);

#endif
