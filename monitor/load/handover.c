// The state in which a loader leaves the first processor: flat segments from a GDT of ours, and, for 64-bit mode, page
// tables of ours. SDM Vol. 3A, 3.4.5 (descriptors), 4.5 (4-level paging), 9.8 (switching to protected mode).
#include "monitor/load/handover.h"
#include "cpu/state/cpu.h"
#include "cpu/memory/mode.h"
#include <string.h>

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

static bool set_gdt(struct layout *layout, struct cpu *cpu, uint32_t code_rights) {
    const uint64_t gdt[4] = {[SELECTOR_CODE / 8] = flat_descriptor(code_rights),
                             [SELECTOR_DATA / 8] = flat_descriptor(RIGHTS_DATA)};
    cpu->gdtr =
        (struct descriptor_table){layout_put(layout, LAYOUT_LOW(sizeof gdt, 4096), gdt, "the GDT"), sizeof gdt - 1};
    for (unsigned s = ES; s <= GS; s++) {
        cpu->segment[s] =
            (struct segment){UINT32_MAX, s == CS ? code_rights : RIGHTS_DATA, s == CS ? SELECTOR_CODE : SELECTOR_DATA};
        cpu->segment_base[s] = 0;
    }
    return cpu->gdtr.base != 0;
}

static void set_registers(struct cpu *cpu, const struct handover *handover) {
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[RAX] = handover->rax;
    cpu->gpr[RBX] = handover->rbx;
    cpu->gpr[RSI] = handover->rsi;
    cpu->rip = handover->entry;
    cpu_set_rflags(cpu, 0);
    cpu_update_space(cpu);
}

bool handover_protected(struct layout *layout, const struct handover *handover) {
    struct cpu *cpu = machine_cpu(layout->machine, 0);
    if (!set_gdt(layout, cpu, RIGHTS_CODE_32)) return false;
    cpu->control.cr0 = CR0_PE | CR0_ET;
    cpu->control.cr4 = cpu->control.cr3 = cpu->control.efer = 0;
    set_registers(cpu, handover);
    return true;
}

// One PML4, one page-directory-pointer table, and four page directories of 2-MByte pages.
static uint64_t map_4_gbytes(struct layout *layout) {
    enum { DIRECTORIES = 4, PAGES = 2 + DIRECTORIES, ENTRIES = 512 };
    uint64_t base = layout_place(layout, LAYOUT_LOW(PAGES * 4096, 4096), "the page tables");
    if (!base) return 0;
    uint64_t(*table)[ENTRIES] = machine_ram(layout->machine, base, PAGES * 4096);
    memset(table, 0, PAGES * 4096);
    table[0][0] = (base + 4096) | PAGE_PRESENT | PAGE_WRITE;
    for (uint64_t d = 0; d < DIRECTORIES; d++) {
        table[1][d] = (base + (2 + d) * 4096) | PAGE_PRESENT | PAGE_WRITE;
        for (uint64_t e = 0; e < ENTRIES; e++)
            table[2 + d][e] = d << 30 | e << 21 | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
    }
    return base;
}

bool handover_64bit(struct layout *layout, const struct handover *handover) {
    struct cpu *cpu = machine_cpu(layout->machine, 0);
    uint64_t tables = map_4_gbytes(layout);
    if (!tables || !set_gdt(layout, cpu, RIGHTS_CODE_64)) return false;
    cpu->control.cr0 = CR0_PE | CR0_ET | CR0_PG;
    cpu->control.cr3 = tables;
    cpu->control.cr4 = CR4_PAE;
    cpu->control.efer = EFER_LME | EFER_LMA;
    set_registers(cpu, handover);
    return true;
}
