// Random code as the guest of a small hypervisor: random controls, EPT entries and events. Its hypervisor skips what
// exits, writes one random field at each exit and goes on.
#include "cpu/event/control.h"
#include "tests/door.h"
#include "tests/system/random.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"
#include <string.h>

// Physical addresses, in the RAM that the guest has too.
enum {
    AT_PML4 = 0x70000,
    AT_PDPT = 0x71000,
    AT_PD = 0x72000,
    AT_GDT = 0x73000,
    AT_IDT = 0x74000,
    AT_CODE = 0x75000,
    AT_VMXON = 0x76000,
    AT_VMCS = 0x77000,
    AT_STACK = 0x78f00,
    AT_POINTERS = 0x79000,
    AT_COUNTER = 0x7a000, // as the code below has it
    AT_FIELDS = 0x7b000,  // as the code below has it
    AT_BITMAPS = 0x7c000, // I/O bitmaps A and B, MSR bitmaps
    AT_MSR_AREA = 0x7f000,
    AT_VIRTUAL_APIC = 0x80000,
    AT_APIC_ACCESS = 0x81000,
    AT_POSTED = 0x82000,
    AT_LOG = 0x83000,
    AT_VE = 0x84000,
    AT_EPTP_LIST = 0x85000,
    AT_SHADOW_BITMAPS = 0x86000, // VMREAD, VMWRITE
    AT_SHADOW = 0x88000,
    AT_EPT_PML4 = 0x8a000,
    AT_EPT_PDPT = 0x8b000,
    AT_EPT_PD = 0x8c000,
    AT_EPT_PT = 0x8d000, // of the first 4 MBytes
    AT_EPT_DEVICES = 0x8f000,
    AT_EPT_OTHER = 0x90000, // another PML4 table
};
enum { CODE_SELECTOR = 8, DATA_SELECTOR = 16, TSS_SELECTOR = 24 };
enum { PRESENT_WRITE = 3, PAGE_2M = 0x80, EPT_RWX = 7, EPT_WB = 6 << 3, EPT_EXECUTE_USER = 1 << 10 };
enum { LAUNCH = 11, EXIT = 0x20, RETURN = 0xc0, STOP = 0xd0 }; // offsets of the code

static uint64_t entered;
uint64_t random_guest_entries(void) { return entered; }

bool random_hypervisor(const struct cpu *cpu) { return cpu->rip >> 12 == AT_CODE >> 12; }

static void put(uint8_t *ram, uint64_t at, uint64_t v) { memcpy(ram + at, &v, 8); }

// --- memory ---

