// Instruction fetch: from RIP to the block that holds what is there. SDM Vol. 3A, 4.6 (access rights of fetches), 11.6
// (code that is written); instructions across pages and from memory without a host page run from the scratch block.
#include "cpu/memory/access.h"
#include "cpu/watch/debug.h"
#include "cpu/watch/observe.h"
#include "cpu/memory/paging.h"
#include "cpu/engine/run.h"
#include "cpu/memory/points.h"

// The page of the byte at offset `rip` of the code segment; the segment's limit comes before the page.
static enum outcome fetch_page(struct cpu *cpu, uint64_t rip, uint64_t *page) {
    uint64_t linear = (rip + cpu->fetch.base) & cpu->fetch.mask;
    bool within = cpu_64bit(cpu) ? cpu_canonical(cpu, linear) : rip <= cpu->segment[CS].limit;
    if (unlikely(!within)) return cpu_fault_gp0(cpu);
    struct translation_access access = {.class = cpu_cpl(cpu) == 3 ? ACCESS_USER : ACCESS_SUPERVISOR, .fetch = true};
    TRY(translate(cpu, linear, &access, page));
    if (likely(!(*page & TLB_APIC)) || !cpu->intercepts.apic) return OUT_OK;
    return cpu->intercepts.apic(cpu, linear, 1, APIC_FETCH, page);
}

// Bytes from the present page and, when the instruction crosses, from the next. MMIO and absent memory read as FFH.
struct fetched {
    uint8_t bytes[15];
    unsigned count;
    uint64_t physical;
    const uint8_t *host;
};

static const uint8_t *host_page(struct cpu *cpu, uint64_t page) { return physical_page(cpu, page & TLB_PAGE_MASK); }

static void copy_code(uint8_t *to, const uint8_t *host, unsigned offset, unsigned n) {
    if (host)
        memcpy(to, host + offset, n);
    else
        memset(to, 0xff, n);
}

// How many bytes of an instruction at RIP lie within the limit of the code segment.
static unsigned within_limit(const struct cpu *cpu) {
    enum { LONGEST = 15 };
    uint64_t left = cpu->segment[CS].limit - cpu->rip;
    return cpu_64bit(cpu) || left >= LONGEST ? LONGEST : (unsigned)left + 1;
}

// Decoding goes on byte by byte as far as it must, so that a limit, or a page that is not there, comes before #UD only
// where the instruction goes on behind it.
enum outcome solo_block(struct cpu *cpu, struct block **block) {
    uint8_t bytes[15];
    uint64_t linear = fetch_linear(cpu), page = 0;
    unsigned offset = (unsigned)(linear & (PAGE_BYTES - 1)), here = (unsigned)PAGE_BYTES - offset;
    TRY(fetch_page(cpu, cpu->rip, &page));
    unsigned most = within_limit(cpu), n = here < most ? here : most;
    copy_code(bytes, host_page(cpu, page), offset, n);
    *block = block_solo(cpu, linear, bytes, n);
    if (*block) return OUT_OK;
    TRY(fetch_page(cpu, cpu->rip + n, &page));
    copy_code(bytes + n, host_page(cpu, page), 0, most - n);
    *block = block_solo(cpu, linear, bytes, most);
    return *block ? OUT_OK : cpu_fault_gp0(cpu);
}

// Where the byte at `linear`, which the running scratch block was fetched from, lies; NULL: not in memory, or unknown.
static const uint8_t *solo_host(struct cpu *cpu, uint64_t linear) {
    const struct tlb_entry *e = &cpu->tlb->now->fetch[(linear >> PAGE_SHIFT) % TLB_FETCH];
    if (!tlb_entry_valid(cpu, e, linear) || e->page & TLB_APIC) return NULL;
    const uint8_t *host = host_page(cpu, e->page);
    return host ? host + (linear & (PAGE_BYTES - 1)) : NULL;
}

