// The TLB: contexts, invalidation and the derived fast entries. SDM Vol. 3A, 4.10; Vol. 3C, 28.4.
//
// Choices where the SDM leaves one: a flush of a context also drops its paging-structure-cache entries; INVLPG drops
// the fetch and data entries of the page, of all pieces of a large page (for pages larger than 2 MBytes, all in the
// same GByte), and all paging-structure-cache entries of the VPID and PCID; a fill replaces the one of the two entries
// of its index that was used longer ago.
#include "cpu/memory/access.h"
#include "cpu/watch/debug.h"
#include "cpu/watch/observe.h"
#include "cpu/memory/tlb.h"
#include "cpu/state/invariant.h"

#define EXCHANGE(a, b)                                                                                                 \
    do {                                                                                                               \
        const __typeof__(a) exchange_a = (a);                                                                          \
        (a) = (b);                                                                                                     \
        (b) = exchange_a;                                                                                              \
    } while (0)

#define FAST_CONTEXT_LAST 4094 // 4095 would make an empty tag (~0) match

static unsigned bank_of(uint16_t vpid) { return vpid == 0 ? 0 : 1 + (unsigned)(vpid - 1) % (TLB_BANKS - 1); }

static void forget_fast_contexts(struct tlb *tlb) { memset(tlb->fast_context, 0, sizeof tlb->fast_context); }

// Empties every bank's fast entries and begins a new numbering of contexts. Most guests use one bank of the four.
static void restart_fast(struct tlb *tlb) {
    for (unsigned b = 0; b < TLB_BANKS; b++) {
        if (tlb->reached[b]) memset(&tlb->fast[b], 0xff, sizeof tlb->fast[b]);
        tlb->reached[b] = &tlb->bank[b] == tlb->now;
    }
    forget_fast_contexts(tlb);
    tlb->next_fast_context = 1;
}

void tlb_drop_fast(struct cpu *cpu) {
    restart_fast(cpu->tlb);
    tlb_contexts_update(cpu);
}

// Gives numbers to both classes, from a fresh numbering when the present one has not room for two.
static COLD void number_classes(struct tlb *tlb, unsigned fetch, unsigned data) {
    uint16_t *numbers = tlb->fast_context[tlb->current];
    if (tlb->next_fast_context >= FAST_CONTEXT_LAST) restart_fast(tlb);
    if (!numbers[fetch]) numbers[fetch] = tlb->next_fast_context++;
    if (!numbers[data]) numbers[data] = tlb->next_fast_context++;
}

static uint64_t access_rules(const struct cpu *cpu) {
    uint64_t keys = cpu->control.cr4 & CR4_PKE ? 16 | (uint64_t)cpu->control.pkru << 32 : 0;
    return (cpu->control.cr0 & CR0_WP ? 1u : 0) | (cpu->control.cr4 & CR4_SMEP ? 2u : 0) |
           (cpu->control.cr4 & CR4_SMAP ? 4u : 0) | (cpu->control.efer & EFER_NXE ? 8u : 0) | keys;
}

enum access_class tlb_access_class(const struct cpu *cpu) {
    if (cpu_cpl(cpu) == 3) return ACCESS_USER;
    return !(cpu->control.cr4 & CR4_SMAP) || (cpu->rflags & FLAG_AC) ? ACCESS_SUPERVISOR_ANY : ACCESS_SUPERVISOR;
}

void tlb_contexts_update(struct cpu *cpu) {
    struct tlb *tlb = cpu->tlb;
    uint64_t rules = access_rules(cpu);
    uint16_t *numbers = tlb->fast_context[tlb->current];
    if (unlikely(debug_update(cpu))) forget_fast_contexts(tlb);
    if (tlb->fast_rules[tlb->current] != rules) {
        memset(numbers, 0, sizeof tlb->fast_context[0]);
        tlb->fast_rules[tlb->current] = rules;
    }
    unsigned fetch = cpu_cpl(cpu) == 3 ? ACCESS_USER : ACCESS_SUPERVISOR, data = tlb_access_class(cpu);
    if (unlikely(!numbers[fetch] || !numbers[data])) number_classes(tlb, fetch, data);
    cpu->fetch_context = numbers[fetch];
    cpu->data_context = numbers[data];
    if (unlikely(cpu->breakpoints.watch & WATCH_ALIGNMENT)) cpu->data_context = 0; // no fast entry has number 0
    bool every_block = !cpu_64bit(cpu) && cpu->segment[CS].limit != UINT32_MAX;
    cpu->fetch.context = every_block ? 0 : cpu->fetch_context;
}

