// Every MSR on both sides of each of its boundaries: each bit alone, each
// memory type, the addresses beside it. SDM Vol. 4, Table 2-2; Vol.
// 3A, 11.11, 11.12 (memory types).
#include "cpu/system/msr.h"
#include "tests/system/bench.h"

enum { UNKNOWN, READ_ONLY_MSR, CANONICAL_MSR, MASKED, WRITE_ONLY_MSR, BYTES_TYPES, BYTES_PAT, NO_EFFECT };
#define WIDTH BITS(39, 12) // physical addresses of 40 bits
static const struct {
    uint32_t index;
    uint8_t kind;
    uint64_t writable;
} rows[] = {
    {0x10, MASKED, ~0ull},
    {0x17, READ_ONLY_MSR, 0},
    {0x3b, MASKED, ~0ull},
    {0x48, MASKED, BITS(2, 0) | BIT(10)},
    {0x49, WRITE_ONLY_MSR, BIT(0)},
    {0x79, WRITE_ONLY_MSR, ~0ull},
    {0x8b, MASKED, ~0ull},
    {0xc1, NO_EFFECT, ~0ull},
    {0xc8, NO_EFFECT, ~0ull},
    {0xce, READ_ONLY_MSR, 0},
    {0xe2, NO_EFFECT, ~0ull},
    {0xfe, READ_ONLY_MSR, 0},
    {0x10a, READ_ONLY_MSR, 0},
    {0x140, MASKED, BIT(0)},
    {0x174, MASKED, BITS(31, 0)},
    {0x175, CANONICAL_MSR, 0},
    {0x176, CANONICAL_MSR, 0},
    {0x179, READ_ONLY_MSR, 0},
    {0x17a, MASKED, BITS(2, 0)},
    {0x186, MASKED, BITS(31, 0) & ~BIT(21)},
    {0x18d, MASKED, BITS(31, 0) & ~BIT(21)},
    {0x198, READ_ONLY_MSR, 0},
    {0x199, MASKED, BIT(32) | BITS(15, 0)},
    {0x1d9, MASKED, BITS(1, 0) | BITS(12, 11)},
    {0x1fc, MASKED, BIT(1)},
    {0x200, MASKED, WIDTH | BIT(0) | BIT(2)},
    {0x201, MASKED, WIDTH | BIT(11)},
    {0x20e, MASKED, WIDTH | BIT(0) | BIT(2)},
    {0x20f, MASKED, WIDTH | BIT(11)},
    {0x250, BYTES_TYPES, 0},
    {0x258, BYTES_TYPES, 0},
    {0x259, BYTES_TYPES, 0},
    {0x268, BYTES_TYPES, 0},
    {0x26f, BYTES_TYPES, 0},
    {0x277, BYTES_PAT, 0},
    {0x2ff, MASKED, BITS(11, 10) | BIT(0) | BIT(2)},
    {0x309, MASKED, BITS(47, 0)},
    {0x30b, MASKED, BITS(47, 0)},
    {0x345, READ_ONLY_MSR, 0},
    {0x38d, MASKED, 0xbbb},
    {0x38e, READ_ONLY_MSR, 0},
    {0x38f, MASKED, BITS(7, 0) | BITS(34, 32)},
    {0x390, NO_EFFECT, BITS(7, 0) | BITS(34, 32) | BITS(63, 58)},
    {0x391, NO_EFFECT, BITS(7, 0) | BITS(34, 32) | BITS(62, 58)},
    {0x392, READ_ONLY_MSR, 0},
    {0x4c1, MASKED, BITS(47, 0)},
    {0x4c8, MASKED, BITS(47, 0)},
    {0xda0, MASKED, 0},
    {0x1200, MASKED, ~0ull},
    {0x121f, MASKED, ~0ull},
    {0x14ce, MASKED, BITS(2, 0) | BITS(22, 16)},
    {0x14cf, NO_EFFECT, 32},
    {0x1500, NO_EFFECT, ~0ull},
    {0x151f, NO_EFFECT, ~0ull},
    {0x1600, NO_EFFECT, ~0ull},
    {0x161f, NO_EFFECT, ~0ull},
    {0xc0000081, MASKED, ~0ull},
    {0xc0000082, CANONICAL_MSR, 0},
    {0xc0000083, CANONICAL_MSR, 0},
    {0xc0000084, MASKED, ~0ull},
    {0xc0000100, CANONICAL_MSR, 0},
    {0xc0000101, CANONICAL_MSR, 0},
    {0xc0000102, CANONICAL_MSR, 0},
    {0xc0000103, MASKED, BITS(31, 0)},
};

