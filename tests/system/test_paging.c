// Protection keys and 5-level paging: SDM Vol. 3A, 4.6.2, 4.7, 4.5.
#include "cpu/state/model.h"
#include "cpu/system/msr.h"
#include "tests/system/bench.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"

#define WRPKRU 0x0f, 0x01, 0xef
#define STORE_RDI_EAX 0x89, 0x07
#define LOAD_EAX_RDI 0x8b, 0x07
enum { KEY = 5, AD = 1, WD = 2, TABLE = 0x40000, LINEAR = 0x600000 };
enum { P = 1, W = 2, U = 4, PF_W = 2, PF_U = 4, PF_PK = 32 };

// LINEAR maps BENCH_DATA through a page table of its own, as a page of `bits` with key 5.
static void keyed(struct bench *b, unsigned cpl, uint64_t bits) {
    bench_long(b, cpl);
    uint64_t directory = flat_peek(&b->f, flat_peek(&b->f, FLAT_PML4) & ~0xfffull) & ~0xfffull;
    flat_poke(&b->f, directory + 8 * (LINEAR >> 21), TABLE | P | W | U);
    flat_poke(&b->f, TABLE + 8 * (LINEAR >> 12 & 511), BENCH_DATA | P | bits | (uint64_t)KEY << 59);
    b->cpu->control.cr4 |= CR4_PKE;
    b->cpu->gpr[RDI] = LINEAR;
    b->cpu->gpr[RCX] = b->cpu->gpr[RDX] = 0;
    cpu_update_mode(b->cpu);
}
static void pkru(struct bench *b, uint64_t value) {
    b->cpu->gpr[RAX] = value << (2 * KEY);
    RUN(b, WRPKRU);
}

