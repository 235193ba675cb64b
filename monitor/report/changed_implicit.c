// A host uses by itself what its guest has set: SWAPGS takes IA32_KERNEL_GS_BASE, SYSCALL and SYSRET take IA32_STAR,
// IA32_LSTAR and IA32_FMASK, RDTSCP and RDPID take IA32_TSC_AUX, the XSAVE instructions take XCR0 and IA32_XSS; no VM
// exit loads these (SDM Vol. 3C, 27.5). PKRU counts when SYSRET goes to a program of the host. A value is the guest's
// when it is what a VM exit found, nothing has written it since, and the host itself used another one before. Two
// SWAPGS close to each other only read or write the register. NOT IMPLEMENTED: protection keys of a kernel's own
// accesses.
#include "monitor/report/changed.h"
#include "vmx/level/view.h"

static const struct implicit_row {
    const char *name;
    uint32_t used;   // BIT(enum sight_implicit)
    uint32_t msr;    // 0: it is none, but
    uint32_t member; // is there in struct cpu
} rows[IMPLICIT_REGISTERS] = {
    [IMPLICIT_KERNEL_GS_BASE] = {"IA32_KERNEL_GS_BASE", BIT(SIGHT_SWAPGS), 0xc0000102, 0},
    [IMPLICIT_STAR] = {"IA32_STAR", BIT(SIGHT_SYSCALL) | BIT(SIGHT_SYSRET), 0xc0000081, 0},
    [IMPLICIT_LSTAR] = {"IA32_LSTAR", BIT(SIGHT_SYSCALL), 0xc0000082, 0},
    [IMPLICIT_FMASK] = {"IA32_FMASK", BIT(SIGHT_SYSCALL), 0xc0000084, 0},
    [IMPLICIT_TSC_AUX] = {"IA32_TSC_AUX", BIT(SIGHT_RDTSCP) | BIT(SIGHT_RDPID), 0xc0000103, 0},
    [IMPLICIT_XCR0] = {"XCR0", BIT(SIGHT_XSAVE), 0, offsetof(struct cpu, control.xcr0)},
    [IMPLICIT_XSS] = {"IA32_XSS", BIT(SIGHT_XSAVE), 0xda0, 0},
    [IMPLICIT_PKRU] = {"PKRU", BIT(SIGHT_SYSRET), 0, offsetof(struct cpu, control.pkru)},
};

static uint64_t value_of(const struct cpu *cpu, enum implicit_register which) {
    switch (which) {
    case IMPLICIT_KERNEL_GS_BASE: return cpu->msr.kernel_gs_base;
    case IMPLICIT_STAR: return cpu->msr.star;
    case IMPLICIT_LSTAR: return cpu->msr.lstar;
    case IMPLICIT_FMASK: return cpu->msr.sfmask;
    case IMPLICIT_TSC_AUX: return cpu->msr.tsc_aux;
    case IMPLICIT_XCR0: return cpu->control.xcr0;
    case IMPLICIT_XSS: return cpu->msr.xss;
    default: return cpu->control.cr4 & CR4_PKE ? cpu->control.pkru : 0;
    }
}

// --- what guests leave, and what is written after that ---

static void see_exit(struct implicit_processor *p, const struct seen *at) {
    struct implicit_level *l = &p->level[at->level];
    l->exits++;
    l->written = 0;
    for (unsigned i = 0; i < IMPLICIT_REGISTERS; i++) l->left[i] = value_of(at->cpu, i);
}

static void write(struct implicit_processor *p, enum implicit_register which) {
    for (unsigned g = 1; g < VMX_LEVELS; g++) p->level[g].written |= BIT(which);
}

static void see_write(struct implicit_processor *p, uint32_t msr) {
    for (unsigned i = 0; i < IMPLICIT_REGISTERS; i++)
        if (rows[i].msr == msr) write(p, i);
}

// --- uses ---

static void file(const struct seen *at, const struct implicit_processor *p, enum implicit_register which, uint64_t then,
                 uint64_t now) {
    struct report r = report_at(at->cpu, RULE_changed_implicit, at->sight);
    const bool swapgs = which == IMPLICIT_KERNEL_GS_BASE;
    if (swapgs) r.at.step = p->step, r.at.rip = p->rip, r.at.level = (uint32_t)(p->swapped - 1) % VMX_LEVELS;
    const struct place place = {.space = rows[which].msr ? PLACE_MSR : PLACE_REGISTER,
                                .level = (uint8_t)r.at.level,
                                .processor = (uint8_t)at->cpu->id,
                                .bytes = 8,
                                .address = rows[which].msr ? rows[which].msr : rows[which].member};
    report_value(&r, rows[which].name, place, now);
    report_value(&r, "what this level used before", (struct place){0}, then);
    r.same = which;
    guest_beginning(&r, at->cpu, r.at.level + 1 < VMX_LEVELS ? r.at.level + 1 : r.at.level,
                    "the last VM exit of its guest, which left this value");
    report_file(at->reports, at->cpu, &r);
}