static void host_code(uint8_t *ram) {
    static const uint8_t start[] = {
        0xf3, 0x0f, 0xc7, 0x30, // vmxon [rax]
        0x66, 0x0f, 0xc7, 0x33, // vmclear [rbx]
        0x0f, 0xc7, 0x33,       // vmptrld [rbx]
        0x0f, 0x01, 0xc2, 0xf4, // vmlaunch; hlt
    };
    static const uint8_t exit[] = {
        0x50, 0x51, 0x52,                               // push rax, rcx, rdx
        0xb8, 0x02, 0x44, 0x00, 0x00, 0x0f, 0x78, 0xc1, // ecx = exit reason
        0x85, 0xc9, 0x78, 0x61,                         // a failed entry: stop
        0xff, 0x04, 0x25, 0x00, 0xa0, 0x07, 0x00,       // inc dword [AT_COUNTER]
        0xb8, 0x0c, 0x44, 0x00, 0x00, 0x0f, 0x78, 0xc1, // rcx = instruction length
        0xb8, 0x1e, 0x68, 0x00, 0x00, 0x0f, 0x78, 0xc2, // rdx = RIP
        0x48, 0x01, 0xca, 0x0f, 0x79, 0xc2,             // RIP = rdx + rcx
        0x31, 0xd2,                                     // edx = 0
        0xb8, 0x24, 0x48, 0x00, 0x00, 0x0f, 0x79, 0xc2, // interruptibility = 0
        0xb8, 0x26, 0x48, 0x00, 0x00, 0x0f, 0x79, 0xc2, // activity = 0
        0x0f, 0xb6, 0x04, 0x25, 0x00, 0xa0, 0x07, 0x00, // eax = byte [AT_COUNTER]
        0xc1, 0xe0, 0x04,                               // the field at AT_FIELDS + 16 * eax
        0x48, 0x8b, 0x90, 0x08, 0xb0, 0x07, 0x00,       //   gets the value beside it
        0x8b, 0x88, 0x00, 0xb0, 0x07, 0x00,             //
        0x0f, 0x79, 0xca,                               //
        0x5a, 0x59, 0x58, 0x0f, 0x01, 0xc3,             // pop rdx, rcx, rax; vmresume
        0x50, 0x52, 0x31, 0xd2,                         // VMfail: perhaps the event
        0xb8, 0x16, 0x40, 0x00, 0x00, 0x0f, 0x79, 0xc2, // VM-entry interruption information = 0
        0x5a, 0x58, 0x0f, 0x01, 0xc3,                   // pop rdx, rax; vmresume
        0xf4, 0xeb, 0xfd,                               // stop: hlt; jmp stop
    };
    memcpy(ram + AT_CODE, start, sizeof start);
    memcpy(ram + AT_CODE + EXIT, exit, sizeof exit);
    memcpy(ram + AT_CODE + RETURN, "\x48\xcf", 2); // iretq
    memcpy(ram + AT_CODE + STOP, "\xf4\xeb\xfd", 3);
}

static void host_tables(uint8_t *ram) {
    memset(ram + AT_PML4, 0, 0x6000);
    put(ram, AT_PML4, AT_PDPT | PRESENT_WRITE);
    put(ram, AT_PDPT, AT_PD | PRESENT_WRITE);
    for (uint64_t i = 0; i < 512; i++) put(ram, AT_PD + 8 * i, i << 21 | PRESENT_WRITE | PAGE_2M);
    put(ram, AT_GDT + CODE_SELECTOR, 0x00af9b000000ffff);
    put(ram, AT_GDT + DATA_SELECTOR, 0x00cf93000000ffff);
    put(ram, AT_GDT + TSS_SELECTOR, 0x00008b0000000067 | (uint64_t)AT_GDT << 16);
    for (unsigned v = 0; v < 32; v++) {
        uint64_t handler = AT_CODE + (v == VECTOR_NMI ? RETURN : STOP);
        put(ram, AT_IDT + 16 * v, (handler & 0xffff) | CODE_SELECTOR << 16 | 0x8e00ull << 32 | handler >> 16 << 48);
        put(ram, AT_IDT + 16 * v + 8, 0);
    }
    host_code(ram);
}

static uint64_t ept_page(uint64_t *random, uint64_t page) {
    uint64_t entry = page | EPT_RWX | EPT_WB | EPT_EXECUTE_USER | (random64(random) & BITS(9, 8)); // A, D
    if (random_chance(random, 32)) entry ^= 1u << random_below(random, 3);
    if (random_chance(random, 64)) entry ^= BIT(63); // suppress #VE
    return random_chance(random, 256) ? entry ^ random_value(random) : entry;
}
static void ept_tables(uint64_t *random, uint8_t *ram) {
    const uint64_t table = EPT_RWX | EPT_EXECUTE_USER;
    memset(ram + AT_EPT_PML4, 0, 0x7000);
    for (uint64_t i = 0; i < 512; i++) {
        put(ram, AT_EPT_PML4 + 8 * i, AT_EPT_PDPT | table);
        put(ram, AT_EPT_OTHER + 8 * i, AT_EPT_PDPT | table);
        put(ram, AT_EPT_PDPT + 8 * i, (i == 3 ? AT_EPT_DEVICES : AT_EPT_PD) | table);
        put(ram, AT_EPT_PD + 8 * i, ept_page(random, i << 21) | PAGE_2M);
        put(ram, AT_EPT_DEVICES + 8 * i, ept_page(random, 3ull << 30 | i << 21) | PAGE_2M);
    }
    put(ram, AT_EPT_PD, AT_EPT_PT | table);
    put(ram, AT_EPT_PD + 8, (AT_EPT_PT + 4096) | table);
    for (uint64_t i = 0; i < 1024; i++) {
        uint64_t page = random_chance(random, 64) ? random_below(random, 1024) : i;
        put(ram, AT_EPT_PT + 8 * i, ept_page(random, page << 12));
    }
}

