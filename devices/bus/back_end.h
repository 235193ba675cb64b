// What a machine has of the world outside: values that the front end hands in when it makes the machine. They may delay
// the run, never decide it: what comes in from outside enters by the one door for inputs, at a position that is logged.
// Each function is called from within machine_run, and must not call back into the machine; it may be NULL.
#ifndef DEVICES_BACK_END_H
#define DEVICES_BACK_END_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Takes the bytes that a serial port or a debug console sends.
struct character_back {
    void *context;
    void (*write)(void *context, uint8_t byte);
};

// A disk image. The machine says what it will want as soon as a request is made, and reads it when the request's
// computed time has come: then the host has had time, or is waited for. Writes go to an overlay, which is an area of
// the machine's memory.
struct block_back {
    void *context;
    uint64_t bytes;
    void (*want)(void *context, uint64_t at, uint32_t bytes);
    bool (*read)(void *context, uint64_t at, uint32_t bytes, void *to); // false: the host failed, which ends the run
};

// A network. Packets that come in are offered as inputs.
struct net_back {
    void *context;
    void (*send)(void *context, const void *frame, size_t bytes); // not called in a replay
};

// A display. The front end pulls the picture when it wants one; this only says that there is something new.
struct display_back {
    void *context;
    void (*resized)(void *context, uint32_t width, uint32_t height);
    void (*changed)(void *context, uint32_t first_row, uint32_t rows);
};

#endif
