// Pure questions to VT-x: what they answer is what the processor then does, and asking changes no hash. Random VMCSs
// and random code on both sides of VM entry; SEED=n begins elsewhere.
#include "tests/vmx/bench.h"
#include "cpu/processor/processor.h"
#include "vmx/ask/ask.h"
#include "vmx/ask/rules.h"
#include "vmx/entry/entry.h"
#include "vmx/exit/exit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252ull;
static uint64_t random64(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}
static unsigned below(unsigned n) { return (unsigned)(random64() >> 33) % n; }

static uint64_t hash(struct bench *b) {
    static const struct state_field fields[] = {{"ram", 0, 8, 0x51000 / 8, 8, ~0ull}};
    static const struct state_table ram = STATE_TABLE("ram", fields);
    uint64_t h = state_hash(&cpu_state, b->cpu, 1);
    h = state_hash(&cpu_tlb_state, b->cpu->tlb, h);
    h = state_hash(&vmx_state, bench_vmx(b), h);
    return state_hash(&ram, b->ram, h); // tables, bitmaps, code, data
}

// --- instructions and events: a spy between the processor and VT-x asks first ---

static struct bench *spied;
static struct { unsigned asked, exits, refused, events, event_exits, changed, differs, recorded; } seen;

static bool same_record(const struct exit_record *a, const struct exit_record *b) {
    return a->reason == b->reason && a->qualification == b->qualification && a->interruption == b->interruption &&
           a->error_code == b->error_code && a->instruction_length == b->instruction_length &&
           a->instruction_information == b->instruction_information && a->has_linear == b->has_linear &&
           a->guest_linear == b->guest_linear && a->attempted == b->attempted && a->resume_flag == b->resume_flag &&
           a->nmi == b->nmi;
}

// Bits of `enabled` are only what spares the question.
static void others_stay(const struct ask *ask) {
    uint64_t enabled = ask_enabled(ask);
    struct exit_record would;
    for (unsigned i = 0; i < ICEPT_COUNT; i++)
        if (!(enabled >> i & 1))
            seen.differs +=
                ask_exits(ask, NULL, (enum intercept)i, NO_OPERAND, &would) || ask_undefined(ask, (enum intercept)i);
}

static bool explained(const struct ask *ask, const struct rule_subject *subject) {
    for (unsigned i = 0; exit_rule(i); i++)
        if (exit_rule_holds(i, ask, subject)) return true;
    return false;
}

static enum outcome spy(struct cpu *cpu, const struct op *op, enum intercept what, union intercept_operand operand) {
    bool looks = !below(4); // hashing is slow
    uint64_t before = looks ? hash(spied) : 0;
    const struct ask ask = ask_about(cpu);
    const struct rule_subject subject = {.intercept = what, .operand = operand, .op = op};
    struct exit_record would = {0}, untouched = bench_vmx(spied)->exit;
    bool refused = ask_undefined(&ask, what), exits = ask_exits(&ask, op, what, operand, &would);
    seen.differs += exits != explained(&ask, &subject);
    seen.recorded += !same_record(&untouched, &bench_vmx(spied)->exit);
    if (looks) others_stay(&ask);
    if (looks) seen.changed += hash(spied) != before;
    enum outcome outcome = intercept_check(cpu, op, what, operand);
    seen.asked++;
    seen.exits += exits;
    seen.refused += refused;
    if (refused)
        seen.differs += outcome != OUT_FAULT;
    else
        seen.differs += exits != (outcome == OUT_VMEXIT);
    if (outcome == OUT_VMEXIT) seen.differs += !same_record(&would, &bench_vmx(spied)->exit);
    return outcome;
}

