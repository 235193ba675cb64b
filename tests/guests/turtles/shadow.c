// VMCS shadowing: SDM Vol. 3C, 24.10, 24.6.15. With it L1's VMREAD and VMWRITE of chosen fields do not exit to us, but
// reach the shadow VMCS, a region of ours that vmcs01's link pointer names. It holds a copy of vmcs12's fields while
// vmcs12 is L1's current VMCS. The price: whenever L1 may have written there, or we have written vmcs12, all of them
// are copied. The fields are those that a hypervisor needs at most exits; fields.def says which.
#include "guest.h"

static uint64_t region; // the shadow VMCS; 0: shadowing is not used

// A bit that is 1 makes the access to its field exit.
static void permit(uint8_t *bitmap, const struct field_list *list) {
    for (unsigned n = 0; n < list->count; n++) {
        unsigned encoding = field_rows[list->index[n]].encoding;
        bitmap[encoding / 8] &= (uint8_t) ~(1u << encoding % 8);
    }
}

void shadow_init(void) {
    uint8_t *reads = page_new(), *writes = page_new();
    memset(reads, 0xff, PAGE);
    memset(writes, 0xff, PAGE);
    permit(reads, &fields_shadowed);
    permit(writes, &fields_shadow_writable);
    vmwrite(FIELD_VMREAD_BITMAP, (uint64_t)reads);
    vmwrite(FIELD_VMWRITE_BITMAP, (uint64_t)writes);
    region = vmcs_new(REVISION_SHADOW);
    if (!vmclear(region)) panic("VMCLEAR of the shadow VMCS failed");
}

static void make_current(uint64_t vmcs) {
    if (!vmptrld(vmcs)) panic("VMPTRLD of %lx failed", vmcs);
}

// vmcs01 is current before and after.
void shadow_push(void) {
    if (!region || !guest.vmcs12) return;
    make_current(region);
    for (unsigned n = 0; n < fields_shadowed.count; n++) {
        unsigned i = fields_shadowed.index[n];
        vmwrite(field_rows[i].encoding, guest.vmcs12->field[i]);
    }
    make_current(guest.vmcs01);
}

void shadow_pull(void) {
    if (!region || !guest.vmcs12) return;
    make_current(region);
    for (unsigned n = 0; n < fields_shadow_writable.count; n++) {
        unsigned i = fields_shadow_writable.index[n];
        guest.vmcs12->field[i] = vmread(field_rows[i].encoding);
    }
    make_current(guest.vmcs01);
}

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
