// Both sides of each boundary of the VM-entry checks: the rows of edge.def.
#include "tests/vmx/changes.h"
#include <string.h>

// --- words of edge.def ---
static void virtual_tpr(struct bench *b, uint32_t value) {
    ON(PROC, TPR_SHADOW);
    SET(VIRTUAL_APIC_ADDRESS, AT_DATA);
    bench_store(b, AT_DATA + 0x80, 4, value);
}
// Every segment register in use, with the rights of data that may be written.
static void in_use(struct bench *b) {
    for (unsigned s = ES; s <= GS; s++)
        if (s != CS) bench_write(b, F(GUEST_ES_RIGHTS) + s, 0xc093);
}
static void granularity(struct bench *b, uint64_t limit, uint64_t g) {
    for (unsigned s = ES; s <= TR; s++) {
        uint64_t rights = bench_vmx(b)->vmcs->field[F(GUEST_ES_RIGHTS) + s];
        bench_write(b, F(GUEST_ES_LIMIT) + s, limit);
        bench_write(b, F(GUEST_ES_RIGHTS) + s, (rights & ~RIGHTS_G) | g);
    }
}
static void granular(struct bench *b) { granularity(b, 0xffffffff, RIGHTS_G); }
static void bytes(struct bench *b) { granularity(b, 0xfffff, 0); }
static void trap_flag(struct bench *b) {
    SET(GUEST_RFLAGS, 2 | FLAG_TF | FLAG_IF);
    SET(GUEST_PENDING_DEBUG, BIT(14));
}
static void pae(struct bench *b) {
    protected_32(b);
    for (unsigned i = 0; i < 4; i++) bench_write(b, F(GUEST_PDPTE0) + i, 1);
}
static void pdptes_at(struct bench *b, unsigned offset, uint64_t value) {
    SET(GUEST_CR3, AT_DATA);
    for (unsigned i = 0; i < 0x400; i += 8) bench_store(b, AT_DATA + i, 8, i == offset ? value : 0);
}

// --- the rows ---

static void expect(struct bench *b, const char *check, bool passes, uint64_t value) {
    loop_check(check_fails(b, check) != passes, "%s %s with %llx", check, passes ? "fails" : "passes",
               (unsigned long long)value);
}

static void bits_refused(struct bench *b, const char *check, enum vmcs_field field, uint64_t refused) {
    uint64_t valid = bench_vmx(b)->vmcs->field[field];
    expect(b, check, true, valid);
    for (unsigned i = 0; i < 64 && field_mask(field) >> i & 1; i++) {
        bench_write(b, field, valid ^ BIT(i));
        expect(b, check, !(refused >> i & 1), valid ^ BIT(i));
    }
}

static void value_at(struct bench *b, enum vmcs_field field, unsigned high, unsigned low, uint64_t v) {
    uint64_t old = bench_vmx(b)->vmcs->field[field];
    bench_write(b, field, (old & ~BITS(high, low)) | v << low);
}

static void examples(struct bench *b, const char *check, enum vmcs_field field, uint64_t passing, uint64_t failing) {
    bench_write(b, field, passing);
    expect(b, check, true, passing);
    bench_write(b, field, failing);
    expect(b, check, false, failing);
}

// What the row before changed.
static void restore(struct bench *b, const uint64_t *valid) {
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (bench_vmx(b)->vmcs->field[f] != valid[f]) bench_write(b, (enum vmcs_field)f, valid[f]);
    field_put(b->cpu, "control.efer", field(b->cpu, "control.efer") | EFER_LMA);
    bench_store(b, AT_DATA + 0x80, 4, 0);
}

static void broken(struct bench *b, const char *check) {
    for (unsigned i = 0; i < change_count; i++)
        if (!strcmp(changes[i].name, check)) changes[i].change(b);
    expect(b, check, false, 0);
}

#define ROW(check, ...)                                                                                                \
    loop_begin("line %u of edge.def: %s", __LINE__, #check);                                                           \
    restore(b, valid);                                                                                                 \
    __VA_ARGS__;                                                                                                       \
    loop_end();
#define BITS_REFUSED(check, field, mask, ...) ROW(check, __VA_ARGS__; bits_refused(b, #check, F(field), mask))
#define VALUES(check, field, high, low, passes, ...)                                                                   \
    ROW(                                                                                                               \
        check, __VA_ARGS__; for (uint64_t v = 0; v >> ((high) - (low) + 1) == 0; v++) {                                \
            value_at(b, F(field), high, low, v);                                                                       \
            expect(b, #check, passes, v);                                                                              \
        })
#define EXAMPLES(check, field, passing, failing, ...)                                                                  \
    ROW(check, __VA_ARGS__; examples(b, #check, F(field), passing, failing))
#define UNLESS(check, ...) ROW(check, broken(b, #check); __VA_ARGS__; expect(b, #check, true, 0))

static void every_edge(struct bench *b) {
    uint64_t valid[FIELD_COUNT];
    changes_valid(b);
    memcpy(valid, bench_vmx(b)->vmcs->field, sizeof valid);
#include "tests/vmx/edge.def"
}

int main(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    every_edge(b);
    bench_free(b);
    return done_testing();
}
