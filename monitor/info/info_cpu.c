// Pages about the processor's registers, as the level that is looked at has them.
#include "cpu/state/model.h"
#include "cpu/x87/x87.h"
#include "monitor/info/info.h"
#include "monitor/explain/msr_name.h"
#include "monitor/symbols/symbols.h"
#include <inttypes.h>
#include <stdio.h>

static const char *const gpr_names[16] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                          "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};

// A level that waits: what its VMCS does not hold is not known.
static void say_source(struct monitor *monitor, const struct view *view) {
    if (view->source == VIEW_GUEST_AREA)
        print(monitor, "level %u waits: from the guest-state area of VMCS %" PRIx64 "\n", view->level, view->vmcs);
    if (view->source == VIEW_HOST_AREA)
        print(monitor, "level 0 waits: from the host-state area of VMCS %" PRIx64 "\n", vmx_current_vmcs(view->cpu));
}

static void print_gpr(struct monitor *monitor, const struct view *view, unsigned r, const char *end) {
    bool known = view->source == VIEW_LIVE || r == RSP;
    if (known)
        print(monitor, "%-4s%016" PRIx64 "%s", gpr_names[r], view->gpr[r], end);
    else
        print(monitor, "%-4s%*s%s", gpr_names[r], *end == '\n' ? 1 : -16, "?", end);
}

bool info_registers(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    static const uint8_t order[16] = {RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15};
    struct view view;
    char name[160];
    if (!view_make(&monitor->look, monitor->look.level, &view)) return false;
    say_source(monitor, &view);
    for (unsigned i = 0; i < 16; i++) print_gpr(monitor, &view, order[i], i % 4 == 3 ? "\n" : "  ");
    print(monitor, "RIP %016" PRIx64, view.rip);
    if (*symbols_name(monitor->look.symbols, (int)view.level, view_code_address(&view), name, sizeof name))
        print_in(monitor, YELLOW, " <%s>", name);
    print(monitor, "\n");
    info_bits(monitor, "RFLAGS", view.rflags, BITS_RFLAGS);
    return true;
}

// What the guest reads of a control register, and which of its bits are the hypervisor's. SDM Vol. 3C, 24.6.6.
static void print_cr_mask(struct monitor *monitor, const struct view *v, enum vmcs_field mask_field, uint64_t value,
                          enum bit_group bits) {
    uint64_t mask = view_field(v, mask_field), shadow = view_field(v, mask_field + 2);
    info_bits(monitor, " mask", mask, bits);
    info_bits(monitor, " shadow", shadow, bits);
    info_bits(monitor, " reads", (value & ~mask) | (shadow & mask), bits);
}

