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

static enum outcome string_intercept(struct cpu *cpu, const struct op *op, uint16_t port, unsigned w, bool in,
                                     uint64_t linear) {
    return intercept(cpu, op, ICEPT_INS_OUTS,
                     OPERAND(.io = {port, (uint8_t)(w / 8), .in = in, .rep = op->imm, .linear = linear}));
}

// Where the element goes is made sure of before the device is asked for it.
ALWAYS_INLINE enum outcome ins_once(struct cpu *cpu, const struct op *op, unsigned w) {
    uint64_t linear = 0;
    enum outcome outcome;
    uint16_t port = (uint16_t)cpu->gpr[RDX];
    TRY(io_check(cpu, port, w / 8));
    TRY(string_target(cpu, op, w, true, &linear));
    TRY(string_intercept(cpu, op, port, w, true, linear));
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
    TRY(string_source(cpu, op, w, &linear));
    TRY(string_intercept(cpu, op, port, w, false, linear));
    TRY(load(cpu, linear, w, &value));
    port_out(cpu, op, port, w, value);
    string_advance(cpu, op, RSI, w, 1);
    return OUT_OK;
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
        return string_repeat(cpu, op, W == 8 ? name##_once_8 : W == 16 ? name##_once_16 : name##_once_32, NULL);       \
    }                                                                                                                  \
    INSTANTIATE(name##_repeated, BRANCH, FORMS_NONE)

STRING_IO(ins)
STRING_IO(outs)