static uint64_t some(uint64_t *random, const struct vmx *vmx, enum control_group group) {
    uint64_t bits = random64(random) & (random_chance(random, 2) ? random64(random) & random64(random) : ~0ull);
    return (bits & vmx->capability.allowed1[group]) | vmx->capability.allowed0[group];
}

static uint64_t processor_controls(uint64_t *random, const struct vmx *vmx) {
    uint64_t often = BIT(PROC_INTERRUPT_WINDOW_EXITING) | BIT(PROC_NMI_WINDOW_EXITING) | BIT(PROC_MONITOR_TRAP_FLAG);
    return some(random, vmx, GROUP_PROC) & (random_chance(random, 4) ? ~0ull : ~often);
}

// What the hypervisor writes at each exit: an event, where to go on, or a control that is no trap for VM entry.
static uint64_t written_field(uint64_t *random, const struct vmx *vmx, uint64_t *value) {
    static const enum vmcs_field fields[] = {
        FIELD_EXCEPTION_BITMAP, FIELD_PREEMPTION_TIMER, FIELD_TPR_THRESHOLD,
        FIELD_CR0_MASK,         FIELD_CR4_MASK,         FIELD_CR0_SHADOW,
        FIELD_TSC_OFFSET,       FIELD_PAGE_FAULT_MASK,  FIELD_GUEST_INTERRUPT_STATUS,
        FIELD_EOI_EXIT_BITMAP1, FIELD_GUEST_RSP,        FIELD_PML_INDEX};
    uint64_t r = random64(random);
    *value = random_value(random);
    if (r & 1) return field_encoding(fields[(r >> 8) % (sizeof fields / sizeof *fields)]);
    if ((r & 28) == 28) {
        *value = processor_controls(random, vmx);
        return field_encoding(FIELD_PROC_CONTROLS);
    }
    if (r & 4) {
        *value = RANDOM_CODE + random_below(random, RANDOM_CODE_BYTES);
        return field_encoding(FIELD_GUEST_RIP);
    }
    static const uint32_t events[] = {0x80000300, 0x80000b00, 0x80000000, 0x80000202, 0x80000400, 0x80000600};
    *value = events[(r >> 8) % 6];
    unsigned vector = (unsigned)(r >> 16);
    if (*value == 0x80000300) *value |= vector % 8;
    if (*value == 0x80000b00) *value |= 10 + vector % 5;
    if (*value == 0x80000000 || *value == 0x80000400) *value |= vector % 256;
    if (*value == 0x80000600) *value |= 3 + vector % 2;
    return field_encoding(FIELD_ENTRY_INTERRUPTION);
}

