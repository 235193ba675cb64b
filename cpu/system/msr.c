// Model-specific registers: the rows of cpu/system/msr.def, found by their address. SDM Vol. 4; Vol. 3A, 2.2.1 (EFER),
// 11.11 (MTRRs), 11.12 (PAT), 15.3 (machine check), Vol. 3B, 17.17 (TSC).
// MTRRs and PAT are stored and reported; all memory behaves as write-back.
// IA32_FMASK takes all 64 bits: the manual does not say, but Hedron writes ones everywhere on processors, and KVM and
// Xen write there what their guests give them, unchecked.
// NOT IMPLEMENTED: machine-check banks, model-specific last-branch records (DEBUGCTL.LBR is stored).
#include "cpu/counters/counters.h"
#include "cpu/system/msr.h"
#include "cpu/watch/debug.h"
#include "cpu/state/model.h"
#include "cpu/memory/mode.h"
#include <string.h>

#define POWER_CTL_C1E BIT(1)

struct msr_row;
typedef uint64_t read_fn(struct cpu *cpu, const struct op *op, const struct msr_row *row);
typedef enum outcome write_fn(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value);
typedef uint64_t refused_fn(const struct cpu *cpu, const struct msr_row *row, uint64_t value);
struct msr_row {
    uint32_t address;
    uint16_t feature;
    uint16_t offset; // of the member of struct cpu
    const char *called;
    read_fn *read;       // NULL: #GP(0)
    write_fn *write;     // NULL: #GP(0)
    refused_fn *refused; // bits of a value that cannot be written, #GP(0); NULL: none
    const char *rule;    // why, in words
    uint64_t mask;
};

static uint64_t *field(struct cpu *cpu, const struct msr_row *row) { return (uint64_t *)((char *)cpu + row->offset); }

static enum outcome field_set(struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    *field(cpu, row) = value;
    return OUT_OK;
}

// --- reading ---

static uint64_t read_field(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    (void)op;
    return *field(cpu, row);
}
static uint64_t read_zero(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    (void)cpu, (void)op, (void)row;
    return 0;
}
static uint64_t read_performance(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    return performance_read(cpu, op, row->address);
}
static uint64_t read_tsc(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    (void)row;
    return cpu_tell_tsc(cpu, op);
}
// The ratio of the TSC to 100 MHz: maximum non-turbo, and as the minimum. CPUID faulting is there: bit 31.
static uint64_t read_platform_info(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    enum { MAXIMUM_SHIFT = 8, MINIMUM_SHIFT = 40 };
    (void)op, (void)row;
    return cpu_model_ratio(cpu->wire.model) << MAXIMUM_SHIFT | cpu_model_ratio(cpu->wire.model) << MINIMUM_SHIFT |
           BIT(31);
}
// The one operating point that there is, whatever IA32_PERF_CTL asks for.
static uint64_t read_perf_status(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    (void)op, (void)row;
    return cpu_model_ratio(cpu->wire.model) << PERF_RATIO_SHIFT;
}
// Table 2-36 and others alike: no package C-states, and locked so.
static uint64_t read_pkg_cst_config(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    const uint64_t cfg_lock = BIT(15);
    (void)cpu, (void)op, (void)row;
    return cfg_lock;
}
static uint64_t read_mtrrcap(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    enum { VARIABLE = 8, FIXED = 1 << 8, WRITE_COMBINING = 1 << 10 };
    (void)cpu, (void)op, (void)row;
    return VARIABLE | FIXED | WRITE_COMBINING;
}
static uint64_t read_mcg_cap(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    (void)cpu, (void)op, (void)row;
    return 0; // no banks
}
// Nothing is executed speculatively here, so the processor is susceptible to none of these. Bits 13 to 15, 20, 24, 26,
// 27 and 62 are not in edition 077 of the SDM: "Speculative Execution Side Channel Mitigations", 336996, and its
// updates.
static uint64_t read_arch_capabilities(struct cpu *cpu, const struct op *op, const struct msr_row *row) {
    const uint64_t rdcl_no = BIT(0), ibrs_all = BIT(1), skip_l1dfl_vmentry = BIT(3), ssb_no = BIT(4), mds_no = BIT(5),
                   if_pschange_mc_no = BIT(6), taa_no = BIT(8), sbdr_ssdp_no = BIT(13), fbsdp_no = BIT(14),
                   psdp_no = BIT(15), bhi_no = BIT(20), pbrsb_no = BIT(24), gds_no = BIT(26), rfds_no = BIT(27),
                   its_no = BIT(62);
    (void)op, (void)row;
    return rdcl_no | (cpu->wire.model->features[FEATURE_SPEC_CTRL] ? ibrs_all : 0) | skip_l1dfl_vmentry | ssb_no |
           mds_no | if_pschange_mc_no | taa_no | sbdr_ssdp_no | fbsdp_no | psdp_no | bhi_no | pbrsb_no | gds_no |
           rfds_no | its_no;
}

