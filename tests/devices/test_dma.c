// The door for DMA: copies, refusals as a whole, and who is told of a store.
#include "devices/bus/dma.h"
#include "tests/tap.h"
#include <string.h>

static struct memory memory;
static uint64_t told_at;
static unsigned told;
static uint8_t told_old;
static void tell(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    (void)context;
    told++, told_at = area->base + page * MEMORY_PAGE, told_old = old[0x234];
}
static struct page_watcher watcher = {.before_first_store = tell};

int main(void) {
    if (!memory_init(&memory, 1 << 20) || !pages_watch(&memory.pages, &watcher)) bail("no memory");
    const struct bus_master master = {.requester = 0x10, .memory = &memory};
    char text[8] = "";
    ok(dma_write(&master, 0x1234, "copied", 7) && told == 1 && told_at == 0x1000 && !told_old,
       "a write is told before it happens");
    ok(dma_read(&master, 0x1234, text, 7) && !strcmp(text, "copied") && told == 1, "a read is not");
    pages_mark(&memory.pages, &watcher);
    ok(dma_fill(&master, 0x1236, 'x', 3) && told == 2 && told_old == 'c' && dma_read(&master, 0x1234, text, 7) &&
           !strcmp(text, "coxxxd"),
       "a fill");
    strcpy(text, "before");
    ok(!dma_read(&master, (1 << 20) - 3, text, 7) && !strcmp(text, "before"), "what is not all RAM is not read");
    ok(!dma_write(&master, (1 << 20) - 3, "copied", 7) && told == 2, "nor written, nor told");
    ok(dma_read(&master, (1 << 20) - 3, text, 3) && !text[0] && !text[2], "no byte of it");
    ok(!dma_write(&master, ~0ull - 2, "copied", 7) && !dma_fill(&master, 0xfee00000, 0, 4) && told == 2,
       "a range that wraps; no RAM");
    ok(dma_reaches(&master, 0, 1 << 20) && !dma_reaches(&master, 0, (1 << 20) + 1), "what can be reached");
    memory_free(&memory);
    return done_testing();
}