static void memory(uint64_t *random, const struct vmx *vmx, uint8_t *ram) {
    host_tables(ram);
    ept_tables(random, ram);
    memset(ram + AT_COUNTER, 0, 4096);
    for (unsigned i = 0; i < 256; i++) {
        uint64_t value = 0;
        put(ram, AT_FIELDS + 16 * i, written_field(random, vmx, &value));
        put(ram, AT_FIELDS + 16 * i + 8, value);
    }
    for (unsigned i = 0; i < 3 * 4096; i += 8) put(ram, AT_BITMAPS + i, random64(random) & random64(random));
    memset(ram + AT_MSR_AREA, 0, AT_EPT_PML4 - AT_MSR_AREA);
    for (unsigned i = 0; i < 2 * 4096; i += 8) put(ram, AT_SHADOW_BITMAPS + i, random64(random));
    put(ram, AT_EPTP_LIST, AT_EPT_PML4 | 3 << 3 | 6);
    put(ram, AT_EPTP_LIST + 8, AT_EPT_OTHER | 3 << 3 | 6);
    put(ram, AT_SHADOW, VMCS_REVISION | BIT(31));
    put(ram, AT_VMXON, VMCS_REVISION);
    put(ram, AT_VMCS, VMCS_REVISION);
    put(ram, AT_POINTERS, AT_VMXON);
    put(ram, AT_POINTERS + 8, AT_VMCS);
}

// --- the VMCS ---

static void host(struct vmx *vmx) {
    for (unsigned f = FIELD_HOST_ES_SELECTOR; f <= FIELD_HOST_GS_SELECTOR; f++)
        vmcs_put(vmx, (enum vmcs_field)f, DATA_SELECTOR);
    vmcs_set(vmx, HOST_CS_SELECTOR, CODE_SELECTOR);
    vmcs_set(vmx, HOST_TR_SELECTOR, TSS_SELECTOR);
    vmcs_set(vmx, HOST_TR_BASE, AT_GDT);
    vmcs_set(vmx, HOST_GDTR_BASE, AT_GDT);
    vmcs_set(vmx, HOST_IDTR_BASE, AT_IDT);
    vmcs_set(vmx, HOST_CR0, CR0_PE | CR0_PG | CR0_NE | CR0_ET);
    vmcs_set(vmx, HOST_CR3, AT_PML4);
    vmcs_set(vmx, HOST_CR4, CR4_PAE | CR4_VMXE);
    vmcs_set(vmx, HOST_EFER, EFER_LME | EFER_LMA);
    vmcs_set(vmx, HOST_PAT, 0x0007040600070406);
    vmcs_set(vmx, HOST_RSP, AT_STACK);
    vmcs_set(vmx, HOST_RIP, AT_CODE + EXIT);
}

static void guest(struct vmx *vmx, const struct cpu *cpu) {
    vmcs_set(vmx, GUEST_CR0, cpu->control.cr0 | CR0_NE);
    vmcs_set(vmx, GUEST_CR3, cpu->control.cr3);
    vmcs_set(vmx, GUEST_CR4, cpu->control.cr4 | CR4_VMXE);
    vmcs_set(vmx, GUEST_EFER, cpu->control.efer);
    for (unsigned s = ES; s <= TR; s++) {
        vmcs_put(vmx, FIELD_GUEST_ES_SELECTOR + s, cpu->segment[s].selector);
        vmcs_put(vmx, FIELD_GUEST_ES_LIMIT + s, cpu->segment[s].limit);
        vmcs_put(vmx, FIELD_GUEST_ES_RIGHTS + s, cpu->segment[s].rights);
        vmcs_put(vmx, FIELD_GUEST_ES_BASE + s, cpu->segment_base[s]);
    }
    vmcs_set(vmx, GUEST_GDTR_BASE, cpu->gdtr.base);
    vmcs_set(vmx, GUEST_GDTR_LIMIT, cpu->gdtr.limit);
    vmcs_set(vmx, GUEST_IDTR_BASE, cpu->idtr.base);
    vmcs_set(vmx, GUEST_IDTR_LIMIT, cpu->idtr.limit);
    vmcs_set(vmx, GUEST_DR7, cpu->control.dr[7]);
    vmcs_set(vmx, GUEST_DEBUGCTL, cpu->msr.debugctl);
    vmcs_set(vmx, GUEST_RSP, cpu->gpr[RSP]);
    vmcs_set(vmx, GUEST_RIP, cpu->rip);
    vmcs_set(vmx, GUEST_RFLAGS, cpu_rflags(cpu));
    vmcs_set(vmx, GUEST_SYSENTER_CS, cpu->msr.sysenter_cs);
    vmcs_set(vmx, GUEST_SYSENTER_EIP, cpu->msr.sysenter_eip);
    vmcs_set(vmx, GUEST_PAT, 0x0007040600070406);
    for (unsigned i = 0; i < 4; i++) vmcs_put(vmx, FIELD_GUEST_PDPTE0 + i, cpu->control.pdpte[i]);
    vmcs_set(vmx, VMCS_LINK_POINTER, ~0ull);
}

