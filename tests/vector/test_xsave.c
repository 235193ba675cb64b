// FXSAVE, FXRSTOR and the XSAVE set: images and restored state against the host's processor; then what the host cannot
// show at CPL 3 or tracks coarsely: the init optimization, XSAVES and XRSTORS, other modes.
#include "cpu/vector/xsave.h"
#include "tests/tap.h"
#include "tests/vector/model.h"
#include "tests/vector/random.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"

enum { AREA = 128, HEADER = AREA + 512 }; // in the data; RBX points at the area

static void put64(struct state *s, unsigned at, uint64_t v) { memcpy(s->data + at, &v, 8); }
static uint64_t get64(const struct state *s, unsigned at) {
    uint64_t v;
    memcpy(&v, s->data + at, 8);
    return v;
}

// An image that can be restored, or nearly so.
static void random_area(struct state *s) {
    struct state image;
    random_state(&image, &(struct random_options){.masked = true});
    memcpy(s->data + AREA, image.fx, 416);
    if (random_below(20) == 0) s->data[AREA + 26] = 1; // a reserved bit of MXCSR
    memset(s->data + HEADER, 0, 64);
    uint64_t present = random_below(4),
             layout = random_below(2) ? 0 : BIT(63) | random_below(4) | (random_below(4) ? present : 0);
    put64(s, HEADER, present), put64(s, HEADER + 8, layout);
    static const uint8_t wrong[] = {0, 1, 3, 7, 8, 9, 11, 15, 16, 23, 24, 40, 63}; // XCR0 has none of these bits
    if (random_below(8) == 0)
        s->data[HEADER + wrong[random_below(sizeof wrong)]] |= (uint8_t)(1 << (3 + random_below(2)));
    s->gpr[RAX] = random_below(4) | (random_below(2) ? 0x18 : 0);
    s->gpr[RDX] = random_below(2);
}

static void against_host(struct flat *f, const char *name, const uint8_t *code, unsigned length) {
    char text[100];
    uint8_t bytes[8];
    memcpy(bytes, code, length);
    loop_begin("%s", name);
    for (unsigned i = 0; i < 2000; i++) {
        struct state before, model, host;
        if (i % 100 == 0) {
            bytes[length - 1] = (uint8_t)(i % 500 == 400 ? random_below(64) : 0); // sometimes unaligned
            native_code(bytes, length);
            flat_write(f, FLAT_CODE, bytes, length);
        }
        random_state(&before, &(struct random_options){.masked = true});
        random_area(&before);
        model = host = before;
        model_run(f, &model, length);
        native_run(&host);
        const char *d = difference(&model, &host, text, sizeof text);
        // Processors may have restored some of the state when they find MXCSR wrong; here a fault changes nothing.
        if (model.vector == VECTOR_GP && host.vector == VECTOR_GP) d = NULL;
        loop_check(!d, "%s; header %lx %lx mask %lx disp %x", d, get64(&before, HEADER), get64(&before, HEADER + 8),
                   before.gpr[RAX], bytes[length - 1]);
    }
    loop_end();
}

static void compare_with_host(struct flat *f) {
    static const struct {
        const char *name;
        uint8_t code[5];
        uint8_t length;
    } table[] = {
        {"fxsave", {0x0f, 0xae, 0x43, 0}, 4},   {"fxsave64", {0x48, 0x0f, 0xae, 0x43, 0}, 5},
        {"fxrstor", {0x0f, 0xae, 0x4b, 0}, 4},  {"fxrstor64", {0x48, 0x0f, 0xae, 0x4b, 0}, 5},
        {"xsave", {0x0f, 0xae, 0x63, 0}, 4},    {"xsave64", {0x48, 0x0f, 0xae, 0x63, 0}, 5},
        {"xrstor", {0x0f, 0xae, 0x6b, 0}, 4},   {"xrstor64", {0x48, 0x0f, 0xae, 0x6b, 0}, 5},
        {"xsaveopt", {0x0f, 0xae, 0x73, 0}, 4}, {"xsaveopt64", {0x48, 0x0f, 0xae, 0x73, 0}, 5},
        {"xsavec", {0x0f, 0xc7, 0x63, 0}, 4},   {"xsavec64", {0x48, 0x0f, 0xc7, 0x63, 0}, 5},
    };
    if (!native_open() || !native_is_reference() || !native_has(FEATURE_XSAVEC) || !native_has(FEATURE_XSAVEOPT)) {
        skip("images against the host", "the host is not of the modelled kind");
        return;
    }
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        against_host(f, table[i].name, table[i].code, table[i].length);
}

// A state in which everything is as after reset of the components.
static void initial_state(struct state *s) {
    memset(s, 0, sizeof *s);
    s->fx[0] = 0x7f, s->fx[1] = 0x03;
    s->fx[24] = 0x80, s->fx[25] = 0x1f;
    s->gpr[RAX] = 7;
    s->gpr[RBX] = NATIVE_DATA + AREA;
    memset(s->data, 0xcc, sizeof s->data);
    memset(s->data + HEADER, 0, 64);
}
static void execute(struct flat *f, struct state *s, const char *code, unsigned length) {
    flat_write(f, FLAT_CODE, code, length);
    model_run(f, s, length);
}
static const char xsave64[] = "\x48\x0f\xae\x23", xsaveopt64[] = "\x48\x0f\xae\x33", xsavec64[] = "\x48\x0f\xc7\x23",
                  xsaves64[] = "\x48\x0f\xc7\x2b", xrstors64[] = "\x48\x0f\xc7\x1b", xrstor64[] = "\x48\x0f\xae\x2b";

