// The cache of decoded blocks: physical pages that hold code, their blocks, and what happens when they are written.
#include "cpu/engine/block.h"
#include "cpu/memory/access.h"
#include "cpu/engine/bind.h"
#include "cpu/engine/body.h"
#include "cpu/watch/observe.h"
#include "cpu/engine/tier.h"
#include "cpu/engine/tune.h"
#include "cpu/memory/points.h"
#include "cpu/decode/insn.h"
#include <stdalign.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 20, CHUNKS = 48, PAGE_BUCKETS = 4096 };

struct block_cache {
    uint8_t *chunk[CHUNKS];
    unsigned chunks, used; // chunks allocated; the one being filled
    size_t fill;           // bytes used of it
    struct code_page *bucket[PAGE_BUCKETS];
    uint64_t built, emptied, invalidated;
    struct cpu *member[PAGES_MEMBERS]; // the processors that share the cache
    unsigned members;
    struct solo_slot *solo;
    struct block *building;
    struct tier *tier; // NULL: nothing is compiled
};

// An instruction decoded to run alone, kept with the bytes it was decoded from: they are compared at each use.
struct solo_slot {
    uint64_t linear;
    uint32_t mode;
    uint8_t length; // of the instruction; 0: nothing is kept
    uint8_t bytes[15];
    alignas(struct op) uint8_t block[sizeof(struct block) + 3 * sizeof(struct op)];
};
enum { SOLO_SLOTS = 256 };

static const size_t block_bytes = sizeof(struct block) + (2 * BLOCK_OPS + 1) * sizeof(struct op);

static void cache_destroy(struct block_cache *cache) {
    for (unsigned i = 0; i < CHUNKS; i++) free(cache->chunk[i]);
    tier_free(cache->tier);
    free(cache->solo);
    free(cache->building);
    free(cache);
}

struct block_cache *block_cache_new(void) {
    struct block_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return NULL;
    cache->solo = calloc(SOLO_SLOTS, sizeof *cache->solo);
    cache->building = calloc(1, block_bytes);
    cache->chunk[0] = malloc(CHUNK_BYTES);
    cache->chunks = 1;
    if (cache->solo && cache->building && cache->chunk[0]) return cache;
    cache_destroy(cache);
    return NULL;
}

void block_cache_leave(struct cpu *cpu) {
    struct block_cache *cache = cpu->wire.blocks;
    if (!cache) return;
    for (unsigned i = 0; i < cache->members; i++)
        if (cache->member[i] == cpu) cache->member[i--] = cache->member[--cache->members];
    cpu->wire.blocks = NULL;
    if (!cache->members) cache_destroy(cache);
}

void block_cache_join(struct block_cache *cache, struct cpu *cpu) {
    cache->member[cache->members++] = cpu;
    cpu->wire.blocks = cache;
}

void block_cache_counts(const struct cpu *cpu, uint64_t *built, uint64_t *emptied, uint64_t *invalidated) {
    *built = cpu->wire.blocks->built;
    *emptied = cpu->wire.blocks->emptied;
    *invalidated = cpu->wire.blocks->invalidated;
}

bool block_cache_compile(struct cpu *cpu, const struct code_memory *memory) {
    struct block_cache *cache = cpu->wire.blocks;
    const struct combining *c = cpu->wire.combining;
    if (!VMXRAY_TAIL_CALLS || cache->tier) return cache->tier;
    cache->tier = tier_new(memory, c->stencils, c->fused_body);
    return cache->tier;
}

struct tier *block_tier(const struct cpu *cpu) {
    return cpu->wire.blocks->tier;
}

static void forget_pages(struct block_cache *cache) {
    for (unsigned i = 0; i < PAGE_BUCKETS; i++)
        for (const struct code_page *page = cache->bucket[i]; page; page = page->next)
            *frame_flags(page->frame) &= (uint8_t)~PAGE_CODE;
}

// A store to a register of a device that moves memory empties the cache while its own instruction, which runs alone, is
// still to finish: such a block is not in what is emptied.
static bool is_solo(const struct block_cache *cache, const struct block *block) {
    return (uintptr_t)block - (uintptr_t)cache->solo < SOLO_SLOTS * sizeof *cache->solo;
}

