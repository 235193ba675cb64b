// One processor as one level sees it; see view.h.
#include "devices/machine/machine_input.h"
#include "devices/bus/refuse.h"
#include "monitor/explain/view.h"
#include "monitor/explain/own_vmcs.h"
#include "monitor/explain/walk.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

const char *const space_names[] = {"linear", "gpa", "phys"};

// While the hypervisor of a guest's guest runs, its shadow VMCS has what it was shown, and what it has written since.
static bool shadowed(const struct view *view, enum vmcs_field which, uint64_t *value) {
    const struct vmcs_source source = {view->machine, view->history, view->cpu, view->level - 1};
    struct vmx_level_info guest, below;
    struct vmx_field row;
    if (view->level < 2 || vmx_current_vmcs(view->cpu) == view->vmcs) return false;
    if (!vmx_field(which, &row) || row.type != VMX_FIELD_GUEST) return false; // controls are those of level 0
    if (!vmx_level_info(view->cpu, view->level, &guest) || !vmx_level_info(view->cpu, view->level - 1, &below))
        return false;
    if (below.current != guest.vmcs) return false;
    uint64_t shadow = vmcs_shadow_of(&source, FIELD_VMREAD_BITMAP, which);
    return shadow != VMX_NO_VMCS && vmx_vmcs_read(view->cpu, shadow, which, value);
}

static uint64_t field(const struct view *view, uint64_t vmcs, enum vmcs_field which) {
    uint64_t value = 0;
    if (view->source == VIEW_GUEST_AREA && shadowed(view, which, &value)) return value;
    if (view->source == VIEW_GUEST_AREA)
        (void)vmx_level_read(view->cpu, view->level, which, &value);
    else
        (void)vmx_vmcs_read(view->cpu, vmcs, which, &value);
    return value;
}

static bool has_ept(const struct view *view, uint64_t vmcs) {
    return field(view, vmcs, FIELD_PROC_CONTROLS) >> PROC_ACTIVATE_SECONDARY & 1 &&
           field(view, vmcs, FIELD_PROC2_CONTROLS) >> PROC2_ENABLE_EPT & 1;
}

static void take_live(struct view *view) {
    const struct cpu *cpu = view->cpu;
    memcpy(view->gpr, cpu->gpr, sizeof view->gpr);
    memcpy(view->pdpte, cpu->control.pdpte, sizeof view->pdpte);
    memcpy(view->segment, cpu->segment, sizeof view->segment);
    memcpy(view->base, cpu->segment_base, sizeof view->base);
    view->rip = cpu->rip;
    view->rflags = cpu_rflags(cpu);
    view->cr0 = cpu->control.cr0;
    view->cr2 = cpu->control.cr2;
    view->cr3 = cpu->control.cr3;
    view->cr4 = cpu->control.cr4;
    view->efer = cpu->control.efer;
    view->dr7 = cpu->control.dr[7];
    view->gdtr = cpu->gdtr;
    view->idtr = cpu->idtr;
}

static void take_guest_area(struct view *view) {
    uint64_t v = view->vmcs;
    view->gpr[RSP] = field(view, v, FIELD_GUEST_RSP);
    view->rip = field(view, v, FIELD_GUEST_RIP);
    view->rflags = field(view, v, FIELD_GUEST_RFLAGS);
    view->cr0 = field(view, v, FIELD_GUEST_CR0);
    view->cr3 = field(view, v, FIELD_GUEST_CR3);
    view->cr4 = field(view, v, FIELD_GUEST_CR4);
    view->dr7 = field(view, v, FIELD_GUEST_DR7);
    bool ia32e = field(view, v, FIELD_ENTRY_CONTROLS) >> ENTRY_IA32E_MODE_GUEST & 1;
    bool saves = field(view, v, FIELD_EXIT_CONTROLS) >> EXIT_SAVE_EFER & 1;
    view->efer = saves ? field(view, v, FIELD_GUEST_EFER) : ia32e ? EFER_LME | EFER_LMA | EFER_NXE : 0;
    view->gdtr.base = field(view, v, FIELD_GUEST_GDTR_BASE);
    view->gdtr.limit = (uint16_t)field(view, v, FIELD_GUEST_GDTR_LIMIT);
    view->idtr.base = field(view, v, FIELD_GUEST_IDTR_BASE);
    view->idtr.limit = (uint16_t)field(view, v, FIELD_GUEST_IDTR_LIMIT);
    for (unsigned i = 0; i < 4; i++) view->pdpte[i] = field(view, v, FIELD_GUEST_PDPTE0 + i);
    for (unsigned s = ES; s <= TR; s++) {
        view->base[s] = field(view, v, FIELD_GUEST_ES_BASE + s);
        view->segment[s].limit = (uint32_t)field(view, v, FIELD_GUEST_ES_LIMIT + s);
        view->segment[s].rights = (uint32_t)field(view, v, FIELD_GUEST_ES_RIGHTS + s);
        view->segment[s].selector = (uint16_t)field(view, v, FIELD_GUEST_ES_SELECTOR + s);
    }
}