// --- which bits of a value cannot be written ---

static uint64_t refused_masked(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)cpu;
    return value & ~row->mask;
}
static uint64_t refused_canonical(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)row;
    return cpu_canonical_register(cpu, value) ? 0 : ~(BIT(cpu->wire.model->linear_bits - 1u) - 1);
}

// BHI_DIS_S: "Branch History Injection and Intra-mode Branch Target Injection", Intel, newer than edition 077 of the
// SDM.
static uint64_t refused_spec_ctrl(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    const uint64_t ibrs = BIT(0), stibp = BIT(1), ssbd = BIT(2), bhi_dis_s = BIT(10);
    const bool *has = cpu->wire.model->features;
    (void)row;
    return value & ~(ibrs | stibp | (has[FEATURE_SSBD] ? ssbd : 0) | (has[FEATURE_BHI_CTRL] ? bhi_dis_s : 0));
}
static uint64_t refused_pred_cmd(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    const uint64_t ibpb = BIT(0);
    (void)cpu, (void)row;
    return value & ~ibpb;
}

// Bits 11 and 12 (BTS and PEBS unavailable) are read-only ones; 7 (performance monitoring available) is read-only. While 34 (XD disable) is set, CPUID does not list NX and EFER.NXE cannot be set.
static uint64_t misc_enable_writable(const struct cpu *cpu) {
    const uint64_t fast_strings = BIT(0), thermal = BIT(3), speedstep = BIT(16), monitor = BIT(18),
                   limit_cpuid = BIT(22), xtpr_disable = BIT(23),
                   xd_disable = cpu->wire.model->features[FEATURE_NX] ? BIT(34) : 0;
    return fast_strings | thermal | speedstep | monitor | limit_cpuid | xtpr_disable | xd_disable;
}
#define MISC_ENABLE_FIXED (BIT(11) | BIT(12))
static uint64_t refused_misc_enable(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)row;
    return value & ~(misc_enable_writable(cpu) | MISC_ENABLE_FIXED | MISC_ENABLE_PERFMON);
}

// Memory types, SDM Vol. 3A, Tables 11-2 and 11-10.
static bool mtrr_type_valid(uint64_t type) { return type == 0 || type == 1 || (type >= 4 && type <= 6); }

static bool pat_type_valid(uint64_t type) { return mtrr_type_valid(type) || type == 7; } // UC-

static uint64_t refused_bytes(uint64_t value, bool (*valid)(uint64_t type)) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < 64; i += 8)
        if (!valid(value >> i & 0xff)) bits |= 0xffull << i;
    return bits;
}
static uint64_t refused_types(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)cpu, (void)row;
    return refused_bytes(value, mtrr_type_valid);
}
static uint64_t refused_pat(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)cpu, (void)row;
    return refused_bytes(value, pat_type_valid);
}
static uint64_t refused_type(uint64_t value) { return mtrr_type_valid(value & 0xff) ? 0 : BITS(7, 0); }
static uint64_t refused_mtrr_def_type(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    const uint64_t fixed_enable = BIT(10), enable = BIT(11);
    (void)cpu, (void)row;
    return (value & ~(BITS(7, 0) | fixed_enable | enable)) | refused_type(value);
}
static uint64_t physical_page_bits(const struct cpu *cpu) { return BITS(cpu->wire.model->physical_bits - 1u, 12); }
static uint64_t refused_mtrr_base(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    (void)row;
    return (value & ~(physical_page_bits(cpu) | BITS(7, 0))) | refused_type(value);
}
static uint64_t refused_mtrr_mask(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    const uint64_t valid = BIT(11);
    (void)row;
    return value & ~(physical_page_bits(cpu) | valid);
}

