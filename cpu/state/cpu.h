// One logical processor: its state and the seams to the floor above. SDM Vol. 3A.
#ifndef CPU_CPU_H
#define CPU_CPU_H
#include "cpu/state/architecture.h"
#include "cpu/state/flags.h"
#include "cpu/state/intercepts.h"
#include "cpu/state/op.h"
#include "cpu/state/outcome.h"
#include "cpu/state/performance.h"
#include "cpu/state/state.h"
#include <stddef.h>

// Second-stage translation (EPT): NULL outside.
struct second_stage_access {
    uint64_t linear;   // the linear address being translated
    bool linear_valid; // false: PDPTE loads of MOV CR3
    bool write, fetch;
    bool page_walk;  // the address is of a guest paging-structure entry, not of the final page
    uint64_t rights; // of the page, when page_walk is false: TLB_WRITE, TLB_USER, TLB_EXECUTE
};
struct second_stage_result {
    uint64_t page; // host-physical page | TLB_WRITE, TLB_EXECUTE, TLB_DIRTY as the EPT entries allow
    bool large;    // every piece of at least 2 MBytes has the same rights
};
typedef enum outcome second_stage_fn(struct cpu *cpu, uint64_t guest_physical, const struct second_stage_access *access,
                                     struct second_stage_result *result);

// A page of physical memory: which one of which area (cpu/pages/pages.h).
struct area;
struct page_frame {
    struct area *area; // NULL: no memory
    uint64_t page;
};

// Why RDMSR or WRMSR is #GP(0).
struct msr_refusal {
    const char *name; // of the MSR; NULL: there is none, or its owner has no names
    const char *rule; // in words
    uint64_t bits;    // of the value that are in the way; 0: the access itself is refused
};

// What the processor needs of the machine around it.
struct platform {
    void *machine;
    struct pages *pages; // the memory, shared by all processors over it
    // What a processor finds at the physical address of a page; no area: MMIO, or nothing.
    struct page_frame (*page)(void *machine, uint64_t physical);
    uint64_t (*mmio_read)(void *machine, struct cpu *cpu, uint64_t physical, unsigned size);
    void (*mmio_write)(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value);
    uint32_t (*port_in)(void *machine, struct cpu *cpu, uint16_t port, unsigned size);
    void (*port_out)(void *machine, struct cpu *cpu, uint16_t port, unsigned size, uint32_t value);
    // Interrupt acknowledge: the vector that PENDING_INTR stands for; -1 when there is none after all (spurious).
    int (*acknowledge)(void *machine, struct cpu *cpu);
    uint64_t (*cr8_read)(void *machine, struct cpu *cpu);
    void (*cr8_write)(void *machine, struct cpu *cpu, uint64_t value);
    // MSRs that belong to the local APIC (IA32_APIC_BASE, x2APIC range, TSC deadline): false: #GP(0).
    bool (*msr_read)(void *machine, struct cpu *cpu, uint32_t index, uint64_t *value);
    bool (*msr_write)(void *machine, struct cpu *cpu, uint32_t index, uint64_t value);
    bool (*msr_refuses)(void *machine, const struct cpu *cpu, uint32_t index, bool write, uint64_t value,
                        struct msr_refusal *out);
    // The processor took an INIT: so does its local APIC. May be NULL.
    void (*init)(void *machine, struct cpu *cpu);
    // A performance counter overflowed, whose interrupt is enabled. May be NULL.
    void (*performance_interrupt)(void *machine, struct cpu *cpu);
};