static void context_renew(struct tlb *tlb, struct tlb_context *context, bool globals) {
    context->generation = tlb->next_generation++;
    context->pde_generation = tlb->next_generation++;
    if (globals) context->global_generation = tlb->next_generation++;
    memset(tlb->fast_context[context - tlb->context], 0, sizeof tlb->fast_context[0]);
}

// Contexts of one VPID and EPTP share their global translations.
static uint64_t shared_globals(struct tlb *tlb, uint16_t vpid, uint64_t eptp) {
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        const struct tlb_context *c = &tlb->context[i];
        if (c->used && c->vpid == vpid && c->eptp == eptp && c->pcid != TLB_PCID_NONE) return c->global_generation;
    }
    return tlb->next_generation++;
}

static bool context_is(const struct tlb_context *c, uint16_t vpid, uint64_t eptp, uint16_t pcid) {
    return c->used && c->pcid == pcid && c->vpid == vpid && c->eptp == eptp;
}

static uint32_t context_search(struct tlb *tlb, uint16_t vpid, uint64_t eptp, uint16_t pcid) {
    for (uint32_t i = 0; i < TLB_CONTEXTS; i++)
        if (context_is(&tlb->context[i], vpid, eptp, pcid)) return i;
    uint32_t slot = tlb->next_context;
    tlb->next_context = (slot + 1) % TLB_CONTEXTS;
    uint64_t globals = pcid == TLB_PCID_NONE ? tlb->next_generation++ : shared_globals(tlb, vpid, eptp);
    struct tlb_context *c = &tlb->context[slot];
    *c = (struct tlb_context){.eptp = eptp, .vpid = vpid, .pcid = pcid, .used = 1, .global_generation = globals};
    context_renew(tlb, c, false);
    return slot;
}

static uint32_t context_find(struct tlb *tlb, uint16_t vpid, uint64_t eptp, uint16_t pcid) {
    uint8_t *hint = &tlb->slot_hint[(vpid * 7u + eptp / PAGE_BYTES + pcid) % TLB_HINTS];
    if (!context_is(&tlb->context[*hint], vpid, eptp, pcid)) *hint = (uint8_t)context_search(tlb, vpid, eptp, pcid);
    return *hint;
}

void tlb_select(struct cpu *cpu) {
    struct tlb *tlb = cpu->tlb;
    uint16_t pcid = !(cpu->control.cr0 & CR0_PG)   ? TLB_PCID_NONE
                    : cpu->control.cr4 & CR4_PCIDE ? (uint16_t)(cpu->control.cr3 & BITS(11, 0))
                                                   : 0;
    const struct tlb_context *c = &tlb->context[tlb->current];
    if (!context_is(c, cpu->vpid, cpu->eptp, pcid)) tlb->current = context_find(tlb, cpu->vpid, cpu->eptp, pcid);
    unsigned bank = bank_of(cpu->vpid);
    tlb->now = &tlb->bank[bank];
    tlb->reached[bank] = true;
    cpu->fast = &tlb->fast[bank];
    tlb_contexts_update(cpu);
}

void tlb_reset(struct cpu *cpu) {
    struct tlb *tlb = cpu->tlb;
    for (unsigned b = 0; b < TLB_BANKS; b++) {
        for (unsigned i = 0; i < TLB_WAYS * TLB_DATA; i++) tlb->bank[b].data[i] = (struct tlb_entry){.tag = 1};
        for (unsigned i = 0; i < TLB_WAYS * TLB_FETCH; i++) tlb->bank[b].fetch[i] = (struct tlb_entry){.tag = 1};
        for (unsigned i = 0; i < TLB_PDE; i++) tlb->bank[b].pde[i] = (struct tlb_structure){.tag = 1};
        for (unsigned i = 0; i < TLB_PDPTE; i++) tlb->bank[b].pdpte[i] = (struct tlb_structure){.tag = 1};
    }
    memset(tlb->context, 0, sizeof tlb->context);
    memset(tlb->large, 0, sizeof tlb->large);
    memset(tlb->huge, 0, sizeof tlb->huge);
    tlb->next_generation = 1;
    tlb->next_context = 0;
    tlb->current = 0;
    memset(tlb->reached, true, sizeof tlb->reached); // a new processor's entries are zeroes, which would match
    restart_fast(tlb);
    tlb_select(cpu);
}

