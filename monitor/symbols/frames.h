// Call frame information of an ELF file (.debug_frame, .eh_frame): how the registers of a function's caller are found.
// DWARF 5, section 6.4.
#ifndef MONITOR_FRAMES_H
#define MONITOR_FRAMES_H
#include <stdbool.h>
#include <stdint.h>

// In the order of DWARF for x86-64 (System V ABI, 3.6.2): RAX RDX RCX RBX RSI RDI RBP RSP R8 ... R15, return address.
enum { FRAME_RSP = 7, FRAME_RETURN = 16, FRAME_REGISTERS };
struct frame_registers {
    uint64_t value[FRAME_REGISTERS];
    uint32_t known; // a bit each
};
struct frame_memory {
    void *context;
    bool (*read)(void *context, uint64_t address, unsigned bytes, uint64_t *value);
};
enum frame_outcome { FRAME_NONE, FRAME_DONE, FRAME_END }; // nothing is said of the address; done; there is no caller

struct frames;
struct frames *frames_new(int fd, uint64_t slide); // NULL: the file has none. `fd` stays the caller's
void frames_free(struct frames *frames);
// `address` lies in the function. Changes the registers only when done.
enum frame_outcome frames_step(const struct frames *frames, uint64_t address, struct frame_registers *registers,
                               const struct frame_memory *memory);

#endif