// VT-x, as the processor sees it (NULL without): MSRs 3AH and 480H..491H, and what resets do to it.
struct extension {
    void *state;
    bool (*msr_read)(struct cpu *cpu, uint32_t index, uint64_t *value); // false: #GP(0)
    bool (*msr_write)(struct cpu *cpu, uint32_t index, uint64_t value);
    bool (*msr_refuses)(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct msr_refusal *out);
    void (*reset)(struct cpu *cpu, bool init);
    // Bits of CR0 and CR4 whose value in `value` is not supported in VMX operation.
    uint64_t (*cr_refused)(const struct cpu *cpu, unsigned cr, uint64_t value);
    // Second-stage translation for tools, which leaves no trace; false: not mapped.
    bool (*peek_second_stage)(const struct cpu *cpu, uint64_t eptp, uint64_t guest_physical, uint64_t *physical);
    void (*delivers)(struct cpu *cpu, const struct event *event); // to remember it; NULL: a triple fault
    void (*discards_sipi)(struct cpu *cpu);                       // the same: the processor does not wait for one
};

struct tlb;
struct tlb_bank_fast;
struct block_cache;
enum { JUMPS = 4096, RETURNS = 16 };
struct cpu_model;
struct combining;
struct decoder;
struct pages;
struct observer;
struct point;

enum debug_bits { DEBUG_B0_B3 = 0xf, DEBUG_BD = 1 << 13, DEBUG_BS = 1 << 14 };

// --- architectural: listed in cpu_state ---

// Their members are rows of cpu/state/member.def, which the state table is made of too.
struct control_registers {
#define CONTROL(type, name, greatest) type name;
#define CONTROL_ARRAY(type, name, count, greatest) type name[count];
#include "cpu/state/member.def"
};

struct model_specific_registers {
#define MSR(type, name, greatest) type name;
#define MSR_ARRAY(type, name, count, greatest) type name[count];
#include "cpu/state/member.def"
};

// Whether the next instruction boundary executes an instruction or takes an event. SDM Vol. 3A, 6.8, 6.9; Vol.
// 3C, 24.4.2.
struct interruptibility {
#define BOUNDARY(type, name, greatest) type name;
#include "cpu/state/member.def"
};

struct cpu_time {
#define TIME(type, name, greatest) type name;
#define COUNT(type, name, greatest) type name;
#include "cpu/state/member.def"
};

struct floating_point_state {
    union vector_register vector[32];
    uint64_t opmask[8];
    uint32_t mxcsr;
    struct x87 x87;
};

// --- derived and scratch ---

// Where the next instruction is looked for, and where control went before. Guesses are compared before they are used.
struct fetch_state {
    uint64_t context;          // fetch_context, or 0 where every block's start must be checked against the CS limit
    uint64_t base, mask;       // linear address of an instruction: (RIP + base) & mask
    struct block *jump[JUMPS]; // where transfers to a linear address went last, by its hash
    struct block *returns[RETURNS]; // the blocks of the latest calls, a ring; a guess at where returns go
    uint32_t return_top;
};

// The instruction in execution, and the event whose delivery is going on.
struct attempt {
    struct event fault;       // set with OUT_FAULT
    struct event delivering;  // the event whose delivery is going on (SDM Vol. 3C, 27.2.4), while delivering_valid
    bool delivering_valid;    // left set by a VM exit during delivery: VT-x reads and clears it
    bool walks_in_block;      // a walk now is for an access in the middle of a block
    uint64_t step_limit;      // steps at which budget becomes 0: steps now = step_limit - budget (block boundary)
    const struct op *stopped; // the record that returned another outcome than OUT_OK
    uint32_t exited_bytes;    // while a VM exit by an access of an instruction is carried out: the instruction's length
    uint32_t trap;            // the instruction in execution began with RFLAGS.TF set; event_deliver clears it
    uint32_t uncharged;       // under a timing model: 1 while a step is counted whose cycles are not known yet
    uint32_t begun;           // under a timing model: attempts of this run of blocks that it learnt of
    uint32_t after_event;     // the same: events were taken before the first of them
    uint64_t cycle_limit;     // under a timing model: cpu_run ends at the first boundary at or after it
    int64_t work_left;        // cpu_work: below 0 the machine looks who wants what
    uint32_t non_canonical;   // the fault recorded is of a non-canonical address: #SS for the stack
};

