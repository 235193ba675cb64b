// VMX instructions of L1, which all exit to us: SDM Vol. 3C, 25.1.2; what they do: 30.3. With them L1 fills vmcs12,
// which lies in the very page that L1 gave for its VMCS. The exit tells their operands: Tables 27-9, 27-13 and 27-14.
// NOT IMPLEMENTED: 32-bit address size; segment bases other than FS and GS (they are 0 in 64-bit mode); privilege
// levels.
#include "bug.h"
#include "guest.h"
#include "interrupt.h"

enum { FLAG_CF = 1, FLAG_ZF = 1 << 6, FLAGS_ALL = 0x8d5 };

// --- results: 30.2 ---
static void finish(unsigned flag) {
    vmwrite(FIELD_GUEST_RFLAGS, (vmread(FIELD_GUEST_RFLAGS) & ~(uint64_t)FLAGS_ALL) | flag);
    instruction_skip();
}
static void succeed(void) { finish(0); }
static void fail_invalid(void) { finish(FLAG_CF); }

void nested_fail(unsigned error) {
    if (!guest.vmcs12) {
        fail_invalid();
        return;
    }
    set12(INSTRUCTION_ERROR, error);
    finish(FLAG_ZF);
}

// --- operands ---
static bool operand_is_register(uint64_t information) { return information >> 10 & 1; }

static uint64_t operand_address(uint64_t information) {
    uint64_t address = vmread(FIELD_EXIT_QUALIFICATION); // the displacement
    unsigned segment = information >> 15 & 7;
    if (!(information >> 27 & 1)) address += gpr_get(information >> 23 & 15);
    if (!(information >> 22 & 1)) address += gpr_get(information >> 18 & 15) << (information & 3);
    if (segment == 4) address += vmread(FIELD_GUEST_FS_BASE);
    if (segment == 5) address += vmread(FIELD_GUEST_GS_BASE);
    return address;
}

// The memory operand; false: L1 was given an exception instead.
static bool operand_read(void *to, size_t bytes) {
    if (guest_read(operand_address(vmread(FIELD_INSTRUCTION_INFORMATION)), to, bytes)) return true;
    inject_exception(VECTOR_GP, true);
    return false;
}

// --- VMXON, VMXOFF ---
static void vmx_on(void) {
    uint64_t pointer = 0;
    if (guest.vmxon_pointer != POINTER_NONE) {
        nested_fail(ERROR_VMXON_IN_ROOT);
        return;
    }
    if (!operand_read(&pointer, sizeof pointer)) return;
    const uint32_t *region = guest_pointer(pointer);
    if (pointer % PAGE || !region || *region != capability_revision()) {
        fail_invalid();
        return;
    }
    guest.vmxon_pointer = pointer;
    succeed();
}

static void vmx_off(void) {
    shadow_detach();
    guest.vmxon_pointer = guest.vmcs12_pointer = POINTER_NONE;
    guest.vmcs12 = NULL;
    succeed();
}

// --- VMCLEAR, VMPTRLD, VMPTRST ---
static void vm_clear(void) {
    uint64_t pointer = 0;
    if (!operand_read(&pointer, sizeof pointer)) return;
    struct vmcs12 *region = guest_pointer(pointer);
    if (pointer % PAGE || !region) {
        nested_fail(ERROR_VMCLEAR_ADDRESS);
    } else if (pointer == guest.vmxon_pointer) {
        nested_fail(ERROR_VMCLEAR_VMXON);
    } else {
        if (pointer == guest.vmcs12_pointer) {
            shadow_detach();
            guest.vmcs12_pointer = POINTER_NONE;
            guest.vmcs12 = NULL;
        }
        region->launched = 0;
        succeed();
    }
}

static void vm_ptrld(void) {
    uint64_t pointer = 0;
    if (!operand_read(&pointer, sizeof pointer)) return;
    struct vmcs12 *region = guest_pointer(pointer);
    uint32_t shadow = shadowing_wanted ? (uint32_t)REVISION_SHADOW : 0;
    if (pointer % PAGE || !region) {
        nested_fail(ERROR_VMPTRLD_ADDRESS);
    } else if (pointer == guest.vmxon_pointer) {
        nested_fail(ERROR_VMPTRLD_VMXON);
    } else if ((region->revision & ~shadow) != capability_revision()) {
        nested_fail(ERROR_VMPTRLD_REVISION);
    } else {
        if (pointer != guest.vmcs12_pointer) shadow_detach();
        bool other = pointer != guest.vmcs12_pointer;
        guest.vmcs12_pointer = pointer;
        guest.vmcs12 = region;
        if (other) shadow_attach();
        succeed();
    }
}