static enum outcome spy_event(struct cpu *cpu, const struct event *event) {
    uint64_t before = hash(spied);
    const struct ask ask = ask_about(cpu);
    struct exit_record would;
    bool direct = !bench_vmx(spied)->injecting && event->type != EVENT_EXTERNAL,
         exits = ask_event_exits(&ask, event, &would);
    seen.changed += hash(spied) != before;
    enum outcome outcome = intercept_event(cpu, event);
    if (!direct) return outcome;
    seen.events++;
    seen.event_exits += exits;
    seen.differs += exits != (outcome == OUT_VMEXIT);
    if (outcome == OUT_VMEXIT) seen.differs += !same_record(&would, &bench_vmx(spied)->exit);
    return outcome;
}

// --- rows: asked about random operands, each exits and each does not ---

enum { ROWS = 128 };
static struct { bool exits, stays; } row_seen[ROWS];

static union intercept_operand random_operand(enum intercept what) {
    static const uint8_t crs[] = {0, 3, 4, 8}, sizes[] = {1, 2, 4};
    static const uint32_t msrs[] = {0, 0x1fff, 0x2000, 0xbfffffff, 0xc0000000, 0xc0001fff, 0xc0002000};
    uint64_t value = below(3) ? random64() & random64() : 0;
    switch (what) {
    case ICEPT_RDMSR:
    case ICEPT_WRMSR: return OPERAND(.msr = {msrs[below(sizeof msrs / sizeof *msrs)] ^ below(2), value});
    case ICEPT_IO:
    case ICEPT_INS_OUTS:
        return OPERAND(.io = {.port = (uint16_t)(0x7ffd + (below(8) ? below(8) : 0x7fff)), .bytes = sizes[below(3)]});
    case ICEPT_CR_READ:
    case ICEPT_CR_WRITE: return OPERAND(.cr = {crs[below(sizeof crs)], (uint8_t)below(16), value});
    case ICEPT_LMSW: return OPERAND(.lmsw = {.source = (uint16_t)below(16)});
    case ICEPT_XSAVES:
    case ICEPT_XRSTORS: return OPERAND(.xsave = {value});
    case ICEPT_VMREAD:
    case ICEPT_VMWRITE: return OPERAND(.vmcs = {.encoding = below(0x8008)});
    case ICEPT_VMFUNC: return OPERAND(.vmfunc = {below(3), below(3) ? 0 : below(513)});
    default: return NO_OPERAND;
    }
}

static struct event random_event(void) {
    static const uint8_t types[] = {EVENT_EXTERNAL, EVENT_NMI, EVENT_HARDWARE_EXCEPTION, EVENT_SOFTWARE_EXCEPTION};
    uint8_t type = types[below(4)], vector = type == EVENT_NMI ? VECTOR_NMI : below(2) ? VECTOR_PF : (uint8_t)below(20);
    return (struct event){.type = type, .vector = vector, .error_code = below(32)};
}

// The row that is read agrees with the rule that is enforced: one of an intercept's rows holds when it exits.
static void ask_rows(const struct ask *ask) {
    const struct event event = random_event();
    struct exit_record would;
    bool holds[ICEPT_COUNT + 1] = {0};
    union intercept_operand operand[ICEPT_COUNT + 1];
    for (unsigned i = 0; i < ICEPT_COUNT; i++) operand[i] = random_operand((enum intercept)i);
    for (unsigned i = 0; exit_rule(i); i++) {
        unsigned what = exit_rule(i)->intercept;
        const struct rule_subject subject = {
            .intercept = (enum intercept)what, .operand = operand[what], .event = what == ICEPT_NONE ? &event : NULL};
        bool row = exit_rule(i)->decided && exit_rule_holds(i, ask, &subject);
        holds[what] |= row;
        row_seen[i].exits |= row;
        row_seen[i].stays |= !row;
    }
    for (unsigned i = 0; i < ICEPT_COUNT; i++)
        seen.differs += holds[i] != ask_exits(ask, NULL, (enum intercept)i, operand[i], &would);
    seen.differs += holds[ICEPT_NONE] != ask_event_exits(ask, &event, &would);
}

