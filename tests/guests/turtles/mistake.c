// Planted mistakes of software that need no guest: page tables, memory; see bug.h. The payload of a level makes them.
#include "bug.h"
#include "interrupt.h"

extern uint64_t page_map[];
extern const uint8_t user_back[];
extern uint64_t user_rsp;
void user_store(volatile uint64_t *to, uint64_t value);

enum { LARGE_PRESENT_USER = 0x87, OTHER = 2 << 20, UNUSED = 300 };
#define ADDRESS 0x000ffffffffff000ull

uint64_t *directory_entry(uint64_t linear) {
    const uint64_t *pointers = (const uint64_t *)(page_map[linear >> 39 & 511] & ADDRESS);
    return (uint64_t *)(pointers[linear >> 30 & 511] & ADDRESS) + (linear >> 21 & 511);
}

// --- bug=linear: what is read there is still at the old place ---
static void forget_invlpg(void) {
    volatile const uint64_t *at = (const uint64_t *)LINEAR;
    volatile uint64_t *entry = directory_entry(LINEAR);
    *entry = LARGE_PRESENT_USER;
    uint64_t old = *at;
    *entry = OTHER | LARGE_PRESENT_USER;
    if (*at == old) print("what was there before is still there\n");
}

// --- bug=program: the page map is mapped for a program, which stores to it ---
static void on_return(struct frame *f) {
    f->rip = (uint64_t)user_back;
    f->cs = SELECTOR_CODE;
    f->ss = SELECTOR_DATA;
    f->rsp = user_rsp;
}

static void run_program(void) {
    enum { LARGE = 2 << 20 };
    const uint64_t offset = (uint64_t)&page_map[UNUSED] % LARGE;
    interrupt_handle(VECTOR_UD, on_return);
    *directory_entry(LINEAR) = ((uint64_t)page_map & ~(uint64_t)(LARGE - 1)) | LARGE_PRESENT_USER;
    user_store((volatile uint64_t *)(LINEAR + offset), 0);
    print("the program has ended\n");
}

// --- bug=dma: fw_cfg reads its signature into a page directory that is in use ---
static void give_to_device(uint64_t bytes) {
    enum { PORT_FW_CFG_DMA = 0x514, READ = 2, SELECT = 8, BYTES = 4 };
    static volatile struct {
        uint32_t control, length;
        uint64_t address;
    } request;
    enum { PRESENT_USER = 7, GIGABYTE = 5, PAGES = 200 };
    uint64_t *directory = (uint64_t *)((bytes & ~(PAGE - 1)) - PAGES * PAGE);
    memcpy(directory, directory_entry(0), PAGE);
    uint64_t *pointers = (uint64_t *)(page_map[0] & ADDRESS);
    pointers[GIGABYTE] = (uint64_t)directory | PRESENT_USER;
    print("in use: %x\n", *(volatile uint32_t *)((uint64_t)GIGABYTE << 30));
    request.control = __builtin_bswap32(READ | SELECT);
    request.length = __builtin_bswap32(BYTES);
    request.address = __builtin_bswap64((uint64_t)&directory[UNUSED]);
    out32(PORT_FW_CFG_DMA, 0);
    out32(PORT_FW_CFG_DMA + 4, __builtin_bswap32((uint32_t)(uint64_t)&request));
    print("the device says %x\n", __builtin_bswap32(request.control));
    directory[UNUSED] = 0;
}

// --- bug=fresh ---
static void read_fresh(uint64_t bytes) {
    enum { PAGES = 100 }; // the payload has been above
    print("what nobody has written: %lx\n", *(volatile const uint64_t *)((bytes & ~(PAGE - 1)) - PAGES * PAGE));
}

void bug_payload(uint64_t bytes) {
    if (bug == BUG_LINEAR) forget_invlpg();
    if (bug == BUG_PROGRAM) run_program();
    if (bug == BUG_DMA) give_to_device(bytes);
    if (bug == BUG_FRESH) read_fresh(bytes);
}