void block_cache_clear(struct cpu *cpu) {
    struct block_cache *cache = cpu->wire.blocks;
    forget_pages(cache);
    memset(cache->bucket, 0, sizeof cache->bucket);
    cache->used = 0;
    cache->fill = 0;
    cache->emptied++;
    if (cache->tier) tier_clear(cache->tier);
    for (unsigned i = 0; i < cache->members; i++) {
        if (!is_solo(cache, cache->member[i]->block)) cache->member[i]->block = NULL;
        memset(cache->member[i]->fetch.jump, 0, sizeof cache->member[i]->fetch.jump);
        memset(cache->member[i]->fetch.returns, 0, sizeof cache->member[i]->fetch.returns);
        tlb_drop_fast(cache->member[i]);
    }
}

void block_cache_renew(struct cpu *cpu) {
    block_cache_clear(cpu);
    for (unsigned i = 0; i < SOLO_SLOTS; i++) cpu->wire.blocks->solo[i].length = 0;
}

enum { CLEAR_WORK = 500000, TAKE_WORK = 3000 }; // of all with what must be decoded again; of one block or page

// Room for `bytes`; empties the whole cache when it is full. NULL: no memory, or larger than a chunk.
static void *cache_take(struct cpu *cpu, size_t bytes, bool *emptied) {
    struct block_cache *cache = cpu->wire.blocks;
    bytes = (bytes + 31) & ~(size_t)31;
    if (cache->fill + bytes > CHUNK_BYTES) {
        if (cache->used + 1 == CHUNKS) {
            block_cache_clear(cpu);
            *emptied = true;
        } else if (cache->used + 1 < cache->chunks || (cache->chunk[cache->chunks] = malloc(CHUNK_BYTES))) {
            if (cache->used + 1 == cache->chunks) cache->chunks++;
            cache->used++;
            cache->fill = 0;
        } else {
            block_cache_clear(cpu);
            *emptied = true;
        }
    }
    cpu_work(cpu, TAKE_WORK + (int64_t)bytes + (*emptied ? CLEAR_WORK : 0));
    void *p = cache->chunk[cache->used] + cache->fill;
    cache->fill += bytes;
    return p;
}

static struct code_page **bucket(struct block_cache *cache, uint64_t physical) {
    return &cache->bucket[(physical >> PAGE_SHIFT) % PAGE_BUCKETS];
}

static struct code_page *page_find(const struct cpu *cpu, uint64_t physical) {
    struct code_page *page = *bucket(cpu->wire.blocks, physical);
    while (page && page->physical != physical) page = page->next;
    return page;
}

struct code_page *block_page(struct cpu *cpu, struct page_frame frame) {
    uint64_t physical = frame_base(frame);
    struct code_page *page = page_find(cpu, physical);
    if (page) return page;
    bool emptied = false;
    page = cache_take(cpu, sizeof *page, &emptied);
    struct code_page **head = bucket(cpu->wire.blocks, physical);
    *page = (struct code_page){.next = *head, .physical = physical, .frame = frame};
    *head = page;
    return page;
}

// --- which bytes of a page are code: real-mode programs and JIT compilers have data and stacks beside it ---

// The word's bits of the bytes [first, end).
static uint64_t code_bits(unsigned word, unsigned first, unsigned end) {
    unsigned from = first > word * 64 ? first - word * 64 : 0, to = end - word * 64;
    return ~0ull << from & (to < 64 ? BIT(to) - 1 : ~0ull);
}

static void code_mark(struct code_page *page, unsigned first, unsigned end) {
    for (unsigned word = first / 64; word * 64 < end; word++) page->code[word] |= code_bits(word, first, end);
}

static bool code_marked(const struct code_page *page, unsigned first, unsigned end) {
    for (unsigned word = first / 64; word * 64 < end; word++)
        if (page->code[word] & code_bits(word, first, end)) return true;
    return false;
}

// Of one whose first instruction crosses the page all bytes up to the end.
static unsigned block_first(const struct block *b) { return b->key & (PAGE_BYTES - 1); }
static unsigned block_end(const struct block *b) { return b->count ? block_first(b) + b->bytes : (unsigned)PAGE_BYTES; }

