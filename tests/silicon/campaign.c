// Cases one after the other: drawn, run on both sides, compared, and told with what a reader needs to look into one.
#include "tests/silicon/campaign.h"
#include "tests/silicon/allow.h"
#include "tests/tap.h"
#include <stdio.h>
#include <time.h>

struct text {
    char at[2400];
    size_t used;
};
#define tell(t, ...) ((t)->used += (size_t)snprintf((t)->at + (t)->used, sizeof(t)->at - (t)->used, __VA_ARGS__))

static const char *const gpr_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static void tell_bytes(struct text *t, const struct silicon_case *c) {
    for (unsigned i = 0; i < CASE_BYTES && i < c->present; i++) tell(t, "%02x", c->bytes[i]);
    tell(t, " at %lx%s (%s %s)", (unsigned long)c->state.rip, c->state.rflags & FLAG_TF ? "" : " without TF",
         c->decoded ? c->insn.row->mnemonic : "undefined", c->decoded ? c->insn.row->operands : "");
}

static void tell_fx(struct text *t, const struct meeting *m) {
    const struct fx_image *i = &m->c->state.fx, *a = &m->host->fx, *b = &m->ours->fx;
    tell(t, "; fcw %x fsw %x: %x %x ftw %x: %x %x mxcsr %x: %x %x", i->control, i->status, a->status, b->status,
         i->tags, a->tags, b->tags, i->mxcsr, a->mxcsr, b->mxcsr);
    for (unsigned j = 0; j < 8; j++)
        if (memcmp(&a->st[j], &b->st[j], 10))
            tell(t, "; st%u %x.%lx: %x.%lx %x.%lx", j, i->st[j].sign_exponent, (unsigned long)i->st[j].significand,
                 a->st[j].sign_exponent, (unsigned long)a->st[j].significand, b->st[j].sign_exponent,
                 (unsigned long)b->st[j].significand);
    for (unsigned j = 0; j < 16; j++)
        if (memcmp(a->xmm[j], b->xmm[j], 16))
            tell(t, "; xmm%u %lx.%lx: %lx.%lx %lx.%lx", j, (unsigned long)i->xmm[j][1], (unsigned long)i->xmm[j][0],
                 (unsigned long)a->xmm[j][1], (unsigned long)a->xmm[j][0], (unsigned long)b->xmm[j][1],
                 (unsigned long)b->xmm[j][0]);
}

static void tell_memory(struct text *t, const uint8_t *host, const uint8_t *ours) {
    unsigned told = 0;
    for (unsigned i = 0; i < PLACE_BYTES && told < 16; i++)
        if (host[i] != ours[i]) tell(t, "%s%x: %02x %02x", told++ ? ", " : "; memory ", i, host[i], ours[i]);
}

static const char *describe(const struct meeting *m, unsigned parts) {
    static struct text t;
    const struct silicon_state *in = &m->c->state, *a = m->host, *b = m->ours;
    t.used = 0;
    tell(&t, "%s differ: ", part_name(parts));
    tell_bytes(&t, m->c);
    tell(&t, ": host #%u(%lx) cr2 %lx rip %lx, ours #%u(%lx) cr2 %lx rip %lx; flags %lx: %lx %lx", a->vector,
         (unsigned long)a->error_code, (unsigned long)a->cr2, (unsigned long)a->rip, b->vector,
         (unsigned long)b->error_code, (unsigned long)b->cr2, (unsigned long)b->rip, (unsigned long)in->rflags,
         (unsigned long)a->rflags, (unsigned long)b->rflags);
    for (unsigned i = 0; i < 16; i++)
        if (a->gpr[i] != b->gpr[i])
            tell(&t, "; %s %lx: %lx %lx", gpr_names[i], (unsigned long)in->gpr[i], (unsigned long)a->gpr[i],
                 (unsigned long)b->gpr[i]);
    if (m->c->size != CODE_64)
        tell(&t, "; segments %x %x %x %x %x %x", in->selector[0], in->selector[1], in->selector[2], in->selector[3],
             in->selector[4], in->selector[5]);
    for (unsigned i = 0; i < 6; i++)
        if (a->selector[i] != b->selector[i])
            tell(&t, "; segment %u %x: %x %x", i, in->selector[i], a->selector[i], b->selector[i]);
    if (parts & BASE)
        tell(&t, "; bases %lx %lx: %lx %lx, %lx %lx", in->fs_base, in->gs_base, a->fs_base, a->gs_base, b->fs_base,
             b->gs_base);
    if (parts & (STATUS | CONTROL | TAGS | ST | XMM | MXCSR | POINTERS)) tell_fx(&t, m);
    if (parts & MEMORY) tell_memory(&t, m->host_memory, m->our_memory);
    return t.at;
}

