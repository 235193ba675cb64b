// Registers for gdb: their description, reading and writing. The rows are in gdb_register.def and vmx/field.def.
#include "monitor/gdb_private.h"
#include "vmx/view.h"
#include "vmx/vmx.h"
#include <ctype.h>
#include <string.h>

enum part { CORE, SSE, SEGMENTS, SYSTEM, VMCS, FEATURES };
enum source { FROM_GPR, FROM_VIEW, FROM_OWN, FROM_SHARED, FROM_STACK, FROM_TAGS, FROM_CR2, FROM_VMCS };
struct row {
    enum part feature;
    const char *name, *type;
    unsigned bits;
    const char *group;
    enum source source;
    unsigned at, bytes; // offset and size of a member; number of a register
};
static const struct row rows[] = {
#define GPR(n) FROM_GPR, n, 8
#define VIEW(member) FROM_VIEW, offsetof(struct view, member), sizeof(((struct view *)0)->member)
#define OWN(member) FROM_OWN, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member)
#define SHARED(member) FROM_SHARED, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member)
#define STACK(n) FROM_STACK, n, 10
#define TAGS FROM_TAGS, 0, 2
#define CR2 FROM_CR2, 0, 8
#define REGISTER(feature, name, type, bits, group, ...) {feature, name, type, bits, group, __VA_ARGS__},
#include "monitor/gdb_register.def"
#undef REGISTER
};
enum { ROWS = sizeof rows / sizeof rows[0], GENERAL_ROWS = 40 + 17 + 2 }; // those of the g packet

static const char *const features[FEATURES] = {
    [CORE] = "org.gnu.gdb.i386.core", [SSE] = "org.gnu.gdb.i386.sse", [SEGMENTS] = "org.gnu.gdb.i386.segments",
    [SYSTEM] = "org.vmxray.system",   [VMCS] = "org.vmxray.vmcs",
};

static bool row_at(unsigned number, struct row *row) {
    struct vmx_field field;
    if (number < ROWS) *row = rows[number];
    if (number < ROWS || !vmx_field(number - ROWS, &field)) return number < ROWS;
    *row = (struct row){VMCS,
                        field.name,
                        field.bytes == 8   ? "uint64"
                        : field.bytes == 4 ? "uint32"
                                           : "uint16",
                        field.bytes * 8u,
                        "vmcs",
                        FROM_VMCS,
                        number - ROWS,
                        field.bytes};
    return true;
}

// --- description ---

