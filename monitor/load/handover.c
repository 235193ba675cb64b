// The state in which a loader leaves the first processor: flat segments from a GDT of ours, and, for 64-bit mode, page
// tables of ours. SDM Vol. 3A, 3.4.5 (descriptors), 4.5 (4-level paging), 9.8 (switching to protected mode).
#include "monitor/load/handover.h"
#include "cpu/state/cpu.h"
#include <assert.h>

enum { SELECTOR_CODE = 0x10, SELECTOR_DATA = 0x18 }; // as Linux wants them: __BOOT_CS, __BOOT_DS

#define RIGHTS_FLAT (RIGHTS_S | RIGHTS_P | RIGHTS_G)
#define RIGHTS_CODE_32 ((uint32_t)(RIGHTS_FLAT | RIGHTS_DB | 0xb)) // execute, read, accessed
#define RIGHTS_CODE_64 ((uint32_t)(RIGHTS_FLAT | RIGHTS_L | 0xb))
#define RIGHTS_DATA ((uint32_t)(RIGHTS_FLAT | RIGHTS_DB | 0x3)) // read, write, accessed

#define PAGE_PRESENT BIT(0)
#define PAGE_WRITE BIT(1)
#define PAGE_LARGE BIT(7)

// A descriptor with base 0 and limit FFFFFFFFH; bits 7:0 and 15:12 of the rights are its bits 47:40 and 55:52.
static uint64_t flat_descriptor(uint32_t rights) { return 0x000f00000000ffff | (uint64_t)rights << 40; }

static void set_segment(struct layout *layout, unsigned s, uint32_t rights, uint16_t selector) {
    unsigned row = REGISTER_ES + 4 * s;
    layout_register(layout, row, selector);
    layout_register(layout, row + REGISTER_ES_BASE - REGISTER_ES, 0);
    layout_register(layout, row + REGISTER_ES_LIMIT - REGISTER_ES, UINT32_MAX);
    layout_register(layout, row + REGISTER_ES_RIGHTS - REGISTER_ES, rights);
}
static_assert(REGISTER_GS == REGISTER_ES + 4 * (int)GS && REGISTER_R15 == REGISTER_RAX + (int)R15);

static bool set_gdt(struct layout *layout, uint32_t code_rights) {
    const uint64_t gdt[4] = {[SELECTOR_CODE / 8] = flat_descriptor(code_rights),
                             [SELECTOR_DATA / 8] = flat_descriptor(RIGHTS_DATA)};
    uint64_t at = layout_put(layout, LAYOUT_LOW(sizeof gdt, 4096), gdt, "the GDT");
    layout_register(layout, REGISTER_GDTR_BASE, at);
    layout_register(layout, REGISTER_GDTR_LIMIT, sizeof gdt - 1);
    for (unsigned s = ES; s <= GS; s++)
        set_segment(layout, s, s == CS ? code_rights : RIGHTS_DATA, s == CS ? SELECTOR_CODE : SELECTOR_DATA);
    return at;
}

static void set_control(struct layout *layout, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer) {
    layout_register(layout, REGISTER_CR0, cr0);
    layout_register(layout, REGISTER_CR3, cr3);
    layout_register(layout, REGISTER_CR4, cr4);
    layout_register(layout, REGISTER_EFER, efer);
}

// 16 KBytes that nothing else was put into, where GRUB has its own.
static uint64_t place_stack(struct layout *layout) {
    enum { BYTES = 0x4000, END = 0x7ff00, MIN = 0x10000 };
    const struct layout_wish wish = {.bytes = BYTES, .align = 16, .min = MIN, .end = END, .order = LAYOUT_HIGHEST};
    uint64_t base = layout_place(layout, &wish, "the stack");
    return base ? base + BYTES : 0;
}

static void set_registers(struct layout *layout, const struct handover *handover, uint64_t stack) {
    const uint64_t gpr[16] = {[RAX] = handover->rax, [RBX] = handover->rbx, [RSI] = handover->rsi, [RSP] = stack};
    for (unsigned i = 0; i < 16; i++) layout_register(layout, REGISTER_RAX + i, gpr[i]);
    layout_register(layout, REGISTER_RIP, handover->entry);
    layout_register(layout, REGISTER_RFLAGS, 0);
}

bool handover_protected(struct layout *layout, const struct handover *handover) {
    uint64_t stack = place_stack(layout);
    if (!stack || !set_gdt(layout, RIGHTS_CODE_32)) return false;
    set_control(layout, CR0_PE | CR0_ET, 0, 0, 0);
    set_registers(layout, handover, stack);
    return true;
}

// One PML4, one page-directory-pointer table, and four page directories of 2-MByte pages.
static uint64_t map_4_gbytes(struct layout *layout) {
    enum { DIRECTORIES = 4, PAGES = 2 + DIRECTORIES, ENTRIES = 512 };
    uint64_t base = layout_place(layout, LAYOUT_LOW(PAGES * 4096, 4096), "the page tables");
    if (!base) return 0;
    uint64_t(*table)[ENTRIES] = layout_copy(layout, base, NULL, PAGES * 4096);
    if (!table) return 0;
    table[0][0] = (base + 4096) | PAGE_PRESENT | PAGE_WRITE;
    for (uint64_t d = 0; d < DIRECTORIES; d++) {
        table[1][d] = (base + (2 + d) * 4096) | PAGE_PRESENT | PAGE_WRITE;
        for (uint64_t e = 0; e < ENTRIES; e++)
            table[2 + d][e] = d << 30 | e << 21 | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
    }
    return base;
}

bool handover_64bit(struct layout *layout, const struct handover *handover) {
    uint64_t tables = map_4_gbytes(layout), stack = place_stack(layout);
    if (!tables || !stack || !set_gdt(layout, RIGHTS_CODE_64)) return false;
    set_control(layout, CR0_PE | CR0_ET | CR0_PG, tables, CR4_PAE, EFER_LME | EFER_LMA);
    set_registers(layout, handover, stack);
    return true;
}