// --- what happens when it is written ---

// Each store to a page with code goes the long way: one that is no longer executed must not keep its code for ever.
enum { STORES_MOST = 512 };

bool block_code_lies(const struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes) {
    const struct code_page *page = page_find(cpu, physical);
    return page && (page->stores >= STORES_MOST || code_marked(page, offset, offset + bytes));
}

// The blocks' memory stays until the cache is emptied; whoever still links to one finds a record that sends it back to
// the run loop.
static bool slot_forget(struct cpu *cpu, struct code_page *page, unsigned slot, unsigned first, unsigned end) {
    struct block **link = &page->slot[slot];
    while (*link) {
        struct block *b = *link;
        if (block_first(b) >= end || block_end(b) <= first) {
            code_mark(page, block_first(b), block_end(b));
            link = &b->next;
            continue;
        }
        b->ops[0].fn = run_block_stale;
        b->page = NULL;
        cpu->wire.blocks->invalidated++;
        *link = b->next;
    }
    return page->slot[slot];
}

bool block_code_written(struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes) {
    struct code_page *page = page_find(cpu, physical);
    if (!page) return false;
    bool all = page->stores++ >= STORES_MOST, stay = false;
    unsigned first = all ? 0 : offset, end = all ? (unsigned)PAGE_BYTES : offset + bytes;
    if (!code_marked(page, first, end)) return true;
    memset(page->code, 0, sizeof page->code);
    for (unsigned i = 0; i < PAGE_SLOTS; i++)
        if (page->slot[i]) stay |= slot_forget(cpu, page, i, first, end);
    return stay;
}

static void end_block(struct block *block) {
    block->ops[block->count] = (struct op){.fn = run_block_end, .offset = block->bytes};
}

// Every instruction tells the timing model that it begins.
static void patch_timed(struct block *block, const struct timing_note *notes) {
    struct timed *timed = block_timed(block);
    for (unsigned i = 0; i < block->count; i++) {
        timed[i] = (struct timed){block->ops[i].fn, notes[i]};
        block->ops[i].fn = run_timed;
    }
}

static void take_note(const struct cpu *cpu, const struct insn *insn, enum decode_error error,
                      struct timing_note *note) {
    *note = (struct timing_note){0};
    if (cpu->mode & MODE_TIMED && error == DECODE_OK) cpu->wire.timing->note(cpu->wire.timing->state, insn, note);
}

// Decodes from bytes[0..available): up to `limit` instructions. false: the first one needs more bytes.
static bool fill_block(struct cpu *cpu, struct block *block, const uint8_t *bytes, unsigned available, unsigned limit,
                       struct bound *bound, bool *relative) {
    block->count = block->points = 0;
    block->bytes = 0;
    block->link[0] = block->link[1] = NULL;
    bool more = true;
    struct timing_note notes[BLOCK_OPS];
    while (more && block->count < limit) {
        struct insn insn;
        unsigned left = available - block->bytes;
        enum decode_error error = decode(cpu->wire.decoder, (enum code_size)(cpu->mode & MODE_CODE_MASK),
                                         bytes + block->bytes, left < 15 ? left : 15, &insn);
        if (error == DECODE_MORE) break;
        if (error == DECODE_OK && insn.row->traits & T_ALONE && block->count) break;
        struct op *op = &block->ops[block->count];
        block->key = error == DECODE_OK && (insn.row->traits & (T_BRANCH | T_STRING)) == T_BRANCH ? insn.opcode : 0;
        more = op_bind(cpu, &insn, error, block->bytes, op, &bound[block->count]);
        take_note(cpu, &insn, error, &notes[block->count]);
        *relative = !more && error == DECODE_OK && insn.operand_count && insn.operand[0].kind == OPERAND_REL;
        block->count++;
        block->bytes = (uint16_t)(block->bytes + op->length);
    }
    end_block(block);
    if (unlikely(cpu->mode & MODE_TIMED)) patch_timed(block, notes);
    return block->count > 0;
}

