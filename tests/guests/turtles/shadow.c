// VMCS shadowing: SDM Vol. 3C, 24.10, 24.6.15. With it L1's VMREAD and VMWRITE of chosen fields do not exit to us, but
// reach the shadow VMCS, a region of ours that vmcs01's link pointer names. It holds a copy of vmcs12's fields while
// vmcs12 is L1's current VMCS. The price: whenever L1 may have written there, or we have written vmcs12, all of them
// are copied. The fields are those that a hypervisor needs at most exits; fields.def says which.
#include "guest.h"

static uint64_t region; // the shadow VMCS; 0: shadowing is not used

static void permit(uint8_t *bitmap, enum field field) { bitmap[field / 8] &= (uint8_t) ~(1u << field % 8); }

void shadow_init(void) {
    uint8_t *reads = page_new(), *writes = page_new();
    memset(reads, 0xff, PAGE);
    memset(writes, 0xff, PAGE);
    for
        EACH(i, fields_shadowed) permit(reads, field_rows[i].encoding);
    for
        EACH(i, fields_shadow_writable) permit(writes, field_rows[i].encoding);
    vmwrite(FIELD_VMREAD_BITMAP, (uint64_t)reads);
    vmwrite(FIELD_VMWRITE_BITMAP, (uint64_t)writes);
    region = vmcs_new(REVISION_SHADOW);
    if (!vmclear(region)) panic("VMCLEAR of the shadow VMCS failed");
}

// vmcs01 is current before and after.
static void copy(bool push) {
    if (!region || !guest.vmcs12) return;
    if (!vmptrld(region)) panic("VMPTRLD of the shadow VMCS failed");
    if (push)
        for
            EACH(i, fields_shadowed) vmwrite(field_rows[i].encoding, guest.vmcs12->field[i]);
    else
        for
            EACH(i, fields_shadow_writable) guest.vmcs12->field[i] = vmread(field_rows[i].encoding);
    if (!vmptrld(guest.vmcs01)) panic("VMPTRLD of vmcs01 failed");
}

void shadow_push(void) { copy(true); }
void shadow_pull(void) { copy(false); }

void shadow_attach(void) {
    if (!region) return;
    shadow_push();
    vmwrite(FIELD_VMCS_LINK_POINTER, region);
}

void shadow_detach(void) {
    if (!region || !guest.vmcs12) return;
    shadow_pull();
    vmwrite(FIELD_VMCS_LINK_POINTER, POINTER_NONE);
}