// The bits that must be 1 in VMX operation: A.7, A.8; 23.8 for unrestricted guests.
static void print_fixed(struct monitor *monitor, const struct view *v, uint32_t msr, uint64_t value,
                        enum bit_group bits) {
    uint64_t fixed = 0, proc2 = 0;
    if (!vmx_in_operation(v->cpu) || !msr_peek(v->machine, v->cpu, msr, &fixed)) return;
    if (v->level && view_field(v, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1)
        proc2 = view_field(v, FIELD_PROC2_CONTROLS);
    if (bits == BITS_CR0 && proc2 >> PROC2_UNRESTRICTED_GUEST & 1) fixed &= ~(uint64_t)(CR0_PE | CR0_PG);
    info_bits(monitor, " fixed", fixed, bits);
    if (fixed & ~value) {
        print_in(monitor, RED, " must be 1 in VMX operation, and is 0:");
        info_bit_names(monitor, fixed & ~value, bits);
        print(monitor, "\n");
    }
}

static void print_cr(struct monitor *monitor, const struct view *v, bool cr4) {
    enum { FIXED0_CR0 = 0x486, FIXED0_CR4 = 0x488 };
    enum bit_group bits = cr4 ? BITS_CR4 : BITS_CR0;
    uint64_t value = cr4 ? v->cr4 : v->cr0;
    info_bits(monitor, cr4 ? "CR4" : "CR0", value, bits);
    if (v->level) print_cr_mask(monitor, v, cr4 ? FIELD_CR4_MASK : FIELD_CR0_MASK, value, bits);
    print_fixed(monitor, v, cr4 ? FIXED0_CR4 : FIXED0_CR0, value, bits);
}

bool info_control(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    struct view v;
    if (!view_make(&monitor->look, monitor->look.level, &v)) return false;
    say_source(monitor, &v);
    print_cr(monitor, &v, false);
    if (v.source == VIEW_LIVE) print(monitor, "%-7s %016" PRIx64 "\n", "CR2", v.cr2);
    print(monitor, "%-7s %016" PRIx64, "CR3", v.cr3);
    if (v.cr4 & CR4_PCIDE) print(monitor, "  PCID %u", (unsigned)(v.cr3 & 0xfff));
    print(monitor, "\n");
    print_cr(monitor, &v, true);
    info_bits(monitor, "EFER", v.efer, BITS_EFER);
    if (v.source == VIEW_LIVE) {
        print(monitor, "%-7s %016" PRIx64 "\n", "XCR0", v.cpu->control.xcr0);
        for (unsigned i = 0; i < 4; i++) print(monitor, "DR%u     %016" PRIx64 "\n", i, v.cpu->control.dr[i]);
        info_bits(monitor, "DR6", v.cpu->control.dr[6], BITS_DR6);
    }
    info_bits(monitor, "DR7", v.dr7, BITS_DR7);
    bool pae = v.cr0 & CR0_PG && v.cr4 & CR4_PAE && !(v.efer & EFER_LMA);
    for (unsigned i = 0; i < 4 && pae; i++) print(monitor, "PDPTE%u  %016" PRIx64 "\n", i, v.pdpte[i]);
    return true;
}

// The type, SDM Vol. 3A, tables 3-1 and 3-2.
static const char *type_name(uint32_t rights) {
    static const char *const data[] = {"r--", "rw-", "r--, expand-down", "rw-, expand-down"};
    static const char *const code[] = {"--x", "r-x", "--x, conforming", "r-x, conforming"};
    if (rights & RIGHTS_UNUSABLE) return "unusable";
    if (rights & RIGHTS_S) return rights & 8 ? code[rights >> 1 & 3] : data[rights >> 1 & 3];
    switch (rights & 15) {
    case 1: return "TSS (16-bit)";
    case 2: return "LDT";
    case 3: return "TSS (16-bit), busy";
    case 9: return "TSS";
    case 11: return "TSS, busy";
    default: return "system";
    }
}

bool info_segments(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};
    struct view v;
    if (!view_make(&monitor->look, monitor->look.level, &v)) return false;
    say_source(monitor, &v);
    print(monitor, "      sel.  base              limit     rights\n");
    for (unsigned s = ES; s <= TR; s++) {
        const struct segment *g = &v.segment[s];
        print(monitor, "%-5s %04x  %016" PRIx64 "  %08x  %05x  %s", names[s], g->selector, v.base[s], g->limit,
              g->rights, type_name(g->rights));
        if (!(g->rights & RIGHTS_UNUSABLE)) {
            print(monitor, ", DPL %u%s", g->rights >> RIGHTS_DPL_SHIFT & 3,
                  g->rights & RIGHTS_P ? "" : ", not present");
            if (g->rights & RIGHTS_S)
                print(monitor, "%s",
                      g->rights & RIGHTS_L    ? ", 64-bit"
                      : g->rights & RIGHTS_DB ? ", 32-bit"
                                              : ", 16-bit");
        }
        print(monitor, "\n");
    }
    print(monitor, "GDTR        %016" PRIx64 "  %04x\nIDTR        %016" PRIx64 "  %04x\n", v.gdtr.base, v.gdtr.limit,
          v.idtr.base, v.idtr.limit);
    return true;
}

// --- the registers that no VMCS holds ---

static const struct cpu *live_cpu(struct monitor *monitor, const char *what) {
    struct view view;
    if (!view_make(&monitor->look, monitor->look.level, &view)) return NULL;
    if (view.source == VIEW_LIVE) return view.cpu;
    monitor_error(monitor, "info %s: level %u does not run now, and its VMCS does not hold these", what, view.level);
    return NULL;
}

