// Ports: IN OUT INS OUTS and the I/O permission bitmap. SDM Vol. 1, 19.5; Vol. 3C, 25.1.1 (order of faults and exits).
#include "cpu/watch/debug.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/intercept.h"
#include "cpu/watch/observe.h"
#include "cpu/integer/string.h"

// The bitmap of a 32-bit or 64-bit TSS: two bytes are read, so that an access may cross a byte of it.
static enum outcome bitmap_check(struct cpu *cpu, uint16_t port, unsigned size) {
    enum { IO_MAP_BASE = 0x66 };
    const struct segment *tr = &cpu->segment[TR];
    uint64_t base = 0, bits = 0;
    bool tss32 = !(tr->rights & RIGHTS_UNUSABLE) && rights_system_type(tr->rights) == TYPE_TSS32_BUSY;
    if (!tss32 || tr->limit < IO_MAP_BASE + 1) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->segment_base[TR] + IO_MAP_BASE, 16, &base));
    uint32_t at = (uint32_t)base + port / 8u;
    if (at + 1 > tr->limit) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->segment_base[TR] + at, 16, &bits));
    return bits >> (port % 8u) & (BIT(size) - 1) ? cpu_fault_gp0(cpu) : OUT_OK;
}

static enum outcome io_check(struct cpu *cpu, uint16_t port, unsigned size) {
    if (cpu_real(cpu) || (cpu_protected(cpu) && cpu_cpl(cpu) <= cpu_iopl(cpu))) return OUT_OK;
    return bitmap_check(cpu, port, size);
}

static uint64_t port_in(struct cpu *cpu, const struct op *op, uint16_t port, unsigned w) {
    const struct platform *p = cpu->wire.platform;
    if (unlikely(cpu->breakpoints.watch & WATCH_IO)) debug_port(cpu, port, w / 8);
    uint64_t value = p->port_in ? p->port_in(p->machine, cpu, port, w / 8) & MASK(w) : MASK(w);
    OBSERVE_TELL(cpu, op, IO, .number = port, .size = (uint8_t)(w / 8), .value = value);
    return value;
}
static void port_out(struct cpu *cpu, const struct op *op, uint16_t port, unsigned w, uint64_t value) {
    const struct platform *p = cpu->wire.platform;
    if (unlikely(cpu->breakpoints.watch & WATCH_IO)) debug_port(cpu, port, w / 8);
    OBSERVE_TELL(cpu, op, IO, .number = port, .size = (uint8_t)(w / 8), .value = value & MASK(w), .write = true);
    if (p->port_out) p->port_out(p->machine, cpu, port, w / 8, (uint32_t)(value & MASK(w)));
}

// The port: an immediate byte, or DX.
ALWAYS_INLINE enum outcome io_port(struct cpu *cpu, const struct op *op, enum form f, unsigned w, bool in,
                                   uint16_t *port) {
    *port = f == FORM_RI ? (uint8_t)op->imm : (uint16_t)cpu->gpr[RDX];
    TRY(io_check(cpu, *port, w / 8));
    return intercept(cpu, op, ICEPT_IO, OPERAND(.io = {*port, (uint8_t)(w / 8), .in = in, .immediate = f == FORM_RI}));
}

BODY(in) {
    uint16_t port = 0;
    TRY(io_port(cpu, op, F, W, true, &port));
    reg_set(cpu, RAX * 8, W, port_in(cpu, op, port, W));
    return OUT_OK;
}
BODY(out) {
    uint16_t port = 0;
    TRY(io_port(cpu, op, F, W, false, &port));
    port_out(cpu, op, port, W, reg_get(cpu, RAX * 8, W));
    return OUT_OK;
}
#define WIDTHS_IO(X, n, f) X(n, f, 8) X(n, f, 16) X(n, f, 32)
#define FORMS_IO(X, n) WIDTHS_IO(X, n, RR) WIDTHS_IO(X, n, RI)
INSTANTIATE(in, END, FORMS_IO)
INSTANTIATE(out, END, FORMS_IO)

