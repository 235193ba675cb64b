// Paging structures and EPT filled at random, in every mode, on models with and without what they may have: a judge
// that shares no rule with the program, the walk of tools and the processor must agree on every access: done, and
// where; page fault with which error code; EPT violation with which qualification; misconfiguration. SDM Vol. 3A,
// chapter 4; Vol. 3C, 28.3.
#include "cpu/memory/mode.h"
#include "tests/decode/random.h"
#include "tests/vmx/walk_judge.h"
#include "vmx/ept/ept.h"

enum { TABLES = 15000, ACCESSES = 8, MANY = 40 };
// Guest tables in pages of 4 KBytes, each at any address of the first 2 MBytes; EPT tables above.
enum { EPT_AT = 0x400000, GUEST_AT = 0x20000, PAGES = 64, RAM_PAGES = BENCH_RAM >> 12 };

struct trial {
    struct bench *b;
    uint64_t random;
    struct judge judge;
    uint64_t linear;
    unsigned done[ACCESS_NO_MEMORY + 1], codes[64];
};

static bool chance(struct trial *t, unsigned in) { return random_below(&t->random, in) == 0; }
static uint64_t any(struct trial *t) { return random64(&t->random); }

// --- the processor ---

static uint64_t when(struct trial *t, uint64_t bits) { return chance(t, 2) ? bits : 0; }

static void choose_rules(struct trial *t) {
    static const unsigned widths[] = {36, 39, 40, 46, 52};
    struct paging_rules *r = &t->judge.rules;
    enum paging_mode mode = (enum paging_mode)random_below(&t->random, 5);
    bool wide = mode >= PAGING_4;
    r->mode = mode;
    r->cr0 = CR0_PE | CR0_NE | CR0_ET | (mode ? CR0_PG : 0) | when(t, CR0_WP);
    r->cr4 = CR4_VMXE | when(t, CR4_SMEP) | when(t, CR4_SMAP) | when(t, CR4_PGE) | when(t, CR4_PSE);
    if (mode >= PAGING_PAE) r->cr4 |= CR4_PAE;
    if (mode == PAGING_5) r->cr4 |= CR4_LA57;
    if (wide) r->cr4 |= when(t, CR4_PKE);
    r->efer = (wide ? EFER_LME | EFER_LMA : 0) | when(t, EFER_NXE);
    r->pkru = (uint32_t)any(t) & (uint32_t)any(t);
    r->physical_bits = widths[random_below(&t->random, 5)];
    r->page_1g = chance(t, 2);
    t->judge.ept = mode == PAGING_NONE || chance(t, 2);
    t->judge.execute_only = chance(t, 2);
    t->judge.page_2m = !chance(t, 4);
    t->judge.page_1g = chance(t, 2);
    t->judge.user_execute = chance(t, 2);
    t->judge.flags = chance(t, 2);
}

static void set_model(struct trial *t) {
    struct bench *b = t->b;
    struct vmx_capability *c = &bench_vmx(b)->capability;
    const struct judge *j = &t->judge;
    b->model.physical_bits = (uint8_t)j->rules.physical_bits;
    b->model.features[FEATURE_PAGE1GB] = j->rules.page_1g;
    b->model.features[FEATURE_LA57] = true;
    b->cpu->wire.model = &b->model;
    c->physical_reserved = ~(BIT(j->rules.physical_bits) - 1);
    c->ept_vpid &= ~(CAP_EXECUTE_ONLY | CAP_2M | CAP_1G);
    c->ept_vpid |= (j->execute_only ? CAP_EXECUTE_ONLY : 0) | (j->page_2m ? CAP_2M : 0) | (j->page_1g ? CAP_1G : 0);
}

static void forget(struct cpu *cpu) {
    ept_reset(vmx_of(cpu));
    ept_use(vmx_of(cpu), vmcs_get(vmx_of(cpu)->vmcs, EPT_POINTER));
    tlb_flush_vpid(cpu, 0, true);
    tlb_flush_all_eptps(cpu);
}

static void set_processor(struct trial *t) {
    struct cpu *cpu = t->b->cpu;
    struct vmcs *vmcs = vmx_of(cpu)->vmcs;
    const struct judge *j = &t->judge;
    set_model(t);
    field_put(cpu, "control.cr0", j->rules.cr0), field_put(cpu, "control.cr3", j->cr3),
        field_put(cpu, "control.cr4", j->rules.cr4);
    field_put(cpu, "control.efer", j->rules.efer), field_put(cpu, "control.pkru", j->rules.pkru);
    memcpy(cpu->control.pdpte, j->pdpte, sizeof j->pdpte);
    vmcs_get(vmcs, PROC_CONTROLS) |= BIT(PROC_ACTIVATE_SECONDARY);
    vmcs_get(vmcs, PROC2_CONTROLS) = BIT(PROC2_ENABLE_EPT) | (j->user_execute ? BIT(PROC2_MODE_BASED_EXECUTE) : 0);
    vmcs_get(vmcs, EPT_POINTER) = j->eptp;
    cpu->second_stage = j->ept ? ept_translate : NULL;
    field_put(cpu, "eptp", j->ept ? (j->eptp & EPTP_ROOT) | 1 : 0);
    cpu_update_mode(cpu);
    tlb_select(cpu);
    forget(cpu);
}