// What a VM exit would load. SDM Vol. 3C, 27.5.
static void take_host_area(struct view *view, uint64_t v) {
    bool wide = field(view, v, FIELD_EXIT_CONTROLS) >> EXIT_HOST_ADDRESS_SPACE_SIZE & 1;
    view->gpr[RSP] = field(view, v, FIELD_HOST_RSP);
    view->rip = field(view, v, FIELD_HOST_RIP);
    view->rflags = BIT(1);
    view->cr0 = field(view, v, FIELD_HOST_CR0);
    view->cr3 = field(view, v, FIELD_HOST_CR3);
    view->cr4 = field(view, v, FIELD_HOST_CR4);
    view->efer = wide ? EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE : 0;
    if (field(view, v, FIELD_EXIT_CONTROLS) >> EXIT_LOAD_EFER & 1) view->efer = field(view, v, FIELD_HOST_EFER);
    view->gdtr = (struct descriptor_table){field(view, v, FIELD_HOST_GDTR_BASE), UINT16_MAX};
    view->idtr = (struct descriptor_table){field(view, v, FIELD_HOST_IDTR_BASE), UINT16_MAX};
    static const uint16_t selector[] = {
        [ES] = FIELD_HOST_ES_SELECTOR, [CS] = FIELD_HOST_CS_SELECTOR, [SS] = FIELD_HOST_SS_SELECTOR,
        [DS] = FIELD_HOST_DS_SELECTOR, [FS] = FIELD_HOST_FS_SELECTOR, [GS] = FIELD_HOST_GS_SELECTOR};
    const uint32_t data = RIGHTS_P | RIGHTS_S | RIGHTS_G | RIGHTS_DB | 3;
    const uint32_t code = RIGHTS_P | RIGHTS_S | RIGHTS_G | 11 | (uint32_t)(wide ? RIGHTS_L : RIGHTS_DB);
    for (unsigned s = ES; s <= GS; s++) {
        uint16_t value = (uint16_t)field(view, v, selector[s]);
        bool usable = value || s == CS;
        view->segment[s] = (struct segment){usable ? UINT32_MAX : 0, s == CS ? code : data, value};
        if (!usable) view->segment[s].rights = RIGHTS_UNUSABLE | (s == SS ? RIGHTS_DB : 0);
    }
    view->base[FS] = field(view, v, FIELD_HOST_FS_BASE);
    view->base[GS] = field(view, v, FIELD_HOST_GS_BASE);
    view->segment[LDTR].rights = RIGHTS_UNUSABLE;
    view->segment[TR] = (struct segment){0x67, RIGHTS_P | 11, (uint16_t)field(view, v, FIELD_HOST_TR_SELECTOR)};
    view->base[TR] = field(view, v, FIELD_HOST_TR_BASE);
}

uint64_t view_field(const struct view *view, enum vmcs_field which) { return field(view, view->vmcs, which); }

void view_after_exit(const struct view *now, uint64_t vmcs, struct view *view) {
    *view = (struct view){.machine = now->machine, .cpu = now->cpu, .source = VIEW_HOST_AREA, .vmcs = VMX_NO_VMCS};
    take_host_area(view, vmcs);
    view->dr7 = 0x400;
}

// Guests of guests share one VMCS of their level 0.
static bool is_known(const struct cpu *cpu, unsigned level) {
    uint64_t rip;
    return vmx_level_read(cpu, level, FIELD_GUEST_RIP, &rip);
}

// EPT12, EPT23, ...: from the VMCSs that the hypervisors wrote, as far as that was seen; EPT01 from the processor's.
static bool own_ept(const struct view *view, unsigned level, uint64_t *eptp) {
    uint64_t proc = BIT(PROC_ACTIVATE_SECONDARY), proc2 = BIT(PROC2_ENABLE_EPT);
    const struct vmcs_source source = {view->machine, view->history, view->cpu, level};
    (void)vmcs_own_field(&source, FIELD_PROC_CONTROLS, &proc); // not seen: what hypervisors use
    (void)vmcs_own_field(&source, FIELD_PROC2_CONTROLS, &proc2);
    *eptp = 0;
    if (!(proc >> PROC_ACTIVATE_SECONDARY & 1) || !(proc2 >> PROC2_ENABLE_EPT & 1)) return true;
    return vmcs_own_field(&source, FIELD_EPT_POINTER, eptp);
}

