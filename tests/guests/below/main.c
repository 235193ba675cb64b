// turtles below an operating system: loader.S has brought us here from a boot sector, in protected mode, the BIOS
// behind us as it was. Hide, take the BIOS calls that would give us away, enter VMX operation on all processors, and
// begin the next disk in real mode. What is to be learnt: how little a hypervisor is that only wants to be there.
// (Nadav Har'El's list of what nested VMX is for has this as the second use: firmware or software with a hypervisor,
// below the operating system.)
//
// To read it: this file, bios.c with hooks.S, guest.c, exits.c, processors.c, ept.c.
#include "below.h"
#include "interrupt.h"

void start(const struct loaded *loaded);

extern uint8_t bss_end[];
extern const uint8_t hooks[], hook_begin[];
unsigned our_level;
bool shadowing_wanted; // we have no guest hypervisor
static struct processor first;

void machine_end(bool good) {
    if (good) out16(PORT_PM_CONTROL, PM_POWER_OFF);
    out32(PORT_DEBUG_EXIT, 1);
    for (;;) __asm__ volatile("cli; hlt");
}

void start(const struct loaded *loaded) {
    interrupt_init();
    memory_init((uint64_t)bss_end, HIDDEN_END);
    map_init(loaded);
    if (map_end_of(HIDDEN_BASE) < HIDDEN_END) panic("no memory at %lx", (uint64_t)HIDDEN_BASE);
    map_hide(HIDDEN_BASE, HIDDEN_END - HIDDEN_BASE);
    uint16_t segment = bios_hook();
    vmx_start();
    ept_init();
    processors_start();
    guest_setup(&first);
    guest_real_mode(segment, (uint16_t)(hook_begin - hooks));
    print("below: hidden at %lx to %lx and at %lx, %u processors\n", (uint64_t)HIDDEN_BASE, (uint64_t)HIDDEN_END,
          bios_page, processors_seen + 1);
    guest_run(&first);
}