// --- tables ---

static uint64_t frame(struct trial *t) { return (uint64_t)random_below(&t->random, RAM_PAGES) << 12; }

// A bit that may be reserved, now and then.
static uint64_t odd_bit(struct trial *t) { return chance(t, 24) ? BIT(random_below(&t->random, 64)) : 0; }

static uint64_t ept_leaf(struct trial *t, uint64_t page, unsigned level) {
    static const uint8_t valid[] = {0, 1, 4, 5, 6, 6, 6, 6};
    uint64_t type = chance(t, 24) ? any(t) & 7 : valid[any(t) & 7];
    uint64_t rights = chance(t, 5) ? any(t) & 0x407 : 0x407, flags = any(t) & any(t) & 0x300;
    if (chance(t, 40)) page ^= BIT(random_below(&t->random, 40));
    return page | rights | flags | type << 3 | (level > 1 ? 0x80 : any(t) & 0x80) | (any(t) & 0x40) | odd_bit(t);
}
static uint64_t ept_table(struct trial *t, uint64_t at) {
    uint64_t rights = chance(t, 12) ? any(t) & 0x407 : 0x407;
    return at | rights | (any(t) & any(t) & 0x100) | odd_bit(t);
}

// 16 MBytes one to one, the first 4 in small pages; more through a page of 1 GByte.
static void fill_ept(struct trial *t) {
    struct bench *b = t->b;
    enum { PML4 = EPT_AT, PDPT = EPT_AT + 0x1000, PD = EPT_AT + 0x2000, PT = EPT_AT + 0x3000 };
    t->judge.eptp = PML4 | 3 << 3 | 6 | (t->judge.flags ? 0x40 : 0);
    for (unsigned i = 0; i < 4; i++) bench_store(b, PML4 + 8 * i, 8, ept_table(t, PDPT));
    for (unsigned i = 0; i < 512; i++) bench_store(b, PDPT + 8 * i, 8, i ? ept_leaf(t, 0, 3) : ept_table(t, PD));
    for (uint64_t i = 0; i < 512; i++)
        bench_store(b, PD + 8 * i, 8, i < 2 ? ept_table(t, PT + i * 0x1000) : ept_leaf(t, (i & 7) << 21, 2));
    for (uint64_t i = 0; i < 1024; i++) bench_store(b, PT + 8 * i, 8, ept_leaf(t, i << 12, 1));
}

static uint64_t guest_entry(struct trial *t, uint64_t next) {
    uint64_t e =
        next | 1 | (chance(t, 6) ? 0 : 2) | (chance(t, 3) ? 0 : 4) | (any(t) & any(t) & 0x60) | (any(t) & 0x118);
    if (chance(t, 24)) e &= ~1ull;
    if (t->judge.rules.efer & EFER_NXE && chance(t, 6)) e |= BIT(63);
    if (t->judge.rules.mode >= PAGING_4) e |= any(t) & BITS(62, 52);
    return e | odd_bit(t);
}

// Where an entry at this level leads: a page, or the next table, of which there is one a level.
static uint64_t entry_at(struct trial *t, unsigned level, const uint64_t tables[6]) {
    bool large = level == 2 || (level == 3 && chance(t, 2)) || chance(t, 30);
    if (level > 1 && !(large && chance(t, 3))) return guest_entry(t, tables[level - 1]);
    unsigned shift = level == 1 ? 12 : level == 2 ? (t->judge.rules.mode == PAGING_32 ? 22 : 21) : 30;
    uint64_t page = level == 3 ? any(t) & 1 << 30 : frame(t) >> shift << shift;
    return guest_entry(t, page | (level > 1 ? 0x80 : any(t) & 0x80) | (level > 1 ? any(t) & 0x1000 : 0));
}

static void fill_guest(struct trial *t) {
    bool narrow = t->judge.rules.mode == PAGING_32;
    unsigned bytes = narrow ? 4 : 8, bits = narrow ? 10 : 9;
    uint64_t tables[6];
    for (unsigned level = 0; level < 6; level++)
        tables[level] = GUEST_AT + (random_below(&t->random, PAGES) * 6 + level) * 4096;
    for (unsigned level = 1; level <= (narrow ? 2 : 5); level++) {
        uint64_t index = t->linear >> (12 + bits * (level - 1)) & (BIT(bits) - 1);
        bench_store(t->b, tables[level] + index * bytes, bytes, entry_at(t, level, tables));
    }
    const unsigned top[] = {0, 2, 2, 4, 5};
    t->judge.cr3 = tables[top[t->judge.rules.mode]] | (any(t) & 0x18);
    for (unsigned i = 0; i < 4; i++) t->judge.pdpte[i] = tables[2] | (chance(t, 16) ? 0 : 1);
}

