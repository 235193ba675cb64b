// The seam to VT-x: which instructions and events leave VMX non-root operation, and what bodies say of the instruction
// when they ask. SDM Vol. 3C, 25.1 to 25.3.
#ifndef CPU_INTERCEPTS_H
#define CPU_INTERCEPTS_H
#include "cpu/state/outcome.h"
#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct op;
struct event;

enum intercept {
#define INTERCEPT(name, operand, stands, instructions) ICEPT_##name,
#include "cpu/state/intercept.def"
#undef INTERCEPT
    ICEPT_COUNT,
    ICEPT_NONE = ICEPT_COUNT // an instruction like one that is intercepted, which itself never is (XSAVE, XRSTOR)
};
_Static_assert(ICEPT_COUNT <= 64, "a bit each in struct intercepts");

enum table_identity { TABLE_GDTR, TABLE_IDTR, TABLE_LDTR = 0, TABLE_TR, TABLE_LOAD = 2 }; // Tables 27-10, 27-11

// What an instruction does, as far as whether it exits, and what the VM exit reports, depend on it. The member is that
// of the intercept's row. The instruction's record tells the rest: length, addressing, registers of the operands.
union intercept_operand {
    struct {
        uint64_t linear;
    } invlpg;
    struct {
        bool armed; // the address-range monitoring hardware is
    } mwait;
    struct {
        uint32_t index; // ECX
        uint64_t value; // WRMSR
    } msr;
    struct {
        uint16_t port;
        uint8_t bytes; // 1, 2, 4
        bool in, immediate, rep;
        uint64_t linear; // INS, OUTS: of the operand in memory
    } io;
    struct {
        uint8_t number, gpr;
        uint64_t value; // MOV to CR
    } cr;
    struct {
        uint16_t source;
        bool memory;
        uint64_t linear; // in memory
    } lmsw;
    struct {
        uint8_t number, gpr;
        bool from; // MOV from DR
    } dr;
    struct {
        uint8_t identity; // enum table_identity; + TABLE_LOAD: the register is loaded
    } table;
    struct {
        uint8_t gpr, bytes; // destination
    } random;
    struct {
        uint64_t features; // EDX:EAX & (XCR0 | IA32_XSS)
    } xsave;
    struct {
        uint16_t selector; // of the new TSS
        uint8_t source;    // enum task_source (cpu/event/task.h)
    } task;
    struct {
        uint64_t encoding;  // of the field
        bool memory;        // the other operand is in memory
        uint8_t gpr1, gpr2; // else in this; and the register with the encoding
    } vmcs;
    struct {
        uint8_t gpr; // with the type
    } invalidate;
    struct {
        uint32_t function, entry; // EAX, ECX
    } vmfunc;
};
#define OPERAND(...) ((union intercept_operand){__VA_ARGS__})
#define NO_OPERAND ((union intercept_operand){0})

enum apic_access { APIC_READ, APIC_WRITE, APIC_FETCH };

// Filled by VT-x at VM entry, all zero otherwise. Derived from the VMCS.
struct intercepts {
    uint64_t enabled; // BIT(ICEPT_...): consult `check`
    // Whether the instruction exits. OUT_OK: go on; OUT_VMEXIT: an exit is recorded; OUT_LEAVE: VT-x did it itself.
    enum outcome (*check)(struct cpu *cpu, const struct op *op, enum intercept what, union intercept_operand operand);
    // Before an event is delivered through the IDT: OUT_OK to deliver, OUT_VMEXIT.
    enum outcome (*event)(struct cpu *cpu, const struct event *event);
    // An exit was recorded; RIP, steps and flags are those of the instruction. Carries it out.
    enum outcome (*exit)(struct cpu *cpu);
    // At an instruction boundary while PENDING_VMX, or before an INTR, NMI, INIT or SIPI is taken. OUT_OK: nothing.
    enum outcome (*poll)(struct cpu *cpu);
    // Triple fault: OUT_VMEXIT, or OUT_OK when outside non-root operation.
    enum outcome (*shutdown)(struct cpu *cpu);
    // A linear access of `size` bytes to the APIC-access page. OUT_OK: do it to *page, which may be another page now.
    enum outcome (*apic)(struct cpu *cpu, uint64_t linear, unsigned size, enum apic_access access, uint64_t *page);
    uint64_t apic_access;                                // physical address of the APIC-access page | 1; 0: none
    uint64_t cr0_mask, cr0_shadow, cr4_mask, cr4_shadow; // guest/host masks and read shadows; 0 outside
    uint64_t tsc_offset;                                 // added to what RDTSC, RDTSCP and RDMSR of the TSC return
    uint64_t tsc_multiplier;                             // 16.48 fixed point, applied before the offset; 0: none
    bool non_root;
    bool unrestricted; // CR0.PE and CR0.PG may be 0
    bool virtual_nmis;
    bool again; // an event was delivered: look at the boundary once more before the next instruction
};

#endif