// About a VMCS of its own, which need not pass any check.
static void ask_rows_of(struct bench *b) {
    struct vmcs vmcs = *bench_vmx(b)->vmcs;
    struct ask ask = ask_about(b->cpu);
    vmcs_get(&vmcs, PLE_GAP) = below(2) ? UINT32_MAX : 0;
    vmcs_get(&vmcs, PLE_WINDOW) = below(2) ? UINT32_MAX : 0;
    vmcs_get(&vmcs, VM_FUNCTION_CONTROLS) = below(2);
    ask.vmcs = &vmcs;
    ask_rows(&ask);
}

static unsigned rows_missing(void) {
    unsigned missing = 0;
    for (unsigned i = 0; exit_rule(i); i++) {
        const struct exit_rule *r = exit_rule(i);
        bool always = r->group == RULE_NO_CONTROL && !strcmp(r->when, "true");
        if (!r->decided || (row_seen[i].exits && (always || row_seen[i].stays))) continue;
        printf("# row %u, %s, %s\n", i, vmx_exit_name(r->reason), row_seen[i].exits ? "always exits" : "never exits");
        missing++;
    }
    return missing;
}

// --- random machines ---

static void random_controls(struct bench *b) {
    static const enum vmcs_field fields[] = {FIELD_PIN_CONTROLS, FIELD_PROC_CONTROLS, FIELD_PROC2_CONTROLS};
    struct vmx *vmx = bench_vmx(b);
    for (unsigned g = GROUP_PIN; g <= GROUP_PROC2; g++) {
        uint64_t bits = random64() & random64() & vmx->capability.allowed1[g] & ~(uint64_t)vmx->capability.allowed0[g];
        if (g == GROUP_PROC2) bits &= ~BIT(PROC2_ENABLE_EPT);
        vmcs_put(vmx, fields[g], vmx->vmcs->field[fields[g]] ^ bits);
    }
    static const enum vmcs_field masks[] = {FIELD_CR0_MASK,         FIELD_CR0_SHADOW,        FIELD_CR4_MASK,
                                            FIELD_CR4_SHADOW,       FIELD_EXCEPTION_BITMAP,  FIELD_PAGE_FAULT_MASK,
                                            FIELD_PAGE_FAULT_MATCH, FIELD_XSS_EXITING_BITMAP};
    for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++)
        if (below(2)) vmcs_put(vmx, masks[i], random64() & field_mask(masks[i]));
    for (unsigned n = below(2) ? 0x100 : 0; n--;) b->ram[AT_IO_A + below(3 * 4096)] = (uint8_t)random64();
}

static void random_code(struct bench *b, uint64_t at) {
    static const char *const likely[] = {
        "0fa2",       "f4",       "0f31",     "0f01f9",   "0f33",   "0f20c0", "0f20d8", "440f20c0",
        "0f22c0",     "0f22d8",   "0f22e0",   "440f22c0", "0f06",   "0f01f0", "0f21c0", "0f23c8",
        "e480",       "e680",     "ec",       "ee",       "6c",     "6e",     "f36c",   "0f32",
        "0f30",       "0f0100",   "0f0108",   "0f0110",   "0f0118", "0f00c0", "0f00c8", "0f0000",
        "0fc7f0",     "480fc7f8", "0f0138",   "f390",     "0f08",   "0f09",   "0f01c8", "0f01c9",
        "660f388200", "0fc728",   "0fc718",   "0f01d1",   "0f01c1", "0f01c2", "0f01c3", "0f01c4",
        "0fc730",     "660fc730", "f30fc730", "0fc738",   "0f78c1", "0f79c1", "0f7800", "660f388000",
        "660f388100", "0f01d4",   "cd03",     "cc",       "0f0b",   "8b00",   "48cf",   "f30fc7f8"};
    for (unsigned n = 0; n < 24; n++) {
        const char *hex = likely[below(sizeof likely / sizeof *likely)];
        unsigned byte;
        for (; *hex && sscanf(hex, "%2x", &byte) == 1; hex += 2) b->ram[at++] = (uint8_t)byte;
    }
    b->ram[at] = 0xf4;
}

