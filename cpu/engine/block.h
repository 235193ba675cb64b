// Blocks of bound instructions: keyed by page of memory, offset and mode. Derived state.
#ifndef CPU_BLOCK_H
#define CPU_BLOCK_H
#include "cpu/state/cpu.h"
#include "cpu/state/timing.h"

enum { PAGE_SLOTS = 256 };
struct code_page {
    struct code_page *next; // same hash chain
    uint64_t physical;      // frame_base
    struct page_frame frame;
    struct block *slot[PAGE_SLOTS];
    uint64_t code[PAGE_BYTES / 64]; // a bit for each byte that blocks were decoded from
    unsigned stores;                // to others, since the last block was built
};
ALWAYS_INLINE uint32_t block_key(uint64_t address, uint32_t mode) { return (uint32_t)(address & 4095) | mode << 12; }
ALWAYS_INLINE unsigned block_slot(uint32_t key) { return (key ^ key >> 8) & (PAGE_SLOTS - 1); }

// One cache serves all processors over the same memory (struct pages); they run in turns.
struct block_cache *block_cache_new(void); // NULL when memory is short
void block_cache_join(struct block_cache *cache, struct cpu *cpu);
void block_cache_leave(struct cpu *cpu); // the last one frees it
void block_cache_clear(struct cpu *cpu);
void block_cache_renew(struct cpu *cpu); // between runs: blocks of single instructions are forgotten too
// From now on blocks that run often are compiled into `memory`, which stays the caller's and must outlast the cache
// (cpu/engine/tier.h). False: memory is short, or this build cannot.
struct code_memory;
bool block_cache_compile(struct cpu *cpu, const struct code_memory *memory);
struct tier *block_tier(const struct cpu *cpu); // NULL: none
// Statistics: blocks built and times the cache was emptied since the start.
void block_cache_counts(const struct cpu *cpu, uint64_t *built, uint64_t *emptied, uint64_t *invalidated);

// The page's record, made when missing; NULL when memory is short.
struct code_page *block_page(struct cpu *cpu, struct page_frame frame);
// Builds and enters the block that starts at `offset` of the page. count is 0 when the first instruction crosses the
// page.
struct block *block_build(struct cpu *cpu, struct code_page *page, unsigned offset);
// A block of one instruction from the bytes at `linear`, good until the next call. `available` bytes are given, more
// may follow on the next page: NULL when the instruction needs them.
struct block *block_solo(struct cpu *cpu, uint64_t linear, const uint8_t *bytes, unsigned available);
// The byte at `offset` of the instruction of more than one byte that such a block was made from.
uint8_t block_solo_byte(const struct block *block, unsigned offset);

// Whether blocks were decoded from these bytes of the page, or it is written so often that its code is better
// forgotten.
bool block_code_lies(const struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes);
// These bytes are about to change: blocks that were decoded from them are gone. False: all of the page's are.
bool block_code_written(struct cpu *cpu, uint64_t physical, unsigned offset, unsigned bytes);

// Under a timing model that sees each attempt: after the record that ends the block comes one of these for each
// instruction, whose own handler is run_timed.
struct timed {
    op_fn *fn;
    struct timing_note note;
};
#ifndef VMXRAY_STENCIL
_Static_assert(sizeof(struct timed) == sizeof(struct op), "it takes a record's place");
#endif
ALWAYS_INLINE struct timed *block_timed(const struct block *block) {
    return (struct timed *)(uintptr_t)&block->ops[block->count + 1];
}

// cpu/engine/link.c: what ends a block without a branch, and what an invalidated block does.
op_fn run_block_end, run_block_stale, run_block_crossing, run_point, run_timed;

#endif