static void choose(struct trial *t) {
    choose_rules(t);
    const unsigned bits[] = {25, 32, 32, 48, 57};
    unsigned width = bits[t->judge.rules.mode];
    t->linear = (uint64_t)((int64_t)(any(t) << (64 - width)) >> (64 - width)) & ~7ull;
    if (t->judge.rules.mode < PAGING_4) t->linear &= BIT(width) - 1;
    if (t->judge.ept) fill_ept(t);
    fill_guest(t);
    set_processor(t);
}

// --- one access ---

static bool read_ram(void *context, uint64_t physical, unsigned bytes, uint64_t *value) {
    struct bench *b = context;
    *value = ~0ull >> (64 - 8 * bytes); // where there is no RAM, all ones are read
    if (physical + bytes <= BENCH_RAM) *value = bench_load(b, physical, bytes);
    return true;
}

static struct judged asked(struct trial *t, const struct translation_access *access, struct access_answer *answer) {
    struct cpu *cpu = t->b->cpu;
    struct access_question q = {.memory = {t->b, read_ram}, .second_stage = t->judge.ept, .eptp = t->judge.eptp};
    q.roots = (struct look_roots){.rules = paging_rules_of(cpu), .cr3 = field(cpu, "control.cr3")};
    memcpy(q.roots.pdpte, cpu->control.pdpte, sizeof q.roots.pdpte);
    q.ept = ept_rules_of(&vmx_of(cpu)->capability, vmx_of(cpu)->vmcs);
    ask_access(&q, t->linear, access, answer);
    const struct table_look *last =
        answer->second.count && answer->verdict != ACCESS_PAGE_FAULT ? &answer->second : &answer->first;
    uint64_t bad = last->count ? last->entry[last->count - 1].bad : 0;
    return (struct judged){answer->verdict,     answer->physical, answer->qualification, answer->error_code, bad,
                           answer->first.rights};
}

static struct judged done(struct trial *t, const struct translation_access *access) {
    struct cpu *cpu = t->b->cpu;
    struct judged out = {0};
    uint64_t page = 0;
    cpu->attempt.walks_in_block = false;
    enum outcome outcome = translate(cpu, t->linear, access, &page);
    const struct exit_record *exit = &vmx_of(cpu)->exit;
    if (outcome == OUT_OK) {
        out.verdict = ACCESS_DONE;
        out.physical = (page & TLB_PAGE_MASK) | (t->linear & 4095);
    } else if (outcome == OUT_FAULT) {
        out.verdict = ACCESS_PAGE_FAULT;
        out.error_code = cpu->attempt.fault.error_code;
    } else {
        bool violation = exit->reason == EXIT_EPT_VIOLATION;
        out.verdict = violation ? ACCESS_EPT_VIOLATION : ACCESS_EPT_MISCONFIGURATION;
        out.qualification = violation ? exit->qualification : 0;
    }
    return out;
}

// The access itself: what is read is what lies there, what is written lies there then.
static bool really_done(struct trial *t, const struct translation_access *access, uint64_t physical) {
    struct cpu *cpu = t->b->cpu;
    uint64_t value = any(t);
    if (access->fetch || physical + 8 > BENCH_RAM) return true;
    field_put_at(cpu, "segment[].rights", SS, field_at(cpu, "segment[].rights", SS) & (~(uint32_t)RIGHTS_DPL));
    if (access->class == ACCESS_USER)
        field_put_at(cpu, "segment[].rights", SS, field_at(cpu, "segment[].rights", SS) | ((uint32_t)RIGHTS_DPL));
    field_put(cpu, "rflags",
              (field(cpu, "rflags") & ~FLAG_AC) | (access->class == ACCESS_SUPERVISOR_ANY ? FLAG_AC : 0));
    cpu_update_mode(cpu);
    if (!access->write) return load(cpu, t->linear, 64, &value) == OUT_OK && value == bench_load(t->b, physical, 8);
    bool stored = store(cpu, t->linear, 64, value) == OUT_OK && value == bench_load(t->b, physical, 8);
    forget(cpu); // it may have gone into a table
    return stored;
}

// What is said is said in more detail.
static bool same_detail(const struct judged *right, const struct judged *said) {
    if (right->verdict == ACCESS_DONE) return right->rights == said->rights;
    return right->bad == said->bad;
}