struct breakpoints {
    uint32_t watch;   // enum watch (cpu/watch/debug.h): what accesses are looked at
    uint32_t hits;    // breakpoints that the instruction in execution has hit: bits of DR6
    uint64_t seen[5]; // DR0 to DR3 and DR7 as last seen by the fast contexts
};

// An operand that crosses pages or lives in MMIO.
struct bounce {
    uint8_t data[64];
    uint64_t physical[2]; // where its two parts go
    uint32_t first;       // bytes of the first part
    uint64_t linear;
};

// --- wiring ---

struct cpu_wiring {
    const struct platform *platform;
    const struct extension *extension;
    const struct cpu_model *model;
    const struct decoder *decoder;
    const struct combining *combining; // of instructions in one record (cpu/engine/tune.h)
    const struct timing *timing;       // NULL: one cycle a step (cpu/state/timing.h)
    struct block_cache *blocks;
    struct pages *pages;     // of the platform
    uint64_t *latest_cycles; // the latest time that any processor of the machine was told; NULL: the only processor
    uint64_t other_steps;    // of the machine's other processors, while this one has its turn
};

// Observation (cpu/watch/observe.h): no state.
enum stopping { STOPPING_NO, STOPPING_ASKED /* cpu_stop */, STOPPING_HOLD /* cpu_hold */ };
struct observation {
    uint64_t wanted;          // BIT(OBSERVE_...) that any observer wants
    uint32_t doing;           // enum observing
    uint8_t stop;             // enum stopping: leave cpu_run at the next boundary
    uint32_t hold_events;     // STOPPING_HOLD: as soon as it has taken so many events
    uint32_t boundary_events; // taken at the boundary of this step and cycle (cpu_boundary_events)
    uint64_t boundary_step, boundary_cycle;
    uint32_t events;                     // taken at boundaries, by count
    uint64_t passed_step, passed_linear; // of an attempt whose beginning has been told
    struct observer *observers;
    struct point *points;
};

struct cpu {
    // architectural, hot: within 256 bytes of the start, addressed by op fields
    uint64_t gpr[16];
    uint64_t zero;            // always 0 (derived): the absent base, index or segment base
    uint64_t rip;             // at a block boundary: the next instruction; inside a block: the block's start
    uint64_t segment_base[8]; // ES CS SS DS FS GS LDTR TR
    struct flags flags;       // arithmetic flags, lazily
    uint64_t rflags;          // all other flags; the arithmetic bits here are 0, bit 1 is 1
    // derived, hot
    int64_t budget;             // steps left before cpu_run returns to look for events; taken off at block entry
    struct block *block;        // the block being executed
    struct tlb_bank_fast *fast; // of the bank in use
    uint64_t data_context;      // fast context for data accesses at the current privilege
    uint64_t fetch_context;
    uint32_t mode;      // enum mode_bits: what decoded blocks depend on
    uint32_t attention; // not 0: leave the block chain at the next instruction boundary that asks
    // architectural
    struct segment segment[SEGMENT_COUNT];
    struct descriptor_table gdtr, idtr;
    struct control_registers control;
    struct model_specific_registers msr;
    struct floating_point_state fpu;
    struct interruptibility boundary;
    struct cpu_time time;
    uint64_t random_state; // RDRAND, RDSEED
    uint32_t id;           // initial APIC ID
    uint16_t vpid;         // 0 in root operation or with VPID off
    uint64_t eptp;         // bits 51:12 | 1 while second_stage is set: the TLB's tag
    struct tlb *tlb;       // architectural and derived parts inside
    // derived and scratch
    uint32_t host_rounding; // 0; 3 << 13, as MXCSR.RC, while the host itself does not round to nearest
    struct fetch_state fetch;
    struct attempt attempt;
    struct breakpoints breakpoints;
    struct bounce bounce;
    struct intercepts intercepts;
    second_stage_fn *second_stage;
    // wiring and observation
    struct cpu_wiring wire;
    struct observation observation;
    struct performance performance; // architectural (performance_state) and derived
};
_Static_assert(offsetof(struct cpu, segment_base) + 64 <= 256, "op fields are bytes");

