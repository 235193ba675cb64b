// One instruction on the host's processor and on ours, from the same state.
//
// Both see the same linear addresses: code at HARNESS_CODE, data at HARNESS_DATA. On the host the instruction runs in a
// stub that loads every register from a struct and stores it back; a fault is caught as a signal. Ours runs it in the
// same mode at CPL 3: 64-bit or compatibility mode. Reusable: harness_new, then for each piece of code harness_code,
// for each state harness_host and harness_ours.
#ifndef TESTS_INSN_HARNESS_H
#define TESTS_INSN_HARNESS_H
#include "cpu/pages/pages.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "cpu/decode/insn.h"
#include "tests/insn/fx_image.h"

#define HARNESS_CODE 0x10000000ull // one page; the instruction is at HARNESS_INSN
#define HARNESS_STATE 0x18000000ull
#define HARNESS_DATA 0x40000000ull // two pages; operands lie in the window around their border
enum { HARNESS_WINDOW = 1024, HARNESS_INSN = 0x800, HARNESS_TARGET = 0x900 };
#define HARNESS_MIDDLE (HARNESS_DATA + 4096)

struct processor_state {
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t exit;      // RIP afterwards: of the next instruction or HARNESS_TARGET; meaningless after a fault
    uint64_t fault;     // vector + 1; 0: none
    struct fx_image fx; // loaded and stored only when `vector` is asked for
    uint8_t window[HARNESS_WINDOW]; // memory around HARNESS_MIDDLE
};

struct harness {
    struct cpu *cpu;
    struct cpu_model model;
    struct decoder *decoder;
    struct platform platform;
    struct pages pages;
    uint8_t *ram;
    uint64_t next_table;
    enum code_size size; // CODE_64; CODE_32: compatibility mode
    unsigned length;     // bytes of the instruction
    unsigned run_steps;  // steps given to each run of ours: 1 but for repeated string instructions
    bool vector;         // x87 and XMM state take part
    bool faulted;
    uint8_t fault_vector;
};

void harness_new(struct harness *h);
void harness_free(struct harness *h);
// Whether the host's processor has the feature.
bool harness_host_has(unsigned feature);
// Installs an instruction; `vector`: with x87 and XMM state.
void harness_code(struct harness *h, enum code_size size, const uint8_t *bytes, unsigned length, bool vector);
// Each runs it once from `in`.
void harness_host(struct harness *h, const struct processor_state *in, struct processor_state *out);
void harness_ours(struct harness *h, const struct processor_state *in, struct processor_state *out);

#endif