static void take_own_ept(struct view *view) {
    view->has_own_ept = true;
    for (unsigned n = 1; n <= view->level && view->has_own_ept; n++)
        view->has_own_ept = own_ept(view, n, &view->own_ept[n]);
}

static unsigned running_level(const struct cpu *cpu) { return cpu->wire.extension ? vmx_level(cpu) : 0; }

bool view_is_there(const struct cpu *cpu, unsigned level) {
    return level == running_level(cpu) || level == 0 || vmx_level_vmcs(cpu, level) != VMX_NO_VMCS;
}

bool view_of(struct machine *machine, unsigned processor, int level, const struct history *history, struct view *view,
             char *error, size_t error_size) {
    const struct cpu *cpu = machine_cpu(machine, processor);
    *view = (struct view){.machine = machine, .cpu = cpu, .history = history, .vmcs = VMX_NO_VMCS};
    if (!cpu) return refuse(error, error_size, "there is no processor %u", processor);
    unsigned running = running_level(cpu);
    view->level = level < 0 ? running : (unsigned)level;
    if (view->level) view->vmcs = view->level == running ? vmx_current_vmcs(cpu) : vmx_level_vmcs(cpu, view->level);
    if (view->level == running) {
        take_live(view);
    } else if (!view->level) {
        view->source = VIEW_HOST_AREA;
        take_host_area(view, vmx_current_vmcs(cpu));
    } else if (view->vmcs == VMX_NO_VMCS) {
        return refuse(error, error_size, "level %u: nothing has run there yet on processor %u", view->level, processor);
    } else if (!is_known(cpu, view->level)) {
        return refuse(error, error_size, "level %u: it waits, and its VMCS has served another guest since",
                      view->level);
    } else {
        view->source = VIEW_GUEST_AREA;
        take_guest_area(view);
    }
    if (view->level && has_ept(view, view->vmcs)) view->eptp = field(view, view->vmcs, FIELD_EPT_POINTER);
    if (view->level > 1 && view->eptp && history) take_own_ept(view);
    return true;
}

// --- mode ---

unsigned view_code_bits(const struct view *view) {
    const struct segment *cs = &view->segment[CS];
    if (!(view->cr0 & CR0_PE) || view->rflags & FLAG_VM) return 16;
    if (view->efer & EFER_LMA && cs->rights & RIGHTS_L) return 64;
    return cs->rights & RIGHTS_DB ? 32 : 16;
}

unsigned view_cpl(const struct view *view) {
    if (!(view->cr0 & CR0_PE)) return 0;
    return view->rflags & FLAG_VM ? 3 : view->segment[SS].rights >> RIGHTS_DPL_SHIFT & 3;
}

uint64_t view_code_address(const struct view *view) {
    return view_code_bits(view) == 64 ? view->rip : (uint32_t)(view->base[CS] + view->rip);
}

const char *view_mode(const struct view *view) {
    if (!(view->cr0 & CR0_PE)) return "real mode";
    if (view->rflags & FLAG_VM) return "virtual-8086 mode";
    if (view->efer & EFER_LMA) return view_code_bits(view) == 64 ? "64-bit mode" : "compatibility mode";
    return view_code_bits(view) == 32 ? "32-bit protected mode" : "16-bit protected mode";
}

// --- memory ---

// The piece of `length` bytes that lies in one page, as physical memory; false when there is no RAM.
static bool piece(const struct view *view, enum space space, uint64_t address, size_t length, uint64_t *physical,
                  size_t *bytes) {
    *physical = address;
    if (space == SPACE_LINEAR && !walk_linear(view, address, physical)) return false;
    if (space == SPACE_GPA && !walk_guest_physical(view, address, physical)) return false;
    size_t room = 4096 - (address & 4095);
    *bytes = length < room ? length : room;
    return machine_ram(view->machine, *physical, *bytes);
}

size_t view_read(const struct view *view, enum space space, uint64_t address, void *to, size_t length) {
    size_t done = 0, bytes;
    uint64_t physical;
    while (done < length && piece(view, space, address + done, length - done, &physical, &bytes) &&
           machine_read(view->machine, physical, (uint8_t *)to + done, bytes))
        done += bytes;
    return done;
}

bool view_write(const struct view *view, enum space space, uint64_t address, const void *from, size_t length) {
    size_t bytes;
    uint64_t physical;
    for (size_t done = 0; done < length; done += bytes)
        if (!piece(view, space, address + done, length - done, &physical, &bytes)) return false;
    for (size_t done = 0; done < length; done += bytes)
        if (!piece(view, space, address + done, length - done, &physical, &bytes) ||
            !machine_set_memory(view->machine, physical, (const uint8_t *)from + done, bytes))
            return false;
    return true;
}