static bool wrmsr(struct bench *b, uint32_t index, uint64_t value) {
    return msr_write(b->cpu, NULL, index, value) == OUT_OK;
}
static bool rdmsr(struct bench *b, uint32_t index, uint64_t *value) {
    return msr_read(b->cpu, NULL, index, value) == OUT_OK;
}

// A write is taken, and read again, or it is #GP and nothing changes.
static void try_write(struct bench *b, uint32_t index, uint64_t value, bool taken, bool read_again) {
    uint64_t before = 0, after = 0;
    bool readable = rdmsr(b, index, &before), written = wrmsr(b, index, value);
    (void)rdmsr(b, index, &after);
    bool kept = !readable || !read_again || after == (taken ? value : before);
    loop_check(written == taken && kept, "%x: %llx, %s", index, (unsigned long long)value, written ? "written" : "#GP");
}

static void each_bit(struct bench *b, uint32_t index, uint64_t writable, bool read_again) {
    for (unsigned i = 0; i < 64; i++) try_write(b, index, BIT(i), writable >> i & 1, read_again);
}

static void each_type(struct bench *b, uint32_t index, bool pat) {
    for (unsigned at = 0; at < 64; at += 8)
        for (uint64_t type = 0; type < 256; type++)
            try_write(b, index, type << at, type < 2 || (type > 3 && type < 7) || (pat && type == 7), true);
}

static void test_rows(struct bench *b) {
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t index = rows[i].index;
        uint64_t value;
        loop_begin("MSR %x takes what it may", index);
        loop_check(rdmsr(b, index, &value) == (rows[i].kind != WRITE_ONLY_MSR), "RDMSR %x", index);
        switch (rows[i].kind) {
        case READ_ONLY_MSR: try_write(b, index, 0, false, true); break;
        case MASKED: each_bit(b, index, rows[i].writable, index != 0x10); break;
        case CANONICAL_MSR:
            each_bit(b, index, BITS(46, 0), true);
            try_write(b, index, ~0ull << 47, true, true);
            try_write(b, index, ~0ull << 48, false, true);
            try_write(b, index, ~BIT(63), false, true);
            break;
        case BYTES_TYPES:
        case BYTES_PAT: each_type(b, index, rows[i].kind == BYTES_PAT); break;
        default: each_bit(b, index, rows[i].writable, false);
        }
        loop_end();
    }
}

// IA32_MISC_ENABLE: bits 11 and 12 read as ones, 7 too: there is performance
// monitoring.
static void test_misc_enable(struct bench *b) {
    const uint64_t fixed = BIT(7) | BIT(11) | BIT(12), kept = BIT(0) | BIT(3) | BIT(16) | BIT(18) | BIT(22) | BIT(23) | BIT(34);
    loop_begin("IA32_MISC_ENABLE bit by bit");
    for (unsigned i = 0; i < 64; i++) {
        uint64_t value = 0;
        bool taken = wrmsr(b, 0x1a0, BIT(i));
        loop_check(taken == (((kept | fixed) >> i & 1) != 0), "bit %u", i);
        loop_check(!taken || (rdmsr(b, 0x1a0, &value) && value == ((BIT(i) & kept) | fixed)), "bit %u reads %llx", i,
                   (unsigned long long)value);
    }
    loop_end();
}