static void controls(uint64_t *random, struct vmx *vmx, enum random_kind kind) {
    uint64_t unpaged = kind < RANDOM_PAGED_32 ? BIT(PROC2_UNRESTRICTED_GUEST) | BIT(PROC2_ENABLE_EPT) : 0;
    uint64_t exits = some(random, vmx, GROUP_EXIT), entry = some(random, vmx, GROUP_ENTRY);
    entry &= ~(BIT(ENTRY_IA32E_MODE_GUEST) | BIT(ENTRY_LOAD_EFER));
    if (random_long(kind)) entry |= BIT(ENTRY_IA32E_MODE_GUEST);
    vmcs_set(vmx, PIN_CONTROLS, some(random, vmx, GROUP_PIN));
    vmcs_set(vmx, PROC_CONTROLS, processor_controls(random, vmx) | (unpaged ? BIT(PROC_ACTIVATE_SECONDARY) : 0));
    vmcs_set(vmx, PROC2_CONTROLS, some(random, vmx, GROUP_PROC2) | unpaged);
    vmcs_set(vmx, EXIT_CONTROLS, exits | BIT(EXIT_HOST_ADDRESS_SPACE_SIZE) | BIT(EXIT_LOAD_EFER));
    vmcs_set(vmx, ENTRY_CONTROLS, entry | BIT(ENTRY_LOAD_EFER));
}

static void addresses(uint64_t *random, struct vmx *vmx) {
    vmcs_set(vmx, IO_BITMAP_A, AT_BITMAPS);
    vmcs_set(vmx, IO_BITMAP_B, AT_BITMAPS + 0x1000);
    vmcs_set(vmx, MSR_BITMAPS, AT_BITMAPS + 0x2000);
    vmcs_set(vmx, VIRTUAL_APIC_ADDRESS, AT_VIRTUAL_APIC);
    vmcs_set(vmx, APIC_ACCESS_ADDRESS, random_chance(random, 2) ? 0xfee00000 : AT_APIC_ACCESS);
    vmcs_set(vmx, POSTED_DESCRIPTOR, AT_POSTED);
    vmcs_set(vmx, PML_ADDRESS, AT_LOG);
    vmcs_set(vmx, VE_INFORMATION_ADDRESS, AT_VE);
    vmcs_set(vmx, EPTP_LIST_ADDRESS, AT_EPTP_LIST);
    vmcs_set(vmx, VMREAD_BITMAP, AT_SHADOW_BITMAPS);
    vmcs_set(vmx, VMWRITE_BITMAP, AT_SHADOW_BITMAPS + 0x1000);
    vmcs_set(vmx, EPT_POINTER, AT_EPT_PML4 | 3 << 3 | 6 | (random_chance(random, 2) ? BIT(6) : 0));
    if (random_chance(random, 4)) vmcs_set(vmx, VMCS_LINK_POINTER, AT_SHADOW);
}

