// Lab 14, solved.
#include "given.h"

static uint64_t shadow;
static const unsigned read_often[] = {EXIT_REASON,   EXIT_QUALIFICATION, EXIT_INSTRUCTION_LENGTH,
                                      IDT_VECTORING, GUEST_RIP,          GUEST_INTERRUPTIBILITY};
static const unsigned written_often[] = {GUEST_RIP, GUEST_INTERRUPTIBILITY, ENTRY_INTERRUPTION, HOST_RIP, HOST_RSP};

// Exercise 2: a bit of a bitmap for each field, by bits 14:0 of its encoding. 1: VM exit. 0: the shadow VMCS is meant.
static void pass(uint8_t *bitmap, unsigned encoding) { bitmap[encoding / 8] &= (uint8_t) ~(1u << encoding % 8); }

static void bitmaps_begin(void) {
    uint8_t *reads = memset(page_new(), 0xff, PAGE), *writes = memset(page_new(), 0xff, PAGE);
    EACH(read_often, encoding) pass(reads, encoding);
    EACH(written_often, encoding) pass(writes, encoding);
    vmwrite(VMREAD_BITMAP, reads);
    vmwrite(VMWRITE_BITMAP, writes);
}

// Exercise 1: a shadow VMCS, behind the link pointer of vmcs01.
void shadow_begin(void) {
    enum { SHADOW = 31 };
    shadow = vmcs_region();
    *(uint32_t *)shadow |= BIT(SHADOW);
    vmclear(shadow);
    bitmaps_begin();
    vmwrite(VMCS_LINK_POINTER, shadow);
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_VMCS_SHADOWING));
}

// Exercise 3: what level 1 wrote there is wanted in vmcs12; what it will read there comes from vmcs12. Exercise 4: no
// more.
void shadow_to_12(void) {
    vmptrld(shadow);
    EACH(written_often, encoding) FIELD12(encoding) = vmread(encoding);
    vmptrld(vmcs01);
}

void shadow_from_12(void) {
    vmptrld(shadow);
    EACH(read_often, encoding) vmwrite(encoding, FIELD12(encoding));
    vmptrld(vmcs01);
}

void lab(void) {
    vmx_begin();
    nested_run();
}