bool info_fpu(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)arguments;
    const struct cpu *cpu = live_cpu(monitor, page->name);
    if (!cpu) return false;
    const struct x87 *x = &cpu->fpu.x87;
    print(monitor, "control %04x  status %04x  TOP %u  opcode %03x\n", x->control, x->status, x87_top(cpu), x->opcode);
    print(monitor, "instruction %04x:%016" PRIx64 "  operand %04x:%016" PRIx64 "\n", x->cs, x->ip, x->ds, x->dp);
    for (unsigned i = 0; i < 8; i++) {
        unsigned physical = x87_physical(cpu, i);
        print(monitor, "ST%u (R%u)  %04x %016" PRIx64 "  %s\n", i, physical, x->r[physical].sign_exponent,
              x->r[physical].significand, x87_is_empty(cpu, i) ? "empty" : "in use");
    }
    return true;
}

bool info_sse(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)arguments;
    const struct cpu *cpu = live_cpu(monitor, page->name);
    if (!cpu) return false;
    bool wide = cpu_model_has(cpu->wire.model, FEATURE_AVX);
    info_bits(monitor, "MXCSR", cpu->fpu.mxcsr, BITS_MXCSR);
    for (unsigned i = 0; i < 16; i++) {
        const uint64_t *u = cpu->fpu.vector[i].u64;
        print(monitor, "%s%-2u  ", wide ? "YMM" : "XMM", i);
        if (wide) print(monitor, "%016" PRIx64 "_%016" PRIx64 "_", u[3], u[2]);
        print(monitor, "%016" PRIx64 "_%016" PRIx64 "\n", u[1], u[0]);
    }
    return true;
}

bool info_msr(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    const struct cpu *cpu = live_cpu(monitor, page->name);
    const struct msr_name *m;
    uint64_t value, address = 0;
    if (!cpu) return false;
    struct name name = name_find(&monitor->look, arguments, false);
    if (name.kind == NAME_MSR)
        address = name.value;
    else if (*arguments && (!take_value(&monitor->look, &arguments, &address) || !take_end(&monitor->look, arguments)))
        return false;
    bool all = !address && name.kind != NAME_MSR, any = false;
    for (unsigned i = 0; (m = msr_name_at(i)); i++) {
        if ((!all && m->address != address) || !msr_peek(monitor->look.machine, cpu, m->address, &value)) continue;
        print(monitor, "%08x  %-30s %016" PRIx64 "\n", m->address, m->name, value);
        any = true;
    }
    return any ||
           monitor_error(monitor, "MSR 0x%" PRIx64 ": the processor does not have it, or it cannot be read", address);
}

static void print_leaf(struct monitor *monitor, const struct cpu *cpu, uint32_t leaf, uint32_t subleaf) {
    struct cpuid_result r = machine_cpuid(monitor->look.machine, cpu->id, leaf, subleaf);
    if (subleaf && !r.eax && !r.ebx && !r.ecx && !r.edx) return;
    print(monitor, "%08x %2u  EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
}

static bool has_subleaves(uint32_t leaf) { return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd; }

bool info_cpuid(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    enum { SUBLEAVES = 4, EXTENDED = 0x80000000u };
    const struct cpu *cpu = live_cpu(monitor, page->name);
    uint64_t leaf;
    if (!cpu) return false;
    if (*arguments) {
        if (!take_value(&monitor->look, &arguments, &leaf) || !take_end(&monitor->look, arguments)) return false;
        for (uint32_t s = 0; s < (has_subleaves((uint32_t)leaf) ? SUBLEAVES : 1); s++)
            print_leaf(monitor, cpu, (uint32_t)leaf, s);
        return true;
    }
    for (uint32_t l = 0; l <= machine_cpuid(monitor->look.machine, cpu->id, 0, 0).eax; l++)
        for (uint32_t s = 0; s < (has_subleaves(l) ? SUBLEAVES : 1); s++) print_leaf(monitor, cpu, l, s);
    for (uint32_t l = EXTENDED; l <= machine_cpuid(monitor->look.machine, cpu->id, EXTENDED, 0).eax; l++)
        print_leaf(monitor, cpu, l, 0);
    return true;
}