// Marks what can be linked: targets on the block's own page, in 64-bit code.
static void mark_links(const struct cpu *cpu, struct block *block, unsigned offset, bool branch) {
    if (!cpu_64bit(cpu) || !block->count) return;
    struct op *last = &block->ops[block->count - 1], *end = &block->ops[block->count];
    int64_t taken = (int64_t)offset + last->disp, next = (int64_t)offset + block->bytes;
    bool next_here = next < (int64_t)PAGE_BYTES, taken_here = taken >= 0 && taken < (int64_t)PAGE_BYTES;
    if (branch) last->imm = (taken_here ? 1 : 0) | (next_here ? 2 : 0);
    end->imm = next_here ? 1 : 0;
}

// Instructions that may be breakpoints' look before they run.
static void patch_points(const struct cpu *cpu, struct block *block, unsigned offset) {
    struct op *spare = &block->ops[block->count + 1];
    for (unsigned i = 0; i < block->count; i++) {
        struct op *op = &block->ops[i];
        if (!observe_offset(cpu, offset + op->offset)) continue;
        *spare++ = (struct op){.fn = op->fn, .row = (uint16_t)i};
        op->fn = run_point;
        block->points++;
    }
}

struct block *block_build(struct cpu *cpu, struct code_page *page, unsigned offset) {
    struct block_cache *cache = cpu->wire.blocks;
    struct block *draft = cache->building;
    struct page_frame frame = page->frame;
    bool relative = false;
    struct bound bound[BLOCK_OPS];
    fill_block(cpu, draft, frame_data(frame) + offset, (unsigned)PAGE_BYTES - offset, BLOCK_OPS, bound, &relative);
    mark_links(cpu, draft, offset, relative);
    if (draft->count == 0) draft->ops[0].fn = run_block_crossing;
    bool timed = cpu->mode & MODE_TIMED;
    if (unlikely(cpu->observation.doing & OBSERVING_EXECUTE) && !timed) patch_points(cpu, draft, offset);
    bool compiled = cache->tier && cpu_64bit(cpu) && draft->count && !draft->points && !timed;
    size_t tuned = draft->points || timed ? 0 : tune(cpu->wire.combining, draft, bound, compiled);
    if (compiled) tier_watch(cache->tier, draft);
    size_t bytes =
        sizeof *draft + (draft->count + (timed ? draft->count : draft->points) + 1u) * sizeof(struct op) + tuned;
    bool emptied = false;
    struct block *block = cache_take(cpu, bytes, &emptied);
    if (emptied) page = block_page(cpu, frame);
    memcpy(block, draft, bytes);
    block->key = block_key(offset, cpu->mode);
    block->page = page;
    code_mark(page, offset, block_end(block));
    page->stores = 0;
    bool first = !(*frame_flags(frame) & PAGE_CODE);
    *frame_flags(frame) |= PAGE_CODE;
    struct block **slot = &page->slot[block_slot(block->key)];
    block->next = *slot;
    *slot = block;
    cache->built++;
    for (unsigned i = 0; first && frame_writable(frame) && i < cache->members; i++)
        tlb_drop_fast_page(cache->member[i], frame);
    return block;
}

struct block *block_solo(struct cpu *cpu, uint64_t linear, const uint8_t *bytes, unsigned available) {
    struct solo_slot *slot = &cpu->wire.blocks->solo[linear * 0x9e3779b97f4a7c15 >> 56];
    struct block *block = (struct block *)slot->block;
    if (slot->linear == linear && slot->mode == cpu->mode && slot->length) {
        bool whole = slot->length <= available;
        if (!memcmp(slot->bytes, bytes, whole ? slot->length : available)) return whole ? block : NULL;
    }
    bool relative;
    struct bound bound;
    slot->length = 0;
    block->page = NULL;
    if (!fill_block(cpu, block, bytes, available, 1, &bound, &relative)) return NULL;
    if (block->bytes == 1) return block; // perhaps undefined, which more bytes than one decided
    slot->linear = linear;
    slot->mode = cpu->mode;
    slot->length = (uint8_t)block->bytes;
    memcpy(slot->bytes, bytes, slot->length);
    return block;
}

uint8_t block_solo_byte(const struct block *block, unsigned offset) {
    const uint8_t *slot = (const uint8_t *)block - offsetof(struct solo_slot, block);
    return slot[offsetof(struct solo_slot, bytes) + offset];
}