static void vm_ptrst(void) {
    if (guest_write(operand_address(vmread(FIELD_INSTRUCTION_INFORMATION)), guest.vmcs12_pointer))
        succeed();
    else
        inject_exception(VECTOR_GP, true);
}

// --- VMREAD, VMWRITE: on vmcs12, or on the VMCS that L1 shows L2 (below) ---
static void vm_read(struct vmcs12 *vmcs) {
    uint64_t information = vmread(FIELD_INSTRUCTION_INFORMATION);
    int index = field_find(gpr_get(information >> 28));
    if (index < 0) {
        nested_fail(ERROR_NO_SUCH_FIELD);
    } else if (operand_is_register(information)) {
        gpr_set(information >> 3 & 15, vmcs->field[index]);
        succeed();
    } else if (guest_write(operand_address(information), vmcs->field[index])) {
        succeed();
    } else {
        inject_exception(VECTOR_GP, true);
    }
}

static void vm_write(struct vmcs12 *vmcs) {
    uint64_t information = vmread(FIELD_INSTRUCTION_INFORMATION), value = 0;
    int index = field_find(gpr_get(information >> 28));
    if (operand_is_register(information))
        value = gpr_get(information >> 3 & 15);
    else if (!operand_read(&value, sizeof value))
        return;
    if (index < 0) {
        nested_fail(ERROR_NO_SUCH_FIELD);
        return;
    }
    vmcs->field[index] = value & field_mask((unsigned)index);
    succeed();
}

static void vm_access(enum exit_reason reason, struct vmcs12 *vmcs) {
    if (!vmcs)
        fail_invalid();
    else if (reason == REASON_VMREAD)
        vm_read(vmcs);
    else
        vm_write(vmcs);
}

// L2 used VMREAD or VMWRITE. If L1 gave it a shadow VMCS (24.6.15) and the field's bit is clear, the access goes there:
// a processor would not have left L2, and we do it here without asking L1.
bool shadow12_access(enum exit_reason reason) {
    if (!(get12(PROC2_CONTROLS) & PROC2_VMCS_SHADOWING)) return false;
    uint64_t encoding = gpr_get(vmread(FIELD_INSTRUCTION_INFORMATION) >> 28);
    const uint8_t *bitmap = guest_pointer(reason == REASON_VMREAD ? get12(VMREAD_BITMAP) : get12(VMWRITE_BITMAP));
    if (encoding >> 15 || !bitmap || bitmap[encoding / 8] >> encoding % 8 & 1) return false;
    vm_access(reason, guest_pointer(get12(VMCS_LINK_POINTER)));
    return true;
}

// --- INVEPT, INVVPID ---
static void invalidate(bool ept) {
    uint64_t descriptor[2] = {0};
    uint64_t type = gpr_get(vmread(FIELD_INSTRUCTION_INFORMATION) >> 28);
    if (!operand_read(descriptor, sizeof descriptor)) return;
    if (ept ? type != INVALIDATE_SINGLE && type != INVALIDATE_ALL : type > 3) {
        nested_fail(ERROR_INVALIDATE_OPERAND);
        return;
    }
    if (bug == BUG_FOLLOW) {
        succeed();
        return;
    }
    if (ept)
        ept02_drop(descriptor[0], type == INVALIDATE_ALL);
    else
        invvpid(INVALIDATE_SINGLE, VPID_L2); // all of L1's guests run with this one
    succeed();
}

static void vm_enter(bool launch) {
    unsigned error = nested_enter(launch);
    if (error) nested_fail(error); // else L2's state is current now, and L1 goes on at its next VM exit
}

bool vmx_instruction(enum exit_reason reason) {
    if (reason < REASON_VMCLEAR || (reason > REASON_VMXON && reason != REASON_INVEPT && reason != REASON_INVVPID))
        return false;
    if (reason != REASON_VMXON && guest.vmxon_pointer == POINTER_NONE) {
        inject_exception(VECTOR_UD, false);
        return true;
    }
    switch (reason) {
    case REASON_VMXON: vmx_on(); break;
    case REASON_VMXOFF: vmx_off(); break;
    case REASON_VMCLEAR: vm_clear(); break;
    case REASON_VMPTRLD: vm_ptrld(); break;
    case REASON_VMPTRST: vm_ptrst(); break;
    case REASON_VMREAD:
    case REASON_VMWRITE: vm_access(reason, guest.vmcs12); break;
    case REASON_VMLAUNCH:
    case REASON_VMRESUME:
        if (guest.vmcs12)
            vm_enter(reason == REASON_VMLAUNCH);
        else
            fail_invalid();
        break;
    default: invalidate(reason == REASON_INVEPT); break;
    }
    return true;
}