static bool is_guests(const struct implicit_processor *p, unsigned level, enum implicit_register which, uint64_t now) {
    for (unsigned g = level + 1; g < VMX_LEVELS; g++) {
        const struct implicit_level *l = &p->level[g];
        if (l->exits && !(l->written >> which & 1) && l->left[which] == now) return true;
    }
    return false;
}

// Programs have a PKRU each.
static bool is_known(const struct implicit_level *l, const struct cpu *cpu, enum implicit_register which) {
    return l->known >> which & 1 && (which != IMPLICIT_PKRU || l->cr3 == cpu->control.cr3);
}

// Of XSAVE and XRSTOR components are left out that EDX:EAX asks for, and that would have been there by the level's own
// mask. Who asks for all leaves the choice to the mask.
static bool is_left_out(const struct implicit_level *l, const struct cpu *cpu, enum implicit_register which,
                        uint64_t now) {
    const uint64_t asked = cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX];
    return !(asked & ~(l->own[IMPLICIT_XCR0] | l->own[IMPLICIT_XSS])) && asked & l->own[which] & ~now;
}

static bool is_wrong(const struct implicit_processor *p, const struct seen *at, enum implicit_register which,
                     uint64_t now) {
    const struct implicit_level *l = &p->level[at->level];
    if (!is_known(l, at->cpu, which) || now == l->own[which] || !is_guests(p, at->level, which, now)) return false;
    return !(rows[which].used & BIT(SIGHT_XSAVE)) || is_left_out(l, at->cpu, which, now);
}

static void use(struct implicit_processor *p, const struct seen *at, enum implicit_register which) {
    struct implicit_level *l = &p->level[at->level];
    const uint64_t now = value_of(at->cpu, which);
    const bool wrong = is_wrong(p, at, which, now);
    if (wrong && which == IMPLICIT_KERNEL_GS_BASE) {
        const struct report_moment m = report_moment(at->cpu, at->sight);
        p->swapped = m.level + 1, p->step = m.step, p->rip = m.rip, p->own_step = at->sight->step;
        p->then = l->own[which], p->now = now;
    } else if (wrong) {
        file(at, p, which, l->own[which], now);
    }
    if (which == IMPLICIT_KERNEL_GS_BASE) write(p, which);
    if (wrong) return;
    l->own[which] = now;
    l->known |= BIT(which);
    if (which == IMPLICIT_PKRU) l->cr3 = at->cpu->control.cr3;
}

// A SWAPGS before this moment was meant: it was not the first of two.
static void judge_swapgs(struct implicit_processor *p, const struct seen *at) {
    enum { CLOSE_STEPS = 8 };
    const bool swaps_back = at->sight->kind == OBSERVE_IMPLICIT && at->sight->number == SIGHT_SWAPGS &&
                            at->sight->step - p->own_step <= CLOSE_STEPS;
    if (!swaps_back) file(at, p, IMPLICIT_KERNEL_GS_BASE, p->then, p->now);
    p->swapped = 0;
}

// Kernels execute RDTSCP for its order, and drop what it has of IA32_TSC_AUX.
static bool is_barrier(const struct seen *at) { return at->sight->number == SIGHT_RDTSCP && cpu_cpl(at->cpu) != 3; }

void implicit_see(struct implicit *implicit, const struct seen *at) {
    struct implicit_processor *p = &implicit->processor[at->cpu->id % MACHINE_CPUS];
    if (p->swapped) judge_swapgs(p, at);
    if (at->sight->kind == OBSERVE_EXIT) see_exit(p, at);
    if (at->sight->kind == OBSERVE_MSR_WRITE) see_write(p, at->sight->number);
    if (at->sight->kind != OBSERVE_IMPLICIT || is_barrier(at)) return;
    for (unsigned i = 0; i < IMPLICIT_REGISTERS; i++)
        if (rows[i].used >> at->sight->number & 1) use(p, at, i);
}