static uint16_t *large_pieces(struct tlb *tlb, unsigned bank, uint64_t linear) {
    return &tlb->large[bank][(linear >> 21 ^ linear >> 30) % TLB_REGIONS];
}
static uint16_t *huge_pieces(struct tlb *tlb, unsigned bank, uint64_t linear) {
    return &tlb->huge[bank][(linear >> 30 ^ linear >> 39) % TLB_REGIONS];
}

// Every entry is written here, so that pieces of large pages are counted.
static void put(struct tlb *tlb, unsigned bank, struct tlb_entry *e, const struct tlb_entry *entry) {
    if (unlikely(e->page & TLB_LARGE)) --*(e->page & TLB_HUGE ? huge_pieces : large_pieces)(tlb, bank, e->tag);
    if (unlikely(entry->page & TLB_LARGE))
        ++*(entry->page & TLB_HUGE ? huge_pieces : large_pieces)(tlb, bank, entry->tag);
    *e = *entry;
}
static void put_data(struct tlb *tlb, unsigned bank, unsigned i, const struct tlb_entry *entry) {
    put(tlb, bank, &tlb->bank[bank].data[i], entry);
    tlb->fast[bank].data[i].read = tlb->fast[bank].data[i].write = ~0ull;
}
static void put_fetch(struct tlb *tlb, unsigned bank, unsigned i, const struct tlb_entry *entry) {
    put(tlb, bank, &tlb->bank[bank].fetch[i], entry);
    tlb->fast[bank].fetch[i].tag = ~0ull;
}

static bool covers(const struct tlb_entry *e, uint64_t linear) {
    unsigned shift = !(e->page & TLB_LARGE) ? PAGE_SHIFT : e->page & TLB_HUGE ? 30 : 21;
    return !(e->tag & 1) && e->tag >> shift == linear >> shift;
}

// Those at `count` indices from `first` on that cover the address.
static void drop_data(struct tlb *tlb, unsigned bank, uint64_t linear, unsigned first, unsigned count) {
    for (unsigned way = 0; way < TLB_WAYS * TLB_DATA; way += TLB_DATA)
        for (unsigned i = way + first; i < way + first + count; i++)
            if (covers(&tlb->bank[bank].data[i], linear)) put_data(tlb, bank, i, &(struct tlb_entry){.tag = 1});
}
static void drop_fetch(struct tlb *tlb, unsigned bank, uint64_t linear, unsigned first, unsigned count) {
    for (unsigned way = 0; way < TLB_WAYS * TLB_FETCH; way += TLB_FETCH)
        for (unsigned i = way + first; i < way + first + count; i++)
            if (covers(&tlb->bank[bank].fetch[i], linear)) put_fetch(tlb, bank, i, &(struct tlb_entry){.tag = 1});
}

#define PIECES 512 // of a page of 2 MBytes

// Where the bank has no piece of a large page near the address the two entries of its page are enough; pieces of one
// page of 2 MBytes have neighbouring indices.
static void drop_address(struct tlb *tlb, unsigned bank, uint64_t linear) {
    unsigned number = (unsigned)(linear >> PAGE_SHIFT);
    _Static_assert(TLB_FETCH <= PIECES && TLB_DATA % PIECES == 0, "all fetch entries, a part of the data entries");
    if (unlikely(*huge_pieces(tlb, bank, linear))) {
        drop_data(tlb, bank, linear, 0, TLB_DATA);
        drop_fetch(tlb, bank, linear, 0, TLB_FETCH);
    } else if (unlikely(*large_pieces(tlb, bank, linear))) {
        drop_data(tlb, bank, linear, number % TLB_DATA / PIECES * PIECES, PIECES);
        drop_fetch(tlb, bank, linear, 0, TLB_FETCH);
    } else {
        drop_data(tlb, bank, linear, number % TLB_DATA, 1);
        drop_fetch(tlb, bank, linear, number % TLB_FETCH, 1);
    }
}

// Paging-structure-cache entries, for every EPTP. Vol. 3C, 28.4.3.1
static void drop_structures(struct tlb *tlb, uint16_t vpid, uint16_t pcid, bool any_pcid) {
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *c = &tlb->context[i];
        if (c->used && c->vpid == vpid && (any_pcid || c->pcid == pcid)) c->pde_generation = tlb->next_generation++;
    }
}

static void tell_page(struct cpu *cpu, uint16_t vpid, uint64_t linear) {
    OBSERVE_TELL(cpu, NULL, TLB, .number = SIGHT_TLB_PAGE, .linear = linear, .physical = cpu->eptp & TLB_PAGE_MASK,
                 .information = vpid);
}

