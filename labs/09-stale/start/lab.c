// Lab 9: what the processor remembers. README.md has the exercises.
#include "given.h"

static struct guest first, second;
static uint64_t *ept;

// Exercise 1: guest 1 is to find new_page at EPT_PAGE.
static void change_ept(void) { ept_map(ept, EPT_PAGE, (uint64_t)new_page, EPT_ALL); }

// Exercise 2: guest 1 is to find new_page at LINEAR_PAGE; it does not know, and executes no INVLPG.
static void change_linear(struct tables *tables) { *tables->entry = (uint64_t)new_page | 3; }

// Exercise 3: guest 2 has page tables of its own, and the same EPT. Which VPID has it?
static void use_vpid(struct guest *guest, uint16_t vpid) {
    vmptrld(guest->vmcs);
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_ENABLE_VPID));
    vmwrite(VPID, vpid);
}

static void make(struct guest *guest, void (*rip)(void), const struct tables *tables) {
    guest_new(guest, rip);
    vmcs_ept(ept);
    vmwrite(GUEST_CR3, tables->cr3);
}

// Enters, up to its next VMCALL or HLT.
static bool turn(struct guest *guest) {
    vmptrld(guest->vmcs);
    if (guest_enter(guest) || vmread(EXIT_REASON) != EXIT_VMCALL) return false;
    guest_skip();
    return true;
}

void lab(void) {
    struct tables tables_1, tables_2;
    vmx_begin();
    ept = ept_identity();
    ept_map(ept, EPT_PAGE, (uint64_t)old_page, EPT_ALL);
    tables_1 = tables_new(old_page);
    tables_2 = tables_new(old_page);
    make(&first, guest_1, &tables_1);
    make(&second, guest_2, &tables_2);
    use_vpid(&first, 1);
    use_vpid(&second, 1);

    if (!turn(&first)) return;
    change_ept();
    if (!turn(&first) || !turn(&first)) return;
    change_linear(&tables_1);
    if (!turn(&first)) return;
    turn(&second); // must find old_page
    turn(&first);
    turn(&first);
}
