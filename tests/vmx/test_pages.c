// Watchers of pages: each kind of writer is seen, once a page and mark, before its store happens. cpu/pages/pages.h.
#include "cpu/memory/access.h"
#include "cpu/processor/processor.h"
#include "devices/bus/dma.h"
#include "devices/machine/machine.h"
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_private.h"
#include "tests/vmx/bench.h"
#include <string.h>

// What a watcher saw of the page that is asked about.
static struct seen {
    uint64_t page;   // physical address
    unsigned offset; // of the byte that the writer changes
    unsigned times;
    uint8_t old;
} seen;

static void see(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct seen *s = context;
    if (area->base + page * PAGE_BYTES != s->page) return;
    s->times++;
    s->old = old[s->offset];
}
static struct page_watcher watcher = {.context = &seen, .before_first_store = see};

static void expect(uint64_t at) {
    seen = (struct seen){.page = at & ~(PAGE_BYTES - 1), .offset = (unsigned)(at & (PAGE_BYTES - 1))};
}
// Called once, and when `old` was still there.
static bool seen_before(uint8_t old) { return seen.times == 1 && seen.old == old; }

static struct bench *watched_bench(void) {
    struct bench *b = bench_new("server");
    if (!pages_watch(&b->pages, &watcher)) bail("no room for a watcher");
    return b;
}

#define STORE "88 03 " // mov [rbx], al

static void processor(void) {
    struct bench *b = watched_bench();
    expect(AT_DATA + 5);
    b->ram[AT_DATA + 5] = 0x11;
    gpr_put(b->cpu, RBX, AT_DATA + 5), gpr_put(b->cpu, RAX, 0x22);
    bench_run(b, STORE STORE STORE);
    ok(seen_before(0x11) && b->ram[AT_DATA + 5] == 0x22, "a processor's store");
    gpr_put(b->cpu, RAX, 0x33);
    (void)cpu_run(b->cpu, 1);
    ok(seen.times == 1 && b->ram[AT_DATA + 5] == 0x33, "the second is not told");
    pages_mark(&b->pages, &watcher);
    seen.times = 0, gpr_put(b->cpu, RAX, 0x44);
    (void)cpu_run(b->cpu, 1);
    ok(seen_before(0x33), "after another mark the next one is, in spite of the write tag");
    seen.times = 0, gpr_put(b->cpu, RBX, AT_DATA + 0x1000 - 1), gpr_put(b->cpu, RAX, 0x5566);
    expect(AT_DATA + 0x1000);
    bench_run(b, "66 89 03"); // mov [rbx], ax, across two pages
    ok(seen_before(0) && b->ram[AT_DATA + 0x1000] == 0x55, "one across pages, for its second page");
    bench_free(b);
}

// The walk sets the accessed flag of a page directory's entry; VMCLEAR writes the VMCS's region.
static void walks_and_regions(void) {
    enum { ACCESSED = 0x20, ENTRY = AT_PD + 8 * 7 };
    struct bench *b = watched_bench();
    pages_mark(&b->pages, &watcher);
    expect(ENTRY);
    b->ram[ENTRY] &= (uint8_t)~ACCESSED;
    uint8_t before = b->ram[ENTRY];
    gpr_put(b->cpu, RBX, 7 << 21);
    tlb_flush_vpid(b->cpu, 0, true);
    bench_run(b, "8a 03"); // mov al, [rbx]
    ok(b->ram[ENTRY] & ACCESSED && seen_before(before), "a walk that sets an accessed flag");
    bench_prepare(b);
    pages_mark(&b->pages, &watcher);
    expect(AT_VMCS + 4);
    bench_vmclear(b, AT_VMCS);
    ok(seen.times == 1, "VT-x, which writes back a VMCS");
    bench_free(b);
}

static void devices(void) {
    static struct memory memory;
    const struct bus_master master = {.memory = &memory};
    uint8_t byte = 0x77;
    if (!memory_init(&memory, 1 << 20) || !pages_watch(&memory.pages, &watcher)) bail("no memory");
    expect(0x5003);
    ok(dma_write(&master, 0x5003, &byte, 1) && seen_before(0), "a device's DMA");
    memory_free(&memory);
}

static void monitor_and_loader(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m || !pages_watch(machine_pages(m), &watcher)) bail("no machine");
    uint8_t byte = 0x12;
    expect(0x200010);
    const struct input input = {.kind = INPUT_MEMORY, .bytes = 1, .where = 0x200010, .data = &byte};
    ok(machine_alter(m, &input) && seen_before(0), "what the monitor writes");
    expect(0x301000);
    static const uint8_t bytes[0x2000] = {1};
    ok(machine_store(m, 0x300000, bytes, sizeof bytes) && seen_before(0), "what a loader writes");
    struct area area;
    bool listed = machine_area(m, 0, &area) && !strcmp(area.name, "ram") && area.bytes == config.ram_bytes;
    ok(listed && !machine_area(m, 1, &area), "the machine lists its areas");
    machine_free(m);
}

static void two_watchers(void) {
    static struct seen other_seen;
    static struct page_watcher other = {.context = &other_seen, .before_first_store = see};
    struct bench *b = watched_bench();
    other_seen.page = AT_DATA;
    expect(AT_DATA);
    (void)pages_store(&b->pages, AT_DATA, 1);
    if (!pages_watch(&b->pages, &other)) bail("no room for a watcher");
    (void)pages_store(&b->pages, AT_DATA, 1);
    ok(seen.times == 1 && other_seen.times == 1, "a watcher's mark is its own");
    pages_mark_range(&b->pages, &watcher, AT_DATA + 0x1000, 0x1000);
    (void)pages_store(&b->pages, AT_DATA, 1);
    ok(seen.times == 1, "as is a mark of other pages");
    pages_mark_range(&b->pages, &watcher, AT_DATA + 0xfff, 2);
    (void)pages_store(&b->pages, AT_DATA, 1);
    ok(seen.times == 2 && other_seen.times == 1, "one of a range that has the page");
    bench_free(b);
}

int main(void) {
    processor();
    walks_and_regions();
    devices();
    monitor_and_loader();
    two_watchers();
    return done_testing();
}
