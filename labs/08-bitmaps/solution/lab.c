// Lab 8, solved.
#include "given.h"

static struct guest guest;

// Exercises 1 and 2: of all ports 80H and 8900H exit.
static void make_io_bitmaps(void) {
    uint8_t *b = page_new(), *a = page_new(); // a bit for each port: 0 to 7FFFH, 8000H to FFFFH
    a[0x80 / 8] |= 1 << 0x80 % 8;
    b[0x900 / 8] |= 1 << 0x900 % 8;
    vmwrite(IO_BITMAP_A, a);
    vmwrite(IO_BITMAP_B, b);
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_USE_IO_BITMAPS));
}

// Exercises 3 and 4: of all MSRs WRMSR of IA32_LSTAR (C0000082H) and RDMSR of IA32_FEATURE_CONTROL (3AH) exit.
static void make_msr_bitmaps(void) {
    enum { READ_LOW = 0, WRITE_HIGH = 3 * 1024 }; // quarters of 1 KByte: read low, read high, write low, write high
    uint8_t *bitmap = page_new();
    bitmap[WRITE_HIGH + 0x82 / 8] |= 1 << 0x82 % 8;
    bitmap[READ_LOW + 0x3a / 8] |= 1 << 0x3a % 8;
    vmwrite(MSR_BITMAPS, bitmap);
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_USE_MSR_BITMAPS));
}

// Exercise 4: the guest reads that VMX is locked, and not allowed.
static void emulate_rdmsr(void) {
    guest.gpr[RAX] = FEATURE_CONTROL_LOCK;
    guest.gpr[RDX] = 0;
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    make_io_bitmaps();
    make_msr_bitmaps();
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_IO_INSTRUCTION: break; // there is no such device
        case EXIT_WRMSR: wrmsr(guest.gpr[RCX], guest.gpr[RDX] << 32 | (uint32_t)guest.gpr[RAX]); break;
        case EXIT_RDMSR: emulate_rdmsr(); break;
        default: return;
        }
        guest_skip();
    }
}