bool solo_changed(struct cpu *cpu) {
    uint64_t linear = fetch_linear(cpu);
    for (unsigned i = 0; i < cpu->block->bytes; i++) {
        const uint8_t *host = solo_host(cpu, (linear + i) & cpu->fetch.mask);
        if (!host || *host != block_solo_byte(cpu->block, i)) return true;
    }
    return false;
}

bool solo_lies_on(struct cpu *cpu, const uint8_t *page) {
    uint64_t linear = fetch_linear(cpu);
    const uint8_t *first = solo_host(cpu, linear);
    const uint8_t *last = solo_host(cpu, (linear + cpu->block->bytes - 1) & cpu->fetch.mask);
    return !first || !last || (uintptr_t)(first - page) < PAGE_BYTES || (uintptr_t)(last - page) < PAGE_BYTES;
}

static struct block *block_on(const struct code_page *code, uint32_t key) {
    struct block *b = code->slot[block_slot(key)];
    while (b && b->key != key) b = b->next;
    return b;
}

// Two pages whose numbers end alike, one calling the other: the page's fast entry is the second of its index. The
// exchange is the access to the page; a block that must be made is found by the long way.
static struct block *block_of_second(struct cpu *cpu, uint64_t linear) {
    const struct tlb_fetch_fast *e = &cpu->fast->fetch[TLB_FETCH + ((linear >> PAGE_SHIFT) & (TLB_FETCH - 1))];
    if (e->tag != ((linear & ~(PAGE_BYTES - 1)) | cpu->fetch.context)) return NULL;
    struct block *b = block_on(e->page, block_key(linear, cpu->mode));
    if (b) tlb_exchange(cpu, linear, true);
    return b;
}

// Whether nothing of it may be remembered.
static COLD bool fetch_watched(struct cpu *cpu, uint64_t linear, uint64_t page) {
    if (cpu->breakpoints.watch & WATCH_POINT) observe_fetch(cpu, linear, page);
    return cpu->breakpoints.watch & WATCH_CODE && debug_page_watched(cpu, WATCH_CODE, linear);
}

enum outcome find_block(struct cpu *cpu, struct block **block) {
    uint64_t linear = fetch_linear(cpu), page = 0;
    *block = block_of_second(cpu, linear);
    if (*block) return OUT_OK;
    TRY(fetch_page(cpu, cpu->rip, &page));
    struct page_frame frame = physical_frame(cpu, page & TLB_PAGE_MASK);
    if (!frame_exists(frame)) return OUT_OK;
    if (unlikely(cpu->breakpoints.watch & (WATCH_CODE | WATCH_POINT)) && fetch_watched(cpu, linear, page))
        return OUT_OK;
    struct code_page *code = block_page(cpu, frame);
    struct block *b = block_on(code, block_key(linear, cpu->mode));
    if (!b) {
        b = block_build(cpu, code, (unsigned)(linear & (PAGE_BYTES - 1)));
        code = b->page;
    }
    struct tlb_fetch_fast *e = &cpu->fast->fetch[(linear >> PAGE_SHIFT) & (TLB_FETCH - 1)];
    e->tag = (linear & ~(PAGE_BYTES - 1)) | cpu->fetch_context;
    e->page = code;
    *block = b;
    return OUT_OK;
}

// In place of an instruction where a breakpoint may be: it looks, then the instruction's own handler follows.
enum outcome run_point(struct cpu *cpu, const struct op *op) {
    const struct block *block = cpu->block;
    const struct op *saved = block->ops;
    uint64_t linear = (cpu->rip + op->offset + cpu->fetch.base) & cpu->fetch.mask;
    uint64_t physical = block->page ? block->page->physical | (linear & (PAGE_BYTES - 1)) : ~0ull;
    while (saved->fn != run_block_end) saved++;
    for (saved++; saved->row != op - block->ops;) saved++;
    if (observe_breakpoint(cpu, linear, physical)) return op_stopped(cpu, op, OUT_SOLO);
    TAIL saved->fn(cpu, op);
}
