// A bare processor with VT-x in 16 MBytes of RAM: 64-bit mode, paging with 2-MByte pages where linear address =
// physical address, in VMX root operation with a VMCS that passes every check. Tests change one thing and look.
#ifndef TESTS_VMX_BENCH_H
#define TESTS_VMX_BENCH_H
#include "cpu/pages/pages.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "tests/field.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

// Physical addresses.
enum {
    AT_PML4 = 0x1000,
    AT_PDPT = 0x2000,
    AT_PD = 0x3000,
    AT_GDT = 0x4000,
    AT_IDT = 0x5000,
    AT_TSS = 0x6000,
    AT_VMXON = 0x7000,
    AT_VMCS = 0x8000,
    AT_VMCS2 = 0x9000,
    AT_IO_A = 0xa000,
    AT_IO_B = 0xb000,
    AT_MSR_BITMAPS = 0xc000,
    AT_MSR_AREA = 0xd000,
    AT_DATA = 0xe000,
    AT_SHADOW = 0xf000,
    AT_POINTER = 0x14000,
    AT_EPT_PML4 = 0x10000,
    AT_EPT_PDPT = 0x11000,
    AT_EPT_PD = 0x12000,
    AT_EPT_PT = 0x13000,
    AT_HOST_CODE = 0x20000,
    AT_HOST_EXIT = 0x21000,
    AT_HOST_STACK = 0x23000,
    AT_GUEST_CODE = 0x30000,
    AT_GUEST_STACK = 0x33000,
    AT_GUEST_DATA = 0x40000,
    AT_HANDLER = 0x50000,
    BENCH_RAM = 16 << 20,
};
enum { CODE_SELECTOR = 0x08, DATA_SELECTOR = 0x10, TSS_SELECTOR = 0x18 };
enum { VPID_USED = 7 };

struct bench {
    struct cpu *cpu;
    struct cpu_model model;
    struct decoder *decoder;
    struct platform platform;
    struct pages pages;
    uint8_t *ram;
    uint16_t port; // last port access
    uint32_t port_value;
    int interrupt_vector; // what acknowledge answers; -1: spurious
};

struct bench *bench_new(const char *model);
void bench_free(struct bench *b);
struct vmx *bench_vmx(struct bench *b);
const uint64_t *bench_walks(const struct bench *b); // translations that walked: for data, for fetches
void bench_store(struct bench *b, uint64_t physical, unsigned bytes, uint64_t value);
uint64_t bench_load(struct bench *b, uint64_t physical, unsigned bytes);

// Runs one instruction, given as bytes, where RIP is put; says what came of it.
enum ran { RAN_ON, RAN_UD, RAN_GP, RAN_PF, RAN_ELSEWHERE, RAN_OTHER };
enum ran bench_run(struct bench *b, const char *hex);
// The same, and then reads the flags: VMsucceed, VMfailInvalid, VMfailValid(number).
enum { SUCCEED = 0, FAIL_INVALID = -1, FAULTED_UD = -2, FAULTED_GP = -3, CONFUSED = -4 };
int bench_vmx_instruction(struct bench *b, const char *hex);

int bench_vmxon(struct bench *b, uint64_t pointer);
int bench_vmclear(struct bench *b, uint64_t pointer);
int bench_vmptrld(struct bench *b, uint64_t pointer);
int bench_vmread(struct bench *b, uint64_t encoding, uint64_t *value);
int bench_vmwrite(struct bench *b, uint64_t encoding, uint64_t value);
int bench_vmlaunch(struct bench *b);
int bench_vmresume(struct bench *b);

#define bench_field(b, name) (bench_vmx(b)->vmcs->field[FIELD_##name])
void bench_write(struct bench *b, enum vmcs_field field, uint64_t value); // by VMWRITE
#define bench_set(b, name, value) bench_write(b, FIELD_##name, value)
void bench_control(struct bench *b, enum control_group group, unsigned bit, bool on);
#define bench_on(b, group, name) bench_control(b, GROUP_##group, group##_##name, true)
#define bench_off(b, group, name) bench_control(b, GROUP_##group, group##_##name, false)

// VMXON, VMCLEAR, VMPTRLD and the VMWRITEs of a valid VMCS: 64-bit guest, EPT mapping 16 MBytes one to one, VPID.
void bench_prepare(struct bench *b);
void bench_valid_vmcs(struct bench *b);
void bench_guest(struct bench *b, const char *hex); // puts guest code at GUEST_RIP
// Enters and runs until VMX root operation, `steps` at most; the exit-reason field, or ~0.
uint32_t bench_enter(struct bench *b, unsigned steps);
uint32_t bench_reenter(struct bench *b, unsigned steps);  // VMRESUME
uint32_t bench_continue(struct bench *b, unsigned steps); // only runs

#endif