static void print_flags(struct gdb_text *text, enum part feature) {
    if (feature != CORE && feature != SSE && feature != SYSTEM) return;
    bool on = false;
#define FLAGS(type, bytes)                                                                                             \
    on = feature == (strcmp(type, "flags_eflags") == 0 ? CORE : strcmp(type, "flags_mxcsr") == 0 ? SSE : SYSTEM);      \
    if (on) gdb_text_print(text, "    <flags id=\"%s\" size=\"%u\">\n", type, bytes);
#define FLAG(name, bit)                                                                                                \
    if (on) gdb_text_print(text, "      <field name=\"%s\" start=\"%u\" end=\"%u\"/>\n", name, bit, bit);
#define END                                                                                                            \
    if (on) gdb_text_print(text, "    </flags>\n");
#include "monitor/gdb_flag.def"
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

static void print_row(struct gdb_text *text, const struct row *row, unsigned number) {
    gdb_text_print(text, "    <reg name=\"%s", row->feature == VMCS ? "vmcs_" : "");
    for (const char *p = row->name; *p; p++) gdb_text_print(text, "%c", tolower((unsigned char)*p));
    gdb_text_print(text, "\" bitsize=\"%u\" type=\"%s\" group=\"%s\" regnum=\"%u\"/>\n", row->bits, row->type,
                   row->group, number);
}

void gdb_xml_target(struct gdb_text *text) {
    struct row row;
    enum part feature = FEATURES;
    gdb_text_print(text,
                   "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
                   "  <architecture>i386:x86-64</architecture>\n");
    for (unsigned n = 0; row_at(n, &row); n++) {
        if (row.feature != feature) {
            if (feature != FEATURES) gdb_text_print(text, "  </feature>\n");
            feature = row.feature;
            gdb_text_print(text, "  <feature name=\"%s\">\n", features[feature]);
            print_flags(text, feature);
            if (feature == SSE) print_vector_types(text);
        }
        print_row(text, &row, n);
    }
    gdb_text_print(text, "  </feature>\n</target>\n");
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

// Of the VMCS through which the level runs. Level 0 has none: the one that is current is shown with it.
static bool read_vmcs(const struct gdb *gdb, struct gdb_thread thread, unsigned field, uint8_t *value) {
    uint64_t vmcs = 0, v = 0;
    const struct cpu *cpu = gdb_cpu(gdb, thread);
    if (gdb_source(gdb, thread, &vmcs) == GDB_ABSENT || !vmx_field_exists(cpu, field)) return false;
    if (thread.level == 0) vmcs = vmx_current_vmcs(cpu);
    if (!vmx_vmcs_read(cpu, vmcs, field, &v)) return false;
    memcpy(value, &v, 8);
    return true;
}

enum { VALUE_BYTES = 16 };
struct looked_at {
    struct gdb_thread thread;
    const struct cpu *cpu;
    struct view view;
    uint32_t known;
    bool there;
};

static void look_at(const struct gdb *gdb, struct gdb_thread thread, struct looked_at *l) {
    *l = (struct looked_at){.thread = thread, .cpu = gdb_cpu(gdb, thread)};
    l->there = gdb_view(gdb, thread, &l->view, &l->known);
}

// False: the level does not have it, or not now.
static bool read_register(const struct gdb *gdb, const struct looked_at *l, const struct row *row, uint8_t *value) {
    memset(value, 0, VALUE_BYTES);
    unsigned bytes = row->bytes < row->bits / 8 ? row->bytes : row->bits / 8;
    bool live = l->there && l->view.source == VIEW_LIVE;
    uint16_t tags;
    switch (row->source) {
    case FROM_GPR: memcpy(value, &l->view.gpr[row->at], 8); return l->there && l->known >> row->at & 1;
    case FROM_VIEW: memcpy(value, (const char *)&l->view + row->at, bytes); return l->there;
    case FROM_OWN: memcpy(value, (const char *)l->cpu + row->at, bytes); return live;
    case FROM_SHARED: memcpy(value, (const char *)l->cpu + row->at, bytes); return l->there;
    case FROM_STACK: read_stack(&l->cpu->x87, row->at, value); return l->there;
    case FROM_TAGS:
        tags = tag_word(&l->cpu->x87);
        memcpy(value, &tags, sizeof tags);
        return l->there;
    case FROM_CR2: memcpy(value, &l->view.cr2, 8); return l->there && l->known == ~0u;
    default: return read_vmcs(gdb, l->thread, row->at, value);
    }
}

static void print_register(struct gdb *gdb, const struct looked_at *l, const struct row *row) {
    uint8_t value[VALUE_BYTES];
    // gdb cannot do without a PC: where nothing has run yet the general registers are 0.
    bool zero = !l->there && row->feature == CORE;
    if (read_register(gdb, l, row, value) || zero)
        gdb_text_hex(&gdb->reply, value, row->bits / 8);
    else
        for (unsigned i = 0; i < row->bits / 8; i++) gdb_text_add(&gdb->reply, "xx", 2);
}

void gdb_answer_read_register(struct gdb *gdb, const char *arguments) {
    struct looked_at l;
    struct row row;
    uint64_t number = 0;
    if (!gdb_take_hex(&arguments, &number) || number > UINT16_MAX || !row_at((unsigned)number, &row)) {
        gdb_error(gdb);
        return;
    }
    look_at(gdb, gdb->general, &l);
    print_register(gdb, &l, &row);
}

void gdb_answer_read_registers(struct gdb *gdb, const char *arguments) {
    struct looked_at l;
    (void)arguments;
    look_at(gdb, gdb->general, &l);
    for (unsigned n = 0; n < GENERAL_ROWS; n++) print_register(gdb, &l, &rows[n]);
}

// --- writing: of the level that runs ---

static bool write_register(struct cpu *cpu, const struct row *row, const uint8_t *value) {
    uint64_t v = 0;
    memcpy(&v, value, row->bits < 64 ? row->bits / 8 : 8);
    if (row->source == FROM_GPR)
        cpu->gpr[row->at] = v;
    else if (strcmp(row->name, "rip") == 0)
        cpu->rip = v;
    else if (strcmp(row->name, "eflags") == 0)
        cpu_set_rflags(cpu, v);
    else if (strcmp(row->name, "fs_base") == 0)
        cpu->segment_base[FS] = v;
    else if (strcmp(row->name, "gs_base") == 0)
        cpu->segment_base[GS] = v;
    else if (row->feature == SSE && row->bits == 128)
        memcpy((char *)cpu + row->at, value, 16);
    else if (strcmp(row->name, "mxcsr") == 0 && v <= 0xffff)
        cpu->mxcsr = (uint32_t)v;
    else
        return false;
    return true;
}

static struct cpu *writable(struct gdb *gdb) {
    return gdb_source(gdb, gdb->general, NULL) == GDB_LIVE ? gdb_cpu(gdb, gdb->general) : NULL;
}

static void altered(struct gdb *gdb) {
    if (gdb->host.altered) gdb->host.altered(gdb->host.context);
}

void gdb_answer_write_register(struct gdb *gdb, const char *arguments) {
    struct row row;
    uint64_t number = 0;
    uint8_t value[VALUE_BYTES];
    struct cpu *cpu = writable(gdb);
    bool good = cpu && gdb_take_hex(&arguments, &number) && gdb_take_char(&arguments, '=') && number <= UINT16_MAX &&
                row_at((unsigned)number, &row) && row.bits / 8 <= VALUE_BYTES &&
                gdb_take_bytes(&arguments, value, row.bits / 8) && write_register(cpu, &row, value);
    if (!good) {
        gdb_error(gdb);
        return;
    }
    altered(gdb);
    gdb_fine(gdb);
}

// What differs is written, as far as it can be.
void gdb_answer_write_registers(struct gdb *gdb, const char *arguments) {
    struct looked_at l;
    struct cpu *cpu = writable(gdb);
    uint8_t value[VALUE_BYTES], old[VALUE_BYTES];
    look_at(gdb, gdb->general, &l);
    bool good = cpu;
    for (unsigned n = 0; good && n < GENERAL_ROWS && *arguments; n++) {
        good = gdb_take_bytes(&arguments, value, rows[n].bits / 8);
        if (good && read_register(gdb, &l, &rows[n], old) && memcmp(value, old, rows[n].bits / 8) != 0)
            good = write_register(cpu, &rows[n], value);
    }
    if (cpu) altered(gdb);
    if (good)
        gdb_fine(gdb);
    else
        gdb_error(gdb);
}