// --- strings: REX.W leaves the element at 32 bits ---

// The VM exit comes before all checks of the operand in memory: it reports where that would be.
static enum outcome string_intercept(struct cpu *cpu, const struct op *op, uint16_t port, unsigned w, bool in) {
    unsigned segment = in ? ES : op->ea & EA_SEGMENT;
    bool based = !cpu_64bit(cpu) || segment == FS || segment == GS;
    uint64_t linear = string_register(cpu, op, in ? RDI : RSI) + (based ? cpu->segment_base[segment] : 0);
    return intercept(cpu, op, ICEPT_INS_OUTS,
                     OPERAND(.io = {port, (uint8_t)(w / 8), .in = in, .rep = op->imm, .linear = linear}));
}

// Where the element goes is made sure of before the device is asked for it.
ALWAYS_INLINE enum outcome ins_once(struct cpu *cpu, const struct op *op, unsigned w) {
    uint64_t linear = 0;
    enum outcome outcome;
    uint16_t port = (uint16_t)cpu->gpr[RDX];
    TRY(io_check(cpu, port, w / 8));
    TRY(string_intercept(cpu, op, port, w, true));
    TRY(string_target(cpu, op, w, true, &linear));
    void *p = memory_write(cpu, linear, w / 8, false, &outcome);
    if (!p) return outcome;
    bytes_set(p, w, port_in(cpu, op, port, w));
    if (p == cpu->bounce.data) TRY(memory_commit(cpu, w / 8));
    string_advance(cpu, op, RDI, w, 1);
    return OUT_OK;
}

ALWAYS_INLINE enum outcome outs_once(struct cpu *cpu, const struct op *op, unsigned w) {
    uint64_t linear = 0, value = 0;
    uint16_t port = (uint16_t)cpu->gpr[RDX];
    TRY(io_check(cpu, port, w / 8));
    TRY(string_intercept(cpu, op, port, w, false));
    TRY(string_source(cpu, op, w, &linear));
    TRY(load(cpu, linear, w, &value));
    port_out(cpu, op, port, w, value);
    string_advance(cpu, op, RSI, w, 1);
    return OUT_OK;
}

// The right to the port is checked also when the count is 0 (processors of both vendors; the manual is silent).
ALWAYS_INLINE enum outcome string_io(struct cpu *cpu, const struct op *op, unsigned bytes, string_once_fn *once) {
    if (!string_register(cpu, op, RCX)) TRY(io_check(cpu, (uint16_t)cpu->gpr[RDX], bytes));
    return string_repeat(cpu, op, once, NULL);
}

#define STRING_IO_WIDTH(name, w)                                                                                       \
    static enum outcome name##_once_##w(struct cpu *cpu, const struct op *op, bool *more) {                            \
        *more = true;                                                                                                  \
        return name##_once(cpu, op, w);                                                                                \
    }
#define STRING_IO(name)                                                                                                \
    STRING_IO_WIDTH(name, 8)                                                                                           \
    STRING_IO_WIDTH(name, 16)                                                                                          \
    STRING_IO_WIDTH(name, 32)                                                                                          \
    BODY(name) {                                                                                                       \
        (void)F;                                                                                                       \
        return name##_once(cpu, op, W == 64 ? 32 : W);                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, END, FORMS_NONE)                                                                                 \
    BODY(name##_repeated) {                                                                                            \
        (void)F;                                                                                                       \
        if (W == 8) return string_io(cpu, op, 1, name##_once_8);                                                       \
        return W == 16 ? string_io(cpu, op, 2, name##_once_16) : string_io(cpu, op, 4, name##_once_32);                \
    }                                                                                                                  \
    INSTANTIATE(name##_repeated, BRANCH, FORMS_NONE)

STRING_IO(ins)
STRING_IO(outs)
