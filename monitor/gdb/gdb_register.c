// Registers for gdb: their description, reading and writing. The rows are in gdb_register.def.
#include "monitor/gdb/gdb_private.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

static const struct gdb_row rows[] = {
#define GPR(n) FROM_GPR, n, 8
#define VIEW(member) FROM_VIEW, offsetof(struct view, member), sizeof(((struct view *)0)->member)
#define OWN(member) FROM_OWN, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member)
#define SHARED(member) FROM_SHARED, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member)
#define STACK(n) FROM_STACK, n, 10
#define TAGS FROM_TAGS, 0, 2
#define CR2 FROM_CR2, 0, 8
#define REGISTER(part, name, type, bits, group, ...) {GDB_##part, name, type, bits, group, __VA_ARGS__},
#include "monitor/gdb/gdb_register.def"
#undef REGISTER
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const char *const features[GDB_PARTS] = {
    [GDB_CORE] = "org.gnu.gdb.i386.core",
    [GDB_SSE] = "org.gnu.gdb.i386.sse",
    [GDB_SEGMENTS] = "org.gnu.gdb.i386.segments",
    [GDB_SYSTEM] = "org.vmxray.system",
};

bool gdb_row_at(unsigned number, struct gdb_row *row) {
    if (number < ROWS) *row = rows[number];
    return number < ROWS;
}

unsigned gdb_vmcs_number(void) { return ROWS; }

// --- description ---

static void print_flags(struct gdb_text *text, enum gdb_part feature) {
    if (feature != GDB_CORE && feature != GDB_SSE && feature != GDB_SYSTEM) return;
    bool on = false;
#define FLAGS(type, bytes)                                                                                             \
    on = feature == (strcmp(type, "flags_eflags") == 0  ? GDB_CORE                                                     \
                     : strcmp(type, "flags_mxcsr") == 0 ? GDB_SSE                                                      \
                                                        : GDB_SYSTEM);                                                 \
    if (on) gdb_text_print(text, "    <flags id=\"%s\" size=\"%u\">\n", type, bytes);
#define FLAG(name, bit)                                                                                                \
    if (on) gdb_text_print(text, "      <field name=\"%s\" start=\"%u\" end=\"%u\"/>\n", name, bit, bit);
#define END                                                                                                            \
    if (on) gdb_text_print(text, "    </flags>\n");
#include "monitor/gdb/gdb_flag.def"
#undef FLAGS
#undef FLAG
#undef END
}

static void print_vector_types(struct gdb_text *text) {
    static const struct {
        const char *name, *type;
        unsigned count;
    } parts[] = {{"v4_float", "ieee_single", 4}, {"v2_double", "ieee_double", 2}, {"v16_int8", "int8", 16},
                 {"v8_int16", "int16", 8},       {"v4_int32", "int32", 4},        {"v2_int64", "int64", 2}};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        gdb_text_print(text, "    <vector id=\"%s\" type=\"%s\" count=\"%u\"/>\n", parts[i].name, parts[i].type,
                       parts[i].count);
    gdb_text_print(text, "    <union id=\"vec128\">\n");
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        gdb_text_print(text, "      <field name=\"%s\" type=\"%s\"/>\n", parts[i].name, parts[i].name);
    gdb_text_print(text, "      <field name=\"uint128\" type=\"uint128\"/>\n    </union>\n");
}

static void print_row(struct gdb_text *text, const struct gdb_row *row, unsigned number) {
    gdb_text_print(text, "    <reg name=\"%s\" bitsize=\"%u\" type=\"%s\" group=\"%s\" regnum=\"%u\"/>\n", row->name,
                   row->bits, row->type, row->group, number);
}

void gdb_xml_target(const struct gdb *gdb, struct gdb_text *text) {
    struct gdb_row row;
    enum gdb_part feature = GDB_PARTS;
    gdb_text_print(text,
                   "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
                   "  <architecture>i386:x86-64</architecture>\n");
    for (unsigned n = 0; gdb_row_at(n, &row); n++) {
        if (row.part != feature) {
            if (feature != GDB_PARTS) gdb_text_print(text, "  </feature>\n");
            feature = row.part;
            gdb_text_print(text, "  <feature name=\"%s\">\n", features[feature]);
            print_flags(text, feature);
            if (feature == GDB_SSE) print_vector_types(text);
        }
        print_row(text, &row, n);
    }
    gdb_text_print(text, "  </feature>\n");
    gdb_xml_vmcs(gdb, text);
    gdb_text_print(text, "</target>\n");
}

// --- reading ---

// SDM Vol. 1, 8.1.7: valid, zero, special, empty.
static uint16_t tag_word(const struct x87 *x87) {
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        const struct x87_register *r = &x87->r[i];
        unsigned exponent = r->sign_exponent & 0x7fff;
        unsigned tag = x87->empty >> i & 1                                              ? 3
                       : exponent == 0 && r->significand == 0                           ? 1
                       : exponent == 0 || exponent == 0x7fff || !(r->significand >> 63) ? 2
                                                                                        : 0;
        tags |= tag << (2 * i);
    }
    return (uint16_t)tags;
}

