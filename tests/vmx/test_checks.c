// Every VM-entry check (a row of vmx/check.def) is broken by a change of an otherwise valid VMCS: the entry fails as the
// row's group says, and the explanation names the row. A row without a change fails this test.
#include "tests/vmx/bench.h"
#include <stdio.h>
#include <string.h>

#define F(name) FIELD_##name
#define SET(name, value) bench_set(b, name, value)
#define XOR(name, bits) bench_set(b, name, bench_field(b, name) ^ (bits))
#define ON(group, name) bench_on(b, group, name)
#define OFF(group, name) bench_off(b, group, name)
#define INJECT(type, vector, more) SET(ENTRY_INTERRUPTION, BIT(31) | (uint64_t)(type) << 8 | (vector) | (more))
#define BAD_ADDRESS (1ull << 50)         // beyond the physical-address width
#define NON_CANONICAL (1ull << 60)

static void virtual_8086(struct bench *b) {
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

static void protected_32(struct bench *b) {
    OFF(ENTRY, IA32E_MODE_GUEST);
    SET(GUEST_EFER, 0);
    SET(GUEST_CS_RIGHTS, 0xc09b);
}

static void usable_ldtr(struct bench *b) {
    SET(GUEST_LDTR_RIGHTS, 0x82);
    SET(GUEST_LDTR_LIMIT, 0xff);
}

#define SEGMENT_CHANGES(X, s, S)                                                                                      \
    X(s##_base_v8086, virtual_8086(b); SET(GUEST_##S##_BASE, 0x2000))                                                 \
    X(s##_limit_v8086, virtual_8086(b); SET(GUEST_##S##_LIMIT, 0xfffff))                                              \
    X(s##_rights_v8086, virtual_8086(b); SET(GUEST_##S##_RIGHTS, 0x93))                                               \
    X(s##_s, XOR(GUEST_##S##_RIGHTS, RIGHTS_S))                                                                       \
    X(s##_p, XOR(GUEST_##S##_RIGHTS, RIGHTS_P))                                                                       \
    X(s##_reserved_11_8, XOR(GUEST_##S##_RIGHTS, BIT(9)))                                                             \
    X(s##_g_0, SET(GUEST_##S##_LIMIT, 0xfffff000))                                                                    \
    X(s##_g_1, XOR(GUEST_##S##_RIGHTS, RIGHTS_G))                                                                     \
    X(s##_reserved_31_17, XOR(GUEST_##S##_RIGHTS, BIT(20)))                                                           \
    X(host_##s##_selector, SET(HOST_##S##_SELECTOR, DATA_SELECTOR | 4))
#define DATA_CHANGES(X, s, S)                                                                                         \
    X(s##_type_accessed, XOR(GUEST_##S##_RIGHTS, 1))                                                                  \
    X(s##_type_readable, SET(GUEST_##S##_RIGHTS, 0xc099))                                                             \
    X(s##_dpl, SET(GUEST_##S##_SELECTOR, DATA_SELECTOR | 3))

// X(check, change)
#define CHANGES(X)                                                                                                    \
    X(pin_reserved, XOR(PIN_CONTROLS, BIT(30)))                                                                       \
    X(proc_reserved, XOR(PROC_CONTROLS, BIT(1)))                                                                      \
    X(proc2_reserved, XOR(PROC2_CONTROLS, BIT(31)))                                                                   \
    X(cr3_target_count, SET(CR3_TARGET_COUNT, 5))                                                                     \
    X(io_bitmap_a, ON(PROC, USE_IO_BITMAPS); SET(IO_BITMAP_A, AT_IO_A + 1))                                           \
    X(io_bitmap_b, ON(PROC, USE_IO_BITMAPS); SET(IO_BITMAP_B, BAD_ADDRESS))                                           \
    X(msr_bitmaps, ON(PROC, USE_MSR_BITMAPS); SET(MSR_BITMAPS, BAD_ADDRESS))                                          \
    X(virtual_nmis, ON(PIN, VIRTUAL_NMIS); OFF(PIN, NMI_EXITING))                                                     \
    X(nmi_window, ON(PROC, NMI_WINDOW_EXITING))                                                                       \
    X(vpid, SET(VPID, 0))                                                                                             \
    X(eptp_memory_type, SET(EPT_POINTER, AT_EPT_PML4 | 3 << 3 | 5))                                                   \
    X(eptp_walk_length, SET(EPT_POINTER, AT_EPT_PML4 | 4 << 3 | 6))                                                   \
    X(eptp_reserved, SET(EPT_POINTER, AT_EPT_PML4 | 3 << 3 | 6 | BIT(9)))                                             \
    X(unrestricted_needs_ept, OFF(PROC2, ENABLE_EPT); ON(PROC2, UNRESTRICTED_GUEST))                                  \
    X(exit_reserved, XOR(EXIT_CONTROLS, BIT(0)))                                                                      \
    X(save_preemption_timer, ON(EXIT, SAVE_PREEMPTION_TIMER))                                                         \
    X(msr_store_area, SET(EXIT_MSR_STORE_COUNT, 1); SET(EXIT_MSR_STORE_ADDRESS, AT_MSR_AREA + 8))                     \
    X(exit_msr_load_area, SET(EXIT_MSR_LOAD_COUNT, 1); SET(EXIT_MSR_LOAD_ADDRESS, BAD_ADDRESS))                       \
    X(entry_reserved, XOR(ENTRY_CONTROLS, BIT(0)))                                                                    \
    X(event_type, INJECT(1, 3, 0))                                                                                    \
    X(event_nmi_vector, INJECT(EVENT_NMI, 3, 0))                                                                      \
    X(event_exception_vector, INJECT(EVENT_HARDWARE_EXCEPTION, 32, 0))                                                \
    X(event_error_code_needed, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_GP, 0))                                        \
    X(event_error_code_not_allowed, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_UD, BIT(11)))                             \
    X(event_reserved, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_UD, BIT(12)))                                           \
    X(event_error_code, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_GP, BIT(11)); SET(ENTRY_ERROR_CODE, 0x10000))         \
    X(event_length, INJECT(EVENT_SOFTWARE_INTERRUPT, 0x80, 0); SET(ENTRY_INSTRUCTION_LENGTH, 16))                     \
    X(entry_msr_load_area, SET(ENTRY_MSR_LOAD_COUNT, 2); SET(ENTRY_MSR_LOAD_ADDRESS, (1ull << 40) - 16))              \
    X(host_cr0, XOR(HOST_CR0, CR0_NE))                                                                                \
    X(host_cr4, XOR(HOST_CR4, CR4_VMXE))                                                                              \
    X(host_cr3, SET(HOST_CR3, BAD_ADDRESS))                                                                           \
    X(host_sysenter_esp, SET(HOST_SYSENTER_ESP, NON_CANONICAL))                                                       \
    X(host_sysenter_eip, SET(HOST_SYSENTER_EIP, NON_CANONICAL))                                                       \
    X(host_pat, ON(EXIT, LOAD_PAT); SET(HOST_PAT, 2))                                                                 \
    X(host_efer_reserved, ON(EXIT, LOAD_EFER); XOR(HOST_EFER, BIT(1)))                                                \
    X(host_efer_lma, ON(EXIT, LOAD_EFER); XOR(HOST_EFER, EFER_LMA))                                                   \
    X(host_efer_lme, ON(EXIT, LOAD_EFER); XOR(HOST_EFER, EFER_LME))                                                   \
    X(host_tr_selector, SET(HOST_TR_SELECTOR, TSS_SELECTOR | 1))                                                      \
    X(host_cs_null, SET(HOST_CS_SELECTOR, 0))                                                                         \
    X(host_tr_null, SET(HOST_TR_SELECTOR, 0))                                                                         \
    X(host_ss_null, OFF(EXIT, HOST_ADDRESS_SPACE_SIZE); SET(HOST_SS_SELECTOR, 0))                                     \
    X(host_fs_base, SET(HOST_FS_BASE, NON_CANONICAL))                                                                 \
    X(host_gs_base, SET(HOST_GS_BASE, NON_CANONICAL))                                                                 \
    X(host_gdtr_base, SET(HOST_GDTR_BASE, NON_CANONICAL))                                                             \
    X(host_idtr_base, SET(HOST_IDTR_BASE, NON_CANONICAL))                                                             \
    X(host_tr_base, SET(HOST_TR_BASE, NON_CANONICAL))                                                                 \
    X(guest_ia32e_outside, b->cpu->efer &= ~EFER_LMA)                                                                 \
    X(host_size_outside, b->cpu->efer &= ~EFER_LMA)                                                                   \
    X(host_size_inside, OFF(EXIT, HOST_ADDRESS_SPACE_SIZE))                                                           \
    X(host_32_guest_ia32e, OFF(EXIT, HOST_ADDRESS_SPACE_SIZE))                                                        \
    X(host_32_pcide, OFF(EXIT, HOST_ADDRESS_SPACE_SIZE); XOR(HOST_CR4, CR4_PCIDE))                                    \
    X(host_32_rip, OFF(EXIT, HOST_ADDRESS_SPACE_SIZE); SET(HOST_RIP, 1ull << 32))                                     \
    X(host_64_pae, XOR(HOST_CR4, CR4_PAE))                                                                            \
    X(host_64_rip, SET(HOST_RIP, NON_CANONICAL))                                                                      \
    X(guest_cr0, XOR(GUEST_CR0, CR0_NE))                                                                              \
    X(guest_pg_needs_pe, ON(PROC2, UNRESTRICTED_GUEST); XOR(GUEST_CR0, CR0_PE))                                       \
    X(guest_cr4, XOR(GUEST_CR4, CR4_VMXE))                                                                            \
    X(guest_debugctl, ON(ENTRY, LOAD_DEBUG_CONTROLS); SET(GUEST_DEBUGCTL, BIT(5)))                                    \
    X(guest_ia32e_pg, ON(PROC2, UNRESTRICTED_GUEST); XOR(GUEST_CR0, CR0_PG))                                          \
    X(guest_ia32e_pae, XOR(GUEST_CR4, CR4_PAE))                                                                       \
    X(guest_pcide, protected_32(b); XOR(GUEST_CR4, CR4_PCIDE))                                                        \
    X(guest_cr3, SET(GUEST_CR3, BAD_ADDRESS))                                                                         \
    X(guest_dr7, ON(ENTRY, LOAD_DEBUG_CONTROLS); SET(GUEST_DR7, 1ull << 32))                                          \
    X(guest_sysenter_esp, SET(GUEST_SYSENTER_ESP, NON_CANONICAL))                                                     \
    X(guest_sysenter_eip, SET(GUEST_SYSENTER_EIP, NON_CANONICAL))                                                     \
    X(guest_pat, ON(ENTRY, LOAD_PAT); SET(GUEST_PAT, 3))                                                              \
    X(guest_efer_reserved, ON(ENTRY, LOAD_EFER); XOR(GUEST_EFER, BIT(1)))                                             \
    X(guest_efer_lma, ON(ENTRY, LOAD_EFER); XOR(GUEST_EFER, EFER_LMA))                                                \
    X(guest_efer_lme, ON(ENTRY, LOAD_EFER); XOR(GUEST_EFER, EFER_LME))                                                \
    X(tr_selector, SET(GUEST_TR_SELECTOR, TSS_SELECTOR | 4))                                                          \
    X(ldtr_selector, usable_ldtr(b); SET(GUEST_LDTR_SELECTOR, 4))                                                     \
    X(ss_rpl, SET(GUEST_SS_SELECTOR, DATA_SELECTOR | 3))                                                              \
    SEGMENT_CHANGES(X, cs, CS) SEGMENT_CHANGES(X, ss, SS) SEGMENT_CHANGES(X, ds, DS)                                  \
    SEGMENT_CHANGES(X, es, ES) SEGMENT_CHANGES(X, fs, FS) SEGMENT_CHANGES(X, gs, GS)                                  \
    DATA_CHANGES(X, ds, DS) DATA_CHANGES(X, es, ES) DATA_CHANGES(X, fs, FS) DATA_CHANGES(X, gs, GS)                   \
    X(tr_base, SET(GUEST_TR_BASE, NON_CANONICAL))                                                                     \
    X(fs_base, SET(GUEST_FS_BASE, NON_CANONICAL))                                                                     \
    X(gs_base, SET(GUEST_GS_BASE, NON_CANONICAL))                                                                     \
    X(ldtr_base, usable_ldtr(b); SET(GUEST_LDTR_BASE, NON_CANONICAL))                                                 \
    X(cs_base_high, SET(GUEST_CS_BASE, 1ull << 32))                                                                   \
    X(ss_base_high, SET(GUEST_SS_BASE, 1ull << 32))                                                                   \
    X(ds_base_high, SET(GUEST_DS_BASE, 1ull << 32))                                                                   \
    X(es_base_high, SET(GUEST_ES_BASE, 1ull << 32))                                                                   \
    X(cs_type, XOR(GUEST_CS_RIGHTS, 1))                                                                               \
    X(cs_type_unrestricted, ON(PROC2, UNRESTRICTED_GUEST); SET(GUEST_CS_RIGHTS, 0xa097))                              \
    X(ss_type, SET(GUEST_SS_RIGHTS, 0xc091))                                                                          \
    X(cs_dpl_data, ON(PROC2, UNRESTRICTED_GUEST); SET(GUEST_CS_RIGHTS, 0xa0f3))                                       \
    X(cs_dpl_nonconforming, SET(GUEST_CS_RIGHTS, 0xa0fb))                                                             \
    X(cs_dpl_conforming, SET(GUEST_CS_RIGHTS, 0xa0ff))                                                                \
    X(ss_dpl_rpl, SET(GUEST_SS_RIGHTS, 0xc0f3))                                                                       \
    X(ss_dpl_zero, ON(PROC2, UNRESTRICTED_GUEST); SET(GUEST_CS_RIGHTS, 0xa093); SET(GUEST_SS_RIGHTS, 0xc0f3))         \
    X(cs_d_b, XOR(GUEST_CS_RIGHTS, RIGHTS_DB))                                                                        \
    X(tr_type, protected_32(b); SET(GUEST_TR_RIGHTS, 0x89))                                                           \
    X(tr_type_ia32e, SET(GUEST_TR_RIGHTS, 0x83))                                                                      \
    X(tr_s, XOR(GUEST_TR_RIGHTS, RIGHTS_S))                                                                           \
    X(tr_p, XOR(GUEST_TR_RIGHTS, RIGHTS_P))                                                                           \
    X(tr_reserved_11_8, XOR(GUEST_TR_RIGHTS, BIT(8)))                                                                 \
    X(tr_g_0, XOR(GUEST_TR_RIGHTS, RIGHTS_G))                                                                         \
    X(tr_g_1, SET(GUEST_TR_LIMIT, 0xffffff))                                                                          \
    X(tr_unusable, XOR(GUEST_TR_RIGHTS, RIGHTS_UNUSABLE))                                                             \
    X(tr_reserved_31_17, XOR(GUEST_TR_RIGHTS, BIT(17)))                                                               \
    X(ldtr_type, SET(GUEST_LDTR_RIGHTS, 0x83))                                                                        \
    X(ldtr_s, SET(GUEST_LDTR_RIGHTS, 0x92))                                                                           \
    X(ldtr_p, SET(GUEST_LDTR_RIGHTS, 0x02))                                                                           \
    X(ldtr_reserved_11_8, SET(GUEST_LDTR_RIGHTS, 0x482))                                                              \
    X(ldtr_g_0, usable_ldtr(b); SET(GUEST_LDTR_RIGHTS, 0x8082))                                                       \
    X(ldtr_g_1, usable_ldtr(b); SET(GUEST_LDTR_LIMIT, 0xffffff))                                                      \
    X(ldtr_reserved_31_17, SET(GUEST_LDTR_RIGHTS, 0x20082))                                                           \
    X(gdtr_base, SET(GUEST_GDTR_BASE, NON_CANONICAL))                                                                 \
    X(idtr_base, SET(GUEST_IDTR_BASE, NON_CANONICAL))                                                                 \
    X(gdtr_limit, SET(GUEST_GDTR_LIMIT, 0x10000))                                                                     \
    X(idtr_limit, SET(GUEST_IDTR_LIMIT, 0x10000))                                                                     \
    X(rip_high, protected_32(b); SET(GUEST_RIP, 1ull << 32))                                                          \
    X(rip_identical, SET(GUEST_RIP, 1ull << 48))                                                                      \
    X(rflags_reserved, XOR(GUEST_RFLAGS, BIT(3)))                                                                     \
    X(rflags_reserved_1, SET(GUEST_RFLAGS, 0))                                                                        \
    X(rflags_vm, XOR(GUEST_RFLAGS, FLAG_VM))                                                                          \
    X(rflags_if, INJECT(EVENT_EXTERNAL, 0x40, 0))                                                                     \
    X(activity_range, SET(GUEST_ACTIVITY, 4))                                                                         \
    X(activity_hlt_cpl, SET(GUEST_ACTIVITY, ACTIVITY_HLT); SET(GUEST_SS_RIGHTS, 0xc0f3))                              \
    X(activity_blocking, SET(GUEST_ACTIVITY, ACTIVITY_HLT); SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS))          \
    X(activity_hlt_event, SET(GUEST_ACTIVITY, ACTIVITY_HLT); INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_UD, 0))          \
    X(activity_shutdown_event, SET(GUEST_ACTIVITY, ACTIVITY_SHUTDOWN); INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_DB, 0)) \
    X(activity_sipi_event, SET(GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI); INJECT(EVENT_NMI, 2, 0))                      \
    X(interruptibility_reserved, SET(GUEST_INTERRUPTIBILITY, BIT(5)))                                                 \
    X(interruptibility_both, SET(GUEST_INTERRUPTIBILITY, 3))                                                          \
    X(interruptibility_sti_if, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI))                                          \
    X(interruptibility_external, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS);                                     \
      SET(GUEST_RFLAGS, 2 | FLAG_IF); INJECT(EVENT_EXTERNAL, 0x40, 0))                                                \
    X(interruptibility_nmi_mov_ss, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS); INJECT(EVENT_NMI, 2, 0))          \
    X(interruptibility_nmi_sti, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI); SET(GUEST_RFLAGS, 2 | FLAG_IF);         \
      INJECT(EVENT_NMI, 2, 0))                                                                                        \
    X(interruptibility_smi, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_SMI))                                             \
    X(interruptibility_nmi, ON(PIN, VIRTUAL_NMIS); SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI); INJECT(EVENT_NMI, 2, 0)) \
    X(interruptibility_enclave, SET(GUEST_INTERRUPTIBILITY, BIT(4)))                                                  \
    X(pending_debug_reserved, SET(GUEST_PENDING_DEBUG, BIT(5)))                                                       \
    X(pending_debug_bs_1, SET(GUEST_RFLAGS, 2 | FLAG_TF | FLAG_IF); SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI))     \
    X(pending_debug_bs_0, SET(GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS); SET(GUEST_PENDING_DEBUG, BIT(14)))         \
    X(pending_debug_rtm, SET(GUEST_PENDING_DEBUG, BIT(16)))                                                           \
    X(link_aligned, SET(VMCS_LINK_POINTER, AT_VMCS2 + 8))                                                             \
    X(link_width, SET(VMCS_LINK_POINTER, BAD_ADDRESS))                                                                \
    X(link_revision, SET(VMCS_LINK_POINTER, AT_DATA & ~0xfffull))                                                     \
    X(link_shadow, SET(VMCS_LINK_POINTER, AT_SHADOW))                                                                 \
    X(link_current, SET(VMCS_LINK_POINTER, AT_VMCS))                                                                  \
    X(pdpte_fields, protected_32(b); SET(GUEST_PDPTE2, BIT(0) | BIT(1)))                                              \
    X(pdpte_memory, protected_32(b); OFF(PROC2, ENABLE_EPT); SET(GUEST_CR3, AT_DATA); bench_store(b, AT_DATA, 8, 3))