// cpu->mode: everything that the meaning of decoded bytes depends on.
enum mode_bits {
    MODE_CODE_16 = 0,
    MODE_CODE_32 = 1,
    MODE_CODE_64 = 2,
    MODE_CODE_MASK = 3,
    MODE_STACK_32 = 1 << 2, // SS.B (outside 64-bit mode)
    MODE_CPL_SHIFT = 3,
    MODE_CPL_MASK = 3 << 3,
    MODE_PROTECTED = 1 << 5, // CR0.PE and not virtual-8086
    MODE_VM86 = 1 << 6,
    MODE_NO_X87 = 1 << 7,   // x87: #NM
    MODE_NO_MMX = 1 << 8,   // CR0.EM: #UD
    MODE_TS = 1 << 9,       // #NM for MMX, SSE, AVX
    MODE_NO_SSE = 1 << 10,  // #UD
    MODE_NO_AVX = 1 << 11,  // #UD
    MODE_NO_WAIT = 1 << 12, // WAIT: #NM (CR0.MP and CR0.TS)
    MODE_TIMED = 1 << 13,   // a timing model sees each attempt: no bit of the architecture's
    MODE_BITS = 14,
};

ALWAYS_INLINE unsigned cpu_cpl(const struct cpu *cpu) { return (cpu->mode & MODE_CPL_MASK) >> MODE_CPL_SHIFT; }
ALWAYS_INLINE bool cpu_64bit(const struct cpu *cpu) { return (cpu->mode & MODE_CODE_MASK) == MODE_CODE_64; }
ALWAYS_INLINE bool cpu_protected(const struct cpu *cpu) { return cpu->mode & MODE_PROTECTED; } // not virtual-8086
ALWAYS_INLINE bool cpu_real(const struct cpu *cpu) { return !(cpu->control.cr0 & CR0_PE); }
ALWAYS_INLINE bool cpu_vm86(const struct cpu *cpu) { return cpu->mode & MODE_VM86; }
ALWAYS_INLINE bool cpu_long(const struct cpu *cpu) { return cpu->control.efer & EFER_LMA; } // IA-32e mode
ALWAYS_INLINE unsigned cpu_iopl(const struct cpu *cpu) { return (unsigned)(cpu->rflags >> 12 & 3); }
// A linear address must be canonical in IA-32e mode.
ALWAYS_INLINE bool cpu_canonical(const struct cpu *cpu, uint64_t a) {
    unsigned bits = cpu->control.cr4 & CR4_LA57 ? 57 : 48;
    return (uint64_t)((int64_t)(a << (64 - bits)) >> (64 - bits)) == a;
}

// What is loaded into registers that hold linear addresses must be canonical as wide as the processor can be, whatever
// CR4.LA57 says; some registers are made so.
unsigned cpu_linear_bits(const struct cpu *cpu);
uint64_t cpu_forced_canonical(const struct cpu *cpu, uint64_t a);
bool cpu_canonical_register(const struct cpu *cpu, uint64_t a);

// RFLAGS, whole. Setting: cpu/memory/mode.h.
ALWAYS_INLINE uint64_t cpu_rflags(const struct cpu *cpu) { return cpu->rflags | flags_get(&cpu->flags); }

// Inside a body: the address of this instruction and of the next one (wrapped as the code size wants).
ALWAYS_INLINE uint64_t op_rip(const struct cpu *cpu, const struct op *op) { return cpu->rip + op->offset; }
ALWAYS_INLINE uint64_t op_next_rip(const struct cpu *cpu, const struct op *op) {
    uint64_t next = cpu->rip + op->offset + op->length;
    return cpu_64bit(cpu) ? next : (cpu->mode & MODE_CODE_MASK) == MODE_CODE_32 ? (uint32_t)next : (uint32_t)next;
}