// IA32_EFER: what may change while paging is on, and NXE by IA32_MISC_ENABLE
// bit 34 (XD disable).
static void test_efer(struct bench *b) {
    const uint64_t now = b->cpu->control.efer & ~EFER_LMA, free = EFER_SCE | EFER_NXE;
    loop_begin("IA32_EFER bit by bit");
    for (unsigned i = 0; i < 64; i++)
        loop_check(wrmsr(b, 0xc0000080, now ^ BIT(i)) == (((free | EFER_LMA) >> i & 1) != 0), "bit %u", i);
    loop_end();
    for (unsigned now_long = 0; now_long < 2; now_long++) {
        uint64_t lma = now_long ? EFER_LMA : 0;
        b->cpu->control.efer = now | lma;
        ok(wrmsr(b, 0xc0000080, now | (EFER_LMA ^ lma)) && (b->cpu->control.efer & EFER_LMA) == lma,
           "LMA is not written, it is %u", now_long);
    }
    for (unsigned bit = 33; bit <= 35; bit++) {
        uint64_t value = 0;
        (void)rdmsr(b, 0x1a0, &value);
        b->cpu->msr.misc_enable = value | BIT(bit);
        ok(wrmsr(b, 0xc0000080, now | EFER_NXE) == (bit != 34), "NXE with bit %u of IA32_MISC_ENABLE", bit);
        b->cpu->msr.misc_enable = value;
    }
}

static bool listed(uint32_t index) {
    if (index == 0x1a0 || index == 0xc0000080 || (index >= 0x200 && index <= 0x20f)) return true;
    if (index >= 0x268 && index <= 0x26f) return true;
    if ((index >= 0xc1 && index <= 0xc8) || (index >= 0x186 && index <= 0x18d)) return true;
    if ((index >= 0x309 && index <= 0x30b) || (index >= 0x4c1 && index <= 0x4c8)) return true;
    if (index >= 0x1200 && index <= 0x161f && (index & 0xff) <= 0x1f && (index >> 8 & 0xf) != 4) return (index >> 8 & 0xf) != 3;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].index == index) return true;
    return false;
}

// Those of the local APIC, of VT-x and of the machine are not the processor's
// to answer here.
static void test_neighbours(struct bench *b) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0, 0x1a}, {0x1c, 0x39}, {0x3b, 0x47f}, {0x492, 0x500}, {0xd00, 0xe00}, {0x1100, 0x1700}, {0xc0000000, 0xc0000200}};
    loop_begin("every other address is #GP");
    for (unsigned r = 0; r < sizeof ranges / sizeof *ranges; r++)
        for (uint32_t index = ranges[r].first; index <= ranges[r].last; index++) {
            uint64_t value;
            if (!listed(index)) loop_check(!rdmsr(b, index, &value) && !wrmsr(b, index, 0), "%x", index);
        }
    loop_end();
}

// What is read of those that tell of the processor: no mitigation is wanted, 8
// MTRRs, no banks, C-states locked.
static void test_values(struct bench *b) {
    static const struct {
        uint32_t index;
        uint64_t value;
    } values[] = {{0x17, 0}, {0xe2, 0x8000}, {0xfe, 0x508}, {0x10a, 0x400000000d10e17b}, {0x179, 0}};
    uint64_t value = 0, ratio = cpu_model_ratio(b->cpu->wire.model);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        ok(rdmsr(b, values[i].index, &value) && value == values[i].value, "MSR %x is %llx", values[i].index,
           (unsigned long long)values[i].value);
    ok(rdmsr(b, 0xce, &value) && value == (ratio << 40 | BIT(31) | ratio << 8),
       "MSR_PLATFORM_INFO: ratios, CPUID faulting");
    ok(rdmsr(b, 0x198, &value) && value == ratio << 8, "IA32_PERF_STATUS: the ratio");
}

// --- whose an MSR is ---
static uint32_t platform_asked;
static bool platform_reads(void *machine, struct cpu *cpu, uint32_t index, uint64_t *value) {
    (void)machine, (void)cpu, *value = 1;
    platform_asked = index;
    return true;
}
static bool platform_writes(void *machine, struct cpu *cpu, uint32_t index, uint64_t value) {
    (void)value;
    return platform_reads(machine, cpu, index, &(uint64_t){0});
}