#define CHANGE(name, change) static void change_##name(struct bench *b) { change; }
CHANGES(CHANGE)
static const struct { const char *name; void (*change)(struct bench *b); } changes[] = {
#define ENTRY_OF(name, change) {#name, change_##name},
    CHANGES(ENTRY_OF)
};
enum { CHANGE_COUNT = sizeof changes / sizeof changes[0] };

static void valid(struct bench *b) {
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (bench_vmx(b)->capability.exists[f]) bench_write(b, (enum vmcs_field)f, 0);
    b->cpu->efer |= EFER_LMA;
    bench_valid_vmcs(b);
}

static const struct vmx_failure *failure_named(const struct vmx_failure *list, unsigned count, const char *name) {
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(list[i].name, name)) return &list[i];
    return NULL;
}

// Runs VMLAUNCH and says 7, 8 or 33; 0 when it entered.
static unsigned entry_outcome(struct bench *b) {
    int error = bench_vmlaunch(b);
    if (error == ERROR_CONTROL_FIELD || error == ERROR_HOST_STATE_FIELD) return (unsigned)error;
    return b->cpu->rip == AT_HOST_EXIT && bench_field(b, EXIT_REASON) == (BIT(31) | EXIT_INVALID_GUEST_STATE) ? 33 : 0;
}

