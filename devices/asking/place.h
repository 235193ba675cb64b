// Where a value lives: what a fact of monitor/explain points at, what can be asked "when was this written?", and what a
// click in a picture names. Plain data, no pointers.
#ifndef DEVICES_ASKING_PLACE_H
#define DEVICES_ASKING_PLACE_H
#include <stdbool.h>
#include <stdint.h>

enum place_space {
    PLACE_NONE,     // a value worked out from others
    PLACE_REGISTER, // address: byte offset of the member in struct cpu, as the state table has it
    PLACE_MSR,      // address: the MSR's number
    PLACE_FIELD,    // address: encoding of a field of the VMCS at `vmcs`
    PLACE_LINEAR,   // memory by linear address of `level`
    PLACE_GUEST,    // memory by physical address of `level` (guest-physical from level 1 on)
    PLACE_PHYSICAL, // memory by physical address of the machine
    PLACE_DEVICE,   // address: number of the machine's part << 32 | byte offset in its object
};

struct place {
    uint8_t space;     // enum place_space
    uint8_t level;     // of virtualization: 0 is VMX root operation
    uint8_t processor; // index
    uint8_t bytes;     // 1 to 8
    uint64_t vmcs;     // PLACE_FIELD: physical address of the region
    uint64_t address;
};

struct machine;
// The value at this moment, without a trace. False: nothing is there. PLACE_LINEAR and PLACE_GUEST are for the asker to
// translate: which physical memory is meant depends on the moment.
bool place_read(const struct machine *machine, const struct place *place, uint64_t *value);

#endif