void tlb_invalidate_page(struct cpu *cpu, uint64_t linear) {
    struct tlb *tlb = cpu->tlb;
    uint16_t pcid = tlb->context[tlb->current].pcid;
    tell_page(cpu, cpu->vpid, linear);
    cpu_monitor_clear(cpu);
    drop_structures(tlb, cpu->vpid, pcid == TLB_PCID_NONE ? 0 : pcid, false);
    drop_address(tlb, bank_of(cpu->vpid), linear);
}

void tlb_drop_faulting(struct cpu *cpu, uint64_t linear) {
    struct tlb *tlb = cpu->tlb;
    unsigned bank = bank_of(cpu->vpid), number = (unsigned)(linear >> PAGE_SHIFT);
    struct tlb_structure *pde = tlb_pde(tlb, linear), *pdpte = tlb_pdpte(tlb, linear);
    drop_data(tlb, bank, linear, number % TLB_DATA, 1);
    drop_fetch(tlb, bank, linear, number % TLB_FETCH, 1);
    if (pde->tag == linear >> 21 << 21) *pde = (struct tlb_structure){.tag = 1};
    if (pdpte->tag == linear >> 30 << 30) *pdpte = (struct tlb_structure){.tag = 1};
}

void tlb_invalidate_address(struct cpu *cpu, uint16_t vpid, uint16_t pcid, bool any_pcid, uint64_t linear) {
    struct tlb *tlb = cpu->tlb;
    cpu_monitor_clear(cpu);
    drop_structures(tlb, vpid, pcid, any_pcid);
    drop_address(tlb, bank_of(vpid), linear);
    tell_page(cpu, vpid, linear);
}

// Renews every context that `match` accepts; then the numbers of the current one are taken afresh.
struct flush {
    uint16_t vpid, pcid;
    bool all_vpids, all_pcids, by_eptp, all_eptps, globals;
    uint64_t eptp;
};

static bool flush_matches(const struct flush *f, const struct tlb_context *c) {
    if (!c->used) return false;
    if (f->by_eptp) return c->eptp & 1 && (f->all_eptps || c->eptp >> PAGE_SHIFT == f->eptp >> PAGE_SHIFT);
    if (f->all_vpids) return c->vpid != 0;
    return c->vpid == f->vpid && (f->all_pcids || c->pcid == f->pcid);
}

static enum sight_flush flush_scope(const struct flush *f) {
    if (f->by_eptp) return f->all_eptps ? SIGHT_FLUSH_EPTPS : SIGHT_FLUSH_EPTP;
    if (f->all_vpids) return SIGHT_FLUSH_VPIDS;
    if (!f->all_pcids) return SIGHT_FLUSH_PCID;
    return f->globals ? SIGHT_FLUSH_VPID : SIGHT_FLUSH_VPID_BUT_GLOBALS;
}

static void flush(struct cpu *cpu, const struct flush *f) {
    struct tlb *tlb = cpu->tlb;
    cpu_monitor_clear(cpu);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (flush_matches(f, &tlb->context[i])) context_renew(tlb, &tlb->context[i], f->globals);
    if (f->globals) tlb_share_globals(tlb);
    tlb_contexts_update(cpu);
    OBSERVE_TELL(cpu, NULL, TLB, .number = SIGHT_TLB_FLUSH, .value = flush_scope(f), .physical = f->eptp,
                 .information = f->vpid | (uint32_t)f->pcid << 16);
}

// After a flush of globals every context of the same VPID and EPTP must again carry one number.
void tlb_share_globals(struct tlb *tlb) {
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *c = &tlb->context[i];
        for (unsigned j = 0; c->used && j < i; j++) {
            const struct tlb_context *d = &tlb->context[j];
            if (d->used && d->vpid == c->vpid && d->eptp == c->eptp &&
                (d->pcid == TLB_PCID_NONE) == (c->pcid == TLB_PCID_NONE)) {
                c->global_generation = d->global_generation;
                break;
            }
        }
    }
}

void tlb_flush_context(struct cpu *cpu, uint16_t vpid, uint16_t pcid) {
    flush(cpu, &(struct flush){.vpid = vpid, .pcid = pcid});
}
void tlb_flush_vpid(struct cpu *cpu, uint16_t vpid, bool globals) {
    flush(cpu, &(struct flush){.vpid = vpid, .all_pcids = true, .globals = globals});
}
void tlb_flush_all_vpids(struct cpu *cpu) { flush(cpu, &(struct flush){.all_vpids = true, .globals = true}); }
void tlb_flush_eptp(struct cpu *cpu, uint64_t eptp) {
    flush(cpu, &(struct flush){.by_eptp = true, .eptp = eptp, .globals = true});
}
void tlb_flush_all_eptps(struct cpu *cpu) {
    flush(cpu, &(struct flush){.by_eptp = true, .all_eptps = true, .globals = true});
}