static void read_stack(const struct x87 *x87, unsigned number, uint8_t *value) {
    const struct x87_register *r = &x87->r[((x87->status >> 11) + number) & 7];
    memcpy(value, &r->significand, 8);
    memcpy(value + 8, &r->sign_exponent, 2);
}

void gdb_look_at(const struct gdb *gdb, struct gdb_thread thread, struct gdb_look *l) {
    *l = (struct gdb_look){.thread = thread, .cpu = gdb_cpu(gdb, thread)};
    l->there = gdb_view(gdb, thread, &l->view, &l->known);
}

bool gdb_register_read(const struct gdb_look *l, const struct gdb_row *row, uint8_t *value) {
    memset(value, 0, GDB_VALUE_BYTES);
    unsigned bytes = row->bytes < row->bits / 8 ? row->bytes : row->bits / 8;
    bool live = l->there && l->view.source == VIEW_LIVE;
    uint16_t tags;
    switch (row->from) {
    case FROM_GPR: memcpy(value, &l->view.gpr[row->at], 8); return l->there && l->known >> row->at & 1;
    case FROM_VIEW: memcpy(value, (const char *)&l->view + row->at, bytes); return l->there;
    case FROM_OWN: memcpy(value, (const char *)l->cpu + row->at, bytes); return live;
    case FROM_SHARED: memcpy(value, (const char *)l->cpu + row->at, bytes); return l->there;
    case FROM_STACK: read_stack(&l->cpu->fpu.x87, row->at, value); return l->there;
    case FROM_TAGS:
        tags = tag_word(&l->cpu->fpu.x87);
        memcpy(value, &tags, sizeof tags);
        return l->there;
    default: memcpy(value, &l->view.cr2, 8); return l->there && l->known == ~0u;
    }
}

static void print_register(struct gdb *gdb, const struct gdb_look *l, const struct gdb_row *row) {
    uint8_t value[GDB_VALUE_BYTES];
    // gdb cannot do without a PC: where nothing has run yet the general registers are 0.
    bool zero = !l->there && row->part == GDB_CORE;
    if (gdb_register_read(l, row, value) || zero)
        gdb_text_hex(&gdb->reply, value, row->bits / 8);
    else
        for (unsigned i = 0; i < row->bits / 8; i++) gdb_text_add(&gdb->reply, "xx", 2);
}

void gdb_answer_read_register(struct gdb *gdb, const char *arguments) {
    struct gdb_look l;
    struct gdb_row row;
    uint64_t number = 0;
    bool good = gdb_take_hex(&arguments, &number) && number <= gdb_vmcs_number();
    if (good && number == gdb_vmcs_number()) {
        gdb_print_vmcs(gdb, gdb->general);
    } else if (good && gdb_row_at((unsigned)number, &row)) {
        gdb_look_at(gdb, gdb->general, &l);
        print_register(gdb, &l, &row);
    } else {
        gdb_error(gdb);
    }
}

void gdb_answer_read_registers(struct gdb *gdb, const char *arguments) {
    struct gdb_look l;
    (void)arguments;
    gdb_look_at(gdb, gdb->general, &l);
    for (unsigned n = 0; n < GDB_GENERAL_ROWS; n++) print_register(gdb, &l, &rows[n]);
}
