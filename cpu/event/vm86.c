// Virtual-8086 mode extensions: INT n through the interrupt redirection bitmap, virtual interrupts for CLI, STI and
// IRET. SDM Vol. 3A, 20.3; Vol. 2A, CLI, INT n, IRET, STI. The virtual interrupt flag of PUSHF and POPF:
// cpu/integer/stack.c.
#include "cpu/event/vm86.h"
#include "cpu/memory/access.h"
#include "cpu/event/descriptor.h"
#include "cpu/event/segment.h"
#include "cpu/memory/mode.h"

// The 32 bytes before the I/O permission bitmap of the TSS: a bit that is 0 leaves the vector to the 8086 program.
static enum outcome redirected(struct cpu *cpu, uint8_t vector, bool *to_program) {
    enum { IO_MAP_BASE = 0x66, REDIRECTION_BYTES = 32 };
    const struct segment *tr = &cpu->segment[TR];
    uint64_t base = 0, bits = 0;
    if (tr->rights & RIGHTS_UNUSABLE || tr->limit < IO_MAP_BASE + 1) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->segment_base[TR] + IO_MAP_BASE, 16, &base));
    if (base < REDIRECTION_BYTES || base - REDIRECTION_BYTES + vector / 8u > tr->limit) return cpu_fault_gp0(cpu);
    TRY(system_load(cpu, cpu->segment_base[TR] + base - REDIRECTION_BYTES + vector / 8u, 8, &bits));
    *to_program = !(bits >> vector % 8 & 1);
    return OUT_OK;
}

// As the 8086: FLAGS, CS and IP on the stack, the handler from the table at linear address 0.
static enum outcome program_interrupt(struct cpu *cpu, const struct op *op, uint8_t vector) {
    bool limited = cpu_iopl(cpu) < 3;
    uint64_t flags = cpu_rflags(cpu), handler = 0;
    uint64_t image = limited ? (flags & ~FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0) : flags;
    struct stack s = transfer_stack(cpu);
    TRY(load(cpu, 4u * vector, 32, &handler));
    TRY(transfer_push(cpu, &s, 16, image & UINT16_MAX));
    TRY(transfer_push(cpu, &s, 16, cpu->segment[CS].selector));
    TRY(transfer_push(cpu, &s, 16, op_next_rip(cpu, op) & UINT16_MAX));
    transfer_adopt(cpu, &s);
    segment_load_real(cpu, CS, (uint16_t)(handler >> 16));
    cpu->rip = handler & UINT16_MAX;
    cpu_set_rflags(cpu, flags & ~(FLAG_TF | FLAG_NT | FLAG_RF | (limited ? FLAG_VIF : FLAG_IF)));
    cpu->attempt.trap = 0;
    cpu_update_mode(cpu);
    return OUT_LEAVE;
}

enum outcome vm86_int(struct cpu *cpu, const struct op *op, uint8_t vector) {
    bool to_program = false;
    if (cpu->control.cr4 & CR4_VME) TRY(redirected(cpu, vector, &to_program));
    if (to_program) return program_interrupt(cpu, op, vector);
    return cpu_iopl(cpu) < 3 ? cpu_fault_gp0(cpu) : OUT_OK;
}

// Whether CLI and STI work on VIF: the privilege level does not let them reach IF.
static bool virtual_flag(const struct cpu *cpu) {
    return cpu_vm86(cpu) ? cpu->control.cr4 & CR4_VME : cpu->control.cr4 & CR4_PVI && cpu_cpl(cpu) == 3;
}

enum outcome vm86_cli(struct cpu *cpu) {
    if (!virtual_flag(cpu)) return cpu_fault_gp0(cpu);
    cpu->rflags &= ~FLAG_VIF;
    return OUT_OK;
}

enum outcome vm86_sti(struct cpu *cpu) {
    if (!virtual_flag(cpu) || cpu->rflags & FLAG_VIP) return cpu_fault_gp0(cpu);
    cpu->rflags |= FLAG_VIF;
    return OUT_OK;
}

// IRET with IOPL below 3: 16-bit only, the image's IF goes to VIF.
enum outcome vm86_iret(struct cpu *cpu, unsigned w) {
    const uint64_t mask = FLAGS_ARITHMETIC | FLAG_DF | FLAG_NT | FLAG_VIF;
    uint64_t ip = 0, cs = 0, image = 0;
    if (w != 16 || !(cpu->control.cr4 & CR4_VME)) return cpu_fault_gp0(cpu);
    struct stack s = transfer_stack(cpu);
    TRY(transfer_pop(cpu, &s, 16, &ip));
    TRY(transfer_pop(cpu, &s, 16, &cs));
    TRY(transfer_pop(cpu, &s, 16, &image));
    if (image & FLAG_TF || (image & FLAG_IF && cpu->rflags & FLAG_VIP)) return cpu_fault_gp0(cpu);
    transfer_adopt(cpu, &s);
    segment_load_real(cpu, CS, (uint16_t)cs);
    cpu->rip = ip;
    if (image & FLAG_IF) image |= FLAG_VIF;
    cpu_set_rflags(cpu, (cpu_rflags(cpu) & ~(mask | FLAG_RF)) | (image & mask));
    cpu_update_mode(cpu);
    return OUT_OK;
}