// LMA cannot be written; LME cannot change while paging is on.
static uint64_t refused_efer(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    const bool *has = cpu->wire.model->features;
    uint64_t allowed = (has[FEATURE_SYSCALL] ? EFER_SCE : 0) | (has[FEATURE_LM] ? EFER_LME | EFER_LMA : 0) |
                       (has[FEATURE_NX] && !(cpu->msr.misc_enable & BIT(34)) ? EFER_NXE : 0);
    (void)row;
    if (value & ~allowed) return value & ~allowed;
    return cpu->control.cr0 & CR0_PG ? (value ^ cpu->control.efer) & EFER_LME : 0;
}

static uint64_t refused_performance(const struct cpu *cpu, const struct msr_row *row, uint64_t value) {
    return performance_refused(cpu, row->address, value);
}

// --- writing what is not refused ---

static enum outcome write_ignored(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)cpu, (void)op, (void)row, (void)value;
    return OUT_OK;
}
static enum outcome write_stored(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)op;
    return field_set(cpu, row, value);
}

// The deadline of the local APIC's timer is in terms of the TSC: the machine must look at it again.
static enum outcome write_tsc(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)row;
    uint64_t base = value - cpu_cycles(cpu, op);
    cpu->msr.tsc_adjust += base - cpu->time.tsc_base;
    cpu->time.tsc_base = base;
    cpu->attention |= ATTENTION_MACHINE;
    return OUT_OK;
}
static enum outcome write_tsc_adjust(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)op, (void)row;
    cpu->time.tsc_base += value - cpu->msr.tsc_adjust;
    cpu->msr.tsc_adjust = value;
    cpu->attention |= ATTENTION_MACHINE;
    return OUT_OK;
}
static enum outcome write_performance(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    performance_write(cpu, op, row->address, value);
    return OUT_OK;
}
static enum outcome write_misc_enable(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)op;
    uint64_t perfmon = cpu_model_has(cpu->wire.model, FEATURE_PMU) ? MISC_ENABLE_PERFMON : 0;
    return field_set(cpu, row, (value & misc_enable_writable(cpu)) | MISC_ENABLE_FIXED | perfmon);
}
static enum outcome write_efer(struct cpu *cpu, const struct op *op, const struct msr_row *row, uint64_t value) {
    (void)op, (void)row;
    cpu->control.efer = (value & ~EFER_LMA) | (cpu->control.efer & EFER_LMA);
    cpu_update_mode(cpu);
    return OUT_OK;
}

// --- the rows ---

#define FIELD(member) .offset = offsetof(struct cpu, member), .read = read_field,
#define VALUE(function) .read = read_##function,
#define WRITE_ONLY
#define BITS_OF(bits) .write = write_stored, .refused = refused_masked, .rule = "reserved bits must be 0", .mask = bits
#define CANONICAL .write = write_stored, .refused = refused_canonical, .rule = "the value must be a canonical address"
#define MEMORY_TYPES                                                                                                   \
    .write = write_stored, .refused = refused_types, .rule = "each byte must be a memory type: 0, 1, 4, 5 or 6"
#define TESTED(function, text) .write = write_stored, .refused = refused_##function, .rule = text
#define CALL(function) .write = write_##function
#define CALL_TESTED(function, text) .write = write_##function, .refused = refused_##function, .rule = text
#define IGNORED .write = write_ignored
#define IGNORED_TESTED(function, text) .write = write_ignored, .refused = refused_##function, .rule = text
#define READ_ONLY .write = NULL
static const struct msr_row rows[] = {
#define MSR(address, name, feature, read, write) {address, FEATURE_##feature, .called = #name, read write},
#include "cpu/system/msr.def"
#undef MSR
};
#undef FIELD

static const struct msr_row *find(const struct cpu *cpu, uint32_t address) {
    unsigned low = 0, high = sizeof(rows) / sizeof(rows[0]);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rows[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < sizeof(rows) / sizeof(rows[0]) && rows[low].address == address; low++)
        if (cpu_model_has(cpu->wire.model, rows[low].feature)) return &rows[low];
    return NULL;
}

