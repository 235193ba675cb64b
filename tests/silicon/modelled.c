// The model's side: long mode with the descriptors, gates and control bits that Linux runs its processes under. Every
// event goes through the IDT to a handler that does nothing at level 0; what lies on its stack is what is compared.
#include "tests/silicon/silicon.h"
#include "cpu/memory/tlb.h"
#include "cpu/pages/pages.h"
#include "cpu/processor/processor.h"
#include "tests/tap.h"
#include <stdlib.h>

#define KERNEL 0xffffffff81000000ull // supervisor pages
enum {
    RAM_BYTES = 1 << 20,
    RAM_PLACES = 0x10000,
    RAM_KERNEL = 0x40000,
    RAM_PML4 = 0x1000,
    RAM_TABLES = 0x2000,
    KERNEL_PAGES = 5,
    GDT = 0,            // offsets in the supervisor pages
    LDT = 0x400,        //
    TSS = 0x800,        //
    IDT = 0x1000,       // 256 gates
    HANDLERS = 0x2000,  // 16 bytes each
    STACK_END = 0x4000, // one page below
    GDT_LIMIT = 0x7f,
    LDT_LIMIT = 8 * 11 - 1,
    TSS_LIMIT = 0x67,
    KERNEL_CS = 0x10,
    STEPS = 4096,
};

struct modelled {
    struct cpu *cpu;
    struct cpu_model model;
    struct decoder *decoder;
    struct platform platform;
    struct pages pages;
    uint8_t *ram;
    uint64_t next_table;
};

static struct page_frame ram_page(void *machine, uint64_t physical) {
    return pages_frame(&((struct modelled *)machine)->pages, physical);
}
static uint64_t mmio_read(void *machine, struct cpu *cpu, uint64_t physical, unsigned size) {
    (void)machine, (void)cpu, (void)physical, (void)size;
    return ~0ull;
}
static void mmio_write(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    (void)machine, (void)cpu, (void)physical, (void)size, (void)value;
}
static bool model_has(const void *model, unsigned feature) { return cpu_model_has(model, (enum feature)feature); }

// --- memory ---

static void poke(struct modelled *m, uint64_t physical, uint64_t value) { memcpy(m->ram + physical, &value, 8); }
static uint64_t peek(const struct modelled *m, uint64_t physical) {
    uint64_t value;
    memcpy(&value, m->ram + physical, 8);
    return value;
}

// Bits of paging-structure entries: present, writable, user, accessed, dirty.
enum { P_PRESENT = 1, P_WRITABLE = 2, P_USER = 4, P_USED = 0x60 };

static void map_page(struct modelled *m, uint64_t linear, uint64_t entry) {
    uint64_t table = RAM_PML4;
    for (unsigned level = 4; level > 1; level--) {
        uint64_t at = table + 8 * (linear >> (12 + 9 * (level - 1)) & 511);
        if (!peek(m, at)) {
            poke(m, at, m->next_table | P_PRESENT | P_WRITABLE | P_USER | 0x20);
            m->next_table += 4096;
        }
        table = peek(m, at) & BITS(51, 12);
    }
    poke(m, table + 8 * (linear >> 12 & 511), entry);
}

static void map_places(struct modelled *m) {
#define PLACE(linear, page, rights)                                                                                    \
    map_page(m, linear,                                                                                                \
             (uint64_t)(RAM_PLACES + 4096 * (page)) | P_PRESENT | P_USER | P_USED | ((rights)&W ? P_WRITABLE : 0) |    \
                 ((rights)&X ? 0 : BIT(63)));
#include "tests/silicon/place.def"
    for (unsigned i = 0; i < KERNEL_PAGES; i++)
        map_page(m, KERNEL + 4096 * i, (uint64_t)(RAM_KERNEL + 4096 * i) | P_PRESENT | P_WRITABLE | P_USED);
}

// --- the operating system's tables ---

static uint64_t descriptor(uint64_t base, uint32_t limit, uint32_t rights) {
    bool wide = limit >> 20 || rights >> 15 & 1;
    limit = wide ? limit >> 12 : limit;
    return (limit & 0xffffull) | (base & 0xffffff) << 16 | (uint64_t)(rights & 0xf0ff) << 40 | (uint64_t)wide << 55 |
           (uint64_t)(limit >> 16) << 48 | base >> 24 << 56;
}