void tlb_drop_writes(struct cpu *cpu) {
    struct tlb *tlb = cpu->tlb;
    for (unsigned b = 0; b < TLB_BANKS; b++)
        for (unsigned i = 0; tlb->reached[b] && i < TLB_WAYS * TLB_DATA; i++) tlb->fast[b].data[i].write = ~0ull;
}

void tlb_drop_fast_linear(struct cpu *cpu, uint64_t linear) {
    struct tlb *tlb = cpu->tlb;
    const uint64_t number = linear >> PAGE_SHIFT, data = number % TLB_DATA, fetch = number % TLB_FETCH;
    for (unsigned b = 0; b < TLB_BANKS; b++) {
        for (unsigned i = 0; tlb->reached[b] && i < TLB_WAYS; i++) {
            struct tlb_fast *f = &tlb->fast[b].data[data + i * TLB_DATA];
            f->read = f->write = tlb->fast[b].fetch[fetch + i * TLB_FETCH].tag = ~0ull;
        }
    }
}

// A page apart may be seen at several addresses.
void tlb_drop_fast_page(struct cpu *cpu, struct page_frame frame) {
    struct tlb *tlb = cpu->tlb;
    if (frame_apart(frame)) {
        tlb_drop_fast(cpu);
        return;
    }
    for (unsigned b = 0; b < TLB_BANKS; b++)
        for (unsigned i = 0; tlb->reached[b] && i < TLB_WAYS * TLB_DATA; i++)
            if ((tlb->bank[b].data[i].page & TLB_PAGE_MASK) == frame_base(frame))
                tlb->fast[b].data[i].read = tlb->fast[b].data[i].write = ~0ull;
}

// --- lookup and fill, for cpu/memory/paging.c and cpu/memory/memory.c ---

bool tlb_entry_valid(const struct cpu *cpu, const struct tlb_entry *e, uint64_t linear) {
    const struct tlb_context *c = &cpu->tlb->context[cpu->tlb->current];
    return e->tag == (linear & ~(PAGE_BYTES - 1)) &&
           (e->generation == c->generation || (e->page & TLB_GLOBAL && e->generation == c->global_generation));
}

void tlb_exchange(struct cpu *cpu, uint64_t linear, bool fetch) {
    struct tlb_bank *bank = cpu->tlb->now;
    uint64_t number = linear >> PAGE_SHIFT, i = fetch ? number % TLB_FETCH : number % TLB_DATA;
    if (fetch) {
        EXCHANGE(bank->fetch[i], bank->fetch[i + TLB_FETCH]);
        EXCHANGE(cpu->fast->fetch[i], cpu->fast->fetch[i + TLB_FETCH]);
    } else {
        EXCHANGE(bank->data[i], bank->data[i + TLB_DATA]);
        EXCHANGE(cpu->fast->data[i], cpu->fast->data[i + TLB_DATA]);
    }
}

void tlb_fill(struct cpu *cpu, uint64_t linear, bool fetch, uint64_t page) {
    struct tlb *tlb = cpu->tlb;
    const struct tlb_context *c = &tlb->context[tlb->current];
    unsigned bank = (unsigned)(tlb->now - tlb->bank);
    uint64_t number = linear >> PAGE_SHIFT;
    tlb->filled[fetch]++;
    struct tlb_entry entry = {.tag = number << PAGE_SHIFT,
                              .page = page,
                              .generation = page & TLB_GLOBAL ? c->global_generation : c->generation};
    INVARIANT(entry.generation < tlb->next_generation);
    OBSERVE_TELL(cpu, NULL, TLB, .number = fetch ? SIGHT_TLB_FETCH : SIGHT_TLB_DATA, .value = page, .linear = linear,
                 .physical = c->eptp & TLB_PAGE_MASK, .information = c->vpid | (uint32_t)c->pcid << 16);
    // What it replaces is the page's own entry, or the one used longer ago.
    const struct tlb_entry *first = fetch ? &tlb->now->fetch[number % TLB_FETCH] : &tlb->now->data[number % TLB_DATA];
    if (!tlb_entry_valid(cpu, first, linear)) tlb_exchange(cpu, linear, fetch);
    if (fetch)
        put_fetch(tlb, bank, number % TLB_FETCH, &entry);
    else
        put_data(tlb, bank, number % TLB_DATA, &entry);
}