static void random_registers(struct bench *b) {
    static const uint32_t msrs[] = {0x10,  0x1b,       0x174,      0x277,      0x808, 0x80b,
                                    0x83f, 0xc0000080, 0xc0000100, 0xc0002000, 0x2000};
    for (unsigned r = 0; r < 16; r++)
        if (r != RSP) gpr_put(b->cpu, r, below(2) ? AT_GUEST_DATA + below(4096) : random64() >> below(64));
    if (below(2)) gpr_put(b->cpu, RCX, msrs[below(sizeof msrs / sizeof *msrs)]);
    if (below(2)) gpr_put(b->cpu, RAX, below(4) ? field(b->cpu, "control.cr0") ^ BIT(below(32)) : 0);
}

// --- VM entry ---

static struct { unsigned asked, passes, control_fails, host_fails, guest_fails, differs, changed; } entry;

static void compare_loaded(const struct bench *b, const struct cpu_image *image) {
    const struct cpu *cpu = b->cpu;
    entry.differs +=
        field(cpu, "control.cr0") != image->control.cr0 || field(cpu, "control.cr3") != image->control.cr3 ||
        field(cpu, "control.cr4") != image->control.cr4 || field(cpu, "control.efer") != image->control.efer ||
        field_at(cpu, "control.dr", 7) != image->control.dr[7] || gpr(cpu, RSP) != image->rsp ||
        field(cpu, "rip") != image->rip || field(cpu, "msr.sysenter_eip") != image->msr.sysenter_eip ||
        field(cpu, "gdtr.base") != image->gdtr.base;
    for (unsigned s = ES; s <= TR; s++)
        entry.differs += field_at(cpu, "segment_base", s) != image->segment_base[s] ||
                         field_at(cpu, "segment[].rights", s) != image->segment[s].rights ||
                         field_at(cpu, "segment[].limit", s) != image->segment[s].limit;
}

// What comes of VMLAUNCH is what was answered.
static void enter(struct bench *b) {
    struct vmx *vmx = bench_vmx(b);
    struct exit_record would;
    struct cpu_image image;
    uint64_t before = hash(b);
    const struct ask ask = ask_about(b->cpu);
    int row = ask_entry(&ask, &would, &image);
    entry.changed += hash(b) != before;
    unsigned outcome = row == ENTRY_ALLOWED ? 0 : check_outcome((unsigned)row);
    bool injects = bench_field(b, ENTRY_INTERRUPTION) >> 31;
    memcpy(b->ram + AT_HOST_CODE, "\x0f\x01\xc2", 3); // VMLAUNCH
    field_put(b->cpu, "rip", AT_HOST_CODE);
    cpu_drop_derived(b->cpu);
    cpu_run(b->cpu, 1);
    entry.asked++;
    entry.passes += row == ENTRY_ALLOWED;
    entry.control_fails += outcome == 7;
    entry.host_fails += outcome == 8;
    entry.guest_fails += outcome == EXIT_INVALID_GUEST_STATE;
    if (outcome == 7 || outcome == 8)
        entry.differs += vmx->non_root || bench_field(b, INSTRUCTION_ERROR) != outcome || would.reason;
    else if (outcome)
        entry.differs += vmx->non_root || bench_field(b, EXIT_REASON) != would.reason ||
                         bench_field(b, EXIT_QUALIFICATION) != would.qualification;
    else if (vmx->non_root && !injects)
        compare_loaded(b, &image);
    else
        entry.differs += bench_field(b, EXIT_REASON) == (EXIT_INVALID_GUEST_STATE | BIT(31));
}

static void change_fields(struct bench *b) {
    struct vmx *vmx = bench_vmx(b);
    for (unsigned n = 1 + below(4); n--;) {
        unsigned f = below(FIELD_COUNT);
        if (vmx->capability.exists[f])
            vmcs_put(vmx, (enum vmcs_field)f, (vmx->vmcs->field[f] ^ 1ull << below(64)) & field_mask(f));
    }
}