static bool completed(const struct meeting *m) {
    const struct silicon_state *s = m->host;
    return s->vector == VECTOR_DB || s->rip == m->c->state.rip + m->c->insn.length;
}

// A few of them; all when each one is wanted.
static void remark(const struct meeting *m, unsigned parts, struct campaign_counts *counts) {
    enum { TOLD = 10 };
    if (counts->remarks++ < TOLD || counts->each)
        diag("remark: case %lu: %s", (unsigned long)m->c->number, describe(m, parts));
}

static void try_case(struct modelled *modelled, enum code_size size, uint64_t seed, uint64_t number,
                     struct campaign_counts *counts) {
    static struct silicon_case c;
    static struct silicon_state host, ours;
    static uint8_t memory[PLACE_BYTES];
    struct meeting m;
    draw_case(modelled_decoder(modelled), size, seed, number, &c, memory);
    meeting_parse(&m, &c);
    if (meeting_excluded(&m, modelled_model(modelled))) {
        counts->excluded++;
        return;
    }
    memcpy(native_memory(), memory, PLACE_BYTES);
    memcpy(modelled_memory(modelled), memory, PLACE_BYTES);
    m.host = &host, m.ours = &ours;
    native_run(&c, &host);
    modelled_run(modelled, &c, &ours);
    m.host_memory = native_memory(), m.our_memory = modelled_memory(modelled);
    unsigned parts = meeting_differs(&m, meeting_flags(&m));
    if (parts) parts &= ~meeting_allowed(&m, parts);
    counts->tried++;
    completed(&m) ? counts->completed++ : counts->faulted++;
    if (parts && counts->as_remarks) {
        remark(&m, parts, counts);
        parts = 0;
    }
    if (parts && counts->each) diag("case %lu: %s", (unsigned long)number, describe(&m, parts));
    loop_check(!parts, "case %lu: %s", (unsigned long)number, describe(&m, parts));
}

static unsigned campaign_in(struct modelled *modelled, enum code_size size, const struct campaign_plan *plan) {
    struct campaign_counts counts = {.each = plan->each, .as_remarks = plan->as_remarks};
    loop_begin("%u-bit code as this machine's processor does it%s, seed %lu", 16u << size,
               plan->as_remarks ? ", as far as is known of its vendor's" : "", (unsigned long)plan->seed);
    time_t end = time(NULL) + (time_t)plan->seconds;
    for (uint64_t i = plan->first; counts.tried < plan->count && time(NULL) <= end; i++)
        try_case(modelled, size, plan->seed, i, &counts);
    loop_end();
    diag("%u-bit code: %u instructions tried, %u completed, %u faulted; %u not to be tried; %u remarks", 16u << size,
         counts.tried, counts.completed, counts.faulted, counts.excluded, counts.remarks);
    return counts.remarks;
}

unsigned campaign(const struct campaign_plan *plan) {
    struct modelled *modelled = modelled_new("server", native_has_ldt());
    unsigned remarks = 0;
    for (int size = CODE_64; size >= CODE_16; size--) {
        if (native_can((enum code_size)size))
            remarks += campaign_in(modelled, (enum code_size)size, plan);
        else
            skip("random instructions of this width", "the host's kernel does not run such code");
    }
    if (plan->each) allow_report();
    modelled_free(modelled);
    return remarks;
}