enum owner { OWNER_ROWS, OWNER_PLATFORM, OWNER_EXTENSION };
static enum owner msr_owner(uint32_t index) {
    enum {
        APIC_BASE = 0x1b,
        FEATURE_CONTROL = 0x3a,
        VMX_FIRST = 0x480,
        VMX_LAST = 0x491,
        TSC_DEADLINE = 0x6e0,
        X2APIC_FIRST = 0x800,
        X2APIC_LAST = 0x8ff
    };
    if (index == APIC_BASE || index == TSC_DEADLINE || (index >= X2APIC_FIRST && index <= X2APIC_LAST))
        return OWNER_PLATFORM;
    if (index == FEATURE_CONTROL || (index >= VMX_FIRST && index <= VMX_LAST)) return OWNER_EXTENSION;
    return OWNER_ROWS;
}

enum outcome msr_read(struct cpu *cpu, const struct op *op, uint32_t index, uint64_t *value) {
    enum owner owner = msr_owner(index);
    bool good = false;
    if (owner == OWNER_PLATFORM) {
        const struct platform *p = cpu->wire.platform;
        good = p->msr_read && p->msr_read(p->machine, cpu, index, value);
    } else if (owner == OWNER_EXTENSION) {
        good = cpu->wire.extension && cpu->wire.extension->msr_read(cpu, index, value);
    } else {
        const struct msr_row *row = find(cpu, index);
        good = row && row->read;
        if (good) *value = row->read(cpu, op, row);
    }
    return good ? OUT_OK : cpu_fault_gp0(cpu);
}

int msr_member(const struct cpu *cpu, uint32_t index) {
    const struct msr_row *row = msr_owner(index) == OWNER_ROWS ? find(cpu, index) : NULL;
    return row && row->read == read_field ? row->offset : -1;
}

uint64_t msr_stored(struct cpu *cpu, uint32_t index) {
    const struct msr_row *row = msr_owner(index) == OWNER_ROWS ? find(cpu, index) : NULL;
    return row && row->read == read_field ? *field(cpu, row) : 0;
}

// What the owner of an MSR knows of it; the words below stand for a whole access.
static bool refuse(struct msr_refusal *out, const char *name, uint64_t bits, const char *rule) {
    *out = (struct msr_refusal){.name = name, .rule = rule, .bits = bits};
    return true;
}

static bool row_refuses(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct msr_refusal *out) {
    const struct msr_row *row = find(cpu, index);
    if (!row) return refuse(out, NULL, 0, "the processor has no such MSR");
    if (!write) return !row->read && refuse(out, row->called, 0, "the MSR can only be written");
    if (!row->write) return refuse(out, row->called, 0, "the MSR can only be read");
    uint64_t bits = row->refused ? row->refused(cpu, row, value) : 0;
    return bits && refuse(out, row->called, bits, row->rule);
}

bool msr_refuses(const struct cpu *cpu, uint32_t index, bool write, uint64_t value, struct msr_refusal *out) {
    enum owner owner = msr_owner(index);
    const struct platform *p = cpu->wire.platform;
    const struct extension *e = cpu->wire.extension;
    if (owner == OWNER_ROWS) return row_refuses(cpu, index, write, value, out);
    if (owner == OWNER_PLATFORM && p->msr_refuses) return p->msr_refuses(p->machine, cpu, index, write, value, out);
    if (owner == OWNER_EXTENSION && e) return e->msr_refuses(cpu, index, write, value, out);
    return refuse(out, NULL, 0, "the processor has no such MSR");
}

enum outcome msr_write(struct cpu *cpu, const struct op *op, uint32_t index, uint64_t value) {
    enum owner owner = msr_owner(index);
    if (owner == OWNER_PLATFORM) {
        const struct platform *p = cpu->wire.platform;
        return p->msr_write && p->msr_write(p->machine, cpu, index, value) ? OUT_OK : cpu_fault_gp0(cpu);
    }
    if (owner == OWNER_EXTENSION)
        return cpu->wire.extension && cpu->wire.extension->msr_write(cpu, index, value) ? OUT_OK : cpu_fault_gp0(cpu);
    const struct msr_row *row = find(cpu, index);
    bool good = row && row->write && !(row->refused && row->refused(cpu, row, value));
    return good ? row->write(cpu, op, row, value) : cpu_fault_gp0(cpu);
}