static uint32_t extension_asked;
static bool extension_reads(struct cpu *cpu, uint32_t index, uint64_t *value) {
    (void)cpu, *value = 1;
    extension_asked = index;
    return true;
}
static bool extension_writes(struct cpu *cpu, uint32_t index, uint64_t value) {
    (void)value;
    return extension_reads(cpu, index, &(uint64_t){0});
}

static void test_extension(struct bench *b) {
    const struct extension extension = {.msr_read = extension_reads, .msr_write = extension_writes};
    b->cpu->wire.extension = &extension;
    loop_begin("IA32_FEATURE_CONTROL and the capability MSRs are VT-x's");
    for (uint32_t index = 1; index < 0x600; index++) {
        bool owns = index == 0x3a || (index >= 0x480 && index <= 0x491);
        uint64_t value;
        extension_asked = 0;
        (void)rdmsr(b, index, &value);
        loop_check((extension_asked == index) == owns, "RDMSR %x", index);
        extension_asked = 0;
        (void)wrmsr(b, index, 0);
        loop_check((extension_asked == index) == owns, "WRMSR %x", index);
    }
    loop_end();
    b->cpu->wire.extension = NULL;
}

static void test_owners(struct bench *b) {
    struct platform platform = *b->cpu->wire.platform;
    platform.msr_read = platform_reads, platform.msr_write = platform_writes;
    b->cpu->wire.platform = &platform;
    loop_begin("the local APIC's MSRs are the machine's");
    for (uint32_t index = 0; index < 0x1000; index++) {
        bool machine = index == 0x1b || index == 0x6e0 || (index >= 0x800 && index <= 0x8ff);
        uint64_t value;
        platform_asked = 0;
        loop_check(rdmsr(b, index, &value) == (machine || listed(index)) || index == 0x49 || index == 0x79, "%x",
                   index);
        loop_check((platform_asked == index) == (machine || index == 0), "RDMSR %x", index);
        platform_asked = 0;
        (void)wrmsr(b, index, 0);
        loop_check((platform_asked == index) == (machine || index == 0), "WRMSR %x", index);
    }
    loop_end();
}

// The bits that are not like the one below them.
static void test_told(void) {
    struct msr_refusal refusal;
    WITH(b, bench_long(&b, 0)) {
        ok(msr_refuses(b.cpu, 0xc0000082, true, BIT(47), &refusal) && refusal.bits == BITS(63, 47) &&
               !msr_refuses(b.cpu, 0xc0000082, true, BITS(63, 47), &refusal),
           "what is told of an address that is not canonical");
    }
}

// Each bit of IA32_SPEC_CTRL goes with a feature of its own. CPUID.07H, EDX.
static void test_spec_ctrl(void) {
    static const struct {
        unsigned feature;
        uint64_t bit;
    } optional[] = {{FEATURE_SSBD, BIT(2)}, {FEATURE_BHI_CTRL, BIT(10)}};
    for (unsigned i = 0; i < 2; i++) {
        WITH(b, bench_long(&b, 0)) {
            struct cpu_model model = *b.cpu->wire.model;
            model.features[optional[i].feature] = false;
            b.cpu->wire.model = &model;
            loop_begin("IA32_SPEC_CTRL without %s", i ? "BHI_CTRL" : "SSBD");
            for (unsigned bit = 0; bit < 64; bit++)
                loop_check(wrmsr(&b, 0x48, BIT(bit)) == (((BITS(2, 0) | BIT(10)) & ~optional[i].bit & BIT(bit)) != 0),
                           "bit %u", bit);
            loop_end();
        }
    }
}

int main(void) {
    WITH(b, bench_long(&b, 0)) test_rows(&b);
    WITH(b, bench_long(&b, 0)) test_misc_enable(&b);
    WITH(b, bench_long(&b, 0)) test_efer(&b);
    WITH(b, bench_long(&b, 0)) test_neighbours(&b);
    WITH(b, bench_long(&b, 0)) test_values(&b);
    WITH(b, bench_long(&b, 0)) test_owners(&b);
    WITH(b, bench_long(&b, 0)) test_extension(&b);
    test_told();
    test_spec_ctrl();
    return done_testing();
}