// The kernel's own segments, which LAR does not tell, and those that it does.
static void fill_gdt(struct modelled *m) {
    static const uint64_t own[] = {0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff};
    memcpy(m->ram + RAM_KERNEL + GDT, own, sizeof own);
    for (unsigned i = 4; i <= GDT_LIMIT / 8; i++) {
        uint32_t rights, limit;
        if (!native_descriptor(i, &rights, &limit)) continue;
        poke(m, RAM_KERNEL + GDT + 8 * i, descriptor(0, limit, rights >> 8));
    }
    poke(m, RAM_KERNEL + GDT + 0x40,
         TSS_LIMIT | ((KERNEL + TSS) & 0xffffff) << 16 | 0x8bull << 40 | (KERNEL >> 24 & 0xff) << 56);
    poke(m, RAM_KERNEL + GDT + 0x48, KERNEL >> 32);
    poke(m, RAM_KERNEL + TSS + 4, KERNEL + STACK_END);
    memset(m->ram + RAM_KERNEL + TSS + 102, 0xff, 2); // no I/O permission bitmap
}

// Interrupt gates; INT3, INTO and INT 80H are for everyone.
static void fill_idt(struct modelled *m) {
    for (unsigned v = 0; v < 256; v++) {
        uint64_t handler = KERNEL + HANDLERS + 16 * v, type = v == 3 || v == 4 || v == 0x80 ? 0xee : 0x8e;
        uint64_t at = RAM_KERNEL + IDT + 16 * v;
        poke(m, at, (handler & 0xffff) | KERNEL_CS << 16 | type << 40 | (handler >> 16 & 0xffff) << 48);
        poke(m, at + 8, handler >> 32);
        memcpy(m->ram + RAM_KERNEL + HANDLERS + 16 * v, "\xeb\xfe", 2); // jumps to itself
    }
}

static void fill_ldt(struct modelled *m) {
#define SEGMENT(index, base, limit, rights) poke(m, RAM_KERNEL + LDT + 8 * (index), descriptor(base, limit, rights));
#include "tests/silicon/segment.def"
}

static void set_control(struct cpu *cpu, bool ldt) {
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu->control.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP | CR0_MP | CR0_AM;
    cpu->control.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE |
                       (native_has_fsgsbase() ? CR4_FSGSBASE : 0) | (native_has(FEATURE_UMIP) ? CR4_UMIP : 0);
    cpu->control.xcr0 = 3;
    cpu->control.cr3 = RAM_PML4;
    cpu->control.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    cpu->gdtr = (struct descriptor_table){KERNEL + GDT, GDT_LIMIT};
    cpu->idtr = (struct descriptor_table){KERNEL + IDT, 4095};
    cpu->segment[LDTR] = (struct segment){.limit = LDT_LIMIT, .rights = ldt ? 0x82 : RIGHTS_UNUSABLE, .selector = 0x50};
    cpu->segment_base[LDTR] = KERNEL + LDT;
    cpu->segment[TR] = (struct segment){.limit = TSS_LIMIT, .rights = 0x8b, .selector = 0x40};
    cpu->segment_base[TR] = KERNEL + TSS;
}

struct modelled *modelled_new(const char *name, bool ldt) {
    char error[200];
    struct modelled *m = calloc(1, sizeof *m);
    if (!m || !(m->ram = calloc(1, RAM_BYTES))) bail("no memory");
    if (!cpu_model_parse(name, &m->model, error, sizeof error)) bail("%s", error);
    m->decoder = decoder_new(&cpu_rows, 1, model_has, &m->model);
    m->platform = (struct platform){
        .machine = m, .pages = &m->pages, .page = ram_page, .mmio_read = mmio_read, .mmio_write = mmio_write};
    if (!m->decoder || !pages_add(&m->pages, &(struct area){.name = "ram", .bytes = RAM_BYTES, .data = m->ram}))
        bail("no memory");
    if (!(m->cpu = cpu_new(&m->model, m->decoder, &m->platform, 0))) bail("no memory");
    m->next_table = RAM_TABLES;
    map_places(m);
    fill_gdt(m);
    fill_ldt(m);
    fill_idt(m);
    set_control(m->cpu, ldt);
    return m;
}