static void test_change(struct bench *b, unsigned i) {
    enum { MAX = 40 };
    struct vmx_failure failures[MAX];
    valid(b);
    changes[i].change(b);
    unsigned count = vmx_explain_checks(b->cpu, failures, MAX);
    const struct vmx_failure *named = failure_named(failures, count < MAX ? count : MAX, changes[i].name);
    if (!named) {
        ok(false, "%s is broken and named (%u others are)", changes[i].name, count);
        return;
    }
    bool outside = !(b->cpu->efer & EFER_LMA);  // VMLAUNCH would run as compatibility-mode code here
    unsigned outcome = outside ? failures[0].outcome : entry_outcome(b);
    bool expected = false;
    for (unsigned j = 0; j < count && j < MAX; j++) expected |= failures[j].outcome == outcome;
    ok(expected && named->read_count > 0 && named->section[0], "%s: %s", named->name, named->text);
}

static void test_complete(void) {
    loop_begin("every row of check.def has a change");
    for (unsigned n = 0; n < vmx_check_count(); n++) {
        bool found = false;
        for (unsigned i = 0; i < CHANGE_COUNT; i++) found |= !strcmp(changes[i].name, vmx_check_name(n));
        loop_check(found, "%s", vmx_check_name(n));
    }
    loop_end();
}

// The parts of group.def are complete: whatever a check reads, its group names the field's part.
static void test_parts(struct bench *b) {
    uint64_t random = 88172645463325252ull;
    loop_begin("checks read only what their groups say");
    for (unsigned round = 0; round < 2000; round++) {
        struct vmcs *vmcs = bench_vmx(b)->vmcs;
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            vmcs->field[f] = random & field_mask(f) & (round & 1 ? ~0ull : random << 9);
        }
        for (unsigned n = 0; n < vmx_check_count(); n++) {
            const char *stray = vmx_check_stray_read(b->cpu, n);
            loop_check(!stray, "%s reads %s", vmx_check_name(n), stray);
        }
    }
    loop_end();
}

int main(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    valid(b);
    struct vmx_failure failures[4];
    unsigned count = vmx_explain_checks(b->cpu, failures, 4);
    ok(count == 0, "the valid VMCS passes every check (%u fail, first %s)", count, count ? failures[0].name : "none");
    for (unsigned i = 0; i < CHANGE_COUNT; i++) test_change(b, i);
    test_complete();
    test_parts(b);
    bench_free(b);
    return done_testing();
}
