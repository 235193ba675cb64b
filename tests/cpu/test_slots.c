// Two pages whose numbers end alike share an index of the TLB, but do not evict each other: a walk a page, whatever the
// instruction does with both, and the TLB is the same however the run is cut.
#include "cpu/engine/cpu_run.h"
#include "tests/cpu/flat.h"
#include "tests/tap.h"

enum { FROM = 0x400000, APART = TLB_DATA * 4096, TO = FROM + APART, CODE_APART = TLB_FETCH * 4096, PAGES_MOVED = 4 };

struct program {
    const char *name;
    uint8_t code[24];
    unsigned bytes;
    uint64_t turns;           // RCX
    uint64_t reads_and_walks; // fills of the TLB for data and for fetches, at most
    bool fetches;
};

static void begin(struct flat *f, const struct program *p) {
    static const uint8_t call[] = {0xff, 0xd7, 0xc3}, ret[] = {0xc3}; // call *%rdi; ret
    flat_new(f);
    flat_write(f, FLAT_CODE, p->code, p->bytes);
    flat_write(f, FROM + 0x100, call, sizeof call);
    flat_write(f, FROM + 0x100 + CODE_APART, ret, sizeof ret);
    for (unsigned i = 0; i < PAGES_MOVED * 4096 && !p->fetches; i++)
        f->ram[FROM + i] = f->ram[TO + i] = (uint8_t)(i * 7);
    f->cpu->gpr[RSI] = p->fetches ? FROM + 0x100 : FROM;
    f->cpu->gpr[RDI] = p->fetches ? FROM + 0x100 + CODE_APART : TO;
    f->cpu->gpr[RCX] = p->turns;
    f->cpu->gpr[RSP] = p->fetches ? 0x200000 : TO + 0x800;
}

// To the HLT at the end, `most` steps at a time.
static void run_by(struct flat *f, uint64_t most) {
    for (unsigned i = 0; i < 1000000; i++)
        if (cpu_run(f->cpu, most) == RUN_HALTED) return;
}

static void test_program(const struct program *p) {
    struct flat whole, cut;
    begin(&whole, p);
    run_by(&whole, 1000000);
    uint64_t fills = whole.cpu->tlb->filled[p->fetches];
    ok(fills <= p->reads_and_walks, "%s: a walk a page (%lu)", p->name, fills);
    loop_begin("%s: the same TLB and memory however the run is cut", p->name);
    for (unsigned most = 1; most < 100; most = most * 3 + 1) {
        begin(&cut, p);
        run_by(&cut, most);
        loop_check(!memcmp(cut.cpu->tlb->bank, whole.cpu->tlb->bank, sizeof cut.cpu->tlb->bank), "by %u steps", most);
        loop_check(!memcmp(cut.ram, whole.ram, FLAT_RAM), "memory, by %u steps", most);
        loop_check(cut.cpu->time.steps == whole.cpu->time.steps, "steps, by %u steps", most);
        flat_free(&cut);
    }
    loop_end();
    flat_free(&whole);
}

int main(void) {
    static const struct program programs[] = {
        {"REP MOVSB", {0xf3, 0xa4, 0xf4}, 3, PAGES_MOVED * 4096, 2 * PAGES_MOVED, false},
        {"REP MOVSQ", {0xf3, 0x48, 0xa5, 0xf4}, 4, PAGES_MOVED * 512, 2 * PAGES_MOVED, false},
        {"REPE CMPSB", {0xf3, 0xa6, 0xf4}, 3, PAGES_MOVED * 4096, 2 * PAGES_MOVED, false},
        // push (%rsi); pop (%rsi); loop
        {"PUSH and POP of memory", {0xff, 0x36, 0x8f, 0x06, 0xe2, 0xfa, 0xf4}, 7, 500, 3, false},
        // mov (%rsi), %rax; mov %rax, (%rdi); loop
        {"MOV", {0x48, 0x8b, 0x06, 0x48, 0x89, 0x07, 0xe2, 0xf8, 0xf4}, 9, 500, 3, false},
        // call *%rsi, which calls *%rdi; loop
        {"calls between two pages", {0xff, 0xd6, 0xe2, 0xfc, 0xf4}, 5, 500, 3, true},
    };
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) test_program(&programs[i]);
    return done_testing();
}