void modelled_free(struct modelled *m) {
    cpu_free(m->cpu);
    decoder_free(m->decoder);
    pages_free(&m->pages);
    free(m->ram);
    free(m);
}

uint8_t *modelled_memory(struct modelled *m) { return pages_store(&m->pages, RAM_PLACES, PLACE_BYTES); }
const struct decoder *modelled_decoder(const struct modelled *m) { return m->decoder; }
const struct cpu_model *modelled_model(const struct modelled *m) { return &m->model; }

// --- one run ---

static void set_user_segment(struct cpu *cpu, unsigned s, uint16_t selector) {
    const struct segment_row *row = segment_find(selector);
    struct segment_row null = {.rights = RIGHTS_UNUSABLE};
    if (!row) row = &null;
    cpu->segment[s] = (struct segment){.limit = row->limit, .rights = row->rights, .selector = selector};
    cpu->segment_base[s] = row->base;
}

static void user_load(struct cpu *cpu, const struct silicon_state *s) {
    memcpy(cpu->gpr, s->gpr, sizeof s->gpr);
    for (unsigned i = 0; i < 6; i++) set_user_segment(cpu, i, s->selector[i]);
    cpu->segment_base[FS] = s->fs_base;
    cpu->segment_base[GS] = s->gs_base;
    cpu->rip = s->rip;
    cpu->boundary.pending = 0;
    cpu->boundary.pending_debug = 0;
    cpu->boundary.mov_ss_shadow_step = cpu->boundary.sti_shadow_step = ~0ull;
    cpu->control.cr2 = 0;
    cpu->control.dr[6] = 0xffff0ff0;
    cpu_set_rflags(cpu, s->rflags | FLAG_IF);
    fx_load(cpu, &s->fx);
    cpu_update_mode(cpu);
    tlb_select(cpu);
}

// What delivery pushed: the error code if there is one, RIP, CS, RFLAGS, RSP, SS.
static void frame_read(const struct modelled *m, struct silicon_state *s) {
    const struct cpu *cpu = m->cpu;
    uint64_t bytes = KERNEL + STACK_END - cpu->gpr[RSP], frame[6] = {0};
    bool has_code = bytes == 48;
    if (bytes != 40 && bytes != 48) bail("a frame of %lu bytes", (unsigned long)bytes);
    memcpy(frame + !has_code, m->ram + RAM_KERNEL + STACK_END - bytes, bytes);
    s->vector = (unsigned)(cpu->rip - (KERNEL + HANDLERS)) / 16;
    s->error_code = frame[0];
    s->rip = frame[1];
    s->selector[CS] = (uint16_t)frame[2];
    s->rflags = frame[3];
    s->gpr[RSP] = frame[4];
    s->selector[SS] = (uint16_t)frame[5];
    s->cr2 = s->vector == VECTOR_PF ? cpu->control.cr2 : 0;
}

static void user_store(const struct modelled *m, struct silicon_state *s) {
    const struct cpu *cpu = m->cpu;
    memcpy(s->gpr, cpu->gpr, sizeof s->gpr);
    for (unsigned i = 0; i < 6; i++) s->selector[i] = cpu->segment[i].selector;
    s->fs_base = cpu->segment_base[FS];
    s->gs_base = cpu->segment_base[GS];
    fx_store(cpu, &s->fx);
    frame_read(m, s);
}

void modelled_run(struct modelled *m, const struct silicon_case *c, struct silicon_state *out) {
    struct cpu *cpu = m->cpu;
    user_load(cpu, &c->state);
    for (unsigned i = 0; i < STEPS && cpu_cpl(cpu) == 3; i++) (void)cpu_run(cpu, 1);
    *out = c->state;
    if (cpu_cpl(cpu) == 3) {
        out->vector = 256; // goes on for ever
        return;
    }
    user_store(m, out);
}
