// What a machine has of the world outside: values that the front end hands in when it makes the machine. They may delay
// the run, never decide it: what comes in from outside enters by the one door for inputs, at a position that is logged.
// Each function is called from within machine_run, and must not call back into the machine; it may be NULL.
#ifndef DEVICES_BACK_END_H
#define DEVICES_BACK_END_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A file of the configuration: firmware, and what guests find by name.
struct machine_file {
    const char *name;
    const void *data;
    uint32_t bytes;
};

// Takes the bytes that a serial port or a debug console sends.
struct character_back {
    void *context;
    void (*write)(void *context, uint8_t byte);
};

// A disk image, of as many bytes as the drive says; what lies between the file's end and that reads as zeroes. The
// machine says what it will want as soon as a request is made, and reads it when the request's computed time has come:
// then the host has had time, or is waited for. Several machines may share one image, on several threads.
//
// As long as there is history, writes go to an overlay, which is an area of the machine's memory, and the image is
// never changed: then `write` is NULL. What fails on the host is told in words, which end the run; NULL: it was done.
struct block_back {
    void *context;
    void (*want)(void *context, uint64_t at, uint64_t bytes);
    const char *(*read)(void *context, uint64_t at, uint64_t bytes, void *to);
    const char *(*write)(void *context, uint64_t at, uint64_t bytes, const void *from);
    const char *(*flush)(void *context); // what was written is where a power failure cannot reach it
    // Memory for the overlay of one machine: zeroes, which cost nothing until they are written. NULL: there is none, or
    // no function: the machine takes memory of its own.
    uint8_t *(*overlay)(void *context, uint64_t bytes);
    void (*overlay_done)(void *context, uint8_t *overlay, uint64_t bytes);
    // Before a range of it is written for the first time: whether there is room on the host.
    const char *(*overlay_room)(void *context, uint8_t *overlay, uint64_t at, uint64_t bytes);
    // Another image, by the number of the medium that was put into the drive; NULL: it is not there, or no function:
    // none are.
    const struct block_back *(*medium)(void *media, unsigned number);
    void *media;
};

// A network. Packets that come in are offered as inputs.
struct net_back {
    void *context;
    void (*send)(void *context, const void *frame, size_t bytes); // not called in a replay
};

#endif