static void test_keys(void) {
    static const struct {
        unsigned cpl, key;
        bool write, wp;
        int code;
        const char *what;
    } rows[] = {
        {3, 0, true, true, -1, "no restriction: a store"},
        {3, AD, false, true, P | PF_U | PF_PK, "access disabled: a load"},
        {3, WD, false, true, -1, "write disabled: a load"},
        {3, WD, true, false, P | PF_U | PF_W | PF_PK, "write disabled: a store of user mode, WP or not"},
        {0, AD, false, true, P | PF_PK, "access disabled: a load of supervisor mode"},
        {0, WD, true, true, P | PF_W | PF_PK, "write disabled: a store of supervisor mode with WP"},
        {0, WD, true, false, -1, "write disabled: a store of supervisor mode without WP"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WITH(b, keyed(&b, rows[i].cpl, W | U)) {
            if (rows[i].wp)
                b.cpu->control.cr0 |= CR0_WP;
            else
                b.cpu->control.cr0 &= ~CR0_WP;
            pkru(&b, 0);
            RUN(&b, STORE_RDI_EAX); // fills the fast entry
            pkru(&b, rows[i].key);
            uint64_t rip = b.cpu->rip;
            if (rows[i].write)
                RUN(&b, STORE_RDI_EAX);
            else
                RUN(&b, LOAD_EAX_RDI);
            bool right =
                rows[i].code < 0 ? b.cpu->rip == rip + 2 : bench_faulted(&b, VECTOR_PF, (uint32_t)rows[i].code);
            ok(right, "protection key: %s", rows[i].what);
        }
    }
    WITH(b, keyed(&b, 0, W)) {
        pkru(&b, AD | WD);
        uint64_t rip = b.cpu->rip;
        RUN(&b, STORE_RDI_EAX);
        ok(b.cpu->rip == rip + 2, "supervisor pages have no key");
    }
}

static void test_rdpkru(void) {
    WITH(b, keyed(&b, 3, W | U)) {
        pkru(&b, AD);
        b.cpu->gpr[RDX] = 5;
        RUN(&b, 0x0f, 0x01, 0xee);
        ok(b.cpu->gpr[RAX] == AD << (2 * KEY) && b.cpu->gpr[RDX] == 0, "RDPKRU at CPL 3");
        b.cpu->gpr[RCX] = 1;
        RUN(&b, WRPKRU);
        ok(bench_faulted(&b, VECTOR_GP, 0), "WRPKRU with ECX: #GP(0)");
    }
    WITH(b, bench_long(&b, 0)) {
        RUN(&b, WRPKRU);
        ok(bench_vector(&b) == VECTOR_UD, "without CR4.PKE: #UD");
    }
}

static void test_canonical(void) {
    enum { GS_BASE = 0xc0000101 };
    WITH(b, bench_long(&b, 0)) {
        struct cpu_model wide = *b.cpu->wire.model;
        ok(msr_write(b.cpu, NULL, GS_BASE, 0xffaaaaaaaaaaaaaa) == OUT_FAULT, "48 bits of linear address: #GP(0)");
        wide.features[FEATURE_LA57] = true;
        b.cpu->wire.model = &wide;
        ok(msr_write(b.cpu, NULL, GS_BASE, 0xffaaaaaaaaaaaaaa) == OUT_OK,
           "with LA57 base registers take 57 bits whatever CR4.LA57");
        b.cpu->gpr[RDI] = 0xffaaaaaaaaaaaaaa;
        RUN(&b, LOAD_EAX_RDI);
        ok(bench_faulted(&b, VECTOR_GP, 0), "accesses with 4-level paging do not");
    }
}

// The same page through a PML5 whose first entry is the PML4.
static void test_five_levels(void) {
    enum { PML5 = 0x42000 };
    WITH(b, bench_long(&b, 0)) {
        struct cpu_model wide = *b.cpu->wire.model;
        wide.features[FEATURE_LA57] = true;
        b.cpu->wire.model = &wide;
        b.cpu->control.cr4 |= CR4_LA57;
        flat_poke(&b.f, PML5, FLAT_PML4 | P | W);
        flat_poke(&b.f, PML5 + 8 * 0x11, FLAT_PML4 | P | W);
        b.cpu->control.cr3 = PML5;
        tlb_flush_vpid(b.cpu, 0, true);
        cpu_update_mode(b.cpu);
        flat_poke(&b.f, BENCH_DATA, 0x1234);
        b.cpu->gpr[RDI] = 0x11ull << 48 | BENCH_DATA;
        RUN(&b, LOAD_EAX_RDI);
        ok(b.cpu->gpr[RAX] == 0x1234, "5-level paging: bits 56:48 select the entry of the PML5 table");
        b.cpu->gpr[RDI] = 0x12ull << 48 | BENCH_DATA;
        RUN(&b, LOAD_EAX_RDI);
        ok(bench_faulted(&b, VECTOR_PF, 0), "which must be present");
    }
}

// CLFLUSH, CLFLUSHOPT and CLWB are subject to the checks of a load of one byte, and set the accessed flag, never the
// dirty flag. Vol. 2A, "CLFLUSH".
static void test_cache_lines(void) {
    static const struct {
        uint8_t code[4], on_stack[5];
        unsigned length;
        const char *name;
    } all[] = {
        {{0x0f, 0xae, 0x3f}, {0x0f, 0xae, 0x7d, 0}, 3, "CLFLUSH"},
        {{0x66, 0x0f, 0xae, 0x3f}, {0x66, 0x0f, 0xae, 0x7d, 0}, 4, "CLFLUSHOPT"},
        {{0x66, 0x0f, 0xae, 0x37}, {0x66, 0x0f, 0xae, 0x75, 0}, 4, "CLWB"},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        const uint8_t *code = all[i].code;
        unsigned length = all[i].length;
        WITH(b, keyed(&b, 3, U)) {
            flat_poke(&b.f, BENCH_DATA, 0x1234);
            bench_run(&b, code, length, 1);
            ok(b.cpu->rip == FLAT_CODE + length && flat_peek(&b.f, BENCH_DATA) == 0x1234, "%s changes nothing",
               all[i].name);
            ok((flat_peek(&b.f, TABLE + 8 * (LINEAR >> 12 & 511)) & 0x60) == 0x20, "but the accessed flag");
        }
        WITH(b, keyed(&b, 3, 0)) {
            bench_run(&b, code, length, 1);
            ok(bench_faulted(&b, VECTOR_PF, P | PF_U), "%s of a supervisor page at CPL 3: #PF", all[i].name);
        }
        WITH(b, bench_long(&b, 0)) {
            b.cpu->gpr[RDI] = b.cpu->gpr[RBP] = 0x800000000000;
            bench_run(&b, code, length, 1);
            ok(bench_faulted(&b, VECTOR_GP, 0), "%s of a non-canonical address: #GP(0)", all[i].name);
        }
        WITH(b, bench_long(&b, 0)) {
            b.cpu->gpr[RBP] = 0x800000000000;
            bench_run(&b, all[i].on_stack, length + 1, 1);
            ok(bench_faulted(&b, VECTOR_SS, 0), "%s through SS: #SS(0)", all[i].name);
        }
    }
}

int main(void) {
    test_keys();
    test_rdpkru();
    test_canonical();
    test_five_levels();
    test_cache_lines();
    return done_testing();
}
