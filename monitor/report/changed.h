// What the files of the kind `changed` have in common: what a guest has (changed.c), and what a host uses of it without
// knowing (changed_implicit.c).
#ifndef MONITOR_REPORT_CHANGED_H
#define MONITOR_REPORT_CHANGED_H
#include "monitor/report/guests.h"

// Registers that instructions use although they are no operands, and that no VM exit changes.
enum implicit_register {
    IMPLICIT_KERNEL_GS_BASE,
    IMPLICIT_STAR,
    IMPLICIT_LSTAR,
    IMPLICIT_FMASK,
    IMPLICIT_TSC_AUX,
    IMPLICIT_XCR0,
    IMPLICIT_XSS,
    IMPLICIT_PKRU,
    IMPLICIT_REGISTERS
};

// Of each processor and level, in words of 8 bytes.
struct implicit {
    struct implicit_processor {
        struct implicit_level {
            uint64_t own[IMPLICIT_REGISTERS], known, cr3; // as the level used them last; BIT(register); then
            uint64_t left[IMPLICIT_REGISTERS], written;   // at its last VM exit; BIT(register): written since
            uint64_t exits;
        } level[VMX_LEVELS];
        uint64_t swapped, step, rip; // a SWAPGS that used a guest's value: level and 1, or 0; when, where
        uint64_t own_step;           // the processor's, then
        uint64_t then, now;          // the level's own value, and what it got
    } processor[MACHINE_CPUS];
};
void implicit_see(struct implicit *implicit, const struct seen *at);

#endif