// After a change that may let a pending event in (IF set, blocking removed, TPR lowered): look at the next boundary.
ALWAYS_INLINE void cpu_look(struct cpu *cpu) { cpu->attention |= cpu->boundary.pending != 0; }
// Raises or lowers a pending event.
void cpu_pend(struct cpu *cpu, enum pending what, bool on);

// What triggers the monitor other than a store: SDM Vol. 3A, 8.10.4. Also the end of MWAIT's wait.
ALWAYS_INLINE void cpu_monitor_clear(struct cpu *cpu) {
    cpu->boundary.monitor_address = MWAIT_UNARMED;
    cpu->boundary.mwait = MWAIT_NO;
}

// Faults: record the exception and return OUT_FAULT.
enum outcome cpu_fault(struct cpu *cpu, enum exception_vector vector); // no error code
enum outcome cpu_fault_code(struct cpu *cpu, enum exception_vector vector, uint32_t code);
enum outcome cpu_fault_page(struct cpu *cpu, uint64_t linear, uint32_t code);
ALWAYS_INLINE enum outcome cpu_fault_gp0(struct cpu *cpu) { return cpu_fault_code(cpu, VECTOR_GP, 0); }
ALWAYS_INLINE enum outcome cpu_fault_ud(struct cpu *cpu) { return cpu_fault(cpu, VECTOR_UD); }

// Steps and cycles now, exact at the instruction that `op` belongs to (pass NULL at a block boundary).
uint64_t cpu_steps(const struct cpu *cpu, const struct op *op);
uint64_t cpu_cycles(const struct cpu *cpu, const struct op *op);
// The same without `op`: at a boundary, and for what an instruction that runs alone does outside the processor.
ALWAYS_INLINE uint64_t cpu_cycles_now(const struct cpu *cpu) {
    return cpu->attempt.step_limit - (uint64_t)cpu->budget - cpu->attempt.uncharged + cpu->time.surplus_cycles;
}
// Host work that the time of ordinary steps does not cover, in units of about a nanosecond. Whoever does more than a
// thousand of them within one step says so: after CPU_WORK units cpu_run ends at the next boundary, so that a request
// to stop is heard soon, whatever the guest does. No state.
enum { CPU_WORK = 5000000 };
void cpu_work(struct cpu *cpu, int64_t units);
// Time passes with nothing to run, between runs.
ALWAYS_INLINE void cpu_idle(struct cpu *cpu, uint64_t cycles) {
    cpu->time.surplus_cycles += cycles;
    cpu->time.idle_cycles += cycles;
}
// Instructions retired, at a boundary.
ALWAYS_INLINE uint64_t cpu_retired(const struct cpu *cpu) { return cpu->time.steps - cpu->time.unretired; }
uint64_t cpu_tsc(const struct cpu *cpu, const struct op *op); // as RDTSC would return it, offset of VT-x included
// RDTSC itself: what one processor was told, another will not find in its future.
uint64_t cpu_tell_tsc(struct cpu *cpu, const struct op *op);

// Whether STI or MOV SS blocks at this boundary. SDM Vol. 3A, 6.8.1, 6.8.3.
ALWAYS_INLINE bool cpu_sti_shadow(const struct cpu *cpu) { return cpu->boundary.sti_shadow_step == cpu->time.steps; }
ALWAYS_INLINE bool cpu_mov_ss_shadow(const struct cpu *cpu) {
    return cpu->boundary.mov_ss_shadow_step == cpu->time.steps;
}

#define ATTENTION_EVENT 1u   // pending has changed
#define ATTENTION_MACHINE 2u // return to the machine: the next event moved, power-off, reset

extern const struct state_table cpu_state;
// Counts over struct cpu: saved with the state, but no part of the hash.
extern const struct state_table cpu_count_state;
// Before hashing or saving: bring lazy state to its canonical form.
void cpu_canonicalise(struct cpu *cpu);

#endif
