// Writing registers for gdb: of the level that runs, on the processor; of one that waits, in its VMCS (view_set.c).
#include "cpu/x87/x87.h"
#include "devices/machine/machine_input.h"
#include "monitor/expression/expression.h"
#include "monitor/gdb/gdb_private.h"
#include <stdio.h>
#include <string.h>

enum { WHY_BYTES = 300 };
struct writing {
    struct gdb_look look;
    char why[WHY_BYTES]; // it cannot be done
};

static bool cannot(struct writing *w, const char *why) {
    snprintf(w->why, sizeof w->why, "%s", why);
    return false;
}

// --- x87 and SSE ---

static uint8_t empty_by_tags(unsigned tags) {
    uint8_t empty = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) == 3) empty |= (uint8_t)(1u << i);
    return empty;
}

static bool write_part(struct writing *w, unsigned number, const void *value, uint32_t bytes) {
    const struct input input = {
        .kind = INPUT_REGISTER, .unit = (uint8_t)w->look.cpu->id, .where = number, .bytes = bytes, .data = value};
    return machine_alter(w->look.view.machine, &input) || cannot(w, "some of these bits are reserved");
}

// ST(i), as it lies in a register.
static bool write_stack(struct writing *w, unsigned i, const uint8_t *value) {
    unsigned at = 2 * (((w->look.cpu->fpu.x87.status >> 11) + i) & 7); // two rows of register.def each
    return write_part(w, REGISTER_X87_SIGNIFICAND0 + at, value, 8) &&
           write_part(w, REGISTER_X87_EXPONENT0 + at, value + 8, 2);
}

static bool write_float(struct writing *w, const struct gdb_row *row, const uint8_t *value) {
    uint64_t number = 0;
    memcpy(&number, value, row->bits < 64 ? row->bits / 8 : 8);
    if (row->from == FROM_STACK) return write_stack(w, row->at, value);
    if (row->from == FROM_TAGS)
        return write_part(w, REGISTER_X87_EMPTY, &(uint8_t){empty_by_tags((unsigned)number)}, 1);
    if (strcmp(row->name, "mxcsr") == 0 && number & ~(uint64_t)MXCSR_MASK)
        return cannot(w, "mxcsr: bits 31:16 are reserved");
    if (strcmp(row->name, "fop") == 0 && number > 0x7ff) return cannot(w, "fop: it has 11 bits");
    int at = register_at(row->at);
    return at >= 0 && write_part(w, (unsigned)at, value, row->bytes < row->bits / 8 ? row->bytes : row->bits / 8);
}

// --- the others, by the names that expressions have for them ---

// cs_base is cs.base, k_gs_base an MSR.
static void name_of(const struct gdb_row *row, char *name, size_t size) {
    static const char *const msrs[][2] = {{"k_gs_base", "IA32_KERNEL_GS_BASE"},
                                          {"star", "IA32_STAR"},
                                          {"lstar", "IA32_LSTAR"},
                                          {"cstar", "IA32_CSTAR"},
                                          {"sfmask", "IA32_FMASK"},
                                          {"tsc_aux", "IA32_TSC_AUX"},
                                          {"sysenter_cs", "IA32_SYSENTER_CS"},
                                          {"pat", "IA32_PAT"},
                                          {"sysenter_esp", "IA32_SYSENTER_ESP"},
                                          {"debugctl", "IA32_DEBUGCTL"},
                                          {"sysenter_eip", "IA32_SYSENTER_EIP"}};
    snprintf(name, size, "%s", row->name);
    char *line = strchr(name, '_');
    if (line) *line = '.';
    for (unsigned i = 0; i < sizeof msrs / sizeof *msrs; i++)
        if (strcmp(row->name, msrs[i][0]) == 0) snprintf(name, size, "%s", msrs[i][1]);
}

static bool write_named(struct writing *w, const struct gdb_row *row, uint64_t value) {
    char text[40];
    name_of(row, text, sizeof text);
    struct name name = name_find(NULL, text, false);
    if (name.kind != NAME_REGISTER && name.kind != NAME_MSR) return cannot(w, "it can only be read");
    return name_set(&w->look.view, &name, value, w->why, sizeof w->why);
}

static bool write_register(struct writing *w, const struct gdb_row *row, const uint8_t *value) {
    const struct gdb_look *l = &w->look;
    uint64_t number = 0;
    memcpy(&number, value, row->bits < 64 ? row->bits / 8 : 8);
    if (!l->there) return cannot(w, "nothing has run at that level");
    bool floats = strcmp(row->group, "float") == 0 || strcmp(row->group, "vector") == 0;
    if (floats && l->view.source != VIEW_LIVE)
        return cannot(w, "the level waits: what the processor has is that of the level that runs");
    return floats ? write_float(w, row, value) : write_named(w, row, number);
}

// --- packets ---

bool gdb_may_change(struct gdb *gdb) {
    const char *why = gdb->host.fixed ? gdb->host.fixed(gdb->host.context) : NULL;
    if (why) gdb_error_because(gdb, why);
    return !why;
}

static void answer(struct gdb *gdb, const struct writing *w, bool good) {
    if (good && gdb->host.altered) gdb->host.altered(gdb->host.context);
    if (good)
        gdb_fine(gdb);
    else if (w->why[0])
        gdb_error_because(gdb, w->why);
    else
        gdb_error(gdb);
}

void gdb_answer_write_register(struct gdb *gdb, const char *arguments) {
    struct gdb_row row;
    struct writing w = {.why = ""};
    uint64_t number = 0;
    uint8_t value[GDB_VALUE_BYTES] = {0};
    if (!gdb_may_change(gdb)) return;
    bool good = gdb_take_hex(&arguments, &number) && gdb_take_char(&arguments, '=') && number <= gdb_vmcs_number();
    if (good) gdb_look_at(gdb, gdb->general, &w.look);
    if (good && number == gdb_vmcs_number())
        good = w.look.there ? gdb_write_vmcs(gdb, &w.look, arguments, w.why, sizeof w.why)
                            : cannot(&w, "nothing has run at that level");
    else
        good = good && gdb_row_at((unsigned)number, &row) && gdb_take_bytes(&arguments, value, row.bits / 8) &&
               write_register(&w, &row, value);
    answer(gdb, &w, good);
}

// What differs is written, as far as it can be.
void gdb_answer_write_registers(struct gdb *gdb, const char *arguments) {
    struct gdb_row row;
    struct writing w = {.why = ""};
    uint8_t value[GDB_VALUE_BYTES], old[GDB_VALUE_BYTES];
    bool good = true;
    if (!gdb_may_change(gdb)) return;
    gdb_look_at(gdb, gdb->general, &w.look);
    for (unsigned n = 0; good && n < GDB_GENERAL_ROWS && *arguments && gdb_row_at(n, &row); n++) {
        good = gdb_take_bytes(&arguments, value, row.bits / 8);
        if (good && gdb_register_read(&w.look, &row, old) && memcmp(value, old, row.bits / 8) != 0)
            good = write_register(&w, &row, value);
    }
    answer(gdb, &w, good);
}
