// The words of exits.def and changes.def, beside those of words.h: `c` is the struct ask, `op` the instruction's record
// or NULL, `o` its operand, `e` the event, `w` the record of the VM exit.
#ifndef VMX_EXIT_WORDS_H
#define VMX_EXIT_WORDS_H
#include "vmx/ask/information.h"
#include "vmx/ask/qualification.h"
#include "vmx/ask/words.h"

enum msr_access { MSR_READ, MSR_WRITE };

// --- what decides ---
#define cpl() state("cpl()", cpu_cpl(c->cpu))
#define time_stamp_disabled() state("CR4.TSD at CPL > 0", cpu_cpl(c->cpu) && c->cpu->control.cr4 & CR4_TSD)
#define xss() state("xss()", c->cpu->msr.xss)
#define delivering() state("delivering()", c->cpu->attempt.delivering_valid)
#define bitmap_bit(X, n) (memory_at("bit of " #X, field(X) + (n) / 8, 1) >> (n) % 8 & 1)
#define cr3_target(value) word_cr3_target(c, value)
#define ports_exit(port, bytes) word_ports_exit(c, port, bytes)
#define msr_exits(index, access) word_msr_exits(c, index, access)
#define field_exits(encoding, bitmap) ((encoding) >> 15 || bitmap_bit(bitmap, encoding))
#define lmsw_changes(source) word_lmsw_changes(c, source)
#define exception_bit(vector) (field(EXCEPTION_BITMAP) >> ((vector)&31) & 1)
#define page_fault_matches() ((e->error_code & field(PAGE_FAULT_MASK)) == field(PAGE_FAULT_MATCH))
#define pause_loop_is_long() word_pause_loop_is_long(c, op)
#define eptp_in_list(entry) word_eptp_in_list(c, entry)

static inline bool word_cr3_target(const struct ask *c, uint64_t value) {
    uint64_t count = field(CR3_TARGET_COUNT);
    for (unsigned i = 0; i < count && i < CR3_TARGETS; i++)
        if (c->vmcs->field[FIELD_CR3_TARGET0 + i] == value) return true;
    return false;
}

// A bit set for any of the ports, or an access that wraps around the I/O address space.
static inline bool word_ports_exit(const struct ask *c, unsigned port, unsigned bytes) {
    enum { PORTS_A_BITMAP = 0x8000 };
    if (port + bytes - 1 > UINT16_MAX) return true;
    for (unsigned p = port; p < port + bytes; p++)
        if (p < PORTS_A_BITMAP ? bitmap_bit(IO_BITMAP_A, p) : bitmap_bit(IO_BITMAP_B, p - PORTS_A_BITMAP)) return true;
    return false;
}

// 24.6.9: four parts of 1 KByte, for low and high MSRs, reading before writing.
static inline bool word_msr_exits(const struct ask *c, uint32_t index, enum msr_access access) {
    enum { BITS_A_PART = 0x2000, HIGH_PART = 1, WRITE_PARTS = 2 };
    bool low = index <= 0x1fff, high = index >= 0xc0000000u && index <= 0xc0001fffu;
    if (!low && !high) return true;
    unsigned in = (access == MSR_WRITE ? WRITE_PARTS : 0) + (high ? HIGH_PART : 0);
    return bitmap_bit(MSR_BITMAPS, in * BITS_A_PART + (index & (BITS_A_PART - 1)));
}

// LMSW never clears CR0.PE: a 0 for PE does not differ from anything.
static inline uint64_t word_lmsw_changes(const struct ask *c, uint64_t source) {
    uint64_t changes = (source ^ field(CR0_SHADOW)) & BITS(3, 0);
    return source & CR0_PE ? changes : changes & ~CR0_PE;
}

// A loop goes on while no more than PLE_Gap cycles lie between two PAUSEs.
static inline bool word_pause_loop_is_long(const struct ask *c, const struct op *op) {
    const struct vmx *vmx = vmx_of(c->cpu);
    uint64_t now = cpu_cycles(c->cpu, op);
    return vmx->ple_last && now - vmx->ple_last <= field(PLE_GAP) && now - vmx->ple_first > field(PLE_WINDOW);
}

// 25.5.6.3
static inline bool word_eptp_in_list(const struct ask *c, uint32_t entry) {
    enum { LIST_ENTRIES = 512 };
    return entry < LIST_ENTRIES && ask_eptp(c, memory_at("EPTP list entry", field(EPTP_LIST_ADDRESS) + 8 * entry, 8));
}

// --- what is reported: Tables 27-3 to 27-14 ---
enum {
    INFORMATION_REG1 = 3,
    INFORMATION_REGISTER = 10,
    INFORMATION_OPERAND_32 = 11,
    INFORMATION_IDENTITY = 28,
    INFORMATION_REG2 = 28,
};
#define qualification(v) (w->qualification = (v))
#define information(v) (w->instruction_information = (uint32_t)(v))
#define linear(v) (w->has_linear = true, w->guest_linear = of_mode(v))
#define resume(how) (w->resume_flag = how)

#define of_mode(v) (cpu_64bit(c->cpu) ? (v) : (uint32_t)(v))
#define displacement() (op ? information_displacement(c->cpu, op) : 0)
#define memory() (op ? information_memory(op) : 0)
#define in_memory() (op && information_is_memory(op))
#define destination() (op ? op->dst / 8u : 0)
#define string_operand(in) (op ? information_string_io(op, in) : 0)
#define first_register(gpr) (BIT(INFORMATION_REGISTER) | (uint32_t)(gpr) << INFORMATION_REG1)
#define second_register(gpr) ((uint32_t)(gpr) << INFORMATION_REG2)
#define identity(n) ((uint32_t)(n) << INFORMATION_IDENTITY)
// Outside 64-bit mode the operand size reported is that of the code segment.
#define code_size() ((c->cpu->mode & MODE_CODE_MASK) == MODE_CODE_32 ? (uint32_t)BIT(INFORMATION_OPERAND_32) : 0)
#define random_operand()                                                                                               \
    (o.random.gpr << INFORMATION_REG1 | (o.random.bytes == 8   ? 2u                                                    \
                                         : o.random.bytes == 4 ? 1u                                                    \
                                                               : 0u)                                                   \
                                            << INFORMATION_OPERAND_32)
#define vmcs_operand() ((o.vmcs.memory ? memory() : first_register(o.vmcs.gpr1)) | second_register(o.vmcs.gpr2))
#define vmcs_operand_displacement() (o.vmcs.memory ? displacement() : 0)
#define cr_access(access)                                                                                              \
    (part(CR_ACCESS, NUMBER, o.cr.number) | part(CR_ACCESS, ACCESS, access) | part(CR_ACCESS, GPR, o.cr.gpr))
#define io_access()                                                                                                    \
    (part(IO_INSTRUCTION, SIZE, o.io.bytes - 1) | part(IO_INSTRUCTION, IN, o.io.in) |                                  \
     part(IO_INSTRUCTION, REP, o.io.rep) | part(IO_INSTRUCTION, IMMEDIATE, o.io.immediate) |                           \
     part(IO_INSTRUCTION, PORT, o.io.port))

#endif