static void init_optimization(struct flat *f) {
    struct state s;
    initial_state(&s);
    execute(f, &s, xsave64, 4);
    ok(get64(&s, HEADER) == 0 && s.data[AREA] == 0x7f,
       "XSAVE of an initial state writes it, and says that nothing is in use");
    initial_state(&s);
    execute(f, &s, xsaveopt64, 4);
    ok(get64(&s, HEADER) == 0 && s.data[AREA] == 0xcc && s.data[AREA + 24] == 0x80, "XSAVEOPT writes MXCSR only");
    initial_state(&s);
    s.fx[160] = 1;
    execute(f, &s, xsavec64, 4);
    ok(get64(&s, HEADER) == 2 && get64(&s, HEADER + 8) == (BIT(63) | 3) && s.data[AREA + 160] == 1 &&
           s.data[AREA] == 0xcc,
       "XSAVEC writes the component in use, and the layout of those asked for");
    initial_state(&s);
    s.fx[24] = 0xa0;
    execute(f, &s, xsavec64, 4);
    ok(get64(&s, HEADER) == 2 && s.data[AREA + 24] == 0xa0 && s.data[AREA + 160] == 0,
       "MXCSR alone puts SSE state in use");
    s.gpr[RCX] = 1;
    execute(f, &s, "\x0f\x01\xd0", 3);
    ok(s.vector < 0 && s.gpr[RAX] == 2, "and XGETBV says so");
    initial_state(&s);
    s.fx[32 + 9] = 0x40;
    execute(f, &s, xsaves64, 4);
    ok(get64(&s, HEADER) == 1 && s.data[AREA + 41] == 0x40 && s.data[AREA + 160] == 0xcc, "XSAVES at CPL 0");
    struct state r;
    random_state(&r, &(struct random_options){.masked = true});
    memcpy(r.data, s.data, sizeof r.data);
    r.gpr[RAX] = 3, r.gpr[RDX] = 0, r.gpr[RBX] = NATIVE_DATA + AREA;
    r.fx[2] = r.fx[3] = 0;
    execute(f, &r, xrstors64, 4);
    ok(r.vector < 0 && r.fx[41] == 0x40 && r.fx[160] == 0 && r.fx[24] == 0x80 && r.fx[25] == 0x1f,
       "XRSTORS brings x87 back, and SSE and MXCSR to their initial configuration");
    put64(&r, HEADER + 8, 0);
    execute(f, &r, xrstors64, 4);
    ok(r.vector == VECTOR_GP, "XRSTORS of a standard-format area is #GP");
}

static void faults(struct flat *f) {
    struct state s;
    initial_state(&s);
    f->cpu->control.cr4 &= ~CR4_OSXSAVE;
    cpu_update_mode(f->cpu);
    execute(f, &s, xsave64, 4);
    ok(s.vector == VECTOR_UD, "XSAVE without CR4.OSXSAVE is #UD");
    f->cpu->control.cr4 |= CR4_OSXSAVE;
    f->cpu->control.cr0 |= CR0_TS;
    cpu_update_mode(f->cpu);
    initial_state(&s);
    execute(f, &s, xsave64, 4);
    ok(s.vector == VECTOR_NM, "XSAVE with CR0.TS is #NM");
    f->cpu->control.cr0 &= ~CR0_TS;
    cpu_update_mode(f->cpu);
    initial_state(&s);
    flat_map(f, NATIVE_DATA, NATIVE_DATA, 0);
    tlb_invalidate_page(f->cpu, NATIVE_DATA);
    execute(f, &s, xsave64, 4);
    ok(s.vector == VECTOR_PF && f->cpu->control.cr2 >> 12 == NATIVE_DATA >> 12, "XSAVE to an absent page is #PF");
    flat_map(f, NATIVE_DATA, NATIVE_DATA, 7);
}

// What is checked is what is used, whatever others write meanwhile.
static void read_once(struct flat *f) {
    struct state s;
    initial_state(&s);
    flat_map(f, NATIVE_DATA, FLAT_MMIO, 7);
    tlb_invalidate_page(f->cpu, NATIVE_DATA);
    f->mmio_value = 0;
    f->mmio_reads = 0;
    execute(f, &s, xrstor64, 4);
    ok(s.vector < 0 && f->mmio_reads == 64 / 8 + 1,
       "XRSTOR that finds no component in the area reads the header and MXCSR, each byte once (%u reads)",
       f->mmio_reads);
    flat_map(f, NATIVE_DATA, NATIVE_DATA, 7);
    tlb_invalidate_page(f->cpu, NATIVE_DATA);
}

static void sizes(void) {
    ok(xsave_area_size(3, false) == 576 && xsave_area_size(7, false) == 832 && xsave_area_size(7, true) == 832,
       "sizes of the areas");
    ok(xsave_area_size(BIT(9) | 3, true) == 584, "PKRU directly follows in the compacted format");
}

int main(void) {
    struct flat f;
    machine_new(&f);
    f.cpu->control.cr4 |= CR4_OSXSAVE;
    f.cpu->control.xcr0 = 3;
    cpu_update_mode(f.cpu);
    compare_with_host(&f);
    init_optimization(&f);
    faults(&f);
    read_once(&f);
    sizes();
    flat_free(&f);
    return done_testing();
}