static void numbers(uint64_t *random, struct vmx *vmx) {
    vmcs_set(vmx, EXCEPTION_BITMAP, random64(random) & random64(random) & random64(random) & UINT32_MAX);
    vmcs_set(vmx, CR0_MASK, random64(random) & random64(random));
    vmcs_set(vmx, CR4_MASK, random64(random) & random64(random));
    vmcs_set(vmx, CR0_SHADOW, random64(random));
    vmcs_set(vmx, CR4_SHADOW, random64(random));
    vmcs_set(vmx, TPR_THRESHOLD, random_below(random, 16));
    vmcs_set(vmx, TSC_OFFSET, random_value(random));
    vmcs_set(vmx, TSC_MULTIPLIER, random_chance(random, 2) ? 1ull << 48 : random64(random));
    vmcs_set(vmx, VPID, 1 + random_below(random, 4));
    vmcs_set(vmx, PREEMPTION_TIMER, random_below(random, 200));
    vmcs_set(vmx, PML_INDEX, random_chance(random, 2) ? 511 : random_below(random, 8));
    vmcs_set(vmx, VM_FUNCTION_CONTROLS, 1);
    vmcs_set(vmx, PLE_GAP, random_below(random, 200));
    vmcs_set(vmx, PLE_WINDOW, random_below(random, 2000));
    vmcs_set(vmx, EOI_EXIT_BITMAP0, random64(random));
    vmcs_set(vmx, GUEST_INTERRUPT_STATUS, random_chance(random, 2) ? 0 : random_below(random, 65536));
}

// --- the processor ---

static void segment(struct cpu *cpu, unsigned s, uint16_t selector, uint32_t limit, uint32_t rights, uint64_t base) {
    cpu->segment[s] = (struct segment){.selector = selector, .limit = limit, .rights = rights};
    cpu->segment_base[s] = base;
}
static void long_mode(struct cpu *cpu) {
    cpu->control.cr0 = CR0_PE | CR0_PG | CR0_NE | CR0_ET;
    cpu->control.cr3 = AT_PML4;
    cpu->control.cr4 = CR4_PAE | CR4_VMXE;
    cpu->control.efer = EFER_LME | EFER_LMA;
    segment(cpu, CS, CODE_SELECTOR, ~0u, 0xa09b, 0);
    for (unsigned s = ES; s <= GS; s++)
        if (s != CS) segment(cpu, s, DATA_SELECTOR, ~0u, 0xc093, 0);
    segment(cpu, TR, TSS_SELECTOR, 0x67, 0x8b, AT_GDT);
    segment(cpu, LDTR, 0, 0, (uint32_t)RIGHTS_UNUSABLE, 0);
    cpu->gdtr = (struct descriptor_table){AT_GDT, 0xfff};
    cpu->idtr = (struct descriptor_table){AT_IDT, 0xfff};
    cpu->control.dr[7] = 0x400;
    cpu->msr.debugctl = 0;
    cpu->rip = AT_CODE;
    cpu->gpr[RAX] = AT_POINTERS;
    cpu->gpr[RBX] = AT_POINTERS + 8;
    cpu->msr.feature_control = 5;
    cpu_set_rflags(cpu, BIT(1));
    tlb_select(cpu);
    cpu_update_mode(cpu);
}

void random_guest(uint64_t *random, enum random_kind kind, struct machine *m) {
    enum { TRIES = 40 };
    static struct cpu before;
    struct cpu *cpu = inside_cpu(m, 0);
    before = *cpu;
    struct vmx *vmx = cpu->wire.extension->state;
    memory(random, vmx, inside_ram(m, 0, RANDOM_RAM));
    machine_drop_derived(m);
    long_mode(cpu);
    (void)machine_run(m, 3);
    if (vmx->current != AT_VMCS || cpu->rip != AT_CODE + LAUNCH) bail("no VMCS: RIP %lx", cpu->rip);
    memcpy(cpu->gpr, before.gpr, sizeof before.gpr);
    host(vmx);
    guest(vmx, &before);
    numbers(random, vmx);
    addresses(random, vmx);
    struct vmx_failure failure;
    unsigned tries = 0;
    do controls(random, vmx, kind);
    while (++tries < TRIES && vmx_explain_checks(cpu, &failure, 1) != 0);
    entered += tries < TRIES;
}