static bool same(const struct judged *a, const struct judged *b) {
    if (a->verdict != b->verdict) return false;
    switch (a->verdict) {
    case ACCESS_DONE: return a->physical == b->physical;
    case ACCESS_PAGE_FAULT: return a->error_code == b->error_code;
    case ACCESS_EPT_VIOLATION: return a->qualification == b->qualification;
    default: return true;
    }
}

static const char *describe(const struct judged *j) {
    static const char *const names[] = {"done",          "#PF",   "EPT violation", "EPT misconfiguration",
                                        "not canonical", "no RAM"};
    return names[j->verdict];
}

static void one_access(struct trial *t, unsigned number) {
    static const enum access_class classes[] = {ACCESS_SUPERVISOR, ACCESS_SUPERVISOR_ANY, ACCESS_USER, ACCESS_USER};
    unsigned how = (unsigned)random_below(&t->random, 3);
    struct translation_access access = {classes[random_below(&t->random, 4)], how == 1, how == 2};
    if (access.fetch && access.class == ACCESS_SUPERVISOR_ANY) access.class = ACCESS_SUPERVISOR;
    if (chance(t, 2)) forget(t->b->cpu);
    struct access_answer answer;
    struct judged right = judge_access(&t->judge, t->linear, &access), said = asked(t, &access, &answer);
    struct judged did = done(t, &access);
    loop_check(
        same(&right, &said) && same(&right, &did),
        "trial %u, mode %u, EPT %d, linear %llx: right %s %x %llx %llx, said %s %x %llx %llx, did %s %x %llx %llx",
        number, t->judge.rules.mode, t->judge.ept, (unsigned long long)t->linear, describe(&right), right.error_code,
        (unsigned long long)right.qualification, (unsigned long long)right.physical, describe(&said), said.error_code,
        (unsigned long long)said.qualification, (unsigned long long)said.physical, describe(&did), did.error_code,
        (unsigned long long)did.qualification, (unsigned long long)did.physical);
    loop_check(same_detail(&right, &said), "trial %u: bad bits %llx, said %llx; rights %llx, said %llx", number,
               (unsigned long long)right.bad, (unsigned long long)said.bad, (unsigned long long)right.rights,
               (unsigned long long)said.rights);
    if (did.verdict == ACCESS_DONE) loop_check(really_done(t, &access, did.physical), "trial %u: the access", number);
    t->done[right.verdict]++;
    if (right.verdict == ACCESS_PAGE_FAULT) t->codes[right.error_code & 63]++;
}

// MOV to CR3 with PAE paging loads the PDPTEs, unless one that is present sets a reserved bit: 4.4.1.
static void test_pdptes(struct trial *t) {
    loop_begin("PDPTEs are loaded when they set no reserved bit");
    t->judge.ept = false;
    for (unsigned i = 0; i < 4096; i++) {
        t->judge.rules.physical_bits = 36 + random_below(&t->random, 17);
        set_processor(t);
        uint64_t reserved = 0x1e6 | ~(BIT(t->judge.rules.physical_bits) - 1), pdpte[4];
        bool right = true, valid = false;
        for (unsigned n = 0; n < 4; n++) {
            uint64_t e = (chance(t, 3) ? 0 : 1) | frame(t) | (any(t) & 0xe18) |
                         (chance(t, 3) ? odd_bit(t) | BIT(random_below(&t->random, 64)) : 0);
            bench_store(t->b, GUEST_AT + 8 * n, 8, e);
            right &= !(e & 1) || !(e & reserved);
        }
        loop_check(paging_load_pdptes(t->b->cpu, GUEST_AT, pdpte, &valid) == OUT_OK && valid == right, "%u", i);
    }
    loop_end();
}

int main(void) {
    struct trial t = {.b = bench_new("server"), .random = 1};
    bench_prepare(t.b);
    t.judge.ram = t.b->ram;
    for (uint64_t at = 0; at < BENCH_RAM; at += 8) bench_store(t.b, at, 8, any(&t));
    loop_begin("the processor and the walk of tools do what the manual says");
    for (unsigned i = 0; i < TABLES; i++) {
        choose(&t);
        for (unsigned a = 0; a < ACCESSES; a++) one_access(&t, i);
    }
    loop_end();
    loop_begin("every outcome has come often");
    for (unsigned v = ACCESS_DONE; v <= ACCESS_EPT_MISCONFIGURATION; v++)
        loop_check(t.done[v] > MANY, "%u: %u", v, t.done[v]);
    for (unsigned bit = 0; bit < 6; bit++) {
        unsigned with = 0;
        for (unsigned code = 0; code < 64; code++) with += code >> bit & 1 ? t.codes[code] : 0;
        loop_check(with > MANY, "error-code bit %u: %u", bit, with);
    }
    loop_end();
    test_pdptes(&t);
    bench_free(t.b);
    return done_testing();
}
