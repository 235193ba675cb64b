// Who wrote each field of a VMCS last, and when (vmx/history/history_origin.c). No architectural state.
#ifndef VMX_ORIGIN_H
#define VMX_ORIGIN_H
#include "vmx/vmcs/names.h"
#include <stdint.h>

// Nobody that was seen; it was loaded from its region so; a VMWRITE; a VM exit; a VM entry, and what came of it.
enum vmcs_writer { WRITER_NONE, WRITER_REGION, WRITER_VMWRITE, WRITER_EXIT, WRITER_ENTRY, WRITERS };
struct vmcs_stamp {
    uint64_t when; // the machine's step << 8 | level of who executed the VMWRITE << 4 | enum vmcs_writer
    uint64_t rip;  // of the VMWRITE
};
struct vmcs_origin {
    uint64_t pointer, used; // used 0: free
    struct vmcs_stamp field[FIELD_COUNT];
};

enum { STAMP_LEVEL = 4, STAMP_STEP = 8 };
static inline uint64_t stamp_when(uint64_t step, unsigned level, enum vmcs_writer writer) {
    return step << STAMP_STEP | (uint64_t)level << STAMP_LEVEL | writer;
}
static inline uint64_t stamp_step(const struct vmcs_stamp *s) { return s->when >> STAMP_STEP; }
static inline unsigned stamp_level(const struct vmcs_stamp *s) { return s->when >> STAMP_LEVEL & 15; }
static inline enum vmcs_writer stamp_writer(const struct vmcs_stamp *s) {
    unsigned writer = s->when & 15;
    return writer < WRITERS ? (enum vmcs_writer)writer : WRITER_NONE;
}

#endif