// Runs the guest with the spies in place; when it leaves it is entered again behind the instruction that left.
static void run_guest(struct bench *b) {
    struct vmx *vmx = bench_vmx(b);
    spied = b;
    for (unsigned i = 0, entries = 0; i < 100 && entries < 20 && !vmx->aborted; i++) {
        if (!vmx->non_root) {
            vmcs_set(vmx, GUEST_RIP, vmcs_get(vmx->vmcs, GUEST_RIP) + vmcs_get(vmx->vmcs, EXIT_INSTRUCTION_LENGTH));
            vmcs_set(vmx, GUEST_ACTIVITY, ACTIVITY_ACTIVE);
            memcpy(b->ram + AT_HOST_CODE, "\x0f\x01\xc3", 3); // VMRESUME
            field_put(b->cpu, "rip", AT_HOST_CODE);
            cpu_drop_derived(b->cpu);
            entries++;
        } else {
            b->cpu->intercepts.check = spy;
            b->cpu->intercepts.event = spy_event;
            if (!below(4)) random_registers(b);
        }
        if (cpu_run(b->cpu, 1) == RUN_HALTED) cpu_pend(b->cpu, PENDING_NMI, true);
    }
}

// Controls with which VM entry succeeds, most often.
static void good_controls(struct bench *b) {
    struct vmx *vmx = bench_vmx(b);
    const struct ask ask = ask_about(b->cpu);
    for (unsigned tries = 0; tries < 30; tries++) {
        const struct vmcs before = *vmx->vmcs;
        random_controls(b);
        if (ask_entry(&ask, NULL, NULL) == ENTRY_ALLOWED) return;
        for (unsigned f = 0; f < FIELD_COUNT; f++) vmcs_put(vmx, (enum vmcs_field)f, before.field[f]);
    }
}

static void round_of(const char *model, bool fields) {
    struct bench *b = bench_new(model);
    bench_prepare(b);
    if (below(4) || !fields)
        good_controls(b);
    else
        random_controls(b);
    if (fields) change_fields(b);
    field_put(b->cpu, "msr.xss", random64());
    bench_vmx(b)->ple_last = below(2) ? 1 : 0;
    for (unsigned n = 0; n < 8; n++) ask_rows_of(b);
    field_put(b->cpu, "msr.xss", bench_vmx(b)->ple_last = 0);
    random_code(b, AT_GUEST_CODE);
    for (unsigned v = 0; v < 32; v++)
        memcpy(b->ram + AT_HANDLER + 16 * v, below(2) ? "\x90\x48\xcf" : "\xf4\xf4\xf4", 3);
    random_registers(b);
    enter(b);
    run_guest(b);
    bench_free(b);
}

int main(void) {
    enum { ROUNDS = 400 };
    const char *seed = getenv("SEED");
    if (seed) state ^= strtoull(seed, NULL, 0) << 1;
    for (unsigned i = 0; i < ROUNDS; i++) round_of("server", i % 2);
    ok(seen.asked > 500 && seen.exits > 200 && seen.exits < seen.asked, "instructions asked about: %u, %u exit",
       seen.asked, seen.exits);
    ok(seen.refused > 0, "%u are undefined without their control", seen.refused);
    ok(seen.events > 50 && seen.event_exits > 10 && seen.event_exits < seen.events, "events asked about: %u, %u exit",
       seen.events, seen.event_exits);
    ok(rows_missing() == 0, "each rule of exits.def is seen to exit and not to exit");
    ok(!seen.differs, "the processor does what was answered");
    ok(!seen.recorded, "asking records no exit");
    ok(!seen.changed, "asking changes no hash");
    ok(entry.passes > 50 && entry.control_fails > 5 && entry.guest_fails > 3, "entries: %u pass, fail: %u, %u and %u",
       entry.passes, entry.control_fails, entry.host_fails, entry.guest_fails);
    ok(!entry.differs, "VM entry does what was answered, and loads it");
    ok(!entry.changed, "asking about VM entry changes no hash");
    return done_testing();
}
