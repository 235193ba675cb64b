// What breaks each VM-entry check; see changes.h.
#include "tests/vmx/changes.h"
#include <string.h>

void virtual_8086(struct bench *b) {
    OFF(ENTRY, IA32E_MODE_GUEST);
    SET(GUEST_EFER, 0);
    SET(GUEST_RFLAGS, 2 | FLAG_VM);
    for (unsigned s = ES; s <= GS; s++) {
        bench_write(b, F(GUEST_ES_SELECTOR) + s, 0x100);
        bench_write(b, F(GUEST_ES_BASE) + s, 0x1000);
        bench_write(b, F(GUEST_ES_LIMIT) + s, 0xffff);
        bench_write(b, F(GUEST_ES_RIGHTS) + s, 0xf3);
    }
}

void protected_32(struct bench *b) {
    OFF(ENTRY, IA32E_MODE_GUEST);
    SET(GUEST_EFER, 0);
    SET(GUEST_CS_RIGHTS, 0xc09b);
}

void usable_ldtr(struct bench *b) {
    SET(GUEST_LDTR_RIGHTS, 0x82);
    SET(GUEST_LDTR_LIMIT, 0xff);
}

void virtual_apic(struct bench *b) {
    ON(PROC, TPR_SHADOW);
    ON(PROC2, VIRTUAL_INTERRUPTS);
    ON(PIN, EXTERNAL_INTERRUPT_EXITING);
    SET(VIRTUAL_APIC_ADDRESS, AT_DATA);
}
void posted_interrupts(struct bench *b) {
    virtual_apic(b);
    ON(PIN, POSTED_INTERRUPTS);
    ON(EXIT, ACKNOWLEDGE_INTERRUPT);
    SET(POSTED_DESCRIPTOR, AT_GUEST_DATA);
}

#define CHANGE(name, ...)                                                                                              \
    static void change_##name(struct bench *b) { __VA_ARGS__; }
#include "tests/vmx/change.def"
#undef CHANGE
const struct change changes[] = {
#define CHANGE(name, ...) {#name, change_##name},
#include "tests/vmx/change.def"
#undef CHANGE
};
const unsigned change_count = sizeof changes / sizeof *changes;

void changes_valid(struct bench *b) {
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (bench_vmx(b)->capability.exists[f]) bench_write(b, (enum vmcs_field)f, 0);
    field_put(b->cpu, "control.efer", field(b->cpu, "control.efer") | EFER_LMA);
    bench_valid_vmcs(b);
}

bool check_fails(struct bench *b, const char *name) {
    enum { MAX = 60 };
    static _Thread_local struct vmx_failure failures[MAX];
    unsigned count = vmx_explain_checks(b->cpu, failures, MAX);
    for (unsigned i = 0; i < count && i < MAX; i++)
        if (!strcmp(failures[i].name, name)) return true;
    return false;
}
